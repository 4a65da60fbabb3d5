//! One line of a stream instance's audit log.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    instant::Instant,
    record::{Clocks, Fingerprint, Reading},
};

/// Reads what can be understood of an audit line.
///
/// A line is an OCSF event, a JSON object whose member `time` is in milliseconds since the epoch. A line that is not,
/// has no clock.
pub(super) fn read(line: &[u8]) -> Reading {
    let mut json = serde_json::Deserializer::from_slice(line);
    let time = json.deserialize_map(TimeOfEvent).ok().flatten().filter(|_| json.end().is_ok());
    Reading { clocks: Clocks::one(time), fingerprint: Fingerprint::of_bytes(line) }
}

/// Reads the member `time` of an object and checks the rest of it without keeping any.
struct TimeOfEvent;

impl<'de> Visitor<'de> for TimeOfEvent {
    type Value = Option<Instant>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut time = None;
        while let Some(name) = members.next_key::<Name>()? {
            match name {
                Name::Time => time = members.next_value::<Millis>()?.0.map(Instant::from_millis),
                Name::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(time)
    }
}

/// The name of a member, of which only `time` matters.
enum Name {
    Time,
    Other,
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(if name == "time" { Name::Time } else { Name::Other })
            }
        }
        deserializer.deserialize_identifier(NameVisitor)
    }
}

/// A whole number of milliseconds; nothing for any other value, of which nothing is kept.
struct Millis(Option<i64>);

impl<'de> serde::Deserialize<'de> for Millis {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MillisVisitor;
        impl<'de> Visitor<'de> for MillisVisitor {
            type Value = Millis;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_i64<E>(self, millis: i64) -> Result<Millis, E> {
                Ok(Millis(Some(millis)))
            }

            fn visit_u64<E>(self, millis: u64) -> Result<Millis, E> {
                Ok(Millis(i64::try_from(millis).ok()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Millis, E> {
                Ok(Millis(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Millis, E> {
                Ok(Millis(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Millis, E> {
                Ok(Millis(None))
            }

            fn visit_unit<E>(self) -> Result<Millis, E> {
                Ok(Millis(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Millis, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Millis(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Millis, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Millis(None))
            }
        }
        deserializer.deserialize_any(MillisVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(line: &str) -> Option<i64> {
        read(line.as_bytes()).clocks.latest().map(Instant::millis)
    }

    #[test]
    fn the_time_is_the_events_own_member() {
        assert_eq!(time(r#"{"a":{"time":1},"time":1710715316123,"z":"\"time\":2"}"#), Some(1_710_715_316_123));
    }

    #[test]
    fn a_line_of_another_shape_has_no_clock() {
        for line in [
            "",
            "plain text",
            "[1]",
            r#"{"time":"soon"}"#,
            r#"{"time":null}"#,
            r#"{"time":1.5}"#,
            r#"{"time":[1]}"#,
            r#"{"time":{"time":1}}"#,
            r#"{"time":1"#,
            r#"{"time":1}x"#,
        ] {
            assert_eq!(time(line), None, "{line}");
        }
    }

    #[test]
    fn a_carriage_return_at_the_end_does_not_hide_the_time() {
        assert_eq!(time("{\"time\":5}\r"), Some(5));
    }

    #[test]
    fn a_line_of_bytes_that_are_no_text_is_read_without_harm() {
        assert_eq!(read(b"\xff\xfe{\"time\":1}").clocks, Clocks::NONE);
        let nested = "[".repeat(1_000_000);
        assert_eq!(time(&format!("{{\"a\":{nested}")), None);
    }
}
