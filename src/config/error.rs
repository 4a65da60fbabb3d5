//! What an operator is told about a configuration that cannot be used.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A configuration that cannot be used, with everything that is wrong with it.
///
/// Its `Display` is for people: for each fault `file:line:column: what is wrong; what is allowed`, with the line and a
/// caret below it wherever no secret can stand in that line. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    faults: Vec<Fault>,
    omitted: usize,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is; none for a file that cannot be read at all.
    pub position: Option<Position>,
    /// What is wrong and what is allowed.
    pub message: String,
    /// The line, where it may be shown.
    pub line: Option<String>,
}

/// A place in a text file, as editors count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl ConfigError {
    /// An error with `faults` in the order in which they shall be shown; `omitted` more are only counted.
    pub(super) fn new(file: &Path, faults: Vec<Fault>, omitted: usize) -> Self {
        Self { file: file.to_owned(), faults, omitted }
    }

    /// An error about the file as a whole.
    pub(super) fn of_file(file: &Path, message: String) -> Self {
        Self::new(file, vec![Fault { position: None, message, line: None }], 0)
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The faults, by position. Of a hopeless file these are only the first ones.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.file.display())?;
            if let Some(position) = fault.position {
                write!(f, "{position}:")?;
            }
            write!(f, " {}", fault.message)?;
            if let (Some(position), Some(line)) = (fault.position, &fault.line) {
                let number = position.line.to_string();
                let margin = " ".repeat(number.len());
                let before_caret = " ".repeat(position.column.saturating_sub(1));
                write!(f, "\n  {number} | {line}\n  {margin} | {before_caret}^")?;
            }
        }
        if self.omitted > 0 {
            write!(f, "\n{}: … and {} more faults", self.file.display(), self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for Position {
    /// `line:column`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_a_block_with_its_line_and_a_caret() {
        let fault = |line, column, text: Option<&str>| Fault {
            position: Some(Position { line, column }),
            message: "no; yes".to_owned(),
            line: text.map(str::to_owned),
        };
        let faults = vec![fault(3, 1, None), fault(12, 7, Some("dir = 5"))];
        let error = ConfigError::new(Path::new("a.toml"), faults, 2);
        let expected = "a.toml:3:1: no; yes\n\
                        a.toml:12:7: no; yes\n  12 | dir = 5\n     |       ^\n\
                        a.toml: … and 2 more faults";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_fault_of_the_whole_file_has_no_position() {
        let error = ConfigError::of_file(Path::new("a.toml"), "cannot be read".to_owned());
        assert_eq!(error.to_string(), "a.toml: cannot be read");
    }
}
