//! The oracle: each record is archived exactly once, in order, and the state says what is true.

use std::{collections::BTreeSet, path::Path};

use atlas_logd::{
    archive::SPOOL,
    source::Source,
    state::{StateError, damaged_segments, gaps, runs},
};

use crate::{
    disk::{Content, is_segment},
    evidence, loss,
    machine::Machine,
    process::Process,
    stored,
    workload::{self, Step},
};

/// Looks over a machine whose workload is done. How many segments were given up as damaged.
pub(crate) fn judge(machine: &Machine, process: &Process, steps: &[Step]) -> usize {
    let (live, durable) = (machine.disk.content(), loss::durable(&machine.disk.content()));
    let mut damaged = 0;
    for source in workload::sources(steps) {
        let expected = workload::expected(steps, source);
        let (archived, given_up) = archived(&live, process, source, &expected);
        assert_same(&archived, &expected, "the archive");
        assert_same(
            &self::archived(&durable, process, source, &expected).0,
            &expected,
            "what would survive a power loss",
        );
        evidence::judge(&live, process, source);
        evidence::judge(&durable, process, source);
        let state = process.load(source).unwrap();
        let last = steps.iter().rev().find(|step| step.source == *source).unwrap();
        assert_eq!(state.end, Some(last.window.to));
        assert_eq!(state.bytes, expected.len() as u64);
        assert_eq!(state.records, expected.iter().filter(|byte| **byte == b'\n').count() as u64);
        assert!(!state.fingerprints_lost, "the fingerprints were given up");
        let store = process.committer.store();
        assert_eq!(store.read(|connection| gaps(connection, state.key)).unwrap(), []);
        let known = store.read(|connection| {
            let heads = runs(connection, state.key)?.into_iter();
            heads.map(|head| Ok(head.fingerprints(connection)?.unwrap())).collect::<Result<Vec<_>, StateError>>()
        });
        let known: Vec<u8> = known.unwrap().concat();
        let (fingerprints, _) = known.as_chunks::<16>();
        assert_eq!(fingerprints.len() as u64, state.records);
        assert_eq!(fingerprints.iter().collect::<BTreeSet<_>>().len(), fingerprints.len(), "a record counts twice");
        damaged += given_up;
    }
    assert!(!live.all().any(|(path, _)| path.starts_with(SPOOL)), "a spool was left");
    damaged
}

/// An observer who saw `before` never sees a byte change or vanish.
pub(crate) fn assert_only_appended(before: &Content, after: &Content) {
    for (path, seen) in segments(before) {
        let now = after.read(path).unwrap_or_else(|| panic!("{} vanished", path.display()));
        assert!(now.starts_with(seen), "{} was not only appended to", path.display());
    }
}

/// All segments and what a reader sees of them.
pub(crate) fn segments(content: &Content) -> impl Iterator<Item = (&Path, &[u8])> {
    content.all().filter(|(path, _)| is_segment(path)).map(|(path, file)| (path, &file.live[..]))
}

fn assert_same(actual: &[u8], expected: &[u8], what: &str) {
    assert!(
        actual == expected,
        "{what} is different:\n{}\ninstead of:\n{}",
        String::from_utf8_lossy(actual),
        String::from_utf8_lossy(expected)
    );
}

/// The good bytes of all segments of a source, and how many segments were given up. What was removed because of its age is
/// taken from what is expected: its digest tells whether it was that.
fn archived(content: &Content, process: &Process, source: &Source, expected: &[u8]) -> (Vec<u8>, usize) {
    let state = process.load(source).unwrap();
    let damaged = process.committer.store().read(|connection| damaged_segments(connection, state.key)).unwrap();
    let names = stored::names(content, &state.folder);
    let mut bytes = Vec::new();
    for number in 1..state.next_sequence {
        let Some(name) = names.iter().find(|name| name.sequence() == number) else {
            // The file of one without records may not be durable yet.
            if state.open.as_ref().is_some_and(|open| open.name.sequence() == number && open.length == 0) {
                continue;
            }
            assert!(number <= state.told.removed_to, "segment {number} is missing");
            bytes.extend_from_slice(evidence::removed(content, &state.folder, number, &expected[bytes.len()..]));
            continue;
        };
        let content = stored::bytes_of(content, &Path::new(&state.folder).join(name.as_str())).unwrap();
        let given_up = damaged.iter().find(|damaged| damaged.name == *name);
        let length = given_up.map_or(content.len(), |damaged| usize::try_from(damaged.good_length).unwrap());
        bytes.extend_from_slice(&content[..length]);
    }
    (bytes, damaged.len())
}
