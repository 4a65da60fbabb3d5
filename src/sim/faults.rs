//! Which faults strike which requests: by rules that name them, and by chance.

use std::{collections::BTreeMap, sync::Mutex};

use super::{
    fault::Fault,
    lock::lock,
    matching::Match,
    request::Request,
    weather::{Trouble, Weather},
};

/// All rules, and the weather.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Mutex<Vec<Rule>>,
    weather: Mutex<Option<Weather>>,
}

#[derive(Debug)]
struct Rule {
    when: Match,
    fault: Fault,
    seen: usize,
}

impl Faults {
    pub(super) fn add(&self, when: Match, fault: Fault) {
        lock(&self.rules).push(Rule { when, fault, seen: 0 });
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        *lock(&self.weather) = Some(weather);
    }

    pub(super) fn struck(&self) -> BTreeMap<Trouble, u64> {
        lock(&self.weather).as_ref().map(Weather::struck).cloned().unwrap_or_default()
    }

    pub(super) fn clear(&self) {
        lock(&self.rules).clear();
        *lock(&self.weather) = None;
    }

    /// The faults that strike a request, in the order of their rules, and then the one that strikes it by chance.
    pub(super) fn strike(&self, request: &Request) -> Vec<Fault> {
        let mut struck = Vec::new();
        for rule in lock(&self.rules).iter_mut().filter(|rule| rule.when.covers(request)) {
            rule.seen += 1;
            if rule.when.strikes(rule.seen) {
                struck.push(rule.fault.clone());
            }
        }
        struck.extend(lock(&self.weather).as_mut().and_then(|weather| weather.strike(request)));
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::{
        instant::Instant,
        sim::{AuthKind, World},
        source::Kind,
    };

    fn request(path: &str, auth: AuthKind) -> Request {
        Request {
            number: 0,
            at: Instant::from_seconds(0),
            method: "GET".into(),
            path: path.into(),
            query: "nLogs=5".into(),
            auth,
            user_agent: None,
            accept: None,
            source: Some(World::source("p", Kind::AccessHistory, "prod-0")),
            status: None,
        }
    }

    #[test]
    fn a_rule_strikes_the_requests_that_it_names_and_no_others() {
        let faults = Faults::default();
        faults.add(Match::path("auditLogs").authenticated().skip(1).times(2), Fault::Reset);
        let strike = |path, auth| faults.strike(&request(path, auth)).len();
        assert_eq!(strike("/auditLogs", AuthKind::None), 0);
        assert_eq!(strike("/auditLogs", AuthKind::Bearer), 0);
        assert_eq!(strike("/other", AuthKind::Bearer), 0);
        assert_eq!(strike("/auditLogs", AuthKind::Digest), 1);
        assert_eq!(strike("/auditLogs", AuthKind::Bearer), 1);
        assert_eq!(strike("/auditLogs", AuthKind::Bearer), 0);
    }

    #[test]
    fn a_source_matches_under_any_filter() {
        let asked = request("/x", AuthKind::Bearer);
        assert!(Match::source(&World::source("p", Kind::AccessHistory, "prod-0")).query("nLogs").covers(&asked));
        assert!(!Match::source(&World::source("p", Kind::StreamAudit, "prod-0")).covers(&asked));
        assert!(!Match::any().method("POST").covers(&asked));
    }

    #[test]
    fn a_range_matches_by_what_it_holds_and_by_its_length() {
        let mut asked = request("/x", AuthKind::Bearer);
        assert_eq!(asked.asked(), None);
        let second = Instant::from_seconds;
        for query in ["startDate=100&endDate=200", "nLogs=5&start=100000&end=200000"] {
            asked.query = query.to_owned();
            assert!(Match::any().about(second(100)).longer_than(Duration::from_secs(99)).covers(&asked));
            assert!(!Match::any().about(second(200)).covers(&asked));
            assert!(!Match::any().longer_than(Duration::from_secs(100)).covers(&asked));
        }
    }
}
