//! An Atlas that answers with what was made before: in a process of its own, and never what the other side waits for.

use std::{
    collections::HashMap,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use atlas_logd::{
    clock::{Clock as _, SystemClock},
    instant::Instant,
};
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bytes::Bytes;

use crate::{
    bodies::{self, Access, Volume},
    replies::{self, Process},
};

/// An access history is the backlog of days, as it is after a first start.
const ACCESS_OVER: Duration = Duration::from_secs(6 * 24 * 3600);

/// The gzip of nothing.
const NOTHING: [u8; 20] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The process.
pub(crate) struct Prepared {
    _process: Process,
    pub(crate) base: String,
    /// When it happened.
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// How many bytes of records there are.
    pub(crate) bytes: u64,
    /// The ranges of its full pages.
    pub(crate) pages: Vec<(i64, i64)>,
}

impl Prepared {
    /// Starts it; it is ready.
    pub(crate) fn start(volume: Volume) -> Self {
        let (kind, amount, over, before) = match volume {
            Volume::Audit { megabytes, over, before } => ("audit", megabytes, over, before),
            Volume::Access { entries } => ("access", entries, ACCESS_OVER, bodies::BACKLOG),
        };
        let [over, before] = [over, before].map(|duration| duration.as_secs().to_string());
        let (process, line) = Process::start(&[kind, &amount.to_string(), &over, &before]);
        let told: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| told[at].parse::<i64>().unwrap();
        let pages = told[4..].iter().map(|page| page.split_once('-').unwrap());
        Self {
            _process: process,
            base: told[0].to_owned(),
            from: Instant::from_millis(number(1)),
            to: Instant::from_millis(number(2)),
            bytes: number(3).try_into().unwrap(),
            pages: pages.map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap())).collect(),
        }
    }

    /// How many requests for records it has answered.
    pub(crate) fn requests(&self) -> u64 {
        let output = Command::new("curl").args(["-fsS", &format!("{}/requests", self.base)]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().parse().unwrap()
    }
}

struct Answers {
    from: Instant,
    to: Instant,
    audit: Bytes,
    access: Option<Access>,
    requests: AtomicU64,
}

impl Answers {
    /// Whether a request is answered; it counts then.
    fn admit(&self, headers: &HeaderMap) -> bool {
        let admitted = headers.contains_key(header::AUTHORIZATION);
        self.requests.fetch_add(u64::from(admitted), Ordering::Relaxed);
        admitted
    }
}

/// The part of the process that serves.
pub(crate) fn serve() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let amount: usize = arguments[1].parse().unwrap();
    let [over, before] = [2, 3].map(|at: usize| Duration::from_secs(arguments[at].parse().unwrap()));
    let to = Instant::from_seconds((SystemClock.now() - before).seconds_floor());
    let from = to - over;
    let mut answers = Answers { from, to, audit: Bytes::new(), access: None, requests: AtomicU64::new(0) };
    let (bytes, pages) = if arguments[0] == "audit" {
        let (body, bytes) = bodies::audit(amount * 1_000_000, from, to);
        eprintln!("{bytes} bytes of lines, {} of gzip", body.len());
        answers.audit = body.into();
        (bytes, String::new())
    } else {
        let access = answers.access.insert(Access::new(amount, from, to));
        (access.length(), access.pages(20_000).iter().map(|(from, to)| format!(" {from}-{to}")).collect())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        println!("http://{address} {} {} {bytes}{pages}", from.millis(), to.millis());
        let router = Router::new()
            .route("/api/oauth/token", post(async || replies::token()))
            .route("/api/oauth/revoke", post(async || StatusCode::OK))
            .route("/api/atlas/v2/groups/{project}/streams/{name}/auditLogs", get(audit))
            .route("/api/atlas/v2/groups/{project}/dbAccessHistory/clusters/{name}", get(access))
            .route(
                "/requests",
                get(async |State(answers): State<Arc<Answers>>| answers.requests.load(Ordering::Relaxed).to_string()),
            )
            .with_state(Arc::new(answers));
        axum::serve(listener, router).await.unwrap();
    });
    ExitCode::SUCCESS
}

async fn audit(
    State(answers): State<Arc<Answers>>,
    Path((_, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if !answers.admit(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let at = |name: &str| Instant::from_seconds(query[name].parse().unwrap());
    let (from, to) = (at("startDate"), at("endDate"));
    let body = if from <= answers.from && answers.to <= to {
        answers.audit.clone()
    } else {
        assert!(to < answers.from || answers.to < from, "a part of what was made is asked for");
        Bytes::from_static(&NOTHING)
    };
    replies::log(&name, from, to, body)
}

async fn access(
    State(answers): State<Arc<Answers>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if !answers.admit(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let number = |name: &str| query[name].parse::<i64>().unwrap();
    let page = answers.access.as_ref().map_or(&[][..], |access| {
        access.page(number("start"), number("end"), usize::try_from(number("nLogs")).unwrap())
    });
    replies::page([b"{\"accessLogs\":[", page, b"]}"].concat())
}
