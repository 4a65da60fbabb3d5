//! The stages of the data's way, each as a piece of work that can be done again and again.

use std::{convert::Infallible, fs, io::Write as _, path::Path, sync::Arc, time::Duration};

use atlas_logd::{
    archive::{Archive, RealFiles, Spooled},
    atlas::{
        Encoding,
        decode::{Limits, gzip_lines, json_entries},
    },
    clock::SystemClock,
    commit::{Committer, Records, Rotation},
    config,
    evidence::RunningSha256,
    instant::Instant,
    record::{Clocks, EntryClocks, Fingerprint, Reading, RecordTimes},
    source::{Filter, Kind, Source, SourceId},
    state::{CoverageChange, Keep, RunMaker, SourceState, Store},
    window::Window,
};
use flate2::{Compression, write::GzEncoder};

use crate::bodies;

const LIMITS: Limits = Limits { record: Limits::RECORD, answer: 1 << 40 };

/// When all of it happened.
fn hour() -> Window {
    let from = Instant::from_seconds(1_790_000_000);
    Window::new(from, from + Duration::from_secs(3600))
}

/// So many bytes of an audit log, as lines.
pub(crate) fn lines(bytes: usize) -> Vec<u8> {
    let mut lines = Vec::new();
    bodies::audit_lines(bytes, hour().from, hour().to, |line| lines.extend_from_slice(line));
    lines
}

/// The same as Atlas sends it.
pub(crate) fn gzip(lines: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines).unwrap();
    encoder.finish().unwrap()
}

/// A page with so many entries.
pub(crate) fn page(entries: usize) -> Vec<u8> {
    let access = bodies::Access::new(entries, hour().from, hour().to);
    let page = access.page(hour().from.millis(), hour().to.millis(), entries);
    [b"{\"accessLogs\":[", page, b"]}"].concat()
}

/// Inflates a body and cuts it into lines; how many there are.
pub(crate) fn inflate_and_split(body: &[u8]) -> u64 {
    let mut count = 0;
    gzip_lines(body, &LIMITS, |_| {
        count += 1;
        Ok::<_, Infallible>(())
    })
    .unwrap();
    count
}

/// Cuts a page into its entries, and reads their clocks on the way; how many there are.
pub(crate) fn split_page(page: &[u8]) -> u64 {
    json_entries(page, &LIMITS, |_, _: Option<EntryClocks>| Ok::<_, Infallible>(())).unwrap()
}

/// The same of a page that was compressed for its way.
pub(crate) fn inflate_and_split_page(page: &[u8]) -> u64 {
    Encoding::Gzip.json_entries(page, &LIMITS, |_, _: Option<EntryClocks>| Ok::<_, Infallible>(())).unwrap()
}

/// The records of a body.
pub(crate) fn records(kind: Kind, body: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    match kind {
        Kind::StreamAudit => records.extend(body.split(|byte| *byte == b'\n').map(<[u8]>::to_vec)),
        Kind::AccessHistory => {
            let count = json_entries(body, &LIMITS, |entry, _: Option<EntryClocks>| {
                records.push(entry.to_vec());
                Ok::<_, Infallible>(())
            });
            count.unwrap();
        }
    }
    records.retain(|record| !record.is_empty());
    records
}

/// Reads the clocks of records and takes their fingerprints; how many have a clock.
pub(crate) fn read(kind: Kind, records: &[Vec<u8>]) -> usize {
    records.iter().filter(|record| Reading::of(kind, record, |_| true).clocks != Clocks::NONE).count()
}

/// Hashes bytes as the proof of a segment does.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let mut hash = RunningSha256::default();
    bytes.chunks(256 * 1024).for_each(|chunk| hash.update(chunk));
    hash.sum().to_string()
}

/// A state and an archive, and one source that commits window after window.
pub(crate) struct Writer {
    committer: Committer,
    state: SourceState,
    window: Window,
}

impl Writer {
    pub(crate) fn new(folder: &Path, kind: Kind) -> Self {
        let (archive, state) = (folder.join("archive"), folder.join("state"));
        fs::create_dir_all(&archive).unwrap();
        fs::create_dir_all(&state).unwrap();
        let store = Arc::new(Store::open(&state).unwrap());
        let files = Arc::new(RealFiles::open(&archive, 0o640, 0o750).unwrap());
        let settings = config::Archive { dir: archive, ..config::Archive::default() };
        let archive = Archive::open(&settings, files, &store).unwrap();
        let committer = Committer::new(store, archive, Arc::new(SystemClock));
        let id = SourceId {
            project_id: "32b6e34b3d91647abb20e7b8".to_owned(),
            kind,
            name: "prod-0".to_owned(),
            filter: Filter::default(),
        };
        let mut state = committer.open(&Source { id, project_name: "p".to_owned() }, rotation()).unwrap();
        let window = hour();
        (state.start, state.end) = (Some(window.from), Some(window.from));
        committer.store().transaction(|transaction| state.save(transaction)).unwrap();
        Self { committer, state, window }
    }

    /// Writes records to the spool.
    pub(crate) fn spool(&self, records: &[Vec<u8>]) -> Spooled {
        let newest_first = self.state.kind == Kind::AccessHistory;
        let mut spool = self.committer.spool(&self.state, newest_first);
        records.iter().for_each(|record| spool.push(record).unwrap());
        spool.finish().unwrap().unwrap()
    }

    /// Spools and commits the records of the next window, each of which may come again for half an hour.
    pub(crate) fn commit(&mut self, records: &[Vec<u8>]) {
        let spooled = self.spool(records);
        let kind = self.state.kind;
        let (window, change) = self.next_window();
        let records_of_window = Records { spooled, change, times: RecordTimes::default() };
        let committed = self.committer.commit(
            &mut self.state,
            records_of_window,
            |each| {
                let (mut maker, until) = (RunMaker::default(), window.to + Duration::from_secs(1800));
                for record in records {
                    if let Some(run) = maker.push(Fingerprint::of(kind, record), window.from, until) {
                        each(Keep::Run(&run))?;
                    }
                }
                maker.take().map_or(Ok(()), |run| each(Keep::Run(&run)))
            },
            rotation(),
        );
        committed.unwrap();
    }

    /// Commits the next window, in which nothing happened.
    pub(crate) fn commit_quietly(&mut self) {
        let (_, change) = self.next_window();
        self.committer.commit_quiet(&mut self.state, &change, |_| Ok(()), None).unwrap();
    }

    fn next_window(&mut self) -> (Window, CoverageChange) {
        let window = self.window;
        self.window = Window::new(window.to, window.to + Duration::from_secs(300));
        (window, CoverageChange { covered: window, gaps: Vec::new(), reconciled: None })
    }
}

fn rotation() -> Rotation {
    Rotation { size: 128 << 20, every: config::RotateEvery::Day }
}
