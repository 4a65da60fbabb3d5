//! What lies in the folder of a source, by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    archive::{EntryIs, Files, SegmentName, StoredForm},
    evidence::SIGNATURE_SUFFIX,
    verify::{Fault, Reason},
};

/// What lies in the folder of a source, sorted by what it says it is.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The segments that a digest lies there of.
    pub(super) digests: BTreeSet<SegmentName>,
    /// The segments that a digest's signature lies there of.
    pub(super) signatures: BTreeSet<SegmentName>,
    /// The forms in which each segment lies there.
    pub(super) segments: BTreeMap<SegmentName, Vec<StoredForm>>,
}

impl Folder {
    /// Lists the folder; what has no place in it becomes a fault.
    pub(super) fn list(files: &dyn Files, folder: &Path, faults: &mut Vec<Fault>) -> Self {
        let mut found = Self::default();
        let entries = match files.list(folder) {
            Ok(entries) => entries,
            Err(cause) => {
                faults.push(Fault::new(folder, Reason::Unreadable(cause)));
                return found;
            }
        };
        if entries.is_empty() {
            faults.push(Fault::new(folder, Reason::EmptyFolder));
        }
        for entry in entries {
            let path = folder.join(&entry.name);
            let fault = match entry.is {
                EntryIs::File if entry.name.to_str().is_some_and(|name| found.take(name)) => continue,
                EntryIs::File => Reason::ExtraFile,
                EntryIs::Folder => Reason::ExtraFolder,
                EntryIs::Other => Reason::NoFile,
            };
            faults.push(Fault::new(path, fault));
        }
        found
    }

    /// Whether a file's name has a place here.
    fn take(&mut self, name: &str) -> bool {
        if let Some(segment) = SegmentName::of_digest(name) {
            return self.digests.insert(segment);
        }
        if let Some(segment) = name.strip_suffix(SIGNATURE_SUFFIX).and_then(SegmentName::of_digest) {
            return self.signatures.insert(segment);
        }
        let Some((segment, form)) = StoredForm::of_file(name) else { return false };
        self.segments.entry(segment).or_default().push(form);
        true
    }
}

/// The path of a segment's digest.
pub(super) fn digest_path(folder: &Path, segment: &SegmentName) -> PathBuf {
    folder.join(segment.digest())
}

/// The path of a segment's signature.
pub(super) fn signature_path(folder: &Path, segment: &SegmentName) -> PathBuf {
    folder.join(format!("{}{SIGNATURE_SUFFIX}", segment.digest()))
}
