//! Finds the sources of an archive, and what lies there that belongs to none.

use std::path::{Path, PathBuf};

use crate::{
    archive::{Archive, EntryIs, Files, MARKER, SPOOL},
    evidence::HEADS,
    source::Kind,
    state::ArchiveId,
    verify::{Fault, Reason, whole_file},
};

/// A marker is some 70 bytes long.
const LONGEST_MARKER: u64 = 4096;

/// What a file system puts into its root. Nobody but the system's administrator can read it.
const LOST_AND_FOUND: &str = "lost+found";

/// The folders of an archive.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// What the marker says.
    pub(super) marker: Option<ArchiveId>,
    /// The folders of the sources, in order.
    pub(super) sources: Vec<PathBuf>,
    pub(super) faults: Vec<Fault>,
}

impl Walk {
    /// Walks down to the folders of the sources.
    pub(super) fn read(files: &dyn Files) -> Self {
        let mut walk = Self::default();
        match read_marker(files) {
            Ok(id) => walk.marker = Some(id),
            Err(reason) => walk.faults.push(Fault::new(MARKER, reason)),
        }
        for project in walk.folders(files, Path::new("")) {
            for kind in walk.folders(files, &project) {
                let known =
                    kind.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<Kind>().is_ok());
                if !known {
                    walk.faults.push(Fault::new(kind, Reason::ExtraFolder));
                    continue;
                }
                let sources = walk.folders(files, &kind);
                walk.sources.extend(sources);
            }
        }
        walk.sources.sort_unstable();
        walk
    }

    /// The folders in a folder that holds nothing else.
    fn folders(&mut self, files: &dyn Files, folder: &Path) -> Vec<PathBuf> {
        let entries = match files.list(folder) {
            Ok(entries) => entries,
            Err(cause) => {
                self.faults.push(Fault::new(folder, Reason::Unreadable(cause)));
                return Vec::new();
            }
        };
        let root = folder.as_os_str().is_empty();
        if entries.is_empty() && !root {
            self.faults.push(Fault::new(folder, Reason::EmptyFolder));
        }
        let mut folders = Vec::new();
        for entry in entries {
            let path = folder.join(&entry.name);
            let name = entry.name.to_str().unwrap_or("");
            let own_folder = root && matches!(name, SPOOL | HEADS | LOST_AND_FOUND);
            match entry.is {
                EntryIs::Folder if own_folder => {}
                EntryIs::Folder => folders.push(path),
                EntryIs::File if root && name == MARKER => {}
                EntryIs::File if own_folder => self.faults.push(Fault::new(path, Reason::NoFolder)),
                EntryIs::File => self.faults.push(Fault::new(path, Reason::ExtraFile)),
                EntryIs::Other => self.faults.push(Fault::new(path, Reason::NoFile)),
            }
        }
        folders
    }
}

/// The id of the archive. Every byte of the marker counts.
fn read_marker(files: &dyn Files) -> Result<ArchiveId, Reason> {
    let path = Path::new(MARKER);
    match files.length(path) {
        Ok(Some(_)) => {}
        Ok(None) => {
            return Err(Reason::Marker("is missing: this folder is no archive, or only a part of one".to_owned()));
        }
        Err(cause) => return Err(Reason::Unreadable(cause)),
    }
    let bytes = whole_file::read(files, path, LONGEST_MARKER)?;
    let text = str::from_utf8(&bytes).ok();
    let id = text.and_then(|text| text.split('"').find_map(ArchiveId::parse));
    let id = id.filter(|id| Archive::marker(id).is_ok_and(|marker| marker.as_bytes() == bytes));
    id.ok_or_else(|| Reason::Marker("is not written as this version of atlas-logd writes it".to_owned()))
}
