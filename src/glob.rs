//! Texts with `*` for any characters and `?` for one.

/// Whether `text` matches `pattern`, in which `any` stands for any number of elements and `one` for one. Goes back to the
/// last `any` only, so that no pattern takes long.
pub(crate) fn matches<T: Copy + PartialEq>(text: &[T], pattern: &[T], any: T, one: T) -> bool {
    let (mut at, mut wanted) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match pattern.get(wanted) {
            Some(&element) if element == any => {
                star = Some((at, wanted + 1));
                wanted += 1;
            }
            Some(&element) if element == one || element == text[at] => {
                at += 1;
                wanted += 1;
            }
            _ => {
                let Some((from, behind)) = star else { return false };
                star = Some((from + 1, behind));
                (at, wanted) = (from + 1, behind);
            }
        }
    }
    pattern[wanted..].iter().all(|element| *element == any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(text: &str, pattern: &str) -> bool {
        let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
        matches(&text, &pattern, '*', '?')
    }

    #[test]
    fn a_star_stands_for_any_number_and_a_question_mark_for_one() {
        for pattern in ["prod-0", "*", "prod-*", "*0", "p*d*", "?rod-?", "prod-0*", "**"] {
            assert!(fits("prod-0", pattern), "{pattern}");
        }
        for pattern in ["", "prod", "prod-0?", "PROD-0", "*1", "prod-??", "rod-0"] {
            assert!(!fits("prod-0", pattern), "{pattern}");
        }
        assert!(fits("Ä", "?") && fits("", "*") && fits("", "") && !fits("", "?"));
        assert!(!matches(&[b'a'; 2000], &[&b"a*".repeat(500)[..], b"b"].concat(), b'*', b'?'));
    }
}
