//! What Atlas is asked, and what it answers.

use super::{body::Body, encoding::Encoding};
use crate::{
    instant::Instant,
    source::{AuthResult, SourceId},
    window::Window,
};

/// One window of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Which source.
    pub source: &'a SourceId,
    /// The range. Audit logs are asked in whole seconds, rounded outwards.
    pub asked: Window,
    /// For access history: which attempts, in place of those of the source's filter (a part that cannot be split by
    /// time is split by this). Audit logs do not look at it.
    pub auth_result: AuthResult,
    /// Whether it may come compressed. Audit logs do not look at it: they are gzip anyway.
    pub compressed: bool,
}

/// The beginning of an answer, checked as far as its headers tell: status 200, the right type, a body that has an end.
#[derive(Debug)]
pub struct Answer {
    /// The local clock when the request was sent that was answered (not an earlier try of the same ask).
    pub asked_at: Instant,
    /// The header `Date`: the clock of Atlas, in whole seconds.
    pub date: Option<Instant>,
    /// For an audit log, the range that `Content-Disposition` says was applied, in whole seconds; possibly narrower than
    /// asked. None where it does not say.
    pub echoed: Option<Window>,
    /// How the body is encoded.
    pub encoding: Encoding,
    /// The body.
    pub body: Body,
}
