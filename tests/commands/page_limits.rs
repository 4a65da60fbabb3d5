//! Whoever opens connections and sends or reads slowly takes nothing from the daemon, nor from those who watch it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{
    harness::{Daemon, EVERY_SECOND, Stage, ask, get, orders},
    health::wait_for_readiness,
};

/// A daemon that polls every second, and where it shows its state.
fn daemon(stage: &Stage) -> (Daemon, SocketAddr) {
    stage.configure(|config| {
        config.schedule(EVERY_SECOND);
        config.only_audit();
        config.set_text("http", "listen", "127.0.0.1:0");
    });
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    (daemon, address)
}

#[test]
fn connections_that_send_or_read_nothing_disturb_nobody() {
    let stage = Stage::new();
    let (daemon, address) = daemon(&stage);
    let connect = |begin: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        // It may have been closed already, to make room for others.
        let _ = stream.write_all(begin.as_bytes());
        stream
    };
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..150 {
        open.push(connect("GET / HTTP/1.1\r\nhost: x\r\nx-slow: "));
        open.push(connect("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
        open.push(connect(""));
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(address, path).status(), 200, "{path}");
    }
    stage.add_record(&orders(), Duration::ZERO, "while they are open");
    stage.wait_until_polled(&orders());
    assert_eq!(stage.lines(&orders()).len(), 1);
    // They are closed, some to make room for others, and some because their request did not come.
    let mut rest = Vec::new();
    for mut stream in open {
        match stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    daemon.stop();
}

#[test]
fn what_is_no_request_for_a_page_is_refused() {
    let stage = Stage::new();
    let (daemon, address) = daemon(&stage);
    for (request, status) in [
        ("POST /", 405),
        ("DELETE /metrics", 405),
        ("PUT /healthz", 405),
        ("GET /other", 404),
        ("GET /../../etc/passwd", 404),
        ("GET /?from=all", 400),
        ("GET /?from=-1", 400),
        ("nonsense", 400),
    ] {
        assert_eq!(ask(address, request).status(), status, "{request}");
    }
    wait_for_readiness(address, (200, "collecting\n"));
    let (page, head) = (get(address, "/readyz"), ask(address, "HEAD /readyz"));
    assert_eq!((head.status(), &*head.body), (200, ""));
    assert_eq!(head.header("content-length"), page.header("content-length"));
    assert_eq!(page.header("connection"), Some("close"));
    // It is read no further than it may be long.
    let long = "x".repeat(64 * 1024);
    let mut stream = TcpStream::connect(address).unwrap();
    let _ = write!(stream, "GET /?q={long} HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut answer = Vec::new();
    // It may be reset, since not all of it was read.
    let _ = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "), "{}", String::from_utf8_lossy(&answer));
    daemon.stop();
}
