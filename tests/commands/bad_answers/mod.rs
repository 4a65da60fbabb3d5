//! What Atlas may send that is wrong.

mod backlog;
mod cases;
mod every_byte;
mod fails;
mod recovers;
mod retreat;
