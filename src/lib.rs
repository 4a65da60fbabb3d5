//! atlas-logd archives MongoDB Atlas logs.

pub mod clock;
pub mod config;
pub mod instant;
pub mod sim;
pub mod source;
pub mod window;
