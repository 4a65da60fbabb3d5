//! The demo's folder: configuration, secrets, state and archive.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    clock::{Clock, SystemClock},
    sim::{ANALYTICS, PAYMENTS, demo_credentials},
};

/// A folder that is not there yet.
pub(super) fn new_folder() -> PathBuf {
    let name = format!("atlas-logd-demo-{}-{}", SystemClock.now().compact(), std::process::id());
    std::env::temp_dir().join(name)
}

/// Makes the folder and what lies in it. The configuration's path.
pub(super) fn write(folder: &Path, base_url: &str, seed: u64) -> io::Result<PathBuf> {
    for name in ["archive", "state"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let credentials = demo_credentials(seed);
    for (name, secret) in [("client-secret", &credentials.client_secret), ("private-key", &credentials.private_key)] {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(folder.join(name))?;
        io::Write::write_all(&mut file, secret.as_bytes())?;
    }
    let path = folder.join("config.toml");
    let text = format!(
        r#"# Made by `atlas-logd demo`. The simulated Atlas that it asks is gone with the demo; `atlas-logd simulate` starts the
# same one again.

[archive]
dir = "archive"

[state]
dir = "state"

[schedule]
stream_audit = "*/2 * * * * *"
access_history = "1/2 * * * * *"

[atlas]
base_url = "{base_url}"

[credentials.main]
client_id = "{client_id}"
client_secret_file = "client-secret"

[credentials.legacy]
public_key = "{public_key}"
private_key_file = "private-key"

[[project]]
id = "{PAYMENTS}"
name = "payments"
credentials = "main"
stream_instances = ["orders", "billing"]
clusters = ["prod-0", "prod-1"]

[[project]]
id = "{ANALYTICS}"
name = "analytics"
credentials = "legacy"
stream_instances = ["Café & shops", "quiet"]
clusters = ["warehouse", "staging"]
"#,
        client_id = credentials.client_id,
        public_key = credentials.public_key,
    );
    fs::write(&path, text)?;
    Ok(path)
}

/// What can be tried with what the demo leaves.
pub(super) fn what_next(config: &Path, address: SocketAddr, seed: u64) -> String {
    let config = config.display();
    format!(
        "Try the other commands on it:\n\n  atlas-logd --config {config} status\n  atlas-logd --config {config} check\n\n\
         and, with the same simulated Atlas running in another terminal:\n\n  atlas-logd simulate --listen {address} \
         --seed {seed}\n  atlas-logd --config {config} check --online\n  atlas-logd --config {config} collect\n"
    )
}
