//! Archives that are not as they should be: what is wrong is named, and the rest is exported.

use std::fs;

use atlas_logd::{
    archive::{SegmentName, StoredForm},
    evidence::{DamagedPart, Removed, Sha256Sum},
};

use crate::{
    archive::{Archive, ORDERS, event, midnight, noon},
    program::Outcome,
};

/// Three segments with two records each, all of one day.
fn archive() -> (Archive, [SegmentName; 3], Vec<String>) {
    let mut archive = Archive::new();
    let lines: Vec<String> = (0..6).map(|number| event(noon(3), &number.to_string())).collect();
    let names = [3, 4, 5].map(|day| archive.sealed(day, &lines[2 * (day as usize - 3)..][..2]));
    (archive, names, lines)
}

#[track_caller]
fn export(archive: &Archive) -> Outcome {
    archive.export(midnight(3), midnight(4))
}

#[test]
fn a_changed_segment_is_named_and_proven_by_nothing() {
    let (archive, [first, second, third], mut lines) = archive();
    export(&archive).assert(0, &lines);
    let note = lines[2].len() - "2\"}\r\n".len();
    archive.change(second.as_str(), |bytes| bytes[note] = b'9');
    lines[2].replace_range(note..=note, "9");
    export(&archive)
        .assert(1, &lines)
        .assert_says(&format!("{ORDERS}/{second} is not what {ORDERS}/{} says of it: SHA-256 ", second.digest()))
        .assert_says(&archive.proof(&first))
        .assert_says(&archive.proof(&third))
        .assert_does_not_say(&archive.proof(&second));
}

#[test]
fn a_segment_of_another_length_is_named_and_what_was_added_left_out() {
    let (archive, [_, second, _], lines) = archive();
    let path = format!("{ORDERS}/{second}");
    archive.change(second.as_str(), |bytes| bytes.extend_from_slice(event(noon(3), "added").as_bytes()));
    export(&archive).assert(1, &lines).assert_says(&format!("{path} has more than the {} bytes", 2 * lines[0].len()));
    archive.change(second.as_str(), |bytes| bytes.truncate(2 * lines[0].len() - 1));
    let rest = [&lines[..3], &lines[4..]].concat();
    let told = 2 * lines[0].len();
    export(&archive).assert(1, &rest).assert_says(&format!("{path} has only {} of the {told} bytes", told - 1));
}

#[test]
fn a_missing_segment_is_named_unless_retention_removed_it() {
    let (mut archive, [first, second, _], lines) = archive();
    fs::remove_file(archive.path(first.as_str())).unwrap();
    fs::remove_file(archive.path(second.as_str())).unwrap();
    export(&archive).assert(1, &lines[4..]).assert_says(&format!("{ORDERS}/{second} is not there, though "));
    archive.sealed_with(6, &[], |digest| {
        let removed = |segment| Removed { segment, decided: noon(6), keep_seconds: 691_200 };
        digest.removed = vec![removed(first.clone()), removed(second.clone())];
    });
    export(&archive)
        .assert(0, &lines[4..])
        .assert_says(&format!("{ORDERS}/{first} was removed by retention on 2026-03-06T12:00:00Z"));
}

#[test]
fn of_a_segment_that_a_digest_admits_to_be_damaged_the_good_bytes_are_exported_without_a_fault() {
    let (mut archive, [_, second, _], lines) = archive();
    let good = lines[2].clone();
    archive.change(second.as_str(), |bytes| bytes.truncate(good.len() + 3));
    let fourth = archive.sealed_with(6, &[], |digest| {
        digest.damaged = vec![DamagedPart {
            segment: second.clone(),
            good_bytes: good.len() as u64,
            good_sha256: Sha256Sum::of(good.as_bytes()),
            detail: "it is shorter than it was".to_owned(),
            noticed: noon(6),
        }];
    });
    let expected = [&lines[..3], &lines[4..]].concat();
    let said = format!("{ORDERS}/{second} was damaged (it is shorter than it was), which was noticed at 2026-03-06T12");
    let outcome = export(&archive).assert(0, &expected).assert_says(&said).assert_says(&archive.proof(&fourth));
    outcome.assert_does_not_say("is not what");
    archive.change(second.as_str(), |bytes| bytes[good.len() - 5] = b'X');
    let mut changed = expected.clone();
    changed[2].replace_range(good.len() - 5..good.len() - 4, "X");
    export(&archive)
        .assert(1, &changed)
        .assert_says(&format!("{second} is not what {ORDERS}/{} says of it", fourth.digest()));
}

#[test]
fn a_compressed_segment_that_is_broken_gives_what_can_be_read() {
    for form in [StoredForm::Gzip, StoredForm::Zstd] {
        for (change, said) in [
            (Vec::clear as fn(&mut Vec<u8>), "cannot be read behind its first 0 bytes"),
            (|bytes| bytes.truncate(bytes.len() - 1), "cannot be read behind its first "),
            (|bytes| bytes.push(0), "there is data behind its end"),
        ] {
            let (archive, [_, second, _], lines) = archive();
            archive.compress(&second, form);
            archive.change(&form.file_name(&second), change);
            let outcome = export(&archive).assert_says(&format!("{ORDERS}/{second} cannot be read")).assert_says(said);
            let outcome = outcome.assert_does_not_say(&archive.proof(&second));
            assert!(outcome.stdout.starts_with(&lines[..2].concat()) && outcome.stdout.ends_with(&lines[4..].concat()));
        }
    }
}

#[test]
fn a_digest_that_proves_nothing_is_named_and_its_segment_exported() {
    let (archive, [first, second, _], lines) = archive();
    let genuine = fs::read(archive.path(&second.digest())).unwrap();
    let path = format!("{ORDERS}/{}", second.digest());
    archive.change(&second.digest(), |bytes| bytes.push(b' '));
    export(&archive)
        .assert(1, &lines)
        .assert_says(&format!("{path} is no digest: it is not written as atlas-logd writes it"))
        .assert_says(&format!("nothing proves it: {ORDERS}/{second}, 2 records"));
    fs::write(archive.path(&second.digest()), fs::read(archive.path(&first.digest())).unwrap()).unwrap();
    export(&archive).assert(1, &lines).assert_says(&format!("{path} is the digest of {ORDERS}/{first}, not of"));
    fs::remove_file(archive.path(&second.digest())).unwrap();
    fs::create_dir(archive.path(&second.digest())).unwrap();
    export(&archive).assert(1, &lines).assert_says(&format!("{path} cannot be read: "));
    fs::remove_dir(archive.path(&second.digest())).unwrap();
    fs::write(archive.path(&second.digest()), genuine).unwrap();
    export(&archive).assert(0, &lines);
}

#[test]
fn a_link_in_the_place_of_a_segment_is_not_followed() {
    let (archive, [_, second, _], lines) = archive();
    let elsewhere = archive.root().join("elsewhere");
    fs::rename(archive.path(second.as_str()), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, archive.path(second.as_str())).unwrap();
    let rest = [&lines[..2], &lines[4..]].concat();
    export(&archive)
        .assert(1, &rest)
        .assert_says(&format!("{ORDERS}/{second} cannot be read behind its first 0 bytes"));
}
