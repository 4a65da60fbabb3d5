//! What a machine or a person can do to the files of atlas-logd, on real files with a real SQLite: every damage, at every
//! place, with everything that can happen next.

#![expect(clippy::unwrap_used, reason = "a test")]

mod bits;
mod cases;
mod damages;
mod databases;
mod low_disk;
mod matrix;
mod oracle;
mod real_disk;
mod scene;
mod small_disk;
mod transactions;
mod values;
