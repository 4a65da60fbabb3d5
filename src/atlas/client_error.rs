//! Why a client cannot be made.

use std::{io, path::PathBuf};

use super::cause::Cause;

/// The configuration names something that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base URL is none.
    #[error("the base URL {url:?} is not a URL with a host")]
    BaseUrl {
        /// As configured.
        url: String,
    },
    /// The file of certificate authorities cannot be read.
    #[error("failed to read the certificate authorities in {}: {cause}", path.display())]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file of certificate authorities is something else.
    #[error("{} holds {bytes} bytes and cannot be a list of certificate authorities", path.display())]
    CaFileLarge {
        /// Which file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// The file of certificate authorities is not PEM.
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// TLS cannot be set up, for example because the machine has no certificate authorities.
    #[error("failed to set up TLS: {0}")]
    Build(Cause),
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::Arc, time::Duration};

    use crate::{
        atlas::Client,
        clock::SystemClock,
        config::{Atlas, Credential, Secret},
    };

    fn refusal(base_url: &str, ca_file: Option<&Path>) -> String {
        let atlas = Atlas {
            base_url: base_url.to_owned(),
            ca_file: ca_file.map(Path::to_owned),
            connect_timeout: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(1),
            retry_budget: Duration::from_secs(1),
        };
        let credential =
            Credential::ApiKey { public_key: "abcdefgh".to_owned(), private_key: Secret::File("/nowhere".into()) };
        Client::new(&atlas, &credential, Arc::new(SystemClock)).unwrap_err().to_string()
    }

    #[test]
    fn tells_which_setting_cannot_be_used() {
        assert_eq!(refusal("atlas", None), "the base URL \"atlas\" is not a URL with a host");
        assert_eq!(
            refusal("https://127.0.0.1", Some(Path::new("/nowhere/ca.pem"))),
            "failed to read the certificate authorities in /nowhere/ca.pem: No such file or directory (os error 2)"
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        for content in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n"] {
            fs::write(&path, content).unwrap();
            let expected = format!("{} holds no certificate in PEM form", path.display());
            assert_eq!(refusal("https://127.0.0.1", Some(&path)), expected);
        }
    }
}
