//! Doubt: what looks wrong, and a writer at work can explain.
//!
//! The writer makes one file after the other, and syncs each: a folder before its first file, a digest before its signature,
//! a digest before the segment behind its own. Whoever lists a folder meanwhile may see the later one of two, too.

use std::{path::Path, time::Duration};

use crate::{
    archive::Files,
    evidence::SIGNATURE_SUFFIX,
    verify::{
        Fault, Reason, Request,
        chain::Chain,
        folder::signature_path,
        heads::{Heads, head_path},
        patience::Patience,
        pool::on_all_cores,
        walk::Walk,
    },
};

/// What a look found.
pub(super) trait Found {
    fn faults(&self) -> &[Fault];

    /// Whether a writer at work can explain a fault.
    fn explains(&self, fault: &Fault) -> bool;

    fn is_doubtful(&self) -> bool {
        self.faults().iter().any(|fault| self.explains(fault))
    }
}

/// Looks at once a second time at what looks wrong, and at what is doubtful as long as there is patience.
pub(super) fn look<T: Found>(patience: Duration, look: impl Fn() -> T) -> T {
    let mut found = look();
    if found.faults().is_empty() {
        return found;
    }
    found = look();
    let mut patience = Patience::new(patience);
    while found.is_doubtful() && patience.wait() {
        found = look();
    }
    found
}

/// Looks at the chains in `folders`, likewise: all that are doubtful wait together.
pub(super) fn look_at_chains<P: AsRef<Path> + Sync>(files: &dyn Files, folders: &[P], request: &Request) -> Vec<Chain> {
    let read = |folder: &P| look(Duration::ZERO, || Chain::read(files, folder.as_ref(), request));
    let mut chains = on_all_cores(folders, read);
    let mut patience = Patience::new(request.patience);
    loop {
        let doubtful: Vec<usize> = (0..chains.len()).filter(|index| chains[*index].is_doubtful()).collect();
        if doubtful.is_empty() || !patience.wait() {
            return chains;
        }
        let again = on_all_cores(&doubtful, |index| read(&folders[*index]));
        for (index, chain) in doubtful.into_iter().zip(again) {
            chains[index] = chain;
        }
    }
}

impl Found for Heads {
    fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn explains(&self, fault: &Fault) -> bool {
        let newest = self.newest.as_ref().map(|newest| {
            let mut path = head_path(newest.date).into_os_string();
            path.push(SIGNATURE_SUFFIX);
            path
        });
        matches!(fault.reason, Reason::SignatureMissing { .. })
            && newest.is_some_and(|newest| fault.path.as_os_str() == newest)
    }
}

impl Found for Walk {
    fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn explains(&self, fault: &Fault) -> bool {
        matches!(fault.reason, Reason::EmptyFolder)
    }
}

impl Found for Chain {
    fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn explains(&self, fault: &Fault) -> bool {
        match fault.reason {
            Reason::EmptyFolder => true,
            Reason::SignatureMissing { .. } => {
                self.digests.last().is_some_and(|newest| fault.path == signature_path(&self.folder, newest))
            }
            Reason::DigestMissing | Reason::DigestMissingBefore { .. } | Reason::DigestsMissing { .. } => {
                self.newest_missing
            }
            _ => false,
        }
    }
}
