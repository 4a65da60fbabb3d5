//! Work that waits for disks, on threads that may wait.

use crate::{collect::PollError, vitals};

/// Does what waits for disks on a thread that may wait. A panic there is an error of this one poll.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PollError> + Send + 'static,
) -> Result<T, PollError> {
    match vitals::blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(PollError::Panicked(panic_message(error))),
    }
}

pub(super) fn panic_message(error: tokio::task::JoinError) -> String {
    if error.is_cancelled() {
        return "cancelled".to_owned();
    }
    let panic = error.into_panic();
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
