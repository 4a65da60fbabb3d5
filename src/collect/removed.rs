//! Of which time retention removed what was archived.

use std::time::Duration;

use crate::{
    archive::SegmentName,
    collect::held::{digest_of, digests_of},
    commit::{CommitError, Committer},
    evidence::{RECORD_AHEAD, SegmentDigest},
    instant::Instant,
    state::SourceState,
    window::Window,
};

/// The time that the segments which retention removed were archived for, as far as it matters for `range`.
pub(super) fn removed_spans(
    committer: &Committer,
    state: &SourceState,
    range: Window,
) -> Result<Vec<Window>, CommitError> {
    let removed_to = state.told.removed_to;
    if removed_to == 0 || range.is_empty() {
        return Ok(Vec::new());
    }
    let names = digests_of(committer, state)?;
    let mut spans = Vec::new();
    let mut before = 0;
    for (position, name) in names.iter().enumerate() {
        let followed = names.get(position + 1).map(SegmentName::opened);
        if before + 1 < name.sequence().min(removed_to + 1) {
            // The digest of one is gone: nobody knows any more what it held before the next one was opened.
            spans.push(Window::new(Instant::MIN, name.opened()));
        }
        before = name.sequence();
        if before > removed_to {
            break;
        }
        // Sealed when the next one was opened, in whole seconds.
        if followed.is_some_and(|followed| followed + RECORD_AHEAD * 2 < range.from) {
            continue;
        }
        spans.push(match digest_of(committer, state, name) {
            Ok(digest) if digest.records == 0 => continue,
            Ok(digest) => span(&digest),
            Err(_) => Window::new(Instant::MIN, followed.unwrap_or(Instant::MAX)),
        });
    }
    Ok(spans)
}

/// Between the records that have a clock, and up to when it was sealed, lie those that have none.
fn span(digest: &SegmentDigest) -> Window {
    let first = digest.first_record.unwrap_or(digest.opened);
    let from = digest.covered.map_or(first, |covered| first.min(covered.from));
    let last =
        digest.last_record.map_or(digest.sealed, |last| last.min(digest.sealed + RECORD_AHEAD).max(digest.sealed));
    Window::new(from, last + Duration::from_millis(1))
}
