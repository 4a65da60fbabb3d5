//! Dates in HTTP headers.

use jiff::fmt::rfc2822::DateTimeParser;

use crate::instant::Instant;

/// A wrong name of the weekday does not make a date less clear.
static PARSER: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Reads for example `Mon, 10 Aug 2026 03:02:21 GMT`; the day need not be padded.
pub(super) fn parse(text: &str) -> Option<Instant> {
    PARSER.parse_timestamp(text.trim()).ok().map(Instant::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_atlas_sends() {
        assert_eq!(parse("Mon, 10 Aug 2026 03:02:21 GMT").unwrap().to_string(), "2026-08-10T03:02:21Z");
        assert_eq!(parse("Thu, 1 Jul 2027 00:00:00 GMT").unwrap().to_string(), "2027-07-01T00:00:00Z");
        assert_eq!(parse("2027-07-01"), None);
        assert_eq!(parse(""), None);
    }
}
