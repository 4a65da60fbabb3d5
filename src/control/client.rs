//! The command's side.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio::{
    io::AsyncWriteExt as _,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use crate::control::{
    Answer, ControlError, Order,
    order::{GO, Request, VERSION},
    socket,
};

/// A daemon that is well takes up an order at once.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// An answer is no longer, in bytes. The longest one names all sources of a daemon.
const LONGEST_ANSWER: usize = 16 << 20;

/// A connection to a daemon.
#[derive(Debug)]
pub(crate) struct Client {
    folder: PathBuf,
    answers: FramedRead<OwnedReadHalf, LinesCodec>,
    /// Open for as long as the daemon is to go on.
    order: Option<OwnedWriteHalf>,
}

impl Client {
    /// Connects to the daemon that uses the state in `folder`; nothing where there is none.
    ///
    /// # Errors
    /// When there is one that cannot be talked to.
    pub(crate) async fn connect(folder: &Path) -> Result<Option<Self>, ControlError> {
        match socket::connect(folder).await {
            Ok(stream) => Ok(stream.map(|stream| Self::over(folder, stream))),
            // So many wait already that no more are let in: nobody takes them up.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(silent(folder)),
            Err(cause) => Err(ControlError::Io { path: folder.join(socket::SOCKET), cause }),
        }
    }

    pub(super) fn over(folder: &Path, stream: UnixStream) -> Self {
        let (answers, order) = stream.into_split();
        let answers = FramedRead::new(answers, LinesCodec::new_with_max_length(LONGEST_ANSWER));
        Self { folder: folder.to_owned(), answers, order: Some(order) }
    }

    /// Hands an order over. Nothing is done before [`Client::go`].
    ///
    /// # Errors
    /// When the daemon refuses, or does not hear it.
    pub(crate) async fn hand_over(&mut self, order: Order) -> Result<(), ControlError> {
        let request = serde_json::to_string(&Request { version: VERSION, order });
        let line = request.map_err(|error| ControlError::NotUnderstood(error.to_string()))?;
        match self.exchange(&line).await {
            Some(Ok(Answer::Heard)) => Ok(()),
            Some(Ok(_)) => Err(ControlError::out_of_turn()),
            Some(Err(error)) => Err(error),
            None => Err(silent(&self.folder)),
        }
    }

    /// Has it carried out. How the daemon takes it up: [`Answer::Begun`], or [`Answer::Unknown`].
    ///
    /// # Errors
    /// When it does not.
    pub(crate) async fn go(&mut self) -> Result<Answer, ControlError> {
        let taken_up = self.exchange(GO).await;
        taken_up.unwrap_or_else(|| Err(ControlError::Unknown { folder: self.folder.clone(), within: ANSWERS_WITHIN }))
    }

    /// Says a line, and hears the answer; none where it does not come.
    async fn exchange(&mut self, line: &str) -> Option<Result<Answer, ControlError>> {
        let line = format!("{line}\n");
        let exchange = async {
            if let Some(writer) = &mut self.order {
                // One that refuses at once does not read; its answer says why.
                let _ = writer.write_all(line.as_bytes()).await;
            }
            self.next().await
        };
        tokio::time::timeout(ANSWERS_WITHIN, exchange).await.ok()
    }

    /// The next answer. It can be given up at any time.
    ///
    /// # Errors
    /// When the daemon is gone, or refuses.
    pub(crate) async fn next(&mut self) -> Result<Answer, ControlError> {
        let line = match self.answers.next().await {
            Some(Ok(line)) => line,
            None | Some(Err(LinesCodecError::Io(_))) => return Err(ControlError::Gone),
            Some(Err(error)) => return Err(ControlError::NotUnderstood(error.to_string())),
        };
        match serde_json::from_str(&line) {
            Ok(Answer::Refused(why)) => Err(ControlError::Refused(why)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(ControlError::NotUnderstood(error.to_string())),
        }
    }

    /// Asks the daemon to end after the windows under way.
    pub(crate) fn stop(&mut self) {
        self.order = None;
    }
}

fn silent(folder: &Path) -> ControlError {
    ControlError::Silent { folder: folder.to_owned(), within: ANSWERS_WITHIN }
}
