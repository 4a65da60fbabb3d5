//! How a poll begins: its source is opened, and where it starts is fixed.

use std::sync::Arc;

use crate::{
    archive::LowDisk,
    atlas,
    collect::{PollError, archived, blocking::blocking, judgement::Purpose, poll::Poll},
    commit::CommitError,
    config::Start,
    instant::Instant,
    plan::{self, Planner},
    window::Window,
};

impl Poll<'_> {
    /// Opens the source, unless the poll before left it open; makes its fingerprints anew if they were lost.
    pub(super) async fn open(&mut self) -> Result<(), PollError> {
        let rotation = self.task.rotation;
        let now = self.desk.clock.now();
        let opened = self.lane.state.take().filter(|state| !state.fingerprints_lost);
        if let Some(state) = opened.as_ref()
            && state.open.as_ref().is_some_and(|open| !rotation.is_over(open, now))
        {
            self.lane.state = opened;
            return Ok(());
        }
        let committer = Arc::clone(&self.desk.committer);
        let (source, settle) = (self.task.source.clone(), self.task.settle);
        let state = blocking(move || {
            let mut state = match opened {
                Some(mut state) => {
                    committer.rotate_by_age(&mut state, rotation)?;
                    state
                }
                None => committer.open(&source, rotation)?,
            };
            if state.fingerprints_lost {
                archived::restore_fingerprints(&committer, &mut state, now, settle)?;
            }
            Ok(state)
        })
        .await?;
        self.lane.state = Some(state);
        Ok(())
    }

    /// No window is asked for that could fill the disk; the spool looks again while it grows.
    pub(super) async fn refuse_low_disk(&mut self) -> Result<(), PollError> {
        let Some(min_free) = self.task.min_free else { return Ok(()) };
        let committer = Arc::clone(&self.desk.committer);
        let free = blocking(move || {
            let archive = committer.archive();
            Ok(archive.files().free_bytes().map_err(CommitError::io("look at", archive.folder()))?)
        });
        let free = free.await?;
        let low = LowDisk { free, needed: 0, min_free };
        if free < min_free { Err(PollError::LowDisk(low)) } else { Ok(()) }
    }

    pub(super) fn forget_start(&mut self) {
        if let Some(state) = &mut self.lane.state {
            (state.start, state.end) = (None, None);
        }
    }

    /// Fixes where a source starts that is seen for the first time.
    pub(super) async fn resolve_start(&mut self) -> Result<(), PollError> {
        if self.state().start.is_some() {
            return Ok(());
        }
        let mut state = self.state().clone();
        self.fetch(
            &Planner::new(Window::new(Instant::MIN, Instant::MIN), Instant::MIN, None, Vec::new()),
            Purpose::Forward,
        )
        .prime()
        .await?;
        let now = self.now();
        let start = match self.task.start {
            Start::Now => now,
            Start::At(instant) => instant,
            Start::Ago(ago) => now - ago,
            Start::Oldest => {
                let clocks = plan::Clocks { local: self.desk.clock.now(), date: Some(now) };
                clocks.horizon(atlas::oldest(state.kind))
            }
        };
        let start = start.min(now);
        (state.start, state.end) = (Some(start), Some(start));
        let committer = Arc::clone(&self.desk.committer);
        let state = blocking(move || {
            committer.store().transaction(|transaction| state.save(transaction))?;
            Ok(state)
        })
        .await?;
        self.lane.state = Some(state);
        Ok(())
    }
}
