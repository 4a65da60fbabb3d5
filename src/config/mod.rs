//! The configuration.

mod checked;

pub use checked::*;
