//! SIGHUP with a configuration that cannot come into force: the old one stays.

use std::fs;

use atlas_logd::sim::Event;
use rustix::process::Signal;

use crate::harness::{EVERY_SECOND, ProjectTable, SECOND, Stage, orders, shops};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(EVERY_SECOND));
    stage
}

/// A new record of a source that is collected still is archived.
#[track_caller]
fn assert_goes_on(stage: &Stage, note: &str) {
    let before = stage.lines(&orders()).len();
    stage.add(&orders(), Event::audit(stage.ago(SECOND), note));
    stage.wait_until_polled(&orders());
    assert_eq!(stage.lines(&orders()).len(), before + 1);
}

#[test]
fn faults_are_told_and_the_old_configuration_stays_in_force_until_they_are_mended() {
    let stage = stage();
    let mut daemon = stage.spawn_daemon();
    assert_goes_on(&stage, "before");

    stage.configure(|config| {
        config.set("archive", "rotate_sise", "1");
        config.set_text("schedule", "stream_audit", "now and then");
        config.projects.push(ProjectTable::analytics());
    });
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration was refused, the old one stays in force");
    let path = stage.config_path().display().to_string();
    let key = daemon.wait_for_line(&path);
    assert!(key.contains("rotate_sise"), "{key}");
    let pattern = daemon.wait_for_line(&path);
    assert!(pattern.contains("stream_audit") || pattern.contains("now and then"), "{pattern}");
    assert_goes_on(&stage, "in spite of faults");
    assert_eq!(stage.requests_for(&shops()), 0);

    fs::write(stage.config_path(), "no TOML at all =").unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration was refused");
    fs::remove_file(stage.config_path()).unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration was refused");

    stage.configure(|config| {
        config.remove("archive", "rotate_sise");
        config.schedule(EVERY_SECOND);
    });
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    stage.wait_until_polled(&shops());
    assert_goes_on(&stage, "after");
    daemon.stop();
    stage.assert_current(&orders());
    stage.assert_current(&shops());
}

#[test]
fn what_only_changes_with_a_restart_is_named() {
    let stage = stage();
    let mut daemon = stage.spawn_daemon();
    fs::create_dir(stage.folder().join("elsewhere")).unwrap();
    stage.configure(|config| config.set_text("archive", "dir", "elsewhere"));
    daemon.signal(Signal::HUP);
    let refused = daemon.wait_for_line("the new configuration was refused");
    assert!(refused.contains("archive.dir") && refused.contains("restart"), "{refused}");
    assert!(!refused.contains("state.dir"), "{refused}");
    assert_goes_on(&stage, "in the old place");
    assert_eq!(fs::read_dir(stage.folder().join("elsewhere")).unwrap().count(), 0);

    stage.configure(|config| {
        config.set_text("archive", "dir", "archive");
        config.projects.push(ProjectTable::analytics());
    });
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    stage.wait_until_polled(&shops());
    daemon.stop();
    stage.assert_current(&orders());
}

#[test]
fn a_secret_that_is_gone_is_told_and_the_old_one_serves() {
    let stage = stage();
    let mut daemon = stage.spawn_daemon();
    stage.configure(|config| config.set_text("credentials.main", "client_secret_file", "not-there"));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration was refused");
    let fault = daemon.wait_for_line(&stage.config_path().display().to_string());
    assert!(fault.contains("client_secret_file") || fault.contains("not-there"), "{fault}");
    assert_goes_on(&stage, "with the old secret");
    daemon.stop();
}
