//! Names, and what Atlas answers, are text on the page: they end no element and no attribute, and steer no reader.

use atlas_logd::sim::{Fault, Match};

use crate::harness::{Answer, HOUR, MINUTE, Stage, WebPage, get, orders, prod, text};

const HOSTILE: &str = "</title></style></svg><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;&#60;";
const STEERING: &str = "\u{1b}[2J\u{9b}\u{202e}gpj\u{2066}\u{7}\u{200f}";

/// Nothing of it is an element, and nothing steers.
#[track_caller]
fn assert_harmless(answer: &Answer) -> WebPage<'_> {
    let page = WebPage::read(answer);
    for tag in ["script", "img"] {
        assert!(page.all(tag, "").is_empty(), "{tag}");
    }
    for element in page.all("", "") {
        assert!(element.attributes().all(|attribute| !attribute.name().starts_with("on")));
    }
    let steers =
        |character: char| character != '\n' && character.is_control() || "\u{202e}\u{2066}\u{200f}".contains(character);
    assert!(!answer.body.contains(steers));
    page
}

#[test]
fn names_of_projects_and_clusters_are_text() {
    let stage = Stage::new();
    let hostile = "\"'><script>alert(1)<b>&amp;";
    stage.configure(|config| {
        config.projects[0].name = hostile.to_owned();
        config.projects[0].clusters.clear();
        config.projects[0].stream_instances = vec![hostile.to_owned()];
    });
    // Atlas does not know them, and says so in its own words.
    stage.command(["collect"]).assert_code(1);
    let served = stage.serve();
    let answer = get(served.address, "/");
    let page = assert_harmless(&answer);
    let name = format!("{hostile}/stream-audit/{hostile}");
    assert!(page.names().contains(&name), "{:?}", page.names());
    assert_eq!(page.cells(&name).len(), 7);
    let titles: Vec<String> = page.all("title", "").into_iter().map(text).collect();
    assert!(titles.iter().any(|title| title.starts_with(&format!("{name}, last 24 hours: "))), "{titles:?}");
}

#[test]
fn reasons_and_messages_are_text() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    let end = stage.status(&prod()).end();
    let (from, to) = (end.to_string(), (end + MINUTE).to_string());
    let reason = format!("{HOSTILE}{STEERING}");
    let source = prod().to_string();
    stage.command(["skip", &source, "--from", &from, "--to", &to, "--reason", &reason]).assert_done();
    let body = serde_json::json!({ "detail": reason, "error": 403, "errorCode": HOSTILE, "reason": STEERING });
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let fault = Fault::Answer { status: 403, headers, body: body.to_string().into() };
    stage.world.fault(Match::source(&orders().id), fault);
    stage.add_record(&orders(), HOUR, "one");
    stage.command(["collect"]).assert_code(1);
    let served = stage.serve();
    let answer = get(served.address, "/");
    let page = assert_harmless(&answer);
    let seen = format!("{HOSTILE}\\u{{1b}}[2J\\u{{9b}}\\u{{202e}}gpj\\u{{2066}}\\u{{7}}\\u{{200f}}");
    let mark = &page.marks(&source, "day", "missing")[0];
    assert!(mark.contains(&seen), "{mark}");
    let listed: Vec<String> = page.all("li", "").into_iter().map(text).collect();
    assert!(listed.iter().any(|item| item.contains(&seen) && item.contains("declared by an operator")), "{listed:?}");
    assert!(
        listed
            .iter()
            .any(|item| item.starts_with("failing: payments/stream-audit/orders: ") && item.contains("<script>")),
        "{listed:?}"
    );
}

#[test]
fn what_is_looked_for_is_text() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    let served = stage.serve();
    let asked: String = format!("{HOSTILE}x").bytes().map(|byte| format!("%{byte:02x}")).collect();
    let answer = get(served.address, &format!("/?q={asked}&refresh={asked}"));
    let page = assert_harmless(&answer);
    let field = page.all("input", "").into_iter().find(|field| field.attribute("name") == Some("q")).unwrap();
    assert_eq!(field.attribute("value"), Some(&*format!("{HOSTILE}x")));
    // What steers is not in any name: it is not shown again.
    let asked: String = STEERING.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_harmless(&get(served.address, &format!("/?q={asked}")));
}
