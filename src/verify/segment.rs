//! Whether a sealed segment is what its chain says.

use std::{collections::BTreeMap, io, path::Path};

use crate::{
    archive::{Files, StoredForm},
    evidence::{Compressed, DamagedPart},
    verify::{
        Difference, Fault, Note, Reason,
        chain::Sealed,
        content::{self, Content},
    },
};

/// What was found about the segments of a chain, by number.
pub(super) type Outcomes = BTreeMap<u64, Outcome>;

/// Faults and notes about one segment.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) faults: Vec<Fault>,
    pub(super) notes: Vec<Note>,
}

/// Looks at a segment in the folder of its source.
pub(super) struct SegmentCheck<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) folder: &'a Path,
    pub(super) sealed: &'a Sealed,
    /// Is told of every byte that was read of the segment.
    pub(super) read: &'a dyn Fn(u64),
}

impl SegmentCheck<'_> {
    /// Checks all forms in which the segment lies there.
    pub(super) fn run(&self) -> Outcome {
        let sealed = self.sealed;
        let mut outcome = Outcome::default();
        self.check_presence(&mut outcome);
        for &form in &sealed.forms {
            let path = self.folder.join(form.file_name(&sealed.name));
            let checked = match &sealed.damaged {
                _ if self.is_extra(form) => Err(Reason::ExtraFile),
                Some(part) => self.check_damaged(&path, part),
                None => self.check_form(&path, form),
            };
            outcome.faults.extend(checked.err().map(|reason| Fault::new(path, reason)));
        }
        if outcome.faults.is_empty() {
            self.add_notes(&mut outcome);
        }
        outcome
    }

    fn check_presence(&self, outcome: &mut Outcome) {
        let Sealed { name, forms, damaged, removed, .. } = self.sealed;
        let gone = damaged.as_ref().is_some_and(|part| part.good_bytes == 0);
        let recorded = self.recorded();
        if removed.is_some() || gone {
            return;
        }
        let expected = recorded.filter(|_| damaged.is_none()).unwrap_or(StoredForm::Plain);
        let there = match recorded {
            Some(form) => forms.contains(&form),
            None => !forms.is_empty(),
        };
        if !there {
            let reason = match expected {
                StoredForm::Plain => Reason::SegmentMissing,
                _ => Reason::CompressedMissing,
            };
            outcome.faults.push(Fault::new(self.folder.join(expected.file_name(name)), reason));
        }
    }

    /// The form that it was compressed into, as far as a digest tells of it.
    fn recorded(&self) -> Option<StoredForm> {
        let entry = self.sealed.compressed.as_ref()?;
        StoredForm::of_file(&entry.file).map(|(_, form)| form)
    }

    /// Damaged segments are not compressed, and no other one is compressed twice.
    fn is_extra(&self, form: StoredForm) -> bool {
        let other = self.recorded().is_some_and(|recorded| recorded != form);
        form != StoredForm::Plain && (self.sealed.damaged.is_some() || other)
    }

    /// Only a beginning of it counts.
    fn check_damaged(&self, path: &Path, part: &DamagedPart) -> Result<(), Reason> {
        let expected = part.good_bytes;
        let content = self.read(path, StoredForm::Plain, expected)?;
        if content.bytes < expected || content.sha256 != part.good_sha256 {
            let (bytes, expected, found) = (expected, part.good_sha256, content.sha256);
            return Err(Reason::DamagedFurther { bytes, expected, found });
        }
        Ok(())
    }

    fn check_form(&self, path: &Path, form: StoredForm) -> Result<(), Reason> {
        let recorded = self.sealed.compressed.as_ref().filter(|entry| path.ends_with(&entry.file));
        if !self.sealed.asked {
            return self.check_length(path, form, recorded);
        }
        let Sealed { bytes, sha256, records, .. } = *self.sealed;
        let content = self.read(path, form, bytes)?;
        if form != StoredForm::Plain && content.bytes > bytes {
            return Err(Reason::TooMuch { bytes });
        }
        if content.bytes != bytes || content.sha256 != sha256 {
            let difference = match content.bytes {
                found if found < bytes => Difference::Shorter(bytes - found),
                found if found == bytes => Difference::SameLength,
                _ if content.sha256 == sha256 => Difference::Appended,
                _ => Difference::Longer,
            };
            return Err(Reason::Changed { expected: sha256, found: content.sha256, difference });
        }
        if content.trailing {
            return Err(Reason::Trailing);
        }
        if content.records != records {
            return Err(Reason::Records { told: records, found: content.records });
        }
        match recorded {
            Some(entry) if entry.sha256 != content.stored_sha256 => {
                Err(Reason::OtherStored { expected: entry.sha256, found: content.stored_sha256 })
            }
            _ => Ok(()),
        }
    }

    /// Of a segment that is not asked for only the length is looked at.
    fn check_length(&self, path: &Path, form: StoredForm, recorded: Option<&Compressed>) -> Result<(), Reason> {
        let expected = match (form, recorded) {
            (StoredForm::Plain, _) => self.sealed.bytes,
            (_, Some(entry)) => entry.bytes,
            (_, None) => return Ok(()),
        };
        match self.files.length(path) {
            Ok(Some(found)) if found == expected => Ok(()),
            Ok(Some(found)) => Err(Reason::OtherLength { expected, found }),
            Ok(None) => Err(Reason::Unreadable(io::ErrorKind::NotFound.into())),
            Err(cause) => Err(Reason::Unreadable(cause)),
        }
    }

    fn read(&self, path: &Path, form: StoredForm, expected: u64) -> Result<Content, Reason> {
        let unreadable = |cause: io::Error| match form {
            // What a decoder does not like is never an error of the operating system.
            StoredForm::Gzip | StoredForm::Zstd if cause.raw_os_error().is_none() && is_of_data(&cause) => {
                Reason::Compression(cause)
            }
            _ => Reason::Unreadable(cause),
        };
        content::read(self.files, path, form, expected, self.read).map_err(unreadable)
    }

    fn add_notes(&self, outcome: &mut Outcome) {
        let Sealed { name, forms, removed, asked, .. } = self.sealed;
        let path = self.folder.join(name.as_str());
        let told = removed.is_some() || self.recorded().is_some();
        for form in forms.iter().filter(|form| **form != StoredForm::Plain && *asked && !told) {
            outcome.notes.push(Note::StoredFormUntold { file: self.folder.join(form.file_name(name)) });
        }
        match removed {
            Some(entry) if !forms.is_empty() => {
                outcome.notes.push(Note::NotRemovedYet { segment: path, decided: entry.decided });
            }
            None if forms.len() > 1 => outcome.notes.push(Note::SeveralForms { segment: path }),
            _ => {}
        }
    }
}

/// Whether an error tells of the bytes of a file rather than of the file.
fn is_of_data(cause: &io::Error) -> bool {
    !matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}
