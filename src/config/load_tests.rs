//! What whole configurations become.

use std::{fs, path::PathBuf, time::Duration};

use proptest::prelude::*;

use super::{
    example::{FILE, MINIMAL, error, parsed},
    *,
};
use crate::source::{AuthResult, Filter};

#[test]
fn a_minimal_configuration_has_the_defaults() {
    let config = parsed(MINIMAL).unwrap();
    assert_eq!(config.file, PathBuf::from(FILE));
    assert_eq!(config.archive, Archive::default());
    assert_eq!(config.state_dir, PathBuf::from("/var/lib/atlas-logd"));
    assert_eq!(config.collect, Collect::default());
    assert_eq!(config.evidence, Evidence::default());
    assert_eq!(config.atlas, Atlas::default());
    assert_eq!(config.projects[0].schedule, Schedule::default());
    let sources: Vec<String> = config.projects[0].sources().map(|source| source.to_string()).collect();
    assert_eq!(
        sources,
        ["payments/stream-audit/orders", "payments/access-history/prod-0", "payments/access-history/prod-1"]
    );
}

#[test]
fn every_value_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "x").unwrap();
    fs::write(folder.path().join("ca.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    fs::write(folder.path().join("key"), signing_key()).unwrap();
    let text = r#"
        [archive]
        dir = "archive"
        rotate_size = "1GB"
        rotate_every = "hour"
        compress = "zstd"
        keep = "8d"
        min_free = "5GiB"
        file_mode = "0600"
        dir_mode = "0700"
        [state]
        dir = "state"
        [schedule]
        access_history = "5 * * * * *"
        reconcile = "9 * * * * *"
        discover = "7 * * * * *"
        [collect]
        start = "36h"
        stream_audit_settle = "0s"
        access_history_settle = "24h"
        polls_at_once = 3
        grace = "1m 30s"
        answer_limit = "1MiB"
        reconcile_range = "1h"
        stuck_after = "20m"
        [evidence]
        signing_key = "key"
        [http]
        listen = "[::1]:9187"
        [signals]
        behind = "2h"
        credential = "30d"
        [atlas]
        base_url = "http://127.0.0.1:8080/"
        ca_file = "ca.pem"
        connect_timeout = "1s"
        stall_timeout = "2s"
        retry_budget = "3s"
        [credentials.legacy]
        public_key = "abcdefgh"
        private_key_file = "secret"
        [[project]]
        id = "32b6e34b3d91647abb20e7b8"
        name = "payments"
        credentials = "legacy"
        clusters = ["prod-0"]
        schedule = { stream_audit = "7 * * * * *", reconcile = "off" }
        access_history_filter = { auth_result = "failure", ip_address = "203.0.113.9" }
    "#;
    let path = folder.path().join("config.toml");
    fs::write(&path, text).unwrap();
    let config = load(&path).unwrap();
    let schedule = Schedule {
        stream_audit: "7 * * * * *".to_owned(),
        access_history: "5 * * * * *".to_owned(),
        reconcile: None,
        discover: Some("7 * * * * *".to_owned()),
    };
    let filter = Filter { auth_result: AuthResult::Failure, ip_address: Some("203.0.113.9".parse().unwrap()) };
    let expected = Config {
        file: path,
        archive: Archive {
            dir: folder.path().join("archive"),
            rotate_size: 1_000_000_000,
            rotate_every: RotateEvery::Hour,
            compress: Compress::Zstd,
            keep: Some(Duration::from_secs(8 * 86_400)),
            min_free: Some(5 << 30),
            file_mode: 0o600,
            dir_mode: 0o700,
        },
        state_dir: folder.path().join("state"),
        schedule: Schedule {
            stream_audit: Schedule::default().stream_audit,
            reconcile: Some("9 * * * * *".to_owned()),
            ..schedule.clone()
        },
        collect: Collect {
            start: Start::Ago(Duration::from_secs(36 * 3600)),
            stream_audit_settle: Duration::ZERO,
            access_history_settle: Duration::from_secs(86_400),
            polls_at_once: 3,
            grace: Duration::from_secs(90),
            answer_limit: 1 << 20,
            reconcile_range: Duration::from_secs(3600),
            stuck_after: Duration::from_secs(20 * 60),
        },
        evidence: Evidence { signing_key: Some(folder.path().join("key")) },
        http: Http { listen: Some("[::1]:9187".parse().unwrap()) },
        signals: Signals { behind: Duration::from_secs(2 * 3600), credential: Duration::from_secs(30 * 86_400) },
        atlas: Atlas {
            base_url: "http://127.0.0.1:8080".to_owned(),
            ca_file: Some(folder.path().join("ca.pem")),
            connect_timeout: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(2),
            retry_budget: Duration::from_secs(3),
        },
        credentials: [(
            "legacy".to_owned(),
            Credential::ApiKey {
                public_key: "abcdefgh".to_owned(),
                private_key: Secret::File(folder.path().join("secret")),
            },
        )]
        .into(),
        tables: vec![ProjectTable {
            which: Which::One { id: "32b6e34b3d91647abb20e7b8".to_owned(), name: "payments".to_owned() },
            credentials: "legacy".to_owned(),
            schedule: schedule.clone(),
            stream_instances: Selection::default(),
            clusters: Selection { names: vec!["prod-0".to_owned()], listed: None },
            access_history_filter: filter,
        }],
        projects: vec![Project {
            id: "32b6e34b3d91647abb20e7b8".to_owned(),
            name: "payments".to_owned(),
            credentials: "legacy".to_owned(),
            schedule,
            stream_instances: Vec::new(),
            clusters: vec!["prod-0".to_owned()],
            access_history_filter: filter,
        }],
    };
    assert_eq!(config, expected);
}

/// A private key as ssh-keygen makes it; what it is worth does not matter.
fn signing_key() -> String {
    let key = ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]);
    ssh_key::PrivateKey::from(key).to_openssh(ssh_key::LineEnding::LF).unwrap().to_string()
}

#[test]
fn a_signing_key_that_cannot_sign_is_a_fault_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let with_key = format!("{MINIMAL}[evidence]\nsigning_key = \"{}\"\n", path.display());
    fs::write(&path, "hunter2").unwrap();
    let error = error(&with_key);
    let shown = path.display();
    assert!(error.starts_with(&format!("F:13:15: evidence.signing_key: {shown} is no OpenSSH private key")), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    fs::write(&path, " \n").unwrap();
    let empty = self::error(&with_key);
    assert!(
        empty.starts_with(&format!("F:13:15: evidence.signing_key: {shown} is empty, where the signing key")),
        "{empty}"
    );
    let public = ssh_key::PrivateKey::from_openssh(signing_key()).unwrap().public_key().to_openssh().unwrap();
    fs::write(&path, public + "\n").unwrap();
    let public = self::error(&with_key);
    assert!(
        public.starts_with(&format!("F:13:15: evidence.signing_key: {shown} holds a public key; name")),
        "{public}"
    );
    fs::write(&path, signing_key()).unwrap();
    let config = parsed(&with_key).unwrap();
    assert_eq!(config.evidence.signing_key, Some(path));
    assert_eq!(parsed(MINIMAL).unwrap().needs_restart(&config), ["evidence.signing_key"]);
}

#[test]
fn the_same_project_may_be_archived_twice_with_different_filters() {
    let second = "[[project]]\nid = \"32b6e34b3d91647abb20e7b8\"\nname = \"payments-failures\"\ncredentials = \"main\"\n\
                  clusters = [\"prod-0\"]\naccess_history_filter = { auth_result = \"failure\" }\n";
    assert_eq!(parsed(&format!("{MINIMAL}{second}")).unwrap().projects.len(), 2);
}

#[test]
fn patterns_and_all_ask_a_list_and_names_do_not() {
    let with = |selection: &str| parsed(&MINIMAL.replace("[\"prod-0\", \"prod-1\"]", selection)).unwrap();
    let selected = |selection: &str| with(selection).tables[0].clusters.clone();
    assert!(!with("[\"prod-0\"]").asks());
    for (selection, names, meant, not) in [
        ("\"all\"", vec![], vec!["a", "prod-1"], vec![]),
        ("[\"all\"]", vec!["all"], vec![], vec!["a"]),
        ("[\"prod-*\", \"other\", \"!*-test\"]", vec!["other"], vec!["prod-0"], vec!["a", "prod-test"]),
        ("[\"!prod-test\", \"!tmp-?\"]", vec![], vec!["prod-0", "tmp-10"], vec!["prod-test", "tmp-1"]),
    ] {
        let Selection { names: found, listed } = selected(selection);
        assert_eq!(found, names, "{selection}");
        let is_meant = |name: &str| listed.as_ref().is_some_and(|listed| listed.match_name(name));
        meant.iter().for_each(|name| assert!(is_meant(name), "{selection}: {name}"));
        not.iter().for_each(|name| assert!(!is_meant(name), "{selection}: {name}"));
        assert_eq!(with(selection).asks(), listed.is_some());
    }
}

#[test]
fn a_table_that_discovers_means_all_of_each_project_unless_it_says_what() {
    let table = |lines: &str| {
        let head = MINIMAL.split("[[project]]").next().unwrap();
        parsed(&format!("{head}[[project]]\ndiscover = [\"a-*\", \"b\"]\ncredentials = \"main\"\n{lines}")).unwrap()
    };
    let config = table("");
    assert!(config.projects.is_empty() && config.asks());
    let Which::Discovered(patterns) = &config.tables[0].which else { panic!("{config:?}") };
    assert!(patterns.match_name("a-1") && patterns.match_name("b") && !patterns.match_name("c"));
    assert_eq!(config.tables[0].clusters.listed, Some(Patterns::all()));
    let some = &table("clusters = [\"prod-0\"]\nstream_instances = []\n").tables[0];
    assert_eq!(some.stream_instances, Selection::default());
    assert!(some.clusters.names.is_empty(), "it is collected in the projects that have it");
    assert!(some.clusters.listed.as_ref().unwrap().match_name("prod-0"));
}

#[test]
fn what_is_not_toml_is_listed_with_positions() {
    let found = error("[archive]\ndir = \"a\ndir = 'b'\n[state]\ndir = \n");
    assert!(found.starts_with("F:2:9: not TOML: invalid basic string, expected `\"`\n"), "{found}");
    let duplicate = error("[archive]\ndir = \"a\"\ndir = \"b\"\n");
    assert_eq!(duplicate, "F:3:1: not TOML: duplicate key");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let shown = path.display().to_string();
    let message = |path: &std::path::Path| load(path).unwrap_err().to_string();
    let missing =
        format!("{shown}: cannot be read: No such file or directory (os error 2); name the configuration with ");
    let said = message(&path);
    assert!(
        said.starts_with(&missing) && said.contains("/usr/share/doc/atlas-logd/examples/atlas-logd.toml"),
        "{said}"
    );
    let named = message(folder.path());
    assert!(
        named.ends_with("cannot be read: Is a directory (os error 21); name the file itself: --config FILE"),
        "{named}"
    );
    fs::write(&path, b"a = 1\nb = '\xff'\n").unwrap();
    assert_eq!(message(&path), format!("{shown}:2:6: not UTF-8 text; save the file as UTF-8"));
    fs::write(&path, vec![b'#'; (4 << 20) + 1]).unwrap();
    assert_eq!(message(&path), format!("{shown}: larger than 4 MiB; that is no configuration"));
}

#[test]
fn folders_their_modes_and_the_key_need_a_restart_and_nothing_else() {
    let old = parsed(MINIMAL).unwrap();
    let new = parsed(&format!("{MINIMAL}[archive]\nrotate_size = \"1MiB\"\n[collect]\ngrace = \"1s\"\n")).unwrap();
    assert_ne!(old, new);
    assert!(old.needs_restart(&new).is_empty());
    let new =
        parsed(&format!("{MINIMAL}[archive]\ndir = \"/a\"\nfile_mode = \"0600\"\n[state]\ndir = \"/s\"\n")).unwrap();
    assert_eq!(old.needs_restart(&new), ["archive.dir", "archive.file_mode", "state.dir"]);
}

proptest! {
    /// Any piece of a configuration cut out and any text put there: an answer, not a panic.
    #[test]
    fn no_text_makes_it_panic(
        from in 0..MINIMAL.len(),
        length in 0..60_usize,
        put in "[a-z=\\[\\]{}.,\"'#\n 0-9é-]{0,12}|\\[\\[?(project|credentials|credentials\\.main)(\\.schedule)?\\]\\]?\n",
    ) {
        let to = (from + length).min(MINIMAL.len());
        let text = format!("{}{put}{}", &MINIMAL[..from], &MINIMAL[to..]);
        let outcome = parsed(&text);
        if let Err(error) = outcome {
            prop_assert!(!error.to_string().is_empty());
            prop_assert!(error.faults().iter().all(|fault| fault.position.is_some()));
        }
    }
}
