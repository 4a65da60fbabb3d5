//! The challenge of a server to whom an API key has to prove itself.

use proptest::{collection::vec, prelude::*};

use crate::{
    checks::challenge::check,
    corpus::{corpus, replay},
    made_up::any_or_changed,
};

#[test]
fn the_corpus() {
    replay("challenge", check);
}

/// A challenge of the fields that there are, in any order, with values that a server might choose out of spite.
fn challenge() -> impl Strategy<Value = String> {
    let text = "[ !#-\\[\\]-~\t]{0,12}|([a-z]|\\\\\"|\\\\\\\\|, |=){0,8}";
    let field = prop_oneof![
        (Just("opaque|domain|charset|userhash"), text).prop_map(|(_, value)| format!("opaque=\"{value}\"")),
        "userhash=(true|false|1)",
        "stale=(true|false|TRUE|\"true\")",
        "algorithm=(\"?)(MD5|MD5-sess|SHA-256|SHA-256-sess|SHA-512-256|SHA-512-256-sess|md5|\"MD5\")",
        "qop=(\"auth\"|\"auth,auth-int\"|\"auth-int\"|auth|\"\"|\"x\")",
        "domain=\"[a-z/ ]{0,9}\"",
        "charset=UTF-8",
    ];
    (text, text, vec(field, 0..5), "Digest|digest|DIGEST|Basic realm=\"x\", Digest").prop_map(
        |(realm, nonce, fields, scheme)| {
            let fields: String = fields.iter().map(|field| format!(", {field}")).collect();
            format!("{scheme} realm=\"{realm}\", nonce=\"{nonce}\"{fields}")
        },
    )
}

proptest! {
    #[test]
    fn any_bytes(input in any_or_changed(corpus("challenge"))) {
        check(&input);
    }

    #[test]
    fn any_challenge(challenges in vec(challenge(), 1..3)) {
        check(challenges.join("\n").as_bytes());
    }
}
