//! An Atlas for a fleet: in a process of its own, without any limit. Each busy source has an entry every so often, for ever;
//! all others have none.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::Write as _,
    process::{Command, ExitCode},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use atlas_logd::{
    clock::{Clock as _, SystemClock},
    instant::Instant,
    source::Kind,
};
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use flate2::{Compression, write::GzEncoder};

use crate::{
    access_entry::access_entry,
    fleet::Fleet,
    replies::{self, Process},
};

/// The process.
pub(crate) struct Atlas {
    _process: Process,
    pub(crate) base: String,
}

/// A request for records.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    /// When it came.
    pub(crate) at: Instant,
    /// Project id, kind and name.
    pub(crate) source: (String, Kind, String),
}

/// All that was asked for.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) asked: Vec<Asked>,
    pub(crate) unauthenticated: u64,
    pub(crate) tokens: u64,
}

impl Atlas {
    /// Starts it; it is ready.
    pub(crate) fn start(fleet: &Fleet) -> Self {
        let (process, line) = Process::start(&[&fleet.apart().to_string()]);
        Self { _process: process, base: line.trim().to_owned() }
    }

    /// What was asked for since it started.
    pub(crate) fn traffic(&self) -> Traffic {
        let output = Command::new("curl").args(["-fsS", &format!("{}/traffic", self.base)]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines();
        let counts: Vec<u64> = lines.next().unwrap().split(' ').map(|count| count.parse().unwrap()).collect();
        let asked = lines.map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let source = (words[1].to_owned(), words[2].parse().unwrap(), words[3].to_owned());
            Asked { at: Instant::from_millis(words[0].parse().unwrap()), source }
        });
        Traffic { asked: asked.collect(), unauthenticated: counts[0], tokens: counts[1] }
    }
}

struct Desk {
    /// From one entry to the next, in milliseconds.
    apart: i64,
    /// A line for each request.
    asked: Mutex<String>,
    unauthenticated: AtomicU64,
    tokens: AtomicU64,
}

impl Desk {
    /// Whether a request is answered; it is noted then.
    fn admit(&self, headers: &HeaderMap, project: &str, kind: Kind, name: &str) -> bool {
        let at = SystemClock.now().millis();
        let admitted = headers.contains_key(header::AUTHORIZATION);
        self.unauthenticated.fetch_add(u64::from(!admitted), Ordering::Relaxed);
        if admitted {
            writeln!(self.asked.lock().unwrap(), "{at} {project} {kind} {name}").unwrap();
        }
        admitted
    }

    /// The times of the entries of a source in `[from, to]`, oldest first.
    fn times(&self, name: &str, from: i64, to: i64) -> impl DoubleEndedIterator<Item = i64> + use<> {
        let (apart, to) = (self.apart, to.min(SystemClock.now().millis()));
        let busy = name.starts_with("busy");
        let (first, behind) = if busy { ((from - 1).div_euclid(apart) + 1, to.div_euclid(apart) + 1) } else { (0, 0) };
        (first..behind).map(move |number| number * apart)
    }
}

/// The part of the process that serves.
pub(crate) fn serve() -> ExitCode {
    let apart = std::env::args().nth(1).unwrap().parse().unwrap();
    let desk = Desk { apart, asked: Mutex::default(), unauthenticated: AtomicU64::new(0), tokens: AtomicU64::new(0) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/api/oauth/token", post(token))
            .route("/api/oauth/revoke", post(async || StatusCode::OK))
            .route("/api/atlas/v2/groups/{project}/streams/{name}/auditLogs", get(audit))
            .route("/api/atlas/v2/groups/{project}/dbAccessHistory/clusters/{name}", get(access))
            .route("/traffic", get(traffic))
            .with_state(Arc::new(desk));
        axum::serve(listener, router).await.unwrap();
    });
    ExitCode::SUCCESS
}

async fn traffic(State(desk): State<Arc<Desk>>) -> String {
    let [unauthenticated, tokens] = [&desk.unauthenticated, &desk.tokens].map(|count| count.load(Ordering::Relaxed));
    format!("{unauthenticated} {tokens}\n{}", desk.asked.lock().unwrap())
}

async fn token(State(desk): State<Arc<Desk>>) -> Response {
    desk.tokens.fetch_add(1, Ordering::Relaxed);
    replies::token()
}

async fn audit(
    State(desk): State<Arc<Desk>>,
    Path((project, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if !desk.admit(&headers, &project, Kind::StreamAudit, &name) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let at = |name: &str| Instant::from_seconds(query[name].parse().unwrap());
    let (from, to) = (at("startDate"), at("endDate"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for time in desk.times(&name, from.millis(), to.millis()) {
        writeln!(
            encoder,
            "{{\"activity_id\":1,\"category_uid\":3,\"class_uid\":3002,\"time\":{time},\"severity_id\":1,\"type_uid\":300201,\
             \"metadata\":{{\"correlation_uid\":\"{time:020x}\",\"product\":\"MongoDB Server\",\"version\":\"1.0.0\"}},\
             \"actor\":{{\"user\":{{\"type_id\":1,\"name\":\"{name}\"}}}},\"src_endpoint\":{{\"ip\":\"192.168.254.{}\",\
             \"port\":27017}},\"auth_protocol\":\"SCRAM-SHA-256\",\"unmapped\":{{\"atype\":\"authenticate\"}}}}",
            time / desk.apart % 256,
        )
        .unwrap();
    }
    replies::log(&name, from, to, encoder.finish().unwrap())
}

async fn access(
    State(desk): State<Arc<Desk>>,
    Path((project, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if !desk.admit(&headers, &project, Kind::AccessHistory, &name) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let number = |name: &str| query[name].parse::<i64>().unwrap();
    let limit = usize::try_from(number("nLogs")).unwrap();
    let mut body = "{\"accessLogs\":[".to_owned();
    for (position, time) in desk.times(&name, number("start"), number("end")).rev().take(limit).enumerate() {
        if position > 0 {
            body.push(',');
        }
        let number = (time / desk.apart).unsigned_abs();
        body.push_str(&access_entry(&project, &name, 7, number, Instant::from_millis(time)));
    }
    body.push_str("]}");
    replies::page(body)
}
