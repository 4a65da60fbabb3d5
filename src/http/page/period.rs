//! The last day, month and year.

use std::time::Duration;

use jiff::{ToSpan as _, civil, tz::TimeZone};

use crate::{instant::Instant, window::Window};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A range of time that is drawn, up to now.
#[derive(Debug)]
pub(super) struct Period {
    /// For people.
    pub(super) name: &'static str,
    /// What its ticks are called in the page.
    pub(super) id: &'static str,
    pub(super) window: Window,
    pub(super) ticks: Vec<Tick>,
}

/// A place on the axis.
#[derive(Debug)]
pub(super) struct Tick {
    /// In percent of the period.
    pub(super) x: f64,
    pub(super) label: String,
}

impl Period {
    /// The last day, month and year before `now`.
    pub(super) fn all(now: Instant) -> [Self; 3] {
        let date = now.date();
        let midnight = |date: civil::Date| date.to_zoned(TimeZone::UTC).map(|midnight| midnight.timestamp().into());
        let back = |steps: &[i64], step: &dyn Fn(i64) -> Result<civil::Date, jiff::Error>| {
            let dates = steps.iter().filter_map(|&steps| step(steps).ok());
            dates.filter_map(|date| Some((midnight(date).ok()?, date))).collect::<Vec<(Instant, _)>>()
        };
        let hours = (0..=4).filter_map(|six| {
            let rounded = now.timestamp().to_zoned(TimeZone::UTC).start_of_day().ok()?;
            let hour = i64::from(now.timestamp().to_zoned(TimeZone::UTC).hour()) / 6 * 6 - 6 * six;
            let at = rounded.checked_add(hour.hours()).ok()?;
            Some((Instant::from(at.timestamp()), at.strftime("%H:%M").to_string()))
        });
        let weeks = back(&[0, 1, 2, 3, 4], &|weeks| {
            let monday = date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days())?;
            monday.checked_sub(weeks.weeks())
        });
        let quarters = back(&[0, 1, 2, 3, 4], &|quarters| {
            let month = i64::from((date.month() - 1) % 3);
            date.first_of_month().checked_sub((month + 3 * quarters).months())
        });
        let day_of = |(at, date): (Instant, civil::Date)| (at, date.strftime("%-d %b").to_string());
        let month_of = |(at, date): (Instant, civil::Date)| {
            (at, if date.month() == 1 { date.strftime("%Y") } else { date.strftime("%b") }.to_string())
        };
        [
            Self::new("last 24 hours", "day", DAY, now, hours.collect()),
            Self::new("last 30 days", "month", DAY * 30, now, weeks.into_iter().map(day_of).collect()),
            Self::new("last 365 days", "year", DAY * 365, now, quarters.into_iter().map(month_of).collect()),
        ]
    }

    fn new(
        name: &'static str,
        id: &'static str,
        length: Duration,
        now: Instant,
        ticks: Vec<(Instant, String)>,
    ) -> Self {
        let window = Window::new(now - length, now);
        let mut period = Self { name, id, window, ticks: Vec::new() };
        // A label at the very edge would be cut off.
        let tick = |(at, label)| Tick { x: period.place(at), label };
        period.ticks = ticks.into_iter().map(tick).filter(|tick| tick.x > 3.0 && tick.x < 92.0).collect();
        period
    }

    /// Where an instant lies, in percent.
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    pub(super) fn place(&self, at: Instant) -> f64 {
        let length = self.window.to.millis() - self.window.from.millis();
        let at = at.millis().clamp(self.window.from.millis(), self.window.to.millis()) - self.window.from.millis();
        at as f64 * 100.0 / length.max(1) as f64
    }
}
