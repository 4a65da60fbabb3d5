//! Bearer tokens of service accounts: at most 10 requests for one in a minute, at most 100 alive.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{instant::Instant, sim::settings::Settings};

/// The minute in which token requests are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// All tokens.
#[derive(Debug, Default)]
pub(in crate::sim) struct Tokens {
    live: BTreeMap<String, Token>,
    asked: BTreeMap<String, VecDeque<Instant>>,
}

#[derive(Debug)]
struct Token {
    client_id: String,
    ends: Instant,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum TokenRefusal {
    /// Too many requests; the seconds after which one is allowed again.
    TooOften(u64),
    /// Too many live tokens.
    TooManyLive,
}

impl Tokens {
    /// Counts a token request of an account, also one that fails later.
    pub(in crate::sim) fn count_request(
        &mut self,
        client_id: &str,
        settings: &Settings,
        now: Instant,
    ) -> Result<(), TokenRefusal> {
        let asked = self.asked.entry(client_id.to_owned()).or_default();
        while asked.front().is_some_and(|oldest| now.since(*oldest) >= MINUTE) {
            asked.pop_front();
        }
        if asked.len() >= settings.tokens_per_minute {
            let waited = asked.front().map_or(MINUTE, |oldest| now.since(*oldest));
            return Err(TokenRefusal::TooOften(
                MINUTE.saturating_sub(waited).as_millis().div_ceil(1000).try_into().unwrap_or(60),
            ));
        }
        asked.push_back(now);
        Ok(())
    }

    /// Makes `token` a live token of the account.
    pub(in crate::sim) fn mint(
        &mut self,
        client_id: &str,
        token: String,
        settings: &Settings,
        now: Instant,
    ) -> Result<(), TokenRefusal> {
        self.live.retain(|_, token| now < token.ends);
        if self.live.values().filter(|token| token.client_id == client_id).count() >= settings.live_tokens {
            return Err(TokenRefusal::TooManyLive);
        }
        self.live.insert(token, Token { client_id: client_id.to_owned(), ends: now + settings.token_life });
        Ok(())
    }

    /// The account of a live token.
    pub(in crate::sim) fn client_of(&self, token: &str, now: Instant) -> Option<String> {
        self.live.get(token).filter(|token| now < token.ends).map(|token| token.client_id.clone())
    }

    /// Ends a token of the account; another account's stays.
    pub(in crate::sim) fn revoke(&mut self, client_id: &str, token: &str) {
        if self.live.get(token).is_some_and(|token| token.client_id == client_id) {
            self.live.remove(token);
        }
    }

    pub(in crate::sim) fn revoke_all(&mut self) {
        self.live.clear();
    }

    /// How many tokens are alive.
    pub(in crate::sim) fn live(&self, now: Instant) -> usize {
        self.live.values().filter(|token| now < token.ends).count()
    }
}
