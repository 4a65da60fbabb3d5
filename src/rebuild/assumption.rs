//! What a rebuild could not know.

use std::fmt;

use crate::instant::Instant;

/// What the new state assumes of a source, because nothing in the archive tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// The end watermark is that of the newest digest.
    EndGoesBack {
        /// Where it stands.
        end: Instant,
    },
    /// No digest tells where the source starts.
    StartOfConfiguration {
        /// Where the configuration says that a source starts that was first seen when its first segment was opened.
        start: Instant,
    },
    /// The open segment is what lies there.
    OpenSegment {
        /// Its name.
        segment: String,
        /// Its length in bytes.
        bytes: u64,
        /// How many records it holds.
        records: u64,
    },
    /// The open segment ends in the middle of a line.
    Torn {
        /// Its name.
        segment: String,
        /// So many bytes lie behind its last complete line.
        torn_bytes: u64,
    },
    /// Segments are gone, and nothing says that they were removed.
    Gone {
        /// Their names.
        segments: Vec<String>,
    },
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndGoesBack { end } => write!(
                f,
                "the end watermark goes back to {end}: what was collected since is asked of Atlas again and recognised by \
                 the segments; gaps noted since are found again or closed, but not times in which Atlas did not know the source"
            ),
            Self::StartOfConfiguration { start } => write!(
                f,
                "no digest tells of any time yet: collection starts again at {start}, as the configuration says of a source \
                 first seen when its first segment was opened"
            ),
            Self::OpenSegment { segment, bytes, records } => write!(
                f,
                "the open segment {segment} is taken as it lies there (bytes: {bytes}, records: {records}): if \
                 somebody changed it, nobody will know, and its digest says so"
            ),
            Self::Torn { segment, torn_bytes } => write!(
                f,
                "{torn_bytes} bytes behind the last complete line of {segment} do not count: the next poll seals it, and its \
                 digest says so"
            ),
            Self::Gone { segments } => {
                let be = if segments.len() == 1 { "is" } else { "are" };
                write!(
                    f,
                    "{} {be} not there: taken for moved to other storage; as long as that is so, its time is neither reconciled \
                     nor backfilled",
                    segments.join(", ")
                )
            }
        }
    }
}
