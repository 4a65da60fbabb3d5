//! A small configuration for tests, and what becomes of changes to it.

use std::{ffi::OsString, path::Path};

use super::{Config, ConfigError, parse};

/// Where the configurations of the tests pretend to lie.
pub(super) const FILE: &str = "/etc/atlas-logd/config.toml";

/// A configuration that is complete; what follows it begins at line 12.
pub(super) const MINIMAL: &str = r#"[credentials.main]
client_id = "mdb_sa_id_1"
client_secret_env = "MAIN"

[[project]]
id = "32b6e34b3d91647abb20e7b8"
name = "payments"
credentials = "main"
stream_instances = ["orders"]
clusters = ["prod-0", "prod-1"]

"#;

fn environment(name: &str) -> Option<OsString> {
    (name == "MAIN").then(|| OsString::from("hunter2"))
}

/// The configuration `text`, in an environment with the one secret that the minimal configuration names.
pub(super) fn parsed(text: &str) -> Result<Config, ConfigError> {
    parse(text, Path::new(FILE), &environment)
}

/// The error about `text`, with the name of the file left out.
pub(super) fn error(text: &str) -> String {
    parsed(text).unwrap_err().to_string().replace(FILE, "F")
}

/// The error about the minimal configuration followed by `lines`, which begin at line 12.
pub(super) fn error_after_minimal(lines: &str) -> String {
    error(&format!("{MINIMAL}{lines}"))
}

/// The error about the minimal configuration with `from` replaced by `to`.
pub(super) fn error_with(from: &str, to: &str) -> String {
    assert!(MINIMAL.contains(from));
    error(&MINIMAL.replacen(from, to, 1))
}
