//! Entries of access histories come in many forms; the archive holds their bytes, oldest first.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Event, Fault, Match},
};

use crate::harness::{HOUR, MINUTE, SECOND, Stage, prod};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.only_access());
    stage
}

/// Entries in every form that was recorded or documented, oldest first, and how each is archived.
fn forms(stage: &Stage) -> Vec<(Event, String)> {
    let begin = stage.ago(HOUR);
    let whole = begin - Duration::from_millis(u64::try_from(begin.millis() % 1000).unwrap());
    let mut forms: Vec<(Event, String)> = Vec::new();
    let mut add = |entry: &dyn Fn(Instant) -> String, archived: &dyn Fn(&str) -> String| {
        let time = whole + u32::try_from(forms.len()).unwrap() * SECOND;
        let entry = entry(time);
        forms.push((Event::new(time, entry.clone()), archived(&entry)));
    };
    let same = |entry: &str| entry.to_owned();
    let recorded = |time: Instant| time.timestamp().strftime("%a %b %d %H:%M:%S GMT %Y").to_string();
    add(&|time| String::from_utf8(Event::access(time, "host-00", "recorded").bytes.to_vec()).unwrap(), &same);
    add(
        &|time| {
            format!(
                r#"{{"authResult":true,"hostname":"h","logLine":"{{\"t\":{{\"$date\":\"{time}\"}}}}","timestamp":"{time}"}}"#
            )
        },
        &same,
    );
    add(
        &|time| {
            format!(
                r#"{{"hostname":"h","logLine":"{time} I  ACCESS   [conn7] plain text of an old server","timestamp":"{}"}}"#,
                recorded(time)
            )
        },
        &same,
    );
    add(&|time| format!(r#"{{"authResult":"false","timestamp":"{}"}}"#, recorded(time)), &same);
    add(&|_| r#"{"hostname":"no time at all"}"#.to_owned(), &same);
    add(&|_| "{}".to_owned(), &same);
    add(
        &|_| r#"{"authResult":null,"failureReason":null,"hostname":null,"logLine":null,"timestamp":null}"#.to_owned(),
        &same,
    );
    add(
        &|time| {
            format!(
                r#"{{"timestamp":"{time}","unknown":{{"nested":[1,2.50,-0e5,{{"}}":"]"}}]}},"username":"m\u00fcller 🦀 \" \\ \n"}}"#
            )
        },
        &same,
    );
    add(
        &|time| {
            format!(
                "{{\n  \"authResult\" : true,\n\n  \"hostname\" : \"h\\nh\",\r\n\t\"timestamp\" : \"{}\"\n}}",
                recorded(time)
            )
        },
        &|entry| entry.replace('\n', " "),
    );
    add(&|time| format!(r#"{{"timestamp":"{time}","failureReason":"{}"}}"#, "x".repeat(1024 * 1024)), &same);
    forms
}

#[test]
fn entries_of_every_form_are_archived_as_they_came_oldest_first() {
    let stage = stage();
    let forms = forms(&stage);
    // In the order of a server that learns of them in any order.
    forms.iter().rev().for_each(|(event, _)| stage.add(&prod(), event.clone()));
    stage.command(["collect"]).assert_done();
    let archived: Vec<String> = forms.into_iter().map(|(_, archived)| archived).collect();
    assert_eq!(stage.text_lines(&prod()), archived);
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.text_lines(&prod()), archived);
    stage.assert_current(&prod());
}

#[test]
fn identical_entries_stay_as_many_as_there_are() {
    let stage = stage();
    let time = stage.ago(MINUTE);
    for _ in 0..3 {
        stage.add(&prod(), Event::access(time, "host-00", "three times"));
        stage.add(&prod(), Event::new(time + SECOND, r#"{"hostname":"no time at all"}"#));
    }
    for _ in 0..3 {
        stage.command(["collect"]).assert_done();
        assert_eq!(stage.lines(&prod()).len(), 6);
    }
    stage.assert_current(&prod());
}

#[test]
fn members_beside_the_entries_are_passed_over() {
    let stage = stage();
    let body = r#" { "links":[{"accessLogs":[{"not":"an entry"}]}], "totalCount":2 ,
        "accessLogs" : [ {"timestamp":"2026-01-01T00:00:02Z"} ,
        {"timestamp":"2026-01-01T00:00:01Z"}  ], "more":"\"accessLogs\":[{}]" }
        "#;
    stage.world.fault(Match::source(&prod().id), Fault::Body(body.into()));
    stage.command(["collect"]).assert_done();
    let entries = [r#"{"timestamp":"2026-01-01T00:00:01Z"}"#, r#"{"timestamp":"2026-01-01T00:00:02Z"}"#];
    assert_eq!(stage.text_lines(&prod()), entries);
}
