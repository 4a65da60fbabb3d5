//! The program that is killed, and what it says until then.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant as Deadline},
};

use rustix::process::{Pid, Signal, kill_process};

/// How often it is looked whether something is there that nobody tells.
const LOOK: Duration = Duration::from_micros(500);

/// Whoever waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A commit that the program told: the source as it is named on the command line, and how many records.
pub(crate) type Commit = (String, u64);

/// What the program has said so far.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) lines: Vec<String>,
    /// How often it was ready: at its start and after each reload.
    pub(crate) ready: usize,
    /// All commits that brought records.
    pub(crate) commits: Vec<Commit>,
    /// All commits.
    pub(crate) windows: usize,
}

/// How waiting for something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Reached,
    Ended,
    TooLong,
}

/// The running program. It is killed when the test ends before it does.
pub(crate) struct Victim {
    child: Child,
    lines: Receiver<String>,
    pub(crate) said: Said,
    spool: PathBuf,
}

/// The program in `folder`, in an environment that does not depend on who runs the tests.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    let kept = ["PATH", "HOME", "TMPDIR", "TZ", "LLVM_PROFILE_FILE"];
    let kept: Vec<_> = kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
    command.env_clear().envs(kept).env("RUST_LOG", "atlas_logd=debug").current_dir(folder).stdin(Stdio::null());
    command.args(["--log-format", "json", "--config"]).arg(folder.join("config.toml"));
    command
}

impl Victim {
    pub(crate) fn start(folder: &Path, arguments: &[String]) -> Self {
        let mut command = program(folder);
        let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            // The last line of a killed program may be a part of one, also of a character.
            for line in stderr.split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, said: Said::default(), spool: folder.join("archive/.spool") }
    }

    /// Waits until `reached`, no longer than `at_most`.
    pub(crate) fn wait_until(&mut self, at_most: Duration, mut reached: impl FnMut(&Self) -> bool) -> Waited {
        let deadline = Deadline::now() + at_most;
        loop {
            if reached(self) {
                return Waited::Reached;
            }
            if Deadline::now() >= deadline {
                return Waited::TooLong;
            }
            match self.lines.recv_timeout(LOOK) {
                Ok(line) => self.said.hear(line),
                Err(RecvTimeoutError::Timeout) => {}
                // Its standard error is closed by its end, and by nothing else.
                Err(RecvTimeoutError::Disconnected) => return Waited::Ended,
            }
        }
    }

    /// How many bytes are in spool files now.
    pub(crate) fn spooled(&self) -> u64 {
        let entries = fs::read_dir(&self.spool).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Kills it where it stands, if it still does.
    pub(crate) fn kill(mut self) -> (ExitStatus, Said) {
        self.child.kill().unwrap();
        self.end()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (ExitStatus, Said) {
        let waited = self.wait_until(PATIENCE, |_| false);
        assert_eq!(waited, Waited::Ended, "it did not end:\n{}", self.said.lines.join("\n"));
        self.end()
    }

    fn end(&mut self) -> (ExitStatus, Said) {
        let status = self.child.wait().unwrap();
        // All that it said is in the pipe, and then the end of it.
        self.lines.iter().for_each(|line| self.said.hear(line));
        (status, std::mem::take(&mut self.said))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    fn hear(&mut self, line: String) {
        if let Some((source, records)) = of_daemon(&line).or_else(|| of_collect(&line)) {
            self.windows += 1;
            if records > 0 {
                self.commits.push((source, records));
            }
        }
        if line.contains(r#""message":"collecting""#) || line.contains("the new configuration is in force") {
            self.ready += 1;
        }
        self.lines.push(line);
    }
}

/// A commit in the daemon's log.
fn of_daemon(line: &str) -> Option<Commit> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    (line["message"] == "committed").then_some(())?;
    Some((line["source"].as_str()?.to_owned(), line["records"].as_u64()?))
}

/// A commit in what `collect` says: `payments/stream-audit/orders: [2026-…, 2026-…): 1,234 new records, 56 KiB`.
fn of_collect(line: &str) -> Option<Commit> {
    let (source, rest) = line.split_once(": [")?;
    let (records, _) = rest.split_once("): ")?.1.split_once(" new record")?;
    Some((source.to_owned(), records.replace(',', "").parse().ok()?))
}

/// Whether a signal ended it.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}
