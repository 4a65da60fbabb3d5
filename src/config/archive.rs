//! The sections `[archive]` and `[state]`.

use std::path::{Path, PathBuf};

use super::{
    Archive, Config, RotateEvery, choice, keys, mode, path,
    size::{self, TIB},
    table::Table,
};

/// Reads `[archive]` and the folder of `[state]`, from a configuration that lies in `folder`.
pub(super) fn read(document: &Table<'_>, folder: &Path) -> (Archive, PathBuf) {
    let default = Archive::default();
    let archive = document.table("archive", keys::ARCHIVE);
    let state = document.table("state", keys::STATE);

    refuse_compression(&archive);
    let rotations = [("hour", RotateEvery::Hour), ("day", RotateEvery::Day)];
    let checked = Archive {
        dir: archive.parsed("dir", "/var/log/atlas-logd", |text| path::parse(text, folder)).unwrap_or(default.dir),
        // One byte is of use to tests: each window becomes a segment.
        rotate_size: archive
            .parsed("rotate_size", "128MiB", |text| size::parse_within(text, 1..=16 * TIB))
            .unwrap_or(default.rotate_size),
        rotate_every: archive
            .parsed("rotate_every", "day", |text| choice::parse(text, &rotations))
            .unwrap_or(default.rotate_every),
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

fn refuse_compression(archive: &Table<'_>) {
    archive.parsed("compress", "none", |text| {
        match choice::parse(text, &[("none", true), ("gzip", false), ("zstd", false)])? {
            true => Ok(()),
            false => Err("this version does not compress sealed segments yet; allowed: \"none\"".to_owned()),
        }
    });
}
