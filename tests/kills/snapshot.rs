//! What is there after a kill: into which moment of its work the program was killed.

use std::{collections::BTreeMap, fs, path::Path};

use atlas_logd::state::{Health, Intent, Placement, SourceState, StateError, Store, damaged_segments, gaps, health};

/// The moment that a kill fell into. If several sources were at work, the first one in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// There is an intent, and some or all of its bytes are in the segment.
    Appended,
    /// There is an intent, and nothing of it is in the segment.
    Intended,
    /// There is a spool, and no intent.
    Spooled,
    /// Nothing is under way, and records were archived since the last kill.
    Archived,
    /// The same, and windows were committed in which nothing was new.
    Quiet,
    /// Nothing was committed since the last kill.
    Nothing,
}

impl Moment {
    pub(crate) const ALL: [Self; 6] =
        [Self::Appended, Self::Intended, Self::Spooled, Self::Archived, Self::Quiet, Self::Nothing];

    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Appended => "within step 3 or before step 4: bytes in the segment, intent not applied",
            Self::Intended => "between steps 2 and 3: an intent, nothing of it in the segment",
            Self::Spooled => "within step 1 or before step 2: a spool, no intent",
            Self::Archived => "idle, asking or comparing, after records were archived since the last kill",
            Self::Quiet => "the same, after windows without new records",
            Self::Nothing => "the same, nothing committed since the last kill",
        }
    }
}

/// One source after a kill.
pub(crate) struct Standing {
    pub(crate) state: SourceState,
    pub(crate) intent: Option<Intent>,
    moment: Moment,
    polls: u64,
}

/// All sources after a kill, by folder.
#[derive(Default)]
pub(crate) struct Snapshot(pub(crate) BTreeMap<String, Standing>);

impl Snapshot {
    /// Looks at the state of a dead process, in a copy: not even reading must come before its next start.
    pub(crate) fn take(folder: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for name in ["state.db", "state.db-wal"] {
            match fs::copy(folder.join("state").join(name), copy.path().join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{name}: {error}"),
                _ => {}
            }
        }
        let store = match Store::open_read_only(copy.path()) {
            Ok(store) => store,
            // Killed before its first transaction.
            Err(StateError::NoDatabase(_) | StateError::Older { found: 0, .. }) => return Self::default(),
            Err(error) => panic!("{error}"),
        };
        let archive = folder.join("archive");
        let standings = store.read(|connection| {
            let mut standings = BTreeMap::new();
            for state in SourceState::load_all(connection)? {
                let state = state?;
                let damaged = damaged_segments(connection, state.key)?;
                assert_eq!(damaged, [], "{}: a kill damages nothing", state.folder);
                assert_eq!(gaps(connection, state.key)?, [], "{}: nothing was lost", state.folder);
                let intent = Intent::load(connection, &state)?;
                let polls = health(connection, state.key)?.map_or(0, |health: Health| health.polls);
                let moment = moment(&archive, &state, intent.as_ref());
                standings.insert(state.folder.clone(), Standing { state, intent, moment, polls });
            }
            Ok::<_, StateError>(standings)
        });
        Self(standings.unwrap())
    }

    /// The moment that the kill fell into, after which this was found; before it, `before` was.
    pub(crate) fn moment(&self, before: &Self) -> Moment {
        let moments = self.0.iter().map(|(folder, now)| {
            let before = before.0.get(folder);
            let grown = now.state.records > before.map_or(0, |before| before.state.records);
            let polled = now.polls > before.map_or(0, |before| before.polls);
            match now.moment {
                Moment::Nothing if grown => Moment::Archived,
                Moment::Nothing if polled => Moment::Quiet,
                moment => moment,
            }
        });
        moments.min().unwrap_or(Moment::Nothing)
    }

    /// Whether a commit that the kill before this one had interrupted was interrupted again.
    pub(crate) fn interrupted_again(&self, before: &Self) -> bool {
        self.0.iter().any(|(folder, now)| {
            let before = before.0.get(folder).and_then(|before| before.intent.as_ref());
            now.intent.is_some() && now.intent.as_ref() == before
        })
    }
}

fn moment(archive: &Path, state: &SourceState, intent: Option<&Intent>) -> Moment {
    let Some(intent) = intent else {
        let spooled = fs::read_dir(archive.join(".spool")).into_iter().flatten().flatten();
        let own = |name: String| name.split('.').next() == Some(state.key.to_string().as_str());
        let mut names = spooled.map(|entry| entry.file_name().to_string_lossy().into_owned());
        return if names.any(own) { Moment::Spooled } else { Moment::Nothing };
    };
    let length = fs::metadata(archive.join(&state.folder).join(intent.segment.as_str())).map(|found| found.len());
    let offset = match intent.placement {
        Placement::Append { offset } => offset,
        // The segment is not there before the rename.
        Placement::Adopt => 0,
    };
    if length.is_ok_and(|length| length > offset) { Moment::Appended } else { Moment::Intended }
}
