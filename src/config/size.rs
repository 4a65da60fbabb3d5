//! Sizes as people write them.

use std::ops::RangeInclusive;

use bytesize::ByteSize;

use super::quote::quote;

/// Bytes in a kibibyte.
pub(super) const KIB: u64 = bytesize::KIB;
/// Bytes in a tebibyte.
pub(super) const TIB: u64 = bytesize::TIB;

/// Reads a size in bytes such as `128MiB` (powers of 1024), `1GB` (powers of 1000) or `4096B`, which lies in `allowed`.
pub(super) fn parse_within(text: &str, allowed: RangeInclusive<u64>) -> Result<u64, String> {
    const EXAMPLES: &str = "a number with a unit (B, KiB, MiB, GiB, TiB or kB, MB, GB, TB), for example \"128MiB\"";
    // A bare number is refused: whoever writes "128" may well mean megabytes.
    let has_unit = text.ends_with(|character: char| character.is_ascii_alphabetic());
    let size = match text.parse::<ByteSize>() {
        Ok(size) if has_unit => size.as_u64(),
        _ => return Err(format!("{} is not a size; allowed: {EXAMPLES}", quote(text))),
    };
    if allowed.contains(&size) {
        return Ok(size);
    }
    let (smallest, largest) = (ByteSize(*allowed.start()), ByteSize(*allowed.end()));
    Err(format!("{} is out of range; allowed: {smallest} to {largest}", quote(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_systems_of_units() {
        for (text, bytes) in [("128MiB", 128 << 20), ("1GB", 1_000_000_000), ("4096B", 4096), ("1.5 KiB", 1536)] {
            assert_eq!(parse_within(text, 1..=16 * TIB), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_what_is_allowed() {
        let allowed = "allowed: a number with a unit (B, KiB, MiB, GiB, TiB or kB, MB, GB, TB), for example \"128MiB\"";
        for text in ["", "128", "12 apples", "-1MiB", "MiB", "1e3", "1.2.3MiB", " 1MiB", "NaNB"] {
            assert_eq!(parse_within(text, 1..=TIB), Err(format!("{text:?} is not a size; {allowed}")));
        }
    }

    #[test]
    fn a_range_is_named() {
        for text in ["0B", "0.5B", "17TiB", "99999999999999999999EiB"] {
            let expected = format!("{text:?} is out of range; allowed: 1 B to 16.0 TiB");
            assert_eq!(parse_within(text, 1..=16 * TIB), Err(expected));
        }
    }
}
