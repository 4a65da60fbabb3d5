//! What a power loss leaves of a disk, in the variants that real file systems allow.

use std::path::Path;

use crate::disk::{Content, FileBytes, Thing};

/// What is left of bytes that were written and never synced.
#[derive(Clone, Copy, Debug)]
enum Tail {
    Nothing,
    All,
    Beginning,
    /// The length was stored and the bytes were not.
    Zeros,
    BeginningAndZeros,
}

/// What is left of names that were made, changed or removed and never synced.
#[derive(Clone, Copy, Debug)]
enum Names {
    Lost,
    Kept,
    /// New ones are there and removed ones are still there: a rename of which one folder was synced and the other not.
    Both,
}

/// Every distinct thing that a power loss can leave of `content`.
pub(crate) fn after_power_loss(content: &Content) -> Vec<Content> {
    let mut outcomes: Vec<Content> = Vec::new();
    for names in [Names::Lost, Names::Kept, Names::Both] {
        for tail in [Tail::Nothing, Tail::All, Tail::Beginning, Tail::Zeros, Tail::BeginningAndZeros] {
            let left = left(content, names, tail);
            if !outcomes.contains(&left) {
                outcomes.push(left);
            }
        }
    }
    outcomes
}

/// The least that a power loss can leave: what is durable.
pub(crate) fn durable(content: &Content) -> Content {
    left(content, Names::Lost, Tail::Nothing)
}

fn left(content: &Content, names: Names, tail: Tail) -> Content {
    let all = match names {
        Names::Lost => content.durable.clone(),
        Names::Kept => content.live.clone(),
        Names::Both => {
            content.durable.iter().chain(&content.live).map(|(path, thing)| (path.clone(), *thing)).collect()
        }
    };
    let mut after = Content::default();
    for (path, thing) in &all {
        let reachable = path.ancestors().skip(1).all(|above| above == Path::new("") || all.contains_key(above));
        if !reachable {
            continue;
        }
        let thing = match thing {
            Thing::Folder => Thing::Folder,
            Thing::File(number) => {
                let bytes = torn(&content.files[*number], tail);
                after.files.push(FileBytes::durable(bytes));
                Thing::File(after.files.len() - 1)
            }
        };
        after.live.insert(path.clone(), thing);
    }
    after.durable.clone_from(&after.live);
    after
}

fn torn(file: &FileBytes, tail: Tail) -> Vec<u8> {
    let (durable, live) = (file.durable.len(), file.live.len());
    let middle = durable + (live - durable) / 2;
    let good = match tail {
        Tail::Nothing | Tail::Zeros => durable,
        Tail::All => live,
        Tail::Beginning | Tail::BeginningAndZeros => middle,
    };
    let mut bytes = file.live[..good].to_vec();
    if matches!(tail, Tail::Zeros | Tail::BeginningAndZeros) {
        bytes.resize(live, 0);
    }
    bytes
}
