//! Faults by chance: what strikes a request follows from a seed and from how many requests came before it.

use std::{collections::BTreeMap, time::Duration};

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{fault::Fault, request::Request};
use crate::source::Kind;

/// A kind of fault, of which the particulars are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The connection is reset instead of an answer.
    Reset,
    /// The connection is closed within the body.
    Cut,
    /// The connection is reset within the body.
    ResetWithin,
    /// Nothing more comes after some bytes of the body, or after none.
    Stall,
    /// There never is an answer.
    Hang,
    /// The body ends early, with correct framing.
    Truncate,
    /// A byte of a gzip is another one.
    Corrupt,
    /// Garbage follows the end of the body.
    Garbage,
    /// `Content-Length` is not the length.
    Length,
    /// Another body under status 200: a proxy's page, an error, nothing that was asked for.
    Foreign,
    /// 429 with `Retry-After`.
    Limited,
    /// 429 without.
    LimitedAtWill,
    /// 500, 502 or 503, in JSON.
    Failing,
    /// The same in HTML.
    FailingInHtml,
    /// The `Date` is ahead by up to an hour.
    DateAhead,
    /// The `Date` is behind by up to an hour.
    DateBehind,
    /// There is no `Date`.
    NoDate,
    /// An audit log of less than what was asked, whose `Content-Disposition` says so.
    Narrower,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Reset,
        Self::Cut,
        Self::ResetWithin,
        Self::Stall,
        Self::Hang,
        Self::Truncate,
        Self::Corrupt,
        Self::Garbage,
        Self::Length,
        Self::Foreign,
        Self::Limited,
        Self::LimitedAtWill,
        Self::Failing,
        Self::FailingInHtml,
        Self::DateAhead,
        Self::DateBehind,
        Self::NoDate,
        Self::Narrower,
    ];

    /// Whether a client finds out only by waiting.
    #[must_use]
    pub fn takes_time(self) -> bool {
        matches!(self, Self::Stall | Self::Hang)
    }
}

/// Which requests are struck, and with what.
#[derive(Clone, Debug)]
pub struct Weather {
    rng: ChaCha8Rng,
    share: f64,
    troubles: Vec<Trouble>,
    struck: BTreeMap<Trouble, u64>,
}

impl Weather {
    /// Strikes a `share` (0 to 1) of the requests with one of `troubles` each.
    #[must_use]
    pub fn new(seed: u64, share: f64, troubles: &[Trouble]) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { rng, share: share.clamp(0.0, 1.0), troubles: troubles.to_vec(), struck: BTreeMap::new() }
    }

    /// How many requests were struck with what.
    #[must_use]
    pub fn struck(&self) -> &BTreeMap<Trouble, u64> {
        &self.struck
    }

    pub(super) fn strike(&mut self, request: &Request) -> Option<Fault> {
        if !self.rng.random_bool(self.share) {
            return None;
        }
        let trouble = *self.troubles.choose(&mut self.rng)?;
        let fault = self.particulars(trouble, request)?;
        *self.struck.entry(trouble).or_default() += 1;
        Some(fault)
    }

    /// The fault, if this trouble can strike this request so that anybody could notice.
    fn particulars(&mut self, trouble: Trouble, request: &Request) -> Option<Fault> {
        let is_gzip = request.source.as_ref().is_some_and(|source| source.kind == Kind::StreamAudit);
        let status = *[500, 502, 503].choose(&mut self.rng)?;
        Some(match trouble {
            Trouble::Reset => Fault::Reset,
            Trouble::Hang => Fault::Hang,
            Trouble::Cut => Fault::Cut(self.place()),
            Trouble::ResetWithin => Fault::ResetAfter(self.place()),
            Trouble::Stall => Fault::Stall(self.place()),
            // An audit log of no bytes is a complete one, in which nothing happened.
            Trouble::Truncate => Fault::Truncate(1 + self.place()),
            Trouble::Length => Fault::Length(1 + self.place() as u64),
            // Nothing but TLS protects JSON against a changed byte.
            Trouble::Corrupt if !is_gzip => return None,
            Trouble::Corrupt => Fault::Corrupt(self.place()),
            Trouble::Garbage => Fault::Append("garbage".into()),
            Trouble::Foreign => self.foreign(),
            Trouble::Limited => Fault::RateLimited { retry_after: Some(self.rng.random_range(1..=3)) },
            Trouble::LimitedAtWill => Fault::RateLimited { retry_after: None },
            Trouble::Failing => Fault::json(status, "UNEXPECTED_ERROR"),
            Trouble::FailingInHtml => Fault::html(status),
            Trouble::DateAhead => Fault::DateOffset(self.rng.random_range(1..=3_600_000)),
            Trouble::DateBehind => Fault::DateOffset(-self.rng.random_range(1..=3_600_000)),
            Trouble::NoDate => Fault::no_date(),
            Trouble::Narrower if !is_gzip => return None,
            Trouble::Narrower => {
                let mut part = || Duration::from_secs(self.rng.random_range(0..=3600));
                Fault::NarrowRange(part(), part())
            }
        })
    }

    /// A place in a body: near its beginning as often as far within it.
    fn place(&mut self) -> usize {
        let magnitude = self.rng.random_range(0..=16);
        self.rng.random_range(0..=1_usize << magnitude)
    }

    fn foreign(&mut self) -> Fault {
        let bodies: [&'static str; 4] = ["<html>hello</html>", "{}", "null", "\u{1f}\u{8b}"];
        Fault::Body(bodies.choose(&mut self.rng).copied().unwrap_or_default().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        instant::Instant,
        sim::{AuthKind, World},
    };

    fn request(kind: Kind) -> Request {
        Request {
            number: 0,
            at: Instant::from_seconds(0),
            method: "GET".into(),
            path: "/x".into(),
            query: String::new(),
            auth: AuthKind::Bearer,
            user_agent: None,
            accept: None,
            source: Some(World::source("p", kind, "n")),
            status: None,
        }
    }

    fn day(seed: u64, share: f64) -> Vec<Option<Fault>> {
        let mut weather = Weather::new(seed, share, &Trouble::ALL);
        (0..2000).map(|_| weather.strike(&request(Kind::StreamAudit))).collect()
    }

    #[test]
    fn the_same_seed_brings_the_same_faults_and_another_one_others() {
        assert_eq!(day(1, 0.5), day(1, 0.5));
        assert_ne!(day(1, 0.5), day(2, 0.5));
        let struck = day(3, 0.25).iter().flatten().count();
        assert!((400..600).contains(&struck), "{struck} of 2000");
        assert_eq!(day(1, 0.0).iter().flatten().count(), 0);
    }

    #[test]
    fn every_trouble_comes_and_is_counted() {
        let mut weather = Weather::new(1, 1.0, &Trouble::ALL);
        let faults = (0..2000).filter_map(|_| weather.strike(&request(Kind::StreamAudit))).count();
        assert_eq!(weather.struck().keys().copied().collect::<Vec<_>>(), Trouble::ALL);
        assert_eq!(weather.struck().values().sum::<u64>(), faults as u64);
    }

    #[test]
    fn nothing_strikes_that_nobody_could_notice() {
        let mut weather = Weather::new(1, 1.0, &[Trouble::Corrupt, Trouble::Narrower]);
        assert!((0..100).all(|_| weather.strike(&request(Kind::AccessHistory)).is_none()));
        let mut weather = Weather::new(1, 1.0, &[Trouble::Truncate]);
        assert!((0..1000).all(|_| weather.strike(&request(Kind::StreamAudit)) != Some(Fault::Truncate(0))));
    }
}
