//! Sources that are no longer in the configuration: what they left open is sealed, by whoever runs next.

use std::{fs, path::PathBuf};

use atlas_logd::{
    sim::Event,
    state::{Seal, SourceState, Store, ToldRows},
};

use crate::harness::{HOUR, ONCE_A_YEAR, Stage, orders, prod};

/// Both sources were collected, then one was taken out of the configuration while nothing ran.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "first"));
    stage.add(&prod(), Event::access(stage.ago(HOUR), "host-00", "first"));
    stage.command(["collect"]).assert_done();
    stage.configure(|config| config.projects[0].clusters.clear());
    stage
}

fn digests(stage: &Stage) -> Vec<PathBuf> {
    let entries = fs::read_dir(stage.folder_of(&prod())).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_str().unwrap().ends_with(".digest.json")).collect()
}

/// As a kill leaves it between deciding the digest and putting it into its place.
fn take_digest_back(stage: &Stage) -> (PathBuf, Vec<u8>) {
    let path = digests(stage).pop().unwrap();
    let digest = fs::read(&path).unwrap();
    let store = Store::open(&stage.state()).unwrap();
    let mut state = store.read(|connection| SourceState::load(connection, &prod().id)).unwrap().unwrap();
    assert_eq!(state.open, None);
    let seal = Seal { segment: state.sealed.clone().unwrap().name, digest: digest.clone(), signature: None };
    let told = ToldRows { gaps: &[], islands: &[], damaged: Vec::new(), removals: Vec::new(), unsigned: Some(seal) };
    let decided = store.transaction(|transaction| {
        state.restore(transaction, &told)?;
        state.save(transaction)
    });
    decided.unwrap();
    fs::remove_file(&path).unwrap();
    (path, digest)
}

#[test]
fn a_collection_of_everything_seals_what_a_removed_source_left_open() {
    let stage = stage();
    stage.command(["collect", &orders().to_string()]).assert_done();
    assert!(digests(&stage).is_empty(), "only what was named is collected");
    let said = stage.command(["collect"]).assert_done().stderr;
    assert!(said.contains(&format!("{}: no longer collected; its segment is sealed", prod())), "{said}");
    assert_eq!(digests(&stage).len(), 1);
    let again = stage.command(["collect"]).assert_done().stderr;
    assert!(!again.contains("no longer collected"), "{again}");
    stage.command(["verify", stage.archive().to_str().unwrap()]).assert_done();
}

#[test]
fn a_digest_that_was_decided_for_a_removed_source_comes_into_its_place() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    let (path, digest) = take_digest_back(&stage);
    stage.command(["collect"]).assert_done();
    assert_eq!(fs::read(&path).unwrap(), digest);

    assert_eq!(take_digest_back(&stage), (path.clone(), digest.clone()));
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("no longer collected; its segment is sealed");
    daemon.stop();
    assert_eq!(fs::read(&path).unwrap(), digest);
    stage.command(["verify", stage.archive().to_str().unwrap()]).assert_done();
}
