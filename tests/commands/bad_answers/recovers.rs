//! What passes by itself is asked again within the same poll.

use std::time::Duration;

use atlas_logd::{
    sim::{Fault, Match},
    source::{Kind, Source},
};

use crate::harness::{HOUR, MINUTE, Stage, prod};

fn passing() -> Vec<(&'static str, Fault)> {
    vec![
        ("cut", Fault::Cut(20)),
        ("cut-at-once", Fault::Cut(0)),
        ("reset", Fault::Reset),
        ("reset-after", Fault::ResetAfter(20)),
        ("long-length", Fault::Length(100_000)),
        ("silent", Fault::Stall(20)),
        ("never-answered", Fault::Hang),
        ("trickling", Fault::Trickle { after: 20, every: Duration::from_secs(1) }),
        ("html-502", Fault::html(502)),
        ("json-500", Fault::json(500, "UNEXPECTED_ERROR")),
        ("json-503", Fault::json(503, "SERVICE_UNAVAILABLE")),
        ("html-408", Fault::html(408)),
    ]
}

#[test]
fn a_page_whose_compression_is_mishandled_on_the_way_is_asked_for_as_it_is() {
    let encoding = |value: Option<&str>| Fault::Header("Content-Encoding".into(), value.map(str::to_owned));
    // Still compressed, and not said to be; said to be, and not compressed.
    for (compresses, fault) in [(true, encoding(None)), (false, encoding(Some("gzip")))] {
        let stage = Stage::new();
        stage.world.set(|settings| settings.compresses = compresses);
        stage.add_record(&prod(), HOUR, "one");
        let when = Match::source(&prod().id);
        stage.world.fault(if compresses { when } else { when.times(1) }, fault);
        let outcome = stage.command(["collect"]).assert_done();
        assert_eq!(stage.requests_for(&prod()), 2, "{}", outcome.stderr);
        stage.assert_current(&prod());
        assert_eq!(stage.lines(&prod()).len(), 1);
    }
}

#[test]
fn what_passes_by_itself_is_tried_again_and_costs_one_more_request() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.set_text("atlas", "stall_timeout", "5s");
        config.set_text("atlas", "connect_timeout", "5s");
    });
    let mut sources: Vec<Source> = Vec::new();
    for kind in [Kind::StreamAudit, Kind::AccessHistory] {
        for (name, fault) in passing() {
            let source = stage.add_source(kind, name);
            (0..5).for_each(|number| stage.add_record(&source, HOUR + number * MINUTE, &format!("record {number}")));
            stage.world.fault(Match::source(&source.id).times(1), fault);
            sources.push(source);
        }
    }
    let outcome = stage.command(["collect"]).assert_done();
    for source in &sources {
        assert_eq!(stage.requests_for(source), 2, "{source}");
        let told = outcome.stderr.lines().filter(|line| line.starts_with(&format!("{source}: trying again in ")));
        assert_eq!(told.count(), 1, "{source}:\n{}", outcome.stderr);
        assert_eq!(stage.lines(source).len(), 5);
        assert!(stage.gaps(source).is_empty());
        assert_eq!(stage.status(source).failing_since, None);
        stage.assert_current(source);
    }
}
