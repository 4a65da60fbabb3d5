//! What happens after the damage.

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The process that runs polls again: the damage is done under its feet. Afterwards there is a restart.
    Poll,
    Restart,
    TwoRestarts,
    /// A restart that collects a range once more of which the damage took something.
    Backfill,
    /// The source is taken out of the configuration of the running process, and comes back. Afterwards there is a restart.
    Reload,
    Status,
    Check,
    Verify,
}

impl Next {
    pub(super) const ALL: [Self; 8] = [
        Self::Poll,
        Self::Restart,
        Self::TwoRestarts,
        Self::Backfill,
        Self::Reload,
        Self::Status,
        Self::Check,
        Self::Verify,
    ];

    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Poll => "next poll, then restart",
            Self::Restart => "restart",
            Self::TwoRestarts => "two restarts",
            Self::Backfill => "restart, backfill",
            Self::Reload => "reload without the source, then restart",
            Self::Status => "`status`",
            Self::Check => "`check`",
            Self::Verify => "`verify`",
        }
    }

    /// What comes of damage to a page of a database, of which nobody can say which one it is.
    pub(super) fn whatever_page_it_is(self) -> &'static str {
        match self {
            Self::Status | Self::Check => "says so or finds nothing",
            Self::Verify => "finds nothing",
            _ => "exact or refused",
        }
    }
}
