//! Whose signatures count: OpenSSH's file of allowed signers, as `ssh-keygen -Y verify -f` reads it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use jiff::{civil, tz::TimeZone};
use ssh_key::{PublicKey, public::KeyData};
use thiserror::Error;

use crate::{
    evidence::{NAMESPACE, Signature, pattern},
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
    #[error("its key {fingerprint} is not among the allowed signers")]
    Unknown {
        /// The key.
        fingerprint: String,
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

#[derive(Clone, Debug)]
struct Line {
    principals: String,
    namespaces: Option<String>,
    valid_after: Option<Instant>,
    valid_before: Option<Instant>,
    key: KeyData,
}

/// The keys whose signatures count, each with what for and when.
#[derive(Clone, Debug, Default)]
pub struct AllowedSigners {
    lines: Vec<Line>,
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
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                lines.push(parse_line(line).map_err(|detail| (index + 1, detail))?);
            }
        }
        Ok(Self { lines })
    }

    /// Whether the key of `signature` may sign what was made at `at`; gives the principals of its line.
    ///
    /// # Errors
    /// When it may not.
    pub fn allow(&self, signature: &Signature, at: Instant) -> Result<&str, NotAllowed> {
        let fingerprint = signature.fingerprint().to_owned();
        let mut refusal = NotAllowed::Unknown { fingerprint: fingerprint.clone() };
        for line in self.lines.iter().filter(|line| line.key == *signature.key().key_data()) {
            let for_us = line.namespaces.as_deref().is_none_or(|patterns| pattern::matches_list(NAMESPACE, patterns));
            // Both bounds belong to it, as in OpenSSH.
            let early = line.valid_after.is_some_and(|after| at < after);
            let late = line.valid_before.is_some_and(|before| at > before);
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

fn parse_line(line: &str) -> Result<Line, String> {
    let (principals, rest) = field(line)?;
    let (options, key) = match key(rest) {
        Ok(key) => ("", key),
        Err(detail) => {
            // What is no key stands for options, of which every one has to be understood.
            let (options, rest) = field(rest)?;
            if !options.contains('=') && !options.to_ascii_lowercase().contains("cert-authority") {
                return Err(detail);
            }
            (options, self::key(rest)?)
        }
    };
    let principals = unquoted(principals)?;
    let mut line = Line { principals, namespaces: None, valid_after: None, valid_before: None, key };
    line.set_options(options)?;
    Ok(line)
}

impl Line {
    fn set_options(&mut self, mut options: &str) -> Result<(), String> {
        while !options.is_empty() {
            let end = end_of(options, |character| character == ',')?;
            let (option, rest) = options.split_at(end);
            options = rest.strip_prefix(',').unwrap_or(rest);
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = unquoted(value)?;
            match name.to_ascii_lowercase().as_str() {
                "namespaces" => self.namespaces = Some(value),
                "valid-after" => self.valid_after = Some(time(&value)?),
                "valid-before" => self.valid_before = Some(time(&value)?),
                "cert-authority" => {
                    return Err(
                        "cert-authority is not supported: name the key itself that digests are signed with".to_owned()
                    );
                }
                _ => {
                    return Err(format!(
                        "the option {name:?} is not known; known: namespaces, valid-after, valid-before"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The public key that `text` begins with.
fn key(text: &str) -> Result<KeyData, String> {
    let mut words = text.split_ascii_whitespace();
    let (kind, base64) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let key = PublicKey::from_openssh(&format!("{kind} {base64}"));
    key.map(|key| key.key_data().clone())
        .map_err(|error| format!("there is no public key where one has to be ({error})"))
}

/// What stands before the first blank outside of quotes, and what stands behind it.
fn field(text: &str) -> Result<(&str, &str), String> {
    let end = end_of(text, |character| character == ' ' || character == '\t')?;
    let (field, rest) = text.split_at(end);
    Ok((field, rest.trim_start()))
}

/// Where `text` ends for the first time outside of quotes.
fn end_of(text: &str, ends: impl Fn(char) -> bool) -> Result<usize, String> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && ends(character) => return Ok(index),
            _ => {}
        }
    }
    if quoted { Err("a quote is not closed".to_owned()) } else { Ok(text.len()) }
}

/// A value without its quotes.
fn unquoted(text: &str) -> Result<String, String> {
    let Some(inner) = text.strip_prefix('"') else { return Ok(text.to_owned()) };
    let inner = inner.strip_suffix('"').ok_or("something stands behind a quote")?;
    Ok(inner.replace("\\\"", "\""))
}

/// `YYYYMMDD[HHMM[SS]][Z]`; without `Z` by the clock on the wall here, as OpenSSH has it.
fn time(text: &str) -> Result<Instant, String> {
    let wrong = || format!("{text:?} is no time; write it as 20261122, 202611221015 or 20261122101500, with Z for UTC");
    let (digits, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 14) {
        return Err(wrong());
    }
    let full = format!("{digits:0<14}");
    let civil = civil::DateTime::strptime("%Y%m%d%H%M%S", full).map_err(|_| wrong())?;
    civil.to_zoned(zone).map(|zoned| zoned.timestamp().into()).map_err(|_| wrong())
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

    #[test]
    fn each_key_counts_for_its_time_and_namespace() {
        let text = format!(
            "# rotated on 2 November\n\nold@host,\"two words\" namespaces=\"git,atlas-*\",valid-before=\"20261102Z\" {} old\n\
             new@host\tvalid-after=202611020000Z,namespaces=\"!git,*\" {}\n git@host namespaces=\"git\" {}\n",
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
            (format!("a@b valid-after=20261399Z {}", line(1)), "\"20261399Z\" is no time"),
            (format!("a@b namespaces=\"x {}", line(1)), "a quote is not closed"),
            (line(1), "there is no public key"),
            ("a@b ssh-ed25519 AAAA".to_owned(), "there is no public key"),
            ("a@b".to_owned(), "there is no public key"),
        ] {
            let (at, found) = AllowedSigners::parse(&format!("\n{text}\n")).unwrap_err();
            assert!(at == 2 && found.starts_with(detail), "{text}: {found}");
        }
    }
}
