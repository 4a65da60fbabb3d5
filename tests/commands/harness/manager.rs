//! Plays the service manager.

use std::{
    io::ErrorKind,
    os::unix::net::UnixDatagram,
    process::Command,
    time::{Duration, Instant as Deadline},
};

use super::{PATIENCE, Stage};

/// What a daemon that is alive tells again and again.
const ALIVE: &str = "WATCHDOG=1";

/// What it tells of itself in words.
const IN_WORDS: &str = "STATUS=";

/// The socket of a service manager.
pub(crate) struct Manager {
    socket: UnixDatagram,
    path: std::path::PathBuf,
}

impl Manager {
    /// Listens in the folder of the stage.
    pub(crate) fn new(stage: &Stage) -> Self {
        let path = stage.folder().join("notify");
        Self { socket: UnixDatagram::bind(&path).unwrap(), path }
    }

    /// A program that is started so tells what happens to it.
    pub(crate) fn starts(&self, command: &mut Command) {
        command.env("NOTIFY_SOCKET", &self.path);
    }

    /// The same, under a watchdog.
    pub(crate) fn watches(&self, command: &mut Command, within: Duration) {
        self.starts(command);
        command.env("WATCHDOG_USEC", within.as_micros().to_string());
    }

    /// The next message within this time, line by line.
    fn next(&self, within: Duration) -> Option<Vec<String>> {
        let mut buffer = [0; 4096];
        self.socket.set_read_timeout(Some(within.max(Duration::from_millis(1)))).unwrap();
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
                Some(text.lines().map(str::to_owned).collect())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next message that this is true of.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Deadline::now() + PATIENCE;
        let mut others = Vec::new();
        loop {
            match self.next(deadline.saturating_duration_since(Deadline::now())) {
                Some(message) if is_it(&message) => return message,
                Some(message) => others.push(message.concat()),
                None => panic!("the service manager was not told {what}, but: {others:?}"),
            }
        }
    }

    /// The next message that is neither a sign of life nor a status.
    #[track_caller]
    pub(crate) fn told(&self) -> Vec<String> {
        self.wait_for("anything", |message| message[0] != ALIVE && !message[0].starts_with(IN_WORDS))
    }

    /// Waits until the status is, or contains, this text.
    #[track_caller]
    pub(crate) fn wait_for_status(&self, text: &str) -> String {
        let is_it = |message: &[String]| message[0].strip_prefix(IN_WORDS).is_some_and(|status| status.contains(text));
        self.wait_for(text, is_it)[0][IN_WORDS.len()..].to_owned()
    }

    /// Waits until there is a status without this text.
    #[track_caller]
    pub(crate) fn wait_for_status_without(&self, text: &str) {
        let is_it = |message: &[String]| message[0].strip_prefix(IN_WORDS).is_some_and(|status| !status.contains(text));
        self.wait_for(&format!("a status without {text}"), is_it);
    }

    /// Waits for so many signs of life.
    #[track_caller]
    pub(crate) fn wait_for_life(&self, signs: usize) {
        for _ in 0..signs {
            self.wait_for(ALIVE, |message| message[0] == ALIVE);
        }
    }

    /// Whether there is no sign of life for so long; what was told before this is forgotten.
    pub(crate) fn sees_no_life_for(&self, time: Duration) -> bool {
        while self.next(Duration::ZERO).is_some() {}
        let deadline = Deadline::now() + time;
        while let Some(message) = self.next(deadline.saturating_duration_since(Deadline::now())) {
            if message[0] == ALIVE {
                return false;
            }
        }
        true
    }
}
