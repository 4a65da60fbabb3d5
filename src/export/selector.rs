//! Selects the records of a range, by their own time.

use crate::{instant::Instant, record::Clocks, window::Window};

/// So many bytes of records wait at most for the next record with a clock.
const WAITING_BYTES: usize = 1 << 20;

/// What a waiting record costs beside its bytes.
const WAITING_COSTS: usize = 64;

/// Takes the records of one segment in their order, and hands on those that belong to a range in the same order.
///
/// A record without a clock waits for the next one that has one, for as long as little waits.
#[derive(Debug)]
pub(super) struct Selector {
    range: Window,
    /// The clocks of the last record that had one.
    before: Option<Clocks>,
    waiting: Vec<Vec<u8>>,
    waiting_bytes: usize,
}

impl Selector {
    /// For the records of `range`.
    pub(super) fn new(range: Window) -> Self {
        Self { range, before: None, waiting: Vec::new(), waiting_bytes: 0 }
    }

    /// Takes the next record; hands it and those that waited for it to `each`, as far as they belong to the range.
    pub(super) fn take<E>(
        &mut self,
        record: &[u8],
        clocks: Clocks,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if clocks.latest().is_none() {
            return self.wait(record, each);
        }
        let between = self.may_lie_between(self.before.unwrap_or(clocks), clocks);
        self.release(between, &mut each)?;
        self.before = Some(clocks);
        if clocks.touch(self.range) { each(record) } else { Ok(()) }
    }

    /// Hands on what waits at the end of the segment.
    pub(super) fn finish<E>(mut self, each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        // Where no record had a clock, nothing tells that one does not belong to the range.
        let belong = self.before.is_none_or(|before| self.may_lie_between(before, before));
        self.release(belong, each)
    }

    fn wait<E>(&mut self, record: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let costs = record.len() + WAITING_COSTS;
        if self.waiting_bytes + costs <= WAITING_BYTES {
            self.waiting_bytes += costs;
            self.waiting.push(record.to_vec());
            return Ok(());
        }
        // Too much to wait for the next clock, which may say anything.
        let belong = self.before.and_then(Clocks::earliest).is_none_or(|before| before < self.range.to);
        self.release(belong, &mut each)?;
        if belong { each(record) } else { Ok(()) }
    }

    fn release<E>(&mut self, belong: bool, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.waiting_bytes = 0;
        self.waiting.drain(..).filter(|_| belong).try_for_each(|record| each(&record))
    }

    /// Whether what happened between two records can have happened in the range. Records of several hosts can be a little
    /// out of order.
    fn may_lie_between(&self, one: Clocks, other: Clocks) -> bool {
        let clocks = || one.iter().chain(other.iter());
        let (earliest, latest) = (clocks().min().unwrap_or(Instant::MIN), clocks().max().unwrap_or(Instant::MAX));
        earliest < self.range.to && self.range.from <= latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::Clocks, source::Kind};

    /// What is selected of lines, of which `t5` has the clock 5 and others have none, for the range of 10 to 20.
    fn selected(lines: &[&str]) -> Vec<String> {
        let mut selector = Selector::new(Window::new(Instant::from_millis(10), Instant::from_millis(20)));
        let mut selected = Vec::new();
        let mut note = |record: &[u8]| {
            selected.push(String::from_utf8(record.to_vec()).unwrap());
            Ok::<_, ()>(())
        };
        for line in lines {
            let json = line.strip_prefix('t').map(|time| format!("{{\"time\":{time}}}"));
            let clocks = Clocks::of(Kind::StreamAudit, json.as_deref().unwrap_or(line).as_bytes());
            selector.take(line.as_bytes(), clocks, &mut note).unwrap();
        }
        selector.finish(note).unwrap();
        selected
    }

    #[test]
    fn a_record_belongs_to_the_range_by_its_clock_wherever_it_lies() {
        assert_eq!(selected(&["t9", "t10", "t30", "t19", "t20", "t10"]), ["t10", "t19", "t10"]);
    }

    #[test]
    fn any_of_two_clocks_is_enough() {
        let clocks = |first, second| Clocks {
            first: Some(Instant::from_millis(first)),
            second: Some(Instant::from_millis(second)),
        };
        for (first, second, belongs) in [(9, 10, true), (19, 20, true), (10, 9, true), (9, 20, false)] {
            let mut selector = Selector::new(Window::new(Instant::from_millis(10), Instant::from_millis(20)));
            let mut count = 0;
            let mut note = |_: &[u8]| {
                count += 1;
                Ok::<_, ()>(())
            };
            selector.take(b"x", clocks(first, second), &mut note).unwrap();
            assert_eq!(count == 1, belongs, "{first} {second}");
        }
    }

    #[test]
    fn a_record_without_a_clock_belongs_to_the_range_if_its_neighbours_leave_that_open() {
        assert_eq!(selected(&["t5", "a", "t9", "b", "t10", "c", "t30", "d"]), ["b", "t10", "c"]);
        assert_eq!(selected(&["t5", "a", "t30"]), ["a"], "the range lies between the two");
        assert_eq!(selected(&["a", "t5", "b", "t9", "c"]), [""; 0]);
        assert_eq!(selected(&["a", "t15", "b"]), ["a", "t15", "b"], "at an edge the one neighbour tells");
        assert_eq!(selected(&["a", "t20", "b", "t25"]), [""; 0]);
        assert_eq!(selected(&["t20", "a", "t9"]), ["a"], "the neighbours are out of order");
        assert_eq!(selected(&["a", "b"]), ["a", "b"], "nothing tells anything");
    }

    #[test]
    fn records_do_not_wait_for_ever_and_keep_their_order() {
        let long = "x".repeat(WAITING_BYTES / 2 + 1);
        assert_eq!(selected(&["t5", "a", &long, &long, "b", "t6"]), ["a", &long, &long]);
        assert_eq!(selected(&["t20", "a", &long, &long, "b", "t21"]), [""; 0]);
    }
}
