//! The spool is damaged by somebody while a commit is under way, at every moment of it: with none, some or all of its
//! records in the segment.

use std::path::{Path, PathBuf};

use atlas_logd::archive::SegmentName;

use crate::{
    crashes::moments,
    disk::{Content, FileBytes, Thing, is_segment},
    machine::Machine,
    oracle,
    process::Process,
    workload,
};

fn spools(content: &Content) -> Vec<PathBuf> {
    content.all().map(|(path, _)| path.to_owned()).filter(|path| path.starts_with(".spool")).collect()
}

/// Damages every spool at every moment. How often the window had to be asked again, and how often it need not be.
fn at_every_moment(damage: impl Fn(&mut Content, &Path)) -> (usize, usize) {
    let steps = workload::steps();
    let (mut lost, mut unharmed) = (0, 0);
    for moment in moments(&steps) {
        for spool in spools(&moment.content) {
            let mut content = moment.content.clone();
            damage(&mut content, &spool);
            let machine = Machine::again(&moment, content);
            let mut process = Process::start(&machine).unwrap();
            match process.open_all(&steps) {
                Ok(()) => unharmed += 1,
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.contains("the window is asked again by the next poll"), "{said}");
                    lost += 1;
                }
            }
            let steps = process.next(&steps, 1);
            process.take_all(steps).unwrap();
            oracle::judge(&machine, &process, steps);
            oracle::assert_only_appended(&moment.content, &machine.disk.content());
        }
    }
    (lost, unharmed)
}

/// Somebody writes other bytes into a file: they are what is on stable storage from then on.
fn rewrite(content: &mut Content, path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let Some(Thing::File(number)) = content.live.get(path).copied() else { unreachable!("it is a file") };
    let mut bytes = content.files[number].live.clone();
    change(&mut bytes);
    content.files[number] = FileBytes::durable(bytes);
}

#[test]
fn what_a_shipper_matches_is_segments_and_nothing_else() {
    let mut seen = 0;
    for moment in moments(&workload::steps()) {
        seen += spools(&moment.content).len();
        for (path, _) in moment.content.all().filter(|(path, _)| is_segment(path)) {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(name.parse::<SegmentName>().is_ok(), "{} is no segment", path.display());
        }
    }
    assert!(seen > 20, "{seen}");
}

fn is_tried_enough((lost, unharmed): (usize, usize)) {
    assert!(lost > 20 && unharmed > 20, "{lost} lost, {unharmed} unharmed");
}

#[test]
fn a_spool_that_is_gone_loses_nothing() {
    is_tried_enough(at_every_moment(|content, spool| {
        content.live.remove(spool);
    }));
}

#[test]
fn a_spool_that_was_altered_loses_nothing() {
    is_tried_enough(at_every_moment(|content, spool| {
        rewrite(content, spool, |bytes| bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1));
    }));
}

#[test]
fn a_spool_that_was_shortened_loses_nothing() {
    is_tried_enough(at_every_moment(|content, spool| {
        rewrite(content, spool, |bytes| bytes.truncate(bytes.len().saturating_sub(1)));
    }));
}
