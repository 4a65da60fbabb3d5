//! Authentication: OAuth 2.0 client credentials and HTTP Digest, verified as strictly as their RFCs allow.

mod digest;
mod nonces;
mod tokens;

pub(super) use digest::{DigestAnswer, DigestVerdict, challenge, verify};
pub(super) use nonces::Nonces;
pub(super) use tokens::{TokenRefusal, Tokens};
