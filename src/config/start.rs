//! Where a source starts that was never seen before.

use std::{ops::RangeInclusive, time::Duration};

use super::{Start, duration, quote::quote};
use crate::instant::Instant;

/// Atlas began in 2016, and a year beyond 2100 is a slip of the pen: from 2016-01-01 to 2100-01-01, as epoch seconds.
const INSTANTS: RangeInclusive<i64> = 1_451_606_400..=4_102_444_800;

/// As far back as Atlas itself goes, roughly: more is a slip of the pen.
const AGO: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(20 * 365 * 86_400);

/// Reads `oldest`, `now`, a timestamp or a duration.
pub(super) fn parse(text: &str) -> Result<Start, String> {
    const ALLOWED: &str = "allowed: \"oldest\", \"now\", a time such as \"2026-11-22T10:15:00Z\", or how long ago, \
                           such as \"36h\"";
    match text {
        "oldest" => return Ok(Start::Oldest),
        "now" => return Ok(Start::Now),
        _ => {}
    }
    if let Ok(instant) = text.parse::<Instant>() {
        if INSTANTS.contains(&instant.seconds_floor()) {
            return Ok(Start::At(instant));
        }
        return Err(format!("{} is out of range; allowed: a time from 2016 to 2099", quote(text)));
    }
    match duration::parse(text) {
        Ok(ago) if AGO.contains(&ago) => Ok(Start::Ago(ago)),
        Ok(_) => Err(format!("{} is longer than Atlas exists; {ALLOWED}", quote(text))),
        Err(_) => Err(format!("{} is no start; {ALLOWED}", quote(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_forms_are_read() {
        assert_eq!(parse("oldest"), Ok(Start::Oldest));
        assert_eq!(parse("now"), Ok(Start::Now));
        assert_eq!(parse("36h"), Ok(Start::Ago(Duration::from_secs(36 * 3600))));
        let instant = "2026-11-22T10:15:00Z".parse().unwrap();
        assert_eq!(parse("2026-11-22T12:15:00+02:00"), Ok(Start::At(instant)));
    }

    #[test]
    fn other_texts_are_refused() {
        let allowed = "allowed: \"oldest\", \"now\", a time such as \"2026-11-22T10:15:00Z\", or how long ago, such as \
                       \"36h\"";
        for text in ["", "Oldest", "yesterday", "2026-11-22", "-3h"] {
            assert_eq!(parse(text), Err(format!("{text:?} is no start; {allowed}")));
        }
        assert_eq!(parse("9000w"), Err(format!("\"9000w\" is longer than Atlas exists; {allowed}")));
        for text in ["1999-01-01T00:00:00Z", "2226-11-22T10:15:00Z"] {
            assert_eq!(parse(text), Err(format!("{text:?} is out of range; allowed: a time from 2016 to 2099")));
        }
    }
}
