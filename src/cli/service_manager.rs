//! What a service manager is told, if there is one: systemd, by the protocol of `sd_notify`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sd_notify::NotifyState;

use crate::{daemon::Overview, shown::shown};

/// How often it is looked whether the daemon makes progress, where nobody asks for more.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// No watchdog is so strict that it has to be fed more often.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(20);

/// The service manager. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct ServiceManager(Arc<Mutex<Told>>);

/// What it was told in words, to tell it only what is new.
#[derive(Debug, Default)]
struct Told {
    /// How the sources are doing.
    overview: String,
    /// What hangs.
    stuck: Option<String>,
    stopping: bool,
    text: String,
}

impl ServiceManager {
    /// How often the daemon has to be looked at so that the watchdog does not bite one that is alive.
    pub(super) fn look_every() -> Duration {
        let watchdog = sd_notify::watchdog_enabled();
        watchdog.map_or(LOOK_EVERY, |within| (within / 4).clamp(LOOK_AT_MOST_EVERY, LOOK_EVERY))
    }

    /// All is open and the schedule runs, or a reload is over.
    pub(super) fn ready(&self) {
        notify(&[NotifyState::Ready]);
    }

    /// A reload begins. The time tells it from one that is asked for later.
    pub(super) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(_) => notify(&[NotifyState::Reloading]),
        }
    }

    /// It stops.
    pub(super) fn stopping(&self) {
        notify(&[NotifyState::Stopping]);
        self.tell(|told| told.stopping = true);
    }

    /// It opens state and archive.
    pub(super) fn opening(&self) {
        self.tell(|told| "opening state and archive".clone_into(&mut told.overview));
    }

    /// How the sources are doing.
    pub(super) fn overview(&self, overview: &Overview) {
        self.tell(|told| told.overview = overview.to_string());
    }

    /// The daemon makes progress, or something hangs: then the watchdog is not fed.
    pub(super) fn alive(&self, stuck: Option<&str>) {
        if stuck.is_none() && sd_notify::watchdog_enabled().is_some() {
            notify(&[NotifyState::Watchdog]);
        }
        self.tell(|told| told.stuck = stuck.map(str::to_owned));
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut told);
        let text = told.text();
        if text != told.text {
            // A name with a line break in it must not become a word of the protocol.
            notify(&[NotifyState::Status(&shown(&text))]);
            told.text = text;
        }
    }
}

impl Told {
    fn text(&self) -> String {
        match (&self.stuck, self.stopping) {
            (Some(stuck), _) => format!("does not get on: {stuck}"),
            (None, true) => "stopping: polls finish the window they are at".to_owned(),
            (None, false) => self.overview.clone(),
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager was not told: {error}");
    }
}
