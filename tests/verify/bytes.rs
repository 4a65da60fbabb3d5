//! Every single byte that is changed, put in or taken out is noticed, and the file named.

use std::path::Path;

use atlas_logd::archive::StoredForm;

use crate::{archive::TestArchive, source::compress};

/// How many places of a file are tried; `ATLAS_LOGD_PLACES` tries more.
const PLACES: usize = 10;

/// Places of a file of this length, its ends among them.
fn places(length: usize) -> Vec<usize> {
    let asked = std::env::var("ATLAS_LOGD_PLACES").ok().and_then(|places| places.parse().ok());
    let count = asked.unwrap_or(PLACES).max(2);
    let mut places: Vec<usize> = (0..count).map(|place| place * length.saturating_sub(1) / (count - 1)).collect();
    places.dedup();
    places
}

/// What one byte can be changed to at a place.
fn changes(bytes: &[u8], at: usize) -> Vec<(&'static str, Vec<u8>)> {
    let mut flipped = bytes.to_vec();
    flipped[at] ^= 1 << (at % 8);
    let mut inserted = bytes.to_vec();
    inserted.insert(at, bytes[at]);
    let mut removed = bytes.to_vec();
    removed.remove(at);
    let mut appended = bytes.to_vec();
    appended.push(b'\n');
    vec![("a change", flipped), ("an insertion", inserted), ("a removal", removed), ("an appended byte", appended)]
}

fn may_pass(archive: &TestArchive, path: &Path, at: usize, what: &str, bytes: &[u8]) -> bool {
    let unnoticed = &archive.unnoticed;
    let counted = unnoticed.counted_bytes(path);
    let behind = at >= counted || (what == "an appended byte" && counted < usize::MAX);
    behind || unnoticed.is_unproven(path) || (unnoticed.is_untold(path) && unnoticed.holds_the_untold(bytes))
}

#[test]
fn every_changed_byte_is_noticed_and_the_file_named() {
    change_every_byte(&TestArchive::new());
}

/// Changes one byte at sampled places of every file.
pub(crate) fn change_every_byte(archive: &TestArchive) {
    let mut tried = 0;
    for path in archive.files() {
        let bytes = archive.read(&path);
        for at in places(bytes.len()) {
            if bytes.is_empty() {
                continue;
            }
            for (what, changed) in changes(&bytes, at) {
                archive.write(&path, &changed);
                if may_pass(archive, &path, at, what, &changed) {
                    assert_eq!(archive.faults(), [] as [&str; 0], "{what} at {at} of {}", path.display());
                } else {
                    archive.assert_names(&path, &format!("{what} at {at}"));
                }
                tried += 1;
            }
        }
        archive.write(&path, &bytes);
    }
    assert_eq!(archive.faults(), [] as [&str; 0], "it was not put back");
    println!("{tried} changes of one byte in {} files", archive.files().len());
    assert!(tried > 1000, "{tried}");
}

#[test]
fn a_file_that_is_cut_off_is_noticed() {
    cut_every_file(&TestArchive::new());
}

/// Cuts off the end of every file.
pub(crate) fn cut_every_file(archive: &TestArchive) {
    for path in archive.files() {
        let bytes = archive.read(&path);
        for length in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            if length == bytes.len() {
                continue;
            }
            archive.write(&path, &bytes[..length]);
            let counted = archive.unnoticed.counted_bytes(&path);
            if archive.unnoticed.is_unproven(&path) || length >= counted {
                assert_eq!(archive.faults(), [] as [&str; 0], "{}", path.display());
            } else {
                archive.assert_names(&path, &format!("cutting it to {length} bytes"));
            }
        }
        archive.write(&path, &bytes);
    }
}

#[test]
fn what_was_done_to_a_segment_is_told() {
    let archive = TestArchive::new();
    let path = archive.file(crate::archive::FULL, 6, ".ndjson");
    let (name, bytes) = (path.to_str().unwrap(), archive.read(&path));
    for (changed, words) in [
        ([&bytes[..10], b"X", &bytes[11..]].concat(), "bytes of it were changed"),
        (bytes[..bytes.len() - 7].to_vec(), "it is 7 bytes too short"),
        ([&bytes[..], b"{}\n"].concat(), "something was appended to it"),
        ([&bytes[..10], b"X", &bytes[10..]].concat(), "bytes were put into it"),
    ] {
        archive.write(&path, &changed);
        archive.assert_fault(name, words);
    }
    let outcome = archive.program(&[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.contains(&format!("FAULT: {name}: ")), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("NOT VALID: 1 fault: "), "{}", outcome.stdout);
    let told = archive.program(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((told.code, &json["sources"][1]["faults"][0]["path"]), (1, &name.into()));
    assert_eq!(json["sources"][1]["faults"][0]["reason"], "changed");
}

#[test]
fn nothing_may_stand_behind_a_compressed_stream() {
    for (source, number, form) in
        [(crate::archive::FULL, 2, StoredForm::Gzip), (crate::archive::FULL, 3, StoredForm::Zstd)]
    {
        let archive = TestArchive::new();
        let path = archive.file(source, number, form.suffix());
        let bytes = archive.read(&path);
        for behind in [compress(b"", form), compress(b"{}\n", form), b"\0".to_vec(), vec![0; 1 << 20]] {
            archive.write(&path, &[bytes.clone(), behind].concat());
            archive.assert_fault(path.to_str().unwrap(), "something stands behind the end of the compressed data");
        }
        // A frame that zstd skips is no part of the segment either.
        if form == StoredForm::Zstd {
            let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
            archive.write(&path, &[skipped, bytes.clone()].concat());
            archive.assert_names(&path, "a skipped frame");
        }
        let again = compress(&crate::source::records("another", 10), form);
        archive.write(&path, &again);
        archive.assert_names(&path, "other records");
    }
}

#[test]
fn a_segment_that_was_compressed_again_is_noticed() {
    let archive = TestArchive::new();
    let path = archive.file(crate::archive::FULL, 3, ".zst");
    let again = zstd::encode_all(crate::source::records("zstd", 60).as_slice(), 9).unwrap();
    assert_ne!(again, archive.read(&path));
    archive.write(&path, &again);
    archive.assert_fault(path.to_str().unwrap(), "the records in it are right");
}
