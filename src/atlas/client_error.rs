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
