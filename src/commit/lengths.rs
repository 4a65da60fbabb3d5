//! The look at the open segments of all sources when the daemon starts: at their lengths and at the commits under way, so that
//! what is wrong is told at once and not only when the turn of a source comes. The bytes of a segment are looked at when
//! its source is opened, and all bytes by `verify`.

use std::{
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread,
};

use thiserror::Error;

use crate::{
    commit::{CommitError, Committer},
    state::{OpenLength, open_lengths},
};

/// So many are told one by one.
const TOLD: usize = 20;

/// What is wrong with the length of an open segment.
#[derive(Debug, Error)]
pub enum LengthFault {
    /// Committed bytes are missing.
    #[error(
        "the segment {path} has {actual} bytes instead of {expected}; the next poll of its source seals it as damaged, and asks \
         Atlas again for what it lost"
    )]
    Shorter {
        /// The segment.
        path: PathBuf,
        /// Its length according to the state.
        expected: u64,
        /// Its length.
        actual: u64,
    },
    /// What the next poll is going to refuse.
    #[error(transparent)]
    Refused(#[from] CommitError),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Lengths {
    /// How many sources have a commit under way.
    pub under_way: usize,
    /// What is wrong.
    pub faults: Vec<LengthFault>,
}

impl Lengths {
    /// Tells it.
    pub fn tell(self) {
        if self.under_way > 0 {
            tracing::info!(
                event = "commits-under-way",
                sources = self.under_way,
                "commits were interrupted; each is finished by the next poll of its source, before Atlas is asked"
            );
        }
        for fault in self.faults.iter().take(TOLD) {
            tracing::error!(event = "segment-length", "{fault}");
        }
        if self.faults.len() > TOLD {
            tracing::error!(
                event = "segment-length",
                more = self.faults.len() - TOLD,
                "more segments are not as long as the state says; `atlas-logd check` tells which"
            );
        }
    }
}

impl Committer {
    /// Looks at the lengths of all open segments, from two threads: it is what the start waits for, and each look only asks
    /// the system.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn look_at_lengths(&self) -> Result<Lengths, CommitError> {
        let open = self.store.read(open_lengths)?;
        let (first, second) = open.split_at(open.len() / 2);
        let faults = thread::scope(|scope| {
            let other = thread::Builder::new().spawn_scoped(scope, || self.faults_of(second));
            let mut faults = self.faults_of(first);
            faults.extend(match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // There can be no other thread.
                Err(_) => self.faults_of(second),
            });
            faults
        });
        let under_way = open.iter().filter(|open| open.once_done.is_some()).count();
        Ok(Lengths { under_way, faults })
    }

    fn faults_of(&self, open: &[OpenLength]) -> Vec<LengthFault> {
        open.iter().filter_map(|open| self.length_fault(open)).collect()
    }

    fn length_fault(&self, open: &OpenLength) -> Option<LengthFault> {
        let path = Path::new(&open.folder).join(open.segment.as_str());
        let expected = open.committed;
        let actual = match self.archive.files().length(&path) {
            Ok(length) => length.unwrap_or(0),
            Err(cause) => return Some(self.absolute(CommitError::io("look at", path)(cause)).into()),
        };
        let path = self.archive.folder().join(path);
        if actual < expected {
            return Some(LengthFault::Shorter { path, expected, actual });
        }
        let longer = actual > open.once_done.unwrap_or(0).max(expected);
        longer.then(|| CommitError::Longer { path, expected, actual }.into())
    }
}
