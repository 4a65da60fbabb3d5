//! Whose signatures count: OpenSSH's file of allowed signers, as `ssh-keygen -Y verify -f` reads it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{
    evidence::{
        NAMESPACE, Signature,
        allowed_line::{self, Line, Parsed},
        pattern,
    },
    instant::Instant,
};

/// A line for each key that was ever signed with: this is room for thousands.
const LONGEST_FILE: u64 = 4 << 20;

/// Why a file of allowed signers cannot be used.
#[derive(Debug, Error)]
pub enum AllowedSignersError {
    /// The file cannot be read.
    #[error("failed to read the allowed signers {path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A line of it cannot be understood.
    #[error(
        "{path}, line {line}: {detail}; a line is written as: PRINCIPAL namespaces=\"atlas-logd\" ssh-ed25519 AAAA… COMMENT"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
}

/// Why a key is not allowed to sign a digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotAllowed {
    /// No line has the key.
    #[error("its key {fingerprint} is not among the allowed signers{}", passed_over(skipped))]
    Unknown {
        /// The key.
        fingerprint: String,
        /// The lines that were skipped, because digests are not signed with keys of their kind.
        skipped: Vec<SkippedLine>,
    },
    /// The key is allowed for other things only.
    #[error("its key {fingerprint} is not allowed for the namespace {NAMESPACE:?}")]
    Namespace {
        /// The key.
        fingerprint: String,
    },
    /// The key was not yet, or no longer, to be used.
    #[error("its key {fingerprint} is not allowed for {at}, when the digest says it was made")]
    Time {
        /// The key.
        fingerprint: String,
        /// When the digest was made.
        at: Instant,
    },
}

/// A line of the file with a key that no digest can be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedLine {
    /// Which line, from 1.
    pub line: usize,
    /// The kind of its key.
    pub kind: String,
}

fn passed_over(skipped: &[SkippedLine]) -> String {
    let [first, others @ ..] = skipped else { return String::new() };
    let lines = match others.len() {
        0 => format!("line {} was", first.line),
        others => format!("line {} and {others} more were", first.line),
    };
    format!("; {lines} skipped: digests are signed with Ed25519 keys, not with {}", first.kind)
}

/// The keys whose signatures count, each with what for and when.
#[derive(Clone, Debug, Default)]
pub struct AllowedSigners {
    lines: Vec<Line>,
    skipped: Vec<SkippedLine>,
}

impl AllowedSigners {
    /// Reads the file in `path`.
    ///
    /// # Errors
    /// When it cannot be read, or a line of it cannot be understood.
    pub fn read(path: &Path) -> Result<Self, AllowedSignersError> {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST_FILE + 1).read_to_string(&mut text));
        let read = read.and_then(|length| match length as u64 > LONGEST_FILE {
            true => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 4 MiB")),
            false => Ok(length),
        });
        read.map_err(|cause| AllowedSignersError::Unreadable { path: path.to_owned(), cause })?;
        Self::parse(&text).map_err(|(line, detail)| AllowedSignersError::Line { path: path.to_owned(), line, detail })
    }

    /// Reads the text of a file; where it cannot be understood, gives the line and what is wrong.
    ///
    /// # Errors
    /// When a line cannot be understood.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut signers = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match allowed_line::parse(line).map_err(|detail| (index + 1, detail))? {
                Parsed::Line(line) => signers.lines.push(line),
                Parsed::Other(kind) => signers.skipped.push(SkippedLine { line: index + 1, kind }),
            }
        }
        Ok(signers)
    }

    /// Whether the key of `signature` may sign what was made at `at`; gives the principals of its line.
    ///
    /// # Errors
    /// When it may not.
    pub fn allow(&self, signature: &Signature, at: Instant) -> Result<&str, NotAllowed> {
        let fingerprint = signature.fingerprint().to_owned();
        let mut refusal = NotAllowed::Unknown { fingerprint: fingerprint.clone(), skipped: self.skipped.clone() };
        for line in self.lines.iter().filter(|line| line.key == *signature.key().key_data()) {
            let for_us =
                line.options.namespaces.as_deref().is_none_or(|patterns| pattern::matches_list(NAMESPACE, patterns));
            // Both bounds belong to it, as in OpenSSH.
            let early = line.options.valid_after.is_some_and(|after| at < after);
            let late = line.options.valid_before.is_some_and(|before| at > before);
            if !for_us {
                refusal = NotAllowed::Namespace { fingerprint: fingerprint.clone() };
            } else if early || late {
                refusal = NotAllowed::Time { fingerprint: fingerprint.clone(), at };
            } else {
                return Ok(&line.principals);
            }
        }
        Err(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::signature::tests::{key, signer};

    fn signature(seed: u8) -> Signature {
        Signature::parse(signer(seed).sign(b"x").unwrap().as_bytes()).unwrap()
    }

    fn line(seed: u8) -> String {
        key(seed).public_key().to_openssh().unwrap()
    }

    /// A line of another kind of key may stand anywhere.
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLgMCe51zHtn3lx0ZXYTQS+Z1XScB8Ohrwz1biyU1tBP1+ohmfXaM3Y2iQ9p7H61yFfcVkUdTqXjCwGXr95Evug=";
    const SECURITY_KEY: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo=";
    const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwOQ==";

    #[test]
    fn a_key_of_another_kind_is_skipped_and_said_where_a_digest_needs_one() {
        let text = format!("a@b {ECDSA} comment\na@b namespaces=\"*\" {SECURITY_KEY}\n{}\na@b {RSA}\n", of(1));
        let allowed = AllowedSigners::parse(&text).unwrap();
        let at = Instant::from_seconds(0);
        assert_eq!(allowed.allow(&signature(1), at), Ok("a@b"));
        let refusal = allowed.allow(&signature(2), at).unwrap_err().to_string();
        let words =
            "; line 1 and 2 more were skipped: digests are signed with Ed25519 keys, not with ecdsa-sha2-nistp256";
        assert!(refusal.ends_with(&format!("is not among the allowed signers{words}")), "{refusal}");
    }

    fn of(seed: u8) -> String {
        format!("a@b {}", line(seed))
    }

    #[test]
    fn each_key_counts_for_its_time_and_namespace() {
        let text = format!(
            "# rotated on 2 November\n\nold@host,\"two words\" namespaces=\"git,atlas-*\",valid-before=\"20261102Z\" {} old\n\
             new@host\tvalid-after=\"202611020000Z\",namespaces=\"!git,*\" {}\n git@host namespaces=\"git\" {}\n",
            line(1),
            line(2),
            line(3),
        );
        let allowed = AllowedSigners::parse(&text).unwrap();
        let at = |text: &str| -> Instant { text.parse().unwrap() };
        let (before, moment, after) =
            (at("2026-11-01T23:59:59.999Z"), at("2026-11-02T00:00:00Z"), at("2026-11-02T00:00:00.001Z"));
        assert_eq!(allowed.allow(&signature(1), before), Ok("old@host,\"two words\""));
        assert_eq!(allowed.allow(&signature(1), moment), Ok("old@host,\"two words\""));
        assert!(matches!(allowed.allow(&signature(1), after), Err(NotAllowed::Time { .. })));
        assert!(matches!(allowed.allow(&signature(2), before), Err(NotAllowed::Time { .. })));
        assert_eq!(allowed.allow(&signature(2), moment), Ok("new@host"));
        assert!(matches!(allowed.allow(&signature(3), moment), Err(NotAllowed::Namespace { .. })));
        assert!(matches!(allowed.allow(&signature(4), moment), Err(NotAllowed::Unknown { .. })));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for (text, detail) in [
            (format!("a@b cert-authority {}", line(1)), "cert-authority is not supported"),
            (format!("a@b colour=\"red\" {}", line(1)), "the option \"colour\" is not known"),
            (format!("a@b valid-after=\"yesterday\" {}", line(1)), "\"yesterday\" is no time"),
            (format!("a@b valid-after=\"20261399Z\" {}", line(1)), "\"20261399Z\" is no time"),
            (format!("a@b namespaces=atlas-logd {}", line(1)), "the value of namespaces has to stand in quotes"),
            (format!("a@b valid-before=20261122 {}", line(1)), "the value of valid-before has to stand in quotes"),
            (
                format!("a@b namespaces=\"git\",namespaces=\"*\" {}", line(1)),
                "the option \"namespaces\" stands there twice",
            ),
            (format!("a@b namespaces=\"git\", {}", line(1)), "nothing stands behind the comma"),
            (
                format!("a@b valid-after=\"20261122Z\",valid-before=\"20261122Z\" {}", line(1)),
                "valid-before is not after valid-after",
            ),
            (format!("a@b namespaces=x {SECURITY_KEY}"), "the value of namespaces has to stand in quotes"),
            (format!("a@b namespaces=\"x {}", line(1)), "a quote is not closed"),
            (line(1), "there is no public key"),
            ("a@b ssh-ed25519 AAAA".to_owned(), "there is no public key"),
            (format!("a@b ssh-ed25519 {}", &RSA[8..]), "there is no public key"),
            ("a@b".to_owned(), "there is no public key"),
        ] {
            let (at, found) = AllowedSigners::parse(&format!("\n{text}\n")).unwrap_err();
            assert!(at == 2 && found.starts_with(detail), "{text}: {found}");
        }
    }
}
