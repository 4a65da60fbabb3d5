//! Tells whoever watches over the daemon that it makes progress, and tells the log what does not.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::daemon::Pulse;

/// What hangs is told again so often.
const REMIND_EVERY: Duration = Duration::from_secs(3600);

/// Looks `every` so often whether the daemon makes progress, and tells `each` time: nothing where it does, else what hangs. For
/// ever.
pub async fn watch(pulse: Arc<Pulse>, every: Duration, mut each: impl FnMut(Option<&str>)) {
    let mut look = interval(every);
    // After a pause, one look is as good as many.
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<Instant> = None;
    loop {
        look.tick().await;
        let stuck = pulse.examine();
        match &stuck {
            Some(what) if told.is_none_or(|told| told.elapsed() >= REMIND_EVERY) => {
                told = Some(Instant::now());
                tracing::error!(
                    "the daemon does not get on: {what}. Most often a disk or a network file system does not answer (`dmesg` may \
                     say which). The service manager is not told any more that it is well, and restarts it if it has a watchdog"
                );
            }
            Some(_) => {}
            None if told.take().is_some() => tracing::info!("the daemon gets on again"),
            None => {}
        }
        each(stuck.as_deref());
    }
}
