//! Folders that nothing explains, and folders that were renamed, moved or copied.

use std::{fs, path::Path};

use crate::archive::{FULL, REMOVED, TestArchive, UNSIGNED};

#[test]
fn a_folder_that_nothing_explains_is_named_at_every_level() {
    for (folder, named) in [
        ("new", "new"),
        ("payments/new", "payments/new"),
        ("payments/stream-audit/new", "payments/stream-audit/new"),
        ("payments/stream-audit/orders/new", "payments/stream-audit/orders/new"),
        (".heads/new", ".heads/new"),
        ("new/stream-audit", "new/stream-audit"),
    ] {
        let archive = TestArchive::new();
        fs::create_dir_all(archive.root().join(folder)).unwrap();
        archive.assert_names(Path::new(named), "a new folder");
        fs::write(archive.root().join(folder).join("x"), b"x").unwrap();
        archive.assert_names(Path::new(named), "a new folder with a file");
    }
}

#[test]
fn a_file_where_a_folder_has_to_be_is_named() {
    for path in ["new", "payments/new", "payments/stream-audit/new"] {
        let archive = TestArchive::new();
        archive.write(Path::new(path), b"x");
        archive.assert_fault(path, "no digest explains this file");
    }
    let archive = TestArchive::new();
    fs::remove_dir_all(archive.root().join(".spool")).unwrap();
    assert_eq!(archive.faults(), [] as [&str; 0], "a copy of an archive need not have it");
    archive.write(Path::new(".spool"), b"x");
    archive.assert_fault(".spool", "it is no folder, where one has to be");
}

#[test]
fn a_source_that_was_renamed_copied_or_swapped_is_named() {
    let other = "payments/access-history/other";
    let archive = TestArchive::new();
    let (from, to) = (archive.root().join(FULL), archive.root().join(other));
    fs::rename(&from, &to).unwrap();
    archive.assert_names(Path::new(FULL), "the missing source");
    archive.assert_names(Path::new(other), "the renamed folder");
    fs::rename(&to, &from).unwrap();

    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(&from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
    archive.assert_fault(other, &format!("it says that it belongs to the folder {FULL}"));
    fs::remove_dir_all(&to).unwrap();

    for (one, two) in [(FULL, UNSIGNED), (FULL, REMOVED), (UNSIGNED, REMOVED)] {
        let [one_path, two_path, aside] = [archive.root().join(one), archive.root().join(two), archive.beside("aside")];
        fs::rename(&one_path, &aside).unwrap();
        fs::rename(&two_path, &one_path).unwrap();
        fs::rename(&aside, &two_path).unwrap();
        archive.assert_names(Path::new(one), "the swap");
        archive.assert_names(Path::new(two), "the swap");
        fs::rename(&two_path, &aside).unwrap();
        fs::rename(&one_path, &two_path).unwrap();
        fs::rename(&aside, &one_path).unwrap();
    }
    assert_eq!(archive.faults(), [] as [&str; 0], "it was not put back");
}

#[test]
fn another_archives_marker_is_told_from_another_archives_source() {
    let archive = TestArchive::new();
    let marker = Path::new(".atlas-logd");
    let text = String::from_utf8(archive.read(marker)).unwrap();
    archive.write(marker, text.replace("0011", "1100").as_bytes());
    archive.assert_fault(".atlas-logd", "but all digests say 00112233445566778899aabbccddeeff");
    archive.write(marker, b"");
    archive.assert_fault(".atlas-logd", "is not written as this version of atlas-logd writes it");
    archive.remove(marker);
    archive.assert_fault(".atlas-logd", "this folder is no archive, or only a part of one");
}

#[test]
fn what_is_no_folder_at_all_is_said() {
    let archive = TestArchive::new();
    fs::rename(archive.root(), archive.beside("elsewhere")).unwrap();
    let outcome = archive.program(&[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("failed to open the archive"), "{}", outcome.stderr);
}
