//! An observer that tails every segment through the whole run.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

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
}

/// The thread that looks.
pub(crate) struct Observer {
    /// Closed when the last look is due.
    stop: Sender<()>,
    looking: JoinHandle<Result<Observed, String>>,
}

impl Observer {
    pub(crate) fn start(archive: PathBuf) -> Self {
        let (stop, stopped) = channel();
        let looking = std::thread::spawn(move || {
            let mut watch = Watch { archive: Arc::from(archive), seen: BTreeMap::new(), next: None, looks: 0 };
            // The pause is between two looks, and nothing waits for it.
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                watch.look(false)?;
            }
            watch.look(true)
        });
        Self { stop, looking }
    }

    /// Fails as soon as something was seen that must not be.
    pub(crate) fn assert_content(self) -> Self {
        if self.looking.is_finished() {
            self.finish();
            panic!("the observer ended before the run");
        }
        self
    }

    /// Lets it look once more, at every byte, and tell what it saw.
    pub(crate) fn finish(self) -> Observed {
        drop(self.stop);
        self.looking.join().unwrap().unwrap_or_else(|difference| panic!("the observer saw that {difference}"))
    }
}

struct Watch {
    archive: Arc<Path>,
    seen: BTreeMap<PathBuf, Seen>,
    /// The last one of those that were read again.
    next: Option<PathBuf>,
    looks: u64,
}

impl Watch {
    /// Looks at all segments: at their lengths and what is new, and again at what was there, all of it or a part.
    fn look(&mut self, all: bool) -> Result<Observed, String> {
        self.looks += 1;
        let mut there = Vec::new();
        segments_below(&self.archive, &mut there).map_err(|error| format!("the archive cannot be listed: {error}"))?;
        there.sort();
        for gone in self.seen.keys().filter(|path| there.binary_search(path).is_err()) {
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
        Ok(Observed { looks: self.looks, segments: self.seen.len() as u64, bytes })
    }

    /// Reads what was added to a segment, if anything was.
    fn read_on(&mut self, path: &Path) -> io::Result<Result<bool, String>> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let seen = self.seen.entry(path.to_owned()).or_insert_with(|| Seen {
            inode: metadata.ino(),
            length: 0,
            hasher: blake3::Hasher::new(),
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

/// All segments below a folder; what begins with a dot is no segment.
pub(crate) fn segments_below(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => segments_below(&entry.path(), found)?,
            false => found.push(entry.path()),
        }
    }
    Ok(())
}
