//! Each stage of the data's way alone, to see where the time goes: `cargo bench --bench stages`.
//!
//! What counts for users is `side_by_side`; what a change costs or saves tells `instructions`, which does not depend on
//! what else the machine does.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[path = "../replies/access_entry.rs"]
mod access_entry;
#[path = "../side_by_side/bodies.rs"]
#[expect(dead_code, reason = "only a part of it is needed here")]
mod bodies;
mod work;

use atlas_logd::source::Kind;
use divan::{
    Bencher, black_box,
    counter::{BytesCount, ItemsCount},
};

use crate::work::Writer;

/// So much of an audit log.
const BYTES: usize = 16 << 20;

/// So many entries: a full page.
const ENTRIES: usize = 20_000;

fn main() {
    divan::main();
}

#[divan::bench]
fn inflate_and_split_an_audit_log(bencher: Bencher<'_, '_>) {
    let lines = work::lines(BYTES);
    let body = work::gzip(&lines);
    bencher.counter(BytesCount::new(lines.len())).bench(|| work::inflate_and_split(black_box(&body)));
}

#[divan::bench]
fn split_a_page_of_access_history(bencher: Bencher<'_, '_>) {
    let page = work::page(ENTRIES);
    bencher.counter(BytesCount::new(page.len())).bench(|| work::split_page(black_box(&page)));
}

#[divan::bench]
fn inflate_and_split_a_page_of_access_history(bencher: Bencher<'_, '_>) {
    let page = work::page(ENTRIES);
    let body = work::gzip(&page);
    bencher.counter(BytesCount::new(page.len())).bench(|| work::inflate_and_split_page(black_box(&body)));
}

#[divan::bench(args = [Kind::StreamAudit, Kind::AccessHistory])]
fn read_records(bencher: Bencher<'_, '_>, kind: Kind) {
    let records = records(kind);
    bencher.counter(ItemsCount::new(records.len())).bench(|| work::read(kind, black_box(&records)));
}

/// The one comes newest first and is turned round.
#[divan::bench(args = [Kind::StreamAudit, Kind::AccessHistory])]
fn spool_records(bencher: Bencher<'_, '_>, kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let (writer, records) = (Writer::new(folder.path(), kind), records(kind));
    bencher.counter(BytesCount::new(size(&records))).bench_local(|| writer.spool(black_box(&records)));
}

#[divan::bench(args = [100, 10_000])]
fn commit_records(bencher: Bencher<'_, '_>, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(folder.path(), Kind::StreamAudit);
    let records = &records(Kind::StreamAudit)[..count];
    bencher.counter(ItemsCount::new(count)).bench_local(|| writer.commit(black_box(records)));
}

#[divan::bench]
fn commit_a_quiet_window(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(folder.path(), Kind::StreamAudit);
    bencher.bench_local(|| writer.commit_quietly());
}

#[divan::bench]
fn hash_a_segment(bencher: Bencher<'_, '_>) {
    let lines = work::lines(BYTES);
    bencher.counter(BytesCount::new(lines.len())).bench(|| work::hash(black_box(&lines)));
}

fn records(kind: Kind) -> Vec<Vec<u8>> {
    match kind {
        Kind::StreamAudit => work::records(kind, &work::lines(BYTES)),
        Kind::AccessHistory => work::records(kind, &work::page(ENTRIES)),
    }
}

/// As lines.
fn size(records: &[Vec<u8>]) -> usize {
    records.iter().map(|record| record.len() + 1).sum()
}
