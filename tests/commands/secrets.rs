//! Where secrets may come from, and where they must never be seen.

use std::{ffi::OsStr, fs, path::Path};

use crate::{
    evidence::sign_with,
    harness::{CLIENT_ID, CLIENT_SECRET, Outcome, PRIVATE_KEY, Stage, orders, prod, shops, warehouse},
};

/// How the simulated Atlas begins its tokens.
const TOKEN: &str = "eyJhbGciOiJub25lIn0";

fn assert_collected(stage: &Stage) {
    for source in [orders(), prod(), shops(), warehouse()] {
        assert_eq!(stage.lines(&source).len(), 1);
    }
}

#[test]
fn secrets_can_come_from_the_environment() {
    let stage = Stage::of_both_projects();
    stage.configure(|config| {
        config.remove("credentials.main", "client_secret_file");
        config.set_text("credentials.main", "client_secret_env", "ATLAS_SECRET");
        config.remove("credentials.legacy", "private_key_file");
        config.set_text("credentials.legacy", "private_key_env", "ATLAS_KEY");
    });
    let variables = [("ATLAS_SECRET", OsStr::new(CLIENT_SECRET)), ("ATLAS_KEY", OsStr::new(PRIVATE_KEY))];
    stage.command_with(&variables, ["collect"]).assert_done();
    let missing = stage.command_with(&variables[..1], ["collect"]).assert_code(78);
    missing.assert_says("missing secret: the environment variable \"ATLAS_KEY\" is not set; set it to the secret");
    // What follows reads the configuration too.
    stage.configure(|config| {
        for (table, kind) in [("credentials.main", "client_secret"), ("credentials.legacy", "private_key")] {
            config.remove(table, &format!("{kind}_env"));
        }
        config.set_text("credentials.main", "client_secret_file", "client-secret");
        config.set_text("credentials.legacy", "private_key_file", "private-key");
    });
    assert_collected(&stage);
}

#[test]
fn secrets_in_the_credentials_directory_come_first() {
    let stage = Stage::of_both_projects();
    let directory = stage.folder().join("credentials");
    fs::create_dir(&directory).unwrap();
    for name in ["client-secret", "private-key"] {
        fs::copy(stage.folder().join(name), directory.join(name)).unwrap();
        fs::write(stage.folder().join(name), "an old one").unwrap();
    }
    stage.command_with(&[("CREDENTIALS_DIRECTORY", directory.as_os_str())], ["collect"]).assert_done();
    assert_collected(&stage);
}

#[test]
fn a_secret_that_is_empty_or_gone_is_told_by_its_place() {
    let stage = Stage::of_both_projects();
    fs::write(stage.folder().join("client-secret"), "\n").unwrap();
    let place = format!("{}/client-secret", stage.folder().display());
    let said = format!("credentials.main.client_secret_file: missing secret: {place} is empty; put the secret into it");
    stage.command(["collect"]).assert_code(78).assert_says(&said);
    fs::remove_file(stage.folder().join("client-secret")).unwrap();
    stage.command(["collect"]).assert_code(78).assert_says(&format!("missing secret: there is no file {place}"));
    assert_eq!(stage.world.requests(), []);
}

#[test]
fn a_secret_that_goes_away_later_fails_the_poll_that_needs_it() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    let place = format!("{}/client-secret", stage.folder().display());
    let desk = stage.desk();
    desk.poll_all();
    fs::write(&place, "\n").unwrap();
    desk.poll_all();
    stage.world.revoke_all_tokens();
    let failure = desk.try_poll(&orders()).failure.unwrap().to_string();
    let said =
        format!("no access token: no secret in the file {place}: it is empty; put the secret into the file {place}");
    assert!(failure.ends_with(&format!("): {said}")), "{failure}");
    fs::write(&place, CLIENT_SECRET).unwrap();
}

/// What HTTP Basic makes of id and secret.
fn basic(id: &str, secret: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{id}:{secret}");
    let whole = text.as_bytes().chunks_exact(3).flat_map(|three| {
        let bits = three.iter().fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte));
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]))
    });
    whole.collect()
}

#[track_caller]
fn assert_no_secret(shown: &[u8], place: &str) {
    let basic = basic(CLIENT_ID, CLIENT_SECRET);
    for secret in [CLIENT_SECRET, PRIVATE_KEY, TOKEN, &basic, "mdb_sa_sk_wrong"] {
        let found = shown.windows(secret.len()).position(|window| window == secret.as_bytes());
        if let Some(found) = found {
            let around = &shown[found.saturating_sub(200)..(found + 100).min(shown.len())];
            panic!("{place} shows a secret: {}", String::from_utf8_lossy(around));
        }
    }
}

#[track_caller]
fn assert_quiet(outcome: &Outcome) {
    assert_no_secret(outcome.stdout.as_bytes(), "standard output");
    assert_no_secret(outcome.stderr.as_bytes(), "standard error");
}

fn look_into(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let path = entry.path();
        match path.is_dir() {
            true => look_into(&path),
            false => assert_no_secret(&fs::read(&path).unwrap(), &path.display().to_string()),
        }
    }
}

#[test]
fn no_secret_is_shown_or_kept_whatever_is_logged() {
    let stage = Stage::of_both_projects();
    let trace = [("RUST_LOG", OsStr::new("trace"))];
    let outcome = stage.command_with(&trace, ["collect"]).assert_done();
    assert!(outcome.stderr.contains("TRACE"), "nothing was traced");
    assert_quiet(&outcome);
    assert_quiet(&stage.command_with(&trace, ["--log-format", "json", "collect"]).assert_done());
    assert_quiet(&stage.command_with(&trace, ["check", "--online"]).assert_done());
    assert_quiet(&stage.command_with(&trace, ["status", "--json"]).assert_done());
    for folder in [stage.archive(), stage.state()] {
        look_into(&folder);
    }
    for name in ["client-secret", "private-key"] {
        fs::write(stage.folder().join(name), "mdb_sa_sk_wrong").unwrap();
    }
    assert_quiet(&stage.command_with(&trace, ["collect"]).assert_code(1));
    assert_quiet(&stage.command_with(&trace, ["check", "--online"]).assert_code(1));
    look_into(&stage.state());
}

#[test]
fn what_only_reads_needs_neither_secrets_nor_the_signing_key() {
    let stage = Stage::new();
    sign_with(&stage, 1);
    stage.configure(|config| config.set_text("evidence", "signing_key", "key-1"));
    stage.command(["collect"]).assert_done();
    let directory = stage.folder().join("credentials");
    fs::create_dir(&directory).unwrap();
    for name in ["client-secret", "private-key", "key-1"] {
        fs::rename(stage.folder().join(name), directory.join(name)).unwrap();
    }
    stage.configure(|config| {
        config.remove("credentials.legacy", "private_key_file");
        config.set_text("credentials.legacy", "private_key_env", "NOT_SET_HERE");
    });
    stage.command(["status"]).assert_done();
    stage.command(["status", "--head"]).assert_done();
    let export = ["export", "payments/stream-audit/orders", "--from", "2026-01-01", "--to", "2026-01-02"];
    stage.command(export).assert_done();
    let missing = format!(
        "evidence.signing_key: missing signing key: there is no file {}/key-1; $CREDENTIALS_DIRECTORY, where a service may have \
         it, is not set here; put the key back that signed the digests so far (a new one is for a new archive, or a rotation); \
         the first one is made with: ssh-keygen -t ed25519 -N '' -C atlas-logd -f FILE",
        stage.folder().display()
    );
    stage.command(["collect"]).assert_code(78).assert_says(&missing);
    stage.command(["check"]).assert_code(78).assert_says(&missing);
    let given = [("CREDENTIALS_DIRECTORY", directory.as_os_str()), ("NOT_SET_HERE", OsStr::new(PRIVATE_KEY))];
    stage.command_with(&given, ["collect"]).assert_done();
    for (name, directory) in ["client-secret", "private-key", "key-1"].map(|name| (name, &directory)) {
        fs::rename(directory.join(name), stage.folder().join(name)).unwrap();
    }
    stage.configure(|config| {
        config.remove("credentials.legacy", "private_key_env");
        config.set_text("credentials.legacy", "private_key_file", "private-key");
    });
}
