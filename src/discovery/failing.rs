//! Which lists cannot be had, and since when.

use std::collections::BTreeSet;

use super::{
    change::Learnt,
    known::Known,
    lists::{Lists, Subject},
    resolve::wanted_names,
};
use crate::{
    config::{Config, Which},
    instant::Instant,
    state::FailingList,
};

impl Lists {
    /// What was got.
    pub(super) fn got(&self) -> BTreeSet<Subject> {
        let mut got = BTreeSet::new();
        for credentials in self.projects.keys() {
            got.insert(Subject::Credentials(credentials.clone()));
            got.insert(Subject::Projects { credentials: credentials.clone() });
        }
        for (wanted, _) in &self.names {
            got.insert(Subject::Credentials(wanted.credentials.clone()));
            got.insert(wanted.subject());
        }
        got
    }
}

impl Known {
    /// Everything that `config` asks for.
    pub(super) fn wanted(&self, config: &Config) -> BTreeSet<Subject> {
        let mut wanted: BTreeSet<Subject> =
            wanted_names(config, self).into_iter().map(|wanted| wanted.subject()).collect();
        for table in config.tables.iter().filter(|table| table.asks()) {
            let credentials = table.credentials.clone();
            wanted.insert(Subject::Credentials(credentials.clone()));
            if matches!(table.which, Which::Discovered(_)) {
                wanted.insert(Subject::Projects { credentials });
            }
        }
        wanted
    }

    /// Takes note of the lists that could not be had.
    pub fn note_failing(&mut self, learnt: &Learnt, now: Instant) {
        let mut before = std::mem::take(&mut self.failing);
        for trouble in &learnt.troubles {
            let list = trouble.subject.to_string();
            let since = before.remove(&list).map_or(now, |before| before.since);
            let failing = FailingList { list: list.clone(), since, message: trouble.message.clone() };
            self.failing.insert(list, failing);
        }
        // Not asked for, because its credentials get nothing.
        let not_got: BTreeSet<String> = learnt.wanted.difference(&learnt.got).map(ToString::to_string).collect();
        self.failing.extend(before.into_iter().filter(|(list, _)| not_got.contains(list)));
    }

    /// The lists that could not be had.
    pub fn failing(&self) -> impl Iterator<Item = &FailingList> {
        self.failing.values()
    }
}
