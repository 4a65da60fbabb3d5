//! The forms in which the file of a segment can lie there.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::archive::{Files, SegmentName};

/// How the bytes of a segment are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoredForm {
    /// As they are.
    Plain,
    /// One gzip member.
    Gzip,
    /// One zstd frame.
    Zstd,
}

impl StoredForm {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Zstd];

    /// What the form adds to the segment's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// The name of the file that holds `segment` in this form.
    #[must_use]
    pub fn file_name(self, segment: &SegmentName) -> String {
        format!("{segment}{}", self.suffix())
    }

    /// The path of the file that holds, in this form, the segment whose plain form has the path `segment`.
    #[must_use]
    pub fn path(self, segment: &Path) -> PathBuf {
        let mut path = segment.to_owned().into_os_string();
        path.push(self.suffix());
        path.into()
    }

    /// The segment that a file holds, and in which form, by the file's name.
    #[must_use]
    pub fn of_file(name: &str) -> Option<(SegmentName, Self)> {
        Self::ALL.into_iter().find_map(|form| Some((name.strip_suffix(form.suffix())?.parse().ok()?, form)))
    }
}

/// The names of the segments in a folder, in order, whatever form they lie there in.
///
/// # Errors
/// Whatever listing gives.
pub fn segment_names(files: &dyn Files, folder: &Path) -> io::Result<Vec<SegmentName>> {
    let entries = files.list(folder)?;
    let named = entries.iter().filter_map(|entry| StoredForm::of_file(entry.name.to_str()?));
    let mut names: Vec<SegmentName> = named.map(|(name, _)| name).collect();
    names.sort_unstable();
    // Both forms may lie there.
    names.dedup();
    Ok(names)
}

/// The segments of which digests lie in a folder, in order.
///
/// # Errors
/// Whatever listing gives.
pub fn digest_names(files: &dyn Files, folder: &Path) -> io::Result<Vec<SegmentName>> {
    let entries = files.list(folder)?;
    let mut names: Vec<SegmentName> =
        entries.iter().filter_map(|entry| SegmentName::of_digest(entry.name.to_str()?)).collect();
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::RealFiles;
    use crate::instant::Instant;

    #[test]
    fn a_file_is_told_by_its_name() {
        let segment = SegmentName::new(7, Instant::from_seconds(0));
        for form in StoredForm::ALL {
            assert_eq!(StoredForm::of_file(&form.file_name(&segment)), Some((segment.clone(), form)));
        }
        for other in [segment.digest(), format!("{segment}.gz.gz"), format!("{segment}.bak"), "x.gz".to_owned()] {
            assert_eq!(StoredForm::of_file(&other), None, "{other}");
        }
        let plain = Path::new("p/stream-audit/orders").join(segment.as_str());
        assert_eq!(StoredForm::Plain.path(&plain), plain);
        assert_eq!(StoredForm::Zstd.path(&plain), plain.with_file_name(StoredForm::Zstd.file_name(&segment)));
    }

    #[test]
    fn a_segment_is_named_once_whatever_lies_there_of_it() {
        let root = tempfile::tempdir().unwrap();
        let segments = [3, 1, 2].map(|number| SegmentName::new(number, Instant::from_seconds(0)));
        let [third, first, second] = &segments;
        let forms = [(third, StoredForm::Plain), (first, StoredForm::Gzip), (first, StoredForm::Plain)];
        for (segment, form) in forms.into_iter().chain([(second, StoredForm::Zstd)]) {
            std::fs::write(root.path().join(form.file_name(segment)), "").unwrap();
        }
        std::fs::write(root.path().join(first.digest()), "").unwrap();
        let files = RealFiles::open(root.path(), 0o640, 0o750).unwrap();
        assert_eq!(segment_names(&files, Path::new("")).unwrap(), [first.clone(), second.clone(), third.clone()]);
    }
}
