//! Recovery, when others have been at the spool and at the segment.

use proptest::{collection::vec, prelude::*};

use crate::{
    checks::recovery::check,
    corpus::{corpus, replay},
    made_up::any_or_changed,
};

#[test]
fn the_corpus() {
    replay("recovery", check);
}

fn block(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().min(255);
    [&[u8::try_from(length).unwrap()], &bytes[..length]].concat()
}

/// Few short records of few letters, so that pieces of one are like pieces of another.
fn records() -> impl Strategy<Value = Vec<u8>> {
    "([ab\r]{0,3}\n){0,4}[ab]{0,3}".prop_map(String::into_bytes)
}

fn fate() -> impl Strategy<Value = Vec<u8>> {
    let others = prop_oneof![records(), vec(any::<u8>(), 0..9)];
    (0..6_u8, 0..40_u16, others)
        .prop_map(|(choice, place, bytes)| [&[choice], &place.to_le_bytes()[..], &block(&bytes)].concat())
}

fn case() -> impl Strategy<Value = Vec<u8>> {
    let failing = prop_oneof![3 => Just(0), 1 => 1..30_u8];
    let windows = (records(), records(), records());
    (any::<bool>(), failing, windows, fate(), fate(), 0..20_u16).prop_map(
        |(own_segment, failing, (first, second, third), spool, segment, written)| {
            let choice = u8::from(own_segment) | failing << 1;
            let windows = [block(&first), block(&second), block(&third)].concat();
            [&[choice], &windows[..], &spool, &segment, &written.to_le_bytes()].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes(input in any_or_changed(corpus("recovery"))) {
        check(&input);
    }

    #[test]
    fn any_damage(input in case()) {
        check(&input);
    }
}
