//! Commands that a message names, so that they can be pasted.

use std::path::Path;

/// Where every command looks for its configuration unless it is told otherwise.
pub(crate) const DEFAULT_CONFIG: &str = "/etc/atlas-logd/config.toml";

/// `word` as a shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// This program with the configuration in `file`, as far as that has to be said.
pub(crate) fn program(file: &Path) -> String {
    if file == Path::new(DEFAULT_CONFIG) {
        return "atlas-logd".to_owned();
    }
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    format!("atlas-logd --config {}", quoted(&absolute.display().to_string()))
}

/// A word of a command line: quoted where a shell would take it for anything else.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,+@%".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_as_they_are() {
        assert_eq!(quoted("/a/Café & shops/1"), "'/a/Café & shops/1'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn words_are_quoted_only_where_they_have_to_be() {
        assert_eq!(["collect", "a/b c", "#7", "", "x;y"].map(word), ["collect", "'a/b c'", "'#7'", "''", "'x;y'"]);
    }

    #[test]
    fn only_another_configuration_is_named() {
        assert_eq!(program(Path::new(DEFAULT_CONFIG)), "atlas-logd");
        assert_eq!(program(Path::new("/a b/c.toml")), "atlas-logd --config '/a b/c.toml'");
    }
}
