//! What a signal says.

/// What has happened. The names stand in logs, metrics and alert rules: they do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// Archive or state cannot be written to.
    DiskUnwritable,
    /// Less is free than `[archive] min_free`.
    DiskLow,
    /// A secret has come to its end.
    CredentialEnded,
    /// A secret comes to its end soon.
    CredentialEnding,
    /// A source is further behind than its schedule explains.
    SourceBehind,
}

impl Event {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DiskUnwritable => "disk-unwritable",
            Self::DiskLow => "disk-low",
            Self::CredentialEnded => "credential-ended",
            Self::CredentialEnding => "credential-ending",
            Self::SourceBehind => "source-behind",
        }
    }

    /// The name of its end.
    pub(crate) fn over(self) -> &'static str {
        match self {
            Self::DiskUnwritable => "disk-writable",
            Self::DiskLow => "disk-free",
            Self::CredentialEnded | Self::CredentialEnding => "credential-renewed",
            Self::SourceBehind => "source-caught-up",
        }
    }

    /// Whether records may be lost if nobody does anything.
    pub(crate) fn is_error(self) -> bool {
        !matches!(self, Self::CredentialEnding)
    }
}

/// Something that somebody has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signal {
    /// What has happened.
    pub(crate) event: Event,
    /// To what: a source, a credential, a folder.
    pub(crate) subject: String,
    /// In words, with what to do.
    pub(crate) message: String,
}
