//! Goes through the segments and writes the records.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

use crate::{
    archive::{Files, SegmentName, SegmentReader, for_each_line},
    evidence::{RunningSha256, Sha256Sum},
    export::{
        ExportError, Finding, Proof, Report, SourceFolder, Unproven,
        inventory::{Inventory, Segment},
        selector::Selector,
    },
    record::Clocks,
    window::Window,
};

/// Writes the records of `range` to `out`, byte for byte, each with its newline, in the order of the archive.
///
/// Takes the same memory for any number of records.
///
/// # Errors
/// When the archive cannot be looked into, or the output takes no more. What is wrong with single files is told by the
/// report instead.
pub fn export(
    files: &dyn Files,
    folder: &SourceFolder,
    range: Window,
    out: &mut dyn Write,
) -> Result<Report, ExportError> {
    let mut inventory = Inventory::take(files, folder)?;
    let missing = inventory.missing(range);
    let tells_coverage = missing.is_some();
    let (gaps, uncovered) = missing.unwrap_or_default();
    let findings = std::mem::take(&mut inventory.findings);
    let (newest, unheld) = (inventory.chain.newest().cloned(), inventory.chain.unheld());
    let report = Report { newest, unheld, gaps, uncovered, tells_coverage, findings, ..Report::default() };
    let mut exporter = Exporter { files, folder, inventory: &inventory, range, out, report };
    for (name, segment) in inventory.segments.iter().filter(|(name, segment)| inventory.can_hold(name, segment, range))
    {
        exporter.segment(name, segment)?;
    }
    exporter.out.flush().map_err(ExportError::Output)?;
    Ok(exporter.report)
}

struct Exporter<'a> {
    files: &'a dyn Files,
    folder: &'a SourceFolder,
    inventory: &'a Inventory,
    range: Window,
    out: &'a mut dyn Write,
    report: Report,
}

/// The bytes of a segment that count, and the digest that says so.
struct Good<'a> {
    digest: &'a Proof,
    /// The digest's number.
    number: u64,
    bytes: u64,
    sha256: Sha256Sum,
    /// Whether the file goes on behind them because it was damaged.
    is_part: bool,
}

impl<'a> Good<'a> {
    fn of(name: &SegmentName, segment: &'a Segment) -> Option<Self> {
        let damaged = segment.damaged.as_ref().map(|admitted| Self {
            digest: &admitted.digest,
            number: admitted.number,
            bytes: admitted.part.good_bytes,
            sha256: admitted.part.good_sha256,
            is_part: true,
        });
        let told = segment.told.as_ref().map(|told| Self {
            digest: &told.digest,
            number: name.sequence(),
            bytes: told.bytes,
            sha256: told.sha256,
            is_part: false,
        });
        damaged.or(told)
    }
}

/// Why a segment was not read to its end.
enum Stop {
    Unreadable(io::Error),
    Output(io::Error),
}

impl Exporter<'_> {
    /// Exports the records of one segment.
    fn segment(&mut self, name: &SegmentName, segment: &Segment) -> Result<(), ExportError> {
        let shown = self.folder.file(name.as_str());
        if let Some(part) = segment.damaged.as_ref().map(|admitted| &admitted.part) {
            self.report.findings.push(Finding::Damaged {
                segment: shown.clone(),
                detail: part.detail.clone(),
                noticed: part.noticed,
                good_bytes: part.good_bytes,
            });
        }
        let good = Good::of(name, segment);
        if good.as_ref().is_some_and(|good| good.is_part && good.bytes == 0) {
            return Ok(());
        }
        match (segment.is_there, &segment.removed, &good) {
            (false, Some(removed), _) => {
                self.report.findings.push(Finding::Removed { segment: shown, decided: removed.decided });
                return Ok(());
            }
            (false, None, Some(good)) => {
                self.report.findings.push(Finding::Missing { segment: shown, digest: good.digest.digest.clone() });
                return Ok(());
            }
            _ => {}
        }
        let before = self.report.records;
        let limit = good.as_ref().map_or(u64::MAX, |good| good.bytes);
        let finding = match self.copy(self.folder.path().join(name.as_str()), limit)? {
            Copied { bytes, failure: Some(cause), .. } => {
                Some(Finding::Unreadable { segment: shown.clone(), bytes, cause })
            }
            copied => good.as_ref().and_then(|good| compare(&copied, good, &shown)),
        };
        let records = self.report.records - before;
        match good.filter(|good| finding.is_none() && self.inventory.chain.holds(good.number)) {
            _ if records == 0 => {}
            Some(Good { digest, .. }) if self.report.proofs.contains(digest) => {}
            Some(Good { digest, .. }) => self.report.proofs.push(digest.clone()),
            None => {
                let is_open = self.inventory.open.as_ref() == Some(name);
                self.report.unproven.push(Unproven { segment: shown, records, is_open });
            }
        }
        self.report.findings.extend(finding);
        Ok(())
    }

    /// Writes those of the first `limit` bytes of a segment that belong to the range. A line that does not end is none: it
    /// is being written, or its end was cut off.
    fn copy(&mut self, path: PathBuf, limit: u64) -> Result<Copied, ExportError> {
        let mut reader = match SegmentReader::open(self.files, &path) {
            Ok(reader) => reader,
            Err(cause) => return Ok(Copied { failure: Some(cause), ..Copied::default() }),
        };
        let mut counted = Counted { reader: reader.by_ref().take(limit), bytes: 0, sha256: RunningSha256::default() };
        let mut selector = Selector::new(self.range);
        let (kind, out, report) = (self.folder.kind(), &mut self.out, &mut self.report);
        let mut write = |line: &[u8]| {
            report.records += 1;
            report.bytes += line.len() as u64;
            out.write_all(line).map_err(Stop::Output)
        };
        let read = for_each_line(&mut counted, Stop::Unreadable, |line| match line.strip_suffix(b"\n") {
            Some(record) => selector.take(line, Clocks::of(kind, record), &mut write),
            None => Ok(()),
        });
        let finished = selector.finish(write);
        let (bytes, sha256) = (counted.bytes, counted.sha256.sum());
        // A compressed form is read to its end, which tells whether it is whole.
        let more = read.and_then(|()| if bytes == limit { is_more(&mut reader) } else { Ok(false) });
        match (more, finished) {
            (Err(Stop::Output(cause)), _) | (_, Err(Stop::Output(cause))) => Err(ExportError::Output(cause)),
            (Err(Stop::Unreadable(cause)), _) | (_, Err(Stop::Unreadable(cause))) => {
                Ok(Copied { bytes, failure: Some(cause), ..Copied::default() })
            }
            (Ok(more), Ok(())) => Ok(Copied { bytes, sha256: Some(sha256), more, failure: None }),
        }
    }
}

/// What was read of a segment.
#[derive(Default)]
struct Copied {
    bytes: u64,
    /// The sum of the bytes.
    sha256: Option<Sha256Sum>,
    /// Whether more lies behind them.
    more: bool,
    /// Why it could not be read to its end.
    failure: Option<io::Error>,
}

/// What is wrong with a segment that was read to its end.
fn compare(copied: &Copied, good: &Good<'_>, shown: &str) -> Option<Finding> {
    let (segment, digest, told) = (shown.to_owned(), good.digest.digest.clone(), good.bytes);
    if copied.bytes < told {
        return Some(Finding::Shorter { segment, digest, found: copied.bytes, told });
    }
    if let Some(found) = copied.sha256.filter(|found| *found != good.sha256) {
        return Some(Finding::Changed { segment, digest, found, told: good.sha256 });
    }
    (copied.more && !good.is_part).then_some(Finding::Longer { segment, digest, told })
}

fn is_more(reader: &mut SegmentReader) -> Result<bool, Stop> {
    let mut next = Vec::new();
    reader.take(1).read_to_end(&mut next).map_err(Stop::Unreadable)?;
    Ok(!next.is_empty())
}

/// Counts and hashes what is read.
struct Counted<R> {
    reader: R,
    bytes: u64,
    sha256: RunningSha256,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        self.sha256.update(&buffer[..read]);
        Ok(read)
    }
}
