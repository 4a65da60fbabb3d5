//! The matrix: damage × place × what happens next. `tests/damage/matrix.md` says what is expected of each; the test makes
//! the table anew and compares. To see it, with everything that can happen next:
//!
//! ```text
//! ATLAS_LOGD_MATRIX=all cargo test --test damage -- --nocapture matrix
//! ```
//!
//! After damage that cannot be undone by asking again, the damage is undone, as the sentence says, and then everything has
//! to be exact. Whatever the table says, these are never allowed: a record lost or archived twice without a word, a byte
//! changed by anything but the damage, another source held up by damage to the files of one, and a refusal whose sentence
//! does not name the place and what to do.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use atlas_logd::{
    collect::Job,
    source::Kind,
    state::{SourceState, Store, damaged_segments},
};

use crate::{
    damages::{Damage, Victim},
    oracle::{exact, exact_but_for},
    scene::{Failures, Folders, Scene, at, between, list, poll_all, source_id},
};

/// The source whose files are damaged; the other one must not notice.
const HARMED: Kind = Kind::StreamAudit;
const OTHER: Kind = Kind::AccessHistory;

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    OpenSegment,
    LastSealedSegment,
    OlderSealedSegment,
    SourceFolder,
    ProjectFolder,
    SpoolLeftOver,
    UnknownSpool,
    SpoolOfAnIntent,
    SpoolFolder,
    Marker,
    ArchiveFolder,
    Database,
    Log,
    Lock,
    StateFolder,
}

impl Place {
    const ALL: [Self; 15] = [
        Self::OpenSegment,
        Self::LastSealedSegment,
        Self::OlderSealedSegment,
        Self::SourceFolder,
        Self::ProjectFolder,
        Self::SpoolLeftOver,
        Self::UnknownSpool,
        Self::SpoolOfAnIntent,
        Self::SpoolFolder,
        Self::Marker,
        Self::ArchiveFolder,
        Self::Database,
        Self::Log,
        Self::Lock,
        Self::StateFolder,
    ];

    fn in_words(self) -> &'static str {
        match self {
            Self::OpenSegment => "open segment",
            Self::LastSealedSegment => "last sealed segment",
            Self::OlderSealedSegment => "older sealed segment",
            Self::SourceFolder => "folder of the source",
            Self::ProjectFolder => "folder of the project",
            Self::SpoolLeftOver => "spool left over",
            Self::UnknownSpool => "spool of nobody",
            Self::SpoolOfAnIntent => "spool of a commit under way",
            Self::SpoolFolder => "spool folder",
            Self::Marker => "marker",
            Self::ArchiveFolder => "archive folder",
            Self::Database => "state.db",
            Self::Log => "state.db-wal",
            Self::Lock => "lock of the state",
            Self::StateFolder => "state folder",
        }
    }

    fn damages(self) -> &'static [Damage] {
        match self {
            folder if folder.is_folder() => &Damage::OF_FOLDERS,
            _ => &Damage::OF_FILES,
        }
    }

    fn is_folder(self) -> bool {
        matches!(
            self,
            Self::SourceFolder | Self::ProjectFolder | Self::SpoolFolder | Self::ArchiveFolder | Self::StateFolder
        )
    }

    /// Whether it belongs to one source alone.
    fn is_of_one_source(self) -> bool {
        matches!(
            self,
            Self::OpenSegment
                | Self::LastSealedSegment
                | Self::OlderSealedSegment
                | Self::SourceFolder
                | Self::SpoolLeftOver
                | Self::UnknownSpool
                | Self::SpoolOfAnIntent
        )
    }

    fn is_of_the_state(self) -> bool {
        matches!(self, Self::Database | Self::Log | Self::Lock | Self::StateFolder)
    }

    fn path(self, folders: &Folders<'_>, kind: Kind) -> PathBuf {
        let segment = |index: usize| folders.segments(kind).get(index).cloned().unwrap_or_default();
        let key = if kind == Kind::StreamAudit { 1 } else { 2 };
        match self {
            Self::OpenSegment => segment(2),
            Self::LastSealedSegment => segment(1),
            Self::OlderSealedSegment => segment(0),
            Self::SourceFolder => folders.source_folder(kind),
            Self::ProjectFolder => folders.archive().join("payments"),
            Self::SpoolLeftOver | Self::SpoolOfAnIntent => folders.archive().join(format!(".spool/{key}.ndjson")),
            Self::UnknownSpool => folders.archive().join(".spool/what-is-this"),
            Self::SpoolFolder => folders.archive().join(".spool"),
            Self::Marker => folders.archive().join(".atlas-logd"),
            Self::ArchiveFolder => folders.archive(),
            Self::Database => folders.state().join("state.db"),
            Self::Log => folders.state().join("state.db-wal"),
            Self::Lock => folders.state().join("lock"),
            Self::StateFolder => folders.state(),
        }
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The process that runs polls again: the damage is done under its feet. Afterwards there is a restart.
    Poll,
    Restart,
    TwoRestarts,
    /// A restart that collects a range once more of which the damage took something.
    Backfill,
    /// The source is taken out of the configuration of the running process, and comes back.
    Reload,
    Status,
    Check,
}

impl Next {
    const ALL: [Self; 7] =
        [Self::Poll, Self::Restart, Self::TwoRestarts, Self::Backfill, Self::Reload, Self::Status, Self::Check];

    fn in_words(self) -> &'static str {
        match self {
            Self::Poll => "next poll, then restart",
            Self::Restart => "restart",
            Self::TwoRestarts => "two restarts",
            Self::Backfill => "restart, backfill",
            Self::Reload => "reload without the source",
            Self::Status => "`status`",
            Self::Check => "`check`",
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did no harm, and everything is exact.
    Exact,
    /// The segment was sealed as damaged, what it lost was asked again, and everything is exact.
    Repaired,
    /// The poll failed and said so; the next one needed no hand, and everything is exact.
    AskedAgain,
    /// It is refused until somebody has done what the sentence says; then everything is exact.
    Refused,
    /// The open segment was sealed as damaged and what it lost asked again; what sealed ones lost, only a proof of the
    /// whole archive finds.
    RepairedInPart,
    /// It goes on, and is refused at the next start: by then only a copy of the state made since helps.
    RefusedLater,
    /// The archived bytes are not what they were, and only a proof of the whole archive finds that.
    Unseen,
    /// A command says what is wrong.
    Says,
    /// A command finds nothing wrong.
    FindsNothing,
    /// The damage changes nothing here.
    NoDamage,
    /// What must never be.
    Harm(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Repaired => "repaired",
            Self::AskedAgain => "asked again",
            Self::Refused => "refused",
            Self::RepairedInPart => "repaired; the sealed ones only `verify`",
            Self::RefusedLater => "refused at the restart",
            Self::Unseen => "only `verify`",
            Self::Says => "says so",
            Self::FindsNothing => "finds nothing",
            Self::NoDamage => "–",
            Self::Harm(what) => return write!(f, "HARM: {what}"),
        })
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

/// All that is needed for the cells of the matrix: folders before the damage, and other ones to swap with.
struct Stage<'a> {
    calm: Folders<'a>,
    interrupted: Folders<'a>,
    /// What was there after the first poll of each hour.
    earlier: BTreeMap<&'static str, Folders<'a>>,
    foreign: Folders<'a>,
}

impl<'a> Stage<'a> {
    fn new(scene: &'a Scene) -> Self {
        let calm = scene.folders();
        let mut earlier = BTreeMap::new();
        for hour in ["09", "10", "11"] {
            calm.poll_well(&format!("{hour}:10"));
            earlier.insert(hour, calm.copy());
            calm.poll_well(&format!("{hour}:40"));
        }
        let interrupted = {
            let folders = calm.copy();
            let reader = rusqlite::Connection::open(folders.state().join("state.db")).unwrap();
            reader.query_row("SELECT count(*) FROM source", [], |row| row.get::<_, i64>(0)).unwrap();
            folders.poll_interrupted("11:45")
        };
        let foreign = scene.folders();
        foreign.poll_well("10:10");
        Self { calm, interrupted, earlier, foreign }
    }

    /// The folders of one cell.
    fn folders(&self, place: Place) -> Folders<'a> {
        match place {
            Place::SpoolOfAnIntent | Place::Log => self.interrupted.copy(),
            _ => self.calm.copy(),
        }
    }

    fn victim(&self, folders: &Folders<'a>, place: Place) -> Victim {
        let earlier = match place {
            Place::OlderSealedSegment => &self.earlier["09"],
            Place::OpenSegment => &self.earlier["11"],
            _ => &self.earlier["10"],
        };
        let another = match place {
            Place::ProjectFolder
            | Place::SpoolFolder
            | Place::Marker
            | Place::ArchiveFolder
            | Place::Database
            | Place::Log
            | Place::Lock
            | Place::StateFolder => place.path(&self.foreign, OTHER),
            _ => place.path(folders, OTHER),
        };
        let older = place.path(earlier, HARMED);
        Victim { path: place.path(folders, HARMED), another, older, aside: folders.path().join("aside") }
    }

    fn cell(&self, place: Place, damage: Damage, next: Next) -> Outcome {
        let folders = self.folders(place);
        let victim = self.victim(&folders, place);
        let cell = Cell { folders, victim, place, damage, minute: std::cell::Cell::new(0) };
        match next {
            Next::Poll => cell.poll(),
            Next::Restart => cell.starts(1, None),
            Next::TwoRestarts => cell.starts(2, None),
            Next::Backfill => cell.starts(1, Some(Job::Backfill(between("08:00", "11:30")))),
            Next::Reload => cell.reload(),
            Next::Status => cell.command("status"),
            Next::Check => cell.command("check"),
        }
    }
}

struct Cell<'a> {
    folders: Folders<'a>,
    victim: Victim,
    place: Place,
    damage: Damage,
    /// Since 12:10.
    minute: std::cell::Cell<u32>,
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
        } else if path.extension().is_some_and(|extension| extension == "ndjson") && !path.starts_with(".spool") {
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

    fn poll(&self) -> Outcome {
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
        folders.scene.clock.set(at(&self.later()));
        let polled = poll_all(&station, Job::Regular);
        drop(station);
        if self.place.is_of_the_state() && polled.is_empty() {
            // SQLite holds what it has read: what is in the files, it sees at the next start.
            return match self.start(None) {
                Ok(failures) if failures.is_empty() => self.judge(Ok(failures), None, &seen),
                Ok(_) => Outcome::Harm("a part of the state went on".to_owned()),
                Err(said) if is_helpful(folders, &said) => match self.only_appended(&seen) {
                    Ok(()) => Outcome::RefusedLater,
                    Err(harm) => Outcome::Harm(harm),
                },
                Err(said) => Outcome::Harm(format!("no place or no remedy in: {said}")),
            };
        }
        let first = self.judge(Ok(polled), None, &seen);
        match &first {
            Outcome::Exact | Outcome::Repaired | Outcome::RepairedInPart | Outcome::Unseen => {
                worse(first, self.judge(self.start(None), None, &seen))
            }
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

    fn starts(&self, times: usize, backfill: Option<Job>) -> Outcome {
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

    fn reload(&self) -> Outcome {
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let retired = runtime.block_on(station.collector.retire(&folders.source(HARMED)));
        folders.scene.clock.set(at(&self.later()));
        let mut failures = poll_all(&station, Job::Regular);
        if let Err(error) = retired {
            failures.entry(HARMED).or_insert(error.to_string());
        }
        drop(station);
        if self.place.is_of_the_state() && failures.is_empty() {
            return Outcome::Exact;
        }
        self.judge(Ok(failures), None, &seen)
    }

    fn command(&self, command: &str) -> Outcome {
        if !self.harm() {
            return Outcome::NoDamage;
        }
        let before = (tree(&self.folders.archive()), fs::read(self.folders.state().join("state.db")).ok());
        let mut program = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
        let ran = program.arg("--config").arg(self.folders.path().join("config.toml")).arg(command).output().unwrap();
        let after = (tree(&self.folders.archive()), fs::read(self.folders.state().join("state.db")).ok());
        if before != after {
            return Outcome::Harm(format!("{command} changed something"));
        }
        if ran.status.success() { Outcome::FindsNothing } else { Outcome::Says }
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
            Ok(()) if repaired.is_empty() => Ok(Outcome::Unseen),
            Ok(()) => Ok(Outcome::RepairedInPart),
            Err(still) => Err(format!("{wrong}; and but for what the damage took: {still}")),
        }
    }

    fn all_exact(&self) -> Result<(), String> {
        Kind::ALL.into_iter().try_for_each(|kind| exact(&self.folders, kind, &[]))
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

/// Of two outcomes in a row, the one that tells more.
fn worse(first: Outcome, second: Outcome) -> Outcome {
    let weight = |outcome: &Outcome| match outcome {
        Outcome::Harm(_) => 6,
        Outcome::Refused => 5,
        Outcome::AskedAgain => 4,
        Outcome::Repaired => 3,
        Outcome::Unseen => 2,
        _ => 1,
    };
    if weight(&second) > weight(&first) { second } else { first }
}

/// The rows of some places.
fn rows(places: &[Place], nexts: &[Next]) -> Vec<Vec<String>> {
    let scene = Scene::new();
    let stage = Stage::new(&scene);
    let mut rows = Vec::new();
    for &place in places {
        for &damage in place.damages() {
            let cells = nexts.iter().map(|&next| stage.cell(place, damage, next).to_string());
            let head = [place.in_words().to_owned(), damage.in_words(place.is_folder()).to_owned()];
            rows.push(head.into_iter().chain(cells).collect());
        }
    }
    rows
}

#[test]
fn every_damage_at_every_place_has_the_outcome_that_the_matrix_says() {
    let nexts = match std::env::var_os("ATLAS_LOGD_MATRIX") {
        Some(_) => Next::ALL.to_vec(),
        None => vec![Next::Poll, Next::Restart],
    };
    // Two threads, each with an Atlas of its own.
    let (left, right): (Vec<_>, Vec<_>) =
        Place::ALL.iter().partition(|place| place.damages().len() > 6 && (**place as usize).is_multiple_of(2));
    let mut made: Vec<Vec<String>> = std::thread::scope(|scope| {
        let halves = [left, right].map(|places| {
            scope.spawn({
                let nexts = nexts.clone();
                move || rows(&places, &nexts)
            })
        });
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let order = |row: &Vec<String>| Place::ALL.iter().position(|place| place.in_words() == row[0]);
    made.sort_by_key(order);
    made.retain(|row| row[2..].iter().any(|cell| cell != "–"));
    let head = ["place", "damage"].into_iter().chain(nexts.iter().map(|next| next.in_words()));
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut table = line(head.clone().collect()) + &line(head.map(|_| "---").collect());
    made.iter().for_each(|row| table += &line(row.iter().map(String::as_str).collect()));
    println!("{table}");
    let expected = columns(include_str!("matrix.md"), nexts.iter().map(|next| next.in_words()).collect());
    let missing =
        expected.lines().filter(|line| !table.lines().any(|made| made == *line)).map(|line| format!("- {line}"));
    let added =
        table.lines().filter(|line| !expected.lines().any(|known| known == *line)).map(|line| format!("+ {line}"));
    let different: Vec<String> = missing.chain(added).collect();
    assert!(
        !table.contains("HARM"),
        "{}",
        table.lines().filter(|line| line.contains("HARM")).collect::<Vec<_>>().join("\n")
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Of the whole table, the columns that were made.
fn columns(table: &str, nexts: Vec<&str>) -> String {
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let Some(head) = rows.first() else { return String::new() };
    let wanted: Vec<usize> = (0..head.len()).filter(|&column| column < 2 || nexts.contains(&head[column])).collect();
    rows.iter()
        .map(|row| format!("| {} |\n", wanted.iter().map(|&column| row[column]).collect::<Vec<_>>().join(" | ")))
        .collect()
}
