//! Room on the archive's file system: several who write at once do not take together what has to stay free.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use thiserror::Error;

use crate::archive::Files;

/// How many bytes those who write at the moment are still going to write.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<Mutex<u64>>);

/// Less would be left of the archive's file system than has to stay free.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "the archive's file system has {} left{}, and [archive] min_free is {}: collection pauses, watermarks wait, and \
     it goes on by itself once there is room again (Atlas keeps access history for 7 days only)",
    size(*free), under_way(*needed), size(*min_free)
)]
pub struct LowDisk {
    /// How many bytes are free.
    pub free: u64,
    /// How many of them those who write at the moment are still going to write.
    pub needed: u64,
    /// How many have to stay free.
    pub min_free: u64,
}

impl Room {
    /// A claim to nothing yet.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim { room: self.clone(), bytes: 0 }
    }
}

/// What one writer is still going to write; given back when this is dropped.
#[derive(Debug)]
pub struct Claim {
    room: Room,
    bytes: u64,
}

impl Claim {
    /// Claims so many bytes in all, if `min_free` of the file system stay free once all claims are written.
    ///
    /// # Errors
    /// Whatever looking at the file system gives.
    pub fn set(&mut self, files: &dyn Files, bytes: u64, min_free: u64) -> io::Result<Result<(), LowDisk>> {
        let mut taken = self.room.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = files.free_bytes()?;
        let needed = taken.saturating_sub(self.bytes).saturating_add(bytes);
        if free < needed.saturating_add(min_free) {
            return Ok(Err(LowDisk { free, needed, min_free }));
        }
        *taken = needed;
        self.bytes = bytes;
        Ok(Ok(()))
    }

    /// Gives back all but so many bytes.
    pub fn shrink(&mut self, bytes: u64) {
        let given_back = self.bytes.saturating_sub(bytes);
        let mut taken = self.room.0.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(given_back);
        self.bytes -= given_back;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

fn size(bytes: u64) -> String {
    bytesize::ByteSize::b(bytes).display().iec().to_string()
}

fn under_way(needed: u64) -> String {
    if needed == 0 { String::new() } else { format!(" and needs {} of that for what is being written", size(needed)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::RealFiles;

    /// So much stays free on every machine that runs tests, and one file system has no more than that.
    const MUCH: u64 = 1 << 60;

    fn files() -> RealFiles {
        RealFiles::open(&std::env::temp_dir(), 0o640, 0o750).unwrap()
    }

    #[test]
    fn what_others_claim_is_not_there_any_more_until_they_give_it_back() {
        let (files, room) = (files(), Room::default());
        let (mut one, mut other) = (room.claim(), room.claim());
        one.set(&files, 1000, 0).unwrap().unwrap();
        let refused = other.set(&files, MUCH, 0).unwrap().unwrap_err();
        assert_eq!((refused.needed, refused.min_free), (MUCH + 1000, 0));
        other.set(&files, 10, 0).unwrap().unwrap();
        assert_eq!(other.set(&files, MUCH, 7).unwrap().unwrap_err().needed, MUCH + 1000, "its own counts once");
        one.shrink(300);
        one.shrink(500);
        assert_eq!(other.set(&files, MUCH, 0).unwrap().unwrap_err().needed, MUCH + 300);
        drop(one);
        assert_eq!(other.set(&files, MUCH, 0).unwrap().unwrap_err().needed, MUCH);
        drop(other);
        assert_eq!(room.claim().set(&files, MUCH, 0).unwrap().unwrap_err().needed, MUCH);
    }

    #[test]
    fn the_sentence_says_what_is_left_and_what_of_it_is_needed() {
        let low = LowDisk { free: 6 << 20, needed: 0, min_free: 7 << 20 };
        let begin =
            "the archive's file system has 6.0 MiB left, and [archive] min_free is 7.0 MiB: collection pauses, ";
        assert!(low.to_string().starts_with(begin), "{low}");
        let low = LowDisk { needed: 2 << 20, ..low };
        let begin =
            "the archive's file system has 6.0 MiB left and needs 2.0 MiB of that for what is being written, and ";
        assert!(low.to_string().starts_with(begin), "{low}");
    }
}
