//! The endpoints of the Atlas Administration API that are asked.

use crate::{meters::RequestKind, source::Kind};

/// An endpoint; each has its version (a date in `Accept`) and its type of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    StreamAudit,
    AccessHistory,
    Projects,
    Clusters,
    StreamInstances,
}

impl Endpoint {
    /// The header `Accept`. A missing or unknown date is answered with 406, a removed one with 410.
    pub(super) fn accept(self) -> &'static str {
        match self {
            Self::StreamAudit => "application/vnd.atlas.2023-10-01+gzip",
            Self::AccessHistory => "application/vnd.atlas.2025-03-12+json",
            Self::Projects => "application/vnd.atlas.2023-01-01+json",
            Self::Clusters => "application/vnd.atlas.2024-08-05+json",
            Self::StreamInstances => "application/vnd.atlas.2023-02-01+json",
        }
    }

    /// The name for messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::StreamAudit => "stream audit logs",
            Self::AccessHistory => "database access history",
            Self::Projects => "list of projects",
            Self::Clusters => "list of clusters",
            Self::StreamInstances => "list of stream instances",
        }
    }

    /// What an answer of the right type is called in messages.
    pub(super) fn expected(self) -> &'static str {
        if self.is_gzip() { "gzip" } else { "JSON" }
    }

    /// Whether `content_type` can hold what is expected. Atlas answers with a date of its own choice, not with the
    /// one that was asked for (recorded), so the date is not looked at.
    pub(super) fn takes(self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let versioned = |suffix: &str| essence.starts_with("application/vnd.atlas.") && essence.ends_with(suffix);
        if self.is_gzip() {
            versioned("+gzip")
                || matches!(essence.as_str(), "application/gzip" | "application/x-gzip" | "application/octet-stream")
        } else {
            versioned("+json") || essence == "application/json"
        }
    }

    fn is_gzip(self) -> bool {
        self == Self::StreamAudit
    }
}

impl From<Endpoint> for RequestKind {
    fn from(endpoint: Endpoint) -> Self {
        match endpoint {
            Endpoint::StreamAudit => Self::StreamAudit,
            Endpoint::AccessHistory => Self::AccessHistory,
            Endpoint::Projects | Endpoint::Clusters | Endpoint::StreamInstances => Self::List,
        }
    }
}

impl From<Kind> for Endpoint {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::StreamAudit => Self::StreamAudit,
            Kind::AccessHistory => Self::AccessHistory,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_types_that_were_recorded_and_no_others() {
        for (endpoint, content_type, expected) in [
            (Endpoint::StreamAudit, "application/vnd.atlas.2023-02-01+gzip", true),
            (Endpoint::StreamAudit, "application/gzip", true),
            (Endpoint::StreamAudit, "Application/Octet-Stream", true),
            (Endpoint::StreamAudit, "application/vnd.atlas.2023-02-01+json", false),
            (Endpoint::StreamAudit, "text/html", false),
            (Endpoint::AccessHistory, "application/vnd.atlas.2023-01-01+json;charset=utf-8", true),
            (Endpoint::AccessHistory, "application/json; charset=utf-8", true),
            (Endpoint::AccessHistory, "text/html; charset=utf-8", false),
            (Endpoint::AccessHistory, "application/gzip", false),
            (Endpoint::Projects, "", false),
        ] {
            assert_eq!(endpoint.takes(content_type), expected, "{endpoint:?} {content_type}");
        }
    }
}
