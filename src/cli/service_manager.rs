//! What a service manager is told, if there is one: systemd, by the protocol of `sd_notify`.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use sd_notify::NotifyState;

use crate::{
    daemon::{Overview, Watchdog},
    shown::shown,
};

/// How often it is looked whether the daemon makes progress, where nobody asks for more.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// No watchdog is so strict that it has to be fed more often.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(20);

/// So much waits for a service manager that does not listen. What is more is not told.
const WAITING: usize = 64;

/// How long the end of the program waits for a service manager that does not listen.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Tells the service manager on a thread of its own: whoever tells it something waits while its socket is full, and the daemon
/// must not.
#[derive(Debug)]
pub(super) struct ServiceManager {
    words: SyncSender<Word>,
    /// Is closed when all is told.
    ended: Receiver<()>,
}

/// Tells it too.
#[derive(Clone, Debug)]
pub(super) struct Teller(SyncSender<Word>);

#[derive(Debug)]
enum Word {
    State(Vec<NotifyState<'static>>),
    Status(String),
}

impl ServiceManager {
    /// Begins: from now on `watchdog` looks at the daemon, and the service manager is told while it is alive.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(super) fn start(watchdog: Watchdog) -> std::io::Result<Self> {
        let (words, hears) = sync_channel(WAITING);
        let (end, ended) = sync_channel(0);
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            Reporter { watchdog, status: String::new(), stuck: None, told: String::new() }.run(&hears);
            drop(end);
        })?;
        Ok(Self { words, ended })
    }

    pub(super) fn teller(&self) -> Teller {
        Teller(self.words.clone())
    }

    /// Waits until all is told. Nobody may have a [`Teller`] any more that goes on.
    pub(super) fn end(self) {
        drop(self.words);
        // Either it is closed, which is the end, or it takes too long.
        let _ = self.ended.recv_timeout(LAST_WORDS);
    }
}

impl Teller {
    /// All is open and the schedule runs, or a reload is over.
    pub(super) fn ready(&self) {
        self.tell(Word::State(vec![NotifyState::Ready]));
    }

    /// A reload begins. The time tells it from one that is asked for later.
    pub(super) fn reloading(&self) {
        let now = NotifyState::monotonic_usec_now().ok();
        self.tell(Word::State([NotifyState::Reloading].into_iter().chain(now).collect()));
    }

    /// It stops.
    pub(super) fn stopping(&self) {
        self.tell(Word::State(vec![NotifyState::Stopping]));
        self.status("stopping: polls finish the window they are at");
    }

    /// What it does, in words.
    pub(super) fn status(&self, text: &str) {
        self.tell(Word::Status(text.to_owned()));
    }

    /// How all sources are doing.
    pub(super) fn overview(&self, overview: &Overview) {
        self.status(&overview.to_string());
    }

    fn tell(&self, word: Word) {
        if self.0.try_send(word).is_err() {
            tracing::debug!("the service manager was not told: it does not listen");
        }
    }
}

const REFUSED: &str = "the new configuration was refused, the old one is in force: see the log";

/// Tells what it hears, and looks every now and then.
struct Reporter {
    watchdog: Watchdog,
    status: String,
    stuck: Option<String>,
    /// The last text that was told.
    told: String,
}

impl Reporter {
    fn run(&mut self, hears: &Receiver<Word>) {
        let fed = sd_notify::watchdog_enabled();
        let every = fed.map_or(LOOK_EVERY, |within| (within / 4).clamp(LOOK_AT_MOST_EVERY, LOOK_EVERY));
        let mut look = Instant::now();
        loop {
            match hears.recv_timeout(look.saturating_duration_since(Instant::now())) {
                Ok(Word::State(states)) => notify(&states),
                Ok(Word::Status(text)) => self.status = text,
                Err(RecvTimeoutError::Timeout) => {
                    self.stuck = self.watchdog.look();
                    if self.stuck.is_none() && fed.is_some() {
                        notify(&[NotifyState::Watchdog]);
                    }
                    look = Instant::now() + every;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let text = match &self.stuck {
                Some(stuck) => format!("does not get on: {stuck}"),
                None if self.watchdog.sees_refused_reload() => format!("{}; {REFUSED}", self.status),
                None => self.status.clone(),
            };
            if text != self.told {
                // A name with a line break in it must not become a word of the protocol.
                notify(&[NotifyState::Status(&shown(&text))]);
                self.told = text;
            }
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager was not told: {error}");
    }
}
