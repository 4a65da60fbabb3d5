//! What was rebuilt.

use std::path::PathBuf;

use crate::{plan::Gap, rebuild::Assumption, window::Window};

/// A source in the new state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuiltSource {
    /// Its folder below the archive's root.
    pub folder: String,
    /// Its watermarks; nothing where it has no segment yet.
    pub covered: Option<Window>,
    /// How many records are archived.
    pub records: u64,
    /// How many segments were ever made.
    pub segments: u64,
    /// What is not covered.
    pub gaps: Vec<Gap>,
    /// What nothing in the archive tells.
    pub assumptions: Vec<Assumption>,
}

/// What was rebuilt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The sources, by folder.
    pub sources: Vec<RebuiltSource>,
    /// The files of the state that was there, by their new names.
    pub moved: Vec<PathBuf>,
}
