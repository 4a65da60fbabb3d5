//! The section `[atlas]`.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Atlas, base_url, duration, keys, path, table::Table};

/// The shortest time-out: anything less is a slip of the pen.
const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// All the authorities of a system are 250 KiB or so.
const LARGEST_CA_FILE: u64 = 4 << 20;

/// Reads `[atlas]`, from a configuration that lies in `folder`.
pub(super) fn read(document: &Table<'_>, folder: &Path) -> Atlas {
    let default = Atlas::default();
    let table = document.table("atlas", keys::ATLAS);
    let time = |key: &str, example: &str, allowed, default: Duration| {
        table.parsed(key, example, |text| duration::parse_within(text, allowed)).unwrap_or(default)
    };
    Atlas {
        base_url: table.parsed("base_url", &default.base_url, base_url::parse).unwrap_or(default.base_url),
        ca_file: table.parsed("ca_file", "private-ca.pem", |text| parse_ca_file(text, folder)),
        connect_timeout: time("connect_timeout", "10s", MILLISECOND..=HOUR, default.connect_timeout),
        stall_timeout: time("stall_timeout", "60s", MILLISECOND..=HOUR, default.stall_timeout),
        retry_budget: time("retry_budget", "5m", Duration::ZERO..=DAY, default.retry_budget),
    }
}

/// The path of a file that holds at least one certificate.
fn parse_ca_file(text: &str, folder: &Path) -> Result<PathBuf, String> {
    const MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let path = path::parse(text, folder)?;
    let shown = path.display();
    let mut content = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(LARGEST_CA_FILE).read_to_end(&mut content))
        .map_err(|error| format!("{shown} cannot be read: {error}; allowed: a file of certificates in PEM form"))?;
    if !content.windows(MARK.len()).any(|window| window == MARK) {
        return Err(format!("{shown} holds no certificate; allowed: a file of certificates in PEM form"));
    }
    Ok(path)
}
