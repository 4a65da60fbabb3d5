//! What Atlas answers, made before anything is measured.

use std::{io::Write as _, time::Duration};

use atlas_logd::instant::Instant;
use flate2::{Compression, write::GzEncoder};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::access_entry::access_entry;

/// So long before now a backlog has ended: nothing of it can come again at the next poll.
pub(crate) const BACKLOG: Duration = Duration::from_secs(2 * 3600);

/// How much of what happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Volume {
    /// Lines of an audit log over so long, which ended so long before now.
    Audit { megabytes: usize, over: Duration, before: Duration },
    /// Entries of an access history, the backlog of days.
    Access { entries: usize },
}

const USERS: [&str; 6] = ["admin", "reporting", "billing-service", "jenkins", "j.doe@example.com", "etl"];

const ACTIVITIES: [&str; 4] = ["authenticate", "logout", "startStreamProcessor", "createStreamConnection"];

/// So many bytes of an audit log are lines of one compressed member.
const MEMBER: usize = 400_000_000;

/// An audit log: events evenly over `[from, to)`, oldest first. The gzip of all lines, and how many bytes they are.
pub(crate) fn audit(bytes: usize, from: Instant, to: Instant) -> (Vec<u8>, usize) {
    let new_member = || GzEncoder::new(Vec::new(), Compression::default());
    let (mut out, mut encoder) = (Vec::new(), new_member());
    let (mut written, mut member) = (0, 0);
    audit_lines(bytes, from, to, |line| {
        written += line.len();
        encoder.write_all(line).unwrap();
        if written - member > MEMBER {
            member = written;
            out.extend(std::mem::replace(&mut encoder, new_member()).finish().unwrap());
        }
    });
    out.extend(encoder.finish().unwrap());
    (out, written)
}

/// Its lines, one after the other.
pub(crate) fn audit_lines(bytes: usize, from: Instant, to: Instant, mut each: impl FnMut(&[u8])) {
    // A line has about so many; which it is does not matter.
    let lines = bytes / 400;
    let span = (to.millis() - from.millis()) as f64;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for number in 0..lines {
        let time = from.millis() + (span * number as f64 / lines as f64) as i64;
        let (user, activity) = (USERS[rng.random_range(0..USERS.len())], ACTIVITIES[rng.random_range(0..4)]);
        let line = format!(
            "{{\"activity_id\":1,\"category_uid\":3,\"class_uid\":3002,\"time\":{time},\"severity_id\":1,\"type_uid\":300201,\
             \"metadata\":{{\"correlation_uid\":\"{:032x}\",\"product\":\"MongoDB Server\",\"version\":\"1.0.0\"}},\"actor\":\
             {{\"user\":{{\"type_id\":1,\"name\":\"{user}\"}}}},\"src_endpoint\":{{\"ip\":\"192.168.254.{}\",\"port\":{}}},\
             \"auth_protocol\":\"SCRAM-SHA-256\",\"unmapped\":{{\"atype\":\"{activity}\",\"param\":{{\"spName\":\"processor-{}\"}}}}}}\n",
            rng.random::<u128>(),
            rng.random_range(1..255),
            rng.random_range(32_768..61_000),
            rng.random_range(0..4),
        );
        each(line.as_bytes());
    }
}

/// An access history: entries newest first, each with a comma behind it, and where each begins.
pub(crate) struct Access {
    bytes: Vec<u8>,
    /// Time in milliseconds, and where it begins in `bytes`.
    entries: Vec<(i64, usize)>,
}

impl Access {
    /// Entries evenly over `[from, to)`.
    pub(crate) fn new(count: usize, from: Instant, to: Instant) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let span = (to.millis() - from.millis()) as f64;
        let (mut bytes, mut entries) = (Vec::new(), Vec::with_capacity(count));
        for number in (0..count).rev() {
            let millis = from.millis() + (span * number as f64 / count as f64) as i64;
            let (user, ip) = (USERS[rng.random_range(0..USERS.len())], rng.random_range(1..255));
            entries.push((millis, bytes.len()));
            let time = Instant::from_millis(millis);
            bytes.extend(access_entry("684277bb8dba3d3587c5bfbc", user, ip, number as u64, time).as_bytes());
            bytes.push(b',');
        }
        entries.push((i64::MIN, bytes.len()));
        Self { bytes, entries }
    }

    /// The page of `[from, to]`: the newest `limit` entries, newest first.
    pub(crate) fn page(&self, from: i64, to: i64, limit: usize) -> &[u8] {
        let first = self.entries.partition_point(|(time, _)| *time > to);
        let behind = self.entries.partition_point(|(time, _)| *time >= from).min(first + limit);
        if first >= behind {
            return &[];
        }
        // Without the last comma.
        &self.bytes[self.entries[first].1..self.entries[behind].1 - 1]
    }

    /// How many bytes they are as lines.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The ranges of full pages, oldest first: what somebody would ask for who knew all in advance.
    pub(crate) fn pages(&self, limit: usize) -> Vec<(i64, i64)> {
        let times: Vec<i64> = self.entries[..self.entries.len() - 1].iter().map(|(time, _)| *time).collect();
        times.chunks(limit).rev().map(|page| (page[page.len() - 1], page[0])).collect()
    }
}
