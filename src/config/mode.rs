//! Modes of files and folders, in octal.

use super::quote::quote;

/// Reads the mode of files, for example `0640`.
pub(super) fn parse_file(text: &str) -> Result<u32, String> {
    parse(text, 0o600, "the owner must be able to read and write (6), for example \"0640\"")
}

/// Reads the mode of folders, for example `0750`.
pub(super) fn parse_dir(text: &str) -> Result<u32, String> {
    parse(text, 0o700, "the owner must be able to read, write and enter (7), for example \"0750\"")
}

fn parse(text: &str, needed: u32, need: &str) -> Result<u32, String> {
    const WRITABLE_BY_ALL: u32 = 0o002;
    let shape = || format!("{} is not a mode; allowed: three octal digits after an optional 0; {need}", quote(text));
    let digits = if text.len() == 4 { text.strip_prefix('0') } else { Some(text) };
    let digits =
        digits.filter(|digits| digits.len() == 3 && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)));
    let mode = u32::from_str_radix(digits.ok_or_else(shape)?, 8).map_err(|_| shape())?;
    if mode & needed != needed {
        return Err(format!("{} keeps the daemon itself out; {need}", quote(text)));
    }
    if mode & WRITABLE_BY_ALL != 0 {
        return Err(format!("{} lets everybody change the archive; the last digit must be 0, 1, 4 or 5", quote(text)));
    }
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_with_or_without_a_zero() {
        assert_eq!(parse_file("0640"), Ok(0o640));
        assert_eq!(parse_file("600"), Ok(0o600));
        assert_eq!(parse_dir("0755"), Ok(0o755));
    }

    #[test]
    fn other_modes_are_refused() {
        let need = "the owner must be able to read and write (6), for example \"0640\"";
        for text in ["", "0", "0o640", "0680", "1640", "06400", "rw-r-----", "+640", "٠640"] {
            let expected = format!("{text:?} is not a mode; allowed: three octal digits after an optional 0; {need}");
            assert_eq!(parse_file(text), Err(expected));
        }
        assert_eq!(parse_file("0440"), Err(format!("\"0440\" keeps the daemon itself out; {need}")));
        let need = "the owner must be able to read, write and enter (7), for example \"0750\"";
        assert_eq!(parse_dir("0650"), Err(format!("\"0650\" keeps the daemon itself out; {need}")));
        let expected = "\"0757\" lets everybody change the archive; the last digit must be 0, 1, 4 or 5";
        assert_eq!(parse_dir("0757"), Err(expected.to_owned()));
    }
}
