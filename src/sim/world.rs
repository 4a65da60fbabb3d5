//! The world: all that the simulated Atlas knows. It can be changed while it serves.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    account::{ApiKey, ServiceAccount},
    auth::{Nonces, Tokens},
    buckets::Buckets,
    fault::Fault,
    faults::Faults,
    lock::lock,
    matching::Match,
    project::Project,
    request::Request,
    requests::{Hold, Requests},
    settings::Settings,
    truth::{Bounds, Event, Order, Profile, Question, Selection, SourceTruth, passes},
    weather::{Trouble, Weather},
};
use crate::{
    clock::Clock,
    instant::Instant,
    source::{Filter, Kind, SourceId},
    window::Window,
};

/// The simulated Atlas, less the HTTP.
#[derive(Debug)]
pub struct World {
    seed: u64,
    clock: Arc<dyn Clock>,
    settings: Mutex<Settings>,
    projects: Mutex<Vec<Project>>,
    service_accounts: Mutex<Vec<ServiceAccount>>,
    api_keys: Mutex<Vec<ApiKey>>,
    truths: Mutex<BTreeMap<SourceId, Arc<SourceTruth>>>,
    tokens: Mutex<Tokens>,
    nonces: Mutex<Nonces>,
    buckets: Mutex<Buckets>,
    faults: Faults,
    requests: Requests,
    drawn: AtomicU64,
}

impl World {
    /// An empty world, whose generated truth follows from `seed` and whose time is that of `clock`.
    #[must_use]
    pub fn new(seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self {
            seed,
            clock,
            settings: Mutex::default(),
            projects: Mutex::default(),
            service_accounts: Mutex::default(),
            api_keys: Mutex::default(),
            truths: Mutex::default(),
            tokens: Mutex::default(),
            nonces: Mutex::default(),
            buckets: Mutex::default(),
            faults: Faults::default(),
            requests: Requests::default(),
            drawn: AtomicU64::new(0),
        }
    }

    /// The source of a name, with everything in it: the key of the truth.
    #[must_use]
    pub fn source(project_id: &str, kind: Kind, name: &str) -> SourceId {
        SourceId { project_id: project_id.to_owned(), kind, name: name.to_owned(), filter: Filter::default() }
    }

    /// The time of the world.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// A copy of the settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    /// Changes settings, for every request from now on.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.settings));
    }

    /// Adds a project.
    pub fn add_project(&self, project: Project) {
        lock(&self.projects).push(project);
    }

    /// Changes projects, clusters, instances and their profiles. What is removed is still in the truth, and is served
    /// again when it is added again, unless it was forgotten in between: see [`World::forget`].
    pub fn change_projects(&self, change: impl FnOnce(&mut Vec<Project>)) {
        change(&mut lock(&self.projects));
    }

    /// Adds a service account.
    pub fn add_service_account(&self, account: ServiceAccount) {
        lock(&self.service_accounts).push(account);
    }

    /// Changes service accounts: secrets, roles.
    pub fn change_service_accounts(&self, change: impl FnOnce(&mut Vec<ServiceAccount>)) {
        change(&mut lock(&self.service_accounts));
    }

    /// Adds an API key.
    pub fn add_api_key(&self, key: ApiKey) {
        lock(&self.api_keys).push(key);
    }

    /// Changes API keys: private keys, roles.
    pub fn change_api_keys(&self, change: impl FnOnce(&mut Vec<ApiKey>)) {
        change(&mut lock(&self.api_keys));
    }

    /// Ends every bearer token, as a revocation by somebody else would.
    pub fn revoke_all_tokens(&self) {
        self.tokens().revoke_all();
    }

    /// How many bearer tokens are alive: none is left behind by a client that revokes its own.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        self.tokens().live(self.now())
    }

    /// Makes every Digest nonce stale.
    pub fn expire_all_nonces(&self) {
        self.nonces().expire_all();
    }

    /// Adds an event to the ground truth of a source.
    pub fn add(&self, source: &SourceId, event: Event) {
        self.truth_of(source).add(event);
    }

    /// Forgets all events of a source that was deleted. Its generated part starts again with the profile that it has then.
    pub fn forget(&self, source: &SourceId) {
        lock(&self.truths).remove(&unfiltered(source));
    }

    /// What happened in a source: all events whose compared clock lies in `range` and that are visible at `as_of`, in
    /// the order of an answer, oldest first; with the source's filter. What Atlas no longer holds is in it too.
    #[must_use]
    pub fn truth(&self, source: &SourceId, range: Window, as_of: Instant) -> Vec<Event> {
        self.truth_iter(source, range, as_of).collect()
    }

    /// The same, one event after the other.
    pub fn truth_iter(&self, source: &SourceId, range: Window, as_of: Instant) -> impl Iterator<Item = Event> + use<> {
        let question = Question {
            from: range.from,
            to: range.to,
            as_of,
            held_since: Instant::MIN,
            clock: self.settings().range_clock,
            bounds: Bounds::HALF_OPEN,
        };
        let filter = source.filter;
        self.select(source, question, Order::OldestFirst).filter(move |event| passes(filter, event))
    }

    /// Strikes requests that match with a fault. Rules are judged in the order in which they were added; all that match
    /// strike.
    pub fn fault(&self, when: Match, fault: Fault) {
        self.faults.add(when, fault);
    }

    /// Strikes requests with faults by chance, besides those that rules name.
    pub fn set_weather(&self, weather: Weather) {
        self.faults.set_weather(weather);
    }

    /// How many requests the weather struck with what, since it was set.
    #[must_use]
    pub fn struck(&self) -> BTreeMap<Trouble, u64> {
        self.faults.struck()
    }

    /// Takes away all faults, those by chance too.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// All requests so far, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.all()
    }

    /// The requests so far that match.
    #[must_use]
    pub fn requests_matching(&self, when: &Match) -> Vec<Request> {
        self.requests.all().into_iter().filter(|request| when.covers(request)).collect()
    }

    /// Forgets the requests so far: long runs, and tests that count from here on.
    pub fn clear_requests(&self) {
        self.requests.clear();
    }

    /// Waits until `count` requests that match have arrived, counted since the last [`World::clear_requests`].
    pub async fn arrived(&self, when: &Match, count: usize) {
        self.requests.arrived(when, count).await;
    }

    /// The same for a synchronous test. False if they did not come within two minutes.
    #[must_use]
    pub fn wait_arrived(&self, when: &Match, count: usize) -> bool {
        self.requests.wait_arrived(when, count)
    }

    /// Holds requests that match, from now on, before they are looked at, until the hold is released or dropped.
    #[must_use]
    pub fn hold(&self, when: Match) -> Hold {
        self.requests.hold(when)
    }

    pub(super) fn select(&self, source: &SourceId, question: Question, order: Order) -> Selection {
        Selection::new(self.truth_of(source), question, order)
    }

    pub(super) fn projects(&self) -> MutexGuard<'_, Vec<Project>> {
        lock(&self.projects)
    }

    pub(super) fn service_accounts(&self) -> MutexGuard<'_, Vec<ServiceAccount>> {
        lock(&self.service_accounts)
    }

    pub(super) fn api_keys(&self) -> MutexGuard<'_, Vec<ApiKey>> {
        lock(&self.api_keys)
    }

    pub(super) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    pub(super) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        lock(&self.nonces)
    }

    pub(super) fn buckets(&self) -> MutexGuard<'_, Buckets> {
        lock(&self.buckets)
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(super) fn request_log(&self) -> &Requests {
        &self.requests
    }

    /// `digits` hexadecimal digits that nobody has seen before: tokens and nonces. The same in every run of a seed.
    pub(super) fn draw(&self, digits: usize) -> String {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"drawn").update(&self.seed.to_le_bytes()).update(&number.to_le_bytes());
        let mut text = hasher.finalize().to_hex().to_string();
        text.truncate(digits);
        text
    }

    fn truth_of(&self, source: &SourceId) -> Arc<SourceTruth> {
        let source = unfiltered(source);
        let exists = self.profile(&source);
        let mut truths = lock(&self.truths);
        match (truths.get(&source), exists) {
            (Some(truth), Some(profile)) if truth.profile() != profile.as_ref() => {
                let changed = Arc::new(truth.with_profile(self.seed, source.clone(), profile));
                truths.insert(source, Arc::clone(&changed));
                changed
            }
            (Some(truth), _) => Arc::clone(truth),
            (None, profile) => {
                let new = Arc::new(SourceTruth::new(self.seed, source.clone(), profile.flatten()));
                truths.insert(source, Arc::clone(&new));
                new
            }
        }
    }

    /// The profile of a source that exists, if it has one.
    fn profile(&self, source: &SourceId) -> Option<Option<Profile>> {
        let projects = self.projects();
        let project = projects.iter().find(|project| project.id == source.project_id)?;
        match source.kind {
            Kind::StreamAudit => {
                let mut instances = project.stream_instances.iter();
                instances.find(|instance| instance.name == source.name).map(|instance| instance.profile.clone())
            }
            Kind::AccessHistory => {
                let mut clusters = project.clusters.iter();
                clusters.find(|cluster| cluster.name == source.name).map(|cluster| cluster.profile.clone())
            }
        }
    }
}

fn unfiltered(source: &SourceId) -> SourceId {
    SourceId { filter: Filter::default(), ..source.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::ManualClock,
        sim::{Cluster, Profile},
    };

    #[test]
    fn a_truth_follows_its_profile_keeps_what_was_given_and_outlives_its_cluster() {
        let now: Instant = "2026-11-20T12:00:00Z".parse().unwrap();
        let world = World::new(1, Arc::new(ManualClock::new(now)));
        let source = World::source("p", Kind::AccessHistory, "prod-0");
        let day = Window::new("2026-11-20T00:00:00Z".parse().unwrap(), now);
        let count = || world.truth(&source, day, now).len();
        world.add_project(Project::new("p", "p").with_cluster(Cluster::new("prod-0")));
        world.add(&source, Event::access(day.from, "host", "given"));
        assert_eq!(count(), 1);
        world.change_projects(|projects| projects[0].clusters[0].profile = Some(Profile::plain(day.from, 1.0)));
        let generated = count();
        assert!(generated > 100);
        world.change_projects(|projects| projects[0].clusters.clear());
        assert_eq!(count(), generated);
        world.forget(&source);
        assert_eq!(count(), 0);
    }
}
