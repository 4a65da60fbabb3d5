//! The secret half of a credential, read where the configuration says it is.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::{SecretString, zeroize::Zeroize};

use crate::{config::Secret, vitals};

/// A real secret has some 50 characters; this only keeps a wrong file name from filling memory.
const LIMIT_BYTES: u64 = 64 << 10;

/// Where a secret comes from, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// A file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
}

impl SecretPlace {
    pub(super) fn of(secret: &Secret) -> Self {
        match secret {
            Secret::File(path) => Self::File(path.clone()),
            Secret::Environment { variable, .. } => Self::Environment(variable.clone()),
        }
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Environment(variable) => write!(f, "the environment variable {variable}"),
        }
    }
}

/// Why there is no secret. It tells the place, never the content.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no secret in {place}: {fault}")]
pub struct SecretError {
    /// Where it should be.
    pub place: SecretPlace,
    /// What is wrong there.
    pub fault: SecretFault,
}

/// What is wrong with a secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SecretFault {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(Arc<io::Error>),
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// More than 64 KiB.
    #[error("it is larger than {} KiB", LIMIT_BYTES >> 10)]
    TooLarge,
    /// Not UTF-8, or several lines.
    #[error("it is not one line of text")]
    NotOneLine,
}

/// Reads the secret anew, so that a changed file takes effect; white space around it is not part of it.
pub(super) async fn read(secret: &Secret) -> Result<SecretString, SecretError> {
    let fault = match secret {
        Secret::Environment { value, .. } => return Ok(value.clone()),
        Secret::File(path) => {
            let path = path.clone();
            let reading = vitals::blocking(move || read_file(&path));
            match reading.await {
                Ok(Ok(secret)) => return Ok(secret),
                Ok(Err(fault)) => fault,
                Err(stopped) => SecretFault::Unreadable(Arc::new(io::Error::other(stopped))),
            }
        }
    };
    Err(SecretError { place: SecretPlace::of(secret), fault })
}

fn read_file(path: &Path) -> Result<SecretString, SecretFault> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LIMIT_BYTES + 1).read_to_end(&mut bytes));
    let secret = match read {
        Ok(_) => one_line(&bytes),
        Err(error) => Err(SecretFault::Unreadable(Arc::new(error))),
    };
    bytes.zeroize();
    secret
}

fn one_line(bytes: &[u8]) -> Result<SecretString, SecretFault> {
    if bytes.len() as u64 > LIMIT_BYTES {
        return Err(SecretFault::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| SecretFault::NotOneLine)?.trim();
    if text.is_empty() {
        return Err(SecretFault::Empty);
    }
    if text.chars().any(char::is_control) {
        return Err(SecretFault::NotOneLine);
    }
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret;

    use super::*;

    async fn read_bytes(bytes: &[u8]) -> Result<String, SecretError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, bytes).unwrap();
        Ok(read(&Secret::File(path)).await?.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn white_space_around_it_is_not_part_of_it() {
        assert_eq!(read_bytes(b"mdb_sa_sk_x\r\n").await.unwrap(), "mdb_sa_sk_x");
        assert_eq!(read_bytes(b" a b ").await.unwrap(), "a b");
    }

    #[tokio::test]
    async fn what_is_no_secret_is_refused_without_showing_it() {
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (b" \n", "it is empty"),
            (b"hush\nhush", "it is not one line of text"),
            (b"hush\xff", "it is not one line of text"),
            (&[b'h'; (64 << 10) + 1], "it is larger than 64 KiB"),
        ] {
            let error = read_bytes(bytes).await.unwrap_err();
            assert_eq!(error.fault.to_string(), expected);
            assert!(error.to_string().starts_with("no secret in the file /"), "{error}");
            assert!(!format!("{error:?}").contains("hush"));
        }
        let missing = read(&Secret::File("/nowhere/secret".into())).await.unwrap_err();
        assert_eq!(
            missing.to_string(),
            "no secret in the file /nowhere/secret: No such file or directory (os error 2)"
        );
    }
}
