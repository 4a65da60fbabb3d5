//! Tries to break commit and recovery: crashes at every point, faults of every operation, damage of every kind, kills.

#![expect(clippy::unwrap_used, reason = "a test")]

mod crashes;
mod damage;
mod disk;
mod faults;
mod kills;
mod loss;
mod machine;
mod oracle;
mod process;
mod setting;
mod spools;
mod workload;
