//! Damage, removal and compression that the digests admit.

use std::{fs, path::Path};

use atlas_logd::{
    archive::StoredForm,
    evidence::{DamagedPart, Removed, Sha256Sum},
    verify::Note,
};

use crate::{
    archive::{FULL, GOOD_BYTES, TestArchive},
    source::{SourceWriter, hour, records},
};

#[test]
fn of_a_damaged_segment_only_its_good_bytes_count() {
    let archive = TestArchive::new();
    let path = archive.file(FULL, 4, ".ndjson");
    let (name, bytes) = (path.to_str().unwrap(), archive.read(&path));
    for right in [bytes[..GOOD_BYTES].to_vec(), [&bytes[..GOOD_BYTES], &[0; 5000]].concat()] {
        archive.write(&path, &right);
        assert_eq!(archive.faults(), [] as [&str; 0]);
    }
    archive.write(&path, &bytes[..GOOD_BYTES - 1]);
    archive.assert_fault(name, "the 100 bytes that were left of it when damage was noticed are not there any more");
    archive.remove(&path);
    archive.assert_fault(name, "the segment is missing");
    archive.write(&path, &bytes);
    let compressed = format!("{name}.gz");
    archive.write(Path::new(&compressed), &crate::source::compress(&bytes, StoredForm::Gzip));
    archive.assert_fault(&compressed, "no digest explains this file");
}

#[test]
fn the_last_that_is_said_of_damage_counts() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    let bytes = records("damaged", 10);
    let part = |segment, good_bytes: usize| DamagedPart {
        segment,
        good_bytes: good_bytes as u64,
        good_sha256: Sha256Sum::of(&bytes[..good_bytes]),
        detail: String::new(),
        noticed: hour(1),
    };
    let own = source.next();
    let first = source.seal(&bytes, None, |digest| digest.damaged.push(part(own, 200)));
    let path = Path::new(FULL).join(first.as_str());
    archive.write(&path, &bytes[..100]);
    assert_eq!(archive.faults().len(), 1);
    source.seal(b"", None, |digest| digest.damaged = vec![part(first.clone(), 150), part(first.clone(), 100)]);
    assert_eq!(archive.faults(), [] as [&str; 0]);
    archive.remove(&path);
    assert_eq!(archive.faults().len(), 1);
    source.seal(b"", None, |digest| digest.damaged.push(part(first.clone(), 0)));
    assert_eq!(archive.faults(), [] as [&str; 0], "nothing of it is left, which is admitted");
    assert_eq!(archive.report().sources[0].damaged.len(), 1);
}

#[test]
fn a_segment_whose_removal_was_decided_may_lie_there_unchanged() {
    let archive = TestArchive::new();
    let digest = archive.file(FULL, 1, ".digest.json");
    let path = digest.to_str().unwrap().replace(".digest.json", ".ndjson");
    archive.write(Path::new(&path), &records("removed", 30));
    let report = archive.report();
    assert!(report.is_valid());
    assert!(
        matches!(report.sources[1].notes.as_slice(), [Note::NotRemovedYet { .. }]),
        "{:?}",
        report.sources[1].notes
    );
    archive.write(Path::new(&path), &records("another", 30));
    archive.assert_names(Path::new(&path), "other records");
}

#[test]
fn only_an_earlier_segment_of_the_source_can_be_removed_or_compressed() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    source.seal(&records("a", 3), None, |_| {});
    let own = source.next();
    let second = source.seal(&records("b", 3), None, |digest| {
        digest.removed.push(Removed { segment: own.clone(), decided: hour(3), keep_seconds: 1 });
    });
    archive.assert_fault(
        &format!("{FULL}/{}", second.digest()),
        &format!("it speaks of {own}, which is not among the segments before it"),
    );
}

#[test]
fn what_a_file_system_needs_is_no_fault() {
    let archive = TestArchive::new();
    fs::create_dir(archive.root().join("lost+found")).unwrap();
    fs::write(archive.root().join("lost+found/#12"), b"x").unwrap();
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn a_segment_is_compressed_once() {
    let archive = TestArchive::new();
    let path = archive.file(FULL, 2, ".gz").to_str().unwrap().replace(".gz", ".zst");
    archive.write(Path::new(&path), &crate::source::compress(&records("gzip", 50), StoredForm::Zstd));
    archive.assert_fault(&path, "no digest explains this file");
}
