//! The metrics that every process has, under the names that Prometheus' own libraries use.

use std::{fmt, time::Duration};

use crate::{
    http::metrics::family::{Families, Value},
    instant::Instant,
};

/// What the kernel says of this process.
#[derive(Debug, Default)]
struct Process {
    started: Option<Instant>,
    resident_bytes: Option<u64>,
    cpu: Option<Duration>,
    open_files: Option<u64>,
    most_open_files: Option<u64>,
}

/// Writes what the kernel tells; nothing where it does not.
pub(super) fn write(families: &mut Families<'_, '_>) -> fmt::Result {
    let process = look();
    if let Some(started) = process.started {
        families.seconds(("start_time", "When the process began"), |family| family.sample(&[], Value::At(started)))?;
    }
    if let Some(cpu) = process.cpu {
        families.cpu(("cpu", "Time on processors, of the program and of the kernel for it"), cpu)?;
    }
    if let Some(bytes) = process.resident_bytes {
        families.bytes(("resident_memory", "Memory in use"), |family| family.sample(&[], Value::Number(bytes)))?;
    }
    if let Some(files) = process.open_files {
        families
            .gauge(("open_fds", "Open files and connections"), |family| family.sample(&[], Value::Number(files)))?;
    }
    if let Some(files) = process.most_open_files {
        families
            .gauge(("max_fds", "How many of them there can be"), |family| family.sample(&[], Value::Number(files)))?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn look() -> Process {
    use procfs::process::{LimitValue, Process as Itself};
    let Ok(itself) = Itself::myself() else { return Process::default() };
    let stat = itself.stat().ok();
    let tick = Duration::from_secs(1) / u32::try_from(procfs::ticks_per_second()).unwrap_or(100).max(1);
    let ticks = |ticks: u64| Duration::from_nanos(u64::try_from(tick.as_nanos()).unwrap_or(0).saturating_mul(ticks));
    let started = stat
        .as_ref()
        .zip(procfs::boot_time_secs().ok())
        .map(|(stat, booted)| Instant::from_seconds(i64::try_from(booted).unwrap_or(i64::MAX)) + ticks(stat.starttime));
    Process {
        started,
        resident_bytes: stat.as_ref().map(|stat| stat.rss.saturating_mul(procfs::page_size())),
        cpu: stat.as_ref().map(|stat| ticks(stat.utime.saturating_add(stat.stime))),
        open_files: itself.fd_count().ok().map(|files| files as u64),
        most_open_files: itself.limits().ok().and_then(|limits| match limits.max_open_files.soft_limit {
            LimitValue::Value(files) => Some(files),
            LimitValue::Unlimited => None,
        }),
    }
}

#[cfg(not(target_os = "linux"))]
fn look() -> Process {
    Process::default()
}
