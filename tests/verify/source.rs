//! Writes the segments and digests of one source as the daemon does.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use atlas_logd::{
    archive::{SegmentName, StoredForm},
    evidence::{
        Compressed, FORMAT, LastDigest, ListedSource, Range, SegmentDigest, Sha256Sum, SourceIdentity, program,
    },
    instant::Instant,
    source::{Filter, Kind},
    state::ArchiveId,
};

use crate::key::Key;

/// The id of every archive here.
pub(crate) fn archive_id() -> ArchiveId {
    ArchiveId::parse("00112233445566778899aabbccddeeff").unwrap()
}

/// So many hours after the first day began.
pub(crate) fn hour(hours: i64) -> Instant {
    Instant::from_seconds(1_793_491_200 + hours * 3600)
}

/// So many records.
pub(crate) fn records(of: &str, count: u64) -> Vec<u8> {
    (0..count)
        .flat_map(|n| format!("{{\"source\":\"{of}\",\"n\":{n},\"x\":\"{}\"}}\n", n * n * 7919).into_bytes())
        .collect()
}

/// A source that is being written.
pub(crate) struct SourceWriter {
    root: PathBuf,
    identity: SourceIdentity,
    number: u64,
    hour: i64,
    previous: Option<Sha256Sum>,
    last: Option<LastDigest>,
}

impl SourceWriter {
    /// The first hour that it covers is `from`.
    pub(crate) fn new(root: &Path, folder: &str, from: i64) -> Self {
        let parts: Vec<&str> = folder.split('/').collect();
        let kind: Kind = parts[1].parse().unwrap();
        fs::create_dir_all(root.join(folder)).unwrap();
        let identity = SourceIdentity {
            project_id: "0123456789abcdef01234567".to_owned(),
            project_name: parts[0].to_owned(),
            kind,
            name: parts[2].to_owned(),
            filter: Filter::default(),
            folder: folder.to_owned(),
        };
        Self { root: root.to_owned(), identity, number: 1, hour: from, previous: None, last: None }
    }

    fn folder(&self) -> PathBuf {
        self.root.join(&self.identity.folder)
    }

    /// The next segment is opened later.
    pub(crate) fn skip_hours(&mut self, hours: i64) {
        self.hour += hours;
    }

    /// The name of the segment with the next number.
    pub(crate) fn next(&self) -> SegmentName {
        SegmentName::new(self.number, hour(self.hour))
    }

    /// Writes the segment of one hour with its digest, which covers the hour.
    pub(crate) fn seal(
        &mut self,
        bytes: &[u8],
        key: Option<&Key>,
        change: impl FnOnce(&mut SegmentDigest),
    ) -> SegmentName {
        let segment = self.next();
        let records = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let (from, to) = (hour(self.hour), hour(self.hour + 1));
        let mut digest = SegmentDigest {
            format: FORMAT,
            archive: archive_id(),
            source: self.identity.clone(),
            sequence: self.number,
            segment: segment.clone(),
            records,
            bytes: bytes.len() as u64,
            sha256: Sha256Sum::of(bytes),
            first_record: (records > 0).then_some(from),
            last_record: (records > 0).then_some(from),
            late_records: 0,
            lateness_ms: 0,
            opened: segment.opened(),
            sealed: to,
            covered: Some(Range { from, to }),
            backfilled: Vec::new(),
            reconciled: Vec::new(),
            gaps: Vec::new(),
            damaged: Vec::new(),
            compressed: Vec::new(),
            removed: Vec::new(),
            rebuilt: Vec::new(),
            signing_key: key.map(|key| key.signer.fingerprint().to_owned()),
            previous: self.previous,
            program: program(),
        };
        change(&mut digest);
        fs::write(self.folder().join(segment.as_str()), bytes).unwrap();
        let written = digest.to_bytes();
        write_signed(&self.folder().join(segment.digest()), &written, key);
        let sha256 = Sha256Sum::of(&written);
        self.previous = Some(sha256);
        self.last = Some(LastDigest { segment: segment.clone(), sha256 });
        self.number += 1;
        self.hour += 1;
        segment
    }

    /// Writes a segment that is not sealed.
    pub(crate) fn open(&self, bytes: &[u8]) {
        fs::write(self.folder().join(self.next().as_str()), bytes).unwrap();
    }

    /// Compresses a segment; the plain file stays. Gives what the next digest is to say of it.
    pub(crate) fn compress(&self, segment: &SegmentName, form: StoredForm) -> Compressed {
        let bytes = fs::read(self.folder().join(segment.as_str())).unwrap();
        let compressed = compress(&bytes, form);
        let file = form.file_name(segment);
        fs::write(self.folder().join(&file), &compressed).unwrap();
        Compressed {
            segment: segment.clone(),
            file,
            bytes: compressed.len() as u64,
            sha256: Sha256Sum::of(&compressed),
        }
    }

    /// Removes the plain file of a segment.
    pub(crate) fn remove(&self, segment: &SegmentName) {
        fs::remove_file(self.folder().join(segment.as_str())).unwrap();
    }

    /// As an archive digest lists it.
    pub(crate) fn listed(&self) -> ListedSource {
        ListedSource {
            source: self.identity.clone(),
            configured: true,
            last_digest: self.last.clone(),
            complete_until: Some(hour(self.hour)),
            not_collected_since: None,
        }
    }
}

/// One gzip member, or one zstd frame.
pub(crate) fn compress(bytes: &[u8], form: StoredForm) -> Vec<u8> {
    match form {
        StoredForm::Plain => bytes.to_vec(),
        StoredForm::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        StoredForm::Zstd => zstd::encode_all(bytes, 3).unwrap(),
    }
}

/// Writes a digest, and its signature.
pub(crate) fn write_signed(path: &Path, bytes: &[u8], key: Option<&Key>) {
    fs::write(path, bytes).unwrap();
    if let Some(key) = key {
        let mut signature = path.as_os_str().to_owned();
        signature.push(".sig");
        fs::write(signature, key.signer.sign(bytes).unwrap()).unwrap();
    }
}
