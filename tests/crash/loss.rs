//! What a power loss leaves of a disk, in the variants that real file systems allow: of each file on its own, and of each
//! name on its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::disk::{Content, FileBytes, Thing};

/// What is left of bytes that were written and never synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    Nothing,
    All,
    Beginning,
    /// The length was stored and the bytes were not.
    Zeros,
    BeginningAndZeros,
    /// The later half was stored and the earlier one was not.
    ZerosAndEnd,
}

impl Tail {
    const ALL: [Self; 6] =
        [Self::Nothing, Self::All, Self::Beginning, Self::Zeros, Self::BeginningAndZeros, Self::ZerosAndEnd];
}

/// Which of the names that were made, changed or removed and never synced are as they were last seen; the others are as
/// they were last synced.
type KeptNames = BTreeSet<PathBuf>;

/// What is left of each file that is not durable as a whole, by its number.
type Tails = BTreeMap<usize, Tail>;

/// Every distinct thing that a power loss can leave of `content`; those first in which all files and all names had the
/// same fate.
pub(crate) fn after_power_loss(content: &Content) -> Vec<Content> {
    let mut outcomes: Vec<Content> = Vec::new();
    let mut note = |left: Content| {
        if !outcomes.contains(&left) {
            outcomes.push(left);
        }
    };
    let torn: Vec<usize> = (0..content.files.len())
        .filter(|&number| content.files[number].live.len() > content.files[number].durable.len())
        // A file without a name is gone in any case.
        .filter(|&number| content.live.values().chain(content.durable.values()).any(|it| *it == Thing::File(number)))
        .collect();
    let changed: Vec<PathBuf> = changed_names(content);
    for kept in [KeptNames::new(), changed.iter().cloned().collect(), new_names(content, &changed)] {
        for tail in Tail::ALL {
            note(left(content, &kept, &torn.iter().map(|&number| (number, tail)).collect()));
        }
    }
    for kept in subsets(&changed).into_iter().filter(|kept| no_file_vanishes(content, kept)) {
        for tails in all_tails(&torn) {
            note(left(content, &kept, &tails));
        }
    }
    outcomes
}

/// The least that a power loss can leave: what is durable.
pub(crate) fn durable(content: &Content) -> Content {
    left(content, &KeptNames::new(), &Tails::new())
}

fn changed_names(content: &Content) -> Vec<PathBuf> {
    let both: BTreeSet<&PathBuf> = content.live.keys().chain(content.durable.keys()).collect();
    both.into_iter().filter(|path| content.live.get(*path) != content.durable.get(*path)).cloned().collect()
}

/// New names are there and removed ones are still there: a rename of which one folder was synced and the other not.
fn new_names(content: &Content, changed: &[PathBuf]) -> KeptNames {
    changed.iter().filter(|path| content.live.contains_key(*path)).cloned().collect()
}

fn subsets(names: &[PathBuf]) -> Vec<KeptNames> {
    assert!(names.len() <= 8, "too many names to try all: {names:?}");
    (0..1_u32 << names.len())
        .map(|bits| {
            let chosen = names.iter().enumerate().filter(|(index, _)| bits & (1 << index) != 0);
            chosen.map(|(_, name)| name.clone()).collect()
        })
        .collect()
}

fn all_tails(torn: &[usize]) -> Vec<Tails> {
    assert!(torn.len() <= 3, "too many files to try all: {torn:?}");
    torn.iter().fold(vec![Tails::new()], |before, &number| {
        let each = before.into_iter().flat_map(|tails| {
            Tail::ALL.map(|tail| {
                let mut tails = tails.clone();
                tails.insert(number, tail);
                tails
            })
        });
        each.collect()
    })
}

/// A rename loses neither name: file systems store both halves of it together, or the new name first.
fn no_file_vanishes(content: &Content, kept: &KeptNames) -> bool {
    let names = names(content, kept);
    let here = |thing: &Thing| names.values().any(|other| other == thing);
    let renamed = content.durable.values().filter(|thing| content.live.values().any(|other| other == *thing));
    renamed.filter(|thing| matches!(thing, Thing::File(_))).all(here)
}

fn names(content: &Content, kept: &KeptNames) -> BTreeMap<PathBuf, Thing> {
    let live = content.live.iter().filter(|(path, _)| kept.contains(*path));
    let durable = content.durable.iter().filter(|(path, _)| !kept.contains(*path));
    durable.chain(live).map(|(path, thing)| (path.clone(), *thing)).collect()
}

fn left(content: &Content, kept: &KeptNames, tails: &Tails) -> Content {
    let all = names(content, kept);
    let mut after = Content::default();
    // A file with two names is one file.
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    for (path, thing) in &all {
        let reachable = path.ancestors().skip(1).all(|above| above == Path::new("") || all.contains_key(above));
        if !reachable {
            continue;
        }
        let thing = match thing {
            Thing::Folder => Thing::Folder,
            Thing::File(number) => Thing::File(*numbers.entry(*number).or_insert_with(|| {
                let tail = tails.get(number).copied().unwrap_or(Tail::Nothing);
                after.files.push(FileBytes::durable(torn(&content.files[*number], tail)));
                after.files.len() - 1
            })),
        };
        after.live.insert(path.clone(), thing);
    }
    after.durable.clone_from(&after.live);
    after
}

fn torn(file: &FileBytes, tail: Tail) -> Vec<u8> {
    let (durable, live) = (file.durable.len(), file.live.len());
    let middle = durable + (live - durable) / 2;
    let (good, zeros) = match tail {
        Tail::Nothing => (durable, durable),
        Tail::All => (live, live),
        Tail::Beginning => (middle, middle),
        Tail::Zeros => (durable, live),
        Tail::BeginningAndZeros => (middle, live),
        Tail::ZerosAndEnd => (durable, middle),
    };
    let mut bytes = file.live[..good].to_vec();
    bytes.resize(zeros, 0);
    if tail == Tail::ZerosAndEnd {
        bytes.extend_from_slice(&file.live[middle..]);
    }
    bytes
}
