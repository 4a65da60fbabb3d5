//! Damage by others, times place, times what happens next. What can be mended is, what cannot is refused with the
//! sentence that helps, and the other source goes on.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use atlas_logd::source::Kind;

use crate::setting::{Setting, segments};

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn flip(path: &Path, from_the_end: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - from_the_end;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Archived bytes were lost: the segment ends there, and what Atlas still holds is asked again.
fn what_is_lost_is_collected_again(what: &str, detail: &str, damage: impl Fn(&Path)) {
    let setting = Setting::new();
    let segment = setting.segment();
    damage(&segment);
    setting.later("12:20");
    setting.poll_well();
    setting.assert_exact();
    let damaged = setting.damaged();
    assert_eq!(damaged.len(), 1, "{what}");
    assert!(segment.ends_with(damaged[0].name.as_str()), "{what}");
    assert!(damaged[0].detail.contains(detail), "{what}: {}", damaged[0].detail);
    setting.later("12:40");
    setting.poll_well();
    setting.assert_exact();
    assert_eq!(setting.damaged().len(), 1, "{what}: it was given up again");
}

#[test]
fn what_an_open_segment_lost_is_collected_again() {
    what_is_lost_is_collected_again("shortened", "bytes instead of", |path| {
        cut(path, fs::metadata(path).unwrap().len() / 2)
    });
    what_is_lost_is_collected_again("emptied", "has 0 bytes instead of", |path| cut(path, 0));
    what_is_lost_is_collected_again("altered at its end", "were changed by someone else", |path| flip(path, 3));
    what_is_lost_is_collected_again("deleted", "the segment is gone", |path| fs::remove_file(path).unwrap());
    what_is_lost_is_collected_again("deleted with its folder", "the segment is gone", |path| {
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    });
    what_is_lost_is_collected_again("deleted with its project", "the segment is gone", |path| {
        fs::remove_dir_all(path.ancestors().nth(2).unwrap()).unwrap();
    });
}

/// Earlier bytes are not looked at by the daemon: only a proof of the whole archive finds that they were altered.
#[test]
fn earlier_bytes_are_not_looked_at() {
    let setting = Setting::new();
    flip(&setting.segment(), 6000);
    setting.later("12:20");
    setting.poll_well();
    assert_eq!(setting.damaged(), []);
}

/// A source is refused until somebody has decided; the other one goes on; then both are exact.
fn one_source_is_refused(what: &str, sentence: &str, damage: impl Fn(&Setting), mend: impl Fn(&Setting)) {
    let setting = Setting::new();
    damage(&setting);
    setting.later("12:20");
    let failures = setting.poll().unwrap();
    assert_eq!(failures.keys().collect::<Vec<_>>(), [&Kind::StreamAudit], "{what}: {failures:?}");
    let said = &failures[&Kind::StreamAudit];
    assert!(said.contains(sentence), "{what}: {said}");
    assert!(said.contains(&setting.archive().display().to_string()), "{what}: no path in: {said}");
    mend(&setting);
    setting.later("12:40");
    setting.poll_well();
    setting.assert_exact();
}

#[test]
fn a_source_whose_files_were_tampered_with_is_refused_until_somebody_decided() {
    one_source_is_refused(
        "extended",
        "someone else wrote to the file",
        |setting| append(&setting.segment(), b"forged\n"),
        |setting| {
            let length = fs::metadata(setting.segment()).unwrap().len();
            cut(&setting.segment(), length - 7);
        },
    );
    one_source_is_refused(
        "replaced by a link",
        "it is a link",
        |setting| {
            let segment = setting.segment();
            fs::rename(&segment, setting.state().join("moved")).unwrap();
            symlink(setting.state().join("moved"), &segment).unwrap();
        },
        |setting| {
            let segment = setting.segment();
            fs::remove_file(&segment).unwrap();
            fs::rename(setting.state().join("moved"), &segment).unwrap();
        },
    );
    one_source_is_refused(
        "its folder replaced by a link",
        "is a link",
        |setting| {
            fs::rename(setting.audit_folder(), setting.state().join("moved")).unwrap();
            symlink(setting.state().join("moved"), setting.audit_folder()).unwrap();
        },
        |setting| {
            fs::remove_file(setting.audit_folder()).unwrap();
            fs::rename(setting.state().join("moved"), setting.audit_folder()).unwrap();
        },
    );
    let unknown = |setting: &Setting| setting.audit_folder().join("00000009-20261120T120000Z.ndjson");
    one_source_is_refused(
        "a segment that nobody knows",
        "lies in the archive, but the state does not know it",
        |setting| fs::write(unknown(setting), "x\n").unwrap(),
        |setting| fs::remove_file(unknown(setting)).unwrap(),
    );
}

/// Nothing is collected until somebody has decided; then everything is exact.
fn the_start_is_refused(what: &str, sentence: &str, damage: impl Fn(&Setting), mend: impl Fn(&Setting)) {
    let setting = Setting::new();
    let before = fs::read(setting.segment()).unwrap();
    damage(&setting);
    setting.later("12:20");
    let said = setting.poll().unwrap_err();
    assert!(said.contains(sentence), "{what}: {said}");
    mend(&setting);
    setting.poll_well();
    setting.assert_exact();
    assert!(fs::read(segments(&setting.audit_folder()).remove(0)).unwrap().starts_with(&before), "{what}");
}

/// Moves something aside and puts something else in its place, if anything; and back.
fn swapped(what: &str, sentence: &str, path: impl Fn(&Setting) -> PathBuf, other: impl Fn(&Path, &Path)) {
    the_start_is_refused(
        what,
        sentence,
        |setting| {
            fs::rename(path(setting), path(setting).with_extension("aside")).unwrap();
            other(&path(setting), &path(setting).with_extension("aside"));
        },
        |setting| {
            let path = path(setting);
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            for sqlite in ["db-wal", "db-shm"] {
                let _ = fs::remove_file(path.with_extension(sqlite));
            }
            fs::rename(path.with_extension("aside"), &path).unwrap();
        },
    );
}

#[test]
fn an_archive_that_does_not_fit_is_refused() {
    let marker = |setting: &Setting| setting.archive().join(".atlas-logd");
    swapped("no marker", "its volume is probably not mounted", marker, |_, _| ());
    swapped("an empty marker", "its volume is probably not mounted", marker, |path, _| fs::write(path, "").unwrap());
    swapped("a garbled marker", "cannot be understood", marker, |path, _| fs::write(path, "garbage").unwrap());
    swapped("a foreign marker", "belongs to another state", marker, |path, _| {
        let id = "0123456789abcdef".repeat(2);
        fs::write(path, format!("{{\"format\":1,\"archive\":\"{id}\"}}\n")).unwrap();
    });
    swapped("a newer archive", "has format version 2", marker, |path, aside| {
        fs::write(path, fs::read_to_string(aside).unwrap().replace("\"format\":1", "\"format\":2")).unwrap();
    });
    swapped("no folder", "does not exist", Setting::archive, |_, _| ());
    swapped("an empty folder", "its volume is probably not mounted", Setting::archive, |path, _| {
        fs::create_dir(path).unwrap()
    });
    swapped("a file", "where a folder has to be", Setting::archive, |path, _| fs::write(path, "").unwrap());
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let database = |setting: &Setting| setting.state().join("state.db");
    swapped("deleted", "the state database knows nothing of it", database, |_, _| ());
    swapped("emptied", "the state database knows nothing of it", database, |path, _| fs::write(path, "").unwrap());
    swapped("garbage", "the state database in [state] dir is damaged", database, |path, _| {
        fs::write(path, "x".repeat(9000)).unwrap()
    });
    swapped("cut", "the state database in [state] dir is damaged", database, |path, aside| {
        let bytes = fs::read(aside).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    });
    swapped("newer", "or a newer one", database, |path, aside| {
        fs::copy(aside, path).unwrap();
        rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    });
    swapped("no folder", "does not exist", Setting::state, |_, _| ());
}

#[test]
fn an_older_state_archives_nothing_twice() {
    let setting = Setting::new();
    let (database, newest) = (setting.state().join("state.db"), setting.state().join("newest"));
    let mut copies = vec![fs::read(&database).unwrap()];
    for time in ["12:20", "12:40"] {
        setting.later(time);
        setting.poll_well();
        copies.push(fs::read(&database).unwrap());
    }
    fs::rename(&database, &newest).unwrap();
    for older in &copies[..2] {
        fs::write(&database, older).unwrap();
        let before = fs::read(setting.segment()).unwrap();
        let failures = setting.poll().unwrap();
        assert_eq!(failures.len(), 2, "{failures:?}");
        assert!(failures.values().all(|said| said.contains("put back the newest one")), "{failures:?}");
        assert_eq!(fs::read(setting.segment()).unwrap(), before);
        fs::remove_file(&database).unwrap();
    }
    fs::rename(&newest, &database).unwrap();
    setting.later("12:50");
    setting.poll_well();
    setting.assert_exact();
}

#[test]
fn two_processes_never_share_a_state_or_an_archive() {
    let setting = Setting::new();
    let first = setting.open().unwrap();
    assert!(setting.open().unwrap_err().contains("another atlas-logd is using the state"));
    drop(first);
    // The same archive with another state: no marker of it is in that state.
    let mut config = setting.config();
    config.state_dir = setting.state().join("other");
    fs::create_dir(&config.state_dir).unwrap();
    let clock = std::sync::Arc::new(atlas_logd::clock::SystemClock);
    let said =
        atlas_logd::daemon::Station::open(config.clone(), clock.clone(), std::sync::Arc::new(|_, _| ())).unwrap_err();
    assert!(said.to_string().contains("knows nothing of it"), "{said}");
    // The same state, copied while the first is at work, with the same archive: the archive has a lock of its own.
    let _first = setting.open().unwrap();
    fs::copy(setting.state().join("state.db"), config.state_dir.join("state.db")).unwrap();
    let said = atlas_logd::daemon::Station::open(config, clock, std::sync::Arc::new(|_, _| ())).unwrap_err();
    assert!(said.to_string().contains("another atlas-logd is writing to the archive"), "{said}");
}
