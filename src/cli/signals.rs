//! Signals of the operating system.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::daemon::Stop;

/// Stops at the first SIGTERM or SIGINT, and waits for nothing at the second.
///
/// # Errors
/// When the signals cannot be listened to.
pub(super) fn stop_at_signal() -> std::io::Result<Stop> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = Stop::default();
    let steps = [stop.soon.clone(), stop.now.clone()];
    tokio::spawn(async move {
        for step in steps {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            step.cancel();
        }
    });
    Ok(stop)
}

/// SIGHUP.
///
/// # Errors
/// When the signal cannot be listened to.
pub(super) fn hangup() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}
