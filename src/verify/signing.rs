//! Whether the digests are signed, by whom, and whether that counts.

use std::{collections::BTreeMap, path::Path};

use crate::{
    archive::Files,
    evidence::{LONGEST_SIGNATURE, SIGNATURE_SUFFIX, Signature},
    instant::Instant,
    shown::shown_path,
    verify::{Fault, Reason, Request, whole_file},
};

/// The keys that signed, each with the principals that stand for it among the allowed signers.
pub type Keys = BTreeMap<String, Option<String>>;

/// What a digest says of its signature, and what is known of it.
pub(super) struct Announced<'a> {
    /// The digest's file.
    pub(super) digest: &'a Path,
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// The fingerprint of the key that it says it is signed with.
    pub(super) key: Option<&'a str>,
    /// When it was made.
    pub(super) made: Instant,
    /// Whether a signature lies there.
    pub(super) lies_there: bool,
}

impl Announced<'_> {
    /// Checks the signature; whether there is one. Adds its key to `keys`.
    pub(super) fn check(&self, files: &dyn Files, request: &Request, keys: &mut Keys) -> Result<bool, Fault> {
        let mut path = self.digest.as_os_str().to_owned();
        path.push(SIGNATURE_SUFFIX);
        let path = Path::new(&path);
        let digest = shown_path(self.digest);
        let fault = |reason| Fault::new(path, reason);
        let expected = match (self.key, self.lies_there) {
            (None, false) => return Ok(false),
            (None, true) => return Err(fault(Reason::SignatureExtra(digest))),
            (Some(key), false) => return Err(fault(Reason::SignatureMissing { digest, key: key.to_owned() })),
            (Some(key), true) => key,
        };
        let bytes = whole_file::read(files, path, LONGEST_SIGNATURE).map_err(fault)?;
        let signature = Signature::parse(&bytes);
        let signature = signature.map_err(|cause| fault(Reason::Signature { digest: digest.clone(), cause }))?;
        let found = signature.fingerprint().to_owned();
        if found != expected {
            return Err(fault(Reason::OtherKey { digest, expected: expected.to_owned(), found }));
        }
        signature.check(self.bytes).map_err(|cause| fault(Reason::Signature { digest, cause }))?;
        let principals = match &request.allowed_signers {
            None => None,
            Some(allowed) => {
                let principals = allowed.allow(&signature, self.made);
                Some(principals.map_err(|refusal| fault(Reason::NotAllowed(refusal)))?.to_owned())
            }
        };
        keys.insert(found, principals);
        Ok(true)
    }
}
