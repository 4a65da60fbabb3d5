//! The program, and what it takes.

use std::{
    fs::{self, File},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// `/proc` tells of CPU in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// `atlas-logd run`.
pub(crate) struct Daemon {
    process: Child,
    /// How long it took until it told the service manager that it is ready.
    pub(crate) ready: Duration,
}

impl Daemon {
    /// Starts it with the configuration in `folder`; it is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        let socket = folder.join("notify");
        let _ = fs::remove_file(&socket);
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let begun = Instant::now();
        let process = Command::new(program())
            .arg("--config")
            .arg(folder.join("config.toml"))
            .arg("run")
            .env("NOTIFY_SOCKET", &socket)
            // As the service and the container have it.
            .env("MALLOC_ARENA_MAX", "2")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut told = [0; 4096];
        loop {
            let length = manager.recv(&mut told).unwrap();
            if told[..length].starts_with(b"READY=1") {
                break;
            }
        }
        let ready = begun.elapsed();
        // From now on nobody listens.
        Self { process, ready }
    }

    /// The CPU that it has used.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.proc("stat");
        // The name of the program, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u32 = fields[11..13].iter().map(|ticks| ticks.parse::<u32>().unwrap()).sum();
        TICK * ticks
    }

    /// The largest resident set that it had, in MiB.
    pub(crate) fn peak(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap()
    }

    /// Tells it to stop, and waits.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program that is measured: the one that was built with this, or another one.
fn program() -> PathBuf {
    std::env::var_os("ATLAS_LOGD_BENCH_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_atlas-logd").into(), PathBuf::from)
}
