//! What digests tell, added up, is what the state says, whenever segments are sealed.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};
use rusqlite::Connection;

use crate::{
    commit::seal::Sealer,
    evidence::{Ledger, SegmentDigest, Sha256Sum},
    instant::Instant,
    plan::Gap,
    state::{
        ArchiveId, Seal, SourceState,
        coverage_tests::{Step, UNITS, new_source, step, units},
        gaps, islands,
    },
};

/// Seals the open segment and opens the next one. The digest, as it is read from its file.
fn seal(connection: &mut Connection, sealer: &Sealer, state: &mut SourceState) -> SegmentDigest {
    let transaction = connection.transaction().unwrap();
    sealer.rotate(&transaction, state, Instant::from_millis(UNITS)).unwrap();
    state.save(&transaction).unwrap();
    transaction.commit().unwrap();
    let mut seals = Seal::load(connection, state.key).unwrap();
    let sealed = seals.pop().unwrap();
    assert_eq!(seals, []);
    let transaction = connection.transaction().unwrap();
    sealed.done(&transaction, state).unwrap();
    transaction.commit().unwrap();
    SegmentDigest::parse(&sealed.digest).unwrap()
}

fn named<'a>(gaps: impl IntoIterator<Item = &'a Gap>) -> BTreeSet<(i64, &'static str)> {
    gaps.into_iter().flat_map(|gap| units(gap.window).map(|unit| (unit, gap.reason.as_str()))).collect()
}

proptest! {
    #[test]
    fn the_ledger_of_all_digests_says_what_the_state_says(
        start in 0..UNITS,
        steps in vec((step(), any::<bool>()), 0..12),
    ) {
        let mut connection = Connection::open_in_memory().unwrap();
        let mut state = new_source(&mut connection, Instant::from_millis(start));
        state.open_next(Instant::from_millis(0));
        let archive = ArchiveId::parse("0123456789abcdef0123456789abcdef").unwrap();
        let sealer = Sealer::new(archive, None);
        let (mut ledger, mut previous) = (Ledger::default(), None);
        for (step, seals) in steps.into_iter().chain([(Step::Nothing, true)]) {
            let transaction = connection.transaction().unwrap();
            match &step {
                Step::Commit(change) => change.commit(&transaction, &mut state, |_| Ok(())).unwrap(),
                Step::Declare(gap) => {
                    state.declare(&transaction, gap).unwrap();
                    state.save(&transaction).unwrap();
                }
                Step::Nothing => {}
            }
            transaction.commit().unwrap();
            if !seals {
                continue;
            }
            let digest = seal(&mut connection, &sealer, &mut state);
            prop_assert_eq!(digest.previous, previous);
            previous = Some(Sha256Sum::of(&digest.to_bytes()));
            ledger.add(&digest).unwrap();

            let (start, end) = (state.start.unwrap(), state.end.unwrap());
            let told = ledger.watermarks().map(|covered| (covered.from, covered.to));
            if start < end {
                prop_assert_eq!(told, Some((start, end)), "after {:?}", step);
            }
            let stored = gaps(&connection, state.key).unwrap();
            let claimed = named(&stored).into_iter().filter(|(unit, _)| *unit < end.millis());
            prop_assert_eq!(named(&ledger.gaps()), claimed.collect::<BTreeSet<_>>(), "after {:?}", step);
            let islands = islands(&connection, state.key).unwrap();
            let told: BTreeSet<i64> = ledger.islands().into_iter().flat_map(units).collect();
            prop_assert_eq!(told, islands.into_iter().flat_map(units).collect::<BTreeSet<_>>());
        }
    }
}
