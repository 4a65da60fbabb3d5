//! Everything that can go wrong, in a random mix over thousands of polls; then all is well again, and the archive has to
//! be exact.

mod actions;
mod gaps;
mod story;
mod tally;

use std::ops::RangeInclusive;

use story::Story;
use tally::Tally;

/// Polls of one mix.
const POLLS: usize = 1000;

/// Which mixes are made: `ATLAS_LOGD_MIXES=17`, or `ATLAS_LOGD_MIXES=1..=200`.
fn seeds() -> RangeInclusive<u64> {
    let Ok(text) = std::env::var("ATLAS_LOGD_MIXES") else { return 1..=3 };
    match text.split_once("..=") {
        Some((first, last)) => first.parse().unwrap()..=last.parse().unwrap(),
        None => text.parse().unwrap()..=text.parse().unwrap(),
    }
}

#[test]
fn nothing_is_lost_and_nothing_archived_twice_whatever_comes_together() {
    let mut tally = Tally::default();
    let seeds = seeds();
    for seed in seeds.clone() {
        tally.add(&Story::of(seed).unfold(POLLS));
    }
    println!("{tally}");
    if seeds.count() > 1 {
        tally.assert_something_of_everything();
    }
}
