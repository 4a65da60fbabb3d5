//! Where a source starts, and what is gone when it was not asked for in time.

use std::time::Duration;

use atlas_logd::sim::Profile;

use crate::harness::{DAY, Gap, HOUR, MINUTE, Stage, at, orders, prod};

const NOW: &str = "2026-11-20T12:00:00Z";

/// What Atlas surely still holds of an access history: 7 days less a margin of 10 minutes.
const HELD: Duration = Duration::from_secs(7 * 24 * 3600 - 600);

/// A stage with a few events an hour in the last 40 days and in the next ones.
fn stage(start: &str) -> Stage {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.start(start));
    let since = stage.ago(40 * DAY);
    stage.generate(&orders(), &Profile::plain(since, 0.02));
    stage.generate(&prod(), &Profile::plain(since, 0.02));
    stage
}

#[test]
fn each_way_to_give_a_start_is_where_the_source_starts_for_ever() {
    let now = at(NOW);
    for (given, audit, access) in [
        ("now", now, now),
        ("36h", now - 36 * HOUR, now - 36 * HOUR),
        ("2026-11-18T01:02:03+01:00", at("2026-11-18T00:02:03Z"), at("2026-11-18T00:02:03Z")),
        // As far back as Atlas holds, and a little less, so that nothing is gone while it is asked for.
        ("oldest", now - 30 * DAY + HOUR, now - HELD + MINUTE),
    ] {
        let stage = stage(given);
        stage.poll_once();
        for (source, start) in [(orders(), audit), (prod(), access)] {
            assert_eq!(stage.status(&source).start(), start, "{given}: {source}");
            assert_eq!(stage.gaps(&source), []);
            stage.assert_current(&source);
        }
        stage.configure(|config| config.start("20d"));
        stage.pass(HOUR);
        stage.poll_once();
        for (source, start) in [(orders(), audit), (prod(), access)] {
            assert_eq!(stage.status(&source).start(), start, "{given}: {source}, later");
            stage.assert_current(&source);
        }
    }
}

#[test]
fn a_start_that_atlas_no_longer_holds_leaves_a_gap_from_there_on() {
    let stage = stage("20d");
    stage.poll_once();
    let start = at(NOW) - 20 * DAY;
    assert_eq!(stage.gaps(&prod()), [Gap::new(start, at(NOW) - HELD, "retention")]);
    assert_eq!(stage.status(&prod()).start(), start);
    assert_eq!(stage.gaps(&orders()), []);
    stage.assert_current(&orders());
    stage.assert_current(&prod());
}

#[test]
fn nine_days_without_a_poll_leave_one_gap_of_what_is_gone_and_the_rest_is_collected() {
    let stage = stage("1h");
    stage.poll_once();
    let end = stage.status(&prod()).end();
    assert_eq!(end, at(NOW) - 15 * MINUTE);
    stage.pass(9 * DAY);
    stage.world.clear_requests();
    stage.poll_once();
    let gap = Gap::new(end, stage.now() - HELD, "retention");
    for _ in 0..3 {
        assert_eq!(stage.gaps(&prod()), std::slice::from_ref(&gap));
        assert_eq!(stage.status(&prod()).end(), stage.now() - 15 * MINUTE);
        assert_eq!(stage.gaps(&orders()), [], "an audit log is held for longer");
        for source in [orders(), prod()] {
            stage.assert_current(&source);
        }
        stage.pass(HOUR);
        stage.poll_once();
    }
    let asked = stage.requests_for(&prod());
    assert!(asked <= 14, "what is gone is not asked for day by day: {asked} requests");
    stage.pass(8 * DAY);
    let end = stage.status(&prod()).end();
    stage.poll_once();
    assert_eq!(stage.gaps(&prod()), [gap, Gap::new(end, stage.now() - HELD, "retention")]);
    stage.assert_current(&prod());
}

#[test]
fn six_days_without_a_poll_leave_no_gap() {
    let stage = stage("1h");
    stage.poll_once();
    stage.pass(6 * DAY + 23 * HOUR);
    stage.poll_once();
    for source in [orders(), prod()] {
        assert_eq!(stage.gaps(&source), []);
        stage.assert_current(&source);
    }
}
