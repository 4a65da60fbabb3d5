//! How busy and how odd the generated part of a source's ground truth is.

use std::time::Duration;

use crate::instant::Instant;

/// When generated events become visible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrival {
    /// Each on its own: 1 to 10 s after it happened; the `late` share of them up to `latest` after it.
    Single {
        /// Share of late ones, 0 to 1.
        late: f64,
        /// The greatest lateness. The documentation of the audit log says 5 minutes.
        latest: Duration,
    },
    /// Every host hands over what it has in batches, as access histories were recorded: the newest entry was between
    /// 51 s and 376 s old.
    HostBatches {
        /// From one batch of a host to its next.
        every: Duration,
        /// From the end of a batch until it is visible.
        after: Duration,
    },
}

impl Arrival {
    /// The batches that were recorded.
    pub const RECORDED: Self = Self::HostBatches { every: Duration::from_secs(320), after: Duration::from_secs(55) };

    /// The longest that an event can stay invisible.
    #[must_use]
    pub fn longest(self) -> Duration {
        match self {
            Self::Single { latest, .. } => latest.max(Duration::from_secs(10)),
            Self::HostBatches { every, after } => every + after,
        }
    }
}

/// More events than usual, again and again: for `lasting` minutes every `every_days` days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// From one burst to the next, in days; the phase follows from the seed.
    pub every_days: u32,
    /// How long it lasts, in minutes, at least 1.
    pub lasting: u32,
    /// How many additional events it brings. More than 20,000 do not fit into one page.
    pub events: u32,
}

/// What the generated events of a source are like. Shares are from 0 to 1, each judged for each event.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Nothing happens before.
    pub since: Instant,
    /// Events a minute, on average.
    pub per_minute: f64,
    /// Makes another truth of the same source, for instance after it was deleted and made again.
    pub salt: u64,
    /// When they become visible.
    pub arrival: Arrival,
    /// Additional events.
    pub burst: Option<Burst>,
    /// Share that happens twice: same bytes, same clocks, two records.
    pub duplicates: f64,
    /// Share with text that is not ASCII.
    pub non_ascii: f64,
    /// Share of very long records.
    pub long: f64,
    /// About how many bytes a very long one has.
    pub long_bytes: usize,
    /// Audit lines that are not JSON.
    pub not_json: f64,
    /// Audit lines and entries' `logLine`s without any time.
    pub timeless: f64,
    /// Access history: failed attempts.
    pub failures: f64,
    /// Access history: `logLine` in the plain text of old servers.
    pub plain_log_lines: f64,
    /// Access history: `timestamp` as the documentation has it, `2025-06-06T07:34:45Z`.
    pub iso_timestamps: f64,
    /// Access history: entries in which some of the nine fields are missing.
    pub missing_fields: f64,
    /// Access history: `authResult` as a string.
    pub text_results: f64,
    /// Every record padded to this many bytes, cheaply: for large volumes.
    pub padded_to: Option<usize>,
}

impl Profile {
    /// Events without any oddity, each visible 1 to 10 s after it happened.
    #[must_use]
    pub fn plain(since: Instant, per_minute: f64) -> Self {
        Self {
            since,
            per_minute,
            salt: 0,
            arrival: Arrival::Single { late: 0.0, latest: Duration::ZERO },
            burst: None,
            duplicates: 0.0,
            non_ascii: 0.0,
            long: 0.0,
            long_bytes: 100 * 1024,
            not_json: 0.0,
            timeless: 0.0,
            failures: 0.0,
            plain_log_lines: 0.0,
            iso_timestamps: 0.0,
            missing_fields: 0.0,
            text_results: 0.0,
            padded_to: None,
        }
    }

    /// An audit log with late lines (up to the documented 5 minutes) and all its oddities.
    #[must_use]
    pub fn audit(since: Instant, per_minute: f64) -> Self {
        Self {
            arrival: Arrival::Single { late: 0.05, latest: Duration::from_secs(300) },
            ..Self::odd(since, per_minute)
        }
    }

    /// An access history in batches from each host and with all its oddities.
    #[must_use]
    pub fn access(since: Instant, per_minute: f64) -> Self {
        Self { arrival: Arrival::RECORDED, ..Self::odd(since, per_minute) }
    }

    /// Records of `line_bytes` bytes that cost little to make: a large volume of one window.
    #[must_use]
    pub fn bulk(since: Instant, per_minute: f64, line_bytes: usize) -> Self {
        Self { padded_to: Some(line_bytes), ..Self::plain(since, per_minute) }
    }

    /// The same with additional events.
    #[must_use]
    pub fn with_burst(mut self, burst: Burst) -> Self {
        self.burst = Some(burst);
        self
    }

    fn odd(since: Instant, per_minute: f64) -> Self {
        Self {
            duplicates: 0.01,
            non_ascii: 0.03,
            long: 0.0002,
            not_json: 0.005,
            timeless: 0.005,
            failures: 0.1,
            plain_log_lines: 0.02,
            iso_timestamps: 0.05,
            missing_fields: 0.01,
            text_results: 0.01,
            ..Self::plain(since, per_minute)
        }
    }
}
