//! Configurations that cannot be used, and command lines that cannot be understood: nothing is touched.

use std::fs;

use crate::harness::Stage;

const FAULTY: &str = r#"[archive]
dir = "archive"
rotate_size = "12 apples"
rotate_evry = "day"

[state]
dir = 7

[schedule]
stream_audit = "*/5 * * * *"

[collect]
access_history_settle = "soon"

[atlas]
base_url = "http://cloud.mongodb.com"

[credentials.main]
client_id = "mdb_sa_id_1234567890abcdef12345678"
client_secret_file = "nowhere"

[[project]]
id = "32b6e34b"
name = "payments"
credentials = "mian"
clusters = ["prod_0"]

[[project]]
id = "5f8a0c1d2e3b4a5968778695"
name = "analytics"
credentials = "main"
stream_instances = ["shops", "shops"]
"#;

/// The beginning of what is said about each fault.
const FAULTS: [&str; 11] = [
    "3:15: archive.rotate_size: \"12 apples\" is not a size; allowed: ",
    "4:1: archive: unknown key \"rotate_evry\"; did you mean rotate_every?",
    "7:7: state.dir: found an integer; expected a string, for example ",
    "10:16: schedule.stream_audit: \"*/5 * * * *\" has five fields; seconds come first: try \"0 */5 * * * *\"",
    "13:25: collect.access_history_settle: \"soon\" is not a duration; allowed: ",
    "16:12: atlas.base_url: plain http would show credentials to the network; allowed: ",
    "20:22: credentials.main.client_secret_file: missing secret: there is no file ",
    "23:6: project.id: \"32b6e34b\" is not a project id; allowed: ",
    "25:15: project.credentials: unknown credentials \"mian\"; known: \"main\"",
    "26:13: project.clusters: \"prod_0\" is not a cluster name; allowed: ",
    "32:30: project: the source \"analytics/stream-audit/shops\" is there twice; the first is at line 32, column 21",
];

fn assert_untouched(stage: &Stage) {
    for folder in [stage.archive(), stage.state()] {
        assert!(fs::read_dir(&folder).unwrap().next().is_none(), "{} was touched", folder.display());
    }
    assert_eq!(stage.world.requests(), []);
}

#[test]
fn every_command_lists_all_faults_and_touches_nothing() {
    let stage = Stage::new();
    fs::write(stage.config_path(), FAULTY).unwrap();
    let skip = "skip payments/stream-audit/orders --from 2026-01-01 --to 2026-01-02 --reason gone";
    for command in ["check", "check --online", "collect", "run", "status", "status --json", skip] {
        let outcome = stage.command(command.split(' ')).assert_code(78);
        assert_eq!(outcome.stdout, "", "{command}");
        let file = format!("{}:", stage.config_path().display());
        let said: Vec<&str> = outcome.stderr.lines().filter_map(|line| line.strip_prefix(&file)).collect();
        // What only reads needs no secret.
        let needs_secrets = !command.starts_with("status");
        let faults = FAULTS.into_iter().filter(|fault| needs_secrets || !fault.contains("missing secret"));
        let faults: Vec<&str> = faults.collect();
        for (said, expected) in said.iter().zip(&faults) {
            assert!(said.starts_with(expected), "{command}: not {expected:?} but {said:?}");
        }
        assert_eq!(said.len(), faults.len(), "{command}:\n{}", outcome.stderr);
    }
    assert_untouched(&stage);
}

#[test]
fn a_file_that_is_not_toml_or_not_there_is_named() {
    let stage = Stage::new();
    fs::write(stage.config_path(), "[archive\ndir = 1\n").unwrap();
    let outcome = stage.command(["collect"]).assert_code(78);
    assert!(outcome.stderr.starts_with(&format!("{}:1:9: ", stage.config_path().display())), "{}", outcome.stderr);
    fs::remove_file(stage.config_path()).unwrap();
    let outcome = stage.command(["collect"]).assert_code(78);
    assert!(outcome.stderr.contains(&stage.config_path().display().to_string()), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("No such file or directory"), "{}", outcome.stderr);
    assert_untouched(&stage);
}

#[test]
fn a_command_line_that_cannot_be_understood_exits_with_2() {
    let stage = Stage::new();
    let orders = "payments/stream-audit/orders";
    let skip = |rest: &str| format!("skip {orders} {rest}");
    for (command, said) in [
        ("colect".to_owned(), "unrecognized subcommand 'colect'"),
        ("collect --form 2026-01-01".to_owned(), "unexpected argument '--form' found"),
        ("collect --from 2026-01-01".to_owned(), "--to <INSTANT>"),
        ("collect --from yesterday --to 2026-01-01".to_owned(), "not an instant; write it as 2026-11-22T10:15:00Z"),
        (
            "collect --from 2026-01-02 --to 2026-01-01".to_owned(),
            "--from 2026-01-02T00:00:00Z is not before --to 2026-01-01T00:00:00Z",
        ),
        ("collect payments".to_owned(), "there is no source \"payments\""),
        (skip("--from 2026-01-01 --to 2026-01-02"), "--reason <REASON>"),
        (
            skip("--from 2026-01-02 --to 2026-01-01 --reason x"),
            "--from 2026-01-02T00:00:00Z is not before --to 2026-01-01T00:00:00Z",
        ),
        (skip("--from 2026-01-01 --to 2099-01-01 --reason x"), "--to 2099-01-01T00:00:00Z lies in the future"),
        ("status --max-lag 5".to_owned(), "5"),
        ("--log-format xml run".to_owned(), "xml"),
    ] {
        stage.command(command.split(' ')).assert_code(2).assert_says(said);
    }
    let empty = ["skip", orders, "--from", "2026-01-01", "--to", "2026-01-02", "--reason", " "];
    stage.command(empty).assert_code(2).assert_says("--reason is empty; an auditor will want to know why");
    assert_untouched(&stage);
}

#[test]
fn skip_before_anything_was_polled_is_refused() {
    let stage = Stage::new();
    let skip = "skip payments/stream-audit/orders --from 2026-01-01 --to 2026-01-02 --reason gone";
    let said = "payments/stream-audit/orders was never polled, so that there is nothing to skip; poll it first";
    stage.command(skip.split(' ')).assert_code(1).assert_says(said);
    assert!(stage.gaps(&crate::harness::orders()).is_empty());
}
