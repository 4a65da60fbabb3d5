//! The body of an error.

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::{
    checks::error_body::check,
    corpus::{corpus, replay},
    made_up::any_or_changed,
};

#[test]
fn the_corpus() {
    replay("error_body", check);
}

/// A text, a long one, one that nobody can see, or something else.
fn field() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => any::<String>().prop_map(Value::from),
        1 => ("\\PC|\\p{C}", 0..400_usize).prop_map(|(text, times)| Value::from(text.repeat(times))),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!({"detail": [1]})),
    ]
}

proptest! {
    #[test]
    fn any_bytes(input in any_or_changed(corpus("error_body"))) {
        check(&input);
    }

    #[test]
    fn any_fields(
        code in prop_oneof!["CLUSTER_NOT_FOUND|NOT_IN_GROUP|VERSION_GONE".prop_map(Value::from), field()],
        detail in field(),
        reason in field(),
        parameters in prop_oneof![vec(field(), 0..12).prop_map(Value::from), field()],
    ) {
        let body = json!({"errorCode": code, "detail": detail, "reason": reason, "parameters": parameters});
        check(body.to_string().as_bytes());
    }
}
