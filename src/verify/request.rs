//! What is asked of a proof.

use std::time::Duration;

use crate::{
    evidence::{AllowedSigners, Sha256Sum},
    instant::Instant,
    window::Window,
};

/// What is asked of a proof; by default, of everything, by whomever it was signed.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Only what can hold records from this instant on is read; chain and signatures are checked whole.
    pub from: Option<Instant>,
    /// Likewise up to this instant.
    pub to: Option<Instant>,
    /// Whose signatures count.
    pub allowed_signers: Option<AllowedSigners>,
    /// The SHA-256 of an archive digest that has to be there.
    pub head: Option<Sha256Sum>,
    /// How long what a writer at work can explain is looked at again and again before it is a fault; by default, it is only
    /// looked at a second time.
    pub patience: Duration,
}

impl Request {
    /// Whether a range is asked for.
    #[must_use]
    pub fn is_of_range(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// The range that is asked for; without bounds where none were given.
    #[must_use]
    pub fn range(&self) -> Window {
        Window::new(self.from.unwrap_or(Instant::MIN), self.to.unwrap_or(Instant::MAX))
    }
}
