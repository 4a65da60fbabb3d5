//! The body of an access history.

use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use crate::{
    checks::json_entries::check,
    corpus::{corpus, replay},
    made_up::any_or_changed,
};

#[test]
fn the_corpus() {
    replay("json_entries", check);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((".{0,6}", inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A page with entries and other members, written densely or widely, with all choices before it.
fn page() -> impl Strategy<Value = Vec<u8>> {
    let entry = vec(("hostname|logLine|timestamp|[a-z]{0,4}", value()), 0..6);
    let entry = entry.prop_map(|members| Value::Object(members.into_iter().collect()));
    let entries = vec(prop_oneof![9 => entry, 1 => value()], 0..6).prop_map(Value::from);
    let others = vec(("links|totalCount|[a-z]{0,4}", value()), 0..3);
    let choices =
        (any::<u8>(), prop_oneof![3 => Just(0), 1 => any::<u8>()], prop_oneof![3 => Just(0), 1 => any::<u8>()]);
    (choices, any::<u16>(), entries, others, any::<bool>()).prop_map(
        |((pattern, record, answer), cut, entries, mut members, wide)| {
            members.insert(members.len() / 2, ("accessLogs".to_owned(), entries));
            let page = Value::Object(members.into_iter().collect());
            let page = if wide { serde_json::to_vec_pretty(&page) } else { serde_json::to_vec(&page) };
            [&[pattern, record, answer][..], &cut.to_le_bytes(), &page.unwrap()].concat()
        },
    )
}

proptest! {
    #[test]
    fn any_bytes(input in any_or_changed(corpus("json_entries"))) {
        check(&input);
    }

    #[test]
    fn any_page(input in page()) {
        check(&input);
    }
}
