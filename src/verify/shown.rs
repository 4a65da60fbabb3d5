//! Names and texts of an archive, as they are shown: whoever made them must not steer a terminal with them.

use std::{os::unix::ffi::OsStrExt as _, path::Path};

/// No text is shown longer, in characters. Nothing that the daemon writes is.
const LONGEST: usize = 8192;

/// A text with its control characters escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for (position, character) in text.chars().enumerate() {
        if position == LONGEST {
            shown.push('…');
            break;
        }
        if character.is_control() || turns_writing_round(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether it is one of those that change the direction of writing, or end a line, and are no control characters.
fn turns_writing_round(character: char) -> bool {
    matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A path of an archive, likewise; bytes that are no text are escaped too.
pub(crate) fn shown_path(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return ".".to_owned();
    }
    let chunks = path.as_os_str().as_bytes().utf8_chunks();
    chunks.map(|chunk| format!("{}{}", shown(chunk.valid()), chunk.invalid().escape_ascii())).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(shown("Größe 1\u{1b}[2J\n\u{202e}"), "Größe 1\\u{1b}[2J\\n\\u{202e}");
        assert_eq!(shown_path(Path::new(OsStr::from_bytes(b"a\xff/\xc3\xa9\x07"))), "a\\xff/é\\u{7}");
        assert_eq!(shown_path(Path::new("")), ".");
        assert_eq!(shown(&"x".repeat(LONGEST + 5)), "x".repeat(LONGEST) + "…");
    }
}
