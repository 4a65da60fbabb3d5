//! The matrix: damage × place × what happens next. `expected.md` says what is expected of each; the test makes
//! the table anew and compares. To see it:
//!
//! ```text
//! cargo test --test damage -- --nocapture matrix
//! ```
//!
//! After damage that cannot be undone by asking again, the damage is undone, as the sentence says, and then everything has
//! to be exact. Whatever the table says, these are never allowed: a record lost or archived twice without a word, a byte
//! changed by anything but the damage, another source held up by damage to the files of one, and a refusal whose sentence
//! does not name the place and what to do.

mod cell;
mod next;
mod outcome;
mod place;
mod stage;

use atlas_logd::source::Kind;

use self::{next::Next, outcome::Outcome, place::Place, stage::Stage};
use crate::scene::Scene;

/// The source whose files are damaged; the other one must not notice.
const HARMED: Kind = Kind::StreamAudit;
const OTHER: Kind = Kind::AccessHistory;

/// The rows of some places.
fn rows(places: &[Place]) -> Vec<Vec<String>> {
    let scene = Scene::new();
    let stage = Stage::new(&scene);
    let mut rows = Vec::new();
    for &place in places {
        for &damage in place.damages() {
            let depends = place.is_a_database() && damage.depends_on_pages();
            let cells = Next::ALL.iter().map(|&next| match stage.cell(place, damage, next) {
                Outcome::Harm(harm) => Outcome::Harm(harm).to_string(),
                _ if depends => next.whatever_page_it_is().to_owned(),
                outcome => outcome.to_string(),
            });
            let head = [place.in_words().to_owned(), damage.in_words(place.is_folder()).to_owned()];
            rows.push(head.into_iter().chain(cells).collect());
        }
    }
    rows
}

#[test]
fn every_damage_at_every_place_has_the_outcome_that_the_matrix_says() {
    // Two threads, each with an Atlas of its own.
    let (left, right): (Vec<_>, Vec<_>) =
        Place::ALL.iter().partition(|place| place.damages().len() > 6 && (**place as usize).is_multiple_of(2));
    let mut made: Vec<Vec<String>> = std::thread::scope(|scope| {
        let halves = [left, right].map(|places| scope.spawn(move || rows(&places)));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let order = |row: &Vec<String>| Place::ALL.iter().position(|place| place.in_words() == row[0]);
    made.sort_by_key(order);
    made.retain(|row| row[2..].iter().any(|cell| cell != "–"));
    let head = ["place", "damage"].into_iter().chain(Next::ALL.iter().map(|next| next.in_words()));
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut table = line(head.clone().collect()) + &line(head.map(|_| "---").collect());
    made.iter().for_each(|row| table += &line(row.iter().map(String::as_str).collect()));
    println!("{table}");
    let harm: Vec<&str> = table.lines().filter(|line| line.contains("HARM")).collect();
    assert!(harm.is_empty(), "{}", harm.join("\n"));
    let expected = || include_str!("expected.md").lines().filter(|line| line.starts_with('|'));
    let missing = expected().filter(|line| !table.lines().any(|made| made == *line)).map(|line| format!("- {line}"));
    let added = table.lines().filter(|line| !expected().any(|known| known == *line)).map(|line| format!("+ {line}"));
    let different: Vec<String> = missing.chain(added).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}
