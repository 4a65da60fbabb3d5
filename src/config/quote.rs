//! Showing an operator's own text back without showing a secret or upsetting a terminal.

use crate::shown::excerpt;

/// Longer texts are cut: the position already says which one is meant.
const LONGEST_SHOWN: usize = 80;

/// Longer messages are cut in their middle: what is wrong stands in front, and what is allowed at the end.
const LONGEST_MESSAGE: usize = 1000;

/// What stands in the place of a secret.
const NOT_SHOWN: &str = "(not shown)";

/// A client secret of a service account starts so (an id starts with `mdb_sa_id_`).
const CLIENT_SECRET_PREFIX: &str = "mdb_sa_sk_";

/// How long the UUID is that is a private key.
const UUID_LENGTH: usize = 36;

/// Words that stand in a line in which a secret stands.
const TELLTALE_WORDS: [&str; 5] = ["secret", "key", "password", "passwd", "token"];

/// `text` in quotes, control characters escaped, cut when it is long, and not at all when it looks like a secret.
pub(super) fn quote(text: &str) -> String {
    if looks_like_secret(text) {
        return "(a value that looks like a secret and is not shown)".to_owned();
    }
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A whole message, whatever of the file went into it: a path, the name of a table. Secrets are left out, control
/// characters escaped, and what is long is cut.
pub(super) fn presentable(message: &str) -> String {
    let mut shown = String::new();
    let mut rest = message;
    while let Some((place, length)) = first_secret(rest) {
        shown.extend([&rest[..place], NOT_SHOWN]);
        rest = &rest[place + length..];
    }
    shown.push_str(rest);
    let shown = excerpt(&shown, usize::MAX);
    let characters = shown.chars().count();
    if characters <= LONGEST_MESSAGE {
        return shown;
    }
    let half = LONGEST_MESSAGE / 2;
    let (begin, end) = (shown.chars().take(half), shown.chars().skip(characters - half));
    begin.chain(" … ".chars()).chain(end).collect()
}

/// Where the first secret in `text` begins, and how many bytes it has.
fn first_secret(text: &str) -> Option<(usize, usize)> {
    let client_secret = text.to_ascii_lowercase().find(CLIENT_SECRET_PREFIX).map(|place| {
        let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
        let length = text[place..].find(|character| !is_part(character));
        (place, length.unwrap_or(text.len() - place))
    });
    let uuid = text.as_bytes().windows(UUID_LENGTH).position(is_uuid).map(|place| (place, UUID_LENGTH));
    client_secret.into_iter().chain(uuid).min()
}

/// Whether `text` holds what Atlas hands out as a secret: a client secret, or the UUID that is a private key.
///
/// People do write a secret where the name of its file or variable belongs.
pub(super) fn looks_like_secret(text: &str) -> bool {
    first_secret(text).is_some()
}

/// Whether the line of a configuration may be shown: nothing in it hints at a secret, neither a word nor the user part
/// of a URL.
pub(super) fn may_be_shown(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let has_url_with_user = lower.contains("://") && lower.contains('@');
    !has_url_with_user && !looks_like_secret(line) && !TELLTALE_WORDS.iter().any(|word| lower.contains(word))
}

fn is_uuid(text: &[u8]) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    text.iter().enumerate().all(|(index, byte)| match DASHES.contains(&index) {
        true => *byte == b'-',
        false => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_texts_cut() {
        assert_eq!(quote("a\u{1b}[2J\"\n"), r#""a\u{1b}[2J\"\n""#);
        assert_eq!(quote(&"é".repeat(81)), format!("\"{}\"…", "é".repeat(80)));
    }

    #[test]
    fn what_atlas_hands_out_as_a_secret_is_not_shown() {
        for secret in ["mdb_sa_sk_AbC", "x MDB_SA_SK_abc", "1f3b7a90-5c2d-4e6f-8a1b-0123456789ab"] {
            assert_eq!(quote(secret), "(a value that looks like a secret and is not shown)");
            assert!(!may_be_shown(secret));
        }
        assert_eq!(quote("mdb_sa_id_1234"), "\"mdb_sa_id_1234\"");
    }

    #[test]
    fn a_message_is_shown_without_secrets_control_characters_and_without_end() {
        assert_eq!(presentable("dir: \"ä\" is no path"), "dir: \"ä\" is no path");
        assert_eq!(presentable("/etc/mdb_sa_sk_Ab-c/x: gone"), "/etc/(not shown)/x: gone");
        let key = "1f3b7a90-5c2d-4e6f-8a1b-0123456789ab";
        assert_eq!(presentable(&format!("{key}é{key} MDB_SA_SK_1")), "(not shown)é(not shown) (not shown)");
        assert_eq!(presentable("a\u{1b}[2J\n"), "a\\u{1b}[2J\\n");
        let long = presentable(&format!("no {}; allowed: less", "é".repeat(5000)));
        assert!(long.starts_with("no é") && long.ends_with("é; allowed: less") && long.chars().count() < 1010);
    }

    #[test]
    fn lines_that_hint_at_a_secret_are_not_shown() {
        for line in ["client_secret = 1", "PASSWORD=x", "api_key = 5", "url = \"https://user:pw@host\""] {
            assert!(!may_be_shown(line), "{line}");
        }
        for line in ["rotate_size = \"5\"", "credentials = \"main\"", "base_url = \"https://cloud.mongodb.com\""] {
            assert!(may_be_shown(line), "{line}");
        }
    }
}
