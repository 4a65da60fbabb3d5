//! The folders: writable, whose, and how much room there is.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use super::finding::{Area, Finding, Outcome};
use crate::{config::Config, file_system::FileSystem, words};

/// With less than this free, a busy day does not fit.
const LITTLE_FOR_ARCHIVE: u64 = 1 << 30;

/// The state needs a few MiB, and for a moment more where an answer is unusually large.
const LITTLE_FOR_STATE: u64 = 100 << 20;

/// How each folder is.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let settings = &config.archive;
    vec![
        one("archive", &settings.dir, LITTLE_FOR_ARCHIVE, settings.min_free),
        one("state", &config.state_dir, LITTLE_FOR_STATE, None),
    ]
}

fn one(what: &str, folder: &Path, little: u64, min_free: Option<u64>) -> Finding {
    let finding = |outcome, message: String| {
        Finding::new(Area::Folder, format!("{what} folder {}", folder.display()), outcome, message)
    };
    if let Err((message, advice)) = writable(folder) {
        return finding(Outcome::Failed, message).advise(advice);
    }
    let free = match FileSystem::of(folder) {
        Ok(system) => system.free,
        Err(error) => return finding(Outcome::Warning, format!("how much room there is cannot be told: {error}")),
    };
    let left = words::bytes(free);
    if let Some(min_free) = min_free.filter(|min_free| free < *min_free) {
        let min_free = words::bytes(min_free);
        let message = format!("{left} are free, and [archive] min_free is {min_free}: nothing would be collected");
        return finding(Outcome::Failed, message).advise("free some space, or set min_free lower".to_owned());
    }
    if free < little {
        return finding(Outcome::Warning, format!("only {left} are free")).advise("free some space".to_owned());
    }
    match foreign_owner(folder) {
        Some((owner, user)) => finding(
            Outcome::Warning,
            format!("ok, {left} are free; but it belongs to the user {owner}, and this check ran as the user {user}"),
        )
        .advise("run it as the user that atlas-logd runs as: what it says is only true for that".to_owned()),
        None => finding(Outcome::Ok, format!("ok, {left} are free")),
    }
}

/// Whether files can be made in a folder, by making one; else why not, and what to do.
fn writable(folder: &Path) -> Result<(), (String, Option<String>)> {
    if !folder.is_dir() {
        let advice = "create it, owned by the user that atlas-logd runs as, with mode 0750";
        return Err(("does not exist".to_owned(), Some(advice.to_owned())));
    }
    let probe = folder.join(format!(".atlas-logd-check-{}", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    made.and_then(|_| std::fs::remove_file(&probe)).map_err(|cause| (crate::archive::explain(&cause), None))
}

/// The owner of a folder and the user that this process runs as, where they differ.
fn foreign_owner(folder: &Path) -> Option<(u32, u32)> {
    let (owner, user) = (std::fs::metadata(folder).ok()?.uid(), rustix::process::geteuid().as_raw());
    (owner != user).then_some((owner, user))
}
