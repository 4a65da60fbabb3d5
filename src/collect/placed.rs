//! Gives records without a clock their place: between the clocks of the records around them.

use std::time::Duration;

use crate::{
    instant::Instant,
    record::{Clocks, Fingerprint, Reading},
    source::Kind,
    state::RecordKey,
    window::Window,
};

/// So many bytes of records wait at most for the next record with a clock.
const WAITING_BYTES: usize = 1 << 20;

/// What a waiting record costs beside its bytes.
const WAITING_COSTS: usize = 128;

/// A clock so far from the range that was asked tells nothing about the records around: it is wrong, or its record arrived
/// days after it happened.
const FAR: Duration = Duration::from_secs(24 * 3600);

/// A record in its place.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) clocks: Clocks,
    /// Its place, where it has no clock.
    pub(super) between: Option<Window>,
    fingerprint: Option<Fingerprint>,
}

impl Placed<'_> {
    /// What it is recognised by.
    pub(super) fn key(&self, kind: Kind) -> RecordKey {
        let fingerprint = self.fingerprint.unwrap_or_else(|| Fingerprint::of(kind, self.bytes));
        RecordKey { fingerprint, between: self.between }
    }
}

/// Takes records in the order of an answer and hands them on in the same order, once their place is known.
///
/// The place of a record without a clock is the range between the clocks of the nearest records before and after it.
/// Late records that join later make the range smaller, never another one. At the edge of an answer, the bound of what
/// was asked takes the place of a neighbour; where Atlas goes by the arrival of records, one happened earlier than the
/// bound by up to the settle time.
#[derive(Debug)]
pub(super) struct Placer {
    range: Window,
    settle: Duration,
    newest_first: bool,
    /// The clock of the last record that had one.
    before: Option<Instant>,
    waiting: Vec<(Vec<u8>, Reading)>,
    waiting_bytes: usize,
}

impl Placer {
    /// For an answer to `range` that holds records which appeared at Atlas up to `settle` after they happened.
    pub(super) fn new(range: Window, settle: Duration, newest_first: bool) -> Self {
        Self { range, settle, newest_first, before: None, waiting: Vec::new(), waiting_bytes: 0 }
    }

    /// Takes the next record; hands it and those that waited for it to `each`, or lets it wait.
    pub(super) fn place<E>(
        &mut self,
        bytes: &[u8],
        reading: Reading,
        mut each: impl FnMut(Placed<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let clock = reading.clocks.latest();
        let Some(neighbour) = clock.filter(|clock| self.range.widened(FAR).contains(*clock)) else {
            if clock.is_some() && self.waiting.is_empty() {
                return each(placed(bytes, &reading, None));
            }
            if self.waiting_bytes + bytes.len() + WAITING_COSTS <= WAITING_BYTES {
                self.waiting_bytes += bytes.len() + WAITING_COSTS;
                self.waiting.push((bytes.to_vec(), reading));
                return Ok(());
            }
            // Too much to wait for the next clock; a wider place is a place too.
            self.release(None, &mut each)?;
            return each(placed(bytes, &reading, Some(self.between(None))));
        };
        self.release(Some(neighbour), &mut each)?;
        self.before = Some(neighbour);
        each(placed(bytes, &reading, None))
    }

    /// Hands on what waits at the end of the answer.
    pub(super) fn finish<E>(mut self, each: impl FnMut(Placed<'_>) -> Result<(), E>) -> Result<(), E> {
        self.release(None, each)
    }

    fn release<E>(
        &mut self,
        after: Option<Instant>,
        mut each: impl FnMut(Placed<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let between = self.between(after);
        self.waiting_bytes = 0;
        for (bytes, reading) in self.waiting.drain(..) {
            each(placed(&bytes, &reading, Some(between)))?;
        }
        Ok(())
    }

    /// The place of a record behind the last one with a clock and before one with the clock `after`.
    fn between(&self, after: Option<Instant>) -> Window {
        let (older, newer) = if self.newest_first { (after, self.before) } else { (self.before, after) };
        let newer = newer.unwrap_or(self.range.to);
        let older = older.unwrap_or(newer.min(self.range.from) - self.settle);
        // Records of several hosts can be a little out of order.
        Window::new(older.min(newer), older.max(newer))
    }
}

/// A record in its place. One with a clock needs none.
fn placed<'a>(bytes: &'a [u8], reading: &Reading, between: Option<Window>) -> Placed<'a> {
    let between = between.filter(|_| reading.clocks.latest().is_none());
    Placed { bytes, clocks: reading.clocks, between, fingerprint: reading.fingerprint }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of an answer's lines: `t5` has the clock 5, others have none.
    fn places(newest_first: bool, lines: &[&str]) -> Vec<(String, Option<(i64, i64)>)> {
        let range = Window::new(Instant::from_millis(0), Instant::from_millis(100));
        let mut placer = Placer::new(range, Duration::from_millis(30), newest_first);
        let mut places = Vec::new();
        let mut note = |placed: Placed<'_>| {
            let between = placed.between.map(|range| (range.from.millis(), range.to.millis()));
            places.push((String::from_utf8(placed.bytes.to_vec()).unwrap(), between));
            Ok::<_, ()>(())
        };
        for line in lines {
            let json = line.strip_prefix('t').map(|time| format!("{{\"time\":{time}}}"));
            let reading = Reading::of(Kind::StreamAudit, json.as_deref().unwrap_or(line).as_bytes(), |_| false);
            placer.place(line.as_bytes(), reading, &mut note).unwrap();
        }
        placer.finish(note).unwrap();
        places
    }

    #[test]
    fn an_absurd_clock_is_no_neighbour_and_keeps_its_order() {
        let absurd = "t9999999999999";
        let expected = [("t5", None), ("a", Some((5, 7))), (absurd, None), ("b", Some((5, 7))), ("t7", None)];
        let expected = expected.map(|(line, place)| (line.to_owned(), place));
        assert_eq!(places(false, &["t5", "a", absurd, "b", "t7"]), expected);
    }

    #[test]
    fn a_record_without_a_clock_lies_between_its_neighbours() {
        let expected = [
            ("a", Some((-30, 5))),
            ("t5", None),
            ("b", Some((5, 7))),
            ("c", Some((5, 7))),
            ("t7", None),
            ("d", Some((7, 100))),
        ];
        let expected = expected.map(|(line, place)| (line.to_owned(), place));
        assert_eq!(places(false, &["a", "t5", "b", "c", "t7", "d"]), expected);
        let mut reversed = expected.to_vec();
        reversed.reverse();
        assert_eq!(places(true, &["d", "t7", "c", "b", "t5", "a"]).len(), 6);
        assert_eq!(
            places(true, &["d", "t7", "b", "c", "t5", "a"]).iter().rev().map(|(_, place)| *place).collect::<Vec<_>>(),
            expected.map(|(_, place)| place)
        );
    }

    #[test]
    fn neighbours_out_of_order_still_have_a_range_between_them() {
        assert_eq!(places(false, &["t7", "a", "t5"])[1].1, Some((5, 7)));
    }

    #[test]
    fn a_record_at_the_beginning_may_have_happened_earlier() {
        assert_eq!(places(false, &["a", "t-20"])[0].1, Some((-50, -20)));
        assert_eq!(places(true, &["t-20", "a"])[1].1, Some((-50, -20)));
        assert_eq!(places(false, &["t-20", "a"])[1].1, Some((-20, 100)));
        assert_eq!(places(true, &["a"])[0].1, Some((-30, 100)));
    }

    #[test]
    fn records_do_not_wait_for_ever() {
        let long = "x".repeat(WAITING_BYTES / 2 + 1);
        let places = places(false, &["t5", &long, &long, "t7"]);
        assert_eq!(
            places.iter().map(|(_, place)| *place).collect::<Vec<_>>(),
            [None, Some((5, 100)), Some((5, 100)), None]
        );
    }
}
