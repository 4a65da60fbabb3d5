//! The transactions in the log of a database: SQLite's write-ahead log, as <https://www.sqlite.org/fileformat2.html#walformat>
//! describes it.

use std::path::Path;

const HEADER: usize = 32;
const FRAME: usize = 24;

/// What a log holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    /// It is another one when SQLite has begun it anew.
    pub(crate) salt: [u8; 8],
    /// Pages written.
    pub(crate) pages: usize,
    /// Transactions committed.
    pub(crate) transactions: usize,
}

impl Log {
    /// Reads the log of the database in a folder.
    pub(crate) fn read(state: &Path) -> Self {
        let bytes = std::fs::read(state.join("state.db-wal")).unwrap();
        let page = usize::try_from(u32::from_be_bytes(bytes[8..12].try_into().unwrap())).unwrap();
        let salt: [u8; 8] = bytes[16..24].try_into().unwrap();
        let frames = bytes[HEADER..].chunks_exact(FRAME + page).take_while(|frame| frame[8..16] == salt);
        let (mut pages, mut transactions) = (0, 0);
        for frame in frames {
            pages += 1;
            // The size of the database, which the last page of a transaction has.
            transactions += usize::from(frame[4..8] != [0; 4]);
        }
        Self { salt, pages, transactions }
    }
}
