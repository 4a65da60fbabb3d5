//! How often the token endpoint may be asked: the vendor allows 10 requests a minute and 100 live tokens.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::super::request_error::RequestError;

const MINUTE: Duration = Duration::from_secs(60);
/// Less than 10: a restart, or a second machine with the same account, needs some as well.
const REQUESTS_A_MINUTE: usize = 6;
/// After a failure all callers get the same error for this long, instead of one request each.
const FAILURE_SHARED: Duration = Duration::from_secs(5);
/// Renewals because of a 401, so many in each of these times. Most 401s mean a missing role, which no token cures, and
/// each token counts as alive for an hour.
const FORCED: [(usize, Duration); 2] = [(3, Duration::from_secs(3 * 60)), (20, Duration::from_secs(60 * 60))];

/// Remembers the token requests of the last minutes.
#[derive(Debug, Default)]
pub(super) struct TokenPace {
    requests: VecDeque<Instant>,
    forced: VecDeque<Instant>,
    failure: Option<(Instant, RequestError)>,
}

impl TokenPace {
    /// Permits a token request now and counts it, or says why there is none.
    pub(super) fn request(&mut self, now: Instant) -> Result<(), RequestError> {
        if let Some((at, error)) = &self.failure
            && now < *at + FAILURE_SHARED
        {
            return Err(error.clone());
        }
        forget(&mut self.requests, now, MINUTE);
        if let Some(first) = self.requests.front()
            && self.requests.len() >= REQUESTS_A_MINUTE
        {
            return Err(RequestError::TokenPace { wait: *first + MINUTE - now });
        }
        self.requests.push_back(now);
        Ok(())
    }

    /// Permits a renewal because of a 401 and counts it.
    pub(super) fn force(&mut self, now: Instant) -> bool {
        forget(&mut self.forced, now, FORCED[1].1);
        let lately = |span| self.forced.iter().filter(|&&at| now < at + span).count();
        let permitted = FORCED.iter().all(|&(most, span)| lately(span) < most);
        if permitted {
            self.forced.push_back(now);
        }
        permitted
    }

    pub(super) fn succeeded(&mut self) {
        self.failure = None;
    }

    pub(super) fn failed(&mut self, now: Instant, error: RequestError) {
        self.failure = Some((now, error));
    }
}

fn forget(times: &mut VecDeque<Instant>, now: Instant, span: Duration) {
    while times.front().is_some_and(|&at| at + span <= now) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn stays_below_ten_requests_in_any_minute() {
        let start = Instant::now();
        let mut pace = TokenPace::default();
        let sent: Vec<u64> = (0..300).filter(|&second| pace.request(after(start, second)).is_ok()).collect();
        for second in 0..300 {
            let in_a_minute = sent.iter().filter(|&&at| at >= second && at < second + 60).count();
            assert!(in_a_minute <= 6, "{in_a_minute} requests from second {second} on");
        }
        assert_eq!(sent.len(), 30);
    }

    #[test]
    fn says_how_long_to_wait() {
        let start = Instant::now();
        let mut pace = TokenPace::default();
        for second in 0..6 {
            pace.request(after(start, second)).unwrap();
        }
        let Err(RequestError::TokenPace { wait }) = pace.request(after(start, 20)) else { panic!("permitted") };
        assert_eq!(wait.as_secs(), 40);
        assert!(pace.request(after(start, 60)).is_ok());
    }

    #[test]
    fn shares_a_failure_for_a_few_seconds() {
        let start = Instant::now();
        let mut pace = TokenPace::default();
        pace.request(start).unwrap();
        pace.failed(start, RequestError::Unframed);
        assert!(matches!(pace.request(after(start, 4)), Err(RequestError::Unframed)));
        assert!(pace.request(after(start, 5)).is_ok());
        pace.succeeded();
        assert!(pace.request(after(start, 6)).is_ok());
    }

    #[test]
    fn permits_few_renewals_because_of_a_401() {
        let start = Instant::now();
        let mut pace = TokenPace::default();
        let permitted = (0..600).filter(|&second| pace.force(after(start, second))).count();
        assert_eq!(permitted, 12);
        let permitted = (600..7200).filter(|&second| pace.force(after(start, second))).count();
        assert_eq!(permitted, 8 + 20, "20 an hour");
    }
}
