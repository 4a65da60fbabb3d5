//! The header `Retry-After`.

use std::time::Duration;

use super::http_date;
use crate::instant::Instant;

/// Nobody is told to wait longer than this, whatever a server says.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// `Retry-After: 0` must not become a tight loop.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long to wait: whole seconds, or an HTTP date against `now` (the answer's own `Date` where there is one).
/// Between one second and one hour; None for anything else.
pub(super) fn parse(text: &str, now: Instant) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        http_date::parse(text)?.since(now)
    };
    Some(wait.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_seconds_and_dates_and_bounds_both() {
        let now: Instant = "2026-08-10T03:02:21Z".parse().unwrap();
        let seconds = |text| parse(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("17"), Some(17));
        assert_eq!(seconds("0"), Some(1));
        assert_eq!(seconds("99999999999999999999999"), Some(3600));
        assert_eq!(seconds("Mon, 10 Aug 2026 03:02:51 GMT"), Some(30));
        assert_eq!(seconds("Mon, 10 Aug 2020 03:02:51 GMT"), Some(1));
        assert_eq!(seconds("Mon, 10 Aug 2099 03:02:51 GMT"), Some(3600));
        assert_eq!(seconds("-1"), None);
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds(""), None);
    }
}
