//! Every file that is removed, doubled, renamed or swapped is noticed, and named.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::archive::{FULL, REMOVED, TestArchive, UNSIGNED};

/// Names under which a file may turn up.
fn other_names(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut names = vec![
        path.with_file_name(format!("{name}.bak")),
        path.with_file_name(format!(".{name}")),
        PathBuf::from(name),
        Path::new(".heads").join(name),
        Path::new("payments").join(name),
        Path::new("payments/access-history").join(name),
    ];
    names.extend([FULL, UNSIGNED, REMOVED].map(|folder| Path::new(folder).join(name)));
    if let Some((number, rest)) = name.split_once('-').filter(|(number, _)| number.len() == 8) {
        let number: u64 = number.parse().unwrap();
        names.extend([number - 1, number + 1, 9].map(|other| path.with_file_name(format!("{other:08}-{rest}"))));
        names.push(path.with_file_name(format!("{number:08}-20300101T000000Z{}", &rest[16..])));
        names.push(path.with_file_name(name.replace(".ndjson", ".ndjson.gz")));
        names.push(path.with_file_name(name.replace(".gz", "").replace(".zst", "")));
    }
    names.retain(|name| name != path);
    names
}

#[test]
fn every_removed_file_is_noticed() {
    remove_every_file(&TestArchive::new());
}

/// Removes every file in turn.
pub(crate) fn remove_every_file(archive: &TestArchive) {
    for path in archive.files() {
        let may_go = archive.unnoticed.may_go(&path);
        let untold = archive.unnoticed.is_untold(&path);
        let bytes = archive.read(&path);
        archive.remove(&path);
        if may_go {
            assert_eq!(archive.faults(), [] as [&str; 0], "{}", path.display());
        } else {
            // Nothing told yet that it was compressed.
            let name = if untold { path.with_extension("") } else { path.clone() };
            archive.assert_names(&name, "the removal");
        }
        archive.write(&path, &bytes);
    }
}

#[test]
fn every_doubled_file_is_noticed() {
    double_every_file(&TestArchive::new());
}

/// Copies every file to many other names.
pub(crate) fn double_every_file(archive: &TestArchive) {
    let mut tried = 0;
    for path in archive.files() {
        let bytes = archive.read(&path);
        for name in other_names(&path).into_iter().filter(|name| !archive.root().join(name).exists()) {
            archive.write(&name, &bytes);
            if archive.unnoticed.seems_open(&name) || is_spool(&name) {
                assert_eq!(archive.faults(), [] as [&str; 0], "{}", name.display());
            } else {
                archive.assert_names(&name, "a copy");
            }
            archive.remove(&name);
            tried += 1;
        }
    }
    println!("{tried} copies");
    assert!(tried > 300, "{tried}");
}

#[test]
fn every_renamed_file_is_noticed() {
    rename_every_file(&TestArchive::new());
}

/// Gives every file many other names.
pub(crate) fn rename_every_file(archive: &TestArchive) {
    for path in archive.files() {
        let unproven = archive.unnoticed.is_unproven(&path);
        for name in other_names(&path).into_iter().filter(|name| !archive.root().join(name).exists()) {
            fs::rename(archive.root().join(&path), archive.root().join(&name)).unwrap();
            let faults = archive.faults();
            let named = |path: &Path| faults.iter().any(|fault| fault.contains(path.to_str().unwrap()));
            let may_pass = is_spool(&name)
                || archive.unnoticed.seems_open(&name)
                || (unproven && path.parent() == name.parent() && same_number(&path, &name) && plain(&name));
            if may_pass && unproven {
                assert_eq!(faults, [] as [&str; 0], "{} as {}", path.display(), name.display());
            } else {
                assert!(named(&path) || named(&name), "{} as {}: {faults:#?}", path.display(), name.display());
            }
            fs::rename(archive.root().join(&name), archive.root().join(&path)).unwrap();
        }
    }
}

fn is_spool(path: &Path) -> bool {
    path.starts_with(".spool")
}

fn plain(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.ends_with(".ndjson") && !name.starts_with('.')
}

fn same_number(one: &Path, other: &Path) -> bool {
    let number = |path: &Path| path.file_name().unwrap().to_str().unwrap()[..8].to_owned();
    number(one) == number(other)
}

#[test]
fn every_two_swapped_files_are_noticed() {
    swap_every_two_files(&TestArchive::new());
}

/// Swaps every file with every other one.
pub(crate) fn swap_every_two_files(archive: &TestArchive) {
    let files = archive.files();
    let mut tried = 0;
    for (index, one) in files.iter().enumerate() {
        for other in &files[index + 1..] {
            let (first, second) = (archive.read(one), archive.read(other));
            let unproven = [one, other].map(|path| archive.unnoticed.is_unproven(path));
            if first == second || unproven == [true, true] {
                continue;
            }
            archive.write(one, &second);
            archive.write(other, &first);
            let faults = archive.faults();
            let named = |path: &Path| faults.iter().any(|fault| fault.contains(path.to_str().unwrap()));
            let told = (named(one) && !unproven[0]) || (named(other) && !unproven[1]);
            assert!(told, "{} and {}: {faults:#?}", one.display(), other.display());
            archive.write(one, &first);
            archive.write(other, &second);
            tried += 1;
        }
    }
    println!("{tried} swaps of {} files", files.len());
    assert!(tried > 700, "{tried}");
}

#[test]
fn the_program_names_them() {
    let archive = TestArchive::new();
    let segment = archive.file(FULL, 2, ".gz");
    let bytes = archive.read(&segment);
    archive.remove(&segment);
    let digest = archive.file(UNSIGNED, 2, ".digest.json");
    let told = archive.read(&digest);
    archive.remove(&digest);
    archive.write(Path::new("notes.txt"), b"");
    let outcome = archive.program(&[]);
    assert_eq!(outcome.code, 1);
    let (segment_line, digest_line) = (
        format!("FAULT: {}: the file is missing", segment.display()),
        format!("FAULT: {}: the digest is missing", digest.display()),
    );
    for line in [&segment_line, &digest_line, "FAULT: notes.txt: no digest explains this file"] {
        assert!(outcome.stdout.contains(line), "{line}\n{}", outcome.stdout);
    }
    archive.write(&segment, &bytes);
    archive.write(&digest, &told);
    archive.remove(Path::new("notes.txt"));
    assert_eq!(archive.program(&[]).code, 0);
}

#[test]
fn the_program_fails_at_each_kind_of_change() {
    let archive = TestArchive::new();
    let (one, other) = (archive.file(FULL, 2, ".digest.json"), archive.file(FULL, 3, ".digest.json"));
    let (first, second) = (archive.read(&one), archive.read(&other));
    let path = |file: &Path| archive.root().join(file);
    let assert_told = |file: &Path| {
        let outcome = archive.program(&[]);
        assert_eq!(outcome.code, 1, "{}", outcome.stdout);
        let mut faults = outcome.stdout.lines().filter(|line| line.starts_with("FAULT: "));
        assert!(faults.any(|fault| fault.contains(file.to_str().unwrap())), "{}", outcome.stdout);
    };
    archive.write(&one, &second);
    archive.write(&other, &first);
    assert_told(&one);
    archive.write(&one, &first);
    archive.write(&other, &second[..second.len() / 2]);
    assert_told(&other);
    archive.write(&other, &second);
    let renamed = one.with_file_name("00000002-20300101T000000Z.digest.json");
    fs::rename(path(&one), path(&renamed)).unwrap();
    assert_told(&renamed);
    fs::rename(path(&renamed), path(&one)).unwrap();
    let moved = Path::new(UNSIGNED).join(archive.file(FULL, 6, ".ndjson").file_name().unwrap());
    fs::rename(path(&archive.file(FULL, 6, ".ndjson")), path(&moved)).unwrap();
    assert_told(&moved);
}

#[test]
fn what_follows_from_a_missing_digest_is_not_told_as_another_fault() {
    let archive = TestArchive::new();
    for path in [archive.file(UNSIGNED, 4, ".digest.json"), archive.file(FULL, 3, ".digest.json")] {
        let bytes = archive.read(&path);
        archive.remove(&path);
        let faults = archive.faults();
        let others = faults.iter().filter(|fault| !fault.contains(path.to_str().unwrap()));
        assert_eq!(others.count(), 0, "{faults:#?}");
        archive.write(&path, &bytes);
    }
    // Of one that is signed, the signature is left.
    let path = archive.file(FULL, 6, ".digest.json");
    archive.remove(&path);
    let faults = archive.faults();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].contains(".digest.json: the digest with the number 6 is missing: "), "{faults:#?}");
    assert!(faults[1].ends_with(".digest.json.sig: there is no digest that it is of"), "{faults:#?}");
}
