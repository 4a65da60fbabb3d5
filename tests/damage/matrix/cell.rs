//! One cell of the matrix: a damage at a place, what happens next, and what came of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use atlas_logd::{
    archive::RealFiles,
    collect::Job,
    commit::{SegmentFault, examine},
    daemon::Station,
    source::Kind,
    state::{SourceState, Store, damaged_segments},
    verify::{Request, verify},
};

use super::{
    HARMED, OTHER,
    outcome::{Outcome, worse},
    place::Place,
};
use crate::{
    damages::{Damage, Victim},
    oracle::{exact, exact_but_for},
    scene::{Failures, Folders, at, list, poll_all, source_id},
};

pub(super) struct Cell<'a> {
    pub(super) folders: Folders<'a>,
    pub(super) victim: Victim,
    pub(super) place: Place,
    pub(super) damage: Damage,
    /// Since 12:10.
    pub(super) minute: std::cell::Cell<u32>,
}

/// All files of the archive, and what is in them.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    for path in list(folder) {
        if path.is_symlink() {
            continue;
        } else if path.is_dir() {
            tree.extend(self::tree(&path));
        } else if path.extension().is_some_and(|extension| extension == "ndjson") {
            tree.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    tree
}

impl Cell<'_> {
    /// Does the damage. Whether anything is different now.
    fn harm(&self) -> bool {
        if matches!(self.place, Place::SpoolLeftOver | Place::UnknownSpool) {
            let segment = self.folders.segments(HARMED).pop().unwrap();
            fs::copy(segment, &self.victim.path).unwrap();
        }
        let before = self.picture();
        self.victim.damage(self.damage);
        before != self.picture()
    }

    /// What can be seen at the place.
    fn picture(&self) -> Vec<(PathBuf, Option<fs::FileType>, Option<Vec<u8>>)> {
        let mut all = vec![self.victim.path.clone()];
        let mut next = 0;
        while let Some(path) = all.get(next).cloned() {
            all.extend(list(&path));
            next += 1;
        }
        let kind = |path: &Path| path.symlink_metadata().ok().map(|metadata| metadata.file_type());
        all.into_iter().map(|path| (path.clone(), kind(&path), fs::read(&path).ok())).collect()
    }

    /// The running process polls.
    pub(super) fn poll(&self) -> Outcome {
        self.under_the_feet(|station| {
            self.folders.scene.clock.set(at(&self.later()));
            poll_all(station, Job::Regular)
        })
    }

    /// The running process retires the source, and polls it again.
    pub(super) fn reload(&self) -> Outcome {
        self.under_the_feet(|station| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let retired = runtime.block_on(station.collector.retire(&self.folders.source(HARMED)));
            self.folders.scene.clock.set(at(&self.later()));
            let mut failures = poll_all(station, Job::Regular);
            if let Err(error) = retired {
                failures.entry(HARMED).or_insert(error.to_string());
            }
            failures
        })
    }

    /// What comes of damage under the feet of a process that does `next` afterwards.
    fn under_the_feet(&self, next: impl FnOnce(&Station) -> Failures) -> Outcome {
        let folders = &self.folders;
        folders.scene.clock.set(at("11:50"));
        let station = folders.open().unwrap();
        if self.place != Place::SpoolOfAnIntent {
            assert_eq!(poll_all(&station, Job::Regular), Failures::new());
        }
        if !self.harm() {
            return Outcome::NoDamage;
        }
        let seen = tree(&folders.archive());
        let failures = next(&station);
        drop(station);
        self.judge_from_here_on(failures, &seen)
    }

    /// What came of damage under the feet of a process whose polls failed so, and that has ended: a restart follows.
    fn judge_from_here_on(&self, polled: Failures, seen: &Tree) -> Outcome {
        let folders = &self.folders;
        if self.place.is_of_the_state() && polled.is_empty() {
            // SQLite holds what it has read: what is in the files, it sees at the next start.
            return match self.start(None) {
                Ok(failures) if failures.is_empty() => self.judge(Ok(failures), None, seen),
                Ok(_) => Outcome::Harm("a part of the state went on".to_owned()),
                Err(said) if is_helpful(folders, &said) => match self.only_appended(seen) {
                    Ok(()) => Outcome::RefusedLater,
                    Err(harm) => Outcome::Harm(harm),
                },
                Err(said) => Outcome::Harm(format!("no place or no remedy in: {said}")),
            };
        }
        let first = self.judge(Ok(polled), None, seen);
        match &first {
            Outcome::Exact
            | Outcome::Repaired
            | Outcome::RepairedInPart
            | Outcome::RepairedAndTold
            | Outcome::Unseen
            | Outcome::Told => worse(first, self.judge(self.start(None), None, seen)),
            _ => first,
        }
    }

    /// The next time at which something happens.
    fn later(&self) -> String {
        let minute = self.minute.get();
        self.minute.set(minute + 5);
        format!("12:{:02}", 10 + minute)
    }

    fn start(&self, backfill: Option<Job>) -> Result<Failures, String> {
        let mut failures = self.folders.poll(&self.later())?;
        if let Some(job) = backfill {
            failures.extend(poll_all(&self.folders.open()?, job));
        }
        Ok(failures)
    }

    pub(super) fn starts(&self, times: usize, backfill: Option<Job>) -> Outcome {
        if !self.harm() {
            return Outcome::NoDamage;
        }
        let seen = tree(&self.folders.archive());
        let mut polled = self.start(backfill);
        for _ in 1..times {
            polled = match polled {
                Ok(failures) if failures.is_empty() => self.start(backfill),
                // What was refused must be refused again, or need no hand.
                refused => self.start(backfill).and(refused),
            };
        }
        self.judge(polled, backfill, &seen)
    }

    /// No outcome is silent: what goes on with bytes that are not what they were, the proof of the archive names, once the
    /// segment is sealed. What was repaired has to be valid, but for digests that went with their folder.
    pub(super) fn proven(&self, outcome: Outcome) -> Outcome {
        let names_it = match outcome {
            Outcome::Unseen | Outcome::Told | Outcome::RepairedInPart | Outcome::RepairedAndTold => true,
            Outcome::Repaired | Outcome::AskedAgain => false,
            _ => return outcome,
        };
        if self.folders.poll("13:10") != Ok(Failures::new()) {
            return Outcome::Harm("the segment could not be sealed".to_owned());
        }
        let root = self.folders.archive();
        let report = verify(&root, &Request::default(), &|_| ()).unwrap();
        let faults: Vec<String> =
            report.all_faults().map(|fault| format!("{}: {fault}", fault.path.display())).collect();
        let admitted = report.sources.iter().any(|source| {
            let folder = root.join(&source.folder);
            source.damaged.iter().any(|damaged| folder.join(damaged.segment.as_str()) == self.victim.path)
        });
        let only_digests_are_gone =
            self.place.is_folder() && report.all_faults().all(|fault| fault.reason.as_str() == "digest-missing");
        match (names_it, faults.is_empty()) {
            (true, true) if !admitted => Outcome::Harm("`verify` finds nothing".to_owned()),
            (false, false) if only_digests_are_gone => Outcome::RepairedButForDigests,
            (false, false) => Outcome::Harm(format!("repaired, but `verify` says: {faults:?}")),
            _ => outcome,
        }
    }

    pub(super) fn command(&self, command: &[&str]) -> Outcome {
        if !self.harm() {
            return Outcome::NoDamage;
        }
        let before = (tree(&self.folders.archive()), fs::read(self.folders.state().join("state.db")).ok());
        let mut program = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
        let ran = program.arg("--config").arg(self.folders.path().join("config.toml")).args(command).output().unwrap();
        let after = (tree(&self.folders.archive()), fs::read(self.folders.state().join("state.db")).ok());
        if before != after {
            return Outcome::Harm(format!("{command:?} changed something"));
        }
        // It may say something of what somebody may have meant.
        let said = String::from_utf8(ran.stdout).unwrap();
        let finds_nothing = ran.status.success() && !said.contains("other storage");
        if finds_nothing { Outcome::FindsNothing } else { Outcome::Says }
    }

    /// What came of it, once it is known what each source failed with.
    fn judge(&self, polled: Result<Failures, String>, backfill: Option<Job>, seen: &Tree) -> Outcome {
        match self.try_judge(polled, backfill, seen) {
            Ok(outcome) => outcome,
            Err(harm) => Outcome::Harm(harm),
        }
    }

    fn try_judge(
        &self,
        polled: Result<Failures, String>,
        backfill: Option<Job>,
        seen: &Tree,
    ) -> Result<Outcome, String> {
        self.only_appended(seen)?;
        let folders = &self.folders;
        let said: Vec<String> = match &polled {
            Ok(failures) => failures.values().cloned().collect(),
            Err(said) => vec![said.clone()],
        };
        if let Some(said) = said.iter().find(|said| !is_helpful(folders, said)) {
            return Err(format!("no place or no remedy in: {said}"));
        }
        if self.place.is_of_one_source() {
            let held_up = polled.as_ref().map_or(true, |failures| failures.contains_key(&OTHER));
            if held_up {
                return Err(format!("the other source is held up: {said:?}"));
            }
            exact(folders, OTHER, &[])?;
        }
        if !said.is_empty() {
            let again = self.start(backfill);
            self.only_appended(seen)?;
            if again == Ok(Failures::new()) {
                return self.exact_by_itself(Outcome::AskedAgain).map_err(|wrong| format!("after {said:?}: {wrong}"));
            }
            self.victim.undo();
            let mended = self.start(backfill);
            if mended != Ok(Failures::new()) {
                return Err(format!("undone after {said:?}, it says: {mended:?}"));
            }
            self.all_exact().map_err(|wrong| format!("undone after {said:?}: {wrong}"))?;
            return Ok(Outcome::Refused);
        }
        self.exact_by_itself(Outcome::Exact)
    }

    /// No hand was needed. `unharmed` is what to call it where nothing was repaired.
    fn exact_by_itself(&self, unharmed: Outcome) -> Result<Outcome, String> {
        let repaired = self.damaged();
        let Err(wrong) = self.all_exact() else {
            return Ok(if repaired.is_empty() { unharmed } else { Outcome::Repaired });
        };
        // Everything that happened is there once but for what the damage took from files that nobody looks at, and what
        // never happened only where the damage put it.
        let lost = self.victim.records_but_for(&repaired);
        let but_for = |kind| exact_but_for(&self.folders, kind, &[], Some(&self.victim.path), &lost);
        match Kind::ALL.into_iter().try_for_each(but_for) {
            Ok(()) => Ok(match (repaired.is_empty(), self.is_told()) {
                (true, false) => Outcome::Unseen,
                (true, true) => Outcome::Told,
                (false, false) => Outcome::RepairedInPart,
                (false, true) => Outcome::RepairedAndTold,
            }),
            Err(still) => Err(format!("{wrong}; and but for what the damage took: {still}")),
        }
    }

    fn all_exact(&self) -> Result<(), String> {
        Kind::ALL.into_iter().try_for_each(|kind| exact(&self.folders, kind, &[]))
    }

    /// Whether it is told that segments are missing. The log at a start says the same as `check` does.
    fn is_told(&self) -> bool {
        let Ok(store) = Store::open_read_only(&self.folders.state()) else { return false };
        let root = self.folders.archive();
        let files = RealFiles::open(&root, 0o640, 0o750).unwrap();
        let state = store.read(|connection| SourceState::load(connection, &source_id(HARMED))).unwrap().unwrap();
        let faults = examine(&root, &files, &store, state.key).unwrap();
        faults.iter().any(|fault| matches!(fault, SegmentFault::Missing { .. } | SegmentFault::Elsewhere { .. }))
    }

    /// The segments that were sealed as damaged.
    fn damaged(&self) -> Vec<PathBuf> {
        let Ok(store) = Store::open_read_only(&self.folders.state()) else { return Vec::new() };
        let damaged_of = |kind| {
            let state = store.read(|connection| SourceState::load(connection, &source_id(kind))).ok().flatten();
            let found = state.and_then(|state| store.read(|connection| damaged_segments(connection, state.key)).ok());
            let folder = self.folders.source_folder(kind);
            found.into_iter().flatten().map(move |damaged| folder.join(damaged.name.as_str()))
        };
        Kind::ALL.into_iter().flat_map(damaged_of).collect()
    }

    /// Whoever saw a byte never sees it change or vanish.
    fn only_appended(&self, seen: &Tree) -> Result<(), String> {
        for (path, before) in seen {
            let now = fs::read(path).unwrap_or_default();
            if !now.starts_with(before) && !path.components().any(|name| name.as_os_str() == ".spool") {
                return Err(format!("{} was changed", path.display()));
            }
        }
        Ok(())
    }
}

/// A sentence names the place, and says what to do or that nothing has to be done.
fn is_helpful(folders: &Folders<'_>, said: &str) -> bool {
    let path = folders.path().display().to_string();
    let place = [path.as_str(), "[state] dir", "payments/", "interrupted commit", "a segment was damaged"];
    let remedy = [
        "put ",
        "mount",
        "mend the disk",
        "by itself",
        "cut it back",
        "create it",
        "move ",
        "set ",
        "next poll",
        "remove ",
    ];
    place.iter().any(|word| said.contains(word)) && remedy.iter().any(|word| said.contains(word))
}
