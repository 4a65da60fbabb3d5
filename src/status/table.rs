//! All sources for people.

use comfy_table::{CellAlignment, Table, presets};

use crate::{
    shown::shown,
    status::{Condition, Row, missing, problems},
    words,
};

/// The heads of the columns.
pub(crate) const HEADER: [&str; 7] = ["source", "covered (UTC)", "lag", "today", "records", "gaps", "last poll"];

/// The least room for a name before it gets a line of its own.
const NAME_AT_LEAST: usize = 24;

/// A source in figures and few words, in the order of [`HEADER`].
#[derive(Debug)]
pub(crate) struct Cells {
    pub(crate) name: String,
    /// All but the name.
    pub(crate) others: [String; 6],
}

impl Cells {
    pub(crate) fn of(row: &Row) -> Self {
        let name = shown(&row.name);
        let none = || "–".to_owned();
        let figure = |figure: u64| if row.state.is_some() { words::number(figure) } else { none() };
        Self {
            name: if row.condition() != Condition::Removed { name } else { format!("{name} (removed)") },
            others: [
                row.covered().map_or_else(none, words::range),
                row.lag().map_or_else(none, words::about),
                figure(row.records_today()),
                figure(row.state.as_ref().map_or(0, |state| state.records)),
                figure(row.gaps.len() as u64),
                row.outcome(),
            ],
        }
    }
}

/// A table for people, so many characters wide if that can be, with what else there is to say below it. A name that has no
/// room in it stands above its figures: cut in parts, it could not be copied or searched for.
pub(crate) fn table(rows: &[Row], width: usize) -> String {
    let cells: Vec<Cells> = rows.iter().map(Cells::of).collect();
    let widest = |column: usize| {
        let figures = cells.iter().map(|cells| cells.others[column].chars().count());
        figures.chain([HEADER[column + 1].len()]).max().unwrap_or(0)
    };
    let others: usize = (0..HEADER.len() - 1).map(|column| widest(column) + 2).sum();
    let room = width.saturating_sub(others + 1).max(NAME_AT_LEAST);
    let fits = |cells: &Cells| cells.name.chars().count() <= room;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(HEADER);
    for index in [2, 3, 4, 5] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for cells in &cells {
        let name = if fits(cells) { cells.name.as_str() } else { "" };
        table.add_row([name].into_iter().chain(cells.others.iter().map(String::as_str)));
    }
    let mut lines = Vec::new();
    let figures = table.trim_fmt();
    let mut figures = figures.lines();
    lines.extend(figures.next().map(str::to_owned));
    for (cells, figures) in cells.iter().zip(figures) {
        if !fits(cells) {
            lines.push(format!(" {}", cells.name));
        }
        lines.push(figures.to_owned());
    }
    lines.extend(rows.iter().flat_map(|row| problems(row).into_iter().chain(missing(row))));
    lines.join("\n")
}
