//! When a segment is sealed and the next one opened.

use crate::{
    config::{Archive, RotateEvery},
    instant::Instant,
    state::OpenSegment,
};

/// When a segment is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// At this many bytes, judged before a window.
    pub size: u64,
    /// At the end of the hour or day (UTC) in which it was opened.
    pub every: RotateEvery,
}

impl From<&Archive> for Rotation {
    fn from(archive: &Archive) -> Self {
        Self { size: archive.rotate_size, every: archive.rotate_every }
    }
}

impl Rotation {
    /// Whether the hour or day in which the segment was opened is over.
    #[must_use]
    pub fn is_over(self, open: &OpenSegment, now: Instant) -> bool {
        self.period(open.name.opened()) != self.period(now)
    }

    /// Whether the segment is as large as it may get.
    #[must_use]
    pub fn is_full(self, open: &OpenSegment) -> bool {
        open.length >= self.size
    }

    fn period(self, instant: Instant) -> i64 {
        let seconds = match self.every {
            RotateEvery::Hour => 3600,
            RotateEvery::Day => 86_400,
        };
        instant.seconds_floor().div_euclid(seconds)
    }
}
