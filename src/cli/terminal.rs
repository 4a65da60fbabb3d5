//! Writing to the terminal. A reader that has gone away is no reason to fail; output that cannot be written is.
//!
//! Nothing but newlines steers the terminal, whoever wrote what is shown; and what others wrote begins no line of its own
//! where it goes through [`shown`](crate::shown::shown()) first.

use std::{
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

use serde::Serialize;

use crate::shown::{is_plain, shown, shown_lines};

/// What happened when something could not be written for the first time. It is of the process, as its standard output is: no
/// command can forget to look, since [`main`](super::main) does.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Writes lines to standard output.
pub(super) fn say(lines: &str) {
    write_out(&shown_lines(lines));
}

fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    note(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Takes note of an output that could not be written. One whose reader has gone away was written as far as anybody wanted it.
pub(super) fn note(written: io::Result<()>) {
    if let Err(cause) = written
        && cause.kind() != ErrorKind::BrokenPipe
    {
        let _ = UNWRITTEN.set(cause);
    }
}

/// Why not all of the output was written; nothing where it was.
pub(super) fn unwritten() -> Option<&'static io::Error> {
    UNWRITTEN.get()
}

/// Writes lines to standard error.
pub(super) fn complain(lines: &str) {
    let _ = writeln!(io::stderr(), "{}", shown_lines(lines));
}

/// Writes a value for programs to standard output. What could steer a terminal is escaped as JSON has it, so that programs
/// read what was written.
pub(super) fn say_json(value: &impl Serialize) -> serde_json::Result<()> {
    write_out(&json(value)?);
    Ok(())
}

fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        // Only within a string is anything else not plain.
        if is_plain(character) || character == '\n' {
            shown.push(character);
        } else {
            let mut units = [0; 2];
            character.encode_utf16(&mut units).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        }
    }
    Ok(shown)
}

/// What else there is to say of a gap, to be put behind its reason; nothing where there is nothing.
pub(super) fn in_brackets(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({})", shown(detail)) }
}

/// A duration for people: its two largest units.
pub(super) fn duration(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let first = units.iter().position(|&(_, length)| seconds >= length).unwrap_or(units.len() - 1);
    let (name, length) = units[first];
    let mut text = format!("{} {name}", seconds / length);
    if let Some(&(name, smaller)) = units.get(first + 1) {
        let rest = seconds % length / smaller;
        if rest > 0 {
            text.push_str(&format!(" {rest} {name}"));
        }
    }
    text
}

/// A number with its thousands apart.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of a thing.
pub(super) fn count(how_many: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(how_many), if how_many == 1 { "" } else { "s" })
}

/// That records came later than the settle time.
pub(super) fn late(records: u64, lateness: std::time::Duration, settle: std::time::Duration) -> String {
    format!(
        "{} came later than the settle time of {}, at least {} after it happened; make settle longer if that goes on",
        count(records, "record"),
        duration(settle),
        duration(lateness),
    )
}

/// A number of bytes for people.
pub(super) fn bytes(bytes: u64) -> String {
    bytesize::ByteSize::b(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn programs_read_what_was_written_and_no_terminal_obeys_it() {
        let written = "one\n\u{1b}[2J \u{9b}2J \u{202e} ü\u{1f600}";
        let json = json(&[written]).unwrap();
        assert_eq!(json, "[\n  \"one\\n\\u001b[2J \\u009b2J \\u202e ü\u{1f600}\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [written]);
    }

    #[test]
    fn durations_have_two_units() {
        let text = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([text(0), text(59), text(61), text(3600)], ["0 s", "59 s", "1 min 1 s", "1 h"]);
        assert_eq!(text(90_061), "1 d 1 h");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([number(0), number(999), number(1000), number(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
