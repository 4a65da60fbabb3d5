//! What the digests on the disk have to say once the workload is done.

use std::{collections::BTreeSet, path::Path};

use atlas_logd::{
    archive::SegmentName,
    evidence::{Compressed, Ledger, SegmentDigest, Sha256Sum},
    source::Source,
    state::{Seal, Untold, damaged_segments, untold},
};

use crate::{disk::Content, process::Process, stored};

/// Every sealed segment of a source has its digest, each holds the one before it, and together they say what the state says.
pub(crate) fn judge(content: &Content, process: &Process, source: &Source) {
    let state = process.load(source).unwrap();
    let store = process.committer.store();
    assert_eq!(store.read(|connection| Seal::load(connection, state.key)).unwrap(), [], "a seal was left");
    let damaged = store.read(|connection| damaged_segments(connection, state.key)).unwrap();
    let (mut ledger, mut previous, mut admitted) = (Ledger::default(), None, 0);
    let mut digests = Vec::new();
    for sequence in 1..state.next_sequence {
        let found = digest(content, &state.folder, sequence);
        let is_open = state.open.as_ref().is_some_and(|open| open.name.sequence() == sequence);
        assert_eq!(found.is_some(), !is_open, "the digest of segment {sequence}");
        let Some((digest, sum)) = found else { continue };
        assert_eq!(digest.previous, previous, "the chain is broken before segment {sequence}");
        assert_eq!(digest.source.folder, state.folder);
        assert_eq!(&digest.archive, process.committer.archive().id());
        ledger.add(&digest).unwrap();
        admitted += digest.damaged.len();
        previous = Some(sum);
        digests.push(digest);
    }
    assert_eq!(state.told.digest.as_ref().map(|last| last.sha256), previous);
    let untold = store.read(|connection| untold(connection, state.key)).unwrap();
    let untold = untold.iter().filter_map(|event| match event {
        Untold::Compressed(compressed) => Some(compressed),
        _ => None,
    });
    let compressed: Vec<_> = digests.iter().flat_map(|digest| &digest.compressed).chain(untold).collect();
    assert_compressed_is_told(content, &state.folder, &compressed);
    let removed = digests.iter().flat_map(|digest| &digest.removed);
    let removed: BTreeSet<_> = removed.map(|removed| removed.segment.clone()).collect();
    for digest in &digests {
        let found = stored::bytes_of(content, &Path::new(&state.folder).join(digest.segment.as_str()));
        if found.is_none() && removed.contains(&digest.segment) {
            continue;
        }
        let bytes = found.unwrap_or_default();
        match damaged.iter().find(|damaged| damaged.name == digest.segment) {
            None => assert_eq!(Sha256Sum::of(&bytes), digest.sha256, "{}", digest.segment),
            Some(damaged) => {
                let good = &bytes[..usize::try_from(damaged.good_length).unwrap()];
                assert_eq!(Sha256Sum::of(good), damaged.good_sha256, "{}", digest.segment);
            }
        }
    }
    let told = damaged.iter().filter(|damaged| Some(&damaged.name) != state.open.as_ref().map(|open| &open.name));
    assert!(admitted >= told.count(), "damage that no digest admits");
    let told_to = ledger.watermarks().map(|covered| covered.to);
    assert_eq!(told_to, state.told.end);
    assert!(told_to <= state.end);
    assert_eq!(ledger.watermarks().map(|covered| covered.from).or(state.start), state.start);
    assert_eq!(ledger.missing(), []);
    let open = state.open.as_ref().map_or(0, |open| open.records);
    assert_eq!(digests.iter().map(|digest| digest.records).sum::<u64>() + open, state.records);
}

/// A segment that lies there compressed only is told of, or will be by the next digest.
fn assert_compressed_is_told(content: &Content, folder: &str, told: &[&Compressed]) {
    for segment in stored::names(content, folder) {
        let plain = Path::new(folder).join(segment.as_str());
        if content.read(&plain).is_some() {
            continue;
        }
        let told = told.iter().find(|compressed| compressed.segment == segment);
        let told = told.unwrap_or_else(|| panic!("no digest will tell that {segment} was compressed"));
        let stored = content.read(&Path::new(folder).join(&told.file)).unwrap();
        assert_eq!((told.sha256, told.bytes), (Sha256Sum::of(stored), stored.len() as u64), "{}", told.file);
    }
}

/// What a segment held that was removed because of its age: the beginning of `expected`, as its digest tells.
pub(crate) fn removed<'a>(content: &Content, folder: &str, sequence: u64, expected: &'a [u8]) -> &'a [u8] {
    let (digest, _) = digest(content, folder, sequence).unwrap_or_else(|| panic!("no digest of segment {sequence}"));
    let held = &expected[..usize::try_from(digest.bytes).unwrap()];
    assert_eq!(Sha256Sum::of(held), digest.sha256, "{} held something else", digest.segment);
    held
}

/// The digest of the segment with this number, and its SHA-256.
fn digest(content: &Content, folder: &str, sequence: u64) -> Option<(SegmentDigest, Sha256Sum)> {
    let mut found = content.all().filter_map(|(path, file)| {
        let here = path.parent() == Some(Path::new(folder));
        let name = SegmentName::of_digest(path.file_name()?.to_str()?).filter(|_| here)?;
        (name.sequence() == sequence).then_some((name, &file.live))
    });
    let (name, bytes) = found.next()?;
    assert!(found.next().is_none(), "two digests of segment {sequence}");
    let digest = SegmentDigest::parse(bytes).unwrap_or_else(|error| panic!("{}: {error}", name.digest()));
    assert_eq!((&digest.segment, digest.sequence), (&name, sequence));
    Some((digest, Sha256Sum::of(bytes)))
}
