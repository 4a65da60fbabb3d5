//! atlas-logd archives MongoDB Atlas logs.

pub mod atlas;
pub mod clock;
pub mod config;
pub mod instant;
pub mod source;
pub mod window;
