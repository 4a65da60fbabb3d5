//! `rebuild` where the archive is not sound, or somebody uses it: nothing is made, and what was there stays.

use std::{
    fs,
    path::{Path, PathBuf},
};

use atlas_logd::{
    evidence::{ArchiveDigest, FORMAT, HEADS, LastDigest, ListedSource, SegmentDigest, Sha256Sum, program},
    rebuild::Order,
    state::{Head, Store},
};

use crate::{
    harness::{HOUR, ONCE_A_YEAR, SECOND, Stage, at, orders, prod},
    rebuild::{append, lose_state, try_rebuild},
};

/// Four segments of one record each, three of them sealed, and no state.
fn stage() -> (Stage, Vec<PathBuf>) {
    let stage = Stage::new();
    stage.configure(|config| {
        config.only_audit();
        config.set_text("archive", "rotate_size", "1B");
    });
    for number in 1..=4 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        stage.command(["collect"]).assert_done();
    }
    lose_state(&stage);
    lose_heads(&stage);
    let folder = stage.folder_of(&orders());
    let segments: Vec<_> = stage.segments(&orders()).iter().map(|segment| folder.join(&segment.name)).collect();
    assert_eq!(segments.len(), 4);
    (stage, segments)
}

/// The archive digest of today, which the first pass made.
fn lose_heads(stage: &Stage) {
    fs::remove_dir_all(stage.archive().join(HEADS)).unwrap();
}

fn digest(segment: &Path) -> PathBuf {
    PathBuf::from(segment.to_str().unwrap().replace(".ndjson", ".digest.json"))
}

/// It is refused, says all of `said`, and leaves no state behind.
#[track_caller]
fn assert_refused(stage: &Stage, said: &[&str]) {
    let outcome = stage.command(["rebuild"]).assert_code(1);
    said.iter().for_each(|said| assert!(outcome.stderr.contains(said), "not {said:?} but: {}", outcome.stderr));
    assert_eq!(outcome.stdout, "");
    let left: Vec<_> = fs::read_dir(stage.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn a_chain_that_is_broken_anywhere_is_refused_with_the_file() {
    let (stage, segments) = stage();
    let digests: Vec<_> = segments[..3].iter().map(|segment| digest(segment)).collect();
    let texts: Vec<_> = digests.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let restore = || digests.iter().zip(&texts).for_each(|(path, text)| fs::write(path, text).unwrap());
    let sound = "`atlas-logd verify` names all that is wrong";

    fs::remove_file(&digests[1]).unwrap();
    assert_refused(&stage, &["the digest of segment 00000002 is not in", name(&digests[2]), sound]);
    restore();
    fs::remove_file(&digests[2]).unwrap();
    assert_refused(&stage, &["the digest of segment 00000003 is not in", name(&segments[3]), sound]);
    restore();
    fs::write(&digests[1], texts[1].replace("\"records\": 1", "\"records\": 2")).unwrap();
    assert_refused(&stage, &[name(&digests[2]), "does not hold the digest before it", sound]);
    restore();
    fs::write(&digests[1], texts[1].replace("\"records\": 1", "\"records\": 1 ")).unwrap();
    assert_refused(&stage, &[name(&digests[1]), "somebody else has written it", sound]);
    restore();
    fs::write(&digests[1], &texts[0]).unwrap();
    assert_refused(&stage, &[name(&digests[1]), "is the digest of", sound]);
    restore();
    let id = texts[0].split("\"archive\": \"").nth(1).unwrap()[..32].to_owned();
    let other = id.chars().rev().collect::<String>();
    fs::write(&digests[0], texts[0].replace(&id, &other)).unwrap();
    assert_refused(&stage, &[name(&digests[0]), "belongs to the archive", sound]);
    restore();
    stage.command(["rebuild"]).assert_done();
    stage.command(["collect"]).assert_done();
    stage.assert_exact(&orders());
}

#[test]
fn a_sealed_segment_of_another_length_and_one_that_no_digest_knows_are_refused() {
    let (stage, segments) = stage();
    let bytes = fs::read(&segments[0]).unwrap();
    stage.damaged(|| append(&segments[0], b"{}\n"));
    let told = format!("has {} bytes, but its digest tells of {}", bytes.len() + 3, bytes.len());
    assert_refused(&stage, &[name(&segments[0]), &told, "put it back from a copy"]);
    stage.damaged(|| fs::write(&segments[0], &bytes).unwrap());
    let second = segments[1].with_file_name("00000002-20200101T000000Z.ndjson");
    stage.damaged(|| fs::write(&second, "").unwrap());
    assert_refused(&stage, &[name(&second), "the digests beside it do not know it"]);
    stage.damaged(|| fs::rename(&second, second.with_file_name("00000004-20200101T000000Z.ndjson")).unwrap());
    assert_refused(&stage, &["the digests beside it do not know it"]);
}

#[test]
fn a_folder_that_nobody_tells_of_is_refused_unless_the_configuration_has_its_source() {
    let stage = Stage::new();
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, HOUR, "one"));
    stage.command(["collect"]).assert_done();
    lose_state(&stage);
    lose_heads(&stage);
    stage.configure(|config| config.only_audit());
    assert_refused(&stage, &["payments/access-history/prod-0 holds a segment but no digest yet"]);
    stage.configure(|config| config.projects[0].clusters.push("prod-0".to_owned()));
    stage.command(["rebuild"]).assert_done();
    stage.command(["collect"]).assert_done();
    [orders(), prod()].iter().for_each(|source| stage.assert_exact(source));
}

#[test]
fn nobody_rebuilds_beside_a_daemon_nor_what_is_no_archive() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    stage.add_record(&orders(), HOUR, "one");
    let daemon = stage.spawn_daemon();
    stage.wait_for_data_requests(&orders(), 1);
    for arguments in [&["rebuild"][..], &["rebuild", "--replace"]] {
        stage.command(arguments).assert_code(1).assert_says("another atlas-logd is using the state in");
    }
    fs::create_dir(stage.folder().join("new")).unwrap();
    stage.configure(|config| config.set_text("state", "dir", "new"));
    stage.command(["rebuild"]).assert_code(1).assert_says("another atlas-logd is writing to the archive");
    assert_eq!(fs::read_dir(stage.folder().join("new")).unwrap().count(), 1, "nothing but the lock");
    daemon.stop();
    fs::create_dir(stage.folder().join("empty")).unwrap();
    stage.configure(|config| config.set_text("archive", "dir", "empty"));
    stage.command(["rebuild"]).assert_code(1).assert_says("has no marker (.atlas-logd)");
}

/// A state that is there is as it was, whatever the reason for which it was not replaced.
#[test]
fn a_state_is_moved_aside_only_once_the_new_one_is_complete() {
    let (stage, segments) = stage();
    stage.command(["rebuild"]).assert_done();
    stage.command(["collect"]).assert_done();
    let database = fs::read(stage.state().join("state.db")).unwrap();
    fs::remove_file(digest(&segments[1])).unwrap();
    assert!(try_rebuild(&stage, Order::Keep).unwrap_err().to_string().contains("--replace"));
    assert!(try_rebuild(&stage, Order::Replace).unwrap_err().to_string().contains("the digest of segment 00000002"));
    assert!(fs::read(stage.state().join("state.db")).unwrap() == database);
    stage.command(["collect"]).assert_done();
    stage.assert_exact(&orders());
}

/// Writes an archive digest that lists the source with this digest as its newest.
fn write_head(stage: &Stage, newest: &Path) -> ArchiveDigest {
    let bytes = fs::read(newest).unwrap();
    let digest = SegmentDigest::parse(&bytes).unwrap();
    let head = ArchiveDigest {
        format: FORMAT,
        archive: digest.archive,
        sequence: 1,
        date: "2026-11-20".parse().unwrap(),
        made: at("2026-11-20T00:00:07Z"),
        sources: vec![ListedSource {
            source: digest.source,
            configured: true,
            last_digest: Some(LastDigest { segment: digest.segment, sha256: Sha256Sum::of(&bytes) }),
            complete_until: None,
            not_collected_since: None,
        }],
        added: Vec::new(),
        removed: Vec::new(),
        signing_key: None,
        previous_date: None,
        previous: None,
        program: program(),
    };
    let heads = stage.archive().join(HEADS);
    fs::create_dir_all(&heads).unwrap();
    fs::write(heads.join(ArchiveDigest::file_name(head.date)), head.to_bytes()).unwrap();
    head
}

#[test]
fn an_archive_that_was_cut_off_at_its_end_is_refused_by_its_newest_archive_digest() {
    let (stage, segments) = stage();
    write_head(&stage, &digest(&segments[2]));
    let folder = stage.folder_of(&orders());
    let aside = stage.folder().join("aside");
    let cut = [".heads/2026-11-20.json tells of the digest payments/stream-audit/orders/", name(&digest(&segments[2]))]
        .map(ToOwned::to_owned);
    let said = [cut[0].as_str(), cut[1].as_str(), "the archive was cut off at its end"];
    stage.damaged(|| fs::rename(&folder, &aside).unwrap());
    assert_refused(&stage, &said);
    stage.damaged(|| {
        fs::rename(&aside, &folder).unwrap();
        fs::remove_file(&segments[3]).unwrap();
        fs::rename(digest(&segments[2]), stage.folder().join("digest")).unwrap();
        fs::rename(&segments[2], stage.folder().join("segment")).unwrap();
    });
    assert_refused(&stage, &said);
    // Nor is it enough that the segment is there: an archive digest lists only digests that are in their places.
    stage.damaged(|| fs::rename(stage.folder().join("segment"), &segments[2]).unwrap());
    assert_refused(&stage, &said);
}

#[test]
fn the_newest_archive_digest_is_known_again() {
    let (stage, segments) = stage();
    let head = write_head(&stage, &digest(&segments[1]));
    stage.command(["rebuild"]).assert_done();
    let store = Store::open_read_only(&stage.state()).unwrap();
    let expected = Head {
        sequence: 1,
        date: head.date,
        sha256: Sha256Sum::of(&head.to_bytes()),
        made: head.made,
        configured: vec![orders().to_string()],
        pending: None,
    };
    assert_eq!(store.read(Head::load).unwrap(), Some(expected));
    drop(store);
    let heads = stage.archive().join(HEADS).join("2026-11-21.json");
    fs::write(&heads, "{}\n").unwrap();
    let refused = stage.command(["rebuild", "--replace"]).assert_code(1).stderr;
    assert!(refused.contains(".heads/2026-11-21.json is no digest"), "{refused}");
}
