//! Which segments can hold records of a range of time.

use crate::{evidence::SegmentDigest, instant::Instant, window::Window};

/// Whether a segment can hold records that belong to `range`. Where that is unsure, it can.
pub(super) fn can_hold(digest: &SegmentDigest, range: Window) -> bool {
    let everything = range == Window::new(Instant::MIN, Instant::MAX);
    everything
        || digest.bytes == 0
        || says_of(digest, range)
        // Records without any time, or beyond the watermark.
        || shares(range, digest.opened.min(digest.sealed), digest.sealed.max(digest.opened))
}

/// Whether a segment can hold records that happened in `range` or were collected for it, as far as its digest says.
pub(super) fn says_of(digest: &SegmentDigest, range: Window) -> bool {
    let timed = digest.first_record.zip(digest.last_record);
    let mut collected = digest.covered.iter().chain(&digest.backfilled);
    timed.is_some_and(|(first, last)| shares(range, first, last))
        || collected.any(|collected| shares(range, collected.from, collected.to))
        || (timed.is_none() && digest.covered.is_none() && digest.backfilled.is_empty())
}

fn shares(range: Window, from: Instant, to: Instant) -> bool {
    from < range.to && range.from <= to
}
