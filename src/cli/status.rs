//! `atlas-logd status`: reads the state, also while the daemon runs.

use std::{io::ErrorKind, time::Duration};

use clap::Args;

use crate::{
    archive::{Archive, ArchiveError, RealFiles},
    cli::{Exit, sources, terminal},
    clock::{Clock, SystemClock},
    config::Config,
    signals::{Backlog, Event, Signal, disks, ending},
    state::{ArchiveId, Head, StateError, Store},
    status::{self, Row},
    words,
};

/// Shows each source: the covered range, lag, records of today and in all, gaps and how the last poll went, and below it in
/// sentences what is wrong or missing. With one source, everything that is known of it. Nothing is written, and the daemon
/// may run or not.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Sources to show; all if none is named, and in detail if one is
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,

    /// Exit with 1 if a source is further behind than this, for example 1h
    ///
    /// Or if it was never polled, or if there is no source at all. Standard error names each such source. Take settle and
    /// schedule into account: with the defaults, less than 30m is alarmed by nothing.
    #[arg(long, value_name = "DURATION", value_parser = crate::config::parse_duration)]
    max_lag: Option<Duration>,

    /// Only the head: the SHA-256 of the last archive digest
    ///
    /// Kept on another machine, it lets anyone prove later that nothing was cut off before it: `verify --head`.
    #[arg(long, conflicts_with_all = ["sources", "json", "max_lag"])]
    head: bool,
}

/// All that is read before anything is shown: whoever reads slowly must not keep a daemon from starting.
struct Seen {
    head: Option<Head>,
    rows: Vec<Row>,
    /// Lists of Atlas that cannot be had.
    failing_lists: Vec<String>,
    /// Whether a process had the state open for writing.
    writer: bool,
    /// Why state and archive do not belong together.
    apart: Option<ArchiveError>,
}

impl Seen {
    fn read(config: &Config) -> Result<Self, StateError> {
        let store = Store::open_read_only(&config.state_dir)?;
        let (known, now) = (store.read(ArchiveId::load)?, SystemClock.now());
        Ok(Self {
            head: store.read(Head::load)?,
            rows: status::rows(&store, config, now)?,
            failing_lists: store.read(|connection| status::failing(connection, config, now))?,
            writer: store.has_writer(),
            apart: apart(config, known.as_ref()),
        })
    }
}

/// Why the archive is not the one that the state knows, as far as this user can see.
fn apart(config: &Config, known: Option<&(ArchiveId, bool)>) -> Option<ArchiveError> {
    let settings = &config.archive;
    let checked = match RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode) {
        Ok(files) => Archive::check(&settings.dir, &files, known),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Err(ArchiveError::NoFolder(settings.dir.clone())),
        Err(cause) => Err(ArchiveError::Folder { path: settings.dir.clone(), cause }),
    };
    checked.err().filter(
        |error| !matches!(error, ArchiveError::Folder { cause, .. } if cause.kind() == ErrorKind::PermissionDenied),
    )
}

impl Status {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<Exit> {
        let Seen { head, mut rows, failing_lists, writer, apart } = match Seen::read(config) {
            Ok(seen) => seen,
            // Whether it is lost or there never was one, the archive knows.
            Err(error @ StateError::NoDatabase(_)) => match apart(config, None) {
                Some(lost @ ArchiveError::StateMissing(_)) => return Err(lost.into()),
                _ => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        };
        if self.head {
            return Ok(match head {
                Some(head) => {
                    terminal::say(&head.sha256.to_string());
                    Exit::Done
                }
                None => {
                    terminal::complain("atlas-logd: no archive digest was made yet");
                    Exit::Failed
                }
            });
        }
        let collects = rows.iter().any(Row::configured);
        // A source that was removed from the configuration can be shown too.
        let unknown = self.sources.iter().find(|name| rows.iter().all(|row| row.name != **name));
        if let Some(error) = unknown.and_then(|name| sources::find(config, name).err()) {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Exit::Usage);
        }
        rows.retain(|row| self.sources.is_empty() || self.sources.contains(&row.name));
        if self.json {
            terminal::say_json(&status::json(&rows, writer))?;
        } else {
            match &rows[..] {
                [row] if !self.sources.is_empty() => terminal::say(&status::detail(row)),
                rows => terminal::say(&status::table(rows, terminal::width())),
            }
            failing_lists.iter().for_each(|line| terminal::say(line));
            for Signal { event, message, .. } in signals(config, &rows) {
                terminal::say(&format!("{}: {message}", event.name()));
            }
            if let Some(head) = head {
                terminal::say(&format!("head of {}: {}", head.date, head.sha256));
            }
            terminal::say(match writer {
                true => "the state is in use: the daemon runs, or a command that collects",
                false => "nothing is collected at the moment: neither the daemon nor a command has the state open",
            });
        }
        if let Some(error) = &apart {
            terminal::complain(&format!("atlas-logd: {error}"));
        }
        // An archive that watches nothing is never behind.
        let idle = self.max_lag.is_some() && !collects;
        if idle {
            terminal::complain(
                "no sources: nothing is collected; `atlas-logd check --online` says which patterns match nothing",
            );
        }
        let behind = idle || self.max_lag.is_some_and(|max_lag| is_behind(&rows, max_lag));
        Ok(if behind || apart.is_some() { Exit::Failed } else { Exit::Done })
    }
}

/// What somebody has to know though no poll fails with it, as the daemon tells it in its log.
fn signals(config: &Config, rows: &[Row]) -> Vec<Signal> {
    let now = SystemClock.now();
    let mut signals = disks(config);
    signals.extend(ending(config, now));
    let mut backlog = Backlog::default();
    signals.extend(rows.iter().filter(|row| !row.is_paused()).filter_map(|row| {
        let (rhythm, end) = (row.rhythm.as_ref()?, row.state.as_ref()?.end?);
        let behind = backlog.behind((&rhythm.pattern, rhythm.settle), end, now, config.signals.behind)?;
        let message = format!("{}: {}", row.name, behind.sentence());
        Some(Signal { event: Event::SourceBehind, subject: row.name.clone(), message })
    }));
    signals
}

/// Whether a source of the configuration is further behind than is allowed; says which, and how far.
fn is_behind(rows: &[Row], max_lag: Duration) -> bool {
    let mut behind = false;
    for row in rows.iter().filter(|row| row.configured() && !row.is_paused()) {
        let how = match row.lag() {
            Some(lag) if lag <= max_lag => continue,
            Some(lag) => format!("is {} behind", words::duration(lag)),
            None if row.damage.is_some() => "has a damaged state".to_owned(),
            None => "was never polled".to_owned(),
        };
        behind = true;
        terminal::complain(&format!("{} {how} (allowed: {})", row.name, words::duration(max_lag)));
    }
    behind
}
