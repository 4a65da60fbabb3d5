//! What every Atlas of a benchmark has: a process of its own, and the heads of its answers.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use atlas_logd::{
    clock::{Clock as _, SystemClock},
    instant::Instant,
};
use axum::{
    body::Body,
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
};

/// The process, which ends with this.
pub(crate) struct Process(Child);

impl Process {
    /// Starts this program in the part of an Atlas. The line that it says when it is ready comes, too.
    pub(crate) fn start(arguments: &[&str]) -> (Self, String) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env("ATLAS_LOGD_BENCH_PART", "atlas")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (Self(child), line)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A token for an hour.
pub(crate) fn token() -> Response {
    (
        [dated(), (header::CONTENT_TYPE, "application/json".to_owned())],
        r#"{"access_token":"made-up","expires_in":3600,"token_type":"Bearer"}"#,
    )
        .into_response()
}

/// The gzip of an audit log of the stream instance `name`, of this range.
pub(crate) fn log(name: &str, from: Instant, to: Instant, gzip: impl Into<Body>) -> Response {
    let disposition = format!("attachment; filename=\"{name}_{from}_{to}_audit.log.gz\"");
    let typed = (header::CONTENT_TYPE, "application/vnd.atlas.2023-02-01+gzip".to_owned());
    ([dated(), typed, (header::CONTENT_DISPOSITION, disposition)], gzip.into()).into_response()
}

/// A page of access history.
pub(crate) fn page(json: impl Into<Body>) -> Response {
    let typed = (header::CONTENT_TYPE, "application/vnd.atlas.2023-01-01+json".to_owned());
    ([dated(), typed], json.into()).into_response()
}

fn dated() -> (HeaderName, String) {
    (header::DATE, SystemClock.now().timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}
