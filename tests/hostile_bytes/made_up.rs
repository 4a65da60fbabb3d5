//! Inputs of any bytes, and changed ones of the corpus.

use std::ops::Range;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// Something that happens to bytes on their way.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize),
    Insert(Index, Vec<u8>),
}

/// Any bytes, or an input of the corpus to which a few things happened.
pub(crate) fn any_or_changed(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (select(corpus), vec(change(), 0..6)).prop_map(|(mut bytes, changes)| {
        changes.iter().for_each(|change| apply(change, &mut bytes));
        bytes
    });
    prop_oneof![1 => vec(any::<u8>(), 0..200), 4 => changed]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(place, bit)| Change::Flip(place, bit)),
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), 1..20_usize).prop_map(|(place, length)| Change::Remove(place, length)),
        (any::<Index>(), 1..20_usize).prop_map(|(place, length)| Change::Repeat(place, length)),
        (any::<Index>(), vec(any::<u8>(), 1..8)).prop_map(|(place, bytes)| Change::Insert(place, bytes)),
    ]
}

fn apply(change: &Change, bytes: &mut Vec<u8>) {
    let place = |index: &Index| index.index(bytes.len() + 1);
    let range =
        |index: &Index, length: usize| -> Range<usize> { place(index)..(place(index) + length).min(bytes.len()) };
    match change {
        Change::Flip(index, bit) => {
            let place = place(index);
            bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << bit);
        }
        Change::Cut(index) => bytes.truncate(place(index)),
        Change::Remove(index, length) => drop(bytes.drain(range(index, *length))),
        Change::Repeat(index, length) => bytes.extend_from_within(range(index, *length)),
        Change::Insert(index, others) => {
            let place = place(index);
            bytes.splice(place..place, others.iter().copied());
        }
    }
}
