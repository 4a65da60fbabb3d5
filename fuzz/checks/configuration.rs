//! The configuration.

use std::{
    collections::HashSet,
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use atlas_logd::config::{Config, ConfigError, load, parse};

/// There is no such folder, so that only absolute paths can name a file.
const FILE: &str = "/nowhere/atlas-logd/config.toml";

const VARIABLE: &str = "MAIN";
const SECRET: &str = "correct horse battery staple";

/// How Atlas marks a client secret, and how many characters behind that tell one from another.
const CLIENT_SECRET_PREFIX: &str = "mdb_sa_sk_";
const TELLING_CHARACTERS: usize = 8;

const UUID_LENGTH: usize = 36;

const LONGEST_ASKED_AGAIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// With all that stands around it. Nobody reads more about one fault.
const LONGEST_MESSAGE: usize = 2000;

/// Whatever stands in a configuration: either it can be used as it is, or each fault has a place within the file. Nothing
/// that is shown obeys a terminal or holds a secret, be it in the environment or written into the file.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return check_not_text(input) };
    let environment = |name: &str| (name == VARIABLE).then(|| OsString::from(SECRET));
    match parse(text, Path::new(FILE), &environment) {
        Ok(config) => check_config(&config, text),
        Err(error) => {
            check_error(&error, text);
            check_secrets(&error, text);
        }
    }
}

/// The text is that of the file only if it is text.
fn check_not_text(input: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
    file.write_all(input).expect("a file can be written");
    let error = load(file.path()).expect_err("it is not even text");
    assert_eq!(error.faults().len(), 1);
    let position = error.faults()[0].position.expect("it has a place");
    let before = input.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let line = before.split('\n').next_back().unwrap_or_default();
    assert_eq!((position.line, position.column), (before.split('\n').count(), line.chars().count() + 1));
}

fn check_config(config: &Config, text: &str) {
    assert!(!format!("{config:?}").contains(SECRET) || text.contains(SECRET), "the secret is in debug output");
    assert_eq!(config.file, PathBuf::from(FILE));
    assert!(config.needs_restart(config).is_empty(), "it differs from itself");
    assert!(!config.tables.is_empty(), "there is nothing to archive");
    let mut names = HashSet::new();
    for table in &config.tables {
        assert!(config.credentials.contains_key(&table.credentials), "credentials that are not there");
    }
    for project in &config.projects {
        assert!(config.credentials.contains_key(&project.credentials), "credentials that are not there");
        for source in project.sources() {
            assert!(names.insert(source.to_string()), "{source} names two sources");
            assert!(!source.to_string().contains(char::is_control), "a terminal would obey the name of {source:?}");
        }
    }
    assert!(!names.is_empty() || config.asks(), "there is nothing to archive");
    assert!(config.archive.dir.is_absolute() && config.state_dir.is_absolute(), "a path that depends on the folder");
    assert!((1..=1024).contains(&config.collect.polls_at_once), "no poll could ever begin");
    assert!(config.archive.rotate_size > 0, "every window would begin a segment");
    let is_enough = |keep: Duration| keep > LONGEST_ASKED_AGAIN;
    assert!(config.archive.keep.is_none_or(is_enough), "what Atlas may be asked for again would be removed");
    assert!(config.collect.reconcile_range <= LONGEST_ASKED_AGAIN, "Atlas would be asked for what it holds no longer");
}

fn check_error(error: &ConfigError, text: &str) {
    assert!(!error.faults().is_empty(), "refused without a reason");
    assert!(error.faults().len() <= 100, "a list without end");
    assert!(error.faults().is_sorted_by_key(|fault| fault.position), "not in the order of the file");
    let lines: Vec<&str> = text.split('\n').collect();
    for fault in error.faults() {
        let position = fault.position.expect("a fault in a text has a place");
        let line = lines.get(position.line - 1).unwrap_or_else(|| panic!("there is no line {}", position.line));
        assert!((1..=line.chars().count() + 1).contains(&position.column), "there is no column {position}: {line:?}");
        assert!(fault.message.chars().count() <= LONGEST_MESSAGE, "a message without end: {}", fault.message);
        assert!(!fault.message.contains(char::is_control), "a terminal would obey: {:?}", fault.message);
        if let Some(shown) = &fault.line {
            let plain = line.strip_suffix('\r').unwrap_or(line);
            let plain = plain.chars().map(|character| if character.is_control() { ' ' } else { character });
            assert!(plain.eq(shown.chars()), "another line is shown: {shown:?}");
        }
    }
}

fn check_secrets(error: &ConfigError, text: &str) {
    let shown = [error.to_string(), format!("{error:?}")];
    let shows = |secret: &str| shown.iter().any(|shown| shown.contains(secret));
    assert!(!shows(SECRET) || text.contains(SECRET), "the secret of the environment is shown");
    for (place, _) in text.match_indices(CLIENT_SECRET_PREFIX) {
        let rest = &text[place + CLIENT_SECRET_PREFIX.len()..];
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let secret = &text[place..place + CLIENT_SECRET_PREFIX.len() + end];
        assert!(end < TELLING_CHARACTERS || !shows(secret), "a client secret is shown: {error}");
    }
    for window in text.as_bytes().windows(UUID_LENGTH).filter(|window| is_uuid(window)) {
        let secret = std::str::from_utf8(window).expect("it is hexadecimal digits and dashes");
        assert!(!shows(secret), "a private key is shown: {error}");
    }
}

fn is_uuid(text: &[u8]) -> bool {
    let dashes = [8, 13, 18, 23];
    text.iter().enumerate().all(|(index, byte)| match dashes.contains(&index) {
        true => *byte == b'-',
        false => byte.is_ascii_hexdigit(),
    })
}
