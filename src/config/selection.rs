//! Which clusters, stream instances or projects: names, patterns, or all.
//!
//! `"all"`, or an array. An element without `*` and `?` is a name; one with them is a pattern, and one that begins with `!`
//! excludes what it matches. What any other pattern matches and none excludes is meant; an array with nothing but `!` means
//! all but these. The order does not matter.

use super::{
    faults::{Located, Place},
    quote::quote,
    table::Table,
};
use crate::glob;

const ALL: &str = "all";

/// Which sources of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that are written out: they are meant whatever a list says.
    pub names: Vec<String>,
    /// Which of those in Atlas' list are meant besides; nothing where the list does not matter.
    pub listed: Option<Patterns>,
}

/// Which names of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Patterns {
    /// Every name.
    #[must_use]
    pub fn all() -> Self {
        Self { include: vec!["*".to_owned()], exclude: Vec::new() }
    }

    /// Whether a name is meant.
    #[must_use]
    pub fn match_name(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| fits(name, pattern));
        any(&self.include) && !any(&self.exclude)
    }

    /// What is written here and matches none of these names. What stands for all is left out: of an empty list it means
    /// nothing, and rightly so.
    pub fn unmatched<'a>(&'a self, names: &[&str]) -> impl Iterator<Item = &'a str> {
        let written = self.include.iter().map(String::as_str).filter(|pattern| pattern.contains(|one| one != '*'));
        written.filter(move |pattern| !names.iter().any(|name| fits(name, pattern)))
    }
}

fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    glob::matches(&name, &pattern, '*', '?')
}

/// What a key allows.
pub(super) struct Allowed<'a> {
    /// An array, for messages.
    pub(super) example: &'a str,
    /// Checks a name.
    pub(super) name: fn(&str) -> Result<(), String>,
    /// Checks a pattern without its `!`.
    pub(super) pattern: fn(&str) -> Result<(), String>,
}

/// What is written at a key, with the places of the names.
#[derive(Debug, Default)]
pub(super) struct Written<'d> {
    pub(super) names: Vec<Located<&'d str>>,
    pub(super) listed: Option<Patterns>,
}

impl Written<'_> {
    /// The selection, in which names are meant whatever a list says.
    pub(super) fn selection(&self) -> Selection {
        let names = self.names.iter().map(|name| name.value.to_owned());
        Selection { names: names.collect(), listed: self.listed.clone() }
    }

    /// The patterns, in which names are meant where a list shows them; nothing where nothing is written.
    pub(super) fn patterns(&self) -> Option<Patterns> {
        let names = self.names.iter().map(|name| name.value.to_owned());
        let mut patterns = self.listed.clone().unwrap_or(Patterns { include: Vec::new(), exclude: Vec::new() });
        patterns.include.extend(names);
        (!patterns.include.is_empty()).then_some(patterns)
    }
}

/// Reads the selection at `key`; nothing when it is missing.
pub(super) fn read<'d>(table: &Table<'d>, key: &str, allowed: &Allowed<'_>) -> Written<'d> {
    match table.text_or_texts(key, &format!("{ALL:?} or an array of strings, for example {}", allowed.example)) {
        None => Written::default(),
        Some(Err(text)) if text.value == ALL => Written { names: Vec::new(), listed: Some(Patterns::all()) },
        Some(Err(text)) => {
            table.report(
                key,
                format!(
                    "{} is not allowed; allowed: {ALL:?}, or names and patterns in brackets, for example {}",
                    quote(text.value),
                    allowed.example
                ),
            );
            Written::default()
        }
        Some(Ok(texts)) => of_elements(table, key, texts, allowed),
    }
}

fn of_elements<'d>(table: &Table<'d>, key: &str, texts: Vec<Located<&'d str>>, allowed: &Allowed<'_>) -> Written<'d> {
    let report = |place: Place, message: String| table.report_at(place, key, message);
    let (mut names, mut include, mut exclude) = (Vec::new(), Vec::new(), Vec::new());
    for text in texts {
        let excluded = text.value.strip_prefix('!');
        let pattern = excluded.unwrap_or(text.value);
        let is_name = excluded.is_none() && !text.value.contains(['*', '?']);
        let check = if is_name { allowed.name } else { allowed.pattern };
        match (check(pattern), excluded) {
            (Err(message), _) => report(text.place, message),
            (Ok(()), Some(pattern)) => exclude.push(Located { value: pattern, place: text.place }),
            (Ok(()), None) if is_name => names.push(text),
            (Ok(()), None) => include.push(text.value.to_owned()),
        }
    }
    for name in &names {
        // Whoever reads the file would not know which of the two is meant.
        if let Some(excluding) = exclude.iter().find(|excluding| fits(name.value, excluding.value)) {
            let message = format!("{} is excluded by {}", quote(name.value), quote(&format!("!{}", excluding.value)));
            report(name.place, message + "; allowed: one of the two");
        }
    }
    let exclude_nothing = include.is_empty() && !names.is_empty();
    if let Some(useless) = exclude.first().filter(|_| exclude_nothing) {
        let message = "excludes nothing, because only names stand beside it; add a pattern, for example \"*\" for all \
                       others, or take it out";
        report(useless.place, format!("{} {message}", quote(&format!("!{}", useless.value))));
    }
    let exclude: Vec<String> = exclude.iter().map(|pattern| pattern.value.to_owned()).collect();
    let listed = match (include.is_empty(), exclude.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Patterns { exclude, ..Patterns::all() }),
        (false, _) => Some(Patterns { include, exclude }),
    };
    Written { names, listed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(include: &[&str], exclude: &[&str]) -> Patterns {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Patterns { include: owned(include), exclude: owned(exclude) }
    }

    #[test]
    fn what_one_pattern_matches_and_none_excludes_is_meant() {
        let some = patterns(&["prod-*", "?"], &["prod-test", "*-tmp"]);
        for (name, meant) in [
            ("prod-0", true),
            ("a", true),
            ("prod-test", false),
            ("prod-x-tmp", false),
            ("ab", false),
            ("Prod-0", false),
        ] {
            assert_eq!(some.match_name(name), meant, "{name}");
        }
        assert!(Patterns::all().match_name("") && Patterns::all().match_name("übrig"));
    }

    #[test]
    fn what_matches_nothing_is_known_and_an_exclusion_may() {
        let some = patterns(&["prod-*", "prd-*", "web", "**"], &["old-*"]);
        assert_eq!(some.unmatched(&["prod-0", "prod-1"]).collect::<Vec<_>>(), ["prd-*", "web"]);
        assert_eq!(some.unmatched(&[]).collect::<Vec<_>>(), ["prod-*", "prd-*", "web"]);
        assert_eq!(Patterns::all().unmatched(&[]).count(), 0);
    }
}
