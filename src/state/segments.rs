//! What the state knows of the newest segments of a source.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    archive::SegmentName,
    evidence::{RunningSha256, Sha256Sum},
    instant::Instant,
    record::RecordTimes,
};

/// The segment that a source's records are appended to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSegment {
    /// Its name.
    pub name: SegmentName,
    /// Its committed length in bytes.
    pub length: u64,
    /// How many records it holds.
    pub records: u64,
    /// The beginning of the earliest window of which it holds records: what has to be asked again if it is lost.
    pub collected_from: Option<Instant>,
    /// Hash of its last bytes, see [`TAIL_BYTES`](crate::commit::TAIL_BYTES).
    #[serde(with = "hexadecimal")]
    pub tail: Vec<u8>,
    /// SHA-256 of what was committed to it so far: what its digest will say, whatever lies there by then.
    #[serde(serialize_with = "store_running", deserialize_with = "load_running")]
    pub sha256: RunningSha256,
    /// What is known of the times of its records.
    pub times: RecordTimes,
}

impl OpenSegment {
    /// A segment that nothing was written to yet.
    #[must_use]
    pub fn new(name: SegmentName) -> Self {
        Self {
            name,
            length: 0,
            records: 0,
            collected_from: None,
            tail: Vec::new(),
            sha256: RunningSha256::default(),
            times: RecordTimes::default(),
        }
    }
}

/// The last segment that was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedSegment {
    /// Its name.
    pub name: SegmentName,
    /// Its length in bytes.
    pub length: u64,
    /// As in [`OpenSegment`].
    pub collected_from: Option<Instant>,
    /// As in [`OpenSegment`].
    #[serde(with = "hexadecimal")]
    pub tail: Vec<u8>,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Sum,
}

impl From<OpenSegment> for SealedSegment {
    fn from(open: OpenSegment) -> Self {
        let sha256 = open.sha256.sum();
        let OpenSegment { name, length, collected_from, tail, .. } = open;
        Self { name, length, collected_from, tail, sha256 }
    }
}

fn store_running<S: Serializer>(running: &RunningSha256, serializer: S) -> Result<S::Ok, S::Error> {
    hexadecimal::serialize(&running.to_stored(), serializer)
}

fn load_running<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RunningSha256, D::Error> {
    let stored = hexadecimal::deserialize(deserializer)?;
    RunningSha256::from_stored(&stored).ok_or_else(|| D::Error::custom("it is no SHA-256 under way"))
}

/// Bytes as hexadecimal digits, in JSON.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.as_bytes();
        let pairs = digits.chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
            pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
        });
        pairs.collect::<Option<_>>().ok_or_else(|| D::Error::custom("these are no hexadecimal digits"))
    }
}
