//! What is asked for.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::shown::is_plain;

/// No longer part of a name is looked for, in characters.
const LONGEST: usize = 200;

/// The query of a request for the page. What is not there asks for everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Asked {
    /// Words that have to be in the name, in any case.
    q: String,
    /// How many sources are passed over.
    pub(super) from: usize,
    /// Whether the page is loaded again by itself; empty for no.
    refresh: String,
}

impl Asked {
    /// What is looked for, as it was written but for what would steer a reader: no name is shown with that.
    pub(super) fn words(&self) -> String {
        self.q.chars().filter(|&character| is_plain(character)).take(LONGEST).collect::<String>().trim().to_owned()
    }

    pub(super) fn refreshes(&self) -> bool {
        !self.refresh.is_empty()
    }

    /// Whether a source with this name is meant.
    pub(super) fn means(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.words().to_lowercase().split_whitespace().all(|word| name.contains(word))
    }

    /// The same page from another source on.
    pub(super) fn link(&self, from: usize) -> String {
        self.to_link(from, self.refreshes())
    }

    /// The same page with the other answer to whether it is loaded again by itself.
    pub(super) fn link_for_refresh(&self) -> String {
        self.to_link(self.from, !self.refreshes())
    }

    fn to_link(&self, from: usize, refreshes: bool) -> String {
        let mut link = format!("/?q={}", utf8_percent_encode(&self.words(), NON_ALPHANUMERIC));
        if from > 0 {
            link.push_str(&format!("&from={from}"));
        }
        if refreshes {
            link.push_str("&refresh=1");
        }
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_what_was_asked() {
        let asked = Asked { q: " pay prod-0&\"<".to_owned(), from: 100, refresh: "1".to_owned() };
        assert!(asked.means("Payments/PROD-0&\"<"));
        assert!(!asked.means("payments/prod-0"));
        assert_eq!(asked.link(200), "/?q=pay%20prod%2D0%26%22%3C&from=200&refresh=1");
        assert_eq!(asked.link_for_refresh(), "/?q=pay%20prod%2D0%26%22%3C&from=100");
        assert_eq!(Asked::default().link(0), "/?q=");
    }
}
