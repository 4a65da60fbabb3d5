//! How long a record must be recognised.

use std::time::Duration;

use crate::{
    instant::Instant,
    plan::SLACK,
    record::{self},
    window::Window,
};

/// The instant that the end watermark has to pass before a record can no longer come again in a poll.
///
/// Atlas compares a range with one of the record's clocks or with an instant that nobody sees. Where all clocks lie in
/// the `asked` range, the record cannot be asked for again once the watermark has passed them by slack and settle. A
/// record without a clock, or with one outside the range, was found by something else, of which only this is known:
/// it lies before the end of the range that found it. Where Atlas goes `by_arrival`, that is true of every record: one
/// that arrived much later than its clock says is found by ranges that its clock has long left.
#[must_use]
pub fn keep_until(clocks: record::Clocks, asked: Window, settle: Duration, by_arrival: bool) -> Instant {
    let decides = !by_arrival && clocks.decide(asked);
    let latest = clocks.latest().filter(|_| decides).unwrap_or(asked.to);
    latest + SLACK + settle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_outside_of_the_range_does_not_decide() {
        let second = |seconds| Instant::from_seconds(seconds);
        let asked = Window::new(second(100), second(200));
        let settle = Duration::from_secs(10);
        let keep = |first, other| keep_until(record::Clocks { first, second: other }, asked, settle, false);
        assert_eq!(keep(Some(second(150)), Some(second(151))), second(166));
        assert_eq!(keep(None, None), second(215));
        assert_eq!(keep(Some(second(150)), Some(second(99))), second(215));
        assert_eq!(keep(Some(second(9_999_999)), None), second(215), "an absurd clock does not keep it for ever");
        let clocks = record::Clocks::one(Some(second(150)));
        assert_eq!(keep_until(clocks, asked, settle, true), second(215), "no clock decides about an arrival");
    }
}
