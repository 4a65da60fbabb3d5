//! The files of segments, plain or compressed, and what comes out of them.

use std::{collections::BTreeMap, fs, io::Read as _, path::PathBuf};

use atlas_logd::archive::StoredForm;

/// The file of a segment.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) path: PathBuf,
    pub(super) form: StoredForm,
}

impl Stored {
    /// The segment's bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let stored = fs::read(&self.path).unwrap();
        let mut bytes = Vec::new();
        match self.form {
            StoredForm::Plain => return stored,
            StoredForm::Gzip => flate2::read::GzDecoder::new(&stored[..]).read_to_end(&mut bytes).unwrap(),
            StoredForm::Zstd => zstd::Decoder::new(&stored[..]).unwrap().read_to_end(&mut bytes).unwrap(),
        };
        bytes
    }
}

/// Adds the segments among `paths`, each by the path that it has when it is plain. Where it lies there plain and compressed,
/// the plain one counts.
pub(super) fn note_segments(paths: impl IntoIterator<Item = PathBuf>, found: &mut BTreeMap<PathBuf, Stored>) {
    for path in paths {
        let named = path.file_name().and_then(|name| name.to_str()).and_then(StoredForm::of_file);
        let Some((segment, form)) = named else { continue };
        let stored = found.entry(path.with_file_name(segment.as_str())).or_insert(Stored { path: path.clone(), form });
        if form == StoredForm::Plain {
            *stored = Stored { path, form };
        }
    }
}
