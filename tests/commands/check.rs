//! `check`: what is wrong is said before the first night, and nothing is touched.

use std::{
    ffi::OsStr,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use atlas_logd::{sim::Role, source::Kind};

use crate::{
    evidence::sign_with,
    harness::{CLIENT_ID, Outcome, PAYMENTS, PUBLIC_KEY, ProjectTable, Stage},
};

fn lines(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().collect()
}

/// What `check` says first where the folders are right.
fn preamble(stage: &Stage, counts: &str) -> [String; 3] {
    [
        format!("{}: valid, {counts}", stage.config_path().display()),
        format!("archive folder {}: ok", stage.archive().display()),
        format!("state folder {}: ok", stage.state().display()),
    ]
}

fn is_empty(folder: &std::path::Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn offline_it_asks_nobody_and_leaves_nothing_behind() {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    let outcome = stage.command(["check"]).assert_done();
    assert_eq!(lines(&outcome), preamble(&stage, "2 projects, 4 sources"));
    assert_eq!(outcome.stderr, "");
    assert_eq!(stage.world.requests(), []);
    assert!(is_empty(&stage.archive()) && is_empty(&stage.state()));
}

#[test]
fn online_it_has_one_line_for_each_source() {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    let outcome = stage.command(["check", "--online"]).assert_done();
    let sources = [
        "analytics/access-history/warehouse: ok",
        "analytics/stream-audit/shops: ok",
        "payments/access-history/prod-0: ok",
        "payments/stream-audit/orders: ok",
    ];
    assert_eq!(lines(&outcome)[3..], sources);
    assert_eq!(stage.world.live_tokens(), 0);
    assert!(is_empty(&stage.archive()) && is_empty(&stage.state()));
}

#[test]
fn online_it_says_what_to_do_about_each_denial() {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    stage.world.change_service_accounts(|accounts| {
        accounts[0].grants.insert(PAYMENTS.to_owned(), vec![Role::MonitoringAdmin]);
    });
    fs::write(stage.folder().join("private-key"), "wrong").unwrap();
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let wrong_key = format!(
        "the API key {PUBLIC_KEY} was not accepted; check that the API key {PUBLIC_KEY} exists in Atlas and that its \
         private key is in the file {}/private-key; Atlas shows a private key only once, so make a new key if in doubt",
        stage.folder().display()
    );
    let role = format!(
        "the answer is 401 (USER_UNAUTHORIZED: The current user is not authorized to perform this action.); grant the \
         service account {CLIENT_ID} the role 'Project Stream Processing Owner' (or a Project Data Access role, or \
         'Project Owner') in project 'payments' ({PAYMENTS})"
    );
    let expected = [
        format!("analytics/access-history/warehouse: {wrong_key}"),
        format!("analytics/stream-audit/shops: {wrong_key}"),
        "payments/access-history/prod-0: ok".to_owned(),
        format!("payments/stream-audit/orders: {role}"),
    ];
    assert_eq!(lines(&outcome)[3..], expected);
}

#[test]
fn a_name_that_atlas_does_not_know_is_compared_with_those_that_it_knows() {
    let stage = Stage::new();
    stage.add_to_configuration(Kind::StreamAudit, "ordres");
    stage.add_to_configuration(Kind::AccessHistory, "prod-1");
    stage.add_to_configuration(Kind::AccessHistory, "elsewhere");
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let line = |source: &str| {
        let line = lines(&outcome).into_iter().find(|line| line.starts_with(source));
        line.unwrap_or_else(|| panic!("nothing about {source}:\n{}", outcome.stdout)).to_owned()
    };
    assert!(line("payments/stream-audit/ordres: ").ends_with("; did you mean \"orders\"?"), "{}", outcome.stdout);
    assert!(line("payments/access-history/prod-1: ").ends_with("; did you mean \"prod-0\"?"), "{}", outcome.stdout);
    let elsewhere = line("payments/access-history/elsewhere: ");
    assert!(elsewhere.contains("there is no cluster 'elsewhere' in project 'payments'"), "{elsewhere}");
    assert!(!elsewhere.contains("did you mean"), "{elsewhere}");
    assert_eq!(line("payments/stream-audit/orders: "), "payments/stream-audit/orders: ok");
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
fn atlas_that_cannot_be_reached_fails_every_source() {
    let stage = Stage::new();
    // Nothing listens on port 9 of loopback.
    stage.configure(|config| config.set_text("atlas", "base_url", "http://127.0.0.1:9"));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    for source in ["payments/access-history/prod-0", "payments/stream-audit/orders"] {
        let start = format!("{source}: no access token: no connection to 127.0.0.1: ");
        assert!(lines(&outcome).iter().any(|line| line.starts_with(&start)), "{}", outcome.stdout);
    }
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
            "warning: {what} in {} is open to others on this machine (mode 0{mode:o}); make it a file of the user that \
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
