//! The configuration.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    checks::configuration::check,
    corpus::{corpus, replay},
    made_up::any_or_changed,
};

const REFERENCE: &str = include_str!("../../config/atlas-logd.toml");

#[test]
fn the_corpus() {
    replay("configuration", check);
}

/// Lines of the reference, in use or not, in any order, and values where others belong.
fn shuffled() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = REFERENCE.lines().map(|line| line.trim_start_matches("# ")).collect();
    let keys: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    let values: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(" = ")?.1)).collect();
    let other = prop_oneof![
        select(values).prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| format!("{text:?}")),
        Just("\"mdb_sa_sk_0123456789abcdef\"".to_owned()),
        Just("[\"a\", 'b', \"\"\"\nc\"\"\"]".to_owned()),
        Just("{ a = 1 }".to_owned()),
        Just("2026-11-22T10:15:00Z".to_owned()),
    ];
    let line = prop_oneof![
        6 => select(lines).prop_map(str::to_owned),
        3 => (select(keys), other).prop_map(|(key, value)| format!("{key} = {value}")),
    ];
    vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_bytes(input in any_or_changed(corpus("configuration"))) {
        check(&input);
    }

    #[test]
    fn any_lines(text in shuffled()) {
        check(text.as_bytes());
    }
}
