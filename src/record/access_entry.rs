//! One entry of a cluster's database access history.

use std::borrow::Cow;

use jiff::{civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{
    instant::Instant,
    record::{Clocks, Fingerprint, Reading},
};

/// How a structured log line begins; and the same within a JSON string, as nearly every entry has it.
const STRUCTURED: &str = r#"{"t":{"$date":""#;
const STRUCTURED_ESCAPED: &str = r#""{\"t\":{\"$date\":\""#;

/// The longest text that escapes are taken out of. No log line is longer that a server would write of itself.
const UNESCAPED_BYTES: usize = 1 << 20;

#[derive(Default, Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    hostname: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "logLine")]
    log_line: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
}

/// The clocks of an entry, to be read while it is looked where the entry ends.
#[derive(Clone, Copy, Debug)]
pub struct EntryClocks(Clocks);

impl<'de> Deserialize<'de> for EntryClocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer).map(|members| Self(members.clocks()))
    }
}

#[derive(Deserialize)]
struct LogLine<'a> {
    #[serde(borrow)]
    t: LogLineTime<'a>,
}

#[derive(Deserialize)]
struct LogLineTime<'a> {
    #[serde(borrow, rename = "$date")]
    date: Cow<'a, str>,
}

/// Reads what can be understood of an access-history entry: its clocks from `timestamp` and from `t.$date` within
/// `logLine`, unless they were read before. It is recognised by `hostname` and `logLine` where both are there, else by its
/// bytes. All members are optional.
pub(super) fn read(entry: &[u8], clocks: Option<EntryClocks>, wanted: impl FnOnce(Clocks) -> bool) -> Reading {
    let (clocks, members) = match clocks {
        Some(EntryClocks(clocks)) => (clocks, None),
        None => {
            let members = Members::of(entry);
            (members.clocks(), Some(members))
        }
    };
    let fingerprint = || members.unwrap_or_else(|| Members::of(entry)).fingerprint(entry, clocks);
    Reading { clocks, fingerprint: wanted(clocks).then(fingerprint) }
}

impl<'a> Members<'a> {
    fn of(entry: &'a [u8]) -> Self {
        serde_json::from_slice(entry).unwrap_or_default()
    }

    fn clocks(&self) -> Clocks {
        let timestamp = self.timestamp.and_then(text);
        Clocks {
            first: timestamp.and_then(|timestamp| read_timestamp(&timestamp)),
            second: self.log_line.and_then(log_line_time),
        }
    }

    fn fingerprint(&self, entry: &[u8], clocks: Clocks) -> Fingerprint {
        match (self.hostname.and_then(text), self.log_line.and_then(text)) {
            // An old server's plain text may say the same again and again; then the time belongs to it.
            (Some(hostname), Some(log_line)) => {
                let other_clock = clocks.first.filter(|_| clocks.second.is_none());
                Fingerprint::of_log_line(&hostname, &log_line, other_clock)
            }
            _ => Fingerprint::of_bytes(entry),
        }
    }
}

/// The value of a JSON string; nothing for any other value. One that is very long is taken with its escapes, because
/// taking them out needs as much memory again.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    if value.get().len() > UNESCAPED_BYTES {
        return value.get().starts_with('"').then_some(Cow::Borrowed(value.get()));
    }
    serde_json::from_str::<Text<'_>>(value.get()).ok().map(|text| text.0)
}

/// Reads both documented and recorded forms: ISO 8601, and `Fri Jun 06 07:34:45 GMT 2025`.
fn read_timestamp(timestamp: &str) -> Option<Instant> {
    if timestamp.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-')) {
        return timestamp.parse().ok();
    }
    let civil = DateTime::strptime("%a %b %d %H:%M:%S GMT %Y", timestamp).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().into())
}

/// Reads `t.$date` of a structured log line. Old servers wrote plain text, which has no clock.
///
/// Where it begins as servers begin it, what comes behind the time is not looked at, nor are escapes taken out: there are
/// many.
fn log_line_time(log_line: &RawValue) -> Option<Instant> {
    let between = |text: &str, before, behind| text.strip_prefix(before)?.split_once(behind)?.0.parse().ok();
    if let Some(time) = between(log_line.get(), STRUCTURED_ESCAPED, r#"\""#) {
        return Some(time);
    }
    let log_line = text(log_line)?;
    if let Some(time) = between(&log_line, STRUCTURED, "\"") {
        return Some(time);
    }
    serde_json::from_str::<LogLine<'_>>(&log_line).ok()?.t.date.parse().ok()
}

/// The entry as one line: newlines between its tokens become spaces. There are none within a token, because JSON
/// strings hold them escaped.
#[must_use]
pub fn newlines_to_spaces(entry: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', entry).is_none() {
        return Cow::Borrowed(entry);
    }
    Cow::Owned(entry.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = r#"{"authResult":false,"hostname":"h-00-02","logLine":"{\"t\":{\"$date\":\"2025-06-06T07:34:44.997+00:00\"},\"s\":\"I\"}","timestamp":"Fri Jun 06 07:34:45 GMT 2025","username":"u"}"#;

    fn fingerprint(entry: &str) -> Fingerprint {
        read(entry.as_bytes(), None, |_| true).fingerprint.unwrap()
    }

    fn clocks(entry: &str) -> (Option<i64>, Option<i64>) {
        let clocks = read(entry.as_bytes(), None, |_| false).clocks;
        (clocks.first.map(Instant::millis), clocks.second.map(Instant::millis))
    }

    #[test]
    fn both_clocks_are_read() {
        assert_eq!(clocks(ENTRY), (Some(1_749_195_285_000), Some(1_749_195_284_997)));
    }

    #[test]
    fn both_timestamp_forms_are_read() {
        assert_eq!(clocks(r#"{"timestamp":"2025-06-06T07:34:45Z"}"#), (Some(1_749_195_285_000), None));
        assert_eq!(clocks(r#"{"timestamp":"Fri Jun  6 07:34:45 GMT 2025"}"#).0, Some(1_749_195_285_000));
        assert_eq!(clocks(r#"{"timestamp":"yesterday"}"#), (None, None));
    }

    #[test]
    fn members_of_other_types_are_passed_over() {
        assert_eq!(clocks(r#"{"timestamp":7,"logLine":{"t":1},"hostname":null,"authResult":"false"}"#), (None, None));
        assert_eq!(clocks(r#"{"logLine":"2021-03-04T05:06:07 I ACCESS plain text","hostname":"h"}"#), (None, None));
    }

    #[test]
    fn a_log_line_has_its_time_however_it_is_escaped_and_where_it_is_cut() {
        for line in [
            r#"{\"t\":{\"$date\":\"2025-06-06T07:34:44.997+00:00\"},\"s\":\"I\"}"#,
            r#"{\"t\":{\"$date\":\"2025-06-06T07:34:44.997+00:00\"},\"s\":\""#,
            r#"{\u0022t\u0022:{\u0022$date\u0022:\u00222025-06-06T07:34:44.997+00:00\u0022},\u0022s\u0022:"#,
            r#"{\"t\":{\"$date\":\"2025-06-06T07:34:44.997\u002b00:00\"}}"#,
            r#"{\"s\":\"I\",\"t\": {\"$date\":\"2025-06-06T07:34:44.997+00:00\"}}"#,
        ] {
            assert_eq!(clocks(&format!(r#"{{"logLine":"{line}"}}"#)), (None, Some(1_749_195_284_997)), "{line}");
        }
    }

    #[test]
    fn an_entry_rendered_anew_is_the_same_record() {
        let anew = r#"{"timestamp":"2025-06-06T07:34:45Z", "hostname":"h-00-\u0030\u0032","logLine":"{\"t\":{\"$date\":\"2025-06-06T07:34:44.997+00:00\"},\"s\":\"I\"}"}"#;
        assert_eq!(fingerprint(ENTRY), fingerprint(anew));
    }

    #[test]
    fn a_log_line_without_a_time_is_told_apart_by_the_timestamp() {
        let entry =
            |second| format!(r#"{{"hostname":"h","logLine":"plain","timestamp":"2025-06-06T07:34:{second}Z"}}"#);
        assert_ne!(fingerprint(&entry("45")), fingerprint(&entry("46")));
    }

    #[test]
    fn an_entry_without_hostname_is_recognised_by_its_bytes() {
        let (one, other) = (r#"{"logLine":"x","username":"a"}"#, r#"{"logLine":"x","username":"b"}"#);
        assert_ne!(fingerprint(one), fingerprint(other));
    }

    #[test]
    fn only_newlines_between_tokens_are_changed() {
        assert_eq!(newlines_to_spaces(b"{\n  \"a\":\r\n\"\\n\"}").as_ref(), b"{   \"a\":\r \"\\n\"}");
    }
}
