//! From a file to a checked configuration.

use std::{ffi::OsString, fs::File, io::Read, path::Path};

use toml::de::DeTable;

use super::{
    Config, ProjectTable, archive, atlas, collect, credential,
    error::{ConfigError, Fault},
    evidence,
    faults::{Faults, Place, position},
    http, keys, project, schedule,
    secret::{Secrets, Surroundings},
    signals,
    table::Table,
};

/// A list of ten thousand clusters is less than 1 MiB; a larger file than this is the wrong file.
const LARGEST_FILE: u64 = 4 << 20;

/// Reads and checks the configuration in the file `path`, with the environment of this process.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_for(path, Secrets::AreThere)
}

/// Likewise, for a command that neither asks Atlas nor signs: secrets and the signing key need not be there, and may be where
/// only the service finds them. What the configuration says of them is the first place where they may be.
///
/// # Errors
/// Everything else that is wrong with it, at once.
pub fn load_to_read(path: &Path) -> Result<Config, ConfigError> {
    load_for(path, Secrets::AreNotNeeded)
}

fn load_for(path: &Path, secrets: Secrets) -> Result<Config, ConfigError> {
    // Absolute, so that the paths in it stay what they are whatever becomes of the working directory.
    let file = std::path::absolute(path).map_err(|error| cannot_read(path, &error))?;
    let mut bytes = Vec::new();
    File::open(&file)
        .and_then(|open| open.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| cannot_read(&file, &error))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(ConfigError::of_file(&file, "larger than 4 MiB; that is no configuration".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&file, &error))?;
    parse_for(&text, &file, &|name| std::env::var_os(name), secrets)
}

/// Checks the configuration `text` of the file `file`; `environment` looks up environment variables.
///
/// The file itself is not read, but those that the text names are: secrets, certificates, the signing key.
///
/// # Errors
/// Everything that is wrong with it, at once; only where it is not TOML, nothing but that.
pub fn parse(text: &str, file: &Path, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<Config, ConfigError> {
    parse_for(text, file, environment, Secrets::AreThere)
}

fn parse_for(
    text: &str,
    file: &Path,
    environment: &dyn Fn(&str) -> Option<OsString>,
    secrets: Secrets,
) -> Result<Config, ConfigError> {
    let document = parse_toml(text, file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let surroundings = Surroundings { folder, environment, secrets };
    let faults = Faults::new(text);
    let config = read(&Table::document(&document, &faults, keys::ROOT), file, surroundings);
    faults.into_result(file)?;
    Ok(config)
}

/// What the document says, with a default in the place of each fault.
fn read(document: &Table<'_>, file: &Path, surroundings: Surroundings<'_>) -> Config {
    let folder = surroundings.folder;
    let (archive, state_dir) = archive::read(document, folder);
    let schedule = schedule::read(document);
    let credentials = credential::read(document, surroundings);
    let tables = project::read(document, &credentials, &schedule);
    let projects = tables.iter().filter_map(ProjectTable::named).collect();
    Config {
        file: file.to_owned(),
        archive,
        state_dir,
        collect: collect::read(document),
        evidence: evidence::read(document, surroundings),
        http: http::read(document),
        signals: signals::read(document),
        atlas: atlas::read(document, folder),
        credentials: credentials.checked,
        tables,
        projects,
        schedule,
    }
}

fn parse_toml<'d>(text: &'d str, file: &Path) -> Result<DeTable<'d>, ConfigError> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let faults = Faults::new(text);
    for error in errors {
        // No line is shown: where quotes are missing, nobody can tell which lines belong to a secret. The parser's
        // messages speak of kinds of token, never of what they hold.
        let place = Place { offset: error.span().map_or(0, |span| span.start), private: true };
        faults.report(place, format!("not TOML: {}", error.message()));
    }
    faults.into_result(file)?;
    Ok(document.into_inner())
}

fn cannot_read(file: &Path, error: &std::io::Error) -> ConfigError {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => {
            "; name the configuration with --config FILE, or write one. The reference, every key with its default, is \
             /usr/share/doc/atlas-logd/examples/atlas-logd.toml (Debian package) or config/atlas-logd.toml (sources); \
             atlas-logd check says whether it is right, and atlas-logd demo needs none"
        }
        std::io::ErrorKind::PermissionDenied => "; run this as the user of the daemon: sudo -u atlas-logd atlas-logd …",
        std::io::ErrorKind::IsADirectory | std::io::ErrorKind::NotADirectory => "; name the file itself: --config FILE",
        _ => "",
    };
    ConfigError::of_file(file, format!("cannot be read: {error}{hint}"))
}

fn not_utf8(file: &Path, error: &std::string::FromUtf8Error) -> ConfigError {
    let valid = error.utf8_error().valid_up_to();
    let before = std::str::from_utf8(&error.as_bytes()[..valid]).unwrap_or_default();
    let fault = Fault {
        position: Some(position(before, valid)),
        message: "not UTF-8 text; save the file as UTF-8".to_owned(),
        line: None,
    };
    ConfigError::new(file, vec![fault], 0)
}
