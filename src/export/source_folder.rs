//! The folder of a source, found by its path or by the source's name.

use std::path::{Path, PathBuf};

use crate::{
    archive::{EntryIs, Files, escape},
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
    /// The folder with this path below the archive's root, or else that of the one source with this name. The name is that of
    /// the configuration, as long as the project has not been renamed since: `payments/access-history/prod-0`, while the
    /// folder of a source with a filter is `payments/access-history/prod-0~auth_result=failure`.
    ///
    /// # Errors
    /// When none is there or several are, or when the archive cannot be looked into.
    pub fn find(files: &dyn Files, name: &str) -> Result<Self, ExportError> {
        let known = Self::all(files)?;
        // As a shell completes it.
        let path = name.trim_end_matches('/');
        if let Some(folder) = known.iter().find(|folder| folder.path == path) {
            return Ok(folder.clone());
        }
        let plain = plain_folder(name);
        let named: Vec<&Self> = known.iter().filter(|folder| plain.as_deref() == Some(folder.plain())).collect();
        match named.as_slice() {
            [] => Err(Self::unknown(path, &known)),
            [folder] => Ok((*folder).clone()),
            _ => Err(ExportError::Ambiguous { name: name.to_owned(), folders: listed(named.into_iter()) }),
        }
    }

    fn unknown(path: &str, known: &[Self]) -> ExportError {
        let paths = known.iter().map(|folder| folder.path.as_str());
        let hint = nearest(path, paths).map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
        let known = match known.is_empty() {
            true => "there is none at all: is that the root folder of an archive?".to_owned(),
            false => format!("there are: {}", listed(known.iter())),
        };
        ExportError::UnknownSource { name: path.to_owned(), hint, known }
    }

    /// The folders of the other sources with the same name: with another filter, or from before a name was used again.
    ///
    /// # Errors
    /// When the archive cannot be looked into.
    pub fn namesakes(&self, files: &dyn Files) -> Result<Vec<Self>, ExportError> {
        let all = Self::all(files)?.into_iter();
        Ok(all.filter(|other| other != self && other.plain() == self.plain()).collect())
    }

    /// Its path without what tells sources of one name apart: `~auth_result=failure`, `~2`.
    fn plain(&self) -> &str {
        let name = self.path.rfind('/').map_or(0, |slash| slash + 1);
        // A long name ends with two of them and its hash.
        let end_of_name = self.path[name..].find("~~").map_or(name, |hash| name + hash + 2);
        let end = self.path[end_of_name..].find('~').map_or(self.path.len(), |tilde| end_of_name + tilde);
        &self.path[..end]
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

/// The folder that the source with this name has, if it has no filter and nothing had that folder before.
fn plain_folder(name: &str) -> Option<String> {
    let (project, rest) = name.split_once('/')?;
    // The name of a stream instance can have slashes.
    let (kind, name) = rest.split_once('/')?;
    let kind: Kind = kind.parse().ok()?;
    Some(format!("{}/{kind}/{}", escape(project), escape(name)))
}

/// Folders as a part of a sentence.
fn listed<'a>(folders: impl ExactSizeIterator<Item = &'a SourceFolder>) -> String {
    let more = if folders.len() > MOST_SHOWN { ", …" } else { "" };
    let shown: Vec<String> = folders.take(MOST_SHOWN).map(|folder| format!("{:?}", folder.path)).collect();
    shown.join(", ") + more
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
    fn a_source_is_found_by_the_name_that_the_configuration_gives_it() {
        let root = tempfile::tempdir().unwrap();
        let files = RealFiles::open(root.path(), 0o640, 0o750).unwrap();
        let long = "ä".repeat(120);
        let folder = |name: &str| format!("p%7E/stream-audit/{}", escape(name));
        let filtered = "p%7E/access-history/prod-0~auth_result=failure";
        let both = ["p%7E/access-history/prod-1~2", "p%7E/access-history/prod-1~ip_address=203.0.113.9"];
        for folder in
            [filtered, both[0], both[1], &folder("a/b"), &folder(&long), "p%7E/stream-audit/x", "p%7E/stream-audit/x~2"]
        {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let find = |name: &str| SourceFolder::find(&files, name);
        assert_eq!(find("p~/access-history/prod-0").unwrap().as_str(), filtered);
        assert_eq!(find("p~/stream-audit/a/b").unwrap().as_str(), folder("a/b"));
        assert_eq!(find(&format!("p~/stream-audit/{long}")).unwrap().as_str(), folder(&long));
        assert_eq!(
            find("p~/access-history/prod-1").unwrap_err().to_string(),
            format!(
                "several sources of the archive have the name \"p~/access-history/prod-1\"; give the folder of one: {:?}, {:?}",
                both[0], both[1]
            )
        );
        let names = |folder: &str| {
            let folders = find(folder).unwrap().namesakes(&files).unwrap();
            folders.iter().map(|folder| folder.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert!(matches!(find("p~/stream-audit/x"), Err(ExportError::Ambiguous { .. })));
        assert_eq!(find("p%7E/stream-audit/x").unwrap().as_str(), "p%7E/stream-audit/x", "a folder comes first");
        assert_eq!(names("p%7E/stream-audit/x"), ["p%7E/stream-audit/x~2"]);
        assert_eq!(names(both[0]), [both[1]]);
        assert_eq!(names(filtered), [""; 0]);
        for name in ["p~/access-history/prod", "p/access-history/prod-0", "p~/other/prod-0", "p~/access-history"] {
            assert!(matches!(find(name), Err(ExportError::UnknownSource { .. })), "{name}");
        }
    }

    #[test]
    fn a_folder_is_found_by_its_path() {
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
