//! Where a secret comes from, and whether there is one.
//!
//! No message of this file repeats what a file or variable holds, nor a text that may itself be the secret, written in
//! the place of a name.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{
    Secret, path,
    quote::{looks_like_secret, quote},
};
use crate::evidence::PUT_KEY_BACK;

/// Where systemd puts the files of `LoadCredential=`.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// A client secret has some 50 characters; a file larger than this is the wrong file.
const LARGEST_SECRET: u64 = 64 << 10;

/// Whether secrets and keys have to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// They are looked at.
    AreThere,
    /// Whether they are there does not matter.
    AreNotNeeded,
}

/// What surrounds the configuration: the places where names in it are looked up.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'e> {
    /// The folder of the configuration.
    pub(super) folder: &'e Path,
    /// Looks up an environment variable.
    pub(super) environment: &'e dyn Fn(&str) -> Option<OsString>,
    /// Whether secrets are needed.
    pub(super) secrets: Secrets,
}

impl Surroundings<'_> {
    /// The secret in the file `text`: a bare name is looked up in `$CREDENTIALS_DIRECTORY` first.
    pub(super) fn secret_in_file(&self, text: &str) -> Result<Secret, String> {
        if looks_like_secret(text) {
            return Err(
                "this looks like the secret itself; put it into a file and write the file's name here".to_owned()
            );
        }
        let path = self.find(text, "secret", "create it with the secret in it")?;
        if self.secrets == Secrets::AreThere {
            check_file(&path).map_err(|what| format!("missing secret: {} {what}", path.display()))?;
        }
        Ok(Secret::File(path))
    }

    /// The file `text` with a private key in it: a bare name is looked up in `$CREDENTIALS_DIRECTORY` first. What is in the
    /// file is not looked at.
    pub(super) fn key_in_file(&self, text: &str) -> Result<PathBuf, String> {
        if looks_like_key(text) || looks_like_secret(text) {
            return Err("this looks like the key itself; put it into a file and write the file's name here".to_owned());
        }
        let is_bare = !text.contains('/');
        let elsewhere = match is_bare && (self.environment)(CREDENTIALS_DIRECTORY).is_none() {
            true => "$CREDENTIALS_DIRECTORY, where a service may have it, is not set here; ",
            false => "",
        };
        let path = self.find(text, "signing key", &format!("{elsewhere}{PUT_KEY_BACK}"))?;
        if self.secrets == Secrets::AreThere {
            check_is_file(&path, "key").map_err(|what| format!("missing signing key: {} {what}", path.display()))?;
        }
        Ok(path)
    }

    /// The path of the file `text` with a `thing` in it, which is there; `advice` says what to do where there is none.
    fn find(&self, text: &str, thing: &str, advice: &str) -> Result<PathBuf, String> {
        let beside = path::parse(text, self.folder)?;
        let credentials_directory = if text.contains('/') { None } else { (self.environment)(CREDENTIALS_DIRECTORY) };
        let candidates: Vec<PathBuf> = credentials_directory
            .map(|directory| Path::new(&directory).join(text))
            .into_iter()
            .chain([beside])
            .collect();
        // A file that is there but cannot be looked at is the one that is meant.
        let is_there =
            |path: &&PathBuf| !matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound);
        if let (Secrets::AreNotNeeded, Some(first)) = (self.secrets, candidates.first()) {
            return Ok(first.clone());
        }
        candidates.iter().find(is_there).cloned().ok_or_else(|| {
            let places: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
            format!("missing {thing}: there is no file {}; {advice}", places.join(" or "))
        })
    }

    /// The secret in the environment variable `variable`.
    pub(super) fn secret_in_environment(&self, variable: &str) -> Result<Secret, String> {
        let is_name = !variable.is_empty()
            && !variable.starts_with(|character: char| character.is_ascii_digit())
            && variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || looks_like_secret(variable) {
            // Not repeated: what is no name of a variable may be the secret.
            return Err(
                "this is not the name of an environment variable; allowed: letters, digits and _, for example \
                        \"MONGODB_ATLAS_CLIENT_SECRET\""
                    .to_owned(),
            );
        }
        // Variables are written in capitals. Anything else may be a password, and its position says enough.
        let is_shown = !variable.bytes().any(|byte| byte.is_ascii_lowercase());
        let shown = if is_shown { quote(variable) } else { "named here".to_owned() };
        if self.secrets == Secrets::AreNotNeeded {
            return Ok(Secret::Environment { variable: variable.to_owned(), value: SecretString::default() });
        }
        let missing = |what: &str| format!("missing secret: the environment variable {shown} {what}");
        let value = (self.environment)(variable).ok_or_else(|| missing("is not set; set it to the secret"))?;
        let value = value.to_str().ok_or_else(|| missing("is not UTF-8; set it to the secret"))?.trim();
        if value.is_empty() {
            return Err(missing("is empty; set it to the secret"));
        }
        Ok(Secret::Environment { variable: variable.to_owned(), value: SecretString::from(value) })
    }
}

/// Whether `text` is a private key, or a line of one, and not the name of a file.
fn looks_like_key(text: &str) -> bool {
    // `openssh-key-v1` in Base64: every private key of OpenSSH begins so.
    const BEGINNING: &str = "b3BlbnNzaC1rZXk";
    // A line of a key's file has 70 letters, the last but one of a short key at least as many.
    const LETTERS: usize = 64;
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'/' | b'=');
    let is_path = text.starts_with(['/', '.']);
    let is_line = !is_path && text.len() >= LETTERS && text.bytes().all(is_letter);
    is_line || text.contains("PRIVATE KEY") || text.contains(BEGINNING) || text.contains(char::is_control)
}

/// Checks that `path` is a regular file to put a `thing` into; an error completes a sentence that begins with the path.
fn check_is_file(path: &Path, thing: &str) -> Result<(), String> {
    // Asked before opening: opening a pipe would wait, and reading it would use it up.
    match fs::metadata(path).map_err(unreadable)?.is_file() {
        true => Ok(()),
        false => Err(format!("is not a regular file; put the {thing} into a file")),
    }
}

fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}; let the user of the daemon read it")
}

/// Checks that `path` holds a secret; an error completes a sentence that begins with the path.
fn check_file(path: &Path) -> Result<(), String> {
    check_is_file(path, "secret")?;
    let mut content = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST_SECRET + 1).read_to_end(&mut content)).map_err(unreadable)?;
    if content.len() as u64 > LARGEST_SECRET {
        return Err("holds more than 64 KiB; put the secret alone into it".to_owned());
    }
    match std::str::from_utf8(&content) {
        Err(_) => Err("is not UTF-8 text; put the secret alone into it".to_owned()),
        Ok(text) if text.trim().is_empty() => Err("is empty; put the secret into it".to_owned()),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(text: &str, folder: &Path, credentials_directory: Option<&Path>) -> Result<PathBuf, String> {
        let environment = |name: &str| {
            assert_eq!(name, CREDENTIALS_DIRECTORY);
            credentials_directory.map(|path| path.as_os_str().to_owned())
        };
        match (Surroundings { folder, environment: &environment, secrets: Secrets::AreThere }).secret_in_file(text)? {
            Secret::File(path) => Ok(path),
            other => panic!("{other:?}"),
        }
    }

    fn in_environment(variable: &str, value: Option<&str>) -> Result<Secret, String> {
        let environment = |_: &str| value.map(OsString::from);
        let folder = Path::new("/");
        Surroundings { folder, environment: &environment, secrets: Secrets::AreThere }.secret_in_environment(variable)
    }

    #[test]
    fn a_bare_name_is_looked_up_in_the_credentials_directory_first() {
        let (folder, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (folder, credentials) = (folder.path(), credentials.path());
        fs::write(folder.join("s"), "x\n").unwrap();
        assert_eq!(in_file("s", folder, None), Ok(folder.join("s")));
        assert_eq!(in_file("s", folder, Some(credentials)), Ok(folder.join("s")));
        fs::write(credentials.join("s"), "x").unwrap();
        assert_eq!(in_file("s", folder, Some(credentials)), Ok(credentials.join("s")));
        assert_eq!(in_file("./s", folder, Some(credentials)), Ok(folder.join("./s")));
    }

    #[test]
    fn a_file_without_a_secret_is_a_fault_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let shown = folder.display();
        fs::write(folder.join("empty"), " \n").unwrap();
        fs::write(folder.join("large"), vec![b'x'; 65 << 10]).unwrap();
        fs::write(folder.join("binary"), [0xff, 0xfe]).unwrap();
        let there_is_none = format!("missing secret: there is no file {shown}/none; create it with the secret in it");
        assert_eq!(in_file("none", folder, None), Err(there_is_none));
        let either =
            format!("missing secret: there is no file /cred/none or {shown}/none; create it with the secret in it");
        assert_eq!(in_file("none", folder, Some(Path::new("/cred"))), Err(either));
        for (name, what) in [
            ("empty", "is empty; put the secret into it"),
            ("large", "holds more than 64 KiB; put the secret alone into it"),
            ("binary", "is not UTF-8 text; put the secret alone into it"),
            ("..", "is not a regular file; put the secret into a file"),
            ("empty/x", "cannot be read: Not a directory (os error 20); let the user of the daemon read it"),
        ] {
            assert_eq!(in_file(name, folder, None), Err(format!("missing secret: {shown}/{name} {what}")));
        }
    }

    #[test]
    fn a_key_is_found_like_a_secret_and_never_repeated_in_the_place_of_its_file() {
        let (folder, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (folder, credentials) = (folder.path(), credentials.path());
        let environment = |_: &str| Some(credentials.as_os_str().to_owned());
        let found = |text: &str| {
            Surroundings { folder, environment: &environment, secrets: Secrets::AreThere }.key_in_file(text)
        };
        let (there, shown) = (credentials.display(), folder.display());
        let none = format!("missing signing key: there is no file {there}/k or {shown}/k; {PUT_KEY_BACK}");
        assert_eq!(found("k"), Err(none));
        fs::write(folder.join("k"), "not looked at").unwrap();
        assert_eq!(found("k"), Ok(folder.join("k")));
        fs::write(credentials.join("k"), "").unwrap();
        assert_eq!(found("k"), Ok(credentials.join("k")));
        let no_file = format!("missing signing key: {shown}/.. is not a regular file; put the key into a file");
        assert_eq!(found(&format!("{shown}/..")), Err(no_file));
        for key in [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
            "QyNTUxOQAAACCzPq7zfqLffKoBDe/eo04kH2XxtSmk9D7RQyf1xUqrYgAAAJgAIAxdACAM",
            "two\nlines",
            "mdb_sa_sk_abcdef",
        ] {
            let refused = "this looks like the key itself; put it into a file and write the file's name here";
            assert_eq!(found(key), Err(refused.to_owned()));
        }
    }

    #[test]
    fn a_variable_without_a_secret_is_a_fault_that_says_what_to_do() {
        for (value, what) in [(None, "is not set"), (Some(" "), "is empty")] {
            let expected = format!("missing secret: the environment variable \"S\" {what}; set it to the secret");
            assert_eq!(in_environment("S", value), Err(expected));
        }
        assert!(matches!(in_environment("S", Some("x\n")), Ok(secret) if secret == Secret::Environment {
            variable: "S".to_owned(),
            value: SecretString::from("x"),
        }));
    }

    #[test]
    fn a_secret_in_the_place_of_a_name_is_not_repeated() {
        for secret in ["mdb_sa_sk_abcdef", "1f3b7a90-5c2d-4e6f-8a1b-0123456789ab"] {
            assert_eq!(
                in_file(secret, Path::new("/"), None).unwrap_err(),
                "this looks like the secret itself; put it into a file and write the file's name here"
            );
        }
        assert_eq!(
            in_environment("hunter2", None).unwrap_err(),
            "missing secret: the environment variable named here is not set; set it to the secret"
        );
        for secret in ["mdb_sa_sk_abcdef", "1f3b7a90-5c2d-4e6f-8a1b-0123456789ab", "hunter2!", "", "2x"] {
            assert_eq!(
                in_environment(secret, None).unwrap_err(),
                "this is not the name of an environment variable; allowed: letters, digits and _, for example \
                 \"MONGODB_ATLAS_CLIENT_SECRET\""
            );
        }
    }

    #[test]
    fn the_value_of_a_variable_does_not_show() {
        let secret = in_environment("S", Some("hunter2")).unwrap();
        assert_eq!(format!("{secret:?}"), "Environment { variable: \"S\", value: SecretBox<str>([REDACTED]) }");
    }
}
