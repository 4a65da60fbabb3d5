//! Names and texts of others, as they are shown: whoever made them must not steer a terminal with them, nor make a line of a
//! log or report look like another one.

use std::{os::unix::ffi::OsStrExt as _, path::Path};

/// No text is shown longer, in characters. Nothing that the daemon writes is.
const LONGEST: usize = 8192;

/// Whether a character stands for itself: it is no control character, and does not change the direction of writing nor end a
/// line.
pub(crate) fn is_plain(character: char) -> bool {
    let turns_or_ends =
        matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !turns_or_ends
}

/// A text on one line, all that is not plain escaped.
pub(crate) fn shown(text: &str) -> String {
    excerpt(text, LONGEST)
}

/// At most `limit` characters of a text, likewise; a `…` stands where something is left out.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let mut excerpt = String::with_capacity(text.len().min(limit));
    let mut characters = text.chars();
    characters.by_ref().take(limit).for_each(|character| push(&mut excerpt, character));
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// A whole text of our own, into whose lines something of others may have got: the lines stay, the rest that is not plain is
/// escaped.
pub(crate) fn shown_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push(character),
            character => push(&mut shown, character),
        }
    }
    shown
}

/// A path, likewise; bytes that are no text are escaped too.
pub(crate) fn shown_path(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return ".".to_owned();
    }
    let chunks = path.as_os_str().as_bytes().utf8_chunks();
    chunks.map(|chunk| format!("{}{}", shown(chunk.valid()), chunk.invalid().escape_ascii())).collect()
}

fn push(shown: &mut String, character: char) {
    if is_plain(character) {
        shown.push(character);
    } else {
        shown.extend(character.escape_default());
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(shown("Größe 1\u{1b}[2J\n\u{202e}\u{61c}"), "Größe 1\\u{1b}[2J\\n\\u{202e}\\u{61c}");
        assert_eq!(shown_lines("one\n\u{9b}2J\r\ntwo"), "one\n\\u{9b}2J\\r\ntwo");
        assert_eq!(shown_path(Path::new(OsStr::from_bytes(b"a\xff/\xc3\xa9\x07"))), "a\\xff/é\\u{7}");
        assert_eq!(shown_path(Path::new("")), ".");
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(shown(&"x".repeat(LONGEST + 5)), "x".repeat(LONGEST) + "…");
        assert_eq!(excerpt("plain – text", 20), "plain – text");
        assert_eq!(excerpt("abcdef", 3), "abc…");
        assert_eq!(excerpt("abc", 3), "abc");
    }
}
