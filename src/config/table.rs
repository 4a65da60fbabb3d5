//! Reads the values of one TOML table by name and type; what is not as expected goes to the faults.
//!
//! A value that is absent or wrong reads as `None`, and the caller goes on with its default: when anything was wrong, no
//! configuration comes out of it, so the default is never used in its stead.

use std::ops::{Range, RangeInclusive};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    faults::{Faults, Located, Place},
    quote::quote,
};
use crate::nearest::nearest;

/// One table of the document, or a table that is not there and so has no values.
#[derive(Debug)]
pub(super) struct Table<'d> {
    entries: Option<&'d DeTable<'d>>,
    /// Its name as in `[name]`; empty for the document itself.
    name: String,
    /// Where its header or opening brace stands.
    place: Place,
    faults: &'d Faults<'d>,
}

impl<'d> Table<'d> {
    /// The whole document.
    pub(super) fn document(entries: &'d DeTable<'d>, faults: &'d Faults<'d>, keys: &[&str]) -> Self {
        let place = Place { offset: 0, private: false };
        let table = Self { entries: Some(entries), name: String::new(), place, faults };
        table.refuse_unknown(keys, |_| None);
        table
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Whether the key is missing or its value an empty array.
    pub(super) fn lacks(&self, key: &str) -> bool {
        self.entry(key).is_none_or(|value| value.get_ref().as_array().is_some_and(|elements| elements.is_empty()))
    }

    /// The place of a key's value; that of the table where the key is missing.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.entry(key).map_or(self.place, |value| self.at(&value.span()))
    }

    /// Reports a fault of the value of `key`, or of the table when that key is missing.
    pub(super) fn report(&self, key: &str, message: impl AsRef<str>) {
        self.faults.report(self.place_of(key), format!("{}: {}", self.full_name(key), message.as_ref()));
    }

    /// Reports a fault of a part of the value of `key`.
    pub(super) fn report_at(&self, place: Place, key: &str, message: impl AsRef<str>) {
        self.faults.report(place, format!("{}: {}", self.full_name(key), message.as_ref()));
    }

    /// Reports a fault of the table as a whole.
    pub(super) fn report_whole(&self, message: impl AsRef<str>) {
        self.faults.report(self.place, format!("{}: {}", self.name, message.as_ref()));
    }

    /// The list to which this table reports.
    pub(super) fn faults(&self) -> &'d Faults<'d> {
        self.faults
    }

    /// Reports each key that is not among `keys`; `hint` may know better than the nearest key what to say about one.
    pub(super) fn refuse_unknown(&self, keys: &[&str], hint: impl Fn(&str) -> Option<String>) {
        for key in self.entries.iter().flat_map(|entries| entries.keys()) {
            let name = key.get_ref().as_ref();
            if keys.contains(&name) {
                continue;
            }
            let what = match self.name.as_str() {
                "" => format!("unknown section {}", quote(name)),
                table => format!("{table}: unknown key {}", quote(name)),
            };
            let allowed = hint(name)
                .or_else(|| nearest(name, keys.iter().copied()).map(|key| format!("did you mean {key}?")))
                .unwrap_or_else(|| format!("allowed: {}", keys.join(", ")));
            // Nobody knows what the value is: somebody's mistyped password perhaps. The line is not shown.
            let place = Place { private: true, ..self.at(&key.span()) };
            self.faults.report(place, format!("{what}; {allowed}"));
        }
    }

    /// The string at `key`. `example` completes the message about a value of another type.
    pub(super) fn text(&self, key: &str, example: &str) -> Option<Located<&'d str>> {
        let value = self.entry(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Located { value: text.as_ref(), place: self.at(&value.span()) }),
            other => {
                self.report(key, wrong_type(&format!("a string, for example {example:?}"), other));
                None
            }
        }
    }

    /// The string at `key`, which must be there.
    pub(super) fn required_text(&self, key: &str, example: &str) -> Option<Located<&'d str>> {
        if !self.has(key) {
            self.report(key, format!("missing; expected a string, for example {example:?}"));
        }
        self.text(key, example)
    }

    /// The string at `key` as `parse` reads it; its error says what is wrong and what is allowed.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key, example)?;
        parse(text.value).inspect_err(|message| self.report(key, message)).ok()
    }

    /// The whole number at `key`.
    pub(super) fn integer(&self, key: &str, allowed: RangeInclusive<u16>) -> Option<u16> {
        let expected = format!("a whole number from {} to {}", allowed.start(), allowed.end());
        match self.entry(key)?.get_ref() {
            DeValue::Integer(number) => {
                let value = u16::from_str_radix(number.as_str(), number.radix()).ok();
                let value = value.filter(|value| allowed.contains(value));
                if value.is_none() {
                    self.report(key, format!("{} is out of range; allowed: {expected}", quote(&number.to_string())));
                }
                value
            }
            other => {
                self.report(key, wrong_type(&expected, other));
                None
            }
        }
    }

    /// The strings of the array at `key`, or the one string in its place. `expected` completes the message about values of
    /// other types.
    pub(super) fn text_or_texts(
        &self,
        key: &str,
        expected: &str,
    ) -> Option<Result<Vec<Located<&'d str>>, Located<&'d str>>> {
        let value = self.entry(key)?;
        let elements = match value.get_ref() {
            DeValue::String(text) => {
                return Some(Err(Located { value: text.as_ref(), place: self.at(&value.span()) }));
            }
            DeValue::Array(elements) => elements,
            other => {
                self.report(key, wrong_type(expected, other));
                return Some(Ok(Vec::new()));
            }
        };
        let mut texts = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            let place = self.at(&element.span());
            match element.get_ref() {
                DeValue::String(text) => texts.push(Located { value: text.as_ref(), place }),
                other => self.report_at(place, key, wrong_type(expected, other)),
            }
        }
        Some(Ok(texts))
    }

    /// The table at `key` (an empty one when it is missing), in which only `keys` are known.
    pub(super) fn table(&self, key: &str, keys: &[&str]) -> Table<'d> {
        let table = self.any_table(key);
        table.refuse_unknown(keys, |_| None);
        table
    }

    /// The tables in the table at `key` with their names, in the place of other values nothing; their keys are not looked
    /// at yet. A secret may stand anywhere in them, so no line of theirs is shown.
    pub(super) fn private_tables(&self, key: &str) -> Vec<(&'d str, Option<Table<'d>>)> {
        let place = Place { private: true, ..self.place };
        let table = Table { entries: self.entries, name: self.name.clone(), place, faults: self.faults }.any_table(key);
        let entries = table.entries.iter().flat_map(|entries| entries.keys());
        let named = entries.map(|name| {
            let found = table.any_table(name.get_ref());
            (name.get_ref().as_ref(), found.entries.is_some().then_some(found))
        });
        named.collect()
    }

    /// The tables of the array of tables at `key`, in which only `keys` are known; there must be at least one.
    pub(super) fn tables(&self, key: &str, keys: &[&str]) -> Vec<Table<'d>> {
        let name = self.full_name(key);
        let expected = format!("tables, each under a line [[{name}]] in double brackets");
        if self.lacks(key) {
            self.report(key, format!("there is none; add a table [[{name}]]"));
        }
        let Some(value) = self.entry(key) else { return Vec::new() };
        let DeValue::Array(elements) = value.get_ref() else {
            self.report(key, wrong_type(&expected, value.get_ref()));
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            let place = self.at(&element.span());
            match element.get_ref() {
                DeValue::Table(entries) => {
                    let table = Table { entries: Some(entries), name: name.clone(), place, faults: self.faults };
                    table.refuse_unknown(keys, |_| None);
                    tables.push(table);
                }
                other => self.faults.report(place, format!("{name}: {}", wrong_type(&expected, other))),
            }
        }
        tables
    }

    fn any_table(&self, key: &str) -> Table<'d> {
        let name = self.full_name(key);
        let entries = match self.entry(key).map(Spanned::get_ref) {
            Some(DeValue::Table(entries)) => Some(entries),
            Some(other) => {
                self.report(key, wrong_type(&format!("a table, under a line [{name}]"), other));
                None
            }
            None => None,
        };
        Table { entries, name, place: self.place_of(key), faults: self.faults }
    }

    fn entry(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.entries.and_then(|entries| entries.get(key))
    }

    fn full_name(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            table => format!("{table}.{key}"),
        }
    }

    fn at(&self, span: &Range<usize>) -> Place {
        Place { offset: span.start, private: self.place.private }
    }
}

/// Names types only: the value itself may be a secret that was put in the wrong place.
fn wrong_type(expected: &str, found: &DeValue<'_>) -> String {
    let found = match found {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date without quotes",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    format!("found {found}; expected {expected}")
}
