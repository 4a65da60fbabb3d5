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

/// Whether `text` matches a pattern with `*` and `?`.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    crate::glob::matches(text, pattern, b'*', b'?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_openssh() {
        let list = |patterns: &str| matches_list("atlas-logd", patterns);
        assert!(list("atlas-logd") && list("git,atlas-logd") && list("*") && list("a*d") && list("?tlas*log?"));
        assert!(!list("") && !list("atlas") && !list("*,!atlas*") && !list("!git") && !list("a*x"));
    }
}
