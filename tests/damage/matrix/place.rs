//! Where damage is done.

use std::path::PathBuf;

use atlas_logd::source::Kind;

use crate::{damages::Damage, scene::Folders};

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    OpenSegment,
    LastSealedSegment,
    OlderSealedSegment,
    Digest,
    SourceFolder,
    ProjectFolder,
    SpoolLeftOver,
    UnknownSpool,
    SpoolOfAnIntent,
    SpoolFolder,
    Marker,
    ArchiveFolder,
    Database,
    Log,
    Lock,
    StateFolder,
}

impl Place {
    pub(super) const ALL: [Self; 16] = [
        Self::OpenSegment,
        Self::LastSealedSegment,
        Self::OlderSealedSegment,
        Self::Digest,
        Self::SourceFolder,
        Self::ProjectFolder,
        Self::SpoolLeftOver,
        Self::UnknownSpool,
        Self::SpoolOfAnIntent,
        Self::SpoolFolder,
        Self::Marker,
        Self::ArchiveFolder,
        Self::Database,
        Self::Log,
        Self::Lock,
        Self::StateFolder,
    ];

    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::OpenSegment => "open segment",
            Self::LastSealedSegment => "last sealed segment",
            Self::OlderSealedSegment => "older sealed segment",
            Self::Digest => "digest of a sealed segment",
            Self::SourceFolder => "folder of the source",
            Self::ProjectFolder => "folder of the project",
            Self::SpoolLeftOver => "spool left over",
            Self::UnknownSpool => "spool of nobody",
            Self::SpoolOfAnIntent => "spool of a commit under way",
            Self::SpoolFolder => "spool folder",
            Self::Marker => "marker",
            Self::ArchiveFolder => "archive folder",
            Self::Database => "state.db",
            Self::Log => "state.db-wal",
            Self::Lock => "lock of the state",
            Self::StateFolder => "state folder",
        }
    }

    pub(super) fn damages(self) -> &'static [Damage] {
        match self {
            folder if folder.is_folder() => &Damage::OF_FOLDERS,
            _ => &Damage::OF_FILES,
        }
    }

    pub(super) fn is_folder(self) -> bool {
        matches!(
            self,
            Self::SourceFolder | Self::ProjectFolder | Self::SpoolFolder | Self::ArchiveFolder | Self::StateFolder
        )
    }

    /// Whether it belongs to one source alone.
    pub(super) fn is_of_one_source(self) -> bool {
        matches!(
            self,
            Self::OpenSegment
                | Self::LastSealedSegment
                | Self::OlderSealedSegment
                | Self::Digest
                | Self::SourceFolder
                | Self::SpoolLeftOver
                | Self::UnknownSpool
                | Self::SpoolOfAnIntent
        )
    }

    /// Whether SQLite reads it page by page.
    pub(super) fn is_a_database(self) -> bool {
        matches!(self, Self::Database | Self::Log)
    }

    pub(super) fn is_of_the_state(self) -> bool {
        matches!(self, Self::Database | Self::Log | Self::Lock | Self::StateFolder)
    }

    pub(super) fn path(self, folders: &Folders<'_>, kind: Kind) -> PathBuf {
        let segment = |index: usize| folders.segments(kind).get(index).cloned().unwrap_or_default();
        match self {
            Self::OpenSegment => segment(2),
            Self::LastSealedSegment => segment(1),
            Self::OlderSealedSegment => segment(0),
            Self::Digest => segment(0).with_extension("digest.json"),
            Self::SourceFolder => folders.source_folder(kind),
            Self::ProjectFolder => folders.archive().join("payments"),
            Self::SpoolLeftOver | Self::SpoolOfAnIntent => folders.spool(kind),
            Self::UnknownSpool => folders.archive().join(".spool/what-is-this"),
            Self::SpoolFolder => folders.archive().join(".spool"),
            Self::Marker => folders.archive().join(".atlas-logd"),
            Self::ArchiveFolder => folders.archive(),
            Self::Database => folders.state().join("state.db"),
            Self::Log => folders.state().join("state.db-wal"),
            Self::Lock => folders.state().join("lock"),
            Self::StateFolder => folders.state(),
        }
    }
}
