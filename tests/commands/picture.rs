//! The page that `docs/page.png` shows: a year of a simulated Atlas, with all that can happen to an archive.
//!
//! `tests/page/run` makes it and takes the picture.

use std::{fs, path::PathBuf, time::Duration};

use atlas_logd::{
    plan::{Gap, GapReason},
    sim::{Fault, Match, Profile},
    source::{Kind, Source},
    state::{CoverageChange, SourceState, Store},
    window::Window,
};

use crate::harness::{DAY, HOUR, MINUTE, ProjectTable, SECOND, Stage, at, get, orders, prod, shops, warehouse};

/// When the picture is taken.
const NOW: &str = "2026-11-22T10:15:03Z";

/// As long as a poll may wait: Atlas holds seven days of access history.
const STEP: Duration = Duration::from_secs(6 * 24 * 3600);

#[test]
#[ignore = "it takes a year of polls; tests/page/run makes it"]
fn the_page_of_a_year() {
    let now = at(NOW);
    let ago = |time: Duration| now - time;
    let stage = Stage::at("2025-11-20T06:00:00Z");
    stage.world.set(|settings| settings.bucket.capacity = 1_000_000);
    stage.configure(|config| {
        config.start("now");
        config.projects.push(ProjectTable::analytics());
    });
    let reports = stage.add_source(Kind::StreamAudit, "reports-to-the-regulator-eu-central-1");
    let billing = stage.add_source(Kind::AccessHistory, "billing-production-frankfurt-0");
    let ledger = stage.add_source(Kind::AccessHistory, "ledger");
    let late = stage.add_source_of_analytics(Kind::AccessHistory, "prod-1");
    let new = stage.add_source_of_analytics(Kind::StreamAudit, "clickstream");
    let sources =
        [orders(), prod(), shops(), warehouse(), reports.clone(), billing.clone(), ledger.clone(), late.clone()];
    for source in sources.iter().chain([&new]) {
        let since = ago(DAY * 400);
        let profile = match source.id.kind {
            Kind::StreamAudit => Profile::audit(since, 0.02),
            Kind::AccessHistory => Profile::access(since, 0.02),
        };
        stage.generate(source, &profile);
    }
    let poll = |away: &dyn Fn(&Source) -> bool| {
        let desk = stage.desk();
        for source in desk.sources() {
            if !away(&source) && source != new {
                desk.try_poll(&source);
            }
        }
    };
    loop {
        let time = stage.now();
        let between = |from: u32, to: u32| time > ago(DAY * from) && time < ago(DAY * to);
        // Some are new; of two, nobody polled for longer than Atlas holds access history.
        let new =
            [(shops(), 200), (warehouse(), 150), (reports.clone(), 100), (late.clone(), 90), (ledger.clone(), 45)];
        poll(&|source| {
            new.iter().any(|(new, days)| source == new && time < ago(DAY * *days))
                || *source == billing && between(190, 160)
                || *source == late && between(75, 60)
        });
        let next = (time + STEP).min(ago(2 * DAY));
        if next == time {
            break;
        }
        stage.set_time(next);
    }
    // Two hours that could not be had, and whose reason an auditor will read.
    stage.set_time(ago(30 * HOUR));
    poll(&|_| false);
    let end = stage.status(&prod()).end();
    let (from, to) = (end.to_string(), (end + 2 * HOUR).to_string());
    let skip = ["skip", "payments/access-history/prod-0", "--from", &from, "--to", &to];
    let reason = "the cluster was restored from a backup, ticket 4711";
    stage.command(skip.into_iter().chain(["--reason", reason])).assert_done();
    // A page was full within a millisecond, in the middle of a busy day.
    possibly_incomplete(&stage, &warehouse(), Window::new(ago(40 * DAY), ago(40 * DAY) + 5 * HOUR));
    // One is backfilled before it was ever collected.
    stage.desk().poll(&new);
    stage.desk().backfill(&new, Window::new(ago(25 * DAY), ago(19 * DAY)));
    // One segment is cut short, and what it held cannot be asked for again at the moment.
    stage.set_time(ago(9 * HOUR));
    poll(&|_| false);
    for source in [&reports, &late] {
        let path = stage.folder_of(source).join(&stage.segments(source).last().unwrap().name);
        if *source == reports {
            stage.damaged(|| fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap());
        }
        stage.world.fault(Match::source(&source.id), Fault::json(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"));
    }
    for hours in (0..9).rev() {
        stage.set_time(ago(HOUR * hours) - if hours == 0 { 2 * MINUTE + 41 * SECOND } else { Duration::ZERO });
        poll(&|source| *source == ledger && hours < 6);
    }
    stage.set_time(now);
    let served = stage.serve();
    let folder = std::env::var_os("ATLAS_LOGD_PAGE").map_or_else(|| stage.folder().to_owned(), PathBuf::from);
    fs::write(folder.join("page.html"), get(served.address, "/").body).unwrap();
}

/// Leaves the gap that pages leave which cannot be split further.
fn possibly_incomplete(stage: &Stage, source: &Source, window: Window) {
    let gap = Gap { window, reason: GapReason::RowLimit, detail: String::new(), noticed: window.to };
    let change = CoverageChange { covered: window, gaps: vec![gap], reconciled: None };
    let store = Store::open(&stage.state()).unwrap();
    let committed = store.transaction(|transaction| {
        let mut state = SourceState::load(transaction, &source.id)?.unwrap();
        change.commit(transaction, &mut state, |_| Ok(()))
    });
    committed.unwrap();
}
