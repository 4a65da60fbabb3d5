//! Tries to break commit and recovery: crashes at every point, faults of every operation. What can be done to the files
//! otherwise is in `tests/damage`, and kills of the real program are in `tests/kills`.
//!
//! Of the recoveries, `cargo test` tries that of every seventh moment, and of each two of the states that a power loss can
//! leave. This tries them all, which takes long:
//!
//! ```text
//! ATLAS_LOGD_CRASH_VARIANTS=all cargo test --release --test crash -- --nocapture recovery_from_a_crash
//! ```

#![expect(clippy::unwrap_used, reason = "a test")]

mod crashes;
mod disk;
mod evidence;
mod faults;
mod loss;
mod machine;
mod oracle;
mod process;
mod sealing;
mod spools;
mod stored;
mod upkeep;
mod workload;
