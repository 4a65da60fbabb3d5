//! Shows what happens as it happens.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    cli::terminal,
    collect::{Observer, Progress},
    source::{Source, SourceId},
    words,
};

/// Prints progress, and knows when every source has caught up.
pub(super) struct Show {
    begun: Instant,
    sources: usize,
    caught_up: Mutex<HashSet<SourceId>>,
    all_caught_up: Notify,
    live: Notify,
}

impl Show {
    pub(super) fn new(sources: usize) -> Self {
        Self {
            begun: Instant::now(),
            sources,
            caught_up: Mutex::default(),
            all_caught_up: Notify::new(),
            live: Notify::new(),
        }
    }

    /// Waits until every source has caught up with now.
    pub(super) async fn backlog_done(&self) {
        self.all_caught_up.notified().await;
    }

    /// Waits until a live poll has brought a record.
    pub(super) async fn live_record(&self) {
        self.live.notified().await;
    }

    pub(super) fn observer(self: Arc<Self>) -> Observer {
        Arc::new(move |source: &Source, progress: &Progress<'_>| self.tell(source, progress))
    }

    fn tell(&self, source: &Source, progress: &Progress<'_>) {
        match progress {
            Progress::Committed { window, records, bytes, range } => {
                let live = self.has_caught_up(source);
                if *records > 0 {
                    let what = if live { "live   " } else { "backlog" };
                    self.line(&format!(
                        "{what}  {source}  {} to {}: {}, {}",
                        window.from,
                        window.to,
                        words::count(*records, "record"),
                        words::bytes(*bytes),
                    ));
                    if live {
                        self.live.notify_one();
                    }
                }
                if window.to >= range.to {
                    self.note_caught_up(source);
                }
            }
            Progress::Split { window, error } => {
                let why = error.map_or_else(|| "a full page".to_owned(), ToString::to_string);
                self.line(&format!("split    {source}  {why} for {} to {}: asked in parts", window.from, window.to));
            }
            Progress::Waiting { error, wait } => {
                self.line(&format!("waiting  {source}  {} because {error}", words::duration(*wait)));
            }
            Progress::Late { records, lateness, settle } => {
                self.line(&format!("late     {source}  {}", words::late(*records, *lateness, *settle)));
            }
            Progress::Gap { gap } => {
                self.line(&format!("gap      {source}  {}: {}", gap.window, gap.reason.sentence()));
            }
            Progress::Removed { range } => {
                self.line(&format!("removed  {source}  {} to {} by retention: not asked again", range.from, range.to));
            }
        }
    }

    pub(super) fn line(&self, line: &str) {
        terminal::say(&format!("{:5.1} s  {line}", self.begun.elapsed().as_secs_f64()));
    }

    pub(super) fn has_caught_up(&self, source: &Source) -> bool {
        self.caught_up.lock().unwrap_or_else(PoisonError::into_inner).contains(&source.id)
    }

    fn note_caught_up(&self, source: &Source) {
        let mut caught_up = self.caught_up.lock().unwrap_or_else(PoisonError::into_inner);
        if caught_up.insert(source.id.clone()) && caught_up.len() == self.sources {
            self.line("all sources have caught up");
            self.all_caught_up.notify_one();
        }
    }
}
