//! Names, addresses and other text of generated records.

use std::sync::LazyLock;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Users as they are usual, and one with everything that needs escaping in JSON.
const USERS: [&str; 6] =
    ["app", "reporting", "mms-automation", "mms-monitoring-agent", "admin.admin", "a\\b \"c\"\t<d>"];

/// Users that are not ASCII: several scripts, an emoji outside the basic plane, a combining mark, a line separator.
const FOREIGN_USERS: [&str; 5] = ["müller-straße", "用户", "пользователь", "🦀 crab", "e\u{301}\u{2028}x"];

/// One of the users, with this probability one that is not ASCII.
pub(super) fn user(rng: &mut ChaCha8Rng, non_ascii: f64) -> &'static str {
    let users: &[&str] = if rng.random_bool(non_ascii) { &FOREIGN_USERS } else { &USERS };
    users[rng.random_range(0..users.len())]
}

/// An address of a private network.
pub(super) fn ip_address(rng: &mut ChaCha8Rng) -> String {
    format!("192.168.{}.{}", 248 + rng.random_range(0..8), rng.random_range(1..255))
}

/// `digits` hexadecimal digits that follow from `seed`.
pub(super) fn hex(seed: u64, digits: usize) -> String {
    let mut text = blake3::hash(&seed.to_le_bytes()).to_hex().to_string();
    text.truncate(digits);
    text
}

/// Letters and digits that compress about as badly as identifiers do.
static FILLING: LazyLock<String> = LazyLock::new(|| {
    let mut reader = blake3::Hasher::new().finalize_xof();
    let mut bytes = vec![0; 256 * 1024];
    reader.fill(&mut bytes);
    bytes
        .iter()
        .map(|byte| {
            char::from(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[usize::from(byte % 64)])
        })
        .collect()
});

/// `bytes` bytes of text that needs no escaping, at most 128 KiB; cheap, and different for each seed.
pub(super) fn filling(seed: u64, bytes: usize) -> &'static str {
    let half = FILLING.len() / 2;
    let start = usize::try_from(seed % half as u64).unwrap_or(0);
    &FILLING[start..start + bytes.min(half)]
}
