//! The folder of a source, found by its name.

use std::path::{Path, PathBuf};

use crate::{
    archive::{EntryIs, Files},
    export::ExportError,
    nearest::nearest,
    source::Kind,
};

/// How many folders a message lists.
const MOST_SHOWN: usize = 20;

/// The folder of a source in an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFolder {
    /// For example `payments/access-history/prod-0`.
    path: String,
    kind: Kind,
}

impl SourceFolder {
    /// The folder with this path below the archive's root, which is there.
    ///
    /// # Errors
    /// When it is not there, or when the archive cannot be looked into.
    pub fn find(files: &dyn Files, path: &str) -> Result<Self, ExportError> {
        let mut known = Self::all(files)?;
        // As a shell completes it.
        let path = path.trim_end_matches('/');
        if let Some(position) = known.iter().position(|folder| folder.path == path) {
            return Ok(known.swap_remove(position));
        }
        let paths = || known.iter().map(|folder| folder.path.as_str());
        let hint = nearest(path, paths()).map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
        let shown: Vec<String> = paths().take(MOST_SHOWN).map(|path| format!("{path:?}")).collect();
        let more = if known.len() > shown.len() { ", …" } else { "" };
        let known = match shown.is_empty() {
            true => "there is none at all: is that the root folder of an archive?".to_owned(),
            false => format!("there are: {}{more}", shown.join(", ")),
        };
        Err(ExportError::UnknownSource { name: path.to_owned(), hint, known })
    }

    /// The folders of all sources, in order.
    ///
    /// # Errors
    /// When the archive cannot be looked into.
    pub fn all(files: &dyn Files) -> Result<Vec<Self>, ExportError> {
        let mut found = Vec::new();
        for project in folders(files, Path::new(""))? {
            for kind in Kind::ALL {
                let parent = format!("{project}/{kind}");
                let names = folders(files, Path::new(&parent))?;
                found.extend(names.into_iter().map(|name| Self { path: format!("{parent}/{name}"), kind }));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The path below the archive's root.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&self.path)
    }

    /// The same as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// The kind of the source.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A file in the folder as it is shown: its path below the archive's root.
    pub(super) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
}

/// The names of the folders in a folder that can belong to a source.
fn folders(files: &dyn Files, folder: &Path) -> Result<Vec<String>, ExportError> {
    let unreadable = |cause| ExportError::Folder { path: shown(folder), cause };
    let entries = files.list(folder).map_err(unreadable)?;
    let folders = entries.into_iter().filter(|entry| entry.is == EntryIs::Folder);
    // Every folder of a source was given a name of UTF-8, and none with a dot in front.
    Ok(folders.filter_map(|entry| entry.name.into_string().ok()).filter(|name| !name.starts_with('.')).collect())
}

fn shown(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from("the archive") } else { folder.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::archive::RealFiles;

    #[test]
    fn a_folder_is_found_by_its_path_and_no_other_way() {
        let root = tempfile::tempdir().unwrap();
        let path = |folder: &str| root.path().join(folder);
        let files = RealFiles::open(root.path(), 0o640, 0o750).unwrap();
        let error = |name: &str| SourceFolder::find(&files, name).unwrap_err().to_string();
        let none =
            "there is no source \"x\" in the archive; there is none at all: is that the root folder of an archive?";
        assert_eq!(error("x"), none);
        for folder in
            ["p/stream-audit/orders", "p/access-history/prod-0", "p/other/z", ".spool", ".heads/stream-audit/x"]
        {
            fs::create_dir_all(path(folder)).unwrap();
        }
        std::os::unix::fs::symlink(path("p/stream-audit/orders"), path("p/stream-audit/link")).unwrap();
        for name in ["p/stream-audit/orders", "p/stream-audit/orders/"] {
            let found = SourceFolder::find(&files, name).unwrap();
            assert_eq!((found.as_str(), found.kind()), ("p/stream-audit/orders", Kind::StreamAudit));
        }
        let known = "there are: \"p/access-history/prod-0\", \"p/stream-audit/orders\"";
        let hint = "did you mean \"p/stream-audit/orders\"? ";
        assert_eq!(
            error("p/stream-audit/order"),
            format!("there is no source \"p/stream-audit/order\" in the archive; {hint}{known}")
        );
        for name in ["", "p", "p/other/z", ".heads/stream-audit/x", "p/stream-audit/link", "p/../p/stream-audit/orders"]
        {
            assert!(error(name).contains(known), "{name}");
        }
    }
}
