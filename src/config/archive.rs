//! The sections `[archive]` and `[state]`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Archive, Compress, Config, RotateEvery, choice, duration, keys, mode, path,
    quote::quote,
    size::{self, TIB},
    table::Table,
};

/// A day more than the 7 days that Atlas may be asked for again, of whatever kind.
const SHORTEST_KEEP: Duration = Duration::from_secs(8 * 24 * 3600);

/// Reads `[archive]` and the folder of `[state]`, from a configuration that lies in `folder`.
pub(super) fn read(document: &Table<'_>, folder: &Path) -> (Archive, PathBuf) {
    let default = Archive::default();
    let archive = document.table("archive", keys::ARCHIVE);
    let state = document.table("state", keys::STATE);

    let rotations = [("hour", RotateEvery::Hour), ("day", RotateEvery::Day)];
    let compressions = [("none", Compress::None), ("gzip", Compress::Gzip), ("zstd", Compress::Zstd)];
    let checked = Archive {
        dir: archive.parsed("dir", "/var/log/atlas-logd", |text| path::parse(text, folder)).unwrap_or(default.dir),
        // One byte is of use to tests: each window becomes a segment.
        rotate_size: archive
            .parsed("rotate_size", "128MiB", |text| size::parse_within(text, 1..=16 * TIB))
            .unwrap_or(default.rotate_size),
        rotate_every: archive
            .parsed("rotate_every", "day", |text| choice::parse(text, &rotations))
            .unwrap_or(default.rotate_every),
        compress: archive
            .parsed("compress", "none", |text| choice::parse(text, &compressions))
            .unwrap_or(default.compress),
        keep: archive.parsed("keep", "400d", parse_keep),
        min_free: archive.parsed("min_free", "5GiB", |text| size::parse_within(text, 1..=16 * TIB)),
        file_mode: archive.parsed("file_mode", "0640", mode::parse_file).unwrap_or(default.file_mode),
        dir_mode: archive.parsed("dir_mode", "0750", mode::parse_dir).unwrap_or(default.dir_mode),
    };
    let state_dir = state
        .parsed("dir", Config::DEFAULT_STATE_DIR, |text| path::parse(text, folder))
        .unwrap_or_else(|| PathBuf::from(Config::DEFAULT_STATE_DIR));
    if state_dir.starts_with(&checked.dir) {
        // The archive holds the archive and nothing else: the state's folder could be that of a project.
        let table = if state.has("dir") { &state } else { &archive };
        table.report("dir", "the state would lie within the archive; allowed: a folder of its own for each");
    }
    (checked, state_dir)
}

/// How long segments are kept.
fn parse_keep(text: &str) -> Result<Duration, String> {
    let keep = duration::parse(text)?;
    if keep >= SHORTEST_KEEP {
        return Ok(keep);
    }
    Err(format!(
        "{} is too short: Atlas may be asked for the last 7 days again, and what was removed would be archived twice; \
         allowed: 8d or more, for example \"400d\"",
        quote(text)
    ))
}
