//! How long is waited for what comes by itself.

use std::{
    fmt::Display,
    time::{Duration, Instant as Deadline},
};

/// No wait for another process is longer: whoever waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Between two tries the others get on.
const PAUSE: Duration = Duration::from_millis(1);

/// Tries again and again until it succeeds; with the last error where it never does.
#[track_caller]
pub(crate) fn try_until<T, E: Display>(mut attempt: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Deadline::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(there) => return there,
            Err(error) => assert!(Deadline::now() < deadline, "{error}"),
        }
        std::thread::sleep(PAUSE);
    }
}
