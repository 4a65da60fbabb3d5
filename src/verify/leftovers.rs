//! What lies in the folder of a source besides its digests, and what of it they explain.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    archive::{Files, SegmentName, StoredForm},
    shown::shown_path,
    verify::{
        Fault, OpenSegment, Reason,
        chain::Chain,
        folder::{Folder, digest_path, signature_path},
    },
};

impl Chain {
    /// Gives each segment file to its digest, one may be open; what is left over or missing becomes a fault.
    pub(super) fn tell_leftovers(&mut self, files: &dyn Files, found: Folder, moved: Vec<(SegmentName, String)>) {
        let Folder { digests, signatures, segments } = found;
        self.tell_moved(moved, digests.len());
        let behind = self.tell_newest_missing(&signatures, &segments);
        self.tell_missing(segments.keys().chain(&signatures), behind.as_deref());
        let mut candidates = Vec::new();
        for (name, forms) in segments {
            candidates.extend(self.place(name, forms, &digests));
        }
        self.place_open(files, candidates);
        for name in signatures.difference(&digests) {
            self.faults.push(Fault::new(signature_path(&self.folder, name), Reason::SignatureAlone));
        }
        self.digests = digests;
    }

    /// Whether a digest newer than all that lie there is gone: its signature tells, or the segment behind its own. Gives
    /// that segment's path.
    fn tell_newest_missing(
        &mut self,
        signatures: &BTreeSet<SegmentName>,
        segments: &BTreeMap<SegmentName, Vec<StoredForm>>,
    ) -> Option<String> {
        let next = self.newest.checked_add(1)?;
        let is_behind = |name: &SegmentName| name.sequence().checked_sub(1) == Some(next);
        let behind = segments.iter().find(|(name, forms)| is_behind(name) && **forms == [StoredForm::Plain]);
        if behind.is_some() || signatures.iter().any(|name| name.sequence() == next) {
            self.missing.insert(next, next);
            self.newest = next;
            self.newest_missing = true;
        }
        behind.map(|(name, _)| shown_path(&self.folder.join(name.as_str())))
    }

    /// Where all digests come from one other folder, it is the folder that was renamed.
    fn tell_moved(&mut self, moved: Vec<(SegmentName, String)>, digests: usize) {
        match moved.first() {
            Some((_, folder))
                if digests > 1 && moved.len() == digests && moved.iter().all(|(_, other)| other == folder) =>
            {
                self.faults.push(Fault::new(&self.folder, Reason::Moved(folder.clone())));
            }
            _ => moved.into_iter().for_each(|(name, folder)| self.fault(&name, Reason::Moved(folder))),
        }
    }

    /// Names the missing digests where something still tells their names. `behind` is the segment behind that of the newest
    /// one, if that is missing.
    fn tell_missing<'a>(&mut self, names: impl Iterator<Item = &'a SegmentName>, behind: Option<&str>) {
        let mentioned = std::mem::take(&mut self.mentioned);
        let mut by_number: BTreeMap<u64, BTreeSet<&SegmentName>> = BTreeMap::new();
        for name in names {
            by_number.entry(name.sequence()).or_default().insert(name);
        }
        for name in &mentioned {
            by_number.entry(name.sequence()).or_default().insert(name);
        }
        let mut faults = Vec::new();
        for (&from, &to) in &self.missing {
            let behind = behind.filter(|_| to == self.newest);
            let before = || behind.map(|by| Reason::DigestMissingBefore { number: to, by: by.to_owned() });
            let known = by_number.range(from..=to);
            if known.clone().count() as u64 <= to - from {
                let reason = before().unwrap_or(Reason::DigestsMissing { from, to });
                faults.push(Fault::new(&self.folder, reason));
            }
            let paths = known.flat_map(|(_, names)| names).map(|name| digest_path(&self.folder, name));
            faults.extend(paths.map(|path| Fault::new(path, before().unwrap_or(Reason::DigestMissing))));
        }
        self.faults.extend(faults);
    }

    /// Gives a segment to its digest; hands back one that may be open.
    fn place(
        &mut self,
        name: SegmentName,
        forms: Vec<StoredForm>,
        digests: &BTreeSet<SegmentName>,
    ) -> Option<SegmentName> {
        let number = name.sequence();
        if digests.contains(&name) {
            // One whose digest is not sound proves nothing, which was said.
            if let Some(sealed) = self.sealed.get_mut(&number).filter(|sealed| sealed.name == name) {
                sealed.forms = forms;
            }
            return None;
        }
        if self.missing.range(..=number).next_back().is_some_and(|(_, to)| number <= *to) {
            // Its digest is missing, which was said.
            return None;
        }
        if number == self.newest.saturating_add(1) && forms == [StoredForm::Plain] {
            return Some(name);
        }
        let paths = forms.into_iter().map(|form| self.folder.join(form.file_name(&name)));
        self.faults.extend(paths.map(|path| Fault::new(path, Reason::ExtraFile)));
        None
    }

    /// Only one segment is open at a time.
    fn place_open(&mut self, files: &dyn Files, mut candidates: Vec<SegmentName>) {
        if candidates.len() > 1 {
            let paths = candidates.iter().map(|name| self.folder.join(name.as_str()));
            self.faults.extend(paths.map(|path| Fault::new(path, Reason::SeveralOpen)));
            return;
        }
        match candidates.pop().map(|name| open(files, &self.folder, name)) {
            Some(Ok(open)) => self.open = Some(open),
            Some(Err(fault)) => self.faults.push(fault),
            None => {}
        }
    }
}

fn open(files: &dyn Files, folder: &Path, segment: SegmentName) -> Result<OpenSegment, Fault> {
    let path = folder.join(segment.as_str());
    match files.length(&path) {
        Ok(bytes) => Ok(OpenSegment { segment, bytes: bytes.unwrap_or(0) }),
        Err(cause) => Err(Fault::new(path, Reason::Unreadable(cause))),
    }
}
