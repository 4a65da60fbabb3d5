//! `atlas-logd export`: the records of a range of time, to standard output.

use std::{
    io::BufWriter,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    archive::RealFiles,
    cli::{Exit, parse_instant, terminal},
    config,
    export::{ExportError, Report, SourceFolder, export},
    instant::Instant,
    shell::quoted,
    shown::shown,
    window::Window,
    words,
};

/// How much is written at once.
const BUFFER: usize = 256 * 1024;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The source, for example payments/access-history/prod-0
    ///
    /// Where several have had that name, its folder in the archive: payments/access-history/prod-0~auth_result=failure
    #[arg(value_name = "SOURCE")]
    source: String,

    /// The beginning of the range (2026-11-22T10:15:00Z, or a date)
    ///
    /// A date is its midnight, UTC.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    from: Instant,

    /// The end of the range: the first instant behind it
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    to: Instant,

    /// The root folder of the archive; then no configuration is needed
    #[arg(long, value_name = "DIR")]
    pub(super) archive: Option<PathBuf>,
}

impl Export {
    /// Exports out of the archive at `root`.
    pub(super) fn run(self, root: &Path) -> anyhow::Result<Exit> {
        let refuse = |why: String| {
            terminal::complain(&format!("atlas-logd: {why}"));
            Ok(Exit::Usage)
        };
        let (from, to) = (self.from, self.to);
        if from >= to {
            return refuse(format!("--from {from} is not before --to {to}"));
        }
        let files = open(root)?;
        let folder = match SourceFolder::find(&files, &self.source) {
            Ok(folder) => folder,
            Err(error @ (ExportError::UnknownSource { .. } | ExportError::Ambiguous { .. })) => {
                return refuse(error.to_string());
            }
            Err(error) => return Err(error.into()),
        };
        let namesakes = folder.namesakes(&files)?;
        let range = Window::new(from, to);
        let mut out = BufWriter::with_capacity(BUFFER, std::io::stdout().lock());
        match export(&files, &folder, range, &mut out) {
            Ok(report) => {
                tell(&report, &folder, range);
                for other in namesakes {
                    terminal::complain(&format!("another source of that name, not exported: {}", other.as_str()));
                }
                tell_checked(&report, root);
                let failed = report.findings.iter().any(|finding| finding.is_failure());
                Ok(if failed { Exit::Failed } else { Exit::Done })
            }
            Err(error) => {
                // What is still in the buffer would be written once more.
                let _ = out.into_parts();
                if error.is_reader_gone() { Ok(Exit::Done) } else { Err(error.into()) }
            }
        }
    }
}

/// The files of an archive, to be read only.
fn open(root: &Path) -> Result<RealFiles, ExportError> {
    let config::Archive { file_mode, dir_mode, .. } = config::Archive::default();
    RealFiles::open(root, file_mode, dir_mode).map_err(|cause| ExportError::Folder { path: root.to_owned(), cause })
}

/// Says on standard error what was exported, what proves it, and what is missing or wrong. The lines about digests are those
/// of `sha256sum`, which checks them in the archive's root folder.
fn tell(report: &Report, folder: &SourceFolder, range: Window) {
    for gap in &report.gaps {
        let detail = words::in_brackets(&gap.detail);
        terminal::complain(&format!("gap {}: {}{detail}", gap.window, gap.reason.sentence()));
    }
    for window in &report.uncovered {
        terminal::complain(&format!("not covered: no digest says yet that {window} was collected"));
    }
    if !report.tells_coverage {
        terminal::complain("what is covered, and whether there are gaps, cannot be told: see below");
    }
    for finding in &report.findings {
        terminal::complain(&shown(&finding.to_string()));
    }
    terminal::complain(&format!(
        "{}, {}, of {range} in {}",
        words::count(report.records, "record"),
        words::count(report.bytes, "byte"),
        shown(folder.as_str()),
    ));
    for unproven in &report.unproven {
        let why = if unproven.is_open { "not sealed yet, so that nothing proves it" } else { "nothing proves it" };
        let records = words::count(unproven.records, "record");
        terminal::complain(&format!("{why}: {}, {records}", unproven.segment));
    }
    if !report.proofs.is_empty() {
        terminal::complain("proven by (SHA-256 of the digest):");
    }
    for proof in &report.proofs {
        terminal::complain(&format!("{}  {}", proof.sha256, shown(&proof.digest)));
    }
}

/// Says on standard error what that was proven with, and what was not looked at.
fn tell_checked(report: &Report, root: &Path) {
    let verify = format!("atlas-logd verify {}", quoted(&root.display().to_string()));
    if report.unheld > 0 {
        terminal::complain(&format!(
            "the chain of digests is broken: no later one holds those up to number {}, and they prove nothing; run {verify}",
            report.unheld
        ));
    }
    terminal::complain(
        "checked: the bytes of the segments that were read against their digests, and each digest of the source against the \
         one behind it (number, SHA-256)",
    );
    let newest = report.newest.as_ref().map(|newest| {
        let held = if newest.is_signed { "its signature" } else { "a head: it is not signed" };
        format!("; the newest digest, {}, is held by nothing but {held}", newest.file.digest)
    });
    terminal::complain(&format!(
        "not checked: signatures, and whether anything is cut off at the end{}; run {verify} --allowed-signers FILE --head SHA256",
        newest.unwrap_or_default()
    ));
}
