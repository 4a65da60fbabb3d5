//! What no definition of a command line says: the files, environment variables and signals of the program.

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topic {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

const fn topic(name: &'static str, text: &'static str) -> Topic {
    Topic { name, text }
}

pub(super) const FILES: &[Topic] = &[
    topic("/etc/atlas-logd/config.toml", "The configuration, unless --config names another one. Read again on SIGHUP."),
    topic(
        "/etc/atlas-logd/atlas-client-secret",
        "The secret of a service account, where the configuration says client_secret_file = \"atlas-client-secret\"; \
         systemd gives it to the service as a credential. Mode 0600.",
    ),
    topic(
        "/var/log/atlas-logd",
        "The archive (archive.dir): a folder for each source, named as the source is, with its segments (*.ndjson, one record \
         a line) and their digests (*.digest.json). Nobody but atlas-logd may write below it.",
    ),
    topic(
        "/var/lib/atlas-logd",
        "The state (state.dir): how far each source has come. rebuild makes it again from the archive.",
    ),
    topic(
        "/usr/share/doc/atlas-logd/examples/atlas-logd.toml",
        "The reference of the configuration, every key with its default, where the Debian package is installed.",
    ),
];

pub(super) const ENVIRONMENT: &[Topic] = &[
    topic(
        "CREDENTIALS_DIRECTORY",
        "Where secrets and the signing key are looked up first that the configuration names by a bare name. systemd sets it \
         (LoadCredential=). After it comes the folder of the configuration.",
    ),
    topic(
        "RUST_LOG",
        "How much is logged: atlas_logd=debug shows every poll, warn only what is wrong. The default is info for run, warn for \
         the other commands.",
    ),
    topic(
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy through which Atlas is reached, and what is reached without it; in lower case too.",
    ),
    topic(
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "The certificate authorities that are trusted instead of the system's. The setting atlas.ca_file adds to them.",
    ),
    topic("TMPDIR", "Where demo makes its folder. Default: /tmp."),
    topic(
        "NOTIFY_SOCKET, WATCHDOG_USEC, JOURNAL_STREAM",
        "Set by systemd: run tells it when it is ready, reloads and stops, and leaves the time of log lines to the journal.",
    ),
    topic("any other", "The settings client_secret_env and private_key_env name variables that hold secrets."),
];

pub(super) const SIGNALS: &[Topic] = &[
    topic(
        "SIGTERM, SIGINT",
        "Stop: windows under way are finished, within collect.grace; a second one cuts them off. Nothing is lost either way.",
    ),
    topic(
        "SIGHUP",
        "run reads the configuration again. One with a fault is refused, with the fault in the log, and the old one stays.",
    ),
    topic("SIGKILL", "Loses nothing either: the next start finishes what was begun."),
];
