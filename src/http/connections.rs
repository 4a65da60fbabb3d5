//! Connections: how many may be open, and for how long. Whoever opens many of them, or sends and reads slowly, takes from
//! others like him, and nothing from the daemon.

use std::{collections::VecDeque, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// So many connections are open at most. One more takes the place of the oldest: who watches the daemon's health always gets
/// in.
const AT_ONCE: usize = 64;

/// A request has to be there by then.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// An answer has to be read by then.
const WHOLE_WITHIN: Duration = Duration::from_secs(30);

/// No head of a request is larger.
const HEAD_BYTES: usize = 16 * 1024;

/// Nor has more lines.
const HEAD_LINES: usize = 64;

/// How long nothing is accepted after it failed: there may be no file descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Answers until it is told to stop. Each connection is for one request.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let mut open = JoinSet::new();
    let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = open.join_next() => {
                by_age.retain(|connection| !connection.is_finished());
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!("a connection was not accepted: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
        };
        while by_age.len() >= AT_ONCE {
            by_age.pop_front().inspect(AbortHandle::abort);
        }
        by_age.push_back(open.spawn(serve_one(stream, router.clone())));
    }
}

async fn serve_one(stream: TcpStream, router: Router) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // What goes wrong with a connection is its peer's affair.
    let _ = tokio::time::timeout(WHOLE_WITHIN, serving).await;
}
