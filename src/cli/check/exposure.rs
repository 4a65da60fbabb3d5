//! Secrets that others on this machine can read.

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::finding::{Area, Finding};
use crate::{
    config::{Config, Credential, Secret},
    shown::shown_path,
};

/// What group and others may do with a file.
const OTHERS: u32 = 0o077;

/// A warning for each file of the configuration with a secret in it that others than its owner may read or write. What lies
/// in `credentials_directory` is not looked at: a service manager gives it to the service, by means that modes do not show.
pub(super) fn exposed(config: &Config, credentials_directory: Option<OsString>) -> Vec<Finding> {
    let secrets =
        config.credentials.iter().filter_map(|(name, credential)| {
            let (Credential::ServiceAccount { client_secret: secret, .. }
            | Credential::ApiKey { private_key: secret, .. }) = credential;
            match secret {
                Secret::File(path) => Some((format!("the secret of credentials {name}"), path)),
                Secret::Environment { .. } => None,
            }
        });
    let key = config.evidence.signing_key.iter().map(|path| ("the signing key".to_owned(), path));
    let is_given =
        |path: &Path| credentials_directory.as_ref().is_some_and(|directory| path.starts_with(Path::new(directory)));
    let files = secrets.chain(key).filter(|(_, path)| !is_given(path));
    files.filter_map(|(what, path)| Some(warning(what, path, mode(path)?))).collect()
}

/// The mode of a file, if others may do anything with it.
fn mode(path: &Path) -> Option<u32> {
    // Whether it can be read at all was looked at before.
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & OTHERS != 0).then_some(mode)
}

fn warning(what: String, path: &Path, mode: u32) -> Finding {
    let message = format!("{} is open to others on this machine (mode {mode:04o})", shown_path(path));
    let advice = "make it a file of the user that atlas-logd runs as, with mode 0600".to_owned();
    Finding::warning(Area::Secret, what, message).advise(advice)
}
