//! `atlas-logd simulate`: an Atlas to try things on, asked as it says itself.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use atlas_logd::{
    clock::{Clock, SystemClock},
    instant::Instant,
};
use http_auth::{DigestClient, PasswordParams, parser::ChallengeParser};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{HOUR, MINUTE, PATIENCE, SECOND, Stage};

/// A running `simulate`, and what it said. It is killed when the test ends before it does.
struct Simulated {
    child: Child,
    said: Vec<String>,
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Simulated {
    /// Starts it and waits until it has said all there is to say.
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with other options besides.
    fn start_with(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
        command.args(["simulate", "--listen", "127.0.0.1:0", "--seed", "3"]).args(options);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
        let mut said = Vec::new();
        // The last command that it prints lists stream instances.
        for line in lines {
            let last = line.contains("--digest") && line.contains("/streams\"");
            said.push(line);
            if last {
                break;
            }
        }
        Self { child, said }
    }

    /// The value of a shell variable that it tells to set.
    fn variable(&self, name: &str) -> &str {
        let mut values = self.said.iter().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        values.next_back().unwrap_or_else(|| panic!("no {name} in {:#?}", self.said))
    }

    /// Path and media type of the command that asks for `part`.
    fn command(&self, part: &str) -> (String, String) {
        let line = self.said.iter().find(|line| line.contains("curl") && line.contains(part)).unwrap();
        let between = |from: &str, to: &str| line.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
        (between("$BASE", "\""), between("Accept: ", "'"))
    }

    fn send(&self, method: &str, target: &str, headers: &str, body: &str) -> TcpStream {
        let address = self.variable("BASE").strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        let mut stream = self.send(method, target, headers, body);
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(received[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(!head.contains("chunked"), "the answers asked here are small");
        Reply { status, head, body: received[end + 4..].to_vec() }
    }

    /// A bearer token, as its first command gets it.
    fn token(&self) -> String {
        let basic = base64(format!("{}:{}", self.variable("ID"), self.variable("SECRET")).as_bytes());
        let headers = format!("Authorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        let reply = self.ask("POST", "/api/oauth/token", &headers, "grant_type=client_credentials");
        assert_eq!(reply.status, 200);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    fn with_bearer(&self, part: &str) -> Reply {
        let (target, accept) = self.command(part);
        let headers = format!("Authorization: Bearer {}\r\nAccept: {accept}\r\n", self.token());
        self.ask("GET", &target, &headers, "")
    }

    fn with_digest(&self, part: &str) -> Reply {
        let (target, accept) = self.command(part);
        let challenged = self.ask("GET", &target, &format!("Accept: {accept}\r\n"), "");
        assert_eq!(challenged.status, 401);
        let challenge = challenged.head.lines().find_map(|line| line.strip_prefix("Www-Authenticate: ")).unwrap();
        let challenge = ChallengeParser::new(challenge).next().unwrap().unwrap();
        let mut digest = DigestClient::try_from(&challenge).unwrap();
        let (username, password) = self.variable("KEY").split_once(':').unwrap();
        let params = PasswordParams { username, password, uri: &target, method: "GET", body: Some(&[]) };
        let authorization = digest.respond(&params).unwrap();
        self.ask("GET", &target, &format!("Accept: {accept}\r\nAuthorization: {authorization}\r\n"), "")
    }
}

impl Reply {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| {
        let padded = [0, 1, 2].map(|place| u32::from(group.get(place).copied().unwrap_or(0)));
        let bits = padded[0] << 16 | padded[1] << 8 | padded[2];
        let digit = |place: usize| char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]);
        (0..4).map(|place| if place <= group.len() { digit(place) } else { '=' }).collect::<String>()
    });
    groups.collect()
}

#[test]
fn both_endpoints_answer_as_it_says_and_a_signal_ends_it() {
    let mut simulated = Simulated::start();
    assert!(simulated.said[0].contains(&format!("listens on {}", simulated.variable("BASE"))), "{}", simulated.said[0]);
    for access in [simulated.with_bearer("clusters/prod-0"), simulated.with_digest("clusters/warehouse")] {
        assert_eq!(access.status, 200, "{}", access.head);
        let entries = access.json()["accessLogs"].as_array().unwrap().len();
        assert_eq!(entries, 2, "as many as were asked for");
    }
    let audit = simulated.with_bearer("auditLogs");
    assert_eq!(audit.status, 200, "{}", audit.head);
    let mut lines = String::new();
    flate2::read::MultiGzDecoder::new(&audit.body[..]).read_to_string(&mut lines).unwrap();
    assert!(lines.lines().count() > 10 && lines.ends_with('\n'), "an hour of eight events a minute");
    let streams = simulated.with_digest("/streams\"");
    assert_eq!(streams.status, 200, "{}", streams.head);
    assert!(String::from_utf8_lossy(&streams.body).contains("quiet"));

    kill_process(Pid::from_child(&simulated.child), Signal::TERM).unwrap();
    assert_eq!(simulated.child.wait().unwrap().code(), Some(0));
}

#[test]
fn nothing_happened_before_the_instant_that_is_given() {
    let now = SystemClock.now();
    let since = now - HOUR * 2;
    let simulated = Simulated::start_with(&["--since", &since.to_string()]);
    let (target, accept) = simulated.command("auditLogs");
    let (path, _) = target.split_once('?').unwrap();
    let token = simulated.token();
    let lines = |from: Instant, to: Instant| {
        let target = format!("{path}?startDate={}&endDate={}", from.seconds_floor(), to.seconds_floor());
        let reply =
            simulated.ask("GET", &target, &format!("Authorization: Bearer {token}\r\nAccept: {accept}\r\n"), "");
        assert_eq!(reply.status, 200, "{}", reply.head);
        let mut lines = String::new();
        flate2::read::MultiGzDecoder::new(&reply.body[..]).read_to_string(&mut lines).unwrap();
        lines.lines().count()
    };
    assert_eq!(lines(since - HOUR * 10, since - MINUTE), 0);
    assert!(lines(since, since + HOUR) > 100, "an hour of eight events a minute");
}

#[test]
fn tokens_are_limited_unless_it_is_told_otherwise() {
    let granted = |options: &[&str], asked: usize| {
        let simulated = Simulated::start_with(options);
        let basic = base64(format!("{}:{}", simulated.variable("ID"), simulated.variable("SECRET")).as_bytes());
        let headers = format!("Authorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        let ask = || simulated.ask("POST", "/api/oauth/token", &headers, "grant_type=client_credentials").status;
        (0..asked).map(|_| ask()).filter(|status| *status == 200).count()
    };
    assert_eq!(granted(&[], 30), 10, "ten a minute");
    assert_eq!(granted(&["--no-limits"], 120), 120, "more than a service account may have at once, too");
}

#[test]
fn an_answer_that_nobody_reads_does_not_hold_up_the_end() {
    let mut simulated = Simulated::start();
    let (target, accept) = simulated.command("clusters/prod-0");
    let (path, _) = target.split_once('?').unwrap();
    let headers = format!("Authorization: Bearer {}\r\nAccept: {accept}\r\n", simulated.token());
    // About 20 MB, of which the beginning is on its way.
    let mut stream = simulated.send("GET", &format!("{path}?nLogs=20000"), &headers, "");
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200");
    kill_process(Pid::from_child(&simulated.child), Signal::TERM).unwrap();
    assert_eq!(simulated.child.wait().unwrap().code(), Some(0));
    drop(stream);
}

#[test]
fn another_address_than_loopback_is_refused() {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    let output = command.args(["simulate", "--listen", "0.0.0.0:0"]).timeout(PATIENCE).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("0.0.0.0") && stderr.contains("loopback only"), "{stderr}");
    assert_eq!(output.stdout, b"", "it does not say that it listens");
}

#[test]
fn a_share_of_the_requests_goes_wrong_where_that_is_asked_for() {
    let simulated = Simulated::start_with(&["--faults", "0.5"]);
    let (target, accept) = simulated.command("clusters/prod-0");
    let right = (0..40).filter(|_| {
        let mut stream = simulated.send("GET", &target, &format!("Accept: {accept}\r\n"), "");
        stream.set_read_timeout(Some(SECOND)).unwrap();
        let mut received = Vec::new();
        // Whatever there is: it may be reset, or stall.
        let _ = stream.read_to_end(&mut received);
        received.starts_with(b"HTTP/1.1 401") && received.ends_with(b"}")
    });
    let right = right.count();
    assert!((5..35).contains(&right), "{right} of 40 answers are a whole 401, as without credentials");

    for share in ["1.5", "-1", "half"] {
        let stage = Stage::new();
        let argument = format!("--faults={share}");
        stage.command(["simulate", &argument]).assert_code(2).assert_says("allowed: 0 (none) to 1 (all)");
    }
}
