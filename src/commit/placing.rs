//! Puts a small file into its place, whole and durable, so that nobody ever sees a part of it.

use std::{
    io::{Read as _, Write as _},
    path::Path,
};

use crate::{
    archive::{Files, SPOOL, create_spool, note_spool, remove_if_there},
    commit::CommitError,
};

/// Puts `bytes` into the file `path`, which may be there already with the same bytes. `number` is that of whoever writes, in
/// the spool.
pub(super) fn put_in_place(files: &dyn Files, number: i64, path: &Path, bytes: &[u8]) -> Result<(), CommitError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    match files.length(path).map_err(CommitError::io("look at", path))? {
        Some(length) if length == bytes.len() as u64 && holds(files, path, bytes)? => {}
        Some(_) => return Err(CommitError::Foreign { path: path.to_owned() }),
        None => {
            let spool = note_spool(number);
            put_by_way_of(files, &spool, path, bytes).inspect_err(|_| give_up(files, &spool))?;
        }
    }
    sync_names(files, folder)
}

fn put_by_way_of(files: &dyn Files, spool: &Path, path: &Path, bytes: &[u8]) -> Result<(), CommitError> {
    let mut file = create_spool(files, spool).map_err(CommitError::io("create", spool))?;
    file.write_all(bytes).map_err(CommitError::io("write to", spool))?;
    file.sync().map_err(CommitError::io("sync", spool))?;
    drop(file);
    files.rename(spool, path).map_err(CommitError::io("rename the spool to", path))
}

/// Removes from the spool what could not be finished: it would hold room that others may need.
pub(super) fn give_up(files: &dyn Files, spool: &Path) {
    // What cannot be removed now gives way to the next one.
    let _ = remove_if_there(files, spool);
}

/// Makes it durable that a file went from the spool into `folder`: first the new name, then the disappearance of the old one.
pub(super) fn sync_names(files: &dyn Files, folder: &Path) -> Result<(), CommitError> {
    files.sync_folder(folder).map_err(CommitError::io("sync", folder))?;
    files.sync_folder(Path::new(SPOOL)).map_err(CommitError::io("sync", SPOOL))
}

fn holds(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<bool, CommitError> {
    let mut found = Vec::new();
    let read = files.read(path).and_then(|file| file.take(bytes.len() as u64 + 1).read_to_end(&mut found));
    read.map_err(CommitError::io("read", path))?;
    Ok(found == bytes)
}
