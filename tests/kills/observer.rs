//! An observer that tails every segment through the whole run.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// How many bytes that were seen before are read again at each look, beside those of the segments that grew.
const AGAIN_AT_A_LOOK: u64 = 1 << 20;

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// What was seen of a segment: its memory does not grow with the segment.
struct Seen {
    inode: u64,
    length: u64,
    hasher: blake3::Hasher,
}

/// What the observer says at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observed {
    pub(crate) looks: u64,
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
    /// How many segments could carry the append-only attribute.
    pub(crate) append_only: u64,
}

/// The thread that looks.
pub(crate) struct Observer {
    /// Who asks for a look is answered after it; closed when the last one is due.
    asked: Option<Sender<Sender<()>>>,
    looking: Option<JoinHandle<Result<Observed, String>>>,
}

impl Observer {
    pub(crate) fn start(archive: PathBuf) -> Self {
        let (asked, questions) = channel::<Sender<()>>();
        let looking = std::thread::spawn(move || {
            let mut watch = Watch::new(archive);
            let last = loop {
                // The pause is between two looks, and nobody waits for it.
                let question = questions.recv_timeout(PAUSE);
                if matches!(question, Err(RecvTimeoutError::Disconnected)) {
                    break watch.look(true);
                }
                if let Err(difference) = watch.look(false) {
                    break Err(difference);
                }
                // Whoever asked may have failed meanwhile.
                let _ = question.map(|asker| asker.send(()));
            };
            watch.let_go();
            last
        });
        Self { asked: Some(asked), looking: Some(looking) }
    }

    /// Lets it look before anything else happens. Fails as soon as something was seen that must not be.
    pub(crate) fn look(&mut self) {
        let (answer, answered) = channel();
        let asked = self.asked.as_ref().is_some_and(|asked| asked.send(answer).is_ok());
        if !asked || answered.recv().is_err() {
            self.finish();
            panic!("the observer ended before the run");
        }
    }

    /// Lets it look for the last time, at every byte, and tell what it saw.
    pub(crate) fn finish(&mut self) -> Observed {
        self.asked = None;
        let seen = self.looking.take().unwrap().join().unwrap();
        seen.unwrap_or_else(|difference| panic!("the observer saw that {difference}"))
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.asked = None;
        // What it saw is of no use any more, but it has to let go of the files.
        let _ = self.looking.take().map(JoinHandle::join);
    }
}

struct Watch {
    archive: PathBuf,
    seen: BTreeMap<PathBuf, Seen>,
    /// The last one of those that were read again.
    next: Option<PathBuf>,
    looks: u64,
    append_only: u64,
}

impl Watch {
    fn new(archive: PathBuf) -> Self {
        Self { archive, seen: BTreeMap::new(), next: None, looks: 0, append_only: 0 }
    }

    /// Looks at all segments: at their lengths and what is new, and again at what was there, all of it or a part.
    fn look(&mut self, all: bool) -> Result<Observed, String> {
        self.looks += 1;
        let mut there = Vec::new();
        segments_below(&self.archive, &mut there).map_err(|error| format!("the archive cannot be listed: {error}"))?;
        there.sort();
        if let Some(gone) = self.seen.keys().find(|path| there.binary_search(path).is_err()) {
            return Err(format!("{} is gone", gone.display()));
        }
        for path in &there {
            // Whoever adds something to a segment may have touched the rest of it.
            if self.read_on(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?? {
                self.read_again(path)?;
            }
        }
        let mut left = if all { u64::MAX } else { AGAIN_AT_A_LOOK };
        let after = self.next.take().filter(|_| !all);
        for path in there.iter().filter(|path| after.as_ref().is_none_or(|after| *path > after)) {
            self.read_again(path)?;
            let length = self.seen.get(path).map_or(0, |seen| seen.length);
            if length > left {
                self.next = Some(path.clone());
                break;
            }
            left -= length;
        }
        let bytes = self.seen.values().map(|seen| seen.length).sum();
        let segments = self.seen.len() as u64;
        Ok(Observed { looks: self.looks, segments, bytes, append_only: self.append_only })
    }

    /// Reads what was added to a segment, if anything was.
    fn read_on(&mut self, path: &Path) -> io::Result<Result<bool, String>> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let seen = self.seen.entry(path.to_owned()).or_insert_with(|| {
            self.append_only += u64::from(set_append_only(&file, true).is_ok());
            Seen { inode: metadata.ino(), length: 0, hasher: blake3::Hasher::new() }
        });
        if seen.inode != metadata.ino() {
            return Ok(Err(format!("{} is another file than before", path.display())));
        }
        if metadata.len() < seen.length {
            let (now, before) = (metadata.len(), seen.length);
            return Ok(Err(format!("{} has {now} bytes and had {before}", path.display())));
        }
        if metadata.len() == seen.length {
            return Ok(Ok(false));
        }
        let mut buffer = vec![0; BUFFER];
        while metadata.len() > seen.length {
            match file.read_at(&mut buffer, seen.length)? {
                0 => return Ok(Err(format!("{} became shorter while it was read", path.display()))),
                read => {
                    seen.hasher.update(&buffer[..read]);
                    seen.length += read as u64;
                }
            }
        }
        Ok(Ok(true))
    }

    /// Lets the segments be removed with their folder.
    fn let_go(&self) {
        for path in self.seen.keys().filter(|_| self.append_only > 0) {
            // One that is gone was told of.
            let _ = File::open(path).and_then(|file| set_append_only(&file, false));
        }
    }

    /// Compares a segment with what was seen of it.
    fn read_again(&self, path: &Path) -> Result<(), String> {
        let Some(seen) = self.seen.get(path) else { return Ok(()) };
        let mut hasher = blake3::Hasher::new();
        let read = File::open(path).and_then(|file| io::copy(&mut file.take(seen.length), &mut hasher));
        match read {
            Ok(read) if read == seen.length && hasher.finalize() == seen.hasher.finalize() => Ok(()),
            Ok(_) => Err(format!("of the first {} bytes of {} some have changed", seen.length, path.display())),
            Err(error) => Err(format!("{} cannot be read again: {error}", path.display())),
        }
    }
}

/// Where this process may and the file system can, the kernel itself refuses to take back or change what is in a segment
/// from its first sight on: also what would be there again at the next look.
fn set_append_only(file: &File, set: bool) -> io::Result<()> {
    let mut flags = ioctl_getflags(file)?;
    flags.set(IFlags::APPEND, set);
    Ok(ioctl_setflags(file, flags)?)
}

/// All segments below a folder; what begins with a dot is no segment.
pub(crate) fn segments_below(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => segments_below(&entry.path(), found)?,
            false if entry.path().extension().is_some_and(|extension| extension == "ndjson") => {
                found.push(entry.path())
            }
            false => {}
        }
    }
    Ok(())
}
