//! `atlas-logd rebuild`: makes the state again from the archive.

use clap::Args;

use crate::{
    cli::{Exit, terminal},
    clock::SystemClock,
    config::Config,
    rebuild::{Order, RebuiltSource, Report, rebuild},
    shell::quoted,
    shown::{shown, shown_path},
    words,
};

#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// Move the state database that is there aside first; it is kept
    ///
    /// Without it, a state that is there is left alone, and nothing is done.
    #[arg(long)]
    replace: bool,
}

impl Rebuild {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        let order = if self.replace { Order::Replace } else { Order::Keep };
        let report = rebuild(config, &SystemClock, order)?;
        tell(config, &report);
        Ok(Exit::Done)
    }
}

/// Says what was made, and what was assumed.
fn tell(config: &Config, report: &Report) {
    report.moved.iter().for_each(|path| terminal::say(&format!("moved aside: {}", shown_path(path))));
    report.sources.iter().for_each(tell_of_source);
    if report.sources.is_empty() {
        terminal::say("the archive holds no segment yet: the new state knows of no source");
    }
    for forgotten in FORGOTTEN {
        terminal::say(&format!("assumed: {forgotten}"));
    }
    let archive = quoted(&config.archive.dir.display().to_string());
    terminal::say(&format!(
        "the state is made again in {}; no segment was compared with its digest: run atlas-logd verify {archive}",
        config.state_dir.display()
    ));
}

/// What no archive tells of any source.
const FORGOTTEN: [&str; 3] = [
    "what was noted since the newest digest of each source is forgotten (gaps, skips, backfills): the time behind its end \
     watermark is asked again, so that each gap there is found again or closed; a skip has to be declared again",
    "Atlas may compare ranges with the arrival of records: the most is remembered of them",
    "when Atlas did not know a cluster or instance, and how the last polls went, is not known",
];

fn tell_of_source(source: &RebuiltSource) {
    let folder = shown(&source.folder);
    let covered = source.covered.map_or_else(|| "nothing".to_owned(), |covered| covered.to_string());
    terminal::say(&format!(
        "{folder}: {covered} is covered, less {}; {}, {}",
        words::count(source.gaps.len() as u64, "gap"),
        words::count(source.records, "record"),
        words::count(source.segments, "segment"),
    ));
    for gap in &source.gaps {
        let detail = words::in_brackets(&gap.detail);
        terminal::say(&format!("{folder}: gap {}: {}{detail}", gap.window, gap.reason.sentence()));
    }
    for assumption in &source.assumptions {
        terminal::say(&format!("{folder}: assumed: {}", shown(&assumption.to_string())));
    }
}
