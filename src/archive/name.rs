//! Names of folders and segments.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{instant::Instant, source::Source};

/// The longest name of a folder, in bytes. File systems allow 255; the rest is for what is added to tell two apart.
const LONGEST: usize = 200;

/// The end of a segment's name.
const SEGMENT: &str = ".ndjson";

/// The end of the name of a segment's digest.
const DIGEST: &str = ".digest.json";

/// A name from Atlas or the configuration as the name of a folder: what a file name cannot hold, or what means
/// something here, is percent-escaped.
///
/// Two names never become one: `%` itself is escaped, and a name that is too long keeps its beginning and its hash.
#[must_use]
pub fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (position, character) in name.chars().enumerate() {
        let leading_dot = position == 0 && character == '.';
        if leading_dot || character.is_control() || matches!(character, '/' | '%' | '~') {
            let mut utf8 = [0; 4];
            for byte in character.encode_utf8(&mut utf8).bytes() {
                escaped.push_str(&format!("%{byte:02X}"));
            }
        } else {
            escaped.push(character);
        }
    }
    if escaped.len() <= LONGEST {
        return escaped;
    }
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let mut end = LONGEST - 34;
    while !escaped.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~~{}", &escaped[..end], &hash[..32])
}

/// The folder that a source gets when it is first seen, below the archive's root.
///
/// `taken` tells whether another source has that folder already: a project renamed, or a name used again.
///
/// # Errors
/// Whatever `taken` gives.
pub fn folder<E>(source: &Source, taken: impl Fn(&str) -> Result<bool, E>) -> Result<String, E> {
    let filter = source.id.filter.to_string();
    let suffix = if filter.is_empty() { String::new() } else { format!("~{}", filter.replace(':', "_")) };
    let base = format!("{}/{}/{}{suffix}", escape(&source.project_name), source.id.kind, escape(&source.id.name));
    let mut folder = base.clone();
    let mut number = 2;
    while taken(&folder)? {
        folder = format!("{base}~{number}");
        number += 1;
    }
    Ok(folder)
}

/// The name of a segment, for example `00000042-20261122T101500Z.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    sequence: u64,
    text: String,
}

impl SegmentName {
    /// The name of the segment with this sequence number, opened at `opened`.
    #[must_use]
    pub fn new(sequence: u64, opened: Instant) -> Self {
        Self { sequence, text: format!("{sequence:08}-{}{SEGMENT}", opened.compact()) }
    }

    /// Counts up for ever within one source.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The name of the file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of its digest: `00000042-20261122T101500Z.digest.json`.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("{}{DIGEST}", self.stem())
    }

    /// The segment that a digest is of, by the name of the digest's file.
    #[must_use]
    pub fn of_digest(file_name: &str) -> Option<Self> {
        format!("{}{SEGMENT}", file_name.strip_suffix(DIGEST)?).parse().ok()
    }

    fn stem(&self) -> &str {
        self.text.strip_suffix(SEGMENT).unwrap_or(&self.text)
    }

    /// When the segment was opened, in whole seconds.
    #[must_use]
    pub fn opened(&self) -> Instant {
        opened(&self.text).unwrap_or(Instant::MIN)
    }
}

fn opened(name: &str) -> Option<Instant> {
    let (_, compact) = name.strip_suffix(SEGMENT)?.split_once('-')?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", compact).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().into())
}

impl FromStr for SegmentName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (digits, _) = text.split_once('-').ok_or(())?;
        let sequence = digits.parse().map_err(|_| ())?;
        let name = Self::new(sequence, opened(text).ok_or(())?);
        // Only the one way of writing it: `+1-…` or `1-…` is somebody else's file.
        if name.text == text { Ok(name) } else { Err(()) }
    }
}

impl Serialize for SegmentName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SegmentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("{text:?} is not the name of a segment")))
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{AuthResult, Filter, Kind, SourceId};

    #[test]
    fn names_that_mean_something_to_a_file_system_are_escaped() {
        assert_eq!(escape("prod-0"), "prod-0");
        assert_eq!(escape("..",), "%2E.");
        assert_eq!(escape("a/b\0c\n~%"), "a%2Fb%00c%0A%7E%25");
        assert_eq!(escape("Größe 1"), "Größe 1");
    }

    #[test]
    fn long_names_stay_apart_and_fit() {
        let (one, other) = (escape(&format!("{}1", "ä".repeat(500))), escape(&format!("{}2", "ä".repeat(500))));
        assert_ne!(one, other);
        assert!(one.len() <= LONGEST, "{}", one.len());
    }

    #[test]
    fn another_filter_or_a_reused_name_gets_a_folder_of_its_own() {
        let mut source = Source {
            id: SourceId {
                project_id: "a".repeat(24),
                kind: Kind::AccessHistory,
                name: "prod-0".into(),
                filter: Filter::default(),
            },
            project_name: "payments".into(),
        };
        let folder = |source: &Source, taken: &str| folder(source, |folder| Ok::<_, ()>(folder == taken)).unwrap();
        assert_eq!(folder(&source, ""), "payments/access-history/prod-0");
        assert_eq!(folder(&source, "payments/access-history/prod-0"), "payments/access-history/prod-0~2");
        source.id.filter =
            Filter { auth_result: AuthResult::Failure, ip_address: Some("2001:db8::1".parse().unwrap()) };
        assert_eq!(folder(&source, ""), "payments/access-history/prod-0~auth_result=failure,ip_address=2001_db8__1");
    }

    #[test]
    fn a_segments_name_is_read_back_only_as_it_was_written() {
        let name = SegmentName::new(42, "2026-11-22T10:15:00Z".parse().unwrap());
        assert_eq!(name.as_str(), "00000042-20261122T101500Z.ndjson");
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
        assert_eq!(name.opened().to_string(), "2026-11-22T10:15:00Z");
        assert_eq!(name.digest(), "00000042-20261122T101500Z.digest.json");
        assert_eq!(SegmentName::of_digest(&name.digest()), Some(name.clone()));
        assert_eq!(SegmentName::of_digest(name.as_str()), None);
        for other in [
            "42-20261122T101500Z.ndjson",
            "00000042-20261122T101500Z.ndjson.gz",
            "x",
            "+0000042-20261122T101500Z.ndjson",
        ] {
            assert_eq!(other.parse::<SegmentName>(), Err(()), "{other}");
        }
    }
}
