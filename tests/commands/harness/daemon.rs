//! Runs the daemon, and other commands that take their time.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Instant as Deadline,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    PATIENCE, Stage,
    command::{program, shell},
};

/// A running daemon. It is killed when the test ends before it does.
pub(crate) struct Daemon {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Stage {
    /// Starts the daemon and waits until it collects.
    #[track_caller]
    pub(crate) fn spawn_daemon(&self) -> Daemon {
        let mut daemon = self.spawn_daemon_unready();
        daemon.wait_for_line("collecting");
        daemon
    }

    /// Starts the daemon.
    pub(crate) fn spawn_daemon_unready(&self) -> Daemon {
        self.spawn_daemon_with(|_| ())
    }

    /// Starts the daemon with other arguments or variables besides.
    pub(crate) fn spawn_daemon_with(&self, change: impl FnOnce(&mut Command)) -> Daemon {
        self.spawn("run", change)
    }

    /// Starts `collect`.
    pub(crate) fn spawn_collect(&self) -> Daemon {
        self.spawn("collect", |_| ())
    }

    fn spawn(&self, subcommand: &str, change: impl FnOnce(&mut Command)) -> Daemon {
        let mut command = program(self.folder(), &self.config_path());
        change(&mut command);
        command.arg(subcommand);
        Self::spawn_command(command)
    }

    /// Starts the daemon with its standard error connected to what it is told is the journal.
    pub(crate) fn spawn_daemon_under_journal(&self) -> Daemon {
        const CONNECT: &str = "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$@\"";
        let mut command = shell(self.folder(), CONNECT);
        command.arg("--config").arg(self.config_path()).arg("run");
        Self::spawn_command(command)
    }

    fn spawn_command(mut command: Command) -> Daemon {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                // A test that is over listens no longer.
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Daemon { child, lines, seen: Vec::new() }
    }
}

impl Daemon {
    /// Waits for the next log line that contains `text`, and returns it.
    #[track_caller]
    pub(crate) fn wait_for_line(&mut self, text: &str) -> String {
        let deadline = Deadline::now() + PATIENCE;
        loop {
            let patience = deadline.saturating_duration_since(Deadline::now());
            match self.lines.recv_timeout(patience) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no line with {text:?} came, but:\n{}", self.seen.join("\n")),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the daemon ended before it said {text:?}:\n{}", self.seen.join("\n"))
                }
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end: exit code (nothing if a signal ended it) and the whole log.
    #[track_caller]
    pub(crate) fn wait(mut self) -> (Option<i32>, Vec<String>) {
        let deadline = Deadline::now() + PATIENCE;
        loop {
            // Its standard error is closed by its end, and by nothing else.
            match self.lines.recv_timeout(deadline.saturating_duration_since(Deadline::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the daemon did not end:\n{}", self.seen.join("\n")),
            }
        }
        let status = self.child.wait().unwrap();
        (status.code(), std::mem::take(&mut self.seen))
    }

    /// Asks it to stop and waits until it did, with exit code 0. Its whole log.
    #[track_caller]
    pub(crate) fn stop(self) -> Vec<String> {
        self.signal(Signal::TERM);
        let (code, log) = self.wait();
        assert_eq!(code, Some(0), "{}", log.join("\n"));
        log
    }

    /// Kills it where it stands.
    pub(crate) fn kill(self) -> Vec<String> {
        self.signal(Signal::KILL);
        self.wait().1
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
