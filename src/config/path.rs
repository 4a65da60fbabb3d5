//! Paths, relative to the configuration's folder.

use std::path::{Path, PathBuf};

use super::quote::quote;

/// The path that `text` means in a configuration that lies in `folder`.
pub(super) fn parse(text: &str, folder: &Path) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err(format!("{} is not a path; allowed: an absolute path, or one relative to this file", quote(text)));
    }
    Ok(folder.join(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_configuration() {
        let folder = Path::new("/etc/atlas-logd");
        assert_eq!(parse("ca.pem", folder), Ok(PathBuf::from("/etc/atlas-logd/ca.pem")));
        assert_eq!(parse("/ca.pem", folder), Ok(PathBuf::from("/ca.pem")));
        let allowed = "allowed: an absolute path, or one relative to this file";
        assert_eq!(parse("", folder), Err(format!("\"\" is not a path; {allowed}")));
        assert_eq!(parse("a\0b", folder), Err(format!("\"a\\0b\" is not a path; {allowed}")));
    }
}
