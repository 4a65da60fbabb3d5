//! How the watermarks move.

use crate::{instant::Instant, window::Window};

/// What a commit does to the watermarks of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The start watermark afterwards.
    pub start: Instant,
    /// The end watermark afterwards.
    pub end: Instant,
}

/// Where the `end` watermark stands after the whole of `window` was committed.
///
/// | window | `end` becomes |
/// |---|---|
/// | begins after `end` | `end`: what lies between was not asked |
/// | ends before `end` | `end`: it never moves back |
/// | begins at or before `end`, and ends after it | the end of the window, but not later than `settled` |
/// | the same, and `settled` is unknown (an answer without a `Date`) | `end` |
///
/// `settled` is the earliest of all clocks that the window's answers showed, less the settle time: later records may
/// still be missing at Atlas.
#[must_use]
pub fn advance(end: Instant, window: Window, settled: Option<Instant>) -> Instant {
    match settled {
        Some(settled) if window.from <= end => end.max(window.to.min(settled)),
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Instant {
        Instant::from_millis(millis)
    }

    fn end_after(window: (i64, i64), settled: Option<i64>) -> i64 {
        advance(at(100), Window::new(at(window.0), at(window.1)), settled.map(at)).millis()
    }

    #[test]
    fn each_row_of_the_table_holds() {
        assert_eq!(end_after((101, 200), Some(1000)), 100);
        assert_eq!(end_after((0, 50), Some(1000)), 100);
        assert_eq!(end_after((100, 200), Some(1000)), 200);
        assert_eq!(end_after((50, 200), Some(150)), 150);
        assert_eq!(end_after((100, 200), Some(20)), 100);
        assert_eq!(end_after((100, 200), None), 100);
    }
}
