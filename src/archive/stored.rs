//! The forms in which the file of a segment can lie there.

use crate::archive::SegmentName;

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

    /// The segment that a file holds, and in which form, by the file's name.
    #[must_use]
    pub fn of_file(name: &str) -> Option<(SegmentName, Self)> {
        Self::ALL.into_iter().find_map(|form| Some((name.strip_suffix(form.suffix())?.parse().ok()?, form)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    }
}
