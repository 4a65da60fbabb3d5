//! The body of an access history.
//!
//! | first bytes | choose |
//! |---|---|
//! | 1 | in which pieces the body comes |
//! | 2 | the longest record, and the largest answer |
//! | 2 | where it is cut off |

use std::{convert::Infallible, io::Read};

use atlas_logd::{
    atlas::decode::{DecodeError, Limits, json_entries},
    record::{Reading, newlines_to_spaces},
    source::Kind,
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, error::Category, value::RawValue};

use super::{
    chunks::{Chunks, Ending, sent},
    input::Input,
};

/// More than any body that is tried.
const LARGEST_ANSWER: u64 = 1 << 30;

/// A page as serde reads one: it refuses a field that is there twice.
#[derive(Deserialize)]
struct Page {
    #[serde(rename = "accessLogs")]
    _entries: Option<IgnoredAny>,
}

type Outcome = (Vec<Vec<u8>>, Result<u64, DecodeError<Infallible>>);

/// However a page is cut into pieces, its entries are those that serde_json finds in it as a whole, and each means what
/// was sent when its newlines have become spaces; a page that is not closed is an error.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let pattern = input.byte();
    let limits = limits(input.byte(), input.byte());
    let cut = input.number();
    let body = input.rest();
    let (entries, decoded) = outcome(body, &limits);
    against_the_oracle(body, &limits, &entries, &decoded);
    entries.iter().for_each(|entry| is_archived_as_it_was_meant(entry));
    for (again, decoded_again) in
        [outcome(Chunks::new(body, pattern), &limits), outcome(sent(body, pattern, Ending::Finished), &limits)]
    {
        match (&decoded, &decoded_again) {
            (Ok(_), Ok(_)) => assert!(again == entries, "other entries in pieces"),
            (Err(one), Err(other)) => {
                // Of several faults, which one shows first depends on the pieces.
                assert_eq!(one.lasts(), other.lasts(), "{one}, and in pieces {other}");
                assert!(one_begins_the_other(&again, &entries), "other entries in pieces");
            }
            _ => panic!("{decoded:?}, and in pieces {decoded_again:?}"),
        }
    }
    if decoded.is_ok() {
        let cut = cut % body.trim_ascii_end().len();
        let (begun, decoded) = outcome(&body[..cut], &limits);
        assert!(decoded.is_err(), "a page that ends after {cut} bytes was taken for whole");
        assert!(begun.len() <= entries.len() && one_begins_the_other(&begun, &entries), "other entries before the end");
    }
    let (_, interrupted) = outcome(sent(body, pattern, Ending::Abandoned), &limits);
    assert!(interrupted.is_err(), "a page that was abandoned was taken for whole");
}

fn limits(record: u8, answer: u8) -> Limits {
    let record = if record == 0 { Limits::RECORD } else { usize::from(record) };
    let answer = if answer == 0 { LARGEST_ANSWER } else { u64::from(answer) * 16 };
    Limits { record, answer }
}

fn outcome(body: impl Read, limits: &Limits) -> Outcome {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let decoded = json_entries(body, limits, |entry, clocks| {
        assert!(entry.len() <= limits.record, "an entry is longer than allowed");
        let at_once = Reading::of_entry(entry, clocks, |_| true);
        assert_eq!(at_once, Reading::of(Kind::AccessHistory, entry, |_| true), "other clocks on the way");
        entries.push(entry.to_vec());
        Ok(())
    });
    if let Ok(count) = decoded {
        assert_eq!(count, entries.len() as u64);
    }
    (entries, decoded)
}

fn against_the_oracle(
    body: &[u8],
    limits: &Limits,
    entries: &[Vec<u8>],
    decoded: &Result<u64, DecodeError<Infallible>>,
) {
    let page: Result<Value, _> = serde_json::from_slice(body);
    let expected = page.as_ref().ok().and_then(|page| page.get("accessLogs")).and_then(Value::as_array);
    match (decoded, &page) {
        (Ok(_), Ok(_)) => {
            let expected = expected.expect("what was decoded is a page");
            let same = entries.iter().map(|entry| value(entry)).eq(expected.iter().cloned());
            assert!(same, "other entries than serde_json finds");
            assert!(body.len() as u64 <= limits.answer, "more than was allowed");
        }
        // What it is stricter about within a value that nobody looks at; but it does not want more.
        (Ok(_), Err(error)) => assert!(error.classify() != Category::Eof, "taken for whole, but {error}"),
        (Err(error), Ok(_)) => {
            let accepted = expected.is_some_and(|expected| expected.iter().all(Value::is_object));
            let too_large = body.len() as u64 > limits.answer;
            let too_long = expected.into_iter().flatten().any(|entry| longest(entry) > limits.record);
            // Which of the two it is about, and what is wrong with the first one, depends on which is read first.
            let twice = serde_json::from_slice::<Page>(body).is_err();
            assert!(!accepted || too_large || too_long || twice, "a whole page was refused: {error}");
            assert!(!matches!(error, DecodeError::JsonCut { .. } | DecodeError::JsonDamaged { .. }), "{error}");
        }
        (Err(_), Err(_)) => {}
    }
}

/// So long can an entry be that means this: how it was written is not known any more, only that the page with it is in
/// memory. An entry that means less than the limit may have been written with escapes and blanks.
fn longest(entry: &Value) -> usize {
    entry.to_string().len() * 6 + 1
}

fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).expect("an entry is JSON")
}

/// An entry is archived on one line, with the same meaning, and whatever is in it can be looked at.
fn is_archived_as_it_was_meant(entry: &[u8]) {
    let raw: Result<&RawValue, _> = serde_json::from_slice(entry);
    assert!(raw.is_ok_and(|raw| raw.get().as_bytes() == entry), "an entry is not one value without blanks around it");
    assert!(entry.starts_with(b"{") && entry.ends_with(b"}"), "an entry is no object");
    let archived = newlines_to_spaces(entry);
    assert!(!archived.contains(&b'\n') && archived.len() == entry.len(), "not one line");
    let meant: Result<Value, _> = serde_json::from_slice(entry);
    let means: Result<Value, _> = serde_json::from_slice(&archived);
    assert_eq!(meant.ok(), means.ok(), "another meaning");
    let reading = Reading::of(Kind::AccessHistory, &archived, |_| true);
    assert_eq!(reading, Reading::of(Kind::AccessHistory, &archived, |_| true), "not recognised again");
}

fn one_begins_the_other(one: &[Vec<u8>], other: &[Vec<u8>]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}
