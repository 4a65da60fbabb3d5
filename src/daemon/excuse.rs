//! What is no failure although a poll failed.

use std::fmt;

use crate::{collect::PollReport, state::FoundSource};

/// Why a poll failed of a source that was found, where nothing is wrong with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// It is gone from Atlas.
    Gone,
    /// Its cluster is paused.
    Paused,
}

impl Excuse {
    /// By what the lists of Atlas show of it.
    pub(super) fn of(found: &FoundSource, report: &PollReport) -> Option<Self> {
        if report.says_gone() && !found.listed {
            return Some(Self::Gone);
        }
        (report.is_refused() && found.paused).then_some(Self::Paused)
    }
}

impl fmt::Display for Excuse {
    /// To be put behind the name of the source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => {
                "is gone from Atlas: no list shows it any more, and Atlas says that there is no such cluster or instance; it is no \
                 longer polled, and goes on where it was if a list shows it again"
            }
            Self::Paused => "is paused, and Atlas does not answer for it until it runs again",
        })
    }
}
