//! Each credential, and the clock.

use std::{collections::BTreeMap, time::Duration};

use super::finding::{Area, Finding};
use crate::{
    atlas::{Client, Listed, Listing, RequestError},
    plan::CLOCK_TOLERANCE,
    words,
};

/// What is known of a credential after it was tried.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) finding: Finding,
    /// Whether it can be used at all.
    pub(super) usable: bool,
    /// The projects that it sees, where that could be had.
    pub(super) projects: Option<Vec<Listed>>,
}

impl Tried {
    /// A credential that could not be tried.
    pub(super) fn not_asked(name: &str, why: &str) -> Self {
        let finding = Finding::failed(Area::Credentials, subject(name), format!("not asked: {why}"));
        Self { finding, usable: false, projects: None }
    }
}

pub(super) fn subject(name: &str) -> String {
    format!("credentials {name}")
}

/// Tries a credential with the list of projects: it needs a token or digest, and the address on the access list.
pub(super) async fn look(name: &str, client: &Client) -> Tried {
    let failed = |error: &RequestError| {
        let advice = error.advice_on_list(Listing::Projects);
        Finding::failed(Area::Credentials, subject(name), error.to_string()).advise(advice)
    };
    match client.list(Listing::Projects).await {
        Ok(projects) => {
            let seen = words::count(projects.len() as u64, "project");
            let finding = Finding::ok(Area::Credentials, subject(name), format!("ok, sees {seen}"));
            Tried { finding, usable: true, projects: Some(projects) }
        }
        Err(error) if error.concerns_all() => Tried { finding: failed(&error), usable: false, projects: None },
        // It was let in; whether it needs this very list, the other checks say.
        Err(error @ RequestError::Refused { status: 401 | 403, .. }) => {
            let message = format!("ok, but does not see the list of projects: {error}");
            Tried { finding: Finding::ok(Area::Credentials, subject(name), message), usable: true, projects: None }
        }
        Err(error) => Tried { finding: failed(&error), usable: true, projects: None },
    }
}

/// How the clock of this machine compares with Atlas'; nothing where Atlas did not answer at all.
pub(super) fn clock(clients: &BTreeMap<String, Client>) -> Option<Finding> {
    let offsets: Vec<i64> = clients.values().filter_map(Client::clock_offset_ms).collect();
    let Some(offset) = offsets.into_iter().map(i64::unsigned_abs).max().map(Duration::from_millis) else {
        let message = "the answers of Atlas have no Date header, without which no watermark moves";
        let advice = "a proxy between here and Atlas probably removes it: let it through".to_owned();
        let answered = clients.values().any(|client| client.stats().received_bytes > 0);
        return answered.then(|| Finding::failed(Area::Clock, "clock", message).advise(advice));
    };
    Some(if offset > CLOCK_TOLERANCE {
        let message = format!("it differs from Atlas' by {}", words::duration(offset));
        let advice = "set it right, else watermarks lag behind".to_owned();
        Finding::failed(Area::Clock, "clock", message).advise(advice)
    } else if offset >= Duration::from_secs(1) {
        Finding::ok(Area::Clock, "clock", format!("ok, it differs from Atlas' by {}", words::duration(offset)))
    } else {
        Finding::ok(Area::Clock, "clock", "ok, as Atlas'")
    })
}
