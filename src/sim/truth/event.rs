//! One thing that happened: its bytes and its clocks.

use std::time::Duration;

use bytes::Bytes;

use super::{access_entry::AccessEntry, audit_line, range::RangeClock};
use crate::instant::Instant;

/// The clocks of an event. They differ, and which of them a range is compared with is not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// When it happened: `time` of an audit line, `t.$date` in the `logLine` of an access-history entry (milliseconds).
    pub time: Instant,
    /// `timestamp` of an access-history entry: whole seconds, 20 ms ahead of `time` to 1 s behind it. Of an audit
    /// line: `time` in whole seconds.
    pub timestamp: Instant,
    /// When Atlas took it in: not before `time`, not after `visible_at`. Stands nowhere in the bytes.
    pub ingested_at: Instant,
    /// From when on an answer shows it.
    pub visible_at: Instant,
    /// What the range is compared with, whatever [`RangeClock`] is set.
    pub compare_at: Option<Instant>,
}

impl Clocks {
    /// All clocks at `time`: visible at once.
    #[must_use]
    pub fn at(time: Instant) -> Self {
        let timestamp = Instant::from_seconds(time.seconds_floor());
        Self { time, timestamp, ingested_at: time, visible_at: time, compare_at: None }
    }

    /// The instant that a range is compared with.
    #[must_use]
    pub fn compared(self, clock: RangeClock) -> Instant {
        self.compare_at.unwrap_or(match clock {
            RangeClock::Timestamp => self.timestamp,
            RangeClock::LogLine => self.time,
            RangeClock::Ingested => self.ingested_at,
        })
    }
}

/// An event of the ground truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened, and when it can be seen.
    pub clocks: Clocks,
    /// An audit line without its `\n`, or an access-history entry: one JSON object. Any other bytes are served just so.
    pub bytes: Bytes,
}

impl Event {
    /// An event of exactly these bytes, visible at once. The bytes should show `time`; nothing checks that.
    #[must_use]
    pub fn new(time: Instant, bytes: impl Into<Bytes>) -> Self {
        Self { clocks: Clocks::at(time), bytes: bytes.into() }
    }

    /// A well-formed audit line in which `note` makes it tell itself from others.
    #[must_use]
    pub fn audit(time: Instant, note: &str) -> Self {
        Self::new(time, audit_line::noted(time, note))
    }

    /// A well-formed access-history entry: a success, written by host `hostname`, in which `note` is the user's name.
    #[must_use]
    pub fn access(time: Instant, hostname: &str, note: &str) -> Self {
        let event = Self::new(time, Bytes::new());
        let entry = AccessEntry::success(event.clocks, hostname, note);
        Self { bytes: entry.render().into(), ..event }
    }

    /// The same for a failed attempt from `ip_address`.
    #[must_use]
    pub fn access_failure(time: Instant, hostname: &str, note: &str, ip_address: &str) -> Self {
        let event = Self::new(time, Bytes::new());
        let entry = AccessEntry::failure(event.clocks, hostname, note, ip_address);
        Self { bytes: entry.render().into(), ..event }
    }

    /// The same event, taken in and visible only from `visible_at` on.
    #[must_use]
    pub fn visible_at(mut self, visible_at: Instant) -> Self {
        self.clocks.visible_at = visible_at;
        self.clocks.ingested_at = visible_at;
        self
    }

    /// The same event, visible `lateness` after it happened.
    #[must_use]
    pub fn late(self, lateness: Duration) -> Self {
        let visible_at = self.clocks.time + lateness;
        self.visible_at(visible_at)
    }

    /// The same event, whose range is compared with `compare_at` under every setting.
    #[must_use]
    pub fn compare_at(mut self, compare_at: Instant) -> Self {
        self.clocks.compare_at = Some(compare_at);
        self
    }
}
