//! OpenSSH's patterns.

/// Whether `text` matches a list of patterns, of which those with `!` exclude.
pub(super) fn matches_list(text: &str, patterns: &str) -> bool {
    let (mut matched, text) = (false, text.as_bytes());
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(excluded) if matches(text, excluded.as_bytes()) => return false,
            Some(_) => {}
            None => matched |= matches(text, pattern.as_bytes()),
        }
    }
    matched
}

/// Whether `text` matches a pattern with `*` and `?`. Goes back to the last `*` only, so that no pattern takes long.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut wanted) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match pattern.get(wanted) {
            Some(b'*') => {
                star = Some((at, wanted + 1));
                wanted += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[at] => {
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
    pattern[wanted..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_openssh() {
        let list = |patterns: &str| matches_list("atlas-logd", patterns);
        assert!(list("atlas-logd") && list("git,atlas-logd") && list("*") && list("a*d") && list("?tlas*log?"));
        assert!(!list("") && !list("atlas") && !list("*,!atlas*") && !list("!git") && !list("a*x"));
        assert!(!matches(&[b'a'; 2000], &[&b"a*".repeat(500)[..], b"b"].concat()));
    }
}
