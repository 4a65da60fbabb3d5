//! Digests that contradict each other, or are missing: that is told, and what they say proves nothing.

use std::fs;

use atlas_logd::{
    archive::SegmentName,
    evidence::{SegmentDigest, Sha256Sum},
    instant::Instant,
};

use crate::{
    archive::{Archive, ORDERS, event, midnight, noon},
    program::Outcome,
};

/// Four segments with two records each, all of one day.
fn archive() -> (Archive, Vec<SegmentName>, Vec<String>) {
    let mut archive = Archive::new();
    let lines: Vec<String> = (0..8).map(|number| event(noon(3), &number.to_string())).collect();
    let names = (3..7).map(|day| archive.sealed(day, &lines[2 * (day as usize - 3)..][..2])).collect();
    (archive, names, lines)
}

#[track_caller]
fn export(archive: &Archive) -> Outcome {
    archive.export(midnight(3), midnight(4))
}

/// A digest in its folder.
fn digest(name: &SegmentName) -> String {
    format!("{ORDERS}/{}", name.digest())
}

/// Somebody changes the first record of a segment, and the digest with it.
fn forge(archive: &Archive, name: &SegmentName, change: impl FnOnce(&mut SegmentDigest)) {
    archive.change(name.as_str(), |bytes| {
        let note = bytes.len() / 2 - 5;
        bytes[note] = b'X';
    });
    let mut forged = SegmentDigest::parse(&fs::read(archive.path(&name.digest())).unwrap()).unwrap();
    forged.sha256 = Sha256Sum::of(&fs::read(archive.path(name.as_str())).unwrap());
    change(&mut forged);
    fs::write(archive.path(&name.digest()), forged.to_bytes()).unwrap();
}

/// The records as [`forge`] leaves them.
fn forged(lines: &[String], number: usize) -> Vec<String> {
    let mut lines = lines.to_vec();
    let note = lines[2 * number - 2].len() - 5;
    lines[2 * number - 2].replace_range(note..=note, "X");
    lines
}

impl Outcome {
    /// These digests are named as proofs, and no others; nothing proves the other segments.
    #[track_caller]
    fn assert_proven(self, archive: &Archive, proven: &[&SegmentName], unproven: &[&SegmentName]) -> Self {
        let outcome = proven.iter().fold(self, |outcome, name| outcome.assert_says(&archive.proof(name)));
        unproven.iter().fold(outcome, |outcome, name| {
            let said = format!("nothing proves it: {ORDERS}/{name}, 2 records\n");
            let outcome = outcome.assert_says(&said);
            let proof = format!("  {}\n", digest(name));
            outcome.assert_does_not_say(&proof)
        })
    }
}

#[test]
fn a_digest_that_the_next_one_does_not_name_proves_nothing_nor_do_those_before_it() {
    let (archive, names, lines) = archive();
    let genuine = Sha256Sum::of(&fs::read(archive.path(&names[1].digest())).unwrap());
    forge(&archive, &names[1], |_| ());
    let found = Sha256Sum::of(&fs::read(archive.path(&names[1].digest())).unwrap());
    export(&archive)
        .assert(1, &forged(&lines, 2))
        .assert_says(&format!(
            "{}: its SHA-256 is {found}, but {} names {genuine}",
            digest(&names[1]),
            digest(&names[2])
        ))
        .assert_says(&format!(
            "no later one holds those up to number 2, and they prove nothing; run atlas-logd verify '{}'\n",
            archive.root().display()
        ))
        .assert_says("what is covered, and whether there are gaps, cannot be told")
        .assert_does_not_say("not covered")
        .assert_proven(&archive, &[&names[2], &names[3]], &[&names[0], &names[1]]);
}

#[test]
fn the_times_in_a_digest_that_the_chain_contradicts_hide_nothing() {
    let (archive, names, lines) = archive();
    forge(&archive, &names[1], |digest| {
        digest.first_record = Some(noon(20));
        digest.last_record = Some(noon(20));
    });
    export(&archive).assert(1, &forged(&lines, 2));
}

#[test]
fn the_newest_digest_is_said_to_be_held_by_nothing_that_was_checked() {
    let (mut archive, names, lines) = archive();
    forge(&archive, &names[3], |_| ());
    let root = archive.root().display().to_string();
    let not_checked = |name: &SegmentName, by: &str| {
        format!(
            "not checked: signatures, and whether anything is cut off at the end; the newest digest, {}, is held by nothing \
             but {by}; run atlas-logd verify '{root}' --allowed-signers FILE --head SHA256\n",
            digest(name)
        )
    };
    let checked = "checked: the bytes of the segments that were read against their digests, and each digest of the source \
                   against the one behind it";
    export(&archive)
        .assert(0, &forged(&lines, 4))
        .assert_says(checked)
        .assert_says(&not_checked(&names[3], "a head: it is not signed"))
        .assert_does_not_say("chain");
    let (mut signed, ..) = self::archive();
    let newest = signed.sealed_with(7, &[], |digest| digest.signing_key = Some("SHA256:a key".to_owned()));
    std::mem::swap(&mut archive, &mut signed);
    let root = archive.root().display().to_string();
    export(&archive).assert(0, &lines).assert_says(&format!(
        "{}, is held by nothing but its signature; run atlas-logd verify '{root}'",
        digest(&newest)
    ));
}

#[test]
fn a_digest_that_is_missing_in_the_middle_is_told_whether_its_segment_is_there_or_not() {
    let (archive, names, lines) = archive();
    fs::remove_file(archive.path(&names[1].digest())).unwrap();
    let missing = format!("{}: the digests before it are missing, from number 2 to 2\n", digest(&names[2]));
    let undigested = format!("{ORDERS}/{} has no digest, though only one segment can be without", names[1]);
    export(&archive)
        .assert(1, &lines)
        .assert_says(&missing)
        .assert_says(&undigested)
        .assert_says("no later one holds those up to number 2")
        .assert_proven(&archive, &[&names[2], &names[3]], &[&names[0], &names[1]]);
    fs::remove_file(archive.path(names[1].as_str())).unwrap();
    let rest = [&lines[..2], &lines[4..]].concat();
    export(&archive).assert(1, &rest).assert_says(&missing).assert_does_not_say("has no digest");
    fs::remove_file(archive.path(&names[0].digest())).unwrap();
    export(&archive).assert(1, &rest).assert_says("the digests before it are missing, from number 1 to 2\n");
}

#[test]
fn a_second_segment_without_a_digest_is_told() {
    let (mut archive, names, lines) = archive();
    let open = archive.open(7, &event(noon(3), "open"));
    let all = [&lines[..], &[event(noon(3), "open")]].concat();
    export(&archive).assert(0, &all).assert_says("not sealed yet, so that nothing proves it");
    let other = SegmentName::new(99, midnight(9));
    let forged = event(noon(3), "forged");
    fs::write(archive.path(other.as_str()), &forged).unwrap();
    let has_none =
        |name: &SegmentName| format!("{ORDERS}/{name} has no digest, though only one segment can be without");
    export(&archive)
        .assert(1, &[&all[..], &[forged]].concat())
        .assert_says(&has_none(&other))
        .assert_says(&has_none(&open))
        .assert_does_not_say("not sealed yet");
    fs::remove_file(archive.path(other.as_str())).unwrap();
    // The newest digest is gone.
    fs::remove_file(archive.path(&names[3].digest())).unwrap();
    export(&archive).assert(1, &all).assert_says(&has_none(&names[3])).assert_says(&has_none(&open));
    fs::remove_file(archive.path(names[3].as_str())).unwrap();
    export(&archive).assert(1, &[&lines[..6], &all[8..]].concat()).assert_says(&has_none(&open));
}

#[test]
fn a_digest_that_cannot_be_read_holds_nothing_before_it() {
    let (archive, names, lines) = archive();
    archive.change(&names[1].digest(), |bytes| bytes.push(b' '));
    export(&archive)
        .assert(1, &lines)
        .assert_says(&format!("{} is no digest", digest(&names[1])))
        .assert_says("no later one holds those up to number 2")
        .assert_does_not_say("its SHA-256 is")
        .assert_proven(&archive, &[&names[2], &names[3]], &[&names[0], &names[1]]);
}

#[test]
fn a_chain_that_forks_or_begins_anew_is_told() {
    type Change = fn(&mut SegmentDigest);
    let cases: [(u32, Change, &str); 3] = [
        (4, |digest| digest.previous = None, "it is not the first one, but names none before it"),
        (4, |digest| digest.sequence = 7, "it says that its number is 7"),
        (
            3,
            |digest| digest.previous = Some(Sha256Sum::of(b"another")),
            "it is the first one, but names another before it",
        ),
    ];
    for (day, change, said) in cases {
        let mut archive = Archive::new();
        let lines = [event(noon(3), "one"), event(noon(3), "two")];
        let first = archive.sealed_with(3, &lines[..1], |digest| {
            if day == 3 {
                change(digest)
            }
        });
        let second = archive.sealed_with(4, &lines[1..], |digest| {
            if day == 4 {
                change(digest)
            }
        });
        let about = if day == 3 { first } else { second };
        export(&archive).assert(1, &lines).assert_says(&format!("{}: {said}", digest(&about)));
    }
    let (archive, names, lines) = archive();
    let fork = SegmentName::new(4, names[3].opened() + std::time::Duration::from_secs(1));
    let copy = |from: &SegmentName, opened: Instant| {
        let mut digest = SegmentDigest::parse(&fs::read(archive.path(&from.digest())).unwrap()).unwrap();
        (digest.segment, digest.opened) = (fork.clone(), opened);
        fs::write(archive.path(&fork.digest()), digest.to_bytes()).unwrap();
    };
    copy(&names[3], fork.opened());
    let outcome = export(&archive).assert(1, &lines);
    outcome.assert_says(&format!("{}: there is another digest with the number 4", digest(&fork)));
}
