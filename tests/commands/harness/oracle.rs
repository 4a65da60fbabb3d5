//! Compares the archive of a stage with everything that happened, and with what the status says.

use std::time::Duration;

use atlas_logd::{source::Source, window::Window};

use super::{Stage, Status, comparison::Comparison};

impl Stage {
    /// Every record between the watermarks is archived exactly as often as Atlas held it, byte for byte; nothing is
    /// archived that Atlas did not hold, nor more often; each commit is in the order in which it happened; and the
    /// status counts what is there.
    #[track_caller]
    pub(crate) fn assert_exact(&self, source: &Source) {
        let (comparison, _) = self.compare(source);
        self.assert_in_order(&comparison, source);
    }

    /// The same where commits of one window need not be in order: a full page that was joined from several.
    #[track_caller]
    pub(crate) fn assert_exact_in_any_order(&self, source: &Source) {
        self.compare(source);
    }

    /// Besides [`Stage::assert_exact`], everything is archived already that could be seen when the last poll began.
    #[track_caller]
    pub(crate) fn assert_current(&self, source: &Source) {
        let (comparison, status) = self.compare(source);
        self.assert_in_order(&comparison, source);
        let polled = status.last_poll().unwrap();
        comparison.nothing_missing(Window::new(status.start(), polled), polled, &gaps(&status));
    }

    /// The same where records that appear later than `settle` after they happened may be missing. How many of those
    /// there are, and how many of them are archived all the same.
    #[track_caller]
    pub(crate) fn assert_exact_but_for_later_than(&self, source: &Source, settle: Duration) -> (usize, usize) {
        let (comparison, _) = self.compare_within(source, settle);
        self.assert_in_order(&comparison, source);
        comparison.later_than_settle()
    }

    #[track_caller]
    fn compare<'a>(&self, source: &'a Source) -> (Comparison<'a>, Status) {
        self.compare_within(source, Duration::MAX)
    }

    #[track_caller]
    fn compare_within<'a>(&self, source: &'a Source, settle: Duration) -> (Comparison<'a>, Status) {
        self.look_thoroughly_at_segments();
        let (status, bytes) = (self.status(source), self.bytes(source).len() as u64);
        let comparison = Comparison::new(&self.world, source, self.lines(source)).within(settle);
        assert_eq!(
            (status.records, status.bytes),
            (comparison.records() as u64, bytes),
            "{source}: records and bytes in the status, and in the archive",
        );
        comparison.nothing_made_up();
        comparison.nothing_missing(status.covered(), self.now(), &gaps(&status));
        (comparison, status)
    }

    #[track_caller]
    fn assert_in_order(&self, comparison: &Comparison<'_>, source: &Source) {
        comparison.in_order(&comparison.records_up_to(&self.commit_ends(source)));
    }
}

fn gaps(status: &Status) -> Vec<Window> {
    status.gaps().into_iter().map(|gap| gap.window).collect()
}
