//! Lines of a stream instance's audit log: OCSF objects as the API notes show them.

use std::fmt::Write as _;

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{profile::Profile, text};
use crate::instant::Instant;

/// `atype`, `activity_id` and `class_uid` of the events that occur.
const ACTIVITIES: [(&str, u32, u32); 5] = [
    ("authenticate", 1, 3002),
    ("logout", 2, 3002),
    ("startStreamProcessor", 3, 6003),
    ("stopStreamProcessor", 4, 6003),
    ("createStreamConnection", 1, 6003),
];

/// The line that `seed` stands for.
pub(super) fn generated(time: Instant, seed: u64, profile: &Profile) -> Bytes {
    if let Some(bytes) = profile.padded_to {
        return padded(time, seed, bytes);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let user = text::user(&mut rng, profile.non_ascii);
    if rng.random_bool(profile.not_json) {
        return format!("mongostream[{}]: {time} restarted for {user} \u{fffd}\r", seed % 10_000).into();
    }
    let time = if rng.random_bool(profile.timeless) { None } else { Some(time) };
    let detail = if rng.random_bool(profile.long) { text::filling(seed, profile.long_bytes) } else { "" };
    let (atype, activity, class) = ACTIVITIES[rng.random_range(0..ACTIVITIES.len())];
    let processor = format!("processor-{}", rng.random_range(0..4));
    line(time, &text::hex(seed, 10), user, (atype, activity, class), &processor, detail).into()
}

/// The line of an event that a test gives, told from others by `note`.
pub(super) fn noted(time: Instant, note: &str) -> String {
    line(Some(time), note, "admin.admin", ACTIVITIES[0], "processor-0", "")
}

/// The line that records a download of the audit log, which Atlas audits itself.
pub(crate) fn downloaded(time: Instant, id: &str, user: &str) -> String {
    line(Some(time), id, user, ("auditLogAccessed", 2, 6003), "", "Audit log accessed")
}

fn line(
    time: Option<Instant>,
    correlation: &str,
    user: &str,
    (atype, activity, class): (&str, u32, u32),
    processor: &str,
    detail: &str,
) -> String {
    let [correlation, user, processor, detail] =
        [correlation, user, processor, detail].map(|text| serde_json::Value::from(text).to_string());
    let category = class / 1000;
    let mut line = format!(r#"{{"activity_id":{activity},"category_uid":{category},"class_uid":{class},"#);
    if let Some(time) = time {
        // Writing into a string cannot fail.
        let _ = write!(line, r#""time":{},"#, time.millis());
    }
    let _ = write!(
        line,
        r#""severity_id":1,"type_uid":{class}0{activity},"metadata":{{"correlation_uid":{correlation},"product":"MongoDB Server","version":"1.0.0"}},"actor":{{"user":{{"type_id":1,"name":{user}}}}},"auth_protocol":"SCRAM-SHA-256","unmapped":{{"atype":"{atype}""#
    );
    if processor != r#""""# {
        let _ = write!(line, r#","param":{{"spName":{processor}}}"#);
    }
    if detail != r#""""# {
        let _ = write!(line, r#","detail":{detail}"#);
    }
    line.push_str("}}");
    line
}

fn padded(time: Instant, seed: u64, bytes: usize) -> Bytes {
    let mut line = format!(r#"{{"time":{},"metadata":{{"correlation_uid":"{seed:016x}"}},"unmapped":""#, time.millis());
    line.push_str(text::filling(seed, bytes.saturating_sub(line.len() + 2)));
    line.push_str("\"}");
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_form_of_the_documentation() {
        let line = noted(Instant::from_millis(1_710_715_316_123), "65f77b34a9");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["time"], 1_710_715_316_123_i64);
        assert_eq!(value["class_uid"], 3002);
        assert_eq!(value["type_uid"], 300_201);
        assert_eq!(value["metadata"]["correlation_uid"], "65f77b34a9");
        assert_eq!(value["unmapped"]["atype"], "authenticate");
    }

    #[test]
    fn a_padded_line_has_exactly_the_bytes_asked_for() {
        for bytes in [200, 1024, 100_000] {
            let line = padded(Instant::from_millis(7), 12_345, bytes);
            assert_eq!(line.len(), bytes);
            serde_json::from_slice::<serde_json::Value>(&line).unwrap();
        }
    }
}
