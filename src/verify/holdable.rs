//! Which segments can hold records of a range of time.

use std::time::Duration;

use crate::{evidence::SegmentDigest, instant::Instant, window::Window};

/// Whether a segment can hold records that belong to `range`. Where that is unsure, it can.
pub(super) fn can_hold(digest: &SegmentDigest, range: Window) -> bool {
    let everything = range == Window::new(Instant::MIN, Instant::MAX);
    // The end of what was collected may belong to it or not.
    let range = Window::new(range.from - Duration::from_millis(1), range.to);
    everything
        || digest.bytes == 0
        || says_of(digest, range)
        // Records without any time, or beyond the watermark.
        || shares(range, digest.opened.min(digest.sealed), digest.sealed.max(digest.opened))
}

/// Whether a segment can hold records that happened in `range` or were collected for it, as far as its digest says.
pub(super) fn says_of(digest: &SegmentDigest, range: Window) -> bool {
    let timed = digest.first_record.zip(digest.last_record);
    let mut collected = digest.covered.iter().chain(&digest.backfilled).map(|collected| Window::from(*collected));
    timed.is_some_and(|(first, last)| shares(range, first, last))
        || collected.any(|collected| !collected.intersection(range).is_empty())
        || (timed.is_none() && digest.covered.is_none() && digest.backfilled.is_empty())
}

/// Whether an instant from the `first` one to the `last` one lies in `range`.
fn shares(range: Window, first: Instant, last: Instant) -> bool {
    first < range.to && range.from <= last
}
