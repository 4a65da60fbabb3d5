//! What surrounds the code is true: README, unit, image and the checks of a fresh clone say what the program does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use atlas_logd::config::{Config, Credential, parse, parse_duration};
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

const README: &str = include_str!("../README.md");
const UNIT: &str = include_str!("../systemd/atlas-logd.service");
const DOCKERFILE: &str = include_str!("../Dockerfile");
const CHECKS: &str = include_str!("../.ci/run");
const MANIFEST: &str = include_str!("../Cargo.toml");

const PROGRAM: &str = env!("CARGO_BIN_EXE_atlas-logd");

/// What the program prints for these arguments.
fn output(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The code blocks of the README in this language.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside: Option<(&str, String)> = None;
    for line in README.lines() {
        match (line.strip_prefix("```"), &mut inside) {
            (Some(_), Some(_)) => blocks.extend(inside.take()),
            (Some(fence), None) => inside = Some((fence, String::new())),
            (None, Some((_, block))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks.into_iter().filter(|(fence, _)| *fence == language).map(|(_, block)| block).collect()
}

/// The pieces of code within the README's sentences and tables.
fn spans() -> Vec<&'static str> {
    let lines = README.lines().filter(|line| !line.starts_with("```"));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// `text` as a configuration, with its secrets where the README puts them.
fn loaded(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    for name in ["atlas-client-secret", "atlas-private-key"] {
        fs::write(folder.path().join(name), "secret\n").unwrap();
    }
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
    fs::write(folder.path().join("signing-key"), key.to_openssh(LineEnding::LF).unwrap()).unwrap();
    let environment = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| OsString::from(folder.path()));
    parse(text, Path::new("/etc/atlas-logd/config.toml"), &environment).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_example_configurations_are_valid() {
    let [example, key, evidence, discovery, http] = <[String; 5]>::try_from(blocks("toml")).unwrap();
    let config = loaded(&example);
    let sources: Vec<String> =
        config.projects.iter().flat_map(|project| project.sources()).map(|source| source.to_string()).collect();
    assert!(sources.iter().any(|source| source == "payments/access-history/prod-0"), "{sources:?}");
    let config = loaded(&format!("{key}\n{}", example.replace("credentials = \"main\"", "credentials = \"legacy\"")));
    assert_eq!(config.projects[0].credentials, "legacy");
    assert!(matches!(config.credentials["legacy"], Credential::ApiKey { .. }));
    assert!(loaded(&format!("{evidence}\n{example}")).evidence.signing_key.is_some());
    let discovery = loaded(&format!("{}\n{discovery}", example.split("[[project]]").next().unwrap()));
    assert!(discovery.asks() && discovery.projects.len() == 1, "{discovery:?}");
    assert!(loaded(&format!("{http}\n{example}")).http.listen.is_some());
}

#[test]
fn the_reference_configuration_is_named() {
    assert!(README.contains("](config/atlas-logd.toml)"));
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/atlas-logd.toml").is_file());
}

/// The commands that `--help` lists.
fn commands() -> BTreeSet<String> {
    let help = output(&["--help"]);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What goes on with a description is indented further.
    let names = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The calls of the program in a line of code: command and options.
fn calls(line: &str) -> Vec<(String, Vec<String>)> {
    let code = line.split(" #").next().unwrap_or_default();
    let words: Vec<&str> = code.split_whitespace().collect();
    let mut calls = Vec::new();
    for (position, word) in words.iter().enumerate() {
        let called = *word == "atlas-logd" || word.ends_with("/atlas-logd") || *word == "--";
        if !called {
            continue;
        }
        let mut rest = words[position + 1..].iter();
        let mut command = rest.next().copied().unwrap_or_default();
        if command == "--config" {
            command = rest.nth(1).copied().unwrap_or_default();
        }
        if !command.is_empty() && command.bytes().all(|byte| byte.is_ascii_lowercase()) {
            let options = rest.filter(|word| word.starts_with("--")).map(|word| (*word).to_owned());
            calls.push((command.to_owned(), options.collect()));
        }
    }
    calls
}

#[test]
fn the_commands_of_the_readme_exist_and_all_commands_are_in_it() {
    let known = commands();
    let lines = blocks("sh").iter().flat_map(|block| block.lines().map(str::to_owned)).collect::<Vec<_>>();
    let called: Vec<_> = lines.iter().map(String::as_str).chain(spans()).flat_map(calls).collect();
    let mut help = BTreeMap::new();
    for (command, options) in &called {
        assert!(known.contains(command), "the README names the command {command:?}, which does not exist");
        let help = help.entry(command.clone()).or_insert_with(|| output(&[command, "--help"]));
        for option in options {
            assert!(
                help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")),
                "{command} {option}"
            );
        }
    }
    let named: BTreeSet<&str> = called.iter().map(|(command, _)| command.as_str()).collect();
    for command in known.iter().filter(|command| !["help", "run"].contains(&command.as_str())) {
        assert!(named.contains(command.as_str()), "the README does not name the command {command:?}");
    }
    assert!(UNIT.contains("\nExecStart=/usr/bin/atlas-logd run\n"));
}

#[test]
fn the_credentials_of_the_simulated_atlas_are_those_in_the_readme() {
    let mut simulate =
        Command::new(PROGRAM).args(["simulate", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(simulate.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_credential = |line: &str| ["ID=", "SECRET=", "KEY="].iter().any(|name| line.starts_with(name));
    let credentials: Vec<String> =
        lines.map(|line| line.trim().to_owned()).filter(|line| is_credential(line)).take(3).collect();
    simulate.kill().unwrap();
    simulate.wait().unwrap();
    assert_eq!(credentials.len(), 3);
    for credential in credentials {
        assert!(README.lines().any(|line| line == credential), "{credential}");
    }
}

#[test]
fn the_checks_run_the_commands_of_the_readme() {
    // The tests have built what `cargo run` would build once more.
    let demo = r#""${CARGO_TARGET_DIR:-target}/debug/atlas-logd" demo"#;
    for (command, check) in [("cargo test", "cargo test"), ("cargo run -- demo", demo)] {
        assert!(blocks("sh").iter().any(|block| block.lines().any(|line| line == command)), "README: {command}");
        assert!(CHECKS.lines().any(|line| line == check), ".ci/run: {check}");
    }
    for command in ["cargo fmt --check", "cargo clippy --all-targets --locked -- -D warnings"] {
        assert!(CHECKS.lines().any(|line| line == command), ".ci/run: {command}");
    }
    let mode = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, ".ci/run can be executed");
}

/// The values of a key of the unit, in order.
fn unit(key: &str) -> Vec<&'static str> {
    UNIT.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn the_unit_is_confined_and_told_how_the_daemon_is() {
    for (key, value) in [
        ("Type", "notify"),
        ("ExecReload", "/bin/sh -c 'kill -HUP $MAINPID'"),
        ("User", "atlas-logd"),
        ("StateDirectory", "atlas-logd"),
        ("StateDirectoryMode", "0750"),
        ("LogsDirectory", "atlas-logd"),
        ("LogsDirectoryMode", "0750"),
        ("LoadCredential", "atlas-client-secret:/etc/atlas-logd/atlas-client-secret"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "2 78"),
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("ProtectProc", "invisible"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("RestrictNamespaces", "yes"),
        ("SystemCallArchitectures", "native"),
    ] {
        assert_eq!(unit(key), [value], "{key}");
    }
    assert_eq!(unit("SystemCallFilter"), ["@system-service", "~@privileged @resources"]);
    assert_eq!(unit("WatchdogSec"), ["2min"], "several times as long as it takes to feed it");
    let duration = |key: &str| parse_duration(unit(key)[0]).unwrap();
    assert!(duration("RestartSec") >= Duration::from_secs(10));
    let example = &blocks("toml")[0];
    let grace = loaded(example).collect.grace;
    // The last writes and the revocation of the token come after it.
    assert!(duration("TimeoutStopSec") > grace + Duration::from_secs(15));
}

#[test]
fn the_units_folders_are_the_defaults() {
    let config = loaded(&blocks("toml")[0]);
    assert_eq!(config.archive.dir, Path::new("/var/log").join(unit("LogsDirectory")[0]));
    assert_eq!(config.state_dir, Path::new("/var/lib").join(unit("StateDirectory")[0]));
}

#[test]
fn the_image_runs_as_nobody_special_and_can_tell_whom_it_talks_to() {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    let rust = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(DOCKERFILE.contains(&format!("FROM rust:{rust}-slim-bookworm AS build\n")));
    let (_, image) = DOCKERFILE.split_once("\nFROM scratch\n").unwrap();
    for line in [
        "USER 10001:10001",
        "STOPSIGNAL SIGTERM",
        "ENTRYPOINT [\"/usr/local/bin/atlas-logd\"]",
        "CMD [\"run\"]",
        "VOLUME [\"/var/lib/atlas-logd\", \"/var/log/atlas-logd\"]",
    ] {
        assert!(image.lines().any(|in_image| in_image == line), "{line}");
    }
    assert!(DOCKERFILE.contains("/etc/ssl/certs/ca-certificates.crt"));
    assert!(DOCKERFILE.matches("cargo build --release --locked").count() == 2);
}
