//! The tables `[credentials.NAME]`: where the secrets are, never the secrets themselves.

use std::collections::BTreeMap;

use super::{Credential, Secret, keys, quote::looks_like_secret, secret::Surroundings, table::Table};
use crate::instant::Instant;

const FORMS: &str = "allowed: client_id with client_secret_file or client_secret_env (a service account), or public_key \
                     with private_key_file or private_key_env (an API key)";

/// The credentials of a document.
#[derive(Debug)]
pub(super) struct Credentials<'d> {
    /// The names of all, also of those that have faults.
    pub(super) names: Vec<&'d str>,
    /// Those without faults.
    pub(super) checked: BTreeMap<String, Credential>,
}

/// Reads all tables `[credentials.NAME]`.
pub(super) fn read<'d>(document: &Table<'d>, surroundings: Surroundings<'_>) -> Credentials<'d> {
    let tables = document.private_tables("credentials");
    let names = tables.iter().map(|(name, _)| *name).collect();
    let checked = tables.iter().filter_map(|(name, table)| {
        let credential = read_one(table.as_ref()?, surroundings)?;
        Some(((*name).to_owned(), credential))
    });
    Credentials { names, checked: checked.collect() }
}

fn read_one(table: &Table<'_>, surroundings: Surroundings<'_>) -> Option<Credential> {
    table.refuse_unknown(keys::CREDENTIAL, hint_about_secret);
    let has_any = |keys: &[&str]| keys.iter().any(|key| table.has(key));
    let is_account = has_any(&["client_id", "client_secret_file", "client_secret_env", "client_secret"]);
    let is_key = has_any(&["public_key", "private_key_file", "private_key_env", "private_key"]);
    match (is_account, is_key) {
        (true, false) => {
            let client_id = read_public_part(table, "client_id", "mdb_sa_id_1234567890abcdef12345678");
            let client_secret = read_secret(table, "client_secret", surroundings);
            let expires = table.parsed("client_secret_expires", "2027-05-01", parse_end);
            Some(Credential::ServiceAccount { client_id: client_id?, client_secret: client_secret?, expires })
        }
        (false, true) => {
            let public_key = read_public_part(table, "public_key", "abcdefgh");
            let private_key = read_secret(table, "private_key", surroundings);
            if table.has("client_secret_expires") {
                table.report("client_secret_expires", "belongs to a service account; an API key does not expire");
            }
            Some(Credential::ApiKey { public_key: public_key?, private_key: private_key? })
        }
        (true, true) => {
            table.report_whole(format!("mixes a service account with an API key; {FORMS}"));
            None
        }
        (false, false) => {
            table.report_whole(format!("says neither who nor where the secret is; {FORMS}"));
            None
        }
    }
}

/// Reads when a secret ends: a time, or a day (UTC), at whose beginning it counts as ended.
fn parse_end(text: &str) -> Result<Instant, String> {
    // Not repeated: it stands among secrets.
    Instant::parse_or_midnight(text)
        .ok_or_else(|| "not a time; allowed: \"2027-05-01\", or \"2027-05-01T10:15:00Z\"".to_owned())
}

/// What is said about a secret that was written into the file.
fn hint_about_secret(key: &str) -> Option<String> {
    let is_inline = matches!(key, "client_secret" | "private_key");
    is_inline.then(|| {
        format!(
            "a secret is not written into this file: put it into a file of its own and name that with {key}_file, or \
                 into an environment variable and name that with {key}_env"
        )
    })
}

/// The client id or public key: goes as user name into HTTP's Basic or Digest authentication.
fn read_public_part(table: &Table<'_>, key: &str, example: &str) -> Option<String> {
    let text = table.required_text(key, example)?.value;
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b":\"\\".contains(&byte));
    if looks_like_secret(text) {
        table.report(key, format!("this looks like a secret, which belongs elsewhere; {FORMS}"));
        return None;
    }
    if !is_name {
        // Not repeated: it stands among secrets.
        table.report(
            key,
            format!("not a {key}; allowed: letters, digits and signs without blanks, for example {example:?}"),
        );
        return None;
    }
    Some(text.to_owned())
}

/// The secret that `{key}_file` or `{key}_env` names.
fn read_secret(table: &Table<'_>, key: &str, surroundings: Surroundings<'_>) -> Option<Secret> {
    let (in_file, in_environment) = (format!("{key}_file"), format!("{key}_env"));
    match (table.has(&in_file), table.has(&in_environment)) {
        (true, false) => table.parsed(&in_file, "atlas-secret", |text| surroundings.secret_in_file(text)),
        (false, true) => table.parsed(&in_environment, "ATLAS_SECRET", |text| surroundings.secret_in_environment(text)),
        (true, true) => {
            table.report(&in_environment, format!("there is a {in_file} too; allowed: one of the two"));
            None
        }
        (false, false) => {
            // A secret in the file itself was reported as such.
            if !table.has(key) {
                table.report_whole(format!("missing secret; add {in_file} or {in_environment}"));
            }
            None
        }
    }
}
