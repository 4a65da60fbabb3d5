//! Archives made to harm whoever verifies them: an error each, never a hang, a crash or a file read elsewhere.

use std::{
    fs,
    io::Write as _,
    os::unix::{ffi::OsStrExt as _, fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
};

use atlas_logd::{
    archive::{SegmentName, StoredForm},
    evidence::{AllowedSigners, ArchiveDigest, NotedGap, Range, SegmentDigest, Signature},
    instant::Instant,
    plan::GapReason,
    verify::Request,
};
use rustix::fs::{CWD, FileType, Mode};

use crate::{
    archive::{FULL, TestArchive},
    source::{SourceWriter, compress, hour},
};

#[test]
fn links_are_not_followed_anywhere() {
    let archive = TestArchive::new();
    for path in archive.files() {
        if path.starts_with(".spool") {
            continue;
        }
        // The very same bytes lie behind the link.
        let aside = archive.beside("aside");
        fs::rename(archive.root().join(&path), &aside).unwrap();
        symlink(&aside, archive.root().join(&path)).unwrap();
        archive.assert_names(&path, "a link");
        archive.remove(&path);
        fs::rename(&aside, archive.root().join(&path)).unwrap();
    }
    for folder in ["payments", "payments/access-history", FULL, ".heads"] {
        let aside = archive.beside("aside");
        fs::rename(archive.root().join(folder), &aside).unwrap();
        symlink(&aside, archive.root().join(folder)).unwrap();
        archive.assert_names(Path::new(folder), "a link");
        archive.remove(Path::new(folder));
        fs::rename(&aside, archive.root().join(folder)).unwrap();
    }
}

#[test]
fn pipes_and_sockets_are_never_opened() {
    let archive = TestArchive::new();
    let mut places: Vec<PathBuf> = [6, 2, 3].map(|number| archive.file(FULL, number, "")).to_vec();
    places.extend([".atlas-logd", ".heads/2026-11-02.json", "payments/x", ".heads/x"].map(PathBuf::from));
    places.extend([archive.file(FULL, 6, ".sig"), archive.file(FULL, 7, ".ndjson")]);
    for path in places {
        let full = archive.root().join(&path);
        let bytes = fs::read(&full).ok();
        if bytes.is_some() {
            archive.remove(&path);
        }
        rustix::fs::mknodat(CWD, &full, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        archive.assert_names(&path, "a pipe");
        archive.remove(&path);
        // A socket's path has to be short.
        let short = archive.beside("s");
        drop(UnixListener::bind(&short).unwrap());
        fs::rename(&short, &full).unwrap();
        archive.assert_names(&path, "a socket");
        archive.remove(&path);
        if let Some(bytes) = bytes {
            archive.write(&path, &bytes);
        }
    }
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn what_is_compressed_gives_no_more_than_its_digest_says() {
    let zeros = vec![0; 64 << 20];
    for (number, form) in [(2, StoredForm::Gzip), (3, StoredForm::Zstd)] {
        let archive = TestArchive::new();
        let path = archive.file(FULL, number, form.suffix());
        archive.write(&path, &compress(&zeros, form));
        archive.assert_fault(path.to_str().unwrap(), "bytes of the segment come out of it; the rest was not read");
    }
}

#[test]
fn a_frame_that_asks_for_much_memory_is_refused() {
    let archive = TestArchive::new();
    let path = archive.file(FULL, 3, ".zst");
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&crate::source::records("zstd", 60)).unwrap();
    archive.write(&path, &encoder.finish().unwrap());
    archive.assert_fault(path.to_str().unwrap(), "it cannot be decompressed");
}

#[test]
fn deep_and_huge_json_is_refused() {
    let archive = TestArchive::new();
    for path in [archive.file(FULL, 6, ".digest.json"), PathBuf::from(".heads/2026-11-03.json")] {
        let (name, bytes) = (path.to_str().unwrap(), archive.read(&path));
        for deep in ["[", "{\"format\":"] {
            archive.write(&path, deep.repeat(1 << 20).as_bytes());
            archive.assert_names(&path, "deep JSON");
        }
        fs::File::create(archive.root().join(&path)).unwrap().set_len(1 << 40).unwrap();
        archive.assert_fault(name, "it is longer than 67108864 bytes");
        archive.write(&path, &bytes);
    }
}

#[test]
fn numbers_without_an_end_do_not_take_long() {
    let archive = TestArchive::new();
    let bytes = archive.read(&archive.file(FULL, 6, ".digest.json"));
    for number in [0, 1 << 60, u64::MAX] {
        let segment = SegmentName::new(number, Instant::from_seconds(0));
        let path = Path::new(FULL).join(segment.digest());
        archive.write(&path, &bytes);
        archive.assert_names(&path, "a digest with an odd number");
        archive.remove(&path);
        let path = Path::new(FULL).join(segment.as_str());
        archive.write(&path, b"");
        archive.assert_names(&path, "a segment with an odd number");
        archive.remove(&path);
    }
}

#[test]
fn thousands_of_files_are_all_named() {
    let archive = TestArchive::new();
    for number in 0..3000 {
        archive.write(Path::new(&format!("{FULL}/{number}")), b"");
        archive.write(Path::new(&format!("{FULL}/{:08}-20200101T000000Z.digest.json.sig", number + 100)), b"");
    }
    assert_eq!(archive.faults().len(), 6000);
}

#[test]
fn a_digest_full_of_ranges_does_not_take_long() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    let millis = |millis: i64| Instant::from_millis(hour(-1000).millis() + millis);
    for part in 0..4 {
        source.seal(b"", None, |digest| {
            digest.backfilled =
                (0..50_000).map(|n| Range { from: millis(8 * n + part), to: millis(8 * n + part + 1) }).collect();
            let gap = |n: i64| NotedGap {
                from: millis(8 * n + part),
                to: millis(8 * n + part + 2),
                reason: GapReason::RowLimit,
                detail: String::new(),
                noticed: hour(0),
            };
            digest.gaps = (0..50_000).map(gap).collect();
        });
    }
    let report = archive.report();
    assert!(report.is_valid());
    assert_eq!(report.sources[0].islands.len(), 50_000);
}

#[test]
fn many_digests_behind_very_many_gaps_do_not_take_long() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    let second = |n: i64| Instant::from_seconds(hour(-10_000).seconds_floor() + n);
    source.seal(b"", None, |digest| {
        let gap = |n: i64| NotedGap {
            from: second(3 * n),
            to: second(3 * n + 1),
            reason: GapReason::Skipped,
            detail: n.to_string(),
            noticed: hour(0),
        };
        digest.gaps = (0..50_000).map(gap).collect();
    });
    for n in 0..500 {
        source.seal(b"", None, |digest| digest.backfilled = vec![Range { from: second(6 * n), to: second(6 * n + 2) }]);
    }
    let report = archive.report();
    assert!(report.is_valid());
    assert_eq!(report.sources[0].gaps.len(), 50_000 - 500 + 500);
    // Of a range, too.
    let request = Request { from: Some(second(0)), ..Request::default() };
    assert_eq!(archive.verify(&request).sources[0].gaps.len(), 50_000);
}

#[test]
fn names_do_not_steer_the_terminal() {
    let archive = TestArchive::new();
    let name = std::ffi::OsStr::from_bytes(b"\x1b[2J\xffvalid\n");
    fs::write(archive.root().join(name), b"").unwrap();
    let outcome = archive.program(&[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.contains("FAULT: \\u{1b}[2J\\xffvalid\\n: no digest explains"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains('\u{1b}'));
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let archive = TestArchive::new();
    let path = archive.file(FULL, 6, ".ndjson");
    let full = archive.root().join(&path);
    fs::set_permissions(&full, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    // The system's administrator can read it all the same.
    if fs::File::open(&full).is_err() {
        archive.assert_fault(path.to_str().unwrap(), "it cannot be read");
    }
    assert_eq!(archive.verify(&Request::default()).sources.len(), 3);
}

#[test]
fn sums_beyond_all_measure_do_not_overflow() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    for name in ["a", "b"] {
        source.seal(&crate::source::records(name, 3), None, |digest| {
            digest.records = u64::MAX;
            digest.late_records = u64::MAX;
            digest.bytes = u64::MAX;
        });
    }
    assert_eq!(archive.faults().len(), 2);
    let outcome = archive.program(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((outcome.code, &json["sources"][0]["records"]), (1, &u64::MAX.into()));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes: Vec<u8>, text in "([a-z@,=\"!* \\\\#-]|namespaces|valid-after|ssh-ed25519 AAAAC3|\n){0,40}") {
        let pem = [&b"-----BEGIN SSH SIGNATURE-----\n"[..], &bytes, b"\n-----END SSH SIGNATURE-----\n"].concat();
        for bytes in [&bytes, &pem] {
            proptest::prop_assert!(Signature::parse(bytes).is_err());
            proptest::prop_assert!(SegmentDigest::parse(bytes).is_err());
            proptest::prop_assert!(ArchiveDigest::parse(bytes).is_err());
        }
        let _ = AllowedSigners::parse(&text);
    }
}
