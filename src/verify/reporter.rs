//! Puts together what is reported of each source.

use std::path::Path;

use crate::{
    plan::Gap,
    verify::{
        Fault, NewestDigest, Note, Reason, Request, SourceReport,
        chain::{Chain, Sealed},
        demand::Demand,
        folder::digest_path,
        heads::{Heads, Listed},
        segment::Outcomes,
        signing::Keys,
    },
    window::Window,
};

/// What every source is held against.
pub(super) struct Reporter<'a> {
    pub(super) demand: Demand,
    pub(super) heads: &'a Heads,
    pub(super) request: &'a Request,
}

impl Reporter<'_> {
    /// What is worth knowing of the archive as a whole.
    pub(super) fn notes(&self, sources: &[SourceReport], keys: &Keys) -> Vec<Note> {
        let Self { heads, request, .. } = self;
        let mut notes = Vec::new();
        if sources.is_empty() {
            notes.push(Note::NoSource);
        } else if heads.count == 0 {
            notes.push(Note::NoHead);
        } else if request.head.is_none() {
            notes.push(Note::HeadNotAsked);
        }
        if let Some(newest) = heads.newest.as_ref().filter(|_| !heads.held && request.allowed_signers.is_none()) {
            notes.push(Note::HeadUnproven { date: newest.date });
        }
        if request.allowed_signers.is_none() && !keys.is_empty() {
            notes.push(Note::NobodyVouches { keys: keys.keys().cloned().collect() });
        }
        notes
    }

    /// What is reported of a source.
    pub(super) fn source(&self, chain: Chain, outcomes: Outcomes) -> SourceReport {
        let mut faults = chain.faults;
        let mut notes = Vec::new();
        for outcome in outcomes.into_values() {
            faults.extend(outcome.faults);
            notes.extend(outcome.notes);
        }
        let listed = chain.folder.to_str().and_then(|folder| self.heads.listed.get(folder));
        let held_up_to = listed.map_or(0, |listed| listed.signed_up_to.max(listed.asked_up_to)).max(chain.signed_up_to);
        let newest = chain.sealed.last_key_value().map(|(number, sealed)| NewestDigest {
            segment: sealed.name.clone(),
            sha256: sealed.digest_sha256,
            held: *number <= held_up_to,
        });
        if let Some(newest) = newest.as_ref().filter(|newest| !newest.held) {
            match self.request.allowed_signers {
                Some(_) => faults.push(Fault::new(digest_path(&chain.folder, &newest.segment), Reason::Unsigned)),
                None => notes.push(Note::Unproven { folder: chain.folder.clone() }),
            }
        }
        notes.extend(self.listed_notes(&chain.folder, listed));
        let (gone, there): (Vec<&Sealed>, Vec<&Sealed>) = chain.sealed.values().partition(|sealed| sealed.is_gone());
        let read: Vec<&Sealed> = there.iter().copied().filter(|sealed| sealed.asked).collect();
        let sum = |of: &[&Sealed], what: fn(&Sealed) -> u64| {
            of.iter().map(|sealed| what(sealed)).fold(0, u64::saturating_add)
        };
        let range = self.request.range();
        let clip = |window: Window| Some(window.intersection(range)).filter(|window| !window.is_empty());
        let covered: Vec<Window> = chain.ledger.ranges().collect();
        let missing = chain.ledger.missing();
        let configured = listed.is_none_or(|listed| listed.not_configured.is_none());
        SourceReport {
            covered: chain.ledger.watermarks().and_then(clip),
            uncovered: self.demand.uncovered(&covered, &missing, configured),
            islands: chain.ledger.islands().into_iter().filter_map(clip).collect(),
            gaps: missing.into_iter().filter_map(|gap| Some(Gap { window: clip(gap.window)?, ..gap })).collect(),
            segments: there.len() as u64,
            read: read.len() as u64,
            records: sum(&read, |sealed| sealed.records),
            late_records: sum(&read, |sealed| sealed.late_records),
            bytes: sum(&read, |sealed| sealed.bytes),
            rebuilt: chain.rebuilt,
            damaged: chain.sealed.values().filter_map(|sealed| sealed.damaged.clone()).collect(),
            removed: chain.sealed.values().filter_map(|sealed| sealed.removed.clone()).collect(),
            removed_segments: gone.len() as u64,
            removed_records: sum(&gone, |sealed| sealed.records),
            removed_of_range: gone.iter().filter(|sealed| self.request.is_of_range() && sealed.of_range).count() as u64,
            folder: chain.folder,
            source: chain.source,
            open: chain.open,
            newest,
            notes,
            faults,
        }
    }

    /// What the archive digests say of a source that is worth knowing.
    fn listed_notes(&self, folder: &Path, listed: Option<&Listed>) -> Vec<Note> {
        let folder = folder.to_owned();
        let Some(listed) = listed else {
            let newer = self.heads.count > 0;
            return newer.then_some(Note::NewerThanHead { folder }).into_iter().collect();
        };
        let mut notes = Vec::new();
        if let Some((since, date)) = listed.not_collected {
            notes.push(Note::NotCollected { folder: folder.clone(), since, date });
        }
        if let Some(date) = listed.not_configured {
            notes.push(Note::NotConfigured { folder, date });
        }
        notes
    }
}
