//! A scrape of many sources is quick.

use std::time::{Duration, Instant as Moment};

use atlas_logd::{
    archive::folder,
    instant::Instant,
    plan::{Gap, GapReason},
    sim::World,
    source::{Kind, Source},
    state::{PollFailure, PollFigures, PollRecord, Reconciled, SourceState, Store, record_poll, record_reconciliation},
    window::Window,
};
use rusqlite::Transaction;

use super::{samples, scrape, stage};
use crate::harness::{HOUR, ONCE_A_YEAR, PAYMENTS};

/// So many, unless `ATLAS_LOGD_SOURCES` says another number, to measure.
const SOURCES: usize = 1000;

/// A source that has been collected for long, with all that can be said of it.
fn make(transaction: &Transaction<'_>, name: &str, now: Instant) {
    let id = World::source(PAYMENTS, Kind::AccessHistory, name);
    let source = Source { id, project_name: "payments".to_owned() };
    let folder = folder(&source, |_| Ok::<_, atlas_logd::state::StateError>(false)).unwrap();
    let mut state = SourceState::create(transaction, &source, folder).unwrap();
    state.start = Some(now - 100 * HOUR);
    state.end = Some(now - HOUR);
    (state.records, state.bytes) = (1_000_000, 1_000_000_000);
    state.open_next(now - HOUR);
    let window = Window::new(now - 50 * HOUR, now - 49 * HOUR);
    let gap = Gap { window, reason: GapReason::RowLimit, detail: String::new(), noticed: now - 49 * HOUR };
    state.declare(transaction, &gap).unwrap();
    state.save(transaction).unwrap();
    let figures = PollFigures {
        at: now,
        duration: Duration::from_millis(300),
        windows: 1,
        requests: 1,
        records: 10,
        bytes: 10_000,
    };
    let failure = Some(PollFailure { message: "no answer ".repeat(30), of_the_answer: false });
    record_poll(transaction, state.key, &PollRecord { figures, failure }).unwrap();
    let reconciled = Reconciled { begun: now, succeeded: Some(now), compared: 10, missing: 0, message: String::new() };
    record_reconciliation(transaction, state.key, &reconciled).unwrap();
}

#[test]
#[expect(clippy::print_stderr, reason = "a figure, for whoever asks for it")]
fn a_scrape_of_many_sources_is_quick() {
    let count = std::env::var("ATLAS_LOGD_SOURCES").map_or(SOURCES, |count| count.parse().unwrap());
    let stage = stage();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    stage.command(["collect"]).assert_done();
    let names: Vec<String> = (0..count).map(|number| format!("cluster-{number:05}")).collect();
    let now = stage.now();
    let store = Store::open(&stage.state()).unwrap();
    store
        .transaction(|transaction| {
            names.iter().for_each(|name| make(transaction, name, now));
            Ok::<_, atlas_logd::state::StateError>(())
        })
        .unwrap();
    drop(store);
    stage.configure(|config| config.projects[0].clusters = names.clone());
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    let begun = Moment::now();
    let text = scrape(address);
    let took = begun.elapsed();
    eprintln!("{count} sources: {took:?}, {} KiB, {} lines", text.len() / 1024, text.lines().count());
    for name in ["watermark_timestamp_seconds", "gap_seconds", "failing_seconds", "reconciliation_failing"] {
        assert_eq!(samples(&text, name).iter().filter(|line| line.contains("/cluster-")).count(), count, "{name}");
    }
    // Without optimising, and with other tests beside it: a hundredth of that is usual.
    let per_source = Duration::from_millis(10);
    assert!(took < per_source * u32::try_from(count).unwrap(), "{took:?}");
    daemon.kill();
}
