//! Recovery, when others have been at the spool and at the segment while a commit was under way.
//!
//! | bytes | choose |
//! |---|---|
//! | 1 | whether the window becomes a segment of its own, and at which of its operations recovery fails once, if it does |
//! | 3 blocks | the records of two earlier windows and of the one under way, one a line |
//! | 1, 2, block | what became of the spool, where, and other bytes for it |
//! | 1, 2, block | what became of the segment, where, and other bytes for it |
//! | 2 | how much of the window is in the segment already |
//!
//! A block is a byte for its length and as many bytes.

mod case;
mod judge;
mod lives;
mod machine;

use case::Case;
use judge::Judge;

use super::disk;

/// Whatever lies in spool and segment: no visible byte is changed or taken back, and the window is archived exactly once,
/// or not at all with an error that says that it is asked again; or everything stays as it is, with an error that says
/// what to do, and that helps. What is done is done: a second recovery changes nothing.
pub fn check(input: &[u8]) {
    let case = Case::read(input);
    let (mut machine, crashed) = lives::interrupted_commit(&case);
    let judge = Judge::new(&case, &machine, crashed);
    judge.recovery(&mut machine);
}
