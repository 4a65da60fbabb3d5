//! Crashes at every moment of a life in which segments are sealed because somebody asked for it.

use std::error::Error;

use crate::{
    crashes::{extremes, variants},
    disk::Content,
    loss::after_power_loss,
    machine::{Machine, Snapshot},
    oracle,
    process::Process,
    workload::{self, Step},
};

/// Takes steps; behind every second one its source is sealed. How many segments were.
fn live(process: &mut Process, steps: &[Step]) -> Result<usize, Box<dyn Error>> {
    let mut sealed = 0;
    for (index, step) in steps.iter().enumerate() {
        process.take(step)?;
        if index % 2 == 1 {
            sealed += usize::from(process.seal(&step.source)?);
        }
    }
    process.open_all(steps)?;
    Ok(sealed)
}

/// What the next life begins with.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// The next poll of each source.
    Polls,
    /// Somebody asks again, since he does not know whether it was done.
    Seals,
}

/// Goes on after a crash, and lets the oracle judge.
fn go_on(steps: &[Step], start: Start, moment: &Snapshot, left: &Content) {
    let machine = Machine::again(moment, left.clone());
    let mut process = Process::start(&machine).unwrap();
    match start {
        Start::Polls => process.open_all(steps).unwrap(),
        Start::Seals => workload::sources(steps).into_iter().for_each(|source| {
            process.seal(source).unwrap();
        }),
    }
    let steps = process.next(steps, 1);
    live(&mut process, steps).unwrap();
    oracle::judge(&machine, &process, steps);
    oracle::assert_only_appended(left, &machine.disk.content());
}

#[test]
fn a_crash_at_any_moment_of_a_seal_on_request_loses_nothing_and_the_chain_is_whole() {
    let steps = workload::steps();
    let machine = Machine::new();
    let ((process, sealed), moments) = machine.film(|| {
        let mut process = Process::start(&machine).unwrap();
        let sealed = live(&mut process, &steps).unwrap();
        (process, sealed)
    });
    assert_eq!(oracle::judge(&machine, &process, &steps), 0);
    assert_eq!(sealed, 7);
    for moment in &moments {
        let starts = [Start::Polls, Start::Seals];
        starts.iter().for_each(|start| go_on(&steps, *start, moment, &moment.content));
        let lefts = extremes(after_power_loss(&moment.content), variants());
        lefts.iter().zip(starts.iter().cycle()).for_each(|(left, start)| go_on(&steps, *start, moment, left));
    }
    println!("{} moments", moments.len());
    assert!(moments.len() > 200, "{}", moments.len());
}
