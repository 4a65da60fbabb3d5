//! How long a record must be recognised.

use std::time::Duration;

use crate::{instant::Instant, plan::SLACK, record, window::Window};

/// What is asked in whole seconds and shown in whole seconds can lie outside of the range by so much.
const ROUNDING: Duration = Duration::from_secs(2);

/// The instant that the end watermark has to pass before a record can no longer come again in a poll, unless
/// [`shows_arrival`] says so of it.
///
/// Atlas compares a range with one of the record's clocks, or with an instant that nobody sees: its arrival. Of that one
/// only this is known: it lies before the end of the `asked` range that found the record. That is kept to where no clock
/// of the record lies in the range, and always where Atlas goes `by_arrival`. Where nothing has said so yet and the clocks lie
/// in the range, they decide, and no settle time is added to them: should the record come again all the same, it says itself
/// that Atlas goes by arrival, and what was forgotten is read from the segments. Of the days that a backlog can have in one
/// answer, this spares to remember the most; of an hour, all but what the next poll asks for again.
#[must_use]
pub fn keep_until(clocks: record::Clocks, asked: Window, settle: Duration, by_arrival: bool) -> Instant {
    // The next answer may be asked for from a slack before the end watermark, rounded outwards, and a record that lies less
    // than a slack before what was asked shows nothing.
    match clocks.latest() {
        Some(clock) if !by_arrival && clocks.decide(asked) => asked.to.min(clock + SLACK) + ROUNDING + SLACK,
        _ => asked.to + SLACK + settle.max(ROUNDING),
    }
}

/// Whether an answer to the `asked` range, asked with a `slack`, shows by a record with these clocks that Atlas compares ranges
/// with the arrival of records.
#[must_use]
pub fn shows_arrival(clocks: record::Clocks, asked: Window, slack: Duration) -> bool {
    clocks.latest().is_some_and(|clock| clock < asked.from - slack.clamp(ROUNDING, SLACK))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_clock_outside_of_the_range_does_not_decide() {
        let second = |seconds| Instant::from_seconds(seconds);
        let day = 3600 * 24;
        let asked = Window::new(second(100), second(day));
        let settle = Duration::from_secs(10);
        let keep = |first, other| keep_until(record::Clocks { first, second: other }, asked, settle, false);
        assert_eq!(keep(Some(second(150)), Some(second(151))), second(151 + 12));
        assert_eq!(keep(Some(second(day - 1)), None), second(day + 7), "it was there when the range was asked");
        let end = second(day + 15);
        assert_eq!(keep(None, None), end);
        assert_eq!(keep(Some(second(150)), Some(second(99))), end);
        assert_eq!(keep(Some(second(9_999_999)), None), end, "an absurd clock does not keep it for ever");
        let clocks = record::Clocks::one(Some(second(150)));
        assert_eq!(keep_until(clocks, asked, settle, true), end, "no clock decides about an arrival");
    }

    proptest! {
        /// Whatever was forgotten by its clocks and comes again says that Atlas goes by arrival: whichever of its clocks, or of
        /// the instants that it can have arrived at, the next range is compared with, and however that is rounded.
        #[test]
        fn what_is_forgotten_does_not_come_again_silently(
            to in 20_000..22_000_i64,
            before in (0..20_000_i64, 0..20_000_i64),
            arrival in 0..=20_000_i64,
            passed in 1..5_000_i64,
            settle in 0..100_u64,
            slack in 0..=5000_u64,
        ) {
            let at = Instant::from_millis;
            let clocks = record::Clocks { first: Some(at(to - before.0)), second: Some(at(to - before.1)) };
            let found = Window::new(at(0), at(to));
            let end = keep_until(clocks, found, Duration::from_millis(settle), false) + Duration::from_millis(passed as u64);
            let slack = Duration::from_millis(slack);
            let next = Window::new(end - slack, end + SLACK);
            // It was there when the answer was asked for, up to an end that is rounded.
            let last = Instant::from_seconds(found.to.seconds_ceil());
            let arrival = last.min(at(to - before.0.min(before.1) + arrival));
            let comes_again = [clocks.first, clocks.second, Some(arrival)]
                .into_iter()
                .flatten()
                .any(|compared| compared >= Instant::from_seconds(next.from.seconds_floor()));
            prop_assert!(!comes_again || shows_arrival(clocks, next, slack));
        }
    }
}
