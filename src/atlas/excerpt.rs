//! A short, printable piece of what a server sent, for messages.

/// At most `limit` characters of `text`, control characters escaped and a `…` where something is left out.
///
/// A server's text goes into logs and onto terminals: it must neither be endless nor move a cursor.
pub(super) fn excerpt(text: &str, limit: usize) -> String {
    let mut excerpt = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(limit) {
        if printable(character) {
            excerpt.push(character);
        } else {
            excerpt.extend(character.escape_default());
        }
    }
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

fn printable(character: char) -> bool {
    // These turn the direction of writing, so that a text looks like another one, or begin another line.
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_and_printable() {
        assert_eq!(excerpt("plain – text", 20), "plain – text");
        assert_eq!(excerpt("\u{1b}[2J\r\n\u{202e}\u{61c}", 20), "\\u{1b}[2J\\r\\n\\u{202e}\\u{61c}");
        assert_eq!(excerpt("abcdef", 3), "abc…");
        assert_eq!(excerpt("abc", 3), "abc");
    }
}
