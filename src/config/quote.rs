//! Showing an operator's own text back without showing a secret or upsetting a terminal.

/// Longer texts are cut: the position already says which one is meant.
const LONGEST_SHOWN: usize = 80;

/// A client secret of a service account starts so (an id starts with `mdb_sa_id_`).
const CLIENT_SECRET_PREFIX: &str = "mdb_sa_sk_";

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

/// Whether `text` holds what Atlas hands out as a secret: a client secret, or the UUID that is a private key.
///
/// People do write a secret where the name of its file or variable belongs.
pub(super) fn looks_like_secret(text: &str) -> bool {
    text.to_ascii_lowercase().contains(CLIENT_SECRET_PREFIX) || holds_uuid(text)
}

/// Whether the line of a configuration may be shown: nothing in it hints at a secret, neither a word nor the user part
/// of a URL.
pub(super) fn may_be_shown(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let has_url_with_user = lower.contains("://") && lower.contains('@');
    !has_url_with_user && !looks_like_secret(line) && !TELLTALE_WORDS.iter().any(|word| lower.contains(word))
}

fn holds_uuid(text: &str) -> bool {
    const UUID_LENGTH: usize = 36;
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    text.as_bytes().windows(UUID_LENGTH).any(|window| {
        window.iter().enumerate().all(|(index, byte)| match DASHES.contains(&index) {
            true => *byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
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
    fn lines_that_hint_at_a_secret_are_not_shown() {
        for line in ["client_secret = 1", "PASSWORD=x", "api_key = 5", "url = \"https://user:pw@host\""] {
            assert!(!may_be_shown(line), "{line}");
        }
        for line in ["rotate_size = \"5\"", "credentials = \"main\"", "base_url = \"https://cloud.mongodb.com\""] {
            assert!(may_be_shown(line), "{line}");
        }
    }
}
