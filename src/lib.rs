//! atlas-logd archives MongoDB Atlas logs.

pub mod archive;
pub mod atlas;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod commit;
pub mod config;
pub mod daemon;
pub mod instant;
mod nearest;
pub mod plan;
pub mod record;
pub mod sim;
pub mod source;
pub mod state;
pub mod window;
