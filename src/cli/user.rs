//! Whose state and archive they are. What another user makes there the daemon cannot open, root's files above all: whoever is
//! not the right one is told who is, before anything is made.

use std::{fs::Metadata, path::Path};

use nix::unistd::{Uid, User, geteuid};
use rustix::{
    fs::{Access, AtFlags, CWD, accessat},
    io::Errno,
};
use thiserror::Error;

use crate::{archive::MARKER, config::Config, shell, shown::shown_path};

/// A command of the wrong user.
#[derive(Debug, Error)]
#[error(
    "the {what} in {folder} belongs to the user {owner}, and this is {me}: what {me} makes there, the daemon cannot open; \
     nothing was done, run it as {owner}: {command}"
)]
pub(super) struct WrongUser {
    what: &'static str,
    folder: String,
    owner: String,
    me: String,
    command: String,
}

/// Refuses to write as another user than the one whose state and archive they are.
///
/// # Errors
/// When it is another one. Root is refused wherever it would leave files of its own; any other user where it cannot write, so
/// that folders which belong to a group of the daemon's user do.
pub(super) fn refuse_others(config: &Config) -> Result<(), WrongUser> {
    let me = geteuid();
    let places = [Place::of("state", &config.state_dir, "state.db"), Place::of("archive", &config.archive.dir, MARKER)];
    // What is not there is told by whoever looks for it.
    let places: Vec<Place<'_>> = places.into_iter().flatten().collect();
    let wrong = if me.is_root() {
        places.iter().find(|place| !place.owner.is_root())
    } else if places.iter().all(|place| place.owner != me) && places.iter().any(Place::is_closed) {
        places.first()
    } else {
        None
    };
    let Some(Place { what, folder, owner, .. }) = wrong else { return Ok(()) };
    Err(WrongUser {
        what,
        folder: shown_path(folder),
        owner: name_of(*owner),
        me: name_of(me),
        command: command_as(*owner),
    })
}

/// The state or the archive.
struct Place<'a> {
    what: &'static str,
    folder: &'a Path,
    /// The file that is made there first, if it is there.
    first: Option<std::path::PathBuf>,
    /// Whose it is: the user who made that file, or else will have to.
    owner: Uid,
}

impl<'a> Place<'a> {
    fn of(what: &'static str, folder: &'a Path, first: &str) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let owner = |metadata: Metadata| Uid::from_raw(metadata.uid());
        let of_folder = owner(std::fs::metadata(folder).ok()?);
        let first = folder.join(first);
        let of_first = std::fs::metadata(&first).ok().map(owner);
        let (first, owner) = (of_first.map(|_| first), of_first.unwrap_or(of_folder));
        Some(Self { what, folder, first, owner })
    }

    /// Whether this user may not write there.
    fn is_closed(&self) -> bool {
        let refused = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS) == Err(Errno::ACCESS);
        refused(self.folder, Access::WRITE_OK | Access::EXEC_OK)
            || self.first.as_deref().is_some_and(|first| refused(first, Access::WRITE_OK))
    }
}

/// The name of a user; one that has none is told by its number.
fn name_of(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| format!("#{uid}"), |user| user.name)
}

/// This command, as another user.
fn command_as(uid: Uid) -> String {
    let words = ["sudo".to_owned(), "-u".to_owned(), name_of(uid)].into_iter();
    let typed = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    words.chain(typed).map(|word| shell::word(&word)).collect::<Vec<_>>().join(" ")
}
