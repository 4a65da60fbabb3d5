//! Looks now and then for what no poll fails with, and tells of it once: when it begins, and when it is over.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::{JoinError, JoinSet},
    time::Instant as Moment,
};

use crate::{
    commit::Committer,
    config::Config,
    daemon::Station,
    instant::Instant,
    signals::{Backlog, Event, Signal, ending, ends, low},
    source::{Source, SourceId},
    state::source_ends,
    words,
};

/// How often it looks at most.
const EVERY: Duration = Duration::from_secs(30);

/// So many sources that fall behind at one look have a line of their own; more are one line.
const EACH: usize = 10;

/// What is looked at of a source.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) source: Source,
    pub(super) pattern: String,
    pub(super) settle: Duration,
}

/// What is known from look to look.
#[derive(Debug, Default)]
pub(super) struct Patrol {
    watched: Arc<[Watched]>,
    looking: JoinSet<(Look, Memory)>,
    /// The credentials whose end is known.
    credentials: HashSet<String>,
    memory: Memory,
    next: Option<Moment>,
    /// What was told and is not over, and since when.
    raised: BTreeMap<(Event, String), Instant>,
}

/// What a look saw.
#[derive(Debug)]
pub(super) struct Look {
    signals: Vec<Signal>,
    /// Whether the state could be read: else nothing is known of the sources.
    sources_seen: bool,
}

/// What the last look saw of the sources that were back.
#[derive(Debug, Default)]
struct Memory {
    at: Option<Instant>,
    /// Their end watermarks.
    ends: HashMap<SourceId, Instant>,
    /// Since when a source is without one.
    without: HashMap<SourceId, Instant>,
    /// Those that were told of.
    told: HashSet<SourceId>,
}

impl Patrol {
    /// When to look next.
    pub(super) fn next(&self) -> Moment {
        self.next.unwrap_or_else(Moment::now)
    }

    /// Looks at these sources from now on.
    pub(super) fn watch(&mut self, sources: impl Iterator<Item = Watched>) {
        self.watched = sources.collect();
    }

    /// Looks, unless a look is under way: one that does not come back waits for the disk.
    pub(super) fn begin(&mut self, station: &Station) {
        let allowed = station.config.signals.behind;
        self.next = Some(Moment::now() + EVERY.min(allowed / 2));
        if !self.looking.is_empty() {
            return;
        }
        let (config, committer) = (station.config.clone(), station.collector.shared_committer());
        let (now, mut memory) = (station.clock.now(), std::mem::take(&mut self.memory));
        let (meters, watched) = (Arc::clone(station.meters()), Arc::clone(&self.watched));
        self.credentials = ends(&station.config).map(|(name, _)| name.to_owned()).collect();
        self.looking.spawn_blocking(move || {
            let mut signals = disk(&committer, &config);
            meters.set_writable(signals.iter().all(|signal| signal.event != Event::DiskUnwritable));
            signals.extend(ending(&config, now));
            let behind = behind(&committer, &watched, allowed, now, &mut memory);
            let sources_seen = behind.is_some();
            signals.extend(behind.into_iter().flatten());
            (Look { signals, sources_seen }, memory)
        });
    }

    /// Waits until a look is over, if one is under way.
    pub(super) async fn done(&mut self) -> Option<Result<Look, JoinError>> {
        let looked = self.looking.join_next().await?;
        Some(looked.map(|(look, memory)| {
            self.memory = memory;
            look
        }))
    }

    /// Tells what is new and what is over.
    pub(super) fn note(&mut self, looked: Result<Look, JoinError>, now: Instant) {
        let Look { signals, sources_seen } = match looked {
            Ok(look) => look,
            Err(error) => {
                return tracing::error!(event = "defect", "a look at the disk and the sources failed: {error}");
            }
        };
        let key = |signal: &Signal| (signal.event, signal.subject.clone());
        let (known, new): (Vec<_>, Vec<_>) =
            signals.into_iter().partition(|signal| self.raised.contains_key(&key(signal)));
        let mut still: BTreeMap<_, _> = known
            .iter()
            .chain(&new)
            .map(|signal| (key(signal), self.raised.get(&key(signal)).copied().unwrap_or(now)))
            .collect();
        if !sources_seen {
            still.extend(
                self.raised
                    .iter()
                    .filter(|((event, _), _)| *event == Event::SourceBehind)
                    .map(|(key, since)| (key.clone(), *since)),
            );
        }
        for ((event, subject), since) in std::mem::replace(&mut self.raised, still) {
            // Of what is no longer looked at, nobody knows how it is.
            let goes_on = !self.is_watched(event, &subject)
                || self.raised.contains_key(&(event, subject.clone()))
                || (event == Event::CredentialEnding
                    && self.raised.contains_key(&(Event::CredentialEnded, subject.clone())));
            if !goes_on {
                tell_end(event, &subject, now.since(since));
            }
        }
        let (sources, others): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|signal| signal.event == Event::SourceBehind);
        others.iter().for_each(tell);
        sources.iter().take(EACH).for_each(tell);
        if sources.len() > EACH {
            tracing::error!(
                event = Event::SourceBehind.name(),
                sources = sources.len(),
                "{} are behind their schedules, ten of them as said above; `atlas-logd status --max-lag 1h` names all",
                words::count(sources.len() as u64, "source"),
            );
        }
    }

    /// Whether it is still looked at: a reload may have taken it out.
    fn is_watched(&self, event: Event, subject: &str) -> bool {
        match event {
            Event::DiskUnwritable | Event::DiskLow => true,
            Event::CredentialEnded | Event::CredentialEnding => self.credentials.contains(subject),
            Event::SourceBehind => self.watched.iter().any(|watched| watched.source.to_string() == subject),
        }
    }
}

fn tell(signal: &Signal) {
    let Signal { event, subject, message } = signal;
    if *event == Event::SourceBehind {
        return tracing::error!(event = event.name(), source = subject, "{message}");
    }
    match event.is_error() {
        true => tracing::error!(event = event.name(), subject, "{message}"),
        false => tracing::warn!(event = event.name(), subject, "{message}"),
    }
}

fn tell_end(event: Event, subject: &str, lasted: Duration) {
    let over = match event {
        Event::DiskUnwritable => "archive and state can be written to again",
        Event::DiskLow => "there is room on the archive's file system again",
        Event::CredentialEnded | Event::CredentialEnding => "the secret was renewed",
        Event::SourceBehind => "caught up with its schedule",
    };
    let lasted = words::duration(lasted);
    match event {
        Event::SourceBehind => tracing::info!(event = event.over(), source = subject, "{over}, after {lasted}"),
        _ => tracing::info!(event = event.over(), subject, "{over}, after {lasted}"),
    }
}

/// Whether archive and state can be written to, and have room.
fn disk(committer: &Committer, config: &Config) -> Vec<Signal> {
    let archive = committer.archive();
    let subject = || archive.folder().display().to_string();
    let mut signals = Vec::new();
    if let Err(error) = committer.probe() {
        let message = format!(
            "archive or state cannot be written to: {error}; nothing is archived until they can (Atlas keeps access history for 7 \
             days only); it goes on by itself then"
        );
        signals.push(Signal { event: Event::DiskUnwritable, subject: subject(), message });
    }
    let free = archive.files().free_bytes().ok();
    signals.extend(free.and_then(|free| low(archive.folder(), free, config.archive.min_free)));
    signals
}

/// The sources that are behind and are not catching up: a backlog that is being collected is told of by nobody.
fn behind(
    committer: &Committer,
    watched: &[Watched],
    allowed: Duration,
    now: Instant,
    memory: &mut Memory,
) -> Option<Vec<Signal>> {
    // Where the state cannot be read, polls fail and say why.
    let ends = committer.store().read(source_ends).ok()?;
    let before = std::mem::take(memory);
    memory.at = Some(now);
    let mut backlog = Backlog::default();
    let mut signals = Vec::new();
    for Watched { source, pattern, settle } in watched {
        let message = match ends.get(&source.id) {
            Some(&end) => {
                let Some(behind) = backlog.behind((pattern, *settle), end, now, allowed) else { continue };
                memory.ends.insert(source.id.clone(), end);
                let last = before.at.zip(before.ends.get(&source.id).copied());
                let stands = last.is_some_and(|(at, last)| end.since(last) <= now.since(at));
                if !stands && !before.told.contains(&source.id) {
                    continue;
                }
                behind.sentence()
            }
            None => {
                let since = before.without.get(&source.id).copied().unwrap_or(now);
                memory.without.insert(source.id.clone(), since);
                if now.since(since) <= allowed {
                    continue;
                }
                format!("not collected once since {since}; `atlas-logd status` says why")
            }
        };
        memory.told.insert(source.id.clone());
        signals.push(Signal { event: Event::SourceBehind, subject: source.to_string(), message });
    }
    Some(signals)
}
