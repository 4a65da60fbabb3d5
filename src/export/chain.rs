//! The chain of a source's digests: which of them a later one holds.

use thiserror::Error;

use crate::{
    evidence::{SegmentDigest, Sha256Sum},
    export::Proof,
};

/// Why a digest does not belong into the chain of its source's digests.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainFault {
    /// Two digests have one number.
    #[error("there is another digest with the number {0}: the chain forks")]
    Fork(u64),
    /// Its name and what it says do not fit.
    #[error("it says that its number is {0}: it was renamed or changed")]
    Number(u64),
    /// Digests before it are not there.
    #[error("the digests before it are missing, from number {from} to {to}")]
    Missing {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// The next digest names another one.
    #[error("its SHA-256 is {found}, but {by} names {expected}: one of the two was changed or swapped")]
    NotNamed {
        /// The file that names it.
        by: String,
        /// What that one names.
        expected: Sha256Sum,
        /// What it is.
        found: Sha256Sum,
    },
    /// It names no digest before it, or one where none is.
    #[error("it is not the first one, but names none before it")]
    NamesNone,
    /// It names one before the first.
    #[error("it is the first one, but names another before it")]
    NamesBefore,
}

/// The newest digest of a source. No other one holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestDigest {
    /// The digest.
    pub file: Proof,
    /// Whether it says that it is signed.
    pub is_signed: bool,
}

/// The digests so far, oldest to newest. Each holds the one before it by its SHA-256, so that the newest one holds all
/// down to where the chain is broken; what lies before that can be anything.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The digest that was added last.
    newest: Option<Link>,
    /// The digests up to this number are held by no later one.
    unheld: u64,
}

#[derive(Debug)]
struct Link {
    number: u64,
    /// Nothing of one that cannot be read.
    digest: Option<NewestDigest>,
}

impl Chain {
    /// Adds the next digest, which is in the file with this number. What is wrong is told with the file that it is about.
    pub(super) fn add(&mut self, number: u64, digest: &SegmentDigest, file: &Proof) -> Option<(String, ChainFault)> {
        let newest = NewestDigest { file: file.clone(), is_signed: digest.signing_key.is_some() };
        let before = self.newest.replace(Link { number, digest: Some(newest) });
        let own = |fault| Some((file.digest.clone(), fault));
        if digest.sequence != number || number == 0 {
            self.unheld = number;
            return own(ChainFault::Number(digest.sequence));
        }
        let last = before.as_ref().map_or(0, |before| before.number);
        if number == last {
            self.unheld = number;
            return own(ChainFault::Fork(number));
        }
        let next = last.saturating_add(1);
        if number > next {
            self.unheld = number - 1;
            return own(ChainFault::Missing { from: next, to: number - 1 });
        }
        let fault = match (before.map(|before| before.digest), digest.previous) {
            (None, None) => return None,
            (None, Some(_)) => return own(ChainFault::NamesBefore),
            // Of one that cannot be read something was said already.
            (Some(None), _) => return None,
            (Some(Some(before)), Some(expected)) if before.file.sha256 == expected => return None,
            (Some(Some(before)), Some(expected)) => {
                let (by, found) = (file.digest.clone(), before.file.sha256);
                Some((before.file.digest, ChainFault::NotNamed { by, expected, found }))
            }
            (Some(Some(_)), None) => own(ChainFault::NamesNone),
        };
        self.unheld = last;
        fault
    }

    /// Passes a digest that cannot be read: what it names is not known, so that it holds nothing before it.
    pub(super) fn pass(&mut self, number: u64) {
        self.newest = Some(Link { number, digest: None });
        self.unheld = number;
    }

    /// Whether the newest digest holds the one with this number, or is that one.
    pub(super) fn holds(&self, number: u64) -> bool {
        number > self.unheld
    }

    /// The digests up to this number are held by no later one; 0 where each is.
    pub(super) fn unheld(&self) -> u64 {
        self.unheld
    }

    /// The number of the newest digest; 0 where there is none.
    pub(super) fn newest_number(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.number)
    }

    /// The newest digest, if it can be read.
    pub(super) fn newest(&self) -> Option<&NewestDigest> {
        self.newest.as_ref()?.digest.as_ref()
    }
}
