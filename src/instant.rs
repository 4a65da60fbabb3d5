//! An instant of UTC, in whole milliseconds: the one unit of time in plans, watermarks and clocks of records.

use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// Saturates at [`Instant::MIN`] and [`Instant::MAX`] (the years −9999 and 9999) instead of overflowing, so that an
/// absurd clock in a record can be compared and printed like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The earliest instant that can be written as a date.
    pub const MIN: Self = Self(-377_705_023_201_000);
    /// The latest instant that can be written as a date.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// The instant `millis` milliseconds after the epoch.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// The instant `seconds` whole seconds after the epoch.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn seconds_floor(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole seconds since the epoch, rounded up.
    #[must_use]
    pub fn seconds_ceil(self) -> i64 {
        self.seconds_floor() + i64::from(self.0.rem_euclid(1000) != 0)
    }

    /// How long after `earlier` this instant is; zero when it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The same instant for jiff.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The day that it is in, in UTC.
    #[must_use]
    pub fn date(self) -> jiff::civil::Date {
        self.timestamp().to_zoned(TimeZone::UTC).date()
    }

    /// Reads an instant as people write it: RFC 3339, or a date, which is midnight UTC.
    #[must_use]
    pub fn parse_or_midnight(text: &str) -> Option<Self> {
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && text.len() == "2026-11-22".len()
        {
            return Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().into());
        }
        text.parse().ok()
    }

    /// `20261122T101500Z`: the form used in file names.
    #[must_use]
    pub fn compact(self) -> String {
        self.timestamp().to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
    }
}

impl From<Timestamp> for Instant {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_millis(timestamp.as_millisecond())
    }
}

impl FromStr for Instant {
    type Err = jiff::Error;

    /// Reads RFC 3339 with any offset, for example `2026-11-22T10:15:00Z` or `2026-02-05T09:24:59.284+00:00`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::from)
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, with milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

impl Serialize for Instant {
    /// As it is displayed.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(duration)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_rfc_3339_in_utc() {
        let instant: Instant = "2026-11-22T12:15:00.250+02:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-11-22T10:15:00.25Z");
        assert_eq!(instant.compact(), "20261122T101500Z");
    }

    #[test]
    fn whole_seconds_are_rounded_outwards_also_before_the_epoch() {
        assert_eq!(Instant::from_millis(1999).seconds_floor(), 1);
        assert_eq!(Instant::from_millis(1999).seconds_ceil(), 2);
        assert_eq!(Instant::from_millis(-1).seconds_floor(), -1);
        assert_eq!(Instant::from_millis(-1).seconds_ceil(), 0);
        assert_eq!(Instant::from_millis(2000).seconds_ceil(), 2);
    }

    #[test]
    fn saturates_instead_of_overflowing_and_can_still_be_printed() {
        for extreme in [i64::MIN, i64::MAX] {
            let instant = Instant::from_millis(extreme);
            assert_eq!(instant + Duration::MAX, Instant::MAX);
            assert_eq!(instant - Duration::MAX, Instant::MIN);
            assert_eq!(instant.to_string().parse::<Instant>().unwrap(), instant);
        }
    }
}
