//! Entries of a cluster's access history, rendered with the very spacing and field order that were recorded.

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::{event::Clocks, profile::Profile, text};
use crate::instant::Instant;

/// The nine fields; each but the group can be missing.
#[derive(Clone, Debug)]
pub(super) struct AccessEntry {
    auth_result: Option<Value>,
    auth_source: Option<Value>,
    failure_reason: Option<Value>,
    group_id: Option<Value>,
    hostname: Option<Value>,
    ip_address: Option<Value>,
    log_line: Option<Value>,
    timestamp: Option<Value>,
    username: Option<Value>,
}

impl AccessEntry {
    /// A successful attempt that a test gives.
    pub(super) fn success(clocks: Clocks, hostname: &str, username: &str) -> Self {
        let attempt =
            Attempt { clocks, hostname, username, ip_address: "192.168.254.214", failed: false, port: 38_476 };
        attempt.entry("684277bb8dba3d3587c5bfbc")
    }

    /// A failed attempt that a test gives.
    pub(super) fn failure(clocks: Clocks, hostname: &str, username: &str, ip_address: &str) -> Self {
        let attempt = Attempt { clocks, hostname, username, ip_address, failed: true, port: 38_476 };
        attempt.entry("684277bb8dba3d3587c5bfbc")
    }

    /// The JSON of the entry: compact, fields in alphabetical order, as recorded.
    pub(super) fn render(&self) -> String {
        let fields = [
            ("authResult", &self.auth_result),
            ("authSource", &self.auth_source),
            ("failureReason", &self.failure_reason),
            ("groupId", &self.group_id),
            ("hostname", &self.hostname),
            ("ipAddress", &self.ip_address),
            ("logLine", &self.log_line),
            ("timestamp", &self.timestamp),
            ("username", &self.username),
        ];
        let present =
            fields.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("\"{name}\":{value}")));
        format!("{{{}}}", present.collect::<Vec<_>>().join(","))
    }
}

/// The entry that `seed` stands for.
pub(super) fn generated(clocks: Clocks, seed: u64, group_id: &str, hostname: &str, profile: &Profile) -> Bytes {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let username = text::user(&mut rng, profile.non_ascii);
    let ip_address = text::ip_address(&mut rng);
    let failed = rng.random_bool(profile.failures);
    let port = rng.random_range(32_768..61_000);
    let attempt = Attempt { clocks, hostname, username, ip_address: &ip_address, failed, port };
    let mut entry = attempt.entry(group_id);
    if let Some(bytes) = profile.padded_to {
        entry.log_line = Some(attempt.padded_log_line(seed, bytes.saturating_sub(entry.render().len())).into());
        return entry.render().into();
    }
    if rng.random_bool(profile.plain_log_lines) {
        entry.log_line = Some(attempt.plain_log_line().into());
    }
    if rng.random_bool(profile.iso_timestamps) {
        entry.timestamp = Some(clocks.timestamp.to_string().into());
    }
    if rng.random_bool(profile.text_results) {
        entry.auth_result = Some((!failed).to_string().into());
    }
    if rng.random_bool(profile.timeless) {
        entry.timestamp = None;
        entry.log_line = Some(format!("conn{port}: Successfully authenticated as {username}").into());
    }
    if rng.random_bool(profile.missing_fields) {
        attempt.lose_fields(&mut entry, &mut rng);
    }
    if rng.random_bool(profile.long) {
        entry.failure_reason = Some(text::filling(seed, profile.long_bytes).into());
    }
    entry.render().into()
}

/// One attempt to authenticate.
struct Attempt<'a> {
    clocks: Clocks,
    hostname: &'a str,
    username: &'a str,
    ip_address: &'a str,
    failed: bool,
    port: u16,
}

impl Attempt<'_> {
    fn entry(&self, group_id: &str) -> AccessEntry {
        AccessEntry {
            auth_result: Some((!self.failed).into()),
            auth_source: Some("admin".into()),
            failure_reason: Some(if self.failed { self.reason().into() } else { Value::Null }),
            group_id: Some(group_id.into()),
            hostname: Some(self.hostname.into()),
            ip_address: Some(self.ip_address.into()),
            log_line: Some(self.log_line("").into()),
            timestamp: Some(recorded_form(self.clocks.timestamp).into()),
            username: Some(self.username.into()),
        }
    }

    fn reason(&self) -> String {
        format!("UserNotFound: Could not find user \"{}\" for db \"admin\"", self.username)
    }

    /// The log line of a server since 4.4; `filling` goes where servers put what does not matter here.
    fn log_line(&self, filling: &str) -> String {
        let date = self.clocks.time.timestamp().strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00");
        let Self { ip_address, port, .. } = self;
        let connection = port % 100;
        let user = Value::from(self.username);
        let (id, message, mechanism) = if self.failed {
            (5_286_307, "Failed to authenticate", "SCRAM-SHA-1")
        } else {
            (5_286_306, "Successfully authenticated", "SCRAM-SHA-256")
        };
        let outcome = if self.failed {
            format!("\"error\":{},\"result\":11", Value::from(self.reason()))
        } else {
            "\"result\":0".to_owned()
        };
        let (micros, first, second) = (150 + port % 900, 40 + port % 37, 10 + port % 7);
        format!(
            r#"{{"t":{{"$date":"{date}"}},"s":"I",  "c":"ACCESS",   "id":{id}, "ctx":"conn{connection}","msg":"{message}","attr":{{"client":"{ip_address}:{port}","isSpeculative":true,"isClusterMember":false,"mechanism":"{mechanism}","user":{user},"db":"admin",{outcome},"metrics":{{"conversation_duration":{{"micros":{micros},"summary":{{"0":{{"step":1,"step_total":2,"duration_micros":{first}}},"1":{{"step":2,"step_total":2,"duration_micros":{second}}}}}}}}},"doc":{{"application":{{"name":"shop"}},"driver":{{"name":"mongo-rust-driver","version":"3.4.1"}},"os":{{"type":"linux","architecture":"aarch64"}}}},"extraInfo":{{{filling}}}}}}}"#
        )
    }

    /// The same with `bytes` bytes more.
    fn padded_log_line(&self, seed: u64, bytes: usize) -> String {
        self.log_line(&format!(r#""seed":"{seed:016x}","filling":"{}""#, text::filling(seed, bytes.saturating_sub(50))))
    }

    /// The log line of a server before 4.4.
    fn plain_log_line(&self) -> String {
        let date = self.clocks.time.timestamp().strftime("%Y-%m-%dT%H:%M:%S.%3f+0000");
        let what = if self.failed {
            "SASL SCRAM-SHA-1 authentication failed for"
        } else {
            "Successfully authenticated as principal"
        };
        let Self { username, ip_address, port, .. } = self;
        format!("{date} I  ACCESS   [conn{}] {what} {username} on admin from client {ip_address}:{port}", port % 100)
    }

    /// All fields are optional: takes some away, and leaves at least the host.
    fn lose_fields(&self, entry: &mut AccessEntry, rng: &mut ChaCha8Rng) {
        let fields = [
            &mut entry.auth_result,
            &mut entry.auth_source,
            &mut entry.failure_reason,
            &mut entry.ip_address,
            &mut entry.log_line,
            &mut entry.timestamp,
            &mut entry.username,
        ];
        for field in fields {
            if rng.random_bool(0.4) {
                *field = None;
            }
        }
    }
}

/// `Fri Jun 06 07:34:45 GMT 2025`: the form of every recorded `timestamp`.
pub(super) fn recorded_form(instant: Instant) -> String {
    instant.timestamp().strftime("%a %b %d %H:%M:%S GMT %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_the_recorded_form() {
        let time: Instant = "2025-06-06T07:34:44.997Z".parse().unwrap();
        let clocks = Clocks { timestamp: time + std::time::Duration::from_millis(3), ..Clocks::at(time) };
        let entry = AccessEntry::failure(clocks, "host-00", "mms-automation", "10.0.0.1").render();
        assert!(entry.starts_with(
            r#"{"authResult":false,"authSource":"admin","failureReason":"UserNotFound: Could not find user \"mms-automation\" for db \"admin\"","groupId":""#
        ));
        assert!(entry.contains(
            r#""logLine":"{\"t\":{\"$date\":\"2025-06-06T07:34:44.997+00:00\"},\"s\":\"I\",  \"c\":\"ACCESS\",   \"id\":5286307, \"ctx\":\""#
        ));
        assert!(entry.ends_with(r#""timestamp":"Fri Jun 06 07:34:45 GMT 2025","username":"mms-automation"}"#));
        let value: Value = serde_json::from_str(&entry).unwrap();
        serde_json::from_str::<Value>(value["logLine"].as_str().unwrap()).unwrap();
    }
}
