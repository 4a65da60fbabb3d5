//! Serves a world on loopback.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread::{self, JoinHandle},
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{Connection, Line},
    handle::handle,
};
use crate::sim::World;

/// Serves the world until `stop`; connections that are open then are dropped.
///
/// # Errors
/// If the listener is not on a loopback address: the world's secrets are no secrets.
pub async fn serve(world: Arc<World>, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(io::Error::other(format!("the simulated Atlas serves loopback only, not {address}")));
    }
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // Finished connections are let go of while there are new ones.
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        // A connection that failed before it was accepted is the peer's affair.
        if let Ok((stream, peer)) = accepted {
            connections.spawn(serve_connection(Arc::clone(&world), stream, peer));
        }
    }
}

async fn serve_connection(world: Arc<World>, stream: TcpStream, peer: SocketAddr) {
    let line = Line::default();
    // Small answers are not held back to be joined with later ones.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Connection::new(stream, line.clone()));
    let service = service_fn(|request| handle(Arc::clone(&world), request, peer, line.clone()));
    // The `Date` header is the world's, and missing where the world wants it so.
    let serving = http1::Builder::new().auto_date_header(false).title_case_headers(true).serve_connection(io, service);
    tokio::select! {
        // A peer that went away has its own error.
        _ = serving => {}
        () = line.ended() => {}
    }
}

/// A served world on a thread of its own, for tests that are not asynchronous themselves. Ends when dropped.
#[derive(Debug)]
pub struct SimAtlas {
    address: SocketAddr,
    world: Arc<World>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl SimAtlas {
    /// Serves the world on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If there is no port or no thread.
    pub fn start(world: Arc<World>) -> io::Result<Self> {
        Self::start_at(world, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Serves the world on `address`, for instance again on the port of one that was stopped.
    ///
    /// # Errors
    /// If the address is taken or not a loopback address, or if there is no thread.
    pub fn start_at(world: Arc<World>, address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(io::Error::other(format!("the simulated Atlas serves loopback only, not {address}")));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let (served, stopped) = (Arc::clone(&world), stop.clone());
        let thread = thread::Builder::new().name("simulated-atlas".to_owned()).spawn(move || {
            runtime.block_on(async {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    // The address was looked at above: there is no error left.
                    let _ = serve(served, listener, stopped).await;
                }
            });
            // A body that nobody reads any more must not hold up the end.
            runtime.shutdown_background();
        })?;
        Ok(Self { address, world, stop, thread: Some(thread) })
    }

    /// Where it serves.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:…`: the `base_url` of a configuration.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The world that it serves.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }
}

impl Drop for SimAtlas {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported there.
            let _ = thread.join();
        }
    }
}
