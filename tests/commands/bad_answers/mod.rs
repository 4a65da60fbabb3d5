//! What Atlas may send that is wrong.

mod cases;
mod every_byte;
mod fails;
mod recovers;
