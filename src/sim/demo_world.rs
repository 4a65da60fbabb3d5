//! The world of `simulate` and of the demo: two projects, one behind a service account, one behind an API key.

use std::{sync::Arc, time::Duration};

use super::{
    account::{ApiKey, Role, ServiceAccount},
    project::{Cluster, Project, StreamInstance, Tier},
    truth::{Arrival, Burst, Profile},
    world::World,
};
use crate::{clock::Clock, instant::Instant};

/// How many days of history there are before the day on which the world is made.
const DAYS: u32 = 3;

/// The project that is asked through the service account.
pub const PAYMENTS: &str = "32b6e34b3d91647abb20e7b8";

/// The project that is asked through the API key.
pub const ANALYTICS: &str = "5d1f9b0c7a2e4466f8c3d201";

/// The credentials of the demo world. They open nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct DemoCredentials {
    /// Of the service account, which may do everything in `payments`.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Of the API key, which may do everything in `analytics`.
    pub public_key: String,
    /// Its private key.
    pub private_key: String,
}

/// The credentials that follow from a seed.
#[must_use]
pub fn demo_credentials(seed: u64) -> DemoCredentials {
    let hex = |what: &str, digits: usize| {
        let mut text = blake3::hash(format!("{seed}/{what}").as_bytes()).to_hex().to_string();
        text.truncate(digits);
        text
    };
    let key = hex("private", 32);
    DemoCredentials {
        client_id: format!("mdb_sa_id_{}", hex("id", 24)),
        client_secret: format!("mdb_sa_sk_{}", hex("secret", 40)),
        public_key: hex("public", 8).bytes().map(|byte| char::from(b'a' + byte % 26)).collect(),
        private_key: [&key[..8], &key[8..12], &key[12..16], &key[16..20], &key[20..]].join("-"),
    }
}

/// Where the truth of a demo world starts that is made `now`: three days before the day.
pub(super) fn demo_start(now: Instant) -> Instant {
    let day = Duration::from_secs(24 * 3600);
    let today = Instant::from_seconds(now.seconds_floor().div_euclid(86_400) * 86_400);
    today - day * DAYS
}

/// The demo world. Its truth follows from `seed` alone, but starts three days before the day of `clock`'s time.
#[must_use]
pub fn demo_world(seed: u64, clock: Arc<dyn Clock>) -> World {
    let since = demo_start(clock.now());
    demo_world_since(seed, since, clock)
}

/// The demo world in which nothing happened before `since`: the same one whenever it is made.
#[must_use]
pub fn demo_world_since(seed: u64, since: Instant, clock: Arc<dyn Clock>) -> World {
    let world = World::new(seed, clock);
    // More than 20,000 entries in a few minutes, once in the history of every day on which the world is made.
    let burst = Burst { every_days: DAYS, lasting: 6, events: 24_000 };
    let noisy = Profile { duplicates: 0.03, non_ascii: 0.15, ..Profile::audit(since, 4.0) };
    let late = Arrival::Single { late: 0.2, latest: Duration::from_secs(300) };
    let slow = Profile { arrival: late, ..Profile::audit(since, 3.0) };
    world.add_project(
        Project::new(PAYMENTS, "payments")
            .with_stream_instance(StreamInstance::new("orders").with_profile(Profile::audit(since, 8.0)))
            .with_stream_instance(StreamInstance::new("billing").with_profile(slow))
            .with_cluster(Cluster::new("prod-0").with_profile(Profile::access(since, 2.0).with_burst(burst)))
            .with_cluster(Cluster::new("prod-1").with_profile(Profile::access(since, 5.0))),
    );
    world.add_project(
        Project::new(ANALYTICS, "analytics")
            .with_stream_instance(StreamInstance::new("Café & shops").with_profile(noisy))
            .with_stream_instance(StreamInstance::new("quiet"))
            .with_cluster(Cluster::new("warehouse").with_profile(Profile::access(since, 3.0)))
            .with_cluster(Cluster::new("staging").with_profile(Profile::access(since, 0.05)))
            .with_cluster(Cluster::new("sandbox").on(Tier::Shared)),
    );
    let DemoCredentials { client_id, client_secret, public_key, private_key } = demo_credentials(seed);
    world.add_service_account(ServiceAccount::new(&client_id, &client_secret).with_role(PAYMENTS, Role::Owner));
    world.add_api_key(ApiKey::new(&public_key, &private_key).with_role(ANALYTICS, Role::Owner));
    world
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::ManualClock, source::Kind, window::Window};

    fn world(now: &str) -> World {
        demo_world(4, Arc::new(ManualClock::new(now.parse().unwrap())))
    }

    #[test]
    fn nothing_happens_before_a_start_that_is_given_and_the_rest_is_the_same() {
        let [since, now]: [Instant; 2] = ["2026-11-19T10:30:00Z", "2026-11-20T06:00:00Z"].map(|at| at.parse().unwrap());
        let given = demo_world_since(4, since, Arc::new(ManualClock::new(now)));
        let usual = world("2026-11-20T06:00:00Z");
        let source = World::source(PAYMENTS, Kind::StreamAudit, "orders");
        let before = Window::new("2026-11-18T00:00:00Z".parse().unwrap(), since);
        assert_eq!((given.truth(&source, before, now).len(), usual.truth(&source, before, now).is_empty()), (0, false));
        let after = Window::new(since, now);
        assert_eq!(given.truth(&source, after, now), usual.truth(&source, after, now));
    }

    fn records(world: &World, range: Window) -> Vec<usize> {
        let sources = world.projects().clone().into_iter().flat_map(|project| {
            let id = project.id;
            let audit = project.stream_instances.iter().map(|it| World::source(&id, Kind::StreamAudit, &it.name));
            let access = project.clusters.iter().map(|it| World::source(&id, Kind::AccessHistory, &it.name));
            audit.chain(access).collect::<Vec<_>>()
        });
        sources.map(|source| world.truth_iter(&source, range, world.now()).count()).collect()
    }

    #[test]
    fn two_worlds_of_one_seed_hold_the_same_truth_whenever_they_were_made() {
        let [earlier, later] = [world("2026-11-20T06:00:00Z"), world("2026-11-20T23:00:00Z")];
        let range = Window::new("2026-11-19T10:00:00Z".parse().unwrap(), "2026-11-19T11:00:00Z".parse().unwrap());
        for (kind, name) in [(Kind::StreamAudit, "orders"), (Kind::AccessHistory, "prod-1")] {
            let source = World::source(PAYMENTS, kind, name);
            let held = earlier.truth(&source, range, Instant::MAX);
            assert!(!held.is_empty());
            assert_eq!(held, later.truth(&source, range, Instant::MAX));
        }
    }

    #[test]
    fn the_backlog_is_moderate_and_one_window_of_it_is_more_than_a_page() {
        let world = world("2026-11-20T12:00:00Z");
        let all = Window::new("2026-11-01T00:00:00Z".parse().unwrap(), Instant::MAX);
        let counts = records(&world, all);
        assert!((100_000..200_000).contains(&counts.iter().sum::<usize>()), "{counts:?}");
        let source = World::source(PAYMENTS, Kind::AccessHistory, "prod-0");
        let times: Vec<_> = world.truth_iter(&source, all, world.now()).map(|event| event.clocks.time).collect();
        let within_an_hour = |first: &Instant| {
            times.iter().filter(|time| *time >= first && time.since(*first) < Duration::from_secs(3600)).count()
        };
        assert!(times.iter().step_by(1000).map(within_an_hour).max() > Some(20_000));
    }

    #[test]
    fn credentials_follow_from_the_seed() {
        assert!(demo_credentials(4) == demo_credentials(4) && demo_credentials(4) != demo_credentials(5));
        let credentials = demo_credentials(4);
        assert_eq!(credentials.private_key.len(), 36);
        assert!(credentials.public_key.bytes().all(|byte| byte.is_ascii_lowercase()));
    }
}
