//! All sources in a line.

use std::{collections::HashMap, fmt, time::Duration};

use crate::{instant::Instant, source::SourceId, status::usual_lag, words};

const MINUTE: Duration = Duration::from_secs(60);

/// A source that is collected.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    id: SourceId,
    /// Its watermark lies no further back than this while it keeps to its schedule; nothing is expected of a paused one.
    lag: Option<Duration>,
}

impl Expected {
    /// A source that is polled once in each `interval`. It is behind when it missed a poll, and had as long again.
    pub(super) fn new(id: SourceId, settle: Duration, interval: Duration) -> Self {
        Self { id, lag: Some(usual_lag(settle, interval)) }
    }

    /// A source whose cluster is paused.
    pub(super) fn paused(id: SourceId) -> Self {
        Self { id, lag: None }
    }
}

/// How all sources are doing, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Sources of the configuration.
    pub sources: usize,
    /// Those of them that do not keep to their schedule.
    pub behind: usize,
    /// Those of them of which nothing was collected yet.
    pub never: usize,
    /// How far back the watermark lies that lies furthest back.
    pub oldest: Option<Duration>,
}

impl Overview {
    /// Of these sources, by the end watermarks of all that have one.
    pub(super) fn of(sources: &[Expected], ends: &HashMap<SourceId, Instant>, now: Instant) -> Self {
        let mut overview = Self { sources: sources.len(), ..Self::default() };
        for (id, expected) in sources.iter().filter_map(|source| Some((&source.id, source.lag?))) {
            match ends.get(id).map(|end| now.since(*end)) {
                None => {
                    overview.never += 1;
                    overview.behind += 1;
                }
                Some(lag) => {
                    overview.behind += usize::from(lag > expected);
                    overview.oldest = overview.oldest.max(Some(lag));
                }
            }
        }
        overview
    }
}

impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sources, behind, never, oldest } = *self;
        if sources == 0 {
            return f.write_str("no sources");
        }
        write!(f, "{}, {behind} behind", words::count(sources as u64, "source"))?;
        if never > 0 {
            write!(f, ", {never} not collected yet")?;
        }
        let Some(lag) = oldest else { return Ok(()) };
        // Seconds matter to nobody where there are minutes.
        let seconds = if lag < MINUTE { lag.as_secs() } else { lag.as_secs() / 60 * 60 };
        write!(f, ", oldest watermark {}", words::duration(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_line() {
        let line = |sources, behind, never, oldest: Option<u64>| {
            Overview { sources, behind, never, oldest: oldest.map(Duration::from_secs) }.to_string()
        };
        assert_eq!(line(42, 0, 0, Some(719)), "42 sources, 0 behind, oldest watermark 11 min");
        assert_eq!(line(1, 0, 0, Some(59)), "1 source, 0 behind, oldest watermark 59 s");
        assert_eq!(
            line(10_000, 2, 1, Some(7_265)),
            "10,000 sources, 2 behind, 1 not collected yet, oldest watermark 2 h 1 min"
        );
        assert_eq!(line(3, 3, 3, None), "3 sources, 3 behind, 3 not collected yet");
        assert_eq!(line(0, 0, 0, None), "no sources");
    }
}
