//! What somebody meant who mistyped a name.

/// Nobody mistypes a name into one longer than this (in bytes).
const LONGEST_TYPED: usize = 100;

/// The name of `known` that is nearest to `typed`, if any is so near that a typing mistake explains it.
pub(crate) fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Bounds the work for a name as long as the file.
    if typed.len() > LONGEST_TYPED {
        return None;
    }
    // A third of the letters wrong is a mistake; more is another word.
    let farthest = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::levenshtein(typed, name), name))
        .filter(|(edits, _)| *edits <= farthest)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_name_and_another_word_does_not() {
        let known = ["rotate_size", "rotate_every", "dir"];
        assert_eq!(nearest("rotate_sise", known), Some("rotate_size"));
        assert_eq!(nearest("rotate-every", known), Some("rotate_every"));
        assert_eq!(nearest("dri", known), None);
        assert_eq!(nearest("di", known), Some("dir"));
        assert_eq!(nearest("retention", known), None);
    }
}
