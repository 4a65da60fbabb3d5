//! Numbers, sizes and durations in words, wherever people read them.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::{instant::Instant, shown::shown, window::Window};

/// What else there is to say of a gap, to be put behind its reason; nothing where there is nothing.
pub(crate) fn in_brackets(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({})", shown(detail)) }
}

/// A duration for people: its two largest units.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let first = units.iter().position(|&(_, length)| seconds >= length).unwrap_or(units.len() - 1);
    let (name, length) = units[first];
    let mut text = format!("{} {name}", seconds / length);
    if let Some(&(name, smaller)) = units.get(first + 1) {
        let rest = seconds % length / smaller;
        if rest > 0 {
            text.push_str(&format!(" {rest} {name}"));
        }
    }
    text
}

/// An instant for people, to the minute, in UTC.
pub(crate) fn minute(instant: Instant) -> String {
    at(instant, "%Y-%m-%d %H:%M")
}

/// A range for people, likewise; the year of its end only where it is another one.
pub(crate) fn range(window: Window) -> String {
    let same_year = window.from.date().year() == window.to.date().year();
    let to = if same_year { at(window.to, "%m-%d %H:%M") } else { minute(window.to) };
    format!("{} – {to}", minute(window.from))
}

fn at(instant: Instant, format: &str) -> String {
    instant.timestamp().to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// A duration for people, in few characters: its two largest units, or one where there are ten of it.
pub(crate) fn about(length: Duration) -> String {
    let text = duration(length);
    let mut parts = text.splitn(3, ' ');
    match (parts.next(), parts.next()) {
        (Some(count), Some(unit)) if count.len() > 1 => format!("{count} {unit}"),
        _ => text,
    }
}

/// How long a poll took, for people: the units of [`duration`] are too large for most.
pub(crate) fn took(took: Duration) -> String {
    if took < Duration::from_secs(60) { format!("{:.1} s", took.as_secs_f64()) } else { duration(took) }
}

/// A number with its thousands apart.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of a thing.
pub(crate) fn count(how_many: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(how_many), if how_many == 1 { "" } else { "s" })
}

/// That records came later than the settle time.
pub(crate) fn late(records: u64, lateness: Duration, settle: Duration) -> String {
    format!(
        "{} came later than the settle time of {}, at least {} after it happened; make settle longer if that goes on",
        count(records, "record"),
        duration(settle),
        duration(lateness),
    )
}

/// A number of bytes for people.
pub(crate) fn bytes(bytes: u64) -> String {
    bytesize::ByteSize::b(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let text = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([text(0), text(59), text(61), text(3600)], ["0 s", "59 s", "1 min 1 s", "1 h"]);
        assert_eq!(text(90_061), "1 d 1 h");
        let text = |seconds| about(Duration::from_secs(seconds));
        assert_eq!([text(599), text(659), text(36_061)], ["9 min 59 s", "10 min", "10 h"]);
    }

    #[test]
    fn a_range_says_its_year_once() {
        let text = |from: &str, to: &str| range(Window::new(from.parse().unwrap(), to.parse().unwrap()));
        assert_eq!(text("2026-11-15T10:00:59Z", "2026-11-22T10:05:00Z"), "2026-11-15 10:00 – 11-22 10:05");
        assert_eq!(text("2026-11-15T10:00:59Z", "2027-01-01T00:00:00Z"), "2026-11-15 10:00 – 2027-01-01 00:00");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([number(0), number(999), number(1000), number(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
