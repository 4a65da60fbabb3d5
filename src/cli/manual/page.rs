//! One page of the manual.

use std::io;

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::chapter::{ENVIRONMENT, FILES, SIGNALS, Topic};
use crate::cli::{definition, lesson::Lesson};

const PROGRAM: &str = "atlas-logd";
const SECTION: &str = "1";
/// The day of this version in the changelog.
const RELEASED: &str = "2026-11-27";

/// One page: of the program, or of one of its commands.
#[derive(Debug)]
pub(super) struct Page {
    /// The command's name; empty for the program itself.
    pub(super) command: String,
    definition: Command,
    /// The other pages.
    others: Vec<String>,
}

/// All pages, that of the program first.
pub(super) fn pages() -> Vec<Page> {
    let mut program =
        definition().disable_help_subcommand(true).subcommand_help_heading("COMMANDS").subcommand_value_name("COMMAND");
    program.build();
    let commands: Vec<Command> = program.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let names: Vec<String> = commands.iter().map(|command| command.get_name().to_owned()).collect();
    let mut pages = vec![Page { command: String::new(), definition: program, others: names }];
    pages.extend(commands.into_iter().map(|definition| Page {
        command: definition.get_name().to_owned(),
        definition,
        others: Vec::new(),
    }));
    pages
}

impl Page {
    fn title(&self) -> String {
        if self.command.is_empty() { PROGRAM.to_owned() } else { format!("{PROGRAM}-{}", self.command) }
    }

    /// The name of its file in a folder of manuals.
    pub(super) fn file_name(&self) -> String {
        format!("{}.{SECTION}", self.title())
    }

    /// The page as `man -l` reads it.
    pub(super) fn roff(&self) -> io::Result<Vec<u8>> {
        let version = concat!("atlas-logd ", env!("CARGO_PKG_VERSION"));
        let man = Man::new(self.definition.clone()).title(self.title()).source(version).date(RELEASED);
        let man = man.manual("Manual of atlas-logd");
        let mut page = Vec::new();
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        self.synopsis().to_writer(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        if self.definition.has_subcommands() {
            man.render_subcommands_section(&mut page)?;
        }
        self.own_sections().to_writer(&mut page)?;
        Ok(tidied(&page))
    }

    /// As the help has it: with the options only named where they are explained.
    fn synopsis(&self) -> Roff {
        let usage = self.definition.clone().render_usage().to_string();
        let name = self.title().replacen(&format!("{PROGRAM}-"), &format!("{PROGRAM} "), 1);
        let usage = usage.trim().trim_start_matches("Usage:").trim_start();
        let arguments = usage.strip_prefix(&name).unwrap_or(usage).to_owned();
        let mut roff = Roff::new();
        roff.control("SH", ["SYNOPSIS"]);
        roff.text([bold(name), roman(arguments)]);
        roff
    }

    fn own_sections(&self) -> Roff {
        let mut roff = Roff::new();
        if let Some(lesson) = Lesson::of(&self.command) {
            examples(&mut roff, lesson);
            exits(&mut roff, lesson);
        }
        if self.command.is_empty() {
            topics(&mut roff, "FILES", FILES);
            topics(&mut roff, "ENVIRONMENT", ENVIRONMENT);
        }
        if ["", "run", "collect", "reconcile"].contains(&self.command.as_str()) {
            topics(&mut roff, "SIGNALS", SIGNALS);
        }
        see_also(&mut roff, self);
        roff
    }
}

fn examples(roff: &mut Roff, lesson: &Lesson) {
    roff.control("SH", ["EXAMPLES"]);
    for (line, what) in lesson.examples {
        roff.control("TP", []);
        roff.text([bold(*line)]);
        roff.text([roman(format!("{what}."))]);
    }
}

fn exits(roff: &mut Roff, lesson: &Lesson) {
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in lesson.exits {
        roff.control("TP", []);
        roff.text([bold(code.to_string())]);
        roff.text([roman(format!("{meaning}."))]);
    }
}

fn topics(roff: &mut Roff, heading: &str, topics: &[Topic]) {
    roff.control("SH", [heading]);
    for Topic { name, text } in topics {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*text)]);
    }
}

fn see_also(roff: &mut Roff, page: &Page) {
    roff.control("SH", ["SEE ALSO"]);
    let mut others: Vec<String> = page.others.iter().map(|other| format!("{PROGRAM}-{other}")).collect();
    if !page.command.is_empty() {
        others.push(PROGRAM.to_owned());
    }
    let last = others.len().saturating_sub(1);
    for (index, other) in others.iter().enumerate() {
        let stop = if index == last { "" } else { "," };
        roff.text([bold(other.as_str()), roman(format!("({SECTION}){stop}"))]);
    }
}

/// Each part was written as if it were a page; an empty line would end the indentation of the paragraph it is in; and one
/// distance between two paragraphs is enough.
fn tidied(page: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(page);
    let preamble: Vec<&str> = text.lines().take_while(|line| !line.starts_with(".TH")).collect();
    let mut tidy = String::with_capacity(text.len());
    let mut distance = false;
    for (index, line) in text.lines().map(str::trim_end).enumerate() {
        if index >= preamble.len() && preamble.contains(&line) {
            continue;
        }
        if line.is_empty() || line == ".br" {
            distance = true;
            continue;
        }
        // A macro keeps its own distance.
        if std::mem::take(&mut distance) && !line.starts_with('.') {
            tidy.push_str(".sp\n");
        }
        tidy.push_str(line);
        tidy.push('\n');
    }
    tidy.into_bytes()
}
