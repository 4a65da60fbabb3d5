//! The folders that damage is done to.

use std::collections::BTreeMap;

use atlas_logd::collect::Job;

use super::{HARMED, OTHER, cell::Cell, next::Next, outcome::Outcome, place::Place};
use crate::{
    damages::{Damage, Victim},
    scene::{Folders, Scene, between},
};

/// All that is needed for the cells of the matrix: folders before the damage, and other ones to swap with.
pub(super) struct Stage<'a> {
    calm: Folders<'a>,
    interrupted: Folders<'a>,
    /// What was there after the first poll of each hour.
    earlier: BTreeMap<&'static str, Folders<'a>>,
    foreign: Folders<'a>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(scene: &'a Scene) -> Self {
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

    pub(super) fn cell(&self, place: Place, damage: Damage, next: Next) -> Outcome {
        let folders = self.folders(place);
        let victim = self.victim(&folders, place);
        let cell = Cell { folders, victim, place, damage, minute: std::cell::Cell::new(0) };
        match next {
            Next::Poll => cell.proven(cell.poll()),
            Next::Restart => cell.proven(cell.starts(1, None)),
            Next::TwoRestarts => cell.proven(cell.starts(2, None)),
            Next::Backfill => cell.proven(cell.starts(1, Some(Job::Backfill(between("08:00", "11:30"))))),
            Next::Reload => cell.proven(cell.reload()),
            Next::Status => cell.command(&["status"]),
            Next::Check => cell.command(&["check"]),
            Next::Verify => cell.command(&["verify", &cell.folders.archive().display().to_string()]),
        }
    }
}
