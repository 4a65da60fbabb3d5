//! `atlas-logd skip`: declares a gap.

use std::sync::Arc;

use clap::Args;

use crate::{
    cli::{Exit, parse_instant, sources, terminal},
    clock::{Clock, SystemClock},
    config::Config,
    daemon::open_committer,
    instant::Instant,
    plan::{Gap, GapReason},
    state::{CoverageChange, SourceState, gaps},
    window::Window,
};

#[derive(Debug, Args)]
pub(super) struct Skip {
    /// The source, for example payments/access-history/prod-0
    #[arg(value_name = "SOURCE")]
    source: String,

    /// The beginning of the range (2026-11-22T10:15:00Z, or a date)
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    from: Instant,

    /// The end of the range: the first instant behind it, not in the future
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    to: Instant,

    /// Why it can never be had; an auditor will read it
    #[arg(long)]
    reason: String,
}

impl Skip {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<Exit> {
        let refuse = |why: String| {
            terminal::complain(&format!("atlas-logd: {why}"));
            Ok(Exit::Usage)
        };
        let source = match sources::find(config, &self.source) {
            Ok(source) => source,
            Err(error) => return refuse(error.to_string()),
        };
        let now = SystemClock.now();
        let (from, to) = (self.from, self.to);
        if from >= to {
            return refuse(format!("--from {from} is not before --to {to}"));
        }
        if to > now {
            return refuse(format!("--to {to} lies in the future; what is still to come can be had"));
        }
        if self.reason.trim().is_empty() {
            return refuse("--reason is empty; an auditor will want to know why".to_owned());
        }
        let committer = open_committer(config, Arc::new(SystemClock))?;
        let known = committer.store().read(|connection| SourceState::load(connection, &source.id))?;
        if known.and_then(|state| state.start).is_none() {
            anyhow::bail!("{source} was never polled, so that there is nothing to skip; poll it first");
        }
        let mut state = committer.recover(&source)?;
        let end = state.end.unwrap_or(from);
        let gaps = committer.store().read(|connection| gaps(connection, state.key))?;
        // What damage took is asked for again, and may be what cannot be had; what differs may be meant to stay as it is.
        let undecided = |gap: &&Gap| matches!(gap.reason, GapReason::Damage | GapReason::Differs);
        let undecided = gaps.iter().filter(undecided).map(|gap| gap.window);
        let ahead = Window::new(end, Instant::MAX);
        let asked = Window::new(from, to);
        let parts: Vec<Window> = undecided
            .chain([ahead])
            .map(|missing| missing.intersection(asked))
            .filter(|part| !part.is_empty())
            .collect();
        if parts.is_empty() {
            anyhow::bail!("{source} is collected up to {end} already; there is nothing to skip before that");
        }
        for window in parts {
            let gap = Gap { window, reason: GapReason::Skipped, detail: self.reason.trim().to_owned(), noticed: now };
            let change = CoverageChange { covered: window, gaps: vec![gap], reconciled: None };
            committer.commit_quiet(&mut state, &change, |_| Ok(()), None)?;
            let end = state.end.unwrap_or(to);
            terminal::say(&format!("{source}: {window} is a gap now; the end watermark stands at {end}"));
        }
        Ok(Exit::Done)
    }
}
