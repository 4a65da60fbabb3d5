//! Authentication: OAuth 2.0 client credentials (service account) or HTTP Digest (API key).
//!
//! Tokens and nonces are got when a request needs one, kept, and renewed by one caller at a time while all others wait
//! for its outcome, good or bad. Secrets are read from their file when a token or nonce is got, and not kept longer.

mod authenticator;
mod challenge;
mod digest;
mod identity;
mod secret;
mod service_account;
mod token;
mod token_pace;

pub(super) use authenticator::{Authenticator, Authorization, Renewal};
pub use challenge::Challenge;
pub use identity::Identity;
pub use secret::{SecretError, SecretFault, SecretPlace};
pub use token::TokenRefusal;
