//! What no poll fails with is told all the same, under a name that does not change.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path};

use atlas_logd::{
    clock::{Clock as _, SystemClock},
    sim::{Event, Fault, Match},
    source::Source,
};
use rustix::process::Signal;

use crate::harness::{Daemon, EVERY_SECOND, HOUR, ONCE_A_YEAR, Stage, orders, prod, try_until};

/// What a line holds that tells of the source.
fn behind(source: &Source) -> String {
    format!("event=\"source-behind\" source=\"{source}\"")
}

/// A daemon that looks every second.
fn watchful(stage: &Stage) -> Daemon {
    stage.configure(|config| config.set_text("signals", "behind", "2s"));
    stage.spawn_daemon()
}

#[test]
fn a_source_that_falls_behind_is_told_once_and_when_it_has_caught_up() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.set_text("schedule", "stream_audit", EVERY_SECOND);
    });
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "before"));
    stage.command(["collect"]).assert_done();
    let mut daemon = stage.spawn_daemon();
    stage.wait_until_polled(&orders());
    // Only now: a busy machine takes its time for the first poll.
    stage.configure(|config| config.set_text("signals", "behind", "2s"));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    let refused = Match::source(&orders().id);
    stage.world.fault(refused.clone(), Fault::Answer { status: 403, headers: Vec::new(), body: "{}".into() });
    let behind = daemon.wait_for_line("source-behind");
    assert!(behind.contains("ERROR") && behind.contains(&orders().to_string()), "{behind}");
    assert!(behind.contains("behind its schedule: archived up to"), "{behind}");
    stage.world.clear_faults();
    let caught_up = daemon.wait_for_line("source-caught-up");
    assert!(caught_up.contains("INFO") && caught_up.contains(&orders().to_string()), "{caught_up}");
    let log = daemon.stop();
    // On a busy machine it may be behind once more after that.
    let until_then = log.iter().take_while(|line| !line.contains("source-caught-up"));
    assert_eq!(until_then.filter(|line| line.contains("source-behind")).count(), 1, "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("source-") && line.contains(&prod().to_string())), "{log:#?}");
}

#[test]
fn what_a_reload_takes_out_is_not_said_to_have_caught_up() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(EVERY_SECOND));
    let mut daemon = watchful(&stage);
    stage.wait_until_polled(&prod());
    let refused = Match::source(&prod().id);
    stage.world.fault(refused, Fault::Answer { status: 403, headers: Vec::new(), body: "{}".into() });
    daemon.wait_for_line(&behind(&prod()));
    stage.configure(|config| config.projects[0].clusters.clear());
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    // Another one that is told of shows that somebody has looked since.
    stage
        .world
        .fault(Match::source(&orders().id), Fault::Answer { status: 403, headers: Vec::new(), body: "{}".into() });
    daemon.wait_for_line(&behind(&orders()));
    let log = daemon.stop();
    let since_then = log.iter().skip_while(|line| !line.contains(&behind(&prod())));
    let caught_up = |line: &String| line.contains("source-caught-up") && line.contains(&prod().to_string());
    assert!(!since_then.into_iter().any(caught_up), "{log:#?}");
}

#[test]
fn a_backlog_that_is_being_collected_is_not_told() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(EVERY_SECOND));
    stage.add(&orders(), Event::audit(stage.ago(100 * HOUR), "before"));
    // Far less than what there is to collect, and more than a busy machine takes for it. Somebody looks every five seconds.
    stage.configure(|config| config.set_text("signals", "behind", "10s"));
    let daemon = stage.spawn_daemon();
    for source in [orders(), prod()] {
        stage.wait_for_data_requests(&source, 12);
    }
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("source-behind")), "{log:#?}");
}

#[test]
fn a_source_that_was_never_collected_is_behind_too() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(EVERY_SECOND));
    stage.take_atlas_down();
    let mut daemon = watchful(&stage);
    let behind = daemon.wait_for_line("source-behind");
    assert!(behind.contains("not collected once since"), "{behind}");
}

#[test]
fn a_secret_near_its_end_is_told_before_and_after() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.set_text("credentials.main", "client_secret_expires", &(stage.now() + 72 * HOUR).to_string());
    });
    let mut daemon = watchful(&stage);
    let ending = daemon.wait_for_line("credential-ending");
    assert!(ending.contains("WARN") && ending.contains("in 2 d 23 h"), "{ending}");
    assert!(ending.contains("credentials main") && ending.contains("make a new secret"), "{ending}");
    stage.configure(|config| config.set_text("credentials.main", "client_secret_expires", "2026-01-01"));
    daemon.signal(Signal::HUP);
    let ended = daemon.wait_for_line("credential-ended");
    assert!(ended.contains("ERROR") && ended.contains("ended at 2026-01-01T00:00:00Z"), "{ended}");
    stage.configure(|config| config.set_text("credentials.main", "client_secret_expires", "2099-01-01"));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("credential-renewed");
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line.contains("event=\"credential-")).count(), 3, "{log:#?}");
}

#[test]
fn a_disk_that_refuses_is_told_on_a_quiet_day() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    let mut daemon = watchful(&stage);
    // Not even root writes to it.
    let in_the_way = stage.archive().join(".spool").join("probe");
    // The daemon may have just written to it.
    try_until(|| fs::create_dir(&in_the_way));
    let refused = daemon.wait_for_line("disk-unwritable");
    assert!(refused.contains("ERROR") && refused.contains(".spool/probe"), "{refused}");
    fs::remove_dir(&in_the_way).unwrap();
    daemon.wait_for_line("disk-writable");
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line.contains("event=\"disk-")).count(), 2, "{log:#?}");
    assert!(!in_the_way.exists(), "the probe is removed");
}

#[test]
fn a_folder_that_its_owner_may_not_write_to_is_told_by_the_status() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    for (what, folder) in [("archive", stage.archive()), ("state", stage.state())] {
        let before = fs::metadata(&folder).unwrap().permissions();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
        let said = stage.command(["status"]).stdout;
        assert!(said.contains(&format!("disk-unwritable: the {what}, ")) && said.contains("by its owner"), "{said}");
        fs::set_permissions(&folder, before).unwrap();
    }
    assert!(!stage.command(["status"]).stdout.contains("disk-unwritable"));
}

#[test]
fn too_little_room_is_told() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.set_text("archive", "min_free", "16TiB");
    });
    let mut daemon = watchful(&stage);
    let low = daemon.wait_for_line("disk-low");
    assert!(low.contains("min_free is 16.0 TiB"), "{low}");
}

#[test]
fn each_line_of_the_journal_has_its_priority() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    let mut daemon = stage.spawn_daemon_under_journal();
    let collecting = daemon.wait_for_line("collecting");
    // No time: the journal has its own.
    assert!(collecting.starts_with("<6> INFO collecting"), "{collecting}");
    stage.configure(|config| config.set("archive", "no_such_key", "1"));
    daemon.signal(Signal::HUP);
    assert!(daemon.wait_for_line("was refused").starts_with("<3>ERROR"));
    // A text of several lines does not end its priority with the first.
    assert!(daemon.wait_for_line("no_such_key").starts_with("<3>"));
    assert!(daemon.stop().iter().all(|line| line.starts_with('<')));
}

#[test]
fn the_status_knows_them_while_no_daemon_runs() {
    // For a command, the clock of the machine counts: days have passed.
    let stage = Stage::at(&(SystemClock.now() - 48 * HOUR).to_string());
    stage.desk().poll(&orders());
    stage.configure(|config| {
        config.set_text("archive", "min_free", "16TiB");
        config.set_text("credentials.main", "client_secret_expires", "2026-01-01");
    });
    let said = stage.command(["status"]).assert_done().stdout;
    let behind = format!("source-behind: {}: ", orders());
    for line in
        ["disk-low: the archive's file system has ", "credential-ended: the secret of credentials main ended", &behind]
    {
        assert!(said.lines().any(|said| said.starts_with(line)), "no {line:?} in:\n{said}");
    }
    stage.configure(|config| {
        config.remove("archive", "min_free");
        config.remove("credentials.main", "client_secret_expires");
        config.set_text("signals", "behind", "7d");
    });
    let said = stage.command(["status"]).assert_done().stdout;
    assert!(!said.contains("disk-") && !said.contains("credential-"), "{said}");
}

/// Every line that the daemon logs names what happened, and the page for operators explains it.
#[test]
fn every_event_has_a_name_that_the_page_explains() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let mut named = BTreeSet::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with("src/sim") {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).unwrap();
                for macro_name in ["tracing::info!(", "tracing::warn!(", "tracing::error!("] {
                    for (_, call) in text.match_indices(macro_name).map(|(at, _)| text[at..].split_at(macro_name.len()))
                    {
                        let first = call.trim_start();
                        assert!(first.starts_with("event = "), "{}: no event: {:.60}", entry.display(), first);
                        named.extend(
                            first.strip_prefix("event = \"").and_then(|name| name.split('"').next()).map(str::to_owned),
                        );
                    }
                }
            }
        }
    }
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        assert!(page.contains(&format!("`{name}`")), "docs/operations.md does not explain {name}");
    }
}
