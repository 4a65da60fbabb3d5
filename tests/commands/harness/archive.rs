//! Reads the archive as a user would: files in folders.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use atlas_logd::source::{Filter, Source};

use super::{Stage, stored::note_segments};

/// A segment.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// For example `0o640`.
    pub(crate) mode: u32,
}

impl Segment {
    /// Its records.
    pub(crate) fn lines(&self) -> Vec<Vec<u8>> {
        lines(&self.bytes)
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes, {:o})", self.name, self.bytes.len(), self.mode)
    }
}

/// The lines of a segment, each of which has to end.
pub(super) fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(rest) = bytes.strip_suffix(b"\n") else {
        assert!(bytes.is_empty(), "a segment ends in the middle of a line");
        return Vec::new();
    };
    let lines: Vec<Vec<u8>> = rest.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    assert!(lines.iter().all(|line| !line.is_empty()), "an empty line is no record");
    lines
}

impl Stage {
    /// The folder of a source, as it is documented.
    pub(crate) fn folder_of(&self, source: &Source) -> PathBuf {
        let filter = match source.id.filter {
            filter if filter == Filter::default() => String::new(),
            filter => format!("~{}", filter.to_string().replace(':', "_")),
        };
        self.archive().join(format!("{source}{filter}"))
    }

    /// The segments of a source, in their order, whatever form they lie there in; none if it has no folder.
    pub(crate) fn segments(&self, source: &Source) -> Vec<Segment> {
        let Ok(entries) = fs::read_dir(self.folder_of(source)) else { return Vec::new() };
        let mut found = BTreeMap::new();
        note_segments(entries.map(|entry| entry.unwrap().path()), &mut found);
        let segments = found.iter().map(|(plain, stored)| Segment {
            name: plain.file_name().and_then(|name| name.to_str()).unwrap().to_owned(),
            bytes: stored.bytes(),
            mode: fs::metadata(&stored.path).unwrap().permissions().mode() & 0o7777,
        });
        segments.collect()
    }

    /// All bytes of a source, segment after segment.
    pub(crate) fn bytes(&self, source: &Source) -> Vec<u8> {
        self.segments(source).into_iter().flat_map(|segment| segment.bytes).collect()
    }

    /// All archived records of a source.
    pub(crate) fn lines(&self, source: &Source) -> Vec<Vec<u8>> {
        self.segments(source).iter().flat_map(Segment::lines).collect()
    }

    /// The same as text.
    pub(crate) fn text_lines(&self, source: &Source) -> Vec<String> {
        self.lines(source).into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }
}
