//! `/`: the page shows what `status` says.

use atlas_logd::{
    plan::{Gap, GapReason},
    source::Kind,
    state::{CoverageChange, SourceState, StateError, Store},
    window::Window,
};
use sha2::{Digest as _, Sha256};

use crate::harness::{
    DAY, EVERY_SECOND, HOUR, MINUTE, ONCE_A_YEAR, SECOND, Stage, WebPage, at, get, orders, prod, text,
};

#[test]
fn the_page_of_a_daemon_shows_the_ranges_and_figures_of_the_status() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(EVERY_SECOND);
        config.set_text("http", "listen", "127.0.0.1:0");
    });
    stage.add_record(&orders(), HOUR, "one");
    stage.command(["collect"]).assert_done();
    let end = stage.status(&prod()).end();
    let (from, to) = (end.to_string(), (end + MINUTE).to_string());
    let reason = "ticket 4711";
    let prod = prod().to_string();
    stage.command(["skip", &prod, "--from", &from, "--to", &to, "--reason", reason]).assert_done();
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    stage.wait_until_polled(&orders());
    let answer = get(address, "/");
    let page = WebPage::read(&answer);

    // The one that something is missing of comes first.
    assert_eq!(page.names(), [prod.clone(), orders().to_string()]);
    let status: serde_json::Value =
        serde_json::from_str(&stage.command(["status", "--json"]).assert_done().stdout).unwrap();
    let of_prod = status.as_array().unwrap().iter().find(|row| row["source"] == prod.as_str()).unwrap();
    let gap = &of_prod["gaps"][0];
    assert_eq!((gap["from"].as_str(), gap["to"].as_str()), (Some(&*from), Some(&*to)));
    let listed: Vec<String> = page.all("li", "").into_iter().map(text).filter(|item| item.contains(reason)).collect();
    let [listed] = &listed[..] else { panic!("{listed:?}") };
    assert!(
        listed.contains(&format!(" {from} – {to} (1 min): declared by an operator (ticket 4711); noticed ")),
        "{listed}"
    );
    for period in ["day", "month", "year"] {
        let [mark] = &page.marks(&prod, period, "missing")[..] else { panic!("not one gap in the {period}") };
        assert!(mark.ends_with(" (1 min): declared by an operator (ticket 4711)"), "{mark}");
        let [archived] = &page.marks(&prod, period, "archived")[..] else { panic!("not one range in the {period}") };
        assert_eq!(*archived, format!("archived: {}", page.cells(&prod)[1]));
        assert_eq!(page.marks(&orders().to_string(), period, "missing"), [""; 0]);
    }
    let provisional = page.marks(&orders().to_string(), "day", "provisional");
    assert!(provisional[0].starts_with("provisional: archived, and asked again"), "{provisional:?}");
    let minute = |text: &serde_json::Value| text.as_str().unwrap()[..16].replace('T', " ");
    let covered = &page.cells(&prod)[1];
    assert!(covered.starts_with(&format!("{} – ", minute(&of_prod["start"]))), "{covered}");
    let cells = page.cells(&orders().to_string());
    assert_eq!((&*cells[3], &*cells[4], &*cells[5]), ("1", "1", "0"), "{cells:?}");
    daemon.stop();
}

#[test]
fn a_browser_runs_no_script_and_loads_nothing_but_the_page() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    let served = stage.serve();
    let answer = get(served.address, "/");
    let page = WebPage::read(&answer);
    let style = text(page.all("style", "")[0]);
    let hash = base64(&Sha256::digest(&style));
    assert_eq!(
        answer.header("content-security-policy").unwrap(),
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    for tag in ["script", "img", "iframe", "link", "object"] {
        assert!(page.all(tag, "").is_empty(), "{tag}");
    }
    assert!(!answer.body.contains("style=") && !answer.body.contains("http://") && !answer.body.contains("https://"));
    assert!(page.all("meta", "").iter().all(|meta| meta.attribute("http-equiv").is_none()));
    let again = get(served.address, "/?refresh=1");
    let again = WebPage::read(&again);
    assert!(again.all("meta", "").iter().any(|meta| meta.attribute("http-equiv") == Some("refresh")));
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding as _};
    Base64::encode_string(bytes)
}

#[test]
fn many_gaps_are_few_marks_and_none_is_hidden() {
    let stage = Stage::at("2026-11-22T10:15:00Z");
    stage.configure(|config| {
        config.only_audit();
        config.start("20d");
    });
    stage.desk().poll_all();
    let start = stage.status(&orders()).start();
    // Half of each minute of a day, and one far from them.
    let gap = |minute: u32| {
        let from = start + DAY + MINUTE * minute;
        let window = Window::new(from, from + SECOND * 30);
        Gap { window, reason: GapReason::Retention, detail: format!("number {minute}"), noticed: stage.now() }
    };
    let gaps = (0..1440).chain([15 * 1440]).map(gap).collect();
    let change = CoverageChange { covered: Window::new(start, start + DAY * 17), gaps, reconciled: None };
    let store = Store::open(&stage.state()).unwrap();
    let made = store.transaction(|transaction| {
        let mut source = SourceState::load(transaction, &orders().id)?.unwrap();
        change.commit(transaction, &mut source, |_| Ok(()))
    });
    made.unwrap();
    drop(store);
    let served = stage.serve();
    let answer = get(served.address, "/");
    let page = WebPage::read(&answer);
    let name = orders().to_string();
    for period in ["month", "year"] {
        let marks = page.marks(&name, period, "missing");
        assert_eq!(marks.len(), 2, "{period}: {marks:?}");
        assert!(marks[0].contains("number 0") && marks[0].ends_with("and 1,435 more"), "{}", marks[0]);
        assert!(marks[1].contains("number 21600"), "{}", marks[1]);
    }
    assert_eq!(page.marks(&name, "day", "missing"), [""; 0]);
    let listed = page.all("ol", "")[0].children().filter(|node| node.has_tag_name("li")).count();
    assert_eq!(listed, 20, "the newest are listed");
    assert!(answer.body.contains("and 1421 older"));
    assert_eq!(page.cells(&name)[5], "1,441");
}

#[test]
fn many_sources_are_some_on_a_page_and_all_can_be_found() {
    let stage = Stage::at("2026-11-22T10:15:00Z");
    stage.desk().poll_all();
    for number in 0..230 {
        stage.add_to_configuration(Kind::AccessHistory, &format!("cluster-{number:03}"));
    }
    let served = stage.serve();
    let (mut path, mut names) = ("/".to_owned(), Vec::new());
    loop {
        let answer = get(served.address, &path);
        let page = WebPage::read(&answer);
        assert!(page.names().len() <= 100);
        names.extend(page.names());
        match page.link("next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(names.len(), 232);
    // Never polled is worse than well.
    assert_eq!(names[0], "payments/access-history/cluster-000");
    assert_eq!(names[231], orders().to_string());
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 232);
    let answer = get(served.address, "/?q=CLUSTER-22%20payments");
    let page = WebPage::read(&answer);
    assert_eq!(page.names().len(), 10);
    assert!(page.names().iter().all(|name| name.starts_with("payments/access-history/cluster-22")));
    let answer = get(served.address, "/?from=100000");
    assert_eq!(WebPage::read(&answer).names(), [""; 0]);
    let answer = get(served.address, "/?q=nothing+like+this");
    assert!(answer.body.contains("There is no such source."));
}

#[test]
fn a_source_whose_state_is_damaged_comes_first_and_the_others_are_shown() {
    let stage = Stage::at("2026-11-22T10:15:00Z");
    stage.desk().poll_all();
    let connection = rusqlite::Connection::open(stage.state().join("state.db")).unwrap();
    connection.execute("UPDATE source SET records = records + 1 WHERE name = 'orders'", []).unwrap();
    drop(connection);
    let served = stage.serve();
    let answer = get(served.address, "/");
    let page = WebPage::read(&answer);
    assert_eq!(page.names(), [orders().to_string(), prod().to_string()]);
    assert!(answer.body.contains("its checksum does not fit"));
    assert_eq!(page.cells(&orders().to_string())[6], "state damaged");
    assert_eq!(page.marks(&prod().to_string(), "day", "archived").len(), 1);
    assert!(stage.now() == at("2026-11-22T10:15:00Z"));
}

#[test]
fn that_the_state_cannot_be_read_is_told_once_and_without_a_path_to_those_who_ask() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.set_text("http", "listen", "127.0.0.1:0");
    });
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    let (database, aside) = (stage.state().join("state.db"), stage.state().join("aside"));
    for _ in 0..2 {
        std::fs::rename(&database, &aside).unwrap();
        for _ in 0..3 {
            let answer = get(address, "/");
            let said = "the state cannot be read; the log of atlas-logd says why\n";
            assert_eq!((answer.status(), &*answer.body), (500, said));
        }
        std::fs::rename(&aside, &database).unwrap();
        WebPage::read(&get(address, "/"));
    }
    let log = daemon.stop();
    let lines = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        (lines("the page cannot be shown: "), lines("the page can be shown again")),
        (2, 2),
        "{}",
        log.join("\n")
    );
}

#[test]
fn ten_thousand_sources_are_shown_within_a_moment() {
    let stage = Stage::at("2026-11-22T10:15:00Z");
    stage.configure(|config| {
        config.projects[0].clusters = (0..10_000).map(|number| format!("cluster-{number}")).collect();
    });
    let config = atlas_logd::config::load(&stage.config_path()).unwrap();
    let store = Store::open(&stage.state()).unwrap();
    let made = store.transaction(|transaction| {
        for source in config.sources() {
            let mut state = SourceState::create(transaction, &source, source.to_string())?;
            (state.start, state.end) = (Some(stage.ago(DAY * 300)), Some(stage.ago(MINUTE * 16)));
            state.save(transaction)?;
        }
        Ok::<_, StateError>(())
    });
    made.unwrap();
    drop(store);
    let served = stage.serve();
    let begun = std::time::Instant::now();
    let answer = get(served.address, "/");
    let took = begun.elapsed();
    assert_eq!(WebPage::read(&answer).names().len(), 100);
    assert!(answer.body.contains("1–100 of 10,001"));
    assert!(took < SECOND * 20, "{took:?}");
}
