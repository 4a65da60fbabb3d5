//! An archive with one source, made of the formats alone.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use atlas_logd::{
    archive::{SegmentName, StoredForm},
    evidence::{FORMAT, Range, SegmentDigest, Sha256Sum, SourceIdentity, program},
    instant::Instant,
    record::Clocks,
    source::{Filter, Kind},
    state::ArchiveId,
};
use tempfile::TempDir;

/// The source.
pub(crate) const ORDERS: &str = "payments/stream-audit/orders";

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Noon of a day in March.
pub(crate) fn noon(day: u32) -> Instant {
    at(&format!("2026-03-{day:02}T12:00:00Z"))
}

/// Midnight at the beginning of a day in March.
pub(crate) fn midnight(day: u32) -> Instant {
    at(&format!("2026-03-{day:02}T00:00:00Z"))
}

/// A line that says when it happened.
pub(crate) fn event(time: Instant, note: &str) -> String {
    format!("{{\"time\":{},\"note\":\"{note}\"}}\r\n", time.millis())
}

pub(crate) struct Archive {
    root: TempDir,
    next: u64,
    previous: Option<Sha256Sum>,
    /// The end watermark.
    end: Option<Instant>,
}

impl Archive {
    pub(crate) fn new() -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join(ORDERS)).unwrap();
        Self { root, next: 1, previous: None, end: None }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root().join(ORDERS).join(file)
    }

    /// A segment that was opened in the morning of a day and sealed in the evening; with it, the archive is complete up to
    /// the end of that day.
    pub(crate) fn sealed(&mut self, day: u32, lines: &[String]) -> SegmentName {
        self.sealed_with(day, lines, |_| ())
    }

    /// The same with a digest that tells something else.
    pub(crate) fn sealed_with(
        &mut self,
        day: u32,
        lines: &[String],
        change: impl FnOnce(&mut SegmentDigest),
    ) -> SegmentName {
        let name = self.open(day, &lines.concat());
        let plain = lines.concat().into_bytes();
        let clocks = lines.iter().flat_map(|line| Clocks::of(Kind::StreamAudit, line.trim_end().as_bytes()).iter());
        let clocks: Vec<Instant> = clocks.collect();
        let mut digest = SegmentDigest {
            format: FORMAT,
            archive: ArchiveId::parse("0123456789abcdef0123456789abcdef").unwrap(),
            source: SourceIdentity {
                project_id: "0123456789abcdef01234567".to_owned(),
                project_name: "payments".to_owned(),
                kind: Kind::StreamAudit,
                name: "orders".to_owned(),
                filter: Filter::default(),
                folder: ORDERS.to_owned(),
            },
            sequence: name.sequence(),
            segment: name.clone(),
            records: lines.len() as u64,
            bytes: plain.len() as u64,
            sha256: Sha256Sum::of(&plain),
            first_record: clocks.iter().min().copied(),
            last_record: clocks.iter().max().copied(),
            late_records: 0,
            lateness_ms: 0,
            opened: name.opened(),
            sealed: midnight(day + 1) - Duration::from_secs(3600),
            covered: Some(Range { from: self.end.unwrap_or(midnight(day)), to: midnight(day + 1) }),
            backfilled: Vec::new(),
            reconciled: Vec::new(),
            gaps: Vec::new(),
            damaged: Vec::new(),
            compressed: Vec::new(),
            removed: Vec::new(),
            rebuilt: Vec::new(),
            signing_key: None,
            previous: self.previous,
            program: program(),
        };
        change(&mut digest);
        let bytes = digest.to_bytes();
        self.previous = Some(Sha256Sum::of(&bytes));
        self.end = Some(midnight(day + 1));
        fs::write(self.path(&name.digest()), bytes).unwrap();
        name
    }

    /// A segment that was opened in the morning of a day and is not sealed yet.
    pub(crate) fn open(&mut self, day: u32, bytes: &str) -> SegmentName {
        let name = SegmentName::new(self.next, midnight(day) + Duration::from_secs(3600));
        self.next += 1;
        fs::write(self.path(name.as_str()), bytes).unwrap();
        name
    }

    /// Changes the bytes of a file.
    pub(crate) fn change(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(file)).unwrap();
        change(&mut bytes);
        fs::write(self.path(file), bytes).unwrap();
    }

    /// Leaves a segment there in another form only.
    pub(crate) fn compress(&self, name: &SegmentName, form: StoredForm) {
        let plain = fs::read(self.path(name.as_str())).unwrap();
        let stored = match form {
            StoredForm::Plain => return,
            StoredForm::Gzip => {
                let mut stored = Vec::new();
                flate2::read::GzEncoder::new(&plain[..], flate2::Compression::fast()).read_to_end(&mut stored).unwrap();
                stored
            }
            StoredForm::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(&plain).unwrap();
                encoder.finish().unwrap()
            }
        };
        fs::write(self.path(&form.file_name(name)), stored).unwrap();
        fs::remove_file(self.path(name.as_str())).unwrap();
    }

    /// The line that names the digest of a segment as what proves something.
    pub(crate) fn proof(&self, name: &SegmentName) -> String {
        let sha256 = Sha256Sum::of(&fs::read(self.path(&name.digest())).unwrap());
        format!("{sha256}  {ORDERS}/{}", name.digest())
    }
}
