//! One line of a stream instance's audit log.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::{
    instant::Instant,
    record::{Clocks, Fingerprint, Reading},
};

/// The name of the member that holds the time, as it stands in a line.
const TIME: &[u8] = b"\"time\"";

/// Finds it.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(TIME));

/// Reads what can be understood of an audit line.
///
/// A line is an OCSF event, a JSON object whose member `time` is in milliseconds since the epoch. A line that does not look
/// like one has no clock. Whether the rest of it is JSON is not looked at: Atlas writes the lines, and a clock that is wrong
/// is only a clock that is wrong.
pub(super) fn read(line: &[u8], wanted: impl FnOnce(Clocks) -> bool) -> Reading {
    let clocks = Clocks::one(time(line));
    Reading { clocks, fingerprint: wanted(clocks).then(|| Fingerprint::of_bytes(line)) }
}

fn time(line: &[u8]) -> Option<Instant> {
    let object = line.trim_ascii();
    let members = object.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let mut place = Place::default();
    let mut passed = 0;
    FINDER.find_iter(members).find_map(|at| {
        place.pass(&members[passed..at]);
        passed = at;
        let value = || members[at + TIME.len()..].trim_ascii_start().strip_prefix(b":");
        if place.is_member() { millis(value()?.trim_ascii_start()) } else { None }
    })
}

/// A whole number that a value consists of.
fn millis(value: &[u8]) -> Option<Instant> {
    let length = value.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let (number, behind) = value.split_at(length);
    if !matches!(behind.trim_ascii_start().first(), None | Some(b',')) {
        return None;
    }
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some(Instant::from_millis(number))
}

/// Where something stands in an object.
#[derive(Debug, Default, PartialEq)]
struct Place {
    /// How many objects and arrays in it are open.
    depth: i64,
    in_string: bool,
    /// Whether the next byte of the string is escaped.
    escaped: bool,
}

impl Place {
    fn pass(&mut self, bytes: &[u8]) {
        // Before the time of an event there are only members with plain values, as a rule: then quotes decide alone.
        let special = |byte: &u8| matches!(byte, b'\\' | b'{' | b'}' | b'[' | b']');
        if !self.escaped && !bytes.iter().fold(false, |found, byte| found | special(byte)) {
            self.in_string ^= bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            return;
        }
        bytes.iter().for_each(|&byte| self.pass_byte(byte));
    }

    fn pass_byte(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = self.in_string,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => self.depth -= 1,
            _ => {}
        }
    }

    /// Whether a string that begins here is a name or a value of the object itself.
    fn is_member(&self) -> bool {
        self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn time(line: &str) -> Option<i64> {
        read(line.as_bytes(), |_| false).clocks.latest().map(Instant::millis)
    }

    #[test]
    fn the_time_is_the_events_own_member() {
        assert_eq!(time(r#"{"a":{"time":1},"time":1710715316123,"z":"\"time\":2"}"#), Some(1_710_715_316_123));
        assert_eq!(time(r#"{"a":"\"time\":1,\\","b":"time", "time" : -5 ,"c":[]}"#), Some(-5));
        assert_eq!(time(r#" {"time":7} "#), Some(7));
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
            r#"{"time":1 2}"#,
            r#"{"time":-}"#,
            r#"{"time":99999999999999999999}"#,
            r#"{"a":"time","b":"time"}"#,
            r#"{"a":"\"time\":1,\\"}"#,
            r#"{"a":["time",{"time":1}]}"#,
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
        assert_eq!(read(b"\xff\xfe{\"time\":1}", |_| false).clocks, Clocks::NONE);
        let nested = "[".repeat(1_000_000);
        assert_eq!(time(&format!("{{\"a\":{nested}")), None);
    }

    proptest! {
        #[test]
        fn a_stretch_is_passed_as_its_bytes_are(stretches in vec(r#"[\]a"{}\\\[]{0,5}"#, 0..6)) {
            let (mut at_once, mut byte_by_byte) = (Place::default(), Place::default());
            for stretch in stretches {
                at_once.pass(stretch.as_bytes());
                stretch.bytes().for_each(|byte| byte_by_byte.pass_byte(byte));
                prop_assert_eq!(&at_once, &byte_by_byte);
            }
        }
    }
}
