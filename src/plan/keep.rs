//! How long a record must be recognised.

use std::time::Duration;

use crate::{
    instant::Instant,
    plan::SLACK,
    record::{self},
    window::Window,
};

/// How much later than it happened a record is not expected to arrive, as long as nothing says otherwise.
pub const MUCH_LATER: Duration = Duration::from_secs(6 * 3600);

/// The instant that the end watermark has to pass before a record can no longer come again in a poll.
///
/// Atlas compares a range with one of the record's clocks, or with an instant that nobody sees: its arrival. Of that one
/// only this is known: it lies before the end of the `asked` range that found the record. That is kept to where no clock
/// of the record lies in the range, and always where Atlas goes `by_arrival`. Where nothing says so and the clocks lie in
/// the range, it arrived at the latest [`MUCH_LATER`]: of the days that a backlog can have in one answer, this spares to
/// remember the most.
#[must_use]
pub fn keep_until(clocks: record::Clocks, asked: Window, settle: Duration, by_arrival: bool) -> Instant {
    let decides = !by_arrival && clocks.decide(asked);
    let latest = clocks.latest().filter(|_| decides).map_or(asked.to, |clock| asked.to.min(clock + MUCH_LATER));
    latest + SLACK + settle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_outside_of_the_range_does_not_decide() {
        let second = |seconds| Instant::from_seconds(seconds);
        let day = 3600 * 24;
        let asked = Window::new(second(100), second(day));
        let settle = Duration::from_secs(10);
        let keep = |first, other| keep_until(record::Clocks { first, second: other }, asked, settle, false);
        let much_later = second(151 + 6 * 3600 + 15);
        assert_eq!(keep(Some(second(150)), Some(second(151))), much_later);
        let end = second(day + 15);
        assert_eq!(keep(Some(second(day - 1)), None), end, "it was there when the range was asked");
        assert_eq!(keep(None, None), end);
        assert_eq!(keep(Some(second(150)), Some(second(99))), end);
        assert_eq!(keep(Some(second(9_999_999)), None), end, "an absurd clock does not keep it for ever");
        let clocks = record::Clocks::one(Some(second(150)));
        assert_eq!(keep_until(clocks, asked, settle, true), end, "no clock decides about an arrival");
    }
}
