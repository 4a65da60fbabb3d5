//! A client and what it asks for.

use std::{path::Path, sync::Arc, time::Duration};

use super::super::{Answer, Ask, Client, RequestError};
use crate::{
    clock::{ManualClock, SystemClock},
    config::{Atlas, Credential, Secret},
    instant::Instant,
    source::{AuthResult, Filter, Kind, Source, SourceId},
    window::Window,
};

pub(super) const SECRET: &str = "hush-hush";

pub(super) fn atlas(base_url: &str, stall_timeout: Duration) -> Atlas {
    Atlas {
        base_url: base_url.to_owned(),
        ca_file: None,
        connect_timeout: Duration::from_secs(10),
        stall_timeout,
        retry_budget: Duration::from_secs(60),
    }
}

fn secret() -> Secret {
    Secret::Environment { variable: "SECRET".to_owned(), value: SECRET.into() }
}

pub(super) fn service_account(client_secret: Secret) -> Credential {
    Credential::ServiceAccount { client_id: "mdb_sa_id_1".to_owned(), client_secret, expires: None }
}

pub(super) fn secret_file(path: &Path) -> Secret {
    Secret::File(path.to_owned())
}

/// A client with a service account.
pub(super) fn client(base_url: &str) -> Client {
    client_with(base_url, &service_account(secret()))
}

/// A client with an API key.
pub(super) fn key_client(base_url: &str) -> Client {
    client_with(base_url, &Credential::ApiKey { public_key: "abcdefgh".to_owned(), private_key: secret() })
}

pub(super) fn client_with(base_url: &str, credential: &Credential) -> Client {
    Client::new(&atlas(base_url, Duration::from_secs(30)), credential, Arc::new(SystemClock)).unwrap()
}

/// A client that loses patience soon.
pub(super) fn impatient_client(base_url: &str) -> Client {
    let mut atlas = atlas(base_url, Duration::from_secs(2));
    atlas.connect_timeout = Duration::from_secs(2);
    Client::new(&atlas, &service_account(secret()), Arc::new(SystemClock)).unwrap()
}

/// A client whose clock shows `now`.
pub(super) fn client_at(base_url: &str, now: Instant) -> Client {
    let atlas = atlas(base_url, Duration::from_secs(30));
    Client::new(&atlas, &service_account(secret()), Arc::new(ManualClock::new(now))).unwrap()
}

pub(super) fn source(kind: Kind, name: &str) -> SourceId {
    let project_id = "32b6e34b3d91647abb20e7b8".to_owned();
    SourceId { project_id, kind, name: name.to_owned(), filter: Filter::default() }
}

pub(super) fn advice(error: &RequestError, id: &SourceId) -> String {
    error.advice(&Source { id: id.clone(), project_name: "payments".to_owned() }).unwrap_or_default()
}

pub(super) async fn ask(client: &Client, source: &SourceId) -> Result<Answer, RequestError> {
    let asked = Window::new(Instant::from_millis(1_700_000_000_001), Instant::from_millis(1_700_000_100_999));
    client.ask(&Ask { source, asked, auth_result: AuthResult::All, compressed: true }).await
}

/// Asks for an audit log and reads the whole body.
pub(super) async fn audit(client: &Client) -> Result<Vec<u8>, RequestError> {
    read(ask(client, &source(Kind::StreamAudit, "orders")).await?).await
}

/// Asks for an access history and reads the whole body.
pub(super) async fn access(client: &Client) -> Result<Vec<u8>, RequestError> {
    read(ask(client, &source(Kind::AccessHistory, "prod-0")).await?).await
}

pub(super) async fn read(mut answer: Answer) -> Result<Vec<u8>, RequestError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.body.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
