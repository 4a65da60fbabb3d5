//! The program's own log.

use std::{
    fmt,
    io::{self, IsTerminal},
    os::fd::AsFd,
};

use clap::ValueEnum;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{DefaultFields, Format, Writer},
    },
    registry::LookupSpan,
};

use crate::shown::shown_lines;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people; to the journal with the priority that it sorts by
    Text,
    /// One JSON object a line
    Json,
}

/// Libraries that talk of themselves without being asked.
const LIBRARIES: &str = "tokio_cron_scheduler=warn";

/// Sends the log to standard error. `RUST_LOG` chooses the level; else it is `info`, or `warn` where a command is
/// `quiet` because it prints its results itself.
pub(super) fn start(format: LogFormat, quiet: bool) {
    let level = if quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},{LIBRARIES}")));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    let started = match format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text if is_journal(io::stderr().as_fd(), std::env::var("JOURNAL_STREAM").ok().as_deref()) => {
            // The journal has its own time for each line, and keeps the priority for itself.
            let line = Format::default().with_target(false).with_ansi(false).without_time();
            log.with_ansi(false).event_format(Prioritized(line)).fmt_fields(Plain).try_init()
        }
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).fmt_fields(Plain).try_init(),
    };
    // Only a second start in one process fails, and then the first one is as good.
    drop(started);
}

/// Whether `stream` is the one that a service manager connected to the journal, which it names by device and inode. A program
/// that inherits the variable and was given another standard error is not one that the journal listens to.
fn is_journal(stream: impl AsFd, named: Option<&str>) -> bool {
    let Some((device, inode)) = named.and_then(|named| named.split_once(':')) else { return false };
    let Ok(status) = rustix::fs::fstat(stream) else { return false };
    device.parse() == Ok(status.st_dev) && inode.parse() == Ok(status.st_ino)
}

/// Message and fields, with nothing in them that steers a terminal or turns the direction of writing: names are Atlas' own.
struct Plain;

impl<'writer> FormatFields<'writer> for Plain {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&shown_lines(&text))
    }
}

/// Lines with the priority in front that the journal takes off again.
struct Prioritized<F>(F);

impl<S, N, F> FormatEvent<S, N> for Prioritized<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut text = String::new();
        self.0.format_event(context, Writer::new(&mut text), event)?;
        let priority = priority(*event.metadata().level());
        text.lines().try_for_each(|line| writeln!(writer, "<{priority}>{line}"))
    }
}

/// The priority of syslog.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn only_the_stream_that_was_connected_to_it_is_the_journal() {
        let stream = tempfile::tempfile().unwrap();
        let metadata = stream.metadata().unwrap();
        let named = format!("{}:{}", metadata.dev(), metadata.ino());
        assert!(is_journal(&stream, Some(&named)));
        let other = format!("{}:{}", metadata.dev(), metadata.ino() + 1);
        for named in [None, Some(""), Some("8"), Some("x:y"), Some(&other)] {
            assert!(!is_journal(&stream, named), "{named:?}");
        }
    }
}
