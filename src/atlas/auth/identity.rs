//! As whom Atlas is asked.

use std::fmt;

/// The public half of a credential. It is no secret: a person needs it to know where to grant what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A service account, by its client id.
    ServiceAccount(String),
    /// An API key, by its public key.
    ApiKey(String),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAccount(client_id) => write!(f, "service account {client_id}"),
            Self::ApiKey(public_key) => write!(f, "API key {public_key}"),
        }
    }
}
