//! The list to which every check reports what is wrong.

use std::{
    cell::{Cell, RefCell},
    path::Path,
};

use super::{
    error::{ConfigError, Fault, Position},
    quote,
};

/// More faults than this are only counted: nobody reads them.
const MOST_FAULTS_SHOWN: usize = 100;

/// More faults than this are not even kept: a file of 4 MiB can hold a million.
const MOST_FAULTS_KEPT: usize = 1000;

/// A longer line is not shown below its fault.
const LONGEST_LINE_SHOWN: usize = 200;

/// Where a value, key or table begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Bytes from the start of the text.
    pub(super) offset: usize,
    /// Whether a secret may stand in that line: it is never shown.
    pub(super) private: bool,
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The faults found so far in one text.
#[derive(Debug)]
pub(super) struct Faults<'d> {
    text: &'d str,
    // In a cell because all readers of the document report here while they borrow from one another.
    found: RefCell<Vec<Found>>,
    /// How many more there are than are kept.
    overflow: Cell<usize>,
}

#[derive(Debug)]
struct Found {
    place: Place,
    message: String,
    /// What the fault is in conflict with.
    earlier: Option<Place>,
}

impl<'d> Faults<'d> {
    /// An empty list for `text`.
    pub(super) fn new(text: &'d str) -> Self {
        Self { text, found: RefCell::default(), overflow: Cell::new(0) }
    }

    /// Adds one fault; `message` says what is wrong and what is allowed.
    pub(super) fn report(&self, place: Place, message: impl Into<String>) {
        self.keep(Found { place, message: message.into(), earlier: None });
    }

    /// Adds one fault that is a conflict with what stands at `earlier`; the position of that ends the message.
    pub(super) fn report_conflict(&self, place: Place, message: impl Into<String>, earlier: Place) {
        self.keep(Found { place, message: message.into(), earlier: Some(earlier) });
    }

    fn keep(&self, fault: Found) {
        let mut found = self.found.borrow_mut();
        if found.len() < MOST_FAULTS_KEPT {
            found.push(fault);
        } else {
            self.overflow.set(self.overflow.get() + 1);
        }
    }

    /// Nothing when no fault was reported, else the error for `file` with all of them, by position.
    pub(super) fn into_result(self, file: &Path) -> Result<(), ConfigError> {
        let (mut found, overflow) = (self.found.into_inner(), self.overflow.get());
        if found.is_empty() {
            return Ok(());
        }
        found.sort_by_key(|fault| fault.place.offset);
        let private: Vec<usize> =
            found.iter().filter(|fault| fault.place.private).map(|fault| fault.place.offset).collect();
        let omitted = found.len().saturating_sub(MOST_FAULTS_SHOWN) + overflow;
        found.truncate(MOST_FAULTS_SHOWN);
        let faults = found.into_iter().map(|fault| Fault {
            position: Some(position(self.text, fault.place.offset)),
            // Only now, for the few that are shown: a position costs a walk through the text.
            message: match fault.earlier {
                Some(earlier) => {
                    let Position { line, column } = position(self.text, earlier.offset);
                    format!("{} at line {line}, column {column}", quote::presentable(&fault.message))
                }
                None => quote::presentable(&fault.message),
            },
            // A fault that was not kept may have been a private one of the same line.
            line: if overflow == 0 { shown_line(self.text, fault.place.offset, &private) } else { None },
        });
        Err(ConfigError::new(file, faults.collect(), omitted))
    }
}

/// The line and column of the byte `offset` of `text`; the end of the text for an offset beyond it.
pub(super) fn position(text: &str, offset: usize) -> Position {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Position { line, column: before[line_start..].chars().count() + 1 }
}

/// The line around the byte `offset`, unless it is long or a secret may stand in it; `private` are the offsets of all
/// places whose line is not to be shown.
fn shown_line(text: &str, offset: usize, private: &[usize]) -> Option<String> {
    let offset = text.floor_char_boundary(offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let is_short = line.chars().count() <= LONGEST_LINE_SHOWN;
    // Another fault of the same line counts too: a table in braces can hold a secret behind a harmless mistake.
    let is_private = private.iter().any(|offset| (start..=start + line.len()).contains(offset));
    if is_private || !is_short || line.trim().is_empty() || !quote::may_be_shown(line) {
        return None;
    }
    // One column for one character, so that the caret stays below its place and no terminal obeys the file.
    Some(line.chars().map(|character| if character.is_control() { ' ' } else { character }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: usize) -> Place {
        Place { offset, private: false }
    }

    #[test]
    fn positions_count_characters_from_one_and_survive_any_offset() {
        let text = "a\r\nßü x\n";
        assert_eq!(position(text, 0), Position { line: 1, column: 1 });
        assert_eq!(position(text, text.find('x').unwrap()), Position { line: 2, column: 4 });
        assert_eq!(position(text, 4), Position { line: 2, column: 1 }, "within a character");
        assert_eq!(position(text, 99), Position { line: 3, column: 1 });
        assert_eq!(position("", 0), Position { line: 1, column: 1 });
    }

    #[test]
    fn faults_come_by_position_and_private_lines_are_not_shown() {
        let text = "one = 1\ntwo\t= 2\r\nsecret = 3\n";
        let faults = Faults::new(text);
        faults.report(place(17), "third");
        faults.report(place(8), "second");
        faults.report(Place { offset: 0, private: true }, "first");
        let error = faults.into_result(Path::new("f")).unwrap_err();
        assert_eq!(error.to_string(), "f:1:1: first\nf:2:1: second\n  2 | two = 2\n    | ^\nf:3:1: third");
    }

    #[test]
    fn a_private_place_hides_its_line_for_every_fault() {
        let faults = Faults::new("{ id = 1, pw = 2 }");
        faults.report(place(2), "first");
        faults.report(Place { offset: 10, private: true }, "second");
        assert_eq!(faults.into_result(Path::new("f")).unwrap_err().to_string(), "f:1:3: first\nf:1:11: second");
    }

    #[test]
    fn a_conflict_names_both_positions() {
        let faults = Faults::new("a = 1\n  b = 2\n");
        faults.report_conflict(place(8), "b twice; the first is", place(0));
        let error = faults.into_result(Path::new("f")).unwrap_err();
        assert_eq!(error.to_string(), "f:2:3: b twice; the first is at line 1, column 1\n  2 |   b = 2\n    |   ^");
    }

    #[test]
    fn a_hopeless_file_gets_a_bounded_list() {
        let faults = Faults::new("x");
        (0..150).for_each(|_| faults.report(place(0), "bad"));
        let error = faults.into_result(Path::new("f")).unwrap_err();
        assert_eq!(error.faults().len(), 100);
        assert!(error.to_string().ends_with("f: … and 50 more faults"));
        assert_eq!(error.faults()[0].line.as_deref(), Some("x"));
        let faults = Faults::new("x");
        (0..5000).for_each(|_| faults.report(place(0), "bad"));
        let error = faults.into_result(Path::new("f")).unwrap_err();
        assert!(error.to_string().ends_with("f: … and 4900 more faults"));
        assert_eq!(error.faults()[0].line, None, "the place that makes it private may be one that was not kept");
    }

    #[test]
    fn no_fault_is_no_error() {
        Faults::new("x").into_result(Path::new("f")).unwrap();
    }
}
