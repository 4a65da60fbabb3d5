//! The signature of a digest, as it stands in its `.sig` file.

use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, SshSig};
use thiserror::Error;

use crate::evidence::NAMESPACE;

/// No signature is longer, in bytes; nor is one read that is. One of an Ed25519 key has some 300.
pub const LONGEST_SIGNATURE: u64 = 16 << 10;

/// Why a signature proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// It cannot be read.
    #[error("it is no SSH signature ({0})")]
    Malformed(String),
    /// It says what a signature can say, but in other bytes.
    #[error("it is not written as signatures are written, so that somebody has changed it")]
    NotCanonical,
    /// It was made for something else.
    #[error("it was made for the namespace {0:?} instead of {NAMESPACE:?}")]
    Namespace(String),
    /// It was made with a key that no digest is signed with.
    #[error("it was made with a key of the kind {0}; digests are signed with Ed25519 keys")]
    WrongKind(String),
    /// Key, signature and message do not belong together.
    #[error("it is not a signature of these bytes")]
    OtherMessage,
}

/// A signature that can be read. Whether it holds, [`Signature::check`] tells.
#[derive(Clone, Debug)]
pub struct Signature {
    signature: SshSig,
    key: PublicKey,
    fingerprint: String,
}

impl Signature {
    /// Reads the bytes of a `.sig` file. Every one of them counts.
    ///
    /// # Errors
    /// When they are not what [`Signer::sign`](crate::evidence::Signer::sign) writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let malformed = |error: ssh_key::Error| SignatureError::Malformed(error.to_string());
        let signature = SshSig::from_pem(bytes).map_err(malformed)?;
        let written = signature.to_pem(LineEnding::LF).map_err(malformed)?;
        // The version is not among what is signed.
        let versioned = signature.version() == SshSig::VERSION && signature.reserved().is_empty();
        if written.as_bytes() != bytes || !versioned {
            return Err(SignatureError::NotCanonical);
        }
        if signature.namespace() != NAMESPACE {
            return Err(SignatureError::Namespace(signature.namespace().to_owned()));
        }
        let key = PublicKey::from(signature.public_key().clone());
        let kind = key.algorithm();
        if kind != Algorithm::Ed25519 || signature.algorithm() != Algorithm::Ed25519 {
            return Err(SignatureError::WrongKind(kind.to_string()));
        }
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        Ok(Self { signature, key, fingerprint })
    }

    /// The fingerprint of the key that it says it was made with, as `ssh-keygen -l` shows it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether it was made of `message` by whoever holds that key.
    ///
    /// # Errors
    /// When it was not.
    pub fn check(&self, message: &[u8]) -> Result<(), SignatureError> {
        self.key.verify(NAMESPACE, message, &self.signature).map_err(|_| SignatureError::OtherMessage)
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ssh_key::{PrivateKey, private::Ed25519Keypair};

    use super::*;
    use crate::evidence::Signer;

    pub(in crate::evidence) fn key(seed: u8) -> PrivateKey {
        Ed25519Keypair::from_seed(&[seed; 32]).into()
    }

    pub(in crate::evidence) fn signer(seed: u8) -> Signer {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, key(seed).to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        Signer::read(&path).unwrap()
    }

    #[test]
    fn a_signature_holds_for_its_message_only() {
        let signer = signer(1);
        let signature = Signature::parse(signer.sign(b"a digest").unwrap().as_bytes()).unwrap();
        assert_eq!(signature.fingerprint(), signer.fingerprint());
        assert_eq!(signature.check(b"a digest"), Ok(()));
        for other in [&b"a digesT"[..], b"a digest ", b""] {
            assert_eq!(signature.check(other), Err(SignatureError::OtherMessage));
        }
    }

    #[test]
    fn every_byte_of_a_signature_counts() {
        let signer = signer(1);
        let bytes = signer.sign(b"a digest").unwrap().into_bytes();
        let holds = |bytes: &[u8]| {
            let signature = Signature::parse(bytes);
            signature.is_ok_and(|found| found.fingerprint() == signer.fingerprint() && found.check(b"a digest").is_ok())
        };
        assert!(holds(&bytes));
        for at in 0..bytes.len() {
            for byte in [bytes[at] ^ 1, b'\n', b' ', b'A', 0xff] {
                let mut changed = bytes.clone();
                changed[at] = byte;
                assert!(changed == bytes || !holds(&changed), "{byte} at {at}");
                changed = bytes.clone();
                changed.insert(at, byte);
                assert!(!holds(&changed), "{byte} put in at {at}");
            }
            assert!(!holds(&bytes[..at]), "cut at {at}");
        }
    }

    #[test]
    fn one_made_for_another_purpose_is_worth_nothing() {
        let other = key(1).sign("git", HashAlg::Sha512, b"a digest").unwrap().to_pem(LineEnding::LF).unwrap();
        assert_eq!(
            Signature::parse(other.as_bytes()).unwrap_err().to_string(),
            "it was made for the namespace \"git\" instead of \"atlas-logd\"",
        );
        assert!(matches!(Signature::parse(b"\xff").unwrap_err(), SignatureError::Malformed(_)));
    }
}
