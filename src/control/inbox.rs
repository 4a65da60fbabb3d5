//! The daemon's side: takes orders in.

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::{
    net::UnixStream,
    sync::{Semaphore, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    control::{
        Answer, Order, Outlet, conversation,
        socket::{Socket, is_let_in},
    },
};

/// So many commands are served at once.
const COMMANDS: usize = 16;

/// What is said last may take so long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// After a fault of the listener, such as too many open files, it is waited for so long.
const AFTER_A_FAULT: Duration = Duration::from_secs(1);

/// An order that came in.
#[derive(Debug)]
pub(crate) struct Ordered {
    /// What is asked.
    pub(crate) order: Order,
    /// The user who asks.
    pub(crate) uid: u32,
    /// How they are told. Once all of it is dropped, nothing more is said.
    pub(crate) outlet: Outlet,
    /// Cancelled when the command is gone, or was told to stop.
    pub(crate) stop: CancellationToken,
}

/// Where orders come in.
#[derive(Debug)]
pub struct Inbox {
    orders: mpsc::Receiver<Ordered>,
    /// Cancelled to let nobody in any more.
    closed: CancellationToken,
    conversations: TaskTracker,
}

impl Inbox {
    /// Takes orders in over a socket in the state folder, whose lock this process holds.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let socket = Socket::bind(folder)?;
        let (sender, orders) = mpsc::channel(1);
        let (closed, conversations) = (CancellationToken::new(), TaskTracker::new());
        let door = Door { orders: sender, clock, conversations: conversations.clone() };
        let ends = closed.clone();
        conversations.spawn(async move {
            tokio::select! {
                () = ends.cancelled() => {}
                () = door.let_in(&socket) => {}
            }
        });
        Ok(Self { orders, closed, conversations })
    }

    /// One that no order ever comes in.
    #[must_use]
    pub fn none() -> Self {
        let (_, orders) = mpsc::channel(1);
        Self { orders, closed: CancellationToken::new(), conversations: TaskTracker::new() }
    }

    /// The next order; for ever none where none can come.
    pub(crate) async fn next(&mut self) -> Ordered {
        match self.orders.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }

    /// Takes no order any more: whoever gives one is told that the daemon is stopping.
    pub(crate) fn refuse(&mut self) {
        self.orders.close();
        while self.orders.try_recv().is_ok() {}
    }

    /// Removes the socket, and lets what is said last reach those who listen.
    pub(crate) async fn close(mut self) {
        self.refuse();
        self.closed.cancel();
        self.conversations.close();
        // Whoever does not read by then will not.
        let _ = tokio::time::timeout(LAST_WORDS, self.conversations.wait()).await;
    }
}

/// Lets commands in.
struct Door {
    orders: mpsc::Sender<Ordered>,
    clock: Arc<dyn Clock>,
    conversations: TaskTracker,
}

impl Door {
    async fn let_in(&self, socket: &Socket) {
        let places = Arc::new(Semaphore::new(COMMANDS));
        loop {
            let stream = match socket.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!("an order could not be let in: {error}");
                    tokio::time::sleep(AFTER_A_FAULT).await;
                    continue;
                }
            };
            let uid = match is_let_in(&stream) {
                Ok(Ok(uid)) => uid,
                Ok(Err(uid)) => {
                    tracing::warn!(event = "order-refused", uid, "an order of another user was refused");
                    turn_away(&stream, "it takes orders of its own user and of root only");
                    continue;
                }
                Err(_) => continue,
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                turn_away(&stream, &format!("{COMMANDS} commands are being served already; wait until one is done"));
                continue;
            };
            let (orders, clock) = (self.orders.clone(), Arc::clone(&self.clock));
            self.conversations.spawn(async move {
                conversation::converse(stream, uid, orders, clock).await;
                drop(place);
            });
        }
    }
}

/// Says why somebody is not let in. A new connection takes a sentence without waiting.
fn turn_away(stream: &UnixStream, why: &str) {
    if let Ok(line) = serde_json::to_string(&Answer::Refused(why.to_owned())) {
        let _ = stream.try_write((line + "\n").as_bytes());
    }
}
