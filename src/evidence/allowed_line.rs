//! A line of OpenSSH's file of allowed signers: principals, options, key.

use jiff::{civil, tz::TimeZone};
use ssh_key::{Algorithm, PublicKey, public::KeyData};

use crate::instant::Instant;

/// What a line says.
#[derive(Debug)]
pub(super) enum Parsed {
    /// A key that digests may be signed with.
    Line(Line),
    /// A key of another kind, which is named.
    Other(String),
}

enum Key {
    Ed25519(KeyData),
    /// Of another kind.
    Other(String),
}

/// A key, with whom it stands for and what it is allowed for.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) principals: String,
    pub(super) options: Options,
    pub(super) key: KeyData,
}

/// What a key is allowed for.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) namespaces: Option<String>,
    pub(super) valid_after: Option<Instant>,
    pub(super) valid_before: Option<Instant>,
}

/// Reads a line that is not empty and no comment.
///
/// # Errors
/// When it cannot be understood; says what is wrong.
pub(super) fn parse(line: &str) -> Result<Parsed, String> {
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
    let options = Options::parse(options)?;
    Ok(match key {
        Key::Ed25519(key) => Parsed::Line(Line { principals, options, key }),
        Key::Other(kind) => Parsed::Other(kind),
    })
}

impl Options {
    /// Every one has to be understood, and is written as OpenSSH reads it.
    fn parse(mut text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        while !text.is_empty() {
            let end = end_of(text, |character| character == ',')?;
            let (option, rest) = text.split_at(end);
            text = rest.strip_prefix(',').unwrap_or(rest);
            if text.is_empty() && !rest.is_empty() {
                return Err("nothing stands behind the comma of the options".to_owned());
            }
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let twice = match name.to_ascii_lowercase().as_str() {
                "namespaces" => options.namespaces.replace(quoted(name, value)?).is_some(),
                "valid-after" => options.valid_after.replace(time(&quoted(name, value)?)?).is_some(),
                "valid-before" => options.valid_before.replace(time(&quoted(name, value)?)?).is_some(),
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
            };
            if twice {
                return Err(format!("the option {name:?} stands there twice; write it once"));
            }
        }
        if options.valid_after.zip(options.valid_before).is_some_and(|(after, before)| before <= after) {
            return Err("valid-before is not after valid-after, so that the key would never be allowed".to_owned());
        }
        Ok(options)
    }
}

/// The public key that `text` begins with.
fn key(text: &str) -> Result<Key, String> {
    let mut words = text.split_ascii_whitespace();
    let (kind, base64) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    match PublicKey::from_openssh(&format!("{kind} {base64}")) {
        Ok(key) if key.algorithm() == Algorithm::Ed25519 => Ok(Key::Ed25519(key.key_data().clone())),
        Ok(_) => Ok(Key::Other(kind.to_owned())),
        // The name is one of OpenSSH's, and what stands behind it is a key that this program cannot use.
        Err(ssh_key::Error::AlgorithmUnknown)
            if kind.parse().is_ok_and(|kind: Algorithm| kind != Algorithm::Ed25519) =>
        {
            Ok(Key::Other(kind.to_owned()))
        }
        Err(error) => Err(format!("there is no public key where one has to be ({error})")),
    }
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

/// The value of an option, which OpenSSH reads only in quotes.
fn quoted(name: &str, value: &str) -> Result<String, String> {
    if value.starts_with('"') { unquoted(value) } else { Err(format!("the value of {name} has to stand in quotes")) }
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
