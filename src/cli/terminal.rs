//! Writing to the terminal. A reader that has gone away is no reason to fail; output that cannot be written is.
//!
//! Nothing but newlines steers the terminal, whoever wrote what is shown; and what others wrote begins no line of its own
//! where it goes through [`shown`](crate::shown::shown()) first.

use std::{
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

use serde::Serialize;

use crate::shown::{is_plain, shown_lines};

/// What happened when something could not be written for the first time. It is of the process, as its standard output is: no
/// command can forget to look, since [`main`](super::main) does.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// How many characters fit into a line of standard output; a usual number of them where it is no terminal.
pub(super) fn width() -> usize {
    const USUAL: u16 = 110;
    let columns = rustix::termios::tcgetwinsize(io::stdout()).map(|size| size.ws_col);
    columns.ok().filter(|&columns| columns > 0).unwrap_or(USUAL).into()
}

/// Writes lines to standard output.
pub(super) fn say(lines: &str) {
    write_out(&shown_lines(lines));
}

fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    note(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Writes a whole document of this program's own to standard output, as it is.
pub(super) fn say_document(document: &[u8]) {
    let mut out = io::stdout().lock();
    note(out.write_all(document).and_then(|()| out.flush()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_read_what_was_written_and_no_terminal_obeys_it() {
        let written = "one\n\u{1b}[2J \u{9b}2J \u{202e} ü\u{1f600}";
        let json = json(&[written]).unwrap();
        assert_eq!(json, "[\n  \"one\\n\\u001b[2J \\u009b2J \\u202e ü\u{1f600}\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [written]);
    }
}
