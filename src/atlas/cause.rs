//! Why a connection failed, as one sentence.

use std::{error::Error, fmt, io, sync::Arc};

use crate::shown::excerpt;

const CHARACTERS: usize = 300;

/// The HTTP library's error, without the URL. It shows its whole chain: the reason lies at the end.
#[derive(Clone, Debug)]
pub struct Cause(Arc<reqwest::Error>);

impl Cause {
    /// Whether the server's certificate was refused.
    #[must_use]
    pub fn is_certificate(&self) -> bool {
        chain(&*self.0).any(|error| matches!(tls(error), Some(rustls::Error::InvalidCertificate(_))))
    }
}

impl From<reqwest::Error> for Cause {
    fn from(error: reqwest::Error) -> Self {
        Self(Arc::new(error.without_url()))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        // The library's own text says only that a request failed.
        let skipped = usize::from(self.0.source().is_some());
        for error in chain(&*self.0).skip(skipped) {
            let part = error.to_string();
            if parts.last().is_none_or(|last| !last.contains(&part)) {
                parts.push(part);
            }
        }
        f.write_str(&excerpt(&parts.join(": "), CHARACTERS))
    }
}

fn chain<'a>(first: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(first), |&error| error.source())
}

/// An I/O error hides the TLS error in it from the chain.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(error);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    inner.downcast_ref::<rustls::Error>().or_else(|| tls(inner))
}
