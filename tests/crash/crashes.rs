//! Crashes at every moment of the workload, and at every moment of the recovery from each of them.

use crate::{
    disk::Content,
    loss::after_power_loss,
    machine::{Machine, Snapshot},
    oracle,
    process::Process,
    workload::{self, Step},
};

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The process was killed: everything that it wrote is there.
    Kill,
    /// The machine lost its power: what was not synced may be there or not.
    PowerLoss,
}

/// How many crashes were tried.
#[derive(Debug, Default)]
struct Tried {
    moments: usize,
    kills: usize,
    power_losses: usize,
    damaged: usize,
}

/// Every moment of one undisturbed life.
pub(crate) fn moments(steps: &[Step]) -> Vec<Snapshot> {
    let machine = Machine::new();
    let (process, moments) = machine.film(|| {
        let mut process = Process::start(&machine).unwrap();
        process.take_all(steps).unwrap();
        process
    });
    assert_eq!(oracle::judge(&machine, &process, steps), 0);
    moments
}

/// What may be on the disk after a crash at `moment`.
fn left(moment: &Snapshot, end: End) -> Vec<Content> {
    match end {
        End::Kill => vec![moment.content.clone()],
        End::PowerLoss => after_power_loss(&moment.content),
    }
}

/// Goes on after a crash, with the step that it fell into and those after it, and lets the oracle judge. How many
/// segments were given up as damaged.
fn go_on(steps: &[Step], more: usize, moment: &Snapshot, left: &Content, end: End) -> usize {
    let machine = Machine::again(moment, left.clone());
    let mut process = Process::start(&machine).unwrap();
    // What is done later would make up for what was left out here.
    let steps = process.next(steps, more);
    process.take_all(steps).unwrap();
    let damaged = oracle::judge(&machine, &process, steps);
    oracle::assert_only_appended(left, &machine.disk.content());
    assert!(end == End::PowerLoss || damaged == 0, "a kill damages nothing");
    damaged
}

#[test]
fn a_crash_at_any_moment_loses_nothing_and_archives_nothing_twice() {
    let steps = workload::steps();
    let mut tried = Tried::default();
    for moment in moments(&steps) {
        tried.moments += 1;
        tried.kills += 1;
        go_on(&steps, 0, &moment, &moment.content, End::Kill);
        go_on(&steps, 2, &moment, &moment.content, End::Kill);
        for left in left(&moment, End::PowerLoss) {
            tried.power_losses += 1;
            tried.damaged += go_on(&steps, 1, &moment, &left, End::PowerLoss);
        }
    }
    assert!(tried.moments > 150 && tried.damaged > 20, "{tried:?}");
    println!("{tried:?}");
}

/// A short run tries the recovery from every seventh moment of a life.
const MOMENTS_APART: usize = 7;

/// Crashes at every moment of the recovery from a crash at every moment; with `variants` of what each power loss leaves,
/// the most and the least damaged ones.
fn crash_twice(variants: usize) -> Tried {
    let steps = workload::steps();
    let mut tried = Tried::default();
    // Whoever wants all of them has the time.
    let apart = if variants == usize::MAX { 1 } else { MOMENTS_APART };
    for first in moments(&steps).into_iter().step_by(apart) {
        for first_end in [End::Kill, End::PowerLoss] {
            for first_left in extremes(left(&first, first_end), variants) {
                let machine = Machine::again(&first, first_left.clone());
                let (_, recovery) = machine.film(|| {
                    let mut process = Process::start(&machine).unwrap();
                    process.open_all(&steps).unwrap();
                });
                // Before anything changed and after everything did, it is as in the first test.
                let under_way = &recovery[..recovery.len() - 1];
                for second in under_way.iter().filter(|second| second.content != first_left) {
                    oracle::assert_only_appended(&first_left, &second.content);
                    tried.moments += 1;
                    tried.kills += 1;
                    go_on(&steps, 0, second, &second.content, first_end);
                    for left in extremes(left(second, End::PowerLoss), variants) {
                        tried.power_losses += 1;
                        tried.damaged += go_on(&steps, 0, second, &left, End::PowerLoss);
                    }
                }
            }
        }
    }
    tried
}

/// The first and the last ones of `all`.
pub(crate) fn extremes(mut all: Vec<Content>, count: usize) -> Vec<Content> {
    let first = all.len().min(count.div_ceil(2));
    let last = all.split_off((all.len() - (count / 2).min(all.len() - first)).max(first));
    all.truncate(first);
    all.extend(last);
    all
}

/// So many variants of what each power loss leaves are tried; more are a matter of minutes, see [`crate`].
pub(crate) fn variants() -> usize {
    match std::env::var("ATLAS_LOGD_CRASH_VARIANTS") {
        Ok(text) if text == "all" => usize::MAX,
        Ok(text) => text.parse().unwrap(),
        Err(_) => 2,
    }
}

#[test]
fn a_crash_at_any_moment_of_the_recovery_from_a_crash_changes_nothing() {
    let tried = crash_twice(variants());
    assert!(tried.moments > 100 && tried.damaged > 5, "{tried:?}");
    println!("{tried:?}");
}
