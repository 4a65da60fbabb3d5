//! What somebody meant who mistyped a name.

/// Nobody mistypes a name into one longer than this (in bytes).
const LONGEST_TYPED: usize = 100;

/// The name of `known` that is nearest to `typed`, if any is so near that a typing mistake explains it.
pub(crate) fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    nearest_by(strsim::levenshtein, typed, typed.chars().count(), known)
}

/// The same for a pattern, in which `*` stands for any characters and `?` for one.
pub(crate) fn nearest_to_pattern<'k>(pattern: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let letters = pattern.chars().filter(|character| !matches!(character, '*' | '?')).count();
    nearest_by(edits, pattern, letters, known)
}

/// The one that differs from `typed` in the fewest of its `letters`, as `edits` counts.
fn nearest_by<'k>(
    edits: impl Fn(&str, &str) -> usize,
    typed: &str,
    letters: usize,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    // Bounds the work for a name as long as the file.
    if typed.len() > LONGEST_TYPED {
        return None;
    }
    // A third of the letters wrong is a mistake; more is another word.
    let farthest = (letters / 3).max(1);
    known
        .into_iter()
        .map(|name| (edits(typed, name), name))
        .filter(|(edits, _)| *edits <= farthest)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// In how many letters `name` differs from what `pattern` matches.
fn edits(pattern: &str, name: &str) -> usize {
    let name: Vec<char> = name.chars().collect();
    // Of what stands of the pattern so far, against the first letters of the name.
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for wanted in pattern.chars() {
        let above = row.clone();
        let is_any = wanted == '*';
        row[0] = above[0] + usize::from(!is_any);
        for (at, letter) in name.iter().enumerate() {
            let changed = above[at] + usize::from(!is_any && wanted != '?' && wanted != *letter);
            let (left_out, added) = (above[at + 1] + usize::from(!is_any), row[at] + usize::from(!is_any));
            row[at + 1] = changed.min(left_out).min(added);
        }
    }
    row[name.len()]
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

    #[test]
    fn a_mistyped_pattern_finds_the_name_that_it_nearly_matches() {
        let known = ["analytics", "prod-0", "prod-west-1"];
        assert_eq!(nearest_to_pattern("prd-*", known), Some("prod-0"));
        assert_eq!(nearest_to_pattern("prod_west*", known), Some("prod-west-1"));
        assert_eq!(nearest_to_pattern("*lytiks", known), Some("analytics"));
        assert_eq!(nearest_to_pattern("prod-?", ["prod-"]), Some("prod-"));
        assert_eq!(nearest_to_pattern("staging-*", known), None);
        assert_eq!(nearest_to_pattern("x*", ["y"]), Some("y"));
    }
}
