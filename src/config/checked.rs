//! The checked configuration: every value parsed, every reference resolved, nothing left to refuse.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use super::{ProjectTable, Schedule};
use crate::{
    archive::StoredForm,
    instant::Instant,
    source::{Filter, Kind, Source, SourceId},
};

/// A configuration that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// Where and how segments are written.
    pub archive: Archive,
    /// The folder of the state database.
    pub state_dir: PathBuf,
    /// When sources are polled, unless their project says otherwise.
    pub schedule: Schedule,
    /// How sources are polled.
    pub collect: Collect,
    /// How the archive proves itself.
    pub evidence: Evidence,
    /// What is shown over HTTP.
    pub http: Http,
    /// When somebody is told.
    pub signals: Signals,
    /// How Atlas is reached.
    pub atlas: Atlas,
    /// Credentials by the name that projects use.
    pub credentials: BTreeMap<String, Credential>,
    /// The tables `[[project]]`, in the order of the file.
    pub tables: Vec<ProjectTable>,
    /// The projects that are collected, in the order of the tables: of a configuration that was only read, what the tables
    /// name; once [`discovery`](crate::discovery) has resolved it, with all that was found.
    pub projects: Vec<Project>,
}

impl Config {
    /// Where the state database lies unless the configuration says otherwise.
    pub const DEFAULT_STATE_DIR: &str = "/var/lib/atlas-logd";

    /// The sources of all projects, in the order of the tables.
    pub fn sources(&self) -> impl Iterator<Item = Source> + '_ {
        self.projects.iter().flat_map(|project| project.sources())
    }

    /// The credentials that a project uses, or that projects are discovered with, by name.
    pub fn used_credentials(&self) -> impl Iterator<Item = (&String, &Credential)> {
        let is_used = |name: &str| self.tables.iter().any(|table| table.credentials == name);
        self.credentials.iter().filter(move |(name, _)| is_used(name))
    }

    /// Whether it takes a list of Atlas to know what it means.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.tables.iter().any(ProjectTable::asks)
    }

    /// Whether a table names the source itself, so that it is collected whatever a list says.
    #[must_use]
    pub fn names_source(&self, id: &SourceId) -> bool {
        self.tables.iter().any(|table| table.names_source(id))
    }

    /// The keys in which `new` differs and that a running daemon cannot change, because state and archive are open and
    /// locked where they are, the signing key is read once, and the listener stays; empty when `new` can be put in force.
    #[must_use]
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let (old, new_archive) = (&self.archive, &new.archive);
        let fixed = [
            ("archive.dir", old.dir != new_archive.dir),
            ("archive.file_mode", old.file_mode != new_archive.file_mode),
            ("archive.dir_mode", old.dir_mode != new_archive.dir_mode),
            ("state.dir", self.state_dir != new.state_dir),
            ("evidence.signing_key", self.evidence.signing_key != new.evidence.signing_key),
            ("http.listen", self.http != new.http),
        ];
        fixed.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}

/// The section `[archive]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The root folder of the archive.
    pub dir: PathBuf,
    /// A segment that has reached this many bytes is sealed before the next window.
    pub rotate_size: u64,
    /// A segment is sealed when the hour or day (UTC) in which it was opened is over.
    pub rotate_every: RotateEvery,
    /// How sealed segments are compressed.
    pub compress: Compress,
    /// Sealed segments whose records are all older than this are removed; nothing means that all are kept for ever.
    pub keep: Option<Duration>,
    /// Collection pauses while the archive's file system has less than this many bytes left; nothing means no limit.
    pub min_free: Option<u64>,
    /// Mode of files, for example `0o640`.
    pub file_mode: u32,
    /// Mode of folders, for example `0o750`.
    pub dir_mode: u32,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("/var/log/atlas-logd"),
            rotate_size: 128 << 20,
            rotate_every: RotateEvery::Day,
            compress: Compress::None,
            keep: None,
            min_free: None,
            file_mode: 0o640,
            dir_mode: 0o750,
        }
    }
}

/// How often a segment is sealed by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotateEvery {
    /// At every full hour, UTC.
    Hour,
    /// At midnight, UTC.
    Day,
}

/// How sealed segments are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compress {
    /// Not at all.
    None,
    /// Each becomes one gzip member.
    Gzip,
    /// Each becomes one zstd frame.
    Zstd,
}

impl Compress {
    /// The form that sealed segments get.
    #[must_use]
    pub fn form(self) -> StoredForm {
        match self {
            Self::None => StoredForm::Plain,
            Self::Gzip => StoredForm::Gzip,
            Self::Zstd => StoredForm::Zstd,
        }
    }
}

/// The section `[collect]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// Where a source starts that was never seen before.
    pub start: Start,
    /// How long an audit line may take to appear at Atlas.
    pub stream_audit_settle: Duration,
    /// How long an access-history entry may take to appear at Atlas.
    pub access_history_settle: Duration,
    /// How many polls may talk to Atlas or write at once; at least 1.
    pub polls_at_once: usize,
    /// How long polls under way may go on after a stop was asked for.
    pub grace: Duration,
    /// An answer that decompresses to more bytes than this is refused.
    pub answer_limit: u64,
    /// How much of the past a reconciliation asks of Atlas again.
    pub reconcile_range: Duration,
    /// What is under way and shows no sign of life for longer than this is stuck.
    pub stuck_after: Duration,
}

impl Default for Collect {
    /// Atlas documents that an audit event shows within 5 minutes: the settle time is twice that. Entries of the access
    /// history were seen up to 376 s late, in batches: theirs is more than twice that.
    fn default() -> Self {
        Self {
            start: Start::Oldest,
            stream_audit_settle: Duration::from_secs(10 * 60),
            access_history_settle: Duration::from_secs(15 * 60),
            polls_at_once: 16,
            grace: Duration::from_secs(30),
            answer_limit: 16 << 30,
            reconcile_range: Duration::from_secs(3 * 24 * 3600),
            stuck_after: Duration::from_secs(10 * 60),
        }
    }
}

impl Collect {
    /// The settle time for sources of `kind`.
    #[must_use]
    pub fn settle(&self, kind: Kind) -> Duration {
        match kind {
            Kind::StreamAudit => self.stream_audit_settle,
            Kind::AccessHistory => self.access_history_settle,
        }
    }
}

/// Where a source starts that was never seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// As far back as Atlas holds: 7 days of access history, 30 days of audit log.
    Oldest,
    /// When it is first seen.
    Now,
    /// At a fixed instant.
    At(Instant),
    /// This long before it is first seen.
    Ago(Duration),
}

/// The section `[evidence]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The private key that digests are signed with (already resolved against `$CREDENTIALS_DIRECTORY` or the
    /// configuration's folder), which could be read; nothing means that they are not signed.
    pub signing_key: Option<PathBuf>,
}

/// The section `[http]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// Where the daemon listens; nothing means that it does not.
    pub listen: Option<SocketAddr>,
}

impl Http {
    /// That other machines may see what is shown, where that is so.
    #[must_use]
    pub fn exposure(&self) -> Option<String> {
        let address = self.listen.filter(|address| !address.ip().to_canonical().is_loopback())?;
        Some(format!(
            "[http] listen = \"{address}\" is no loopback address: whoever reaches it from another machine sees the names of \
             all sources, their gaps and what Atlas answered, without a password; if that is not meant, set it to \
             \"127.0.0.1:{}\" and put a proxy in front of it that asks for one",
            address.port()
        ))
    }
}

/// The section `[signals]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signals {
    /// A source is behind when it is this much further back than its schedule and its settle time explain.
    pub behind: Duration,
    /// How long before its end a credential is told of.
    pub credential: Duration,
}

/// The section `[atlas]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atlas {
    /// Scheme and host, without a trailing slash, for example `https://cloud.mongodb.com`. Plain http only for loopback.
    pub base_url: String,
    /// More certificate authorities to trust, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// An answer must begin within this time, and a body that brings less than 64 KiB in it is cut off.
    pub stall_timeout: Duration,
    /// How long one poll may go on trying one request, waits included.
    pub retry_budget: Duration,
}

impl Default for Atlas {
    fn default() -> Self {
        Self {
            base_url: "https://cloud.mongodb.com".to_owned(),
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(60),
            retry_budget: Duration::from_secs(5 * 60),
        }
    }
}

/// One table `[credentials.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// OAuth 2.0 client credentials.
    ServiceAccount {
        /// `mdb_sa_id_…`
        client_id: String,
        /// Where the client secret comes from.
        client_secret: Secret,
        /// When the secret ends, as far as the configuration says: Atlas does not tell.
        expires: Option<Instant>,
    },
    /// HTTP Digest.
    ApiKey {
        /// The user name.
        public_key: String,
        /// Where the password comes from.
        private_key: Secret,
    },
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum Secret {
    /// A file (already resolved against `$CREDENTIALS_DIRECTORY` or the configuration's folder); read again when it changes.
    File(PathBuf),
    /// An environment variable, with the value that it had at start.
    Environment {
        /// Its name.
        variable: String,
        /// Its value, which `Debug` does not show.
        value: SecretString,
    },
}

impl PartialEq for Secret {
    /// Files are compared by name, not by what is in them. Not in constant time: both sides are our own.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => one == other,
            (Self::Environment { variable, value }, Self::Environment { variable: other, value: other_value }) => {
                variable == other && value.expose_secret() == other_value.expose_secret()
            }
            (Self::File(_), Self::Environment { .. }) | (Self::Environment { .. }, Self::File(_)) => false,
        }
    }
}

impl Eq for Secret {}

/// A project that is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The name of an entry of [`Config::credentials`].
    pub credentials: String,
    /// The patterns for this project: its own, else those of the section `[schedule]`.
    pub schedule: Schedule,
    /// Stream instances whose audit log is archived.
    pub stream_instances: Vec<String>,
    /// Clusters whose access history is archived.
    pub clusters: Vec<String>,
    /// What of the clusters' access history is archived.
    pub access_history_filter: Filter,
}

impl Project {
    /// The sources of this project, audit logs first.
    pub fn sources(&self) -> impl Iterator<Item = Source> + '_ {
        let audit = self.stream_instances.iter().map(|name| (Kind::StreamAudit, name, Filter::default()));
        let access = self.clusters.iter().map(|name| (Kind::AccessHistory, name, self.access_history_filter));
        audit.chain(access).map(|(kind, name, filter)| Source {
            id: SourceId { project_id: self.id.clone(), kind, name: name.clone(), filter },
            project_name: self.name.clone(),
        })
    }
}
