//! Which endpoint a path is.

use percent_encoding::percent_decode_str;

use crate::{
    sim::{World, settings::Endpoint},
    source::{Kind, SourceId},
};

/// An endpoint with what stands in its path, percent-decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Token,
    Revoke,
    Groups,
    Clusters { group: String },
    Streams { group: String },
    AuditLogs { group: String, tenant: String },
    AccessHistory { group: String, cluster: String },
}

impl Route {
    /// The endpoint of a path as sent.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let decode = |part: &str| percent_decode_str(part).decode_utf8().ok().map(|text| text.into_owned());
        let parts: Vec<String> = path.strip_prefix("/api/")?.split('/').map(decode).collect::<Option<_>>()?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let owned = str::to_owned;
        Some(match parts[..] {
            ["oauth", "token"] => Self::Token,
            ["oauth", "revoke"] => Self::Revoke,
            ["atlas", "v2", "groups"] => Self::Groups,
            ["atlas", "v2", "groups", group, "clusters"] => Self::Clusters { group: owned(group) },
            ["atlas", "v2", "groups", group, "streams"] => Self::Streams { group: owned(group) },
            ["atlas", "v2", "groups", group, "streams", tenant, "auditLogs"] => {
                Self::AuditLogs { group: owned(group), tenant: owned(tenant) }
            }
            ["atlas", "v2", "groups", group, "dbAccessHistory", "clusters", cluster] => {
                Self::AccessHistory { group: owned(group), cluster: owned(cluster) }
            }
            _ => return None,
        })
    }

    /// The only method of the endpoint.
    pub(super) fn method(&self) -> &'static str {
        if matches!(self, Self::Token | Self::Revoke) { "POST" } else { "GET" }
    }

    /// The source that it asks for.
    pub(super) fn source(&self) -> Option<SourceId> {
        match self {
            Self::AuditLogs { group, tenant } => Some(World::source(group, Kind::StreamAudit, tenant)),
            Self::AccessHistory { group, cluster } => Some(World::source(group, Kind::AccessHistory, cluster)),
            _ => None,
        }
    }

    /// The project that it belongs to.
    pub(super) fn group(&self) -> Option<&str> {
        match self {
            Self::Clusters { group }
            | Self::Streams { group }
            | Self::AuditLogs { group, .. }
            | Self::AccessHistory { group, .. } => Some(group),
            Self::Token | Self::Revoke | Self::Groups => None,
        }
    }

    /// Endpoint, payload suffix of its media types, and the recorded `X-Java-Method`; nothing for OAuth.
    pub(super) fn resource(&self) -> Option<(Endpoint, &'static str, &'static str)> {
        match self {
            Self::Token | Self::Revoke => None,
            Self::Groups => Some((Endpoint::Groups, "json", "ApiAtlasGroupsResource::getAllGroups")),
            Self::Clusters { .. } => {
                Some((Endpoint::Clusters, "json", "ApiAtlasClusterDescriptionResource20240805::getAllClusters"))
            }
            Self::Streams { .. } => Some((Endpoint::Streams, "json", "ApiStreamsResource::getGroupTenants")),
            Self::AuditLogs { .. } => Some((Endpoint::AuditLogs, "gzip", "ApiStreamsResource::getAuditLogsForTenant")),
            Self::AccessHistory { .. } => {
                Some((Endpoint::AccessHistory, "json", "ApiAtlasMongoDBAccessLogsResource::getAccessLogsOfCluster"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_after_the_path_was_split() {
        let path = "/api/atlas/v2/groups/0123456789abcdef01234567/streams/a%2Fb%20%C3%BC/auditLogs";
        let Some(Route::AuditLogs { tenant, .. }) = Route::parse(path) else { panic!("no audit log") };
        assert_eq!(tenant, "a/b ü");
        assert_eq!(Route::parse("/api/atlas/v2/groups/"), None);
        assert_eq!(Route::parse("/api/atlas/v1.0/groups"), None);
        assert_eq!(Route::parse("/api/oauth/token"), Some(Route::Token));
    }
}
