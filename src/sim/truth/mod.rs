//! The ground truth: what really happened, whatever an answer shows of it.
//!
//! An event has several clocks ([`Clocks`]): the two that may stand in its bytes, the instant at which Atlas took it
//! in, and the one from which an answer can show it. The events of a source are *generated* ([`Profile`]), *given*
//! ([`crate::sim::World::add`]) or both. Generated ones are a pure function of seed, source and minute, so that any range of
//! time can be looked at without state and two processes with the same seed hold the same truth.

mod access_entry;
mod audit_line;
mod event;
mod filter;
mod generator;
mod profile;
mod range;
mod selection;
mod source_truth;
mod text;

pub(crate) use audit_line::downloaded;
pub use event::{Clocks, Event};
pub(crate) use filter::passes;
pub use profile::{Arrival, Burst, Profile};
pub use range::{Bounds, RangeClock};
pub(crate) use selection::{Order, Question, Selection};
pub(crate) use source_truth::SourceTruth;
