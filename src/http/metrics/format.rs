//! The two text formats.

use axum::http::{HeaderMap, header};

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Format {
    /// OpenMetrics.
    OpenMetrics,
    /// The older format of Prometheus, for tools that know nothing else, `promtool check metrics` among them.
    Prometheus,
}

impl Format {
    /// What whoever asks understands; OpenMetrics unless it only accepts plain text.
    pub(in crate::http) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accepted = accepted.collect::<Vec<_>>().join(",").to_ascii_lowercase();
        match accepted.contains("text/plain") && !accepted.contains("application/openmetrics-text") {
            true => Self::Prometheus,
            false => Self::OpenMetrics,
        }
    }

    /// Its name in `Content-Type`.
    pub(in crate::http) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_for_those_who_understand_nothing_else() {
        for (accept, format) in [
            (None, Format::OpenMetrics),
            (Some("*/*"), Format::OpenMetrics),
            (Some("text/plain"), Format::Prometheus),
            (Some("Text/Plain;version=0.0.4;q=0.5,*/*;q=0.1"), Format::Prometheus),
            // As Prometheus asks.
            (
                Some("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"),
                Format::OpenMetrics,
            ),
        ] {
            let headers = accept.map(|accept| (header::ACCEPT, accept.parse().unwrap()));
            assert_eq!(Format::of(&headers.into_iter().collect()), format, "{accept:?}");
        }
    }
}
