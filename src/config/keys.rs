//! Which keys a configuration may hold: the one place to add a key.

/// The sections.
pub(super) const ROOT: &[&str] =
    &["archive", "state", "schedule", "collect", "evidence", "http", "signals", "atlas", "credentials", "project"];
/// `[archive]`
pub(super) const ARCHIVE: &[&str] =
    &["dir", "rotate_size", "rotate_every", "compress", "keep", "min_free", "file_mode", "dir_mode"];
/// `[state]`
pub(super) const STATE: &[&str] = &["dir"];
/// `[schedule]` and a project's `schedule`
pub(super) const SCHEDULE: &[&str] = &["stream_audit", "access_history", "reconcile"];
/// `[collect]`
pub(super) const COLLECT: &[&str] = &[
    "start",
    "stream_audit_settle",
    "access_history_settle",
    "polls_at_once",
    "grace",
    "answer_limit",
    "reconcile_range",
    "stuck_after",
];
/// `[evidence]`
pub(super) const EVIDENCE: &[&str] = &["signing_key"];
/// `[http]`
pub(super) const HTTP: &[&str] = &["listen"];
/// `[signals]`
pub(super) const SIGNALS: &[&str] = &["behind", "credential"];
/// `[atlas]`
pub(super) const ATLAS: &[&str] = &["base_url", "ca_file", "connect_timeout", "stall_timeout", "retry_budget"];
/// `[credentials.NAME]`
pub(super) const CREDENTIAL: &[&str] = &[
    "client_id",
    "client_secret_file",
    "client_secret_env",
    "client_secret_expires",
    "public_key",
    "private_key_file",
    "private_key_env",
];
/// `[[project]]`
pub(super) const PROJECT: &[&str] =
    &["id", "name", "credentials", "stream_instances", "clusters", "schedule", "access_history_filter"];
/// A project's `access_history_filter`
pub(super) const FILTER: &[&str] = &["auth_result", "ip_address"];

/// Every key that a configuration may hold, with its table, for example `archive.dir`, `credentials.NAME.client_id` or
/// `project.schedule.stream_audit`.
#[must_use]
pub fn keys() -> Vec<String> {
    let tables = [
        ("archive", ARCHIVE),
        ("state", STATE),
        ("schedule", SCHEDULE),
        ("collect", COLLECT),
        ("evidence", EVIDENCE),
        ("http", HTTP),
        ("signals", SIGNALS),
        ("atlas", ATLAS),
        ("credentials.NAME", CREDENTIAL),
        ("project", PROJECT),
        ("project.schedule", SCHEDULE),
        ("project.access_history_filter", FILTER),
    ];
    let is_table = |name: &str| tables.iter().any(|(table, _)| *table == name);
    let all = tables.iter().flat_map(|(table, keys)| keys.iter().map(move |key| format!("{table}.{key}")));
    all.filter(|name| !is_table(name)).collect()
}
