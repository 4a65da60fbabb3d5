//! Signs digests, so that plain `ssh-keygen -Y verify` checks them.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey};
use thiserror::Error;

/// The namespace of all signatures: one made for another purpose is worth nothing here, nor one of these elsewhere.
pub const NAMESPACE: &str = "atlas-logd";

/// The private key of Ed25519 has some 400 bytes in its file.
const LONGEST_KEY: u64 = 64 << 10;

/// What to do where there is no key: digests may be signed with it already, and another one is not what is missing.
pub(crate) const PUT_KEY_BACK: &str = "put the key back that signed the digests so far (a new one is for a new archive, or a rotation); the first one is made \
     with: ssh-keygen -t ed25519 -N '' -C atlas-logd -f FILE";

/// Why there is no key to sign with.
#[derive(Debug, Error)]
pub enum SignerError {
    /// The file cannot be read.
    #[error("failed to read the signing key {path}: {cause}; let the user that atlas-logd runs as read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It holds nothing.
    #[error("{0} is empty, where the signing key should be; {PUT_KEY_BACK}")]
    Empty(PathBuf),
    /// It holds the public key.
    #[error("{0} holds a public key; name the file of the private key, which has the same name without .pub")]
    Public(PathBuf),
    /// It is not a private key.
    #[error("{path} is no OpenSSH private key ({detail}); {PUT_KEY_BACK}")]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; nothing of what is in it.
        detail: String,
    },
    /// It needs a passphrase.
    #[error(
        "the signing key {0} has a passphrase, which nobody could type in; take it off with: ssh-keygen -p -N '' -f {0}"
    )]
    Encrypted(PathBuf),
    /// It is of another kind.
    #[error("the signing key {path} is of the kind {found}; make one with: ssh-keygen -t ed25519 -N '' -f FILE")]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// Its kind.
        found: String,
    },
}

/// Signs with an Ed25519 key.
pub struct Signer {
    key: PrivateKey,
    fingerprint: String,
}

impl fmt::Debug for Signer {
    /// Only what everybody may know of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads the private key in `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is no Ed25519 key without a passphrase.
    pub fn read(path: &Path) -> Result<Self, SignerError> {
        let unreadable = |cause| SignerError::Unreadable { path: path.to_owned(), cause };
        let mut text = Zeroizing::new(String::new());
        File::open(path).and_then(|file| file.take(LONGEST_KEY).read_to_string(&mut text)).map_err(unreadable)?;
        if text.trim().is_empty() {
            return Err(SignerError::Empty(path.to_owned()));
        }
        if PublicKey::from_openssh(text.trim()).is_ok() {
            return Err(SignerError::Public(path.to_owned()));
        }
        let no_key = |error: ssh_key::Error| SignerError::NoKey { path: path.to_owned(), detail: error.to_string() };
        let key = PrivateKey::from_openssh(text.as_bytes()).map_err(no_key)?;
        if key.is_encrypted() {
            return Err(SignerError::Encrypted(path.to_owned()));
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(SignerError::WrongKind { path: path.to_owned(), found: key.algorithm().to_string() });
        }
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        Ok(Self { key, fingerprint })
    }

    /// The fingerprint of the key, as `ssh-keygen -l` shows it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The signature of `message`, as it stands in a `.sig` file. The same for the same message, always.
    ///
    /// # Errors
    /// What the library gives; with an Ed25519 key there is nothing that can go wrong.
    pub fn sign(&self, message: &[u8]) -> Result<String, ssh_key::Error> {
        self.key.sign(NAMESPACE, HashAlg::Sha512, message)?.to_pem(LineEnding::LF)
    }
}
