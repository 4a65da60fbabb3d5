//! What cannot be shown is told once, and once when it can be again.

use std::{
    fmt::Display,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether it was told that something cannot be shown.
#[derive(Debug, Default)]
pub(super) struct Told(AtomicBool);

impl Told {
    /// Tells how it went this time, where that is news: that it `fails`, and why, or that it is `well` again.
    pub(super) fn tell(&self, fault: Option<&dyn Display>, fails: &str, well: &str) {
        let before = self.0.swap(fault.is_some(), Ordering::Relaxed);
        match fault {
            Some(error) if !before => tracing::error!(event = "http-failed", "{fails}: {error}"),
            None if before => tracing::info!(event = "http-recovered", "{well}"),
            _ => {}
        }
    }
}
