//! A source that fails: the others go on, and the log tells when it begins and when it is over.

use std::fs;

use atlas_logd::{
    sim::{Cluster, Event, Fault, Match, StreamInstance},
    source::Source,
};

use crate::harness::{EVERY_SECOND, HOUR, MINUTE, SECOND, Stage, orders, prod};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(EVERY_SECOND));
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "before"));
    stage
}

/// The lines about a source.
fn about(log: &[String], source: &Source) -> Vec<String> {
    log.iter().filter(|line| line.contains(&source.to_string())).cloned().collect()
}

#[test]
fn a_failing_source_holds_up_no_other_and_is_told_once() {
    let stage = stage();
    stage.world.change_projects(|projects| projects[0].stream_instances.clear());
    let mut daemon = stage.spawn_daemon();
    stage.wait_for_data_requests(&orders(), 4);
    stage.add(&prod(), Event::access(stage.ago(SECOND), "host-00", "meanwhile"));
    stage.wait_until_polled(&prod());
    assert_eq!(stage.lines(&prod()).len(), 1);
    let status = stage.status(&orders());
    assert!(status.failing_since.is_some(), "{status:?}");
    stage.world.change_projects(|projects| projects[0].stream_instances.push(StreamInstance::new("orders")));
    daemon.wait_for_line("collected again");
    // Each of these polls gets through one more second of the absence.
    stage.wait_until_polled(&orders());
    let log = daemon.stop();
    let told = about(&log, &orders());
    let [failed, gap, again] = &told[..] else { panic!("not three lines but {told:#?}") };
    assert!(failed.contains("ERROR") && failed.contains("404"), "{failed}");
    assert!(gap.contains("WARN") && gap.contains("reason=absent"), "{gap}");
    assert!(again.contains("INFO") && again.contains("failed_polls="), "{again}");
    assert_eq!(about(&log, &prod()), [""; 0]);
    stage.assert_current(&orders());
    stage.assert_current(&prod());
    assert_eq!(stage.status(&orders()).failing_since, None);
}

#[test]
fn what_atlas_says_in_other_words_each_time_is_told_once() {
    let stage = stage();
    stage.configure(|config| config.set_text("atlas", "retry_budget", "50ms"));
    let answers = |status: u16, trace: &str| Fault::Answer {
        status,
        headers: Vec::new(),
        body: format!("{{\"errorCode\":\"BUSY\",\"detail\":\"trace {trace}\"}}").into(),
    };
    let mut daemon = stage.spawn_daemon();
    stage.wait_until_polled(&orders());
    for status in [403, 502] {
        for trace in ["abc", "bcd", "cde", "def", "efg"] {
            stage.world.clear_faults();
            stage.world.fault(Match::source(&orders().id), answers(status, trace));
            stage.wait_until_polled(&orders());
        }
        daemon.wait_for_line(&status.to_string());
    }
    stage.world.clear_faults();
    daemon.wait_for_line("collected again");
    let log = daemon.stop();
    let told: Vec<String> = about(&log, &orders()).into_iter().filter(|line| line.contains("ERROR")).collect();
    assert!(matches!(&told[..], [refused, broken] if refused.contains("403") && broken.contains("502")), "{told:#?}");
}

#[test]
fn another_cause_is_told_too() {
    let stage = stage();
    stage.world.change_projects(|projects| projects[0].stream_instances.clear());
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("404");
    let forbidden = Fault::Answer { status: 403, headers: Vec::new(), body: "{}".into() };
    stage.world.fault(Match::source(&orders().id), forbidden);
    daemon.wait_for_line("403");
    let told = about(&daemon.stop(), &orders());
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[test]
fn upkeep_that_fails_is_told_once_and_so_is_that_it_works_again() {
    let stage = stage();
    stage.configure(|config| {
        config.only_audit();
        config.set_text("archive", "rotate_size", "1B");
    });
    for note in ["one", "two", "three", "four"] {
        stage.add_record(&orders(), MINUTE, note);
        stage.command(["collect"]).assert_done();
    }
    // What is compressed has no place to go to.
    let first = &stage.segments(&orders())[0].name;
    let in_the_way = stage.folder_of(&orders()).join(format!("{first}.zst"));
    fs::create_dir(&in_the_way).unwrap();
    stage.configure(|config| config.set_text("archive", "compress", "zstd"));
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("failed to compress or remove sealed segments");
    for _ in 0..3 {
        stage.wait_until_polled(&orders());
    }
    fs::remove_dir(&in_the_way).unwrap();
    daemon.wait_for_line("sealed segments are compressed and removed again");
    let told = about(&daemon.stop(), &orders());
    let [failed, again] = &told[..] else { panic!("not two lines but {told:#?}") };
    assert!(failed.contains("ERROR") && failed.contains(".ndjson.zst"), "{failed}");
    assert!(again.contains("INFO"), "{again}");
    stage.assert_current(&orders());
}

#[test]
fn what_fails_everywhere_is_not_told_for_every_source() {
    let stage = Stage::new();
    let names: Vec<String> = (0..25).map(|number| format!("cluster-{number}")).collect();
    stage.configure(|config| {
        config.schedule(EVERY_SECOND);
        config.set("atlas", "retry_budget", "\"1ms\"");
        config.projects[0].stream_instances.clear();
        config.projects[0].clusters.clone_from(&names);
    });
    stage.world.change_projects(|projects| {
        projects[0].clusters.extend(names.iter().map(|name| Cluster::new(name)));
    });
    stage.take_atlas_down();
    let mut daemon = stage.spawn_daemon();
    let more = daemon.wait_for_line("sources-failing");
    assert!(more.contains("more than 10 sources fail with the same"), "{more}");
    stage.bring_atlas_up();
    daemon.wait_for_line("sources-recovered");
    let log = daemon.stop();
    let with = |event: &str| log.iter().filter(|line| line.contains(&format!("event=\"{event}\""))).count();
    assert_eq!([with("source-failing"), with("source-recovered")], [10, 10], "{log:#?}");
    assert_eq!([with("sources-failing"), with("sources-recovered")], [1, 1], "{log:#?}");
}
