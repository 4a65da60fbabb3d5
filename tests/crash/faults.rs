//! Every single operation on files fails once in turn, with each error of the system: the next poll goes on by itself.

use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::{
    disk::{Failing, is_segment},
    loss::after_power_loss,
    machine::Machine,
    oracle,
    process::{Process, ROOT},
    workload,
};

/// A life in which one operation fails. What was said about it, which operation it was, and how many segments were
/// given up.
fn life(failing: Failing) -> (Option<String>, String, usize) {
    let steps = workload::steps();
    let machine = Machine::new();
    machine.disk.fail(failing);
    let mut said = None;
    let mut start = || {
        let mut failed = Process::start(&machine);
        if let Err(error) = &failed {
            said = Some(error.to_string());
            failed = Process::start(&machine);
        }
        failed.unwrap()
    };
    let mut process = start();
    for step in &steps {
        if let Err(error) = process.take(step) {
            assert!(said.replace(error.to_string()).is_none(), "it failed a second time: {error}");
            process.take(step).unwrap();
        }
    }
    process.open_all(&steps).unwrap();
    let damaged = oracle::judge(&machine, &process, &steps);
    let (operation, path) = machine.disk.operations().swap_remove(failing.operation);
    (said, format!("{operation} {}", path.display()), damaged)
}

/// What an undisturbed life does.
fn operations() -> Vec<(&'static str, PathBuf)> {
    let machine = Machine::new();
    Process::start(&machine).unwrap().take_all(&workload::steps()).unwrap();
    machine.disk.operations()
}

/// The numbers of its syncs of files and folders.
fn syncs(of: impl Fn(&Path) -> bool) -> Vec<usize> {
    let all = operations().into_iter().enumerate();
    all.filter(|(_, (operation, path))| operation.starts_with("sync") && of(path)).map(|(number, _)| number).collect()
}

fn every_operation_fails_with(errno: Errno, advice: &str) {
    let operations = operations().len();
    println!("{operations} operations, each with {errno}");
    for operation in 0..operations {
        let (said, what, damaged) = life(Failing { operation, errno, more: 0 });
        let syncs_segment = what.starts_with("sync payments/");
        assert_eq!(
            damaged,
            usize::from(syncs_segment),
            "{what}: a failed sync of a segment, and nothing else, ends it"
        );
        match said {
            // The window went into the next segment, and the poll went on.
            None => assert!(syncs_segment, "{what} failed without a word"),
            // The spool's own errors get their words from the collector.
            Some(said) if what.contains(".spool") && !said.starts_with("failed to") => {}
            Some(said) => {
                assert!(said.contains(ROOT), "{what}: no path in: {said}");
                assert!(said.contains(advice), "{what}: no advice in: {said}");
            }
        }
    }
}

#[test]
fn a_full_disk_stops_nothing_for_longer_than_it_is_full() {
    every_operation_fails_with(Errno::NOSPC, "the disk is full; free some space, collection goes on by itself");
}

#[test]
fn an_input_output_error_loses_nothing() {
    every_operation_fails_with(Errno::IO, "the disk reports an error");
}

#[test]
fn a_read_only_file_system_loses_nothing() {
    every_operation_fails_with(Errno::ROFS, "the file system is read-only; remount it writable");
}

#[test]
fn a_segment_that_cannot_be_synced_twice_in_a_row_ends_the_poll_and_the_next_one_goes_on() {
    let syncs = syncs(is_segment);
    assert!(syncs.len() > 5, "{} syncs of segments", syncs.len());
    println!("{} syncs of segments", syncs.len());
    for operation in syncs {
        let (said, what, damaged) = life(Failing { operation, errno: Errno::IO, more: 1 });
        assert_eq!(damaged, 2, "{what}: {said:?}");
        let said = said.unwrap();
        assert!(said.contains("could not be written twice in a row"), "{what}: {said}");
        assert!(said.ends_with("the next poll goes on"), "{what}: {said}");
    }
}

/// The page cache proves nothing after a failed sync: the power goes right after the step in which it failed.
#[test]
fn a_failed_sync_and_then_a_power_loss_lose_nothing() {
    let steps = workload::steps();
    let syncs = syncs(|_| true);
    assert!(syncs.len() > 50, "{} syncs", syncs.len());
    println!("{} syncs", syncs.len());
    for operation in syncs {
        let machine = Machine::new();
        machine.disk.fail(Failing { operation, errno: Errno::IO, more: 0 });
        let (_, mut moments) = machine.film(|| {
            let Ok(mut process) = Process::start(&machine) else { return };
            for step in &steps {
                let failed = process.take(step).is_err();
                if failed || machine.disk.operations().len() > operation {
                    return;
                }
            }
        });
        let moment = moments.pop().unwrap();
        for left in after_power_loss(&moment.content) {
            let machine = Machine::again(&moment, left.clone());
            let mut process = Process::start(&machine).unwrap();
            let steps = process.next(&steps, 1);
            process.take_all(steps).unwrap();
            oracle::judge(&machine, &process, steps);
            oracle::assert_only_appended(&left, &machine.disk.content());
        }
    }
}
