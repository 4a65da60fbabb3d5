//! A bare HTTP/1.1 client that shows the bytes of an answer as they came, and a small world to ask.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    clock::ManualClock,
    instant::Instant,
    sim::{ApiKey, Cluster, Project, Role, ServiceAccount, SimAtlas, StreamInstance, Tier, World},
    source::{Kind, SourceId},
};

pub(crate) const GROUP: &str = "0123456789abcdef01234567";
pub(crate) const AUDIT: &str = "application/vnd.atlas.2023-10-01+gzip";
pub(crate) const ACCESS: &str = "application/vnd.atlas.2025-03-12+json";
pub(crate) const PROD: &str = "/api/atlas/v2/groups/0123456789abcdef01234567/dbAccessHistory/clusters/prod-0";
pub(crate) const ORDERS: &str = "/api/atlas/v2/groups/0123456789abcdef01234567/streams/orders/auditLogs";

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// An answer, as far as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the framing says that this is all.
    pub(crate) whole: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and error code of an error.
    pub(crate) fn error(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body["error"], self.status);
        (self.status, body["errorCode"].as_str().unwrap().to_owned())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&self.body[..]).read_to_string(&mut text).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Hosts of the entries of a page: the tests use them to tell entries apart.
    pub(crate) fn entries(&self) -> Vec<String> {
        let body = self.json();
        let entries = body["accessLogs"].as_array().unwrap();
        entries.iter().map(|entry| entry["username"].as_str().unwrap().to_owned()).collect()
    }
}

/// A world with one project, two credentials and a clock that stands still, behind HTTP.
pub(crate) struct Setup {
    pub(crate) sim: SimAtlas,
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(at("2026-11-20T12:00:00Z")));
        let world = Arc::new(World::new(7, clock.clone()));
        world.add_project(
            Project::new(GROUP, "payments")
                .with_stream_instance(StreamInstance::new("orders"))
                .with_cluster(Cluster::new("prod-0"))
                .with_cluster(Cluster::new("shared").on(Tier::Shared))
                .with_cluster(Cluster::new("flex").on(Tier::Flex)),
        );
        world.add_project(Project::new("ffffffffffffffffffffffff", "foreign").with_cluster(Cluster::new("prod-0")));
        world.add_service_account(ServiceAccount::new("mdb_sa_id_1", "mdb_sa_sk_1").with_role(GROUP, Role::Owner));
        world.add_api_key(ApiKey::new("publickey", "private-key").with_role(GROUP, Role::Owner));
        let sim = SimAtlas::start(Arc::clone(&world)).unwrap();
        Self { sim, world, clock }
    }

    pub(crate) fn audit_source(&self) -> SourceId {
        World::source(GROUP, Kind::StreamAudit, "orders")
    }

    pub(crate) fn access_source(&self) -> SourceId {
        World::source(GROUP, Kind::AccessHistory, "prod-0")
    }

    /// Sends a request and reads until the connection ends, one way or another.
    pub(crate) fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut received = Vec::new();
        let mut stream = self.open(method, target, headers, body);
        match stream.read_to_end(&mut received) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        parse(&received)
    }

    pub(crate) fn open(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.sim.addr()).unwrap();
        // What never comes is an error, not a test that never ends.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}",
            self.sim.addr()
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    pub(crate) fn ask_token(&self, basic: &str) -> Reply {
        let form = "application/x-www-form-urlencoded";
        let headers = [("Authorization", basic), ("Content-Type", form)];
        self.send("POST", "/api/oauth/token", &headers, "grant_type=client_credentials")
    }

    pub(crate) fn token(&self) -> String {
        let reply = self.ask_token(BASIC);
        format!("Bearer {}", reply.json()["access_token"].as_str().unwrap())
    }

    /// Asks with a new bearer token.
    pub(crate) fn get(&self, target: &str, accept: &str) -> Reply {
        let token = self.token();
        self.send("GET", target, &[("Authorization", &token), ("Accept", accept)], "")
    }
}

/// `mdb_sa_id_1:mdb_sa_sk_1`
pub(crate) const BASIC: &str = "Basic bWRiX3NhX2lkXzE6bWRiX3NhX3NrXzE=";

fn parse(received: &[u8]) -> Reply {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Reply { status: 0, headers: Vec::new(), body: received.to_vec(), whole: false };
    };
    let head = std::str::from_utf8(&received[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> =
        lines.map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.into(), value.into())).collect();
    let mut reply = Reply { status, headers, body: received[end + 4..].to_vec(), whole: false };
    if let Some(length) = reply.header("Content-Length").map(|length| length.parse::<usize>().unwrap()) {
        assert!(reply.body.len() <= length, "more bytes than announced");
        reply.whole = reply.body.len() == length;
    } else if reply.header("Transfer-Encoding") == Some("chunked") {
        (reply.body, reply.whole) = unchunk(&reply.body);
    }
    reply
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        if size == 0 {
            return (body, rest == b"\r\n");
        }
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
