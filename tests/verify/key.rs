//! Keys to sign with, the same ones at every run.

use atlas_logd::evidence::Signer;
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

/// A key with a name and a line for a file of allowed signers.
pub(crate) struct Key {
    pub(crate) signer: Signer,
    pub(crate) principal: &'static str,
    public: String,
}

impl Key {
    pub(crate) fn new(seed: u8, principal: &'static str) -> Self {
        let key: PrivateKey = Ed25519Keypair::from_seed(&[seed; 32]).into();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, key.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        Self { signer: Signer::read(&path).unwrap(), principal, public: key.public_key().to_openssh().unwrap() }
    }

    /// The line, with `options`.
    pub(crate) fn line(&self, options: &str) -> String {
        format!("{} {options} {}\n", self.principal, self.public)
    }
}
