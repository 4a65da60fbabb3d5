//! `status` for people: a table that fits a terminal, and everything that is known of one source.

use atlas_logd::{
    sim::{Fault, Match},
    source::Kind,
};

use crate::harness::{HOUR, MINUTE, Stage, orders, prod};

#[test]
fn the_table_fits_a_terminal_and_cuts_no_name() {
    let stage = Stage::new();
    let long = stage.add_source(Kind::AccessHistory, &format!("production-{}0", "eu-central-1-".repeat(4)));
    (1..40).for_each(|number| stage.add_record(&orders(), number * 5 * MINUTE, "one"));
    stage.command(["collect"]).assert_done();
    let shown = stage.command(["status"]).assert_done().stdout;
    let lines: Vec<&str> = shown.lines().collect();
    let name = long.to_string();
    let position = lines.iter().position(|line| line.trim() == name).unwrap_or_else(|| panic!("{shown}"));
    let head: Vec<&str> = lines[0].split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(head, ["source", "covered (UTC)", "lag", "today", "records", "gaps", "last poll"]);
    let cells = |line: &str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let figures = cells(lines[position + 1]);
    assert_eq!((&*figures[2], &*figures[3], &*figures[4]), ("0", "0", "0"), "{shown}");
    let of_orders = lines.iter().find(|line| line.contains("payments/stream-audit/orders ")).unwrap();
    let figures = cells(of_orders);
    assert_eq!((&*figures[3], &*figures[4], &*figures[5]), ("39", "39", "0"), "{shown}");
    assert!(figures[1].contains(" – ") && figures[6].starts_with("ok "), "{shown}");
    assert!(lines.iter().all(|line| line.chars().count() <= 110), "{shown}");
}

#[test]
fn one_source_is_shown_with_everything_that_is_known_of_it() {
    let stage = Stage::new();
    stage.add_record(&prod(), HOUR, "one");
    stage.command(["collect"]).assert_done();
    let end = stage.status(&prod()).end();
    let (from, to) = (end.to_string(), (end + MINUTE).to_string());
    let source = prod().to_string();
    stage.command(["skip", &source, "--from", &from, "--to", &to, "--reason", "ticket 4711"]).assert_done();
    stage.command(["reconcile", &source]).assert_done();
    stage.world.fault(Match::source(&prod().id), Fault::json(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"));
    stage.command(["collect", &source]).assert_code(1);
    let json = stage.command(["status", "--json", &source]).assert_done().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let row = &json[0];
    let shown = stage.command(["status", &source]).assert_done().stdout;
    let line = |start: &str| {
        let found = shown.lines().map(str::trim).find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start:?} in:\n{shown}")).to_owned()
    };
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    assert_eq!(shown.lines().next(), Some(&*source));
    assert!(
        line("last poll ").contains("failing for ") && line("last poll ").contains("IP_ADDRESS_NOT_ON_ACCESS_LIST")
    );
    assert!(line("last success ").contains(&text("last_success")));
    assert!(line("next poll ").contains("by the schedule \"30 */5 * * * *\""));
    assert!(line("archived ").contains(&format!("from {} to {}, less 1 gap", text("start"), text("end"))));
    assert!(line("lag ").ends_with("(settle 15 min)"));
    assert!(line("records ").contains("1 record, ") && line("records ").ends_with("; 1 today"));
    assert!(line("folder ").ends_with(&text("folder")));
    assert!(line("open segment ").contains(row["open_segment"]["segment"].as_str().unwrap()));
    assert!(line("last digest ").ends_with("none"));
    assert!(line("reconciliation ").contains("1 record compared, 0 missing"));
    assert!(line("next reconciliation ").ends_with("by command only"));
    let gap = format!("{from}  {to}  {}", row["gaps"][0]["noticed"].as_str().unwrap());
    assert!(line(&gap).ends_with("declared by an operator (ticket 4711)"), "{}", line(&gap));
    let polls = row["recent_polls"].as_array().unwrap();
    assert!(polls.len() >= 2);
    for poll in polls {
        let shown = line(poll["at"].as_str().unwrap());
        let outcome = if poll["failure"].is_null() { " ok" } else { "403" };
        assert!(shown.contains(outcome), "{shown}");
    }
    assert_eq!((row["condition"].as_str(), row["settle_ms"].as_u64()), (Some("failing"), Some(900_000)));
    assert_eq!(row["records_today"].as_u64(), Some(1));
    assert!(row["next_poll"].is_string() && row["next_reconciliation"].is_null());
    // Two are a table again.
    let both = stage.command(["status", &source, &orders().to_string()]).assert_done().stdout;
    assert!(both.contains("covered (UTC)") && !both.contains("recent polls"), "{both}");
}
