//! What is said of damage, word by word, and cases that are no damage to one file.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    sync::Arc,
};

use atlas_logd::{clock::SystemClock, daemon::Station, source::Kind, state::Store, state::damaged_segments};

use crate::{
    oracle::assert_exact,
    scene::{Failures, Folders, Scene},
};

const HARMED: Kind = Kind::StreamAudit;

fn collected(scene: &Scene) -> Folders<'_> {
    let folders = scene.folders();
    folders.poll_well("12:00");
    folders
}

/// With a commit of each source under way.
fn interrupted(scene: &Scene) -> Folders<'_> {
    let folders = scene.folders();
    folders.poll_well("11:10");
    folders.poll_interrupted("11:45")
}

fn all_exact(folders: &Folders<'_>) {
    Kind::ALL.into_iter().for_each(|kind| assert_exact(folders, kind, &[]));
}

#[test]
fn what_was_lost_is_told_in_words() {
    let scene = Scene::new();
    let cut = |path: &Path, length| OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
    let told = |detail: &str, damage: &dyn Fn(&Path)| {
        let folders = collected(&scene);
        let segment = folders.segments(HARMED).pop().unwrap();
        damage(&segment);
        for time in ["12:20", "12:40"] {
            folders.poll_well(time);
            all_exact(&folders);
            let store = Store::open_read_only(&folders.state()).unwrap();
            let key = folders.load(HARMED).key;
            let damaged = store.read(|connection| damaged_segments(connection, key)).unwrap();
            assert_eq!(damaged.len(), 1, "{detail}: given up once");
            assert!(segment.ends_with(damaged[0].name.as_str()) && damaged[0].detail.contains(detail), "{damaged:?}");
        }
    };
    told("bytes instead of", &|path| cut(path, fs::metadata(path).unwrap().len() / 2));
    told("has 0 bytes instead of", &|path| cut(path, 0));
    told("were changed by someone else", &|path| {
        let mut bytes = fs::read(path).unwrap();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    told("the segment is gone", &|path| fs::remove_file(path).unwrap());
}

/// A source is refused until somebody has decided.
#[test]
fn files_that_nobody_wrote_are_told_in_words() {
    let scene = Scene::new();
    let folders = collected(&scene);
    let unknown = folders.source_folder(HARMED).join("00000009-20261120T120000Z.ndjson");
    fs::write(&unknown, "x\n").unwrap();
    let said = folders.poll("12:20").unwrap();
    assert!(
        said.len() == 1 && said[&HARMED].contains("lies in the archive, but the state does not know it"),
        "{said:?}"
    );
    fs::remove_file(unknown).unwrap();
    let segment = folders.segments(HARMED).pop().unwrap();
    let length = fs::metadata(&segment).unwrap().len();
    OpenOptions::new().append(true).open(&segment).unwrap().write_all(b"forged\n").unwrap();
    let said = folders.poll("12:25").unwrap();
    assert!(said.len() == 1 && said[&HARMED].contains(&format!("truncate -s {length} ")), "{said:?}");
    OpenOptions::new().write(true).open(&segment).unwrap().set_len(length).unwrap();
    folders.poll_well("12:40");
    all_exact(&folders);
}

/// Puts `other` in the place of a file; and back.
fn the_start_is_refused(sentence: &str, file: impl Fn(&Folders<'_>) -> std::path::PathBuf, other: &dyn Fn(&Path)) {
    let scene = Scene::new();
    let folders = collected(&scene);
    let (path, aside) = (file(&folders), folders.path().join("aside"));
    fs::copy(&path, &aside).unwrap();
    other(&path);
    let said = folders.poll("12:20").unwrap_err();
    assert!(said.contains(sentence), "{said}");
    fs::copy(&aside, &path).unwrap();
    assert_eq!(folders.poll("12:40"), Ok(Failures::new()));
    all_exact(&folders);
}

#[test]
fn an_archive_and_a_state_that_cannot_be_used_are_told_in_words() {
    let marker = |folders: &Folders<'_>| folders.archive().join(".atlas-logd");
    the_start_is_refused("its volume is probably not mounted", marker, &|path| fs::write(path, "").unwrap());
    the_start_is_refused("cannot be understood", marker, &|path| fs::write(path, "garbage").unwrap());
    the_start_is_refused("belongs to another state", marker, &|path| {
        let id = "0123456789abcdef".repeat(2);
        fs::write(path, format!("{{\"format\":1,\"archive\":\"{id}\"}}\n")).unwrap();
    });
    the_start_is_refused("has format version 2", marker, &|path| {
        let newer = fs::read_to_string(path).unwrap().replace("\"format\":1", "\"format\":2");
        fs::write(path, newer).unwrap();
    });
    let database = |folders: &Folders<'_>| folders.state().join("state.db");
    the_start_is_refused("the state database in [state] dir is damaged", database, &|path| {
        fs::write(path, "x".repeat(9000)).unwrap();
    });
    the_start_is_refused("its schema version is gone", database, &|path| {
        rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 0).unwrap();
    });
    the_start_is_refused("its tables are not those that were made", database, &|path| {
        rusqlite::Connection::open(path)
            .unwrap()
            .execute_batch("ALTER TABLE gap RENAME COLUMN to_ms TO until_ms")
            .unwrap();
    });
    the_start_is_refused("or a newer one", database, &|path| {
        rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    });
}

#[test]
fn two_processes_never_share_a_state_or_an_archive() {
    let scene = Scene::new();
    let folders = collected(&scene);
    let first = folders.open().unwrap();
    assert!(folders.open().unwrap_err().contains("another atlas-logd is using the state"));
    drop(first);
    // The same archive with another state: no marker of it is in that state.
    let mut config = folders.config();
    config.state_dir = folders.path().join("other");
    fs::create_dir(&config.state_dir).unwrap();
    let open = || Station::open(config.clone(), Arc::new(SystemClock), Arc::new(|_, _| ())).unwrap_err().to_string();
    let said = open();
    assert!(said.contains("knows nothing of it"), "{said}");
    // The same state, copied while the first is at work, with the same archive: the archive has a lock of its own.
    let _first = folders.open().unwrap();
    fs::copy(folders.state().join("state.db"), config.state_dir.join("state.db")).unwrap();
    let said = open();
    assert!(said.contains("another atlas-logd is writing to the archive"), "{said}");
}

/// What lies in the spool now is not made evidence of.
#[test]
fn a_spool_that_was_changed_is_not_believed_where_the_segment_of_its_commit_is_damaged_too() {
    let scene = Scene::new();
    let folders = interrupted(&scene);
    for kind in Kind::ALL {
        let segment = folders.segments(kind).pop().unwrap();
        let length = segment.metadata().unwrap().len();
        OpenOptions::new().write(true).open(segment).unwrap().set_len(length - 1).unwrap();
        let spool = folders.spool(kind);
        let mut records = fs::read(&spool).unwrap();
        let middle = records.len() / 2;
        records[middle] ^= 1;
        fs::write(spool, records).unwrap();
    }
    let failures = folders.poll("11:50").unwrap();
    let told = failures.values().filter(|said| said.contains("the spool file was changed by someone else")).count();
    assert_eq!(told, 2, "{failures:?}");
    folders.poll_well("11:55");
    all_exact(&folders);
}

#[test]
fn a_length_is_explained_by_the_commit_under_way_and_by_nothing_else() {
    let scene = Scene::new();
    let folders = interrupted(&scene);
    let look = || folders.open().unwrap().collector.committer().look_at_lengths().unwrap();
    let found = look();
    assert_eq!((found.under_way, found.faults.len()), (2, 0));
    // As it is once all is written.
    for kind in Kind::ALL {
        let segment = folders.segments(kind).pop().unwrap();
        OpenOptions::new()
            .append(true)
            .open(segment)
            .unwrap()
            .write_all(&fs::read(folders.spool(kind)).unwrap())
            .unwrap();
    }
    assert_eq!(look().faults.len(), 0);
    for kind in Kind::ALL {
        let segment = folders.segments(kind).pop().unwrap();
        OpenOptions::new().append(true).open(segment).unwrap().write_all(b"{}\n").unwrap();
    }
    let said: Vec<String> = look().faults.iter().map(ToString::to_string).collect();
    assert!(said.len() == 2 && said.iter().all(|said| said.contains("cut it back")), "{said:?}");
}
