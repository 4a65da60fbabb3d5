//! `rebuild`, where the lost state had still to remove what the digests say is gone.

use atlas_logd::{rebuild::Order, source::Source, state::Store};

use crate::{
    harness::{DAY, SECOND, Stage, orders},
    rebuild::{lose_state, stage, try_rebuild},
};

/// The names of the segments that are decided to go.
fn to_go(stage: &Stage, source: &Source) -> Vec<String> {
    let store = Store::open_read_only(&stage.state()).unwrap();
    let removals = store.read(|connection| {
        let state = atlas_logd::state::SourceState::load(connection, &source.id)?.unwrap();
        atlas_logd::state::removals(connection, state.key)
    });
    let mut names: Vec<String> = removals.unwrap().iter().map(ToString::to_string).collect();
    names.sort();
    names
}

#[test]
fn what_the_digests_say_is_removed_goes_after_a_rebuild_too() {
    let stage = stage();
    stage.configure(|config| {
        config.only_audit();
        config.set_text("archive", "rotate_size", "1B");
        config.set_text("archive", "keep", "8d");
    });
    let desk = stage.desk();
    let poll = |note: &str| {
        stage.add_record(&orders(), SECOND, note);
        desk.poll(&orders());
    };
    for number in 0..4 {
        poll(&format!("number {number}"));
        stage.pass(5 * DAY);
    }
    desk.keep_up(&orders());
    let decided = to_go(&stage, &orders());
    assert!(!decided.is_empty());
    // The next digest tells of it, and then the state is lost.
    poll("the next");
    drop(desk);
    let before: Vec<String> = stage.segments(&orders()).into_iter().map(|segment| segment.name).collect();
    assert_eq!(before[..decided.len()], decided);
    // What the digests say goes, though segments are kept for ever now.
    stage.configure(|config| config.remove("archive", "keep"));
    lose_state(&stage);
    try_rebuild(&stage, Order::Keep).unwrap();
    assert_eq!(to_go(&stage, &orders()), decided);
    let archive = stage.archive();
    let verify = || stage.command(["verify", archive.to_str().unwrap()]).assert_done().stdout;
    assert!(verify().contains("note: "), "{}", verify());
    let desk = stage.desk();
    desk.poll(&orders());
    stage.damaged(|| desk.keep_up(&orders()));
    drop(desk);
    let after: Vec<String> = stage.segments(&orders()).into_iter().map(|segment| segment.name).collect();
    assert!(!after.iter().any(|name| decided.contains(name)), "{after:?}");
    assert!(before[decided.len()..].iter().all(|name| after.contains(name)), "{after:?}");
    assert_eq!(to_go(&stage, &orders()), [] as [&str; 0]);
    verify();
}
