//! The two sides of a case: the pipe, and atlas-logd. Each begins with nothing, and ends with all on the disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use atlas_logd::verify::{Request, verify};

use crate::{
    bodies::Volume,
    measured::{Measured, measure},
    prepared::Prepared,
};

const CURL: &str = "curl -fsS -H 'Authorization: Bearer made-up'";

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

pub(crate) struct Bench<'a> {
    atlas: &'a Prepared,
    volume: Volume,
    folder: tempfile::TempDir,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(dir: &Path, atlas: &'a Prepared, volume: Volume) -> Self {
        Self { atlas, volume, folder: tempfile::tempdir_in(dir).unwrap() }
    }

    /// What people would write.
    pub(crate) fn pipe(&self) -> Measured {
        let file = self.folder.path().join("piped");
        let shown = file.display();
        let decode = match self.volume {
            Volume::Audit { .. } => "gunzip",
            Volume::Access { .. } => "jq -c '.accessLogs[]'",
        };
        let page = |url: String| format!("{CURL} '{url}' | {decode} >> {shown} && ");
        let measured = measure(&format!("{}sync {shown}", self.urls().map(page).collect::<String>()));
        assert!(fs::metadata(&file).unwrap().len() > self.atlas.bytes / 2);
        fs::remove_file(&file).unwrap();
        measured
    }

    /// The same answers, and nothing done with them.
    pub(crate) fn fetch_only(&self) -> Measured {
        let page = |url: String| format!("{CURL} -o /dev/null '{url}' && ");
        measure(&format!("{}true", self.urls().map(page).collect::<String>()))
    }

    /// What somebody would ask for who knew all in advance: each page is full.
    fn urls(&self) -> impl Iterator<Item = String> {
        let base = format!("{}/api/atlas/v2/groups/{PROJECT}", self.atlas.base);
        let audit = match self.volume {
            Volume::Audit { .. } => {
                let (from, to) = (self.atlas.from.seconds_floor(), self.atlas.to.seconds_ceil());
                Some(format!("{base}/streams/orders/auditLogs?startDate={from}&endDate={to}"))
            }
            Volume::Access { .. } => None,
        };
        let page = move |&(from, to): &(i64, i64)| {
            format!("{base}/dbAccessHistory/clusters/prod-0?start={from}&end={to}&nLogs=20000")
        };
        audit.into_iter().chain(self.atlas.pages.iter().map(page))
    }

    /// `atlas-logd collect`: the same bytes, and watermark, fingerprints, hash and commit.
    pub(crate) fn own(&self) -> Measured {
        let folder = self.folder.path().join("own");
        let measured = self.collect(&folder);
        fs::remove_dir_all(&folder).unwrap();
        measured
    }

    /// What `atlas-logd collect` has archived, sealed: only of that, there are digests.
    pub(crate) fn archived(&self) -> Archived {
        let folder = self.folder.path().join("archived");
        self.collect(&folder);
        measure(&format!("{} --config {} seal", program().display(), folder.join("config.toml").display()));
        // Else nothing would be proven, and that very quickly.
        let report = verify(&folder.join("archive"), &Request::default(), &|_| ()).unwrap();
        assert_eq!(report.sources.iter().map(|source| source.bytes).sum::<u64>(), self.atlas.bytes);
        assert_eq!(report.all_faults().count(), 0);
        Archived { folder }
    }

    fn collect(&self, folder: &Path) -> Measured {
        for name in ["archive", "state"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        fs::write(folder.join("secret"), "mdb_sa_sk_1").unwrap();
        let (names, start) = match self.volume {
            Volume::Audit { .. } => ("stream_instances = [\"orders\"]", "4h"),
            Volume::Access { .. } => ("clusters = [\"prod-0\"]", "150h"),
        };
        let config = format!(
            "archive.dir = \"archive\"\nstate.dir = \"state\"\ncollect.start = \"{start}\"\natlas.base_url = \"{}\"\n\
             [credentials.main]\nclient_id = \"mdb_sa_id_1\"\nclient_secret_file = \"{}\"\n\
             [[project]]\nid = \"{PROJECT}\"\nname = \"p\"\ncredentials = \"main\"\n{names}\n",
            self.atlas.base,
            folder.join("secret").display(),
        );
        let file = folder.join("config.toml");
        fs::write(&file, config).unwrap();
        let program = program();
        let measured = measure(&format!("{} --config {} collect 2>&1", program.display(), file.display()));
        let bytes = |path: &PathBuf| path.metadata().unwrap().len();
        assert_eq!(segments(&folder.join("archive")).iter().map(bytes).sum::<u64>(), self.atlas.bytes);
        measured
    }
}

/// An archive.
pub(crate) struct Archived {
    folder: PathBuf,
}

impl Archived {
    /// What people would write: it proves nothing without the hash of last time.
    pub(crate) fn hash(&self) -> Measured {
        let segments = segments(&self.folder.join("archive"));
        let files: Vec<String> = segments.iter().map(|path| path.display().to_string()).collect();
        measure(&format!("openssl dgst -sha256 {}", files.join(" ")))
    }

    /// `atlas-logd verify`: the same bytes, and their lines, and the chain of the digests.
    pub(crate) fn verify(&self) -> Measured {
        measure(&format!("{} verify {}", program().display(), self.folder.join("archive").display()))
    }
}

/// The program that is measured: the one that was built with this, or another one.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("ATLAS_LOGD_BENCH_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_atlas-logd").into(), PathBuf::from)
}

/// The segments below a folder.
fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(".spool") {
            found.extend(segments(&path));
        } else if path.extension().is_some_and(|extension| extension == "ndjson") {
            found.push(path);
        }
    }
    found
}
