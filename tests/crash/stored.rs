//! The segments on the disk, in whatever form they lie there.

use std::{
    collections::BTreeSet,
    io::Read as _,
    path::{Path, PathBuf},
};

use atlas_logd::archive::{SegmentName, StoredForm};

use crate::disk::Content;

/// The names of the segments of a source.
pub(crate) fn names(content: &Content, folder: &str) -> BTreeSet<SegmentName> {
    let here = content.all().filter(|(path, _)| path.parent() == Some(Path::new(folder)));
    here.filter_map(|(path, _)| StoredForm::of_file(path.file_name()?.to_str()?)).map(|(name, _)| name).collect()
}

/// The bytes of the segment that has this path when it is plain; nothing where it is gone. All its forms hold the same.
pub(crate) fn bytes_of(content: &Content, plain: &Path) -> Option<Vec<u8>> {
    let mut held: Option<Vec<u8>> = None;
    for form in StoredForm::ALL {
        let path: PathBuf = form.path(plain);
        let Some(stored) = content.read(&path) else { continue };
        let mut bytes = Vec::new();
        match form {
            StoredForm::Plain => stored.clone_into(&mut bytes),
            StoredForm::Gzip => {
                flate2::read::GzDecoder::new(stored).read_to_end(&mut bytes).unwrap();
            }
            StoredForm::Zstd => bytes = zstd::decode_all(stored).unwrap(),
        }
        assert!(held.as_ref().is_none_or(|held| *held == bytes), "{} holds something else", path.display());
        held = Some(bytes);
    }
    held
}
