//! Crashes at every moment of a life in which sealed segments are compressed and removed, and digests of the archive made:
//! nothing is lost, and afterwards the archive proves itself.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use atlas_logd::{
    archive::StoredForm,
    commit::Upkeep,
    evidence::Signer,
    instant::Instant,
    source::{Kind, Source},
    verify::{Request, verify_files},
};
use rustix::io::Errno;
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};
use tempfile::TempDir;

use crate::{
    crashes::{extremes, variants},
    disk::{Content, Disk, Failing, is_segment},
    loss::{after_power_loss, durable},
    machine::{Machine, Snapshot},
    oracle,
    process::{Outcome, Process},
    stored,
    workload::{self, Step},
};

/// What is done to what was sealed.
const UPKEEP: Upkeep = Upkeep { compress: Some(StoredForm::Zstd), keep: Some(Duration::from_secs(90 * 60)) };

/// The story, and the key that it is signed with.
struct Story {
    steps: Vec<Step>,
    key: PathBuf,
    _folder: TempDir,
}

impl Story {
    /// The polls of one source.
    fn new() -> Self {
        let mut steps = workload::steps();
        steps.retain(|step| step.source.id.kind == Kind::StreamAudit);
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let private: PrivateKey = Ed25519Keypair::from_seed(&[1; 32]).into();
        fs::write(&key, private.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        Self { steps, key, _folder: folder }
    }

    fn source(&self) -> &Source {
        &self.steps[0].source
    }

    fn start(&self, machine: &Machine) -> Process {
        Process::start(machine).unwrap().signed_by(Signer::read(&self.key).unwrap())
    }

    /// Takes steps, each with the upkeep after it; some are the last ones of their day.
    fn take(&self, process: &mut Process, steps: &[Step]) -> Outcome {
        for (index, step) in steps.iter().enumerate() {
            process.take(step)?;
            process.keep_up(&step.source, UPKEEP)?;
            if let Some(day) = day_after(index) {
                process.make_head(&step.source, day)?;
            }
        }
        Ok(())
    }

    /// What a start does, with or without the poll that follows it; then all that was under way is done.
    fn go_on(&self, polls: bool, moment: &Snapshot, left: &Content) {
        let machine = Machine::again(moment, left.clone());
        let mut process = self.start(&machine);
        process.open_all(&self.steps).unwrap();
        let steps = if polls { process.next(&self.steps, 0) } else { process.done(&self.steps) };
        self.take(&mut process, steps).unwrap();
        process.keep_up(self.source(), UPKEEP).unwrap();
        self.judge(&machine, &process, steps);
        let removed_to = process.load(self.source()).unwrap().told.removed_to;
        assert_kept(left, &machine.disk.content(), removed_to);
    }

    fn judge(&self, machine: &Machine, process: &Process, steps: &[Step]) {
        oracle::judge(machine, process, steps);
        let live = machine.disk.content();
        // A new source may be an empty folder after a power loss, which the next start fills, as verify says.
        let least = Some(durable(&live)).filter(|_| !steps.is_empty());
        for content in least.into_iter().chain([live]) {
            let report = verify_files(&Disk::new(content), &Request::default(), &|_| {});
            let faults: Vec<String> = report.all_faults().map(ToString::to_string).collect();
            assert_eq!(faults, [] as [&str; 0]);
        }
    }
}

/// The day whose archive digest is made after a step.
fn day_after(index: usize) -> Option<Instant> {
    let day = match index {
        0 => "2026-11-20",
        4 => "2026-11-21",
        8 => "2026-11-22",
        _ => return None,
    };
    Some(format!("{day}T23:30:00Z").parse().unwrap())
}

/// What an observer saw of a segment is in it, plain or compressed, unless it was to be removed.
fn assert_kept(before: &Content, after: &Content, removed_to: u64) {
    for (path, seen) in before.all().filter(|(path, _)| is_segment(path)).map(|(path, file)| (path, &file.live)) {
        let named = path.file_name().and_then(|name| name.to_str()).and_then(StoredForm::of_file);
        let may_go = named.is_some_and(|(segment, _)| segment.sequence() <= removed_to);
        match stored::bytes_of(after, path) {
            Some(bytes) => assert!(bytes.starts_with(seen), "{} was not only appended to", path.display()),
            None => assert!(may_go, "{} vanished", path.display()),
        }
    }
}

#[test]
fn a_crash_at_any_moment_of_the_upkeep_loses_nothing_and_the_archive_proves_itself() {
    let story = Story::new();
    let machine = Machine::new();
    let (process, moments) = machine.film(|| {
        let mut process = story.start(&machine);
        story.take(&mut process, &story.steps).unwrap();
        process
    });
    story.judge(&machine, &process, &story.steps);
    let content = machine.disk.content();
    let state = process.load(story.source()).unwrap();
    let forms = |form: StoredForm| {
        let end = format!(".ndjson{}", form.suffix());
        content.all().filter(|(path, _)| path.to_str().unwrap().ends_with(&end)).count()
    };
    assert_eq!((state.next_sequence, state.told.removed_to > 1), (8, true));
    assert!(stored::names(&content, &state.folder).iter().all(|name| name.sequence() > 1), "the first one is removed");
    // One that is to go is not compressed any more, nor the last sealed one, nor the open one.
    assert_eq!((forms(StoredForm::Zstd), forms(StoredForm::Plain)), (3, 3));
    assert_eq!(content.all().filter(|(path, _)| path.starts_with(".heads")).count(), 6);
    let (mut kills, mut power_losses) = (0, 0);
    for moment in &moments {
        kills += 2;
        story.go_on(false, moment, &moment.content);
        story.go_on(true, moment, &moment.content);
        for left in extremes(after_power_loss(&moment.content), variants()) {
            power_losses += 1;
            story.go_on(power_losses % 2 == 0, moment, &left);
        }
    }
    println!("{} moments, {kills} kills, {power_losses} power losses", moments.len());
    assert!(moments.len() > 200, "{}", moments.len());
}

#[test]
fn an_upkeep_that_fails_leaves_nothing_in_the_spool_and_the_next_one_goes_on() {
    let story = Story::new();
    let is_note = |path: &Path| path.starts_with(".spool") && path.extension().is_some_and(|end| end == "note");
    let work = |process: &mut Process, step: &Step| {
        process.take(step)?;
        process.keep_up(&step.source, UPKEEP)
    };
    let machine = Machine::new();
    let mut process = story.start(&machine);
    story.steps.iter().for_each(|step| work(&mut process, step).unwrap());
    let operations = machine.disk.operations().into_iter().enumerate();
    let writes = operations.filter(|(_, (what, path))| ["create", "write", "sync"].contains(what) && is_note(path));
    let writes: Vec<usize> = writes.map(|(number, _)| number).collect();
    assert!(writes.len() > 30, "{} writes", writes.len());
    for operation in writes {
        let machine = Machine::new();
        machine.disk.fail(Failing { operation, errno: Errno::NOSPC, more: 0 });
        let mut process = story.start(&machine);
        let mut failed = 0;
        for step in &story.steps {
            if let Err(error) = work(&mut process, step) {
                failed += 1;
                assert!(error.to_string().contains("free some space"), "{error}");
                let left: Vec<PathBuf> = machine.disk.content().live.into_keys().filter(|path| is_note(path)).collect();
                assert_eq!(left, [] as [PathBuf; 0]);
                work(&mut process, step).unwrap();
            }
        }
        assert_eq!(failed, 1);
        process.open_all(&story.steps).unwrap();
        process.keep_up(story.source(), UPKEEP).unwrap();
        story.judge(&machine, &process, &story.steps);
    }
}
