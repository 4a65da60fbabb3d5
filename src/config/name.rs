//! Names and ids, as Atlas has them and as the archive and the command line can use them.

use super::quote::quote;

/// Atlas's own ids of projects.
const ID_LENGTH: usize = 24;
/// A folder of this name must fit into a file system that allows 255 bytes, also when each character is escaped.
pub(super) const LONGEST_PROJECT_NAME: usize = 100;
/// In bytes; Atlas allows fewer.
const LONGEST_INSTANCE_NAME: usize = 256;
/// Atlas's limit.
const LONGEST_CLUSTER_NAME: usize = 64;

/// Checks a project id: 24 hexadecimal digits in lower case.
pub(crate) fn check_project_id(text: &str) -> Result<(), String> {
    if text.len() != ID_LENGTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!(
            "{} is not a project id; allowed: {ID_LENGTH} hexadecimal digits in lower case, for example \
             \"32b6e34b3d91647abb20e7b8\"",
            quote(text)
        ));
    }
    let lower = text.to_ascii_lowercase();
    if text != lower {
        return Err(format!("{} has upper-case letters; write it in lower case: {}", quote(text), quote(&lower)));
    }
    Ok(())
}

/// Checks the display name of a project, the first part of the names of its sources and of their folders.
pub(crate) fn check_project_name(text: &str) -> Result<(), String> {
    let has_bad_character = text.chars().any(|character| character == '/' || character.is_control());
    // A leading dot would meet the archive's own `.spool`.
    let has_bad_edge = text.starts_with('.') || text.trim() != text;
    if text.is_empty() || has_bad_character || has_bad_edge || text.chars().count() > LONGEST_PROJECT_NAME {
        return Err(format!(
            "{} is not a project name; allowed: 1 to {LONGEST_PROJECT_NAME} characters without / and control \
             characters, no dot in front and no blanks around it",
            quote(text)
        ));
    }
    Ok(())
}

/// Checks the name of a stream instance: free text at Atlas.
pub(crate) fn check_instance_name(text: &str) -> Result<(), String> {
    // A URL cannot hold "." or ".." as a step of its path, not even escaped: they would ask for something else.
    let is_dots = text == "." || text == "..";
    let has_bad_character = text.chars().any(char::is_control);
    if text.is_empty() || is_dots || has_bad_character || text.len() > LONGEST_INSTANCE_NAME {
        return Err(format!(
            "{} is not the name of a stream instance; allowed: 1 to {LONGEST_INSTANCE_NAME} bytes without control \
             characters",
            quote(text)
        ));
    }
    Ok(())
}

/// Checks the name of a cluster: `^[a-zA-Z0-9][a-zA-Z0-9-]*$`, at most 64 characters.
pub(crate) fn check_cluster_name(text: &str) -> Result<(), String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if text.is_empty() || text.starts_with('-') || !is_plain || text.len() > LONGEST_CLUSTER_NAME {
        return Err(format!(
            "{} is not a cluster name; allowed: 1 to {LONGEST_CLUSTER_NAME} letters, digits and hyphens, no hyphen in \
             front",
            quote(text)
        ));
    }
    Ok(())
}

/// Checks a pattern for names of clusters: of anything but the characters of such names, nothing would ever match.
pub(super) fn check_cluster_pattern(text: &str) -> Result<(), String> {
    let may_match = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*' | b'?');
    if text.is_empty() || text.starts_with('-') || !text.bytes().all(may_match) || text.len() > LONGEST_CLUSTER_NAME {
        return Err(format!(
            "{} matches no cluster name; allowed: 1 to {LONGEST_CLUSTER_NAME} letters, digits and hyphens, with * for any \
             characters and ? for one, and a ! in front to exclude",
            quote(text)
        ));
    }
    Ok(())
}

/// Checks a pattern for names of stream instances.
pub(super) fn check_instance_pattern(text: &str) -> Result<(), String> {
    check_pattern(text, "the name of a stream instance")
}

/// Checks a pattern for names of projects, which are free text at Atlas.
pub(super) fn check_project_pattern(text: &str) -> Result<(), String> {
    check_pattern(text, "the name of a project")
}

fn check_pattern(text: &str, what: &str) -> Result<(), String> {
    if text.is_empty() || text.chars().any(char::is_control) || text.len() > LONGEST_INSTANCE_NAME {
        return Err(format!(
            "{} matches {what} never; allowed: 1 to {LONGEST_INSTANCE_NAME} bytes without control characters, with * for \
             any characters and ? for one, and a ! in front to exclude",
            quote(text)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_ids_are_24_hexadecimal_digits_in_lower_case() {
        assert_eq!(check_project_id("32b6e34b3d91647abb20e7b8"), Ok(()));
        for text in ["", "32b6e34b3d91647abb20e7b", "32b6e34b3d91647abb20e7b8a", "32b6e34b3d91647abb20e7bg"] {
            let expected = format!(
                "{text:?} is not a project id; allowed: 24 hexadecimal digits in lower case, for example \
                 \"32b6e34b3d91647abb20e7b8\""
            );
            assert_eq!(check_project_id(text), Err(expected));
        }
        let expected = "\"32B6e34b3d91647abb20e7b8\" has upper-case letters; write it in lower case: \
                        \"32b6e34b3d91647abb20e7b8\"";
        assert_eq!(check_project_id("32B6e34b3d91647abb20e7b8"), Err(expected.to_owned()));
    }

    #[test]
    fn project_names_can_be_part_of_a_path_and_of_a_source_name() {
        for text in ["payments", "Prüfung 2", "a.b", &"é".repeat(100)] {
            assert_eq!(check_project_name(text), Ok(()));
        }
        for text in ["", "a/b", "a\nb", ".spool", "..", " a", "a ", &"e".repeat(101)] {
            let message = check_project_name(text).unwrap_err();
            assert!(message.ends_with(
                " is not a project name; allowed: 1 to 100 characters without / and control characters, no dot in front \
                 and no blanks around it"
            ));
        }
    }

    #[test]
    fn names_of_stream_instances_are_free_text() {
        for text in ["orders", "a/b c", "Ärger", "...", &"x".repeat(256)] {
            assert_eq!(check_instance_name(text), Ok(()));
        }
        for text in ["", ".", "..", "a\tb", &"x".repeat(257)] {
            let message = check_instance_name(text).unwrap_err();
            assert!(message.ends_with(
                " is not the name of a stream instance; allowed: 1 to 256 bytes without control characters"
            ));
        }
    }

    #[test]
    fn cluster_names_are_those_of_atlas() {
        for text in ["prod-0", "0", "A-", &"x".repeat(64)] {
            assert_eq!(check_cluster_name(text), Ok(()));
        }
        for text in ["", "-a", "a_b", "a.b", "ä", "a/b", &"x".repeat(65)] {
            let message = check_cluster_name(text).unwrap_err();
            assert!(
                message.ends_with(
                    " is not a cluster name; allowed: 1 to 64 letters, digits and hyphens, no hyphen in front"
                )
            );
        }
    }
}
