//! A note: something that whoever reads a report has to know, though it is no fault.

use std::{fmt, path::PathBuf};

use jiff::civil::Date;

use crate::{
    instant::Instant,
    shown::{shown, shown_path},
};

/// Something worth knowing that is no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A segment lies there although it was to be removed.
    NotRemovedYet {
        /// The segment.
        segment: PathBuf,
        /// When its removal was decided.
        decided: Instant,
    },
    /// A segment lies there plain and compressed.
    SeveralForms {
        /// The segment.
        segment: PathBuf,
    },
    /// A segment lies there in a form that no digest tells of yet.
    StoredFormUntold {
        /// The file.
        file: PathBuf,
    },
    /// The source is not in the configuration any more.
    NotConfigured {
        /// The source's folder.
        folder: PathBuf,
        /// The day of the archive digest that says so.
        date: Date,
    },
    /// The newest archive digest could have been made by whoever can write to the archive.
    HeadUnproven {
        /// The day that it is of.
        date: Date,
    },
    /// No archive digest lists the source's newest digests.
    NewerThanHead {
        /// The source's folder.
        folder: PathBuf,
    },
    /// The source was failing when the newest archive digest was made.
    NotCollected {
        /// The source's folder.
        folder: PathBuf,
        /// Since when.
        since: Instant,
        /// The day of the archive digest.
        date: Date,
    },
    /// There is no archive digest.
    NoHead,
    /// The newest digest could have been made by whoever can write to the archive.
    Unproven {
        /// The source's folder.
        folder: PathBuf,
    },
    /// Signatures are right, but nobody said whose the keys are.
    NobodyVouches {
        /// The keys.
        keys: Vec<String>,
    },
    /// No archive digest was asked for by its SHA-256.
    HeadNotAsked,
    /// Nothing was archived.
    NoSource,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRemovedYet { segment, decided } => write!(
                f,
                "{}: its removal was decided on {decided}, but it lies there still, unchanged",
                shown_path(segment)
            ),
            Self::SeveralForms { segment } => write!(
                f,
                "{}: it lies there in several forms, plain and compressed, all of them right; the next start tidies up",
                shown_path(segment)
            ),
            Self::StoredFormUntold { file } => write!(
                f,
                "{}: stored form not told of yet: what comes out of it is proven, the file itself is once the next digest tells \
                 of it",
                shown_path(file)
            ),
            Self::NotConfigured { folder, date } => write!(
                f,
                "{}: not configured any more, says the archive digest of {date}: nothing is demanded of it from its end on",
                shown_path(folder)
            ),
            Self::HeadUnproven { date } => write!(
                f,
                "the newest archive digest, of {date}, is neither signed nor held by --head: it proves nothing against \
                 whoever could write to the archive"
            ),
            Self::NewerThanHead { folder } => write!(
                f,
                "{}: newer than the last archive digest: no archive digest would tell if this source went missing",
                shown_path(folder)
            ),
            Self::NotCollected { folder, since, date } => write!(
                f,
                "{}: not collected since {since}, says the archive digest of {date}: its polls failed",
                shown_path(folder)
            ),
            Self::NoHead => write!(f, "there is no archive digest: nothing tells whether a whole source is missing"),
            Self::Unproven { folder } => write!(
                f,
                "{}: its newest digest is neither signed nor held by --head: it proves nothing against whoever could \
                 write to the archive",
                shown_path(folder)
            ),
            Self::NobodyVouches { keys } => write!(
                f,
                "signatures are right, made with {}; nobody vouched for {} (give --allowed-signers)",
                shown(&keys.join(", ")),
                if keys.len() == 1 { "this key" } else { "these keys" },
            ),
            Self::HeadNotAsked => write!(
                f,
                "no --head was given: that nothing was cut off at the end is proven only up to the last archive digest \
                 that lies here"
            ),
            Self::NoSource => write!(f, "there is no source in this archive"),
        }
    }
}
