//! Cron patterns with seconds, in UTC.

use chrono::{DateTime, TimeZone, Utc};
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};

use super::quote::quote;
use crate::instant::Instant;

const FIELDS: &str =
    "six fields (second, minute, hour, day of month, month, day of week), for example \"0 */5 * * * *\"";

/// Checks a pattern of six fields that fires again and again; gives it back with single spaces.
pub(super) fn parse(text: &str) -> Result<String, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let pattern = fields.join(" ");
    match fields.len() {
        6 => {}
        5 => {
            let with_seconds = quote(&format!("0 {pattern}"));
            return Err(format!("{} has five fields; seconds come first: try {with_seconds}", quote(text)));
        }
        // Also seven, the last being a year: such a schedule ends some day, and with it the archive, without a word.
        count => return Err(format!("{} has {count} fields; allowed: {FIELDS}", quote(text))),
    }
    // croner takes a list without elements for a field that matches nothing, and then looks for that for minutes.
    if fields.iter().any(|field| field.split(',').any(str::is_empty)) {
        return Err(format!("{} has a comma with nothing beside it; allowed: {FIELDS}", quote(text)));
    }
    let cron = scheduler_pattern(&pattern)
        .map_err(|error| format!("{} is not a cron pattern: {}; allowed: {FIELDS}", quote(text), sentence(&error)))?;
    if never_fires(&cron) {
        return Err(format!("{} never fires: no date matches it; allowed: {FIELDS}", quote(text)));
    }
    Ok(pattern)
}

/// Whether no date matches, such as 30 February.
fn never_fires(cron: &Cron) -> bool {
    // croner gives up in the year 5000. Looking from here it finds that soon, and yet sees every kind of year: even a
    // 29 February on a certain weekday comes within 40 years. No clock is needed: the calendar repeats.
    const YEAR: i32 = 4800;
    let start = Utc.with_ymd_and_hms(YEAR, 1, 1, 0, 0, 0).single();
    start.is_none_or(|start| cron.find_next_occurrence(&start, true).is_err())
}

/// When a pattern of a [`Schedule`](super::Schedule) fires next after `after`; `None` for a pattern that is not valid.
#[must_use]
pub fn next_run(pattern: &str, after: Instant) -> Option<Instant> {
    let after = DateTime::<Utc>::from_timestamp_millis(after.millis())?;
    let next = scheduler_pattern(pattern).ok()?.find_next_occurrence(&after, false).ok()?;
    Some(Instant::from_millis(next.timestamp_millis()))
}

/// Parses in the mode of tokio-cron-scheduler's cron jobs, so that what is accepted here is accepted there: seconds are
/// required, and day of month and day of week must both match.
fn scheduler_pattern(pattern: &str) -> Result<Cron, croner::errors::CronError> {
    CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build().parse(pattern)
}

/// croner's message without its full stop.
fn sentence(error: &croner::errors::CronError) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn six_fields_are_accepted_and_spaced_evenly() {
        assert_eq!(parse("0 */5 * * * *"), Ok("0 */5 * * * *".to_owned()));
        assert_eq!(parse(" 30\t0  2 * * MON-FRI"), Ok("30 0 2 * * MON-FRI".to_owned()));
        assert_eq!(parse("0 0 0 29 2 *"), Ok("0 0 0 29 2 *".to_owned()));
        assert_eq!(parse("0 0 0 29 2 MON#5"), Ok("0 0 0 29 2 MON#5".to_owned()));
    }

    #[test]
    fn bad_patterns_are_refused_with_the_reason() {
        let fields =
            "six fields (second, minute, hour, day of month, month, day of week), for example \"0 */5 * * * *\"";
        let cases = [
            ("*/5 * * * *", "\"*/5 * * * *\" has five fields; seconds come first: try \"0 */5 * * * *\"".to_owned()),
            ("", format!("\"\" has 0 fields; allowed: {fields}")),
            ("@daily", format!("\"@daily\" has 1 fields; allowed: {fields}")),
            ("0 0 0 1 1 * 2031", format!("\"0 0 0 1 1 * 2031\" has 7 fields; allowed: {fields}")),
            (
                "0 61 * * * *",
                format!(
                    "\"0 61 * * * *\" is not a cron pattern: Component error: Number out of bounds; allowed: {fields}"
                ),
            ),
            ("0 0 0 30 2 *", format!("\"0 0 0 30 2 *\" never fires: no date matches it; allowed: {fields}")),
            ("0 0 0 31 4,6 *", format!("\"0 0 0 31 4,6 *\" never fires: no date matches it; allowed: {fields}")),
            (", * * * * *", format!("\", * * * * *\" has a comma with nothing beside it; allowed: {fields}")),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Err(expected));
        }
    }

    #[test]
    fn the_next_run_is_in_utc_and_later() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        assert_eq!(next_run("30 */5 * * * *", at("2026-11-22T10:15:30Z")), Some(at("2026-11-22T10:20:30Z")));
        assert_eq!(next_run("0 0 0 1 * MON", at("2026-11-22T10:15:30Z")), Some(at("2027-02-01T00:00:00Z")));
        assert_eq!(next_run("nonsense", at("2026-11-22T10:15:30Z")), None);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_good_for_the_scheduler(text in "[0-9*/,LW#? -]{0,24}|([*0-9A-Z/,#-]{1,5} ){5}[*0-9A-Z/,#+-]{1,5}") {
            // And what is accepted here is accepted by the scheduler.
            if let Ok(pattern) = parse(&text) {
                let job = tokio_cron_scheduler::Job::new(pattern, |_, _| ());
                prop_assert!(job.is_ok());
            }
        }
    }
}
