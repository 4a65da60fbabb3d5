//! `/healthz` and `/readyz`: whether the daemon is alive, and collects. Nothing is read for them but the daemon's own signs
//! of life, so that they are answered at once whatever the disk does.

use axum::http::StatusCode;

use crate::daemon::Pulse;

/// Whether the daemon makes progress. Where it does not, a restart may help.
pub(super) fn alive(pulse: &Pulse) -> (StatusCode, &'static str) {
    match pulse.is_alive() {
        true => (StatusCode::OK, "alive\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stuck: the daemon has made no progress for a while\n"),
    }
}

/// Whether the schedule runs. It does not say whether Atlas answers: a restart would not help there.
pub(super) fn ready(pulse: &Pulse) -> (StatusCode, &'static str) {
    match (pulse.is_collecting(), pulse.is_alive()) {
        (true, true) => (StatusCode::OK, "collecting\n"),
        (true, false) => alive(pulse),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not collecting: the daemon is starting or stopping\n"),
    }
}
