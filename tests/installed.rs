//! What is installed with the program is true: its manual, completions and help, the Debian package, the examples for containers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use saphyr::{LoadableYamlNode as _, Yaml};

const PROGRAM: &str = env!("CARGO_BIN_EXE_atlas-logd");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const MANIFEST: &str = include_str!("../Cargo.toml");
const DOCKERFILE: &str = include_str!("../Dockerfile");
const UNIT: &str = include_str!("../systemd/atlas-logd.service");
const CHANGELOG: &str = include_str!("../packaging/debian/changelog");
const SKELETON: &str = include_str!("../packaging/debian/config.toml");
const COMPOSE: &str = include_str!("../config/compose.yaml");
const KUBERNETES: &str = include_str!("../config/kubernetes.yaml");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// What the program prints for these arguments.
fn output(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of the list of commands in the short help.
fn listed() -> Vec<String> {
    let help = output(&["-h"]);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// The names of all commands.
fn commands() -> BTreeSet<String> {
    let names = listed().into_iter().map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

/// The options in a help text.
fn options(help: &str) -> BTreeSet<&str> {
    let words = help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(',')).collect()
}

#[test]
fn every_command_has_a_line_in_the_list_and_a_help_that_teaches() {
    for line in listed() {
        assert!(line.starts_with("  ") && !line.starts_with("   "), "not one line: {line}");
    }
    for command in commands() {
        let help = output(&[&command, "--help"]);
        let (_, taught) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{command}: no examples"));
        let (examples, exits) = taught.split_once("\nExit codes:\n").unwrap();
        assert!(exits.starts_with("  0  ") && exits.contains("\n  1  ") && exits.contains("\n  2  "), "{command}");
        // The examples can be run: what they name is there.
        for line in examples.lines().filter(|line| !line.starts_with("   ")) {
            let options_of_program = options(&help);
            for word in line.split_whitespace().filter(|word| word.starts_with("--") && line.contains("atlas-logd")) {
                let of_others = ["--rm", "--read-only", "--tmpfs", "--now"].contains(&word);
                assert!(of_others || options_of_program.contains(word), "{command}: {word} in {line}");
            }
        }
        assert!(output(&[&command, "-h"]).lines().next().unwrap().len() <= 100, "{command}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command_with_all_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    output(&["man", "--out", pages.to_str().unwrap()]);
    let there: BTreeSet<String> =
        fs::read_dir(&pages).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let expected =
        commands().iter().map(|command| format!("atlas-logd-{command}.1")).chain(["atlas-logd.1".to_owned()]).collect();
    assert_eq!(there, expected);
    let read = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    for name in &there {
        let page = read(name);
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\"", "\"SEE ALSO\""] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{name}: {section}");
        }
        assert!(page.lines().all(|line| !line.is_empty()), "{name}: an empty line");
    }
    for command in commands() {
        let page = read(&format!("atlas-logd-{command}.1")).replace("\\-", "-");
        for option in options(&output(&[&command, "--help"])) {
            assert!(page.contains(&format!("\\fB{option}\\fR")), "{command}: {option}");
        }
        assert_eq!(output(&["man", &command]).replace("\\-", "-"), page, "{command}");
    }
    let program = output(&["man"]);
    assert_eq!(program, read("atlas-logd.1"));
    for command in commands() {
        assert!(program.contains(&format!("\natlas\\-logd\\-{command}(1)\n")), "{command}");
    }
    for section in ["FILES", "ENVIRONMENT", "SIGNALS"] {
        assert!(program.contains(&format!("\n.SH {section}\n")), "{section}");
    }
    let released = CHANGELOG.lines().find_map(|line| line.strip_prefix(" -- ")).unwrap();
    let title = program.lines().find(|line| line.starts_with(".TH")).unwrap();
    let date = title.split_whitespace().nth(3).unwrap();
    let days = jiff::fmt::rfc2822::parse(released.split_once("  ").unwrap().1).unwrap().date().to_string();
    assert_eq!(date, days, "the manual and the changelog have different dates");
}

#[test]
fn a_page_of_no_command_is_answered_with_the_one_that_was_meant() {
    let refused = run(&["man", "colect"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("did you mean collect?"));
}

/// What bash completes the last word of each of these lines to.
fn completed(config: &str, lines: &[&str]) -> Vec<Vec<String>> {
    const ASK: &str = r#"
source <("$PROGRAM" completions bash)
function=$(complete -p atlas-logd); function=${function#*-F }; function=${function%% *}
while IFS= read -r COMP_LINE; do
    read -ra COMP_WORDS <<< "$COMP_LINE"
    [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE} COMPREPLY=()
    "$function" "$PROGRAM" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\t' "${COMPREPLY[@]}"; echo
done
"#;
    let lines = lines.iter().map(|line| format!("{PROGRAM} {}\n", line.replace("CONFIG", config))).collect::<String>();
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("lines");
    fs::write(&input, lines).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", ASK]).env("PROGRAM", PROGRAM).stdin(Stdio::from(fs::File::open(input).unwrap()));
    let answered = String::from_utf8(bash.output().unwrap().stdout).unwrap();
    let words = |line: &str| line.split('\t').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    answered.lines().map(words).collect()
}

#[test]
fn bash_completes_commands_options_values_and_the_sources_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    // Completing needs no secret.
    let text = "[credentials.main]\nclient_id = \"mdb_sa_id_1\"\nclient_secret_file = \"nowhere\"\n[[project]]\n\
                id = \"32b6e34b3d91647abb20e7b8\"\nname = \"pay & co\"\ncredentials = \"main\"\nclusters = [\"prod-0\", \"prod-1\"]\n";
    fs::write(&config, text).unwrap();
    let sources = ["pay\\ \\&\\ co/access-history/prod-0", "pay\\ \\&\\ co/access-history/prod-1"];
    let cases: [(&str, &[&str]); 8] = [
        ("reb", &["rebuild"]),
        ("verify --al", &["--allowed-signers"]),
        ("--log-format ", &["text", "json"]),
        ("--config CONFIG collect pay", &sources),
        ("--config CONFIG collect --from 2026-11-20 ", &sources),
        ("skip --config CONFIG --reason x ", &sources),
        ("--config CONFIG status --j", &["--json"]),
        ("--config CONFIG collect x", &[]),
    ];
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    let completed = completed(config.to_str().unwrap(), &lines);
    assert_eq!(completed.len(), cases.len());
    for ((line, expected), words) in cases.iter().zip(completed) {
        assert_eq!(words, *expected, "{line}");
    }
}

#[test]
fn fish_and_zsh_are_told_of_every_command_and_ask_for_sources() {
    for (shell, asks) in [("fish", "(__fish_atlas_logd_sources)"), ("zsh", ":_atlas_logd_sources'")] {
        let script = output(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        assert!(script.contains(asks), "{shell}");
    }
    assert!(output(&["completions", "zsh"]).starts_with("#compdef atlas-logd\n"));
}

fn package() -> toml::Table {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    manifest["package"]["metadata"]["deb"].as_table().unwrap().clone()
}

fn has_mode(path: &Path, mode: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().unwrap().permissions().mode() & 0o777 & mode == mode
}

#[test]
fn the_package_holds_what_is_there() {
    let package = package();
    let assets: Vec<[&str; 3]> = package["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| {
            let parts = asset.as_array().unwrap();
            [0, 1, 2].map(|part| parts[part].as_str().unwrap())
        })
        .collect();
    for [source, ..] in &assets {
        // What the build makes.
        if source.starts_with("target/release/") {
            continue;
        }
        let (folder, name) = source.rsplit_once('/').unwrap_or(("", source));
        let ending = name.trim_start_matches('*');
        let mut files = fs::read_dir(Path::new(ROOT).join(folder)).unwrap().map(|file| file.unwrap().file_name());
        assert!(files.any(|file| file.to_str().unwrap().ends_with(ending)), "{source}");
    }
    let installed = |path: &str| {
        assets.iter().any(|[source, target, _]| match target.strip_suffix('/') {
            Some(folder) => format!("{folder}/{}", source.rsplit('/').next().unwrap()) == path,
            None => *target == path,
        })
    };
    let program = UNIT.lines().find_map(|line| line.strip_prefix("ExecStart=/")).unwrap().split(' ').next().unwrap();
    assert!(installed(program), "the unit starts {program}, which the package does not hold");
    for file in package["conf-files"].as_array().unwrap() {
        assert!(installed(file.as_str().unwrap().trim_start_matches('/')), "{file}");
    }
    let units = package["systemd-units"].as_table().unwrap();
    for file in ["atlas-logd.service", "atlas-logd.sysusers"] {
        assert!(Path::new(ROOT).join(units["unit-scripts"].as_str().unwrap()).join(file).is_file(), "{file}");
    }
    // A daemon that is not configured yet is not started.
    assert_eq!((units["enable"].as_bool(), units["start"].as_bool()), (Some(false), Some(false)));
    let version = format!("{}-{}", env!("CARGO_PKG_VERSION"), package["revision"].as_str().unwrap());
    assert!(
        CHANGELOG.starts_with(&format!("atlas-logd ({version}) ")),
        "the changelog begins with another version than {version}"
    );
    assert!(has_mode(&Path::new(ROOT).join("packaging/build-deb"), 0o111));
    assert!(has_mode(&Path::new(ROOT).join("tests/debian/run"), 0o111));
    assert!(has_mode(&Path::new(ROOT).join("tests/container/run"), 0o111));
}

#[test]
fn no_script_of_the_package_can_remove_a_folder() {
    let scripts = PathBuf::from(ROOT).join(package()["maintainer-scripts"].as_str().unwrap());
    for name in ["postinst", "postrm"] {
        let script = fs::read_to_string(scripts.join(name)).unwrap();
        assert!(script.contains("\n#DEBHELPER#\n"), "{name}");
        let removals: Vec<&str> = script.lines().map(str::trim).filter(|line| line.contains("rm ")).collect();
        assert!(removals.iter().all(|line| *line == "rm -f \"$config/atlas-client-secret\""), "{name}: {removals:?}");
        let parsed = Command::new("sh").arg("-n").arg(scripts.join(name)).status().unwrap();
        assert!(parsed.success(), "{name}");
    }
}

/// Whether the program finds this configuration valid, and what it says.
fn check(config: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, config).unwrap();
    fs::write(folder.path().join("atlas-client-secret"), "secret\n").unwrap();
    let output = run(&["--config", file.to_str().unwrap(), "check"]);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (said.contains("config.toml: valid, 1 project, 2 sources\n"), said)
}

#[test]
fn the_configuration_of_the_package_is_refused_until_it_is_filled_in() {
    let refused = run(&["--config", Path::new(ROOT).join("packaging/debian/config.toml").to_str().unwrap(), "check"]);
    assert_eq!(refused.status.code(), Some(78));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("add a table [[project]]"), "{said}");
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') => key.to_owned(),
        _ => line.to_owned(),
    };
    let filled: Vec<String> = SKELETON.lines().map(uncommented).collect();
    let filled = filled.join("\n").replace("id = \"…\"", "id = \"32b6e34b3d91647abb20e7b8\"").replace('…', "1");
    let (valid, said) = check(&filled);
    assert!(valid, "{said}\n{filled}");
}

/// The value of an instruction of the image.
fn instruction(name: &str) -> String {
    let (_, image) = DOCKERFILE.split_once("\nFROM scratch\n").unwrap();
    let joined = image.replace("\\\n", " ");
    let line = joined.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The value of a key of the unit.
fn unit(key: &str) -> &'static str {
    UNIT.lines().find_map(|line| line.strip_prefix(&format!("{key}="))).unwrap()
}

fn strings(yaml: &Yaml<'_>) -> Vec<String> {
    yaml.as_sequence().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_example_for_compose_fits_the_image() {
    let documents = Yaml::load_from_str(COMPOSE).unwrap();
    let service = &documents[0]["services"]["atlas-logd"];
    assert_eq!(service["user"].as_str().unwrap(), instruction("USER"));
    assert_eq!(service["read_only"].as_bool(), Some(true));
    assert_eq!(service["stop_grace_period"].as_str().unwrap(), unit("TimeoutStopSec"));
    let health = instruction("HEALTHCHECK");
    let test = strings(&service["healthcheck"]["test"]);
    let command: Vec<String> = serde_json::from_str(health.split_once("CMD ").unwrap().1).unwrap();
    assert_eq!((test[0].as_str(), &test[1..]), ("CMD", &command[..]));
    let mounts: Vec<String> =
        strings(&service["volumes"]).iter().map(|mount| mount.split(':').nth(1).unwrap().to_owned()).collect();
    let volumes: Vec<String> = serde_json::from_str(&instruction("VOLUME")).unwrap();
    assert!(volumes.iter().all(|volume| mounts.contains(volume)), "{mounts:?}");
    assert!(mounts.contains(&"/etc/atlas-logd".to_owned()));
    assert!(instruction("ENV").split(" ").any(|set| set == "CREDENTIALS_DIRECTORY=/run/secrets"));
}

#[test]
fn the_example_for_kubernetes_fits_the_image() {
    let documents = Yaml::load_from_str(KUBERNETES).unwrap();
    let of_kind = |kind: &str| documents.iter().find(|document| document["kind"].as_str() == Some(kind)).unwrap();
    let pod = &of_kind("StatefulSet")["spec"]["template"]["spec"];
    let user = format!(
        "{}:{}",
        pod["securityContext"]["runAsUser"].as_integer().unwrap(),
        pod["securityContext"]["runAsGroup"].as_integer().unwrap()
    );
    assert_eq!(user, instruction("USER"));
    let grace = pod["terminationGracePeriodSeconds"].as_integer().unwrap();
    assert_eq!(format!("{grace}s"), unit("TimeoutStopSec"));
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"].as_bool(), Some(true));
    let mounts: Vec<&str> = container["volumeMounts"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    let volumes: Vec<String> = serde_json::from_str(&instruction("VOLUME")).unwrap();
    for path in volumes.iter().map(String::as_str).chain(["/etc/atlas-logd", "/run/secrets"]) {
        assert!(mounts.contains(&path), "{path}");
    }
    let config = of_kind("ConfigMap")["data"]["config.toml"].as_str().unwrap();
    let (valid, said) = check(config);
    assert!(valid, "{said}");
    let port = container["ports"][0]["containerPort"].as_integer().unwrap();
    assert!(config.contains(&format!("listen = \"0.0.0.0:{port}\"")));
    assert_eq!(of_kind("Service")["spec"]["ports"][0]["port"].as_integer(), Some(port));
}

#[test]
fn the_image_can_be_built_without_the_tests() {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    // Cargo refuses a manifest that names a test that is not there.
    for test in manifest["test"].as_array().unwrap() {
        let name = test["name"].as_str().unwrap();
        assert!(
            DOCKERFILE.contains(&format!("tests/{name}/main.rs")),
            "the image's dependency layer lacks the test {name}"
        );
    }
}
