//! Whether a segment was old enough when retention removed it.

use std::time::Duration;

use crate::{
    archive::SegmentName,
    evidence::{RECORD_AHEAD, Removed},
    instant::Instant,
    verify::{Reason, chain::Chain},
};

impl Chain {
    /// Takes note of when a segment was sealed. Segments are sealed one after the other, so that none was sealed later than
    /// any later digest says.
    pub(super) fn note_sealed(&mut self, number: u64, sealed: Instant) {
        while self.sealed_at.last_key_value().is_some_and(|(_, before)| sealed <= *before) {
            self.sealed_at.pop_last();
        }
        self.sealed_at.insert(number, sealed);
    }

    /// Faults only what no writer does, whatever its clock says: removing a segment that is not older than segments are kept
    /// by any of the digests up to the one that tells of it, or by the end watermark, which Atlas' clock bounds.
    pub(super) fn check_removal(&mut self, by: &SegmentName, entry: &Removed) {
        let number = entry.segment.sequence();
        let sealed = self.sealed.get(&number).filter(|sealed| sealed.name == entry.segment && !self.broken);
        let (Some(sealed), Some((_, &earliest))) = (sealed, self.sealed_at.range(number..).next()) else { return };
        let old_enough = entry.decided - Duration::from_secs(entry.keep_seconds);
        let recorded = sealed.last_record.map_or(earliest, |last| last.min(earliest + RECORD_AHEAD));
        // What lies in the future was said by a wrong clock.
        let covered = sealed.covered_to.filter(|to| *to <= entry.decided).unwrap_or(Instant::MIN);
        let newest = earliest.max(recorded).max(covered);
        if newest >= old_enough {
            let Removed { segment, decided, keep_seconds } = entry.clone();
            let segment = segment.to_string();
            self.fault(by, Reason::RemovedEarly { segment, decided, keep_seconds, newest });
        }
    }
}
