//! How it goes: a moving line on a terminal, plain lines elsewhere.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::{beside::Audience, terminal},
    collect::Observer,
    control::{News, Outcome},
    daemon::Stop,
    words,
};

/// Shows how it goes.
pub(super) struct Display {
    bar: ProgressBar,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Display {
    pub(super) fn new() -> Self {
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{spinner} {elapsed} {pos}/{len} sources, {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, records: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Says what a first signal leads to, so that nobody thinks that it was not heard.
    pub(super) fn tell_of_stop(self: &Arc<Self>, stop: Stop) -> tokio::task::JoinHandle<()> {
        let display = Arc::clone(self);
        tokio::spawn(async move {
            stop.soon.cancelled().await;
            display.line("stopping after the windows under way; a second signal cuts them off");
        })
    }

    pub(super) fn observer(self: Arc<Self>) -> Observer {
        Arc::new(move |source, progress| {
            if let Some(news) = News::of(source, progress) {
                self.news(&news);
            }
        })
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Nothing more is expected of a source.
    pub(super) fn passed_over(&self) {
        self.bar.inc(1);
    }
}

impl Audience for Display {
    fn begun(&self, sources: usize) {
        self.bar.set_length(sources as u64);
        self.bar.set_message("asking");
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn news(&self, news: &News) {
        let (source, window, records, bytes, range) = match news {
            News::Committed { source, window, records, bytes, range } => (source, window, records, bytes, range),
            News::Line(line) => return self.line(line),
        };
        let all_records = self.records.fetch_add(*records, Ordering::Relaxed) + records;
        let all_bytes = self.bytes.fetch_add(*bytes, Ordering::Relaxed) + bytes;
        self.bar.set_message(format!(
            "{}, {}; {source} at {} of {}",
            words::count(all_records, "record"),
            words::bytes(all_bytes),
            window.to,
            range.to,
        ));
        if self.bar.is_hidden() {
            let (records, bytes) = (words::count(*records, "new record"), words::bytes(*bytes));
            self.line(&format!("{source}: {window}: {records}, {bytes}"));
        }
    }

    fn ended(&self, outcome: &Outcome) {
        self.bar.inc(1);
        outcome.lines.iter().for_each(|line| self.line(line));
    }

    fn line(&self, line: &str) {
        self.bar.suspend(|| terminal::complain(line));
    }
}
