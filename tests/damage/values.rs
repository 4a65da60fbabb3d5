//! One value of the state is another one, in every column of every table; or a row is gone. The pages are whole, so that
//! SQLite finds nothing wrong with them.

use atlas_logd::{
    evidence::{Range, Removed, Sha256Sum},
    source::Kind,
    state::{
        FailingList, FoundProject, FoundSource, Head, Seal, SourceState, Store, ToldRows, Untold, decide_removal,
        replace_failing_lists, replace_found, write_probe,
    },
};
use rusqlite::{Connection, params_from_iter, types::Value};

use crate::{
    bits::{Outcome, all_flips, eventful, outcome},
    scene::{Folders, Scene, source_id},
};

/// Tables that nothing is decided by: how polls and reconciliations went, for people; what lists of Atlas have shown; and what
/// is only written.
const FOR_PEOPLE: [&str; 7] =
    ["health", "poll", "reconciliation", "found_project", "found_source", "failing_list", "probe"];

/// What is done to a row.
#[derive(Clone, Debug)]
enum Damage {
    /// A bit of a column is flipped.
    Flipped { column: String, to: Value },
    /// The row is gone.
    Gone,
    /// The same row is there for another source too.
    Moved,
}

struct Row {
    table: String,
    columns: Vec<String>,
    values: Vec<Value>,
}

impl Row {
    fn condition(&self) -> String {
        let all = self.columns.iter().enumerate().map(|(index, column)| format!("{column} IS ?{}", index + 1));
        all.collect::<Vec<_>>().join(" AND ")
    }

    /// Whether the damage could be done: some is refused by a key.
    fn damage(&self, connection: &Connection, damage: &Damage) -> bool {
        let (table, condition) = (&self.table, self.condition());
        let (sql, more) = match damage {
            Damage::Flipped { column, to } => {
                let next = self.columns.len() + 1;
                (format!("UPDATE OR IGNORE {table} SET {column} = ?{next} WHERE {condition}"), Some(to.clone()))
            }
            Damage::Gone => (format!("DELETE FROM {table} WHERE {condition}"), None),
            Damage::Moved => (format!("UPDATE OR IGNORE {table} SET source = 3 - source WHERE {condition}"), None),
        };
        connection.execute(&sql, params_from_iter(self.values.iter().cloned().chain(more))).unwrap() == 1
    }

    fn damages(&self) -> Vec<Damage> {
        let flipped = self
            .columns
            .iter()
            .zip(&self.values)
            .filter_map(|(column, value)| Some(Damage::Flipped { column: column.clone(), to: flipped(value)? }));
        let moved = self.columns.iter().any(|column| column == "source").then_some(Damage::Moved);
        flipped.chain([Damage::Gone]).chain(moved).collect()
    }
}

/// The value with one bit flipped; nothing where there is none.
fn flipped(value: &Value) -> Option<Value> {
    Some(match value {
        // About 17 minutes, where it is a time.
        Value::Integer(number) => Value::Integer(number ^ if *number > 1 << 32 { 1 << 20 } else { 1 }),
        Value::Text(text) if !text.is_empty() => {
            let mut bytes = text.clone().into_bytes();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            Value::Text(String::from_utf8(bytes).unwrap())
        }
        Value::Blob(bytes) if !bytes.is_empty() => {
            let mut bytes = bytes.clone();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            Value::Blob(bytes)
        }
        _ => return None,
    })
}

fn open(folders: &Folders<'_>) -> Connection {
    let connection = Connection::open(folders.state().join("state.db")).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0").unwrap();
    connection
}

/// The last row of every table; the first one too, where more than a few bits are flipped.
fn rows(folders: &Folders<'_>) -> Vec<Row> {
    let connection = open(folders);
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let all = statement.query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect()).unwrap();
        let mut all: Vec<Vec<Value>> = all.map(Result::unwrap).collect();
        let last = all.pop().unwrap_or_else(|| panic!("nothing is in the table {table}"));
        let first = all.into_iter().take(usize::from(all_flips()));
        rows.extend(first.chain([last]).map(|values| Row { table: table.clone(), columns: columns.clone(), values }));
    }
    rows
}

/// What only a moment between two others leaves: a digest that is decided, something that the next one has to tell, a segment
/// that is to be removed, an archive digest.
fn fill(folders: &Folders<'_>) {
    let store = Store::open(&folders.state()).unwrap();
    let source = source_id(Kind::StreamAudit);
    let mut state = store.read(|connection| SourceState::load(connection, &source)).unwrap().unwrap();
    let (start, end) = (state.start.unwrap(), state.end.unwrap());
    let sealed = state.sealed.clone().unwrap().name;
    let digest = std::fs::read(folders.archive().join(&state.folder).join(sealed.digest())).unwrap();
    let oldest = folders.segments(Kind::StreamAudit)[0].file_name().unwrap().to_str().unwrap().parse().unwrap();
    let seal = Seal { segment: sealed, digest: digest.clone(), signature: None };
    let told = ToldRows { gaps: &[], islands: &[], damaged: Vec::new(), removals: Vec::new(), unsigned: Some(seal) };
    let head = Head {
        sequence: 1,
        date: end.date(),
        sha256: Sha256Sum::of(&digest),
        made: end,
        configured: vec![state.folder.clone()],
        pending: None,
    };
    let filled = store.transaction(|transaction| {
        state.restore(transaction, &told)?;
        state.note_untold(transaction, Untold::Reconciled(Range { from: start, to: end }))?;
        decide_removal(transaction, &mut state, Removed { segment: oldest, decided: end, keep_seconds: 1 })?;
        replace_found(transaction, [&found_project()].into_iter(), [&found_source()].into_iter())?;
        let list = "list of clusters of the project payments (32b6e34b3d91647abb20e7b8)".to_owned();
        let failing = FailingList { list, since: end, message: "the answer is 403".to_owned() };
        replace_failing_lists(transaction, [&failing].into_iter())?;
        write_probe(transaction)?;
        head.save(transaction)
    });
    filled.unwrap();
}

/// What lists have shown decides nothing where the configuration names everything, as it does here.
fn found_project() -> FoundProject {
    let [credentials, id, atlas_name, name] =
        ["main", "32b6e34b3d91647abb20e7b8", "payments", "payments"].map(str::to_owned);
    FoundProject { credentials, id, atlas_name, name, listed: true }
}

fn found_source() -> FoundSource {
    let (project_id, name) = ("32b6e34b3d91647abb20e7b8".to_owned(), "prod-9".to_owned());
    let kind = Kind::AccessHistory;
    FoundSource { project_id, kind, name, listed: true, paused: false, shared_tier: false, gone: None }
}

#[test]
fn every_value_that_is_another_one_and_every_row_that_is_gone_is_noticed_or_does_no_harm() {
    let scene = Scene::new();
    let template = eventful(&scene, false);
    fill(&template);
    let (mut defects, mut refused, mut exact) = (Vec::new(), 0, 0);
    for row in rows(&template) {
        for damage in row.damages() {
            let folders = template.copy();
            let connection = open(&folders);
            let done = row.damage(&connection, &damage);
            drop(connection);
            match done.then(|| outcome(&folders)) {
                None => {}
                Some(Outcome::Exact) => exact += 1,
                Some(Outcome::Refused) if FOR_PEOPLE.contains(&row.table.as_str()) => {
                    defects.push(format!("{} {damage:?}: refused for nothing", row.table));
                }
                Some(Outcome::Refused) => refused += 1,
                Some(Outcome::Silent(what)) => defects.push(format!("{} {damage:?}: {what}", row.table)),
            }
        }
    }
    println!("{exact} × exact, {refused} × refused");
    assert!(defects.is_empty(), "{}", defects.join("\n"));
    assert!(exact > 15 && refused > 30, "{exact} × exact, {refused} × refused");
}

/// A damaged fingerprint needs no hand: the segments say what is archived.
#[test]
fn fingerprints_that_are_damaged_are_made_again() {
    let scene = Scene::new();
    let template = eventful(&scene, false);
    for sql in [
        "UPDATE fingerprint SET count = count + 1",
        "UPDATE fingerprint SET keep_until_ms = 0",
        "DELETE FROM fingerprint",
        "UPDATE OR REPLACE fingerprint SET source = 3 - source",
        "DELETE FROM pending_fingerprint",
        "UPDATE pending_fingerprint SET seen_until_ms = seen_until_ms - 1",
        "UPDATE fingerprint_run SET last_ms = first_ms - 1",
        "UPDATE fingerprint_run SET keep_until_ms = 0 WHERE pending = 0",
        "UPDATE fingerprint_run SET keep_until_ms = 0 WHERE pending = 1",
        "UPDATE fingerprints SET fingerprints = zeroblob(length(fingerprints))",
        "UPDATE fingerprints SET fingerprints = zeroblob(length(fingerprints))
         WHERE run IN (SELECT number FROM fingerprint_run WHERE pending = 1)",
        "UPDATE fingerprints SET fingerprints = substr(fingerprints, 17)",
        "DELETE FROM fingerprints",
        "UPDATE fingerprint_run SET pending = 1 - pending",
        "UPDATE fingerprint_run SET source = 3 - source",
        "DELETE FROM fingerprint_run WHERE source = 1",
        "DELETE FROM fingerprint_run WHERE pending = 1",
        "DELETE FROM fingerprint_run",
    ] {
        let folders = template.copy();
        let damaged = open(&folders).execute(sql, []).unwrap();
        assert!(damaged > 0, "{sql}");
        assert_eq!(outcome(&folders), Outcome::Exact, "{sql}");
        for kind in Kind::ALL {
            assert!(!folders.load(kind).fingerprints_lost, "{sql}");
        }
    }
}
