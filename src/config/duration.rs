//! Durations as people write them.

use std::{ops::RangeInclusive, time::Duration};

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::quote::quote;

/// Reads a duration such as `10m`, `36h`, `1h 30m` or `7d`; a day is 24 hours, a week 7 days.
///
/// # Errors
/// A sentence that says what is wrong and what is allowed: something else, a negative duration, or months and years,
/// which have no fixed length.
pub fn parse(text: &str) -> Result<Duration, String> {
    const ALLOWED: &str =
        "allowed: numbers with a unit (ms, s, m, h, d, w), for example \"90s\", \"10m\" or \"1h 30m\"";
    let span: Span = text.parse().map_err(|_| format!("{} is not a duration; {ALLOWED}", quote(text)))?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!("{} counts months or years, which have no fixed length; {ALLOWED}", quote(text)));
    }
    if span.is_negative() {
        return Err(format!("{} is negative; {ALLOWED}", quote(text)));
    }
    // Whole units only, so that "1.5 days" or leap seconds leave no room for doubt.
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| too_long(text))?;
    Duration::try_from(duration).map_err(|_| too_long(text))
}

/// Reads a duration like [`parse`] that lies in `allowed`.
pub(super) fn parse_within(text: &str, allowed: RangeInclusive<Duration>) -> Result<Duration, String> {
    let duration = parse(text)?;
    if allowed.contains(&duration) {
        return Ok(duration);
    }
    let (shortest, longest) = (shown(*allowed.start()), shown(*allowed.end()));
    Err(format!("{} is out of range; allowed: {shortest} to {longest}", quote(text)))
}

fn too_long(text: &str) -> String {
    format!("{} is too long for a duration", quote(text))
}

fn shown(duration: Duration) -> String {
    let rounded = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    format!("{rounded:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("10m", 600), ("36h", 129_600), ("1h 30m", 5400), ("0s", 0), ("2 days", 172_800), ("1w", 604_800)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("1d12h"), Ok(Duration::from_secs(36 * 3600)));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_is_allowed() {
        let allowed = "allowed: numbers with a unit (ms, s, m, h, d, w), for example \"90s\", \"10m\" or \"1h 30m\"";
        for text in ["", "10", "ten minutes", "10 parsecs", "m", "99999999999999999999h"] {
            assert_eq!(parse(text), Err(format!("{text:?} is not a duration; {allowed}")));
        }
        assert_eq!(parse("-5m"), Err(format!("\"-5m\" is negative; {allowed}")));
        assert_eq!(parse("5m ago"), Err(format!("\"5m ago\" is negative; {allowed}")));
        assert_eq!(
            parse("2 months"),
            Err(format!("\"2 months\" counts months or years, which have no fixed length; {allowed}"))
        );
    }

    #[test]
    fn a_range_is_named() {
        let day = Duration::ZERO..=Duration::from_secs(86_400);
        assert_eq!(parse_within("24h", day.clone()), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse_within("25h", day), Err("\"25h\" is out of range; allowed: 0s to 24h".to_owned()));
    }
}
