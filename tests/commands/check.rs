//! `check`: what is wrong is said before the first night, and nothing is touched.

use std::{
    ffi::OsStr,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use crate::{
    evidence::sign_with,
    harness::{Outcome, ProjectTable, Stage},
};

fn lines(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().collect()
}

fn is_empty(folder: &std::path::Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn offline_it_asks_nobody_and_leaves_nothing_behind() {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    let outcome = stage.command(["check"]).assert_done();
    let said = lines(&outcome);
    assert_eq!(said[0], format!("{}: valid, 2 projects, 4 sources", stage.config_path().display()));
    for (said, what, folder) in [(said[1], "archive", stage.archive()), (said[2], "state", stage.state())] {
        assert!(said.starts_with(&format!("{what} folder {}: ok, ", folder.display())), "{said}");
        assert!(said.ends_with("iB are free"), "{said}");
    }
    assert_eq!((said.len(), outcome.stderr.as_str()), (3, ""));
    assert_eq!(stage.world.requests(), []);
    assert!(is_empty(&stage.archive()) && is_empty(&stage.state()));
}

#[test]
fn a_folder_that_is_missing_is_named_with_what_it_has_to_be() {
    let stage = Stage::new();
    fs::remove_dir(stage.archive()).unwrap();
    fs::remove_dir(stage.state()).unwrap();
    let outcome = stage.command(["check"]).assert_code(1);
    let missing = "does not exist; create it, owned by the user that atlas-logd runs as, with mode 0750";
    let expected = [
        format!("archive folder {}: {missing}", stage.archive().display()),
        format!("state folder {}: {missing}", stage.state().display()),
    ];
    assert_eq!(lines(&outcome)[1..], expected);
}

#[test]
fn a_secret_that_others_can_read_is_named_and_fails_nothing() {
    let stage = Stage::new();
    sign_with(&stage, 1);
    let place = |name: &str| stage.folder().join(name);
    let set_mode = |name: &str, mode| fs::set_permissions(place(name), Permissions::from_mode(mode)).unwrap();
    let warnings = |outcome: &Outcome| {
        let warnings = lines(outcome).into_iter().filter(|line| line.starts_with("warning: "));
        warnings.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    set_mode("key-1", 0o600);
    assert_eq!(warnings(&stage.command(["check"]).assert_done()), [] as [&str; 0]);
    for (name, what, mode) in [
        ("client-secret", "the secret of credentials main", 0o604),
        ("private-key", "the secret of credentials legacy", 0o640),
        ("key-1", "the signing key", 0o644),
    ] {
        set_mode(name, mode);
        let expected = format!(
            "warning: {what}: {} is open to others on this machine (mode 0{mode:o}); make it a file of the user that \
             atlas-logd runs as, with mode 0600",
            place(name).display()
        );
        assert_eq!(warnings(&stage.command(["check"]).assert_done()), [expected]);
        let given = [("CREDENTIALS_DIRECTORY", stage.folder().as_os_str())];
        let outcome = stage.command_with(&given as &[(&str, &OsStr)], ["check"]).assert_done();
        assert_eq!(warnings(&outcome), [] as [&str; 0], "what a service manager gives has its own modes");
        set_mode(name, 0o600);
    }
}

#[test]
fn room_that_is_too_small_is_a_fault_only_where_collection_would_pause() {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("archive", "min_free", "16TiB"));
    let said = stage.command(["check"]).assert_code(1).stdout;
    let line = said.lines().find(|line| line.starts_with("archive folder ")).unwrap();
    let end = "are free, and [archive] min_free is 16.0 TiB: nothing would be collected; free some space, or set min_free lower";
    assert!(line.ends_with(end), "{line}");
    stage.configure(|config| config.set_text("archive", "min_free", "1B"));
    stage.command(["check"]).assert_done();
}
