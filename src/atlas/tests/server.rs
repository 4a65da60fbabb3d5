//! A raw TCP server on loopback: what it answers need not be HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// For example `GET /path?query`.
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }

    pub(super) fn is_for_token(&self) -> bool {
        self.line == "POST /api/oauth/token"
    }

    fn read(stream: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut lines = stream.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let line = lines.next()?;
        let headers = lines.filter_map(|line| line.split_once(':').map(|(n, v)| (n.to_owned(), v.trim().to_owned())));
        let line = line.rsplit_once(' ')?.0.to_owned();
        let mut request = Self { line, headers: headers.collect(), body: String::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        stream.take(length).read_to_string(&mut request.body).ok()?;
        Some(request)
    }
}

/// What comes after the bytes of a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Then {
    /// The next request on the same connection.
    Next,
    /// The connection is closed.
    Close,
    /// Nothing, until the client closes the connection.
    Nothing,
}

/// The bytes of an answer.
#[derive(Clone, Debug)]
pub(super) struct Reply(pub(super) Vec<u8>, pub(super) Then);

impl Reply {
    /// A complete answer with a length. `head` is status and headers, `\n` between them.
    pub(super) fn new(head: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = head.trim().lines().map(str::trim).collect::<Vec<_>>().join("\r\n");
        let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
        Self([head.as_bytes(), body].concat(), Then::Next)
    }

    pub(super) fn json(body: &str) -> Self {
        Self::new("200 OK\nContent-Type: application/vnd.atlas.2023-01-01+json;charset=utf-8", body)
    }

    pub(super) fn token(token: &str) -> Self {
        Self::json(&format!(r#"{{"access_token":"{token}","expires_in":3600,"token_type":"Bearer"}}"#))
    }
}

/// The server and what it was asked.
pub(super) struct Server {
    pub(super) base_url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request with what `answer` makes of it and of the number of requests before it.
    pub(super) fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        Self { base_url, requests }
    }

    /// Answers a token request with the token `t`, and everything else with `reply`.
    pub(super) fn with_token(reply: Reply) -> Self {
        Self::start(move |request, _| if request.is_for_token() { Reply::token("t") } else { reply.clone() })
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn token_requests(&self) -> usize {
        self.requests().iter().filter(|request| request.is_for_token()).count()
    }
}

fn serve(stream: TcpStream, answer: &impl Fn(&Request, usize) -> Reply, log: &Mutex<Vec<Request>>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader) {
        let before = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let Reply(bytes, then) = answer(&request, before);
        if writer.write_all(&bytes).is_err() {
            return;
        }
        match then {
            Then::Next => {}
            Then::Close => return,
            Then::Nothing => {
                let _ = reader.read_to_end(&mut Vec::new());
                return;
            }
        }
    }
}
