//! Asks over HTTP as a browser does: the daemon, or a page that is served at a time of the test's choice.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use atlas_logd::{
    config,
    daemon::Pulse,
    http::{HttpServer, Subject},
};
use tokio::{runtime::Runtime, sync::watch};
use tokio_util::sync::CancellationToken;

use super::{Daemon, PATIENCE, Stage};

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = |line: &'_ str| line.split_once(": ").is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        self.head.lines().find(|line| header(line)).map(|line| line.split_once(": ").unwrap().1)
    }
}

/// Asks once.
#[track_caller]
pub(crate) fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // At once: who understands the beginning may answer and close before the rest.
    stream.write_all(format!("{request} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer { head: head.to_owned(), body: body.to_owned() }
}

/// Asks for a path.
#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &format!("GET {path}"))
}

impl Daemon {
    /// Where it says that it listens.
    #[track_caller]
    pub(crate) fn wait_for_address(&mut self) -> SocketAddr {
        let said = self.wait_for_line("showing metrics at http://");
        let url = said.split("http://").nth(1).unwrap();
        url.split('/').next().unwrap().parse().unwrap()
    }
}

/// A server in this process. It ends when it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Stage {
    /// Serves the state as a daemon would that has not begun to collect, at the time of the stage.
    pub(crate) fn serve(&self) -> Served {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = Arc::new(config::load(&self.config_path()).unwrap());
        let (clock, pulse) = (self.local_clock(), Arc::new(Pulse::default()));
        let (config, meters) = (watch::Sender::new(config).subscribe(), Arc::default());
        let subject = Subject { config, clock, pulse, meters };
        let server = runtime.block_on(HttpServer::bind(([127, 0, 0, 1], 0).into(), subject)).unwrap();
        let address = server.address().unwrap();
        runtime.spawn(server.serve(CancellationToken::new()));
        Served { address, _runtime: runtime }
    }
}
