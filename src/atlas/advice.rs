//! What a person has to do about a failed request.

use super::{
    auth::Identity,
    error_body::{Code, ErrorBody},
    listing::Listing,
    request_error::RequestError,
};
use crate::source::{Kind, Source};

/// What to do about an answer that Atlas does not give.
pub(crate) const NOT_ATLAS: &str = "check atlas.base_url, and whether a proxy answers in place of Atlas";

impl RequestError {
    /// What to do so that `source` can be collected, as a sentence; None where time or a retry may help.
    ///
    /// The roles are those that the vendor documents for the two endpoints, the least powerful first.
    #[must_use]
    pub fn advice(&self, source: &Source) -> Option<String> {
        match self {
            Self::Token(error) => error.advice(source),
            Self::Refused { status, error, identity } => {
                self.advice_of_all().or_else(|| about_source(*status, error, identity, source))
            }
            _ => self.advice_of_all(),
        }
    }

    /// What to do so that a list can be had, likewise.
    #[must_use]
    pub fn advice_on_list(&self, listing: Listing<'_>) -> Option<String> {
        match self {
            Self::Token(error) => error.advice_on_list(listing),
            Self::Refused { status, error, identity } => {
                self.advice_of_all().or_else(|| about_list(*status, error, identity, listing))
            }
            _ => self.advice_of_all(),
        }
    }

    /// What to do whatever was asked for.
    #[must_use]
    pub fn advice_of_all(&self) -> Option<String> {
        match self {
            Self::Refused { status, error, identity } => about_all(*status, error, identity),
            Self::Token(error) => error.advice_of_all(),
            Self::TokenRefused { refusal, identity, place, .. } if refusal.is_invalid_client() => Some(format!(
                "the secret of the {identity} has expired or is wrong: make a new one in Atlas and put it into {place}"
            )),
            Self::TokenRefused { identity, place, .. } => {
                Some(format!("check that the {identity} exists in Atlas, and its secret in {place}"))
            }
            Self::WrongKey { identity, place } => Some(format!(
                "check that the {identity} exists in Atlas and that its private key is in {place}; Atlas shows a \
                 private key only once, so make a new key if in doubt"
            )),
            Self::Secret(error) => Some(format!("put the secret into {}", error.place)),
            Self::Connect { host, cause } if cause.is_certificate() => Some(format!(
                "the certificate of {host} is not trusted: set atlas.ca_file if a proxy of yours opens TLS connections"
            )),
            Self::Redirect { .. } | Self::MediaType { .. } | Self::Encoding { .. } => Some(NOT_ATLAS.to_owned()),
            _ => None,
        }
    }
}

fn about_all(status: u16, error: &ErrorBody, identity: &Identity) -> Option<String> {
    match (status, error.code) {
        (_, Some(Code::IpAddressNotOnAccessList)) => {
            let address = error.parameters.iter().find(|parameter| is_address(parameter));
            let address = address.map_or("the address of this machine", String::as_str);
            Some(format!("add {address} to the API access list of the {identity}"))
        }
        (..300, _) => Some(NOT_ATLAS.to_owned()),
        (406 | 410, _) | (_, Some(Code::InvalidVersionDate | Code::VersionGone)) => Some(
            "Atlas does not serve this version of its API any more: this atlas-logd is too old, install a newer one"
                .to_owned(),
        ),
        _ => None,
    }
}

fn about_source(status: u16, error: &ErrorBody, identity: &Identity, source: &Source) -> Option<String> {
    let (name, project) = (&source.id.name, project(source));
    match (status, error.code) {
        (_, Some(Code::FlexCluster)) => Some(format!(
            "'{name}' is a shared-tier cluster, for which Atlas has no access history: remove it from the configuration"
        )),
        // Which code there is for the other tiers is not documented.
        (400, _) if source.id.kind == Kind::AccessHistory => Some(format!(
            "Atlas has no access history of M0, M2, M5, Flex and serverless clusters: if '{name}' is one of them, remove \
             it from the configuration"
        )),
        (_, Some(Code::GroupNotFound)) => {
            Some(format!("there is no {project} that the {identity} can see: check its id in the configuration"))
        }
        (404, _) | (_, Some(Code::ClusterNotFound)) => {
            let what = match source.id.kind {
                Kind::StreamAudit => "stream instance",
                Kind::AccessHistory => "cluster",
            };
            Some(format!(
                "there is no {what} '{name}' in {project}: check the name, or remove it from the configuration"
            ))
        }
        (401 | 403, _) | (_, Some(Code::RoleMissing)) => {
            Some(format!("grant the {identity} {} in {project}", roles(source.id.kind)))
        }
        _ => None,
    }
}

/// The role is the one that the vendor documents for listing.
fn about_list(status: u16, error: &ErrorBody, identity: &Identity, listing: Listing<'_>) -> Option<String> {
    let is_denied = matches!(status, 401 | 403) || error.code == Some(Code::RoleMissing);
    match listing {
        Listing::Projects if is_denied => {
            Some(format!("grant the {identity} a role in its organisation with which it may list projects"))
        }
        Listing::Projects => None,
        Listing::Clusters { project_id } | Listing::StreamInstances { project_id } => match error.code {
            Some(Code::GroupNotFound) => Some(format!(
                "there is no project {project_id} that the {identity} can see: check its id in the configuration"
            )),
            _ if is_denied => {
                Some(format!("grant the {identity} the role 'Project Read Only' in the project {project_id}"))
            }
            _ => None,
        },
    }
}

fn roles(kind: Kind) -> &'static str {
    match kind {
        Kind::StreamAudit => {
            "the role 'Project Stream Processing Owner' (or a Project Data Access role, or 'Project Owner')"
        }
        Kind::AccessHistory => "the role 'Project Monitoring Admin' (or 'Project Database Access Admin')",
    }
}

fn project(source: &Source) -> String {
    format!("project '{}' ({})", source.project_name, source.id.project_id)
}

fn is_address(parameter: &str) -> bool {
    parameter.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{super::auth::SecretPlace, super::auth::TokenRefusal, *};
    use crate::source::{Filter, SourceId};

    fn source(kind: Kind) -> Source {
        let id = SourceId { project_id: "32b6e34b".into(), kind, name: "prod-0".into(), filter: Filter::default() };
        Source { id, project_name: "payments".into() }
    }

    fn refused(status: u16, body: &str) -> RequestError {
        let identity = Identity::ServiceAccount("mdb_sa_id_1".into());
        RequestError::Refused { status, error: ErrorBody::parse(body.as_bytes()), identity }
    }

    fn advice(error: &RequestError, kind: Kind) -> String {
        error.advice(&source(kind)).unwrap_or_default()
    }

    #[test]
    fn names_the_role_the_credential_and_the_project() {
        for body in [r#"{"errorCode":"USER_UNAUTHORIZED"}"#, r#"{"errorCode":"NOT_IN_GROUP"}"#, "", "<html>"] {
            assert_eq!(
                advice(&refused(401, body), Kind::AccessHistory),
                "grant the service account mdb_sa_id_1 the role 'Project Monitoring Admin' (or 'Project Database \
                 Access Admin') in project 'payments' (32b6e34b)"
            );
        }
        assert!(advice(&refused(403, ""), Kind::StreamAudit).contains("'Project Stream Processing Owner'"));
    }

    #[test]
    fn names_the_address_for_the_access_list() {
        let body = r#"{"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST","parameters":[7,"203.0.113.4"]}"#;
        assert_eq!(
            advice(&refused(403, body), Kind::AccessHistory),
            "add 203.0.113.4 to the API access list of the service account mdb_sa_id_1"
        );
        let body = r#"{"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST"}"#;
        assert!(advice(&refused(403, body), Kind::AccessHistory).starts_with("add the address of this machine"));
    }

    #[test]
    fn tells_missing_things_apart() {
        let flex = refused(400, r#"{"errorCode":"CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}"#);
        assert!(advice(&flex, Kind::AccessHistory).starts_with("'prod-0' is a shared-tier cluster"));
        let other = refused(400, r#"{"errorCode":"SOMETHING_ELSE"}"#);
        assert!(
            advice(&other, Kind::AccessHistory)
                .ends_with("if 'prod-0' is one of them, remove it from the configuration")
        );
        assert_eq!(advice(&other, Kind::StreamAudit), "");
        let group = refused(404, r#"{"errorCode":"GROUP_NOT_FOUND"}"#);
        assert!(advice(&group, Kind::AccessHistory).starts_with("there is no project 'payments' (32b6e34b)"));
        let cluster = refused(404, r#"{"errorCode":"CLUSTER_NOT_FOUND"}"#);
        assert!(advice(&cluster, Kind::AccessHistory).starts_with("there is no cluster 'prod-0' in project"));
        let instance = refused(404, r#"{"errorCode":"STREAM_TENANT_NOT_FOUND_FOR_NAME"}"#);
        assert!(advice(&instance, Kind::StreamAudit).starts_with("there is no stream instance 'prod-0' in project"));
        for old in [refused(406, r#"{"errorCode":"INVALID_VERSION_DATE"}"#), refused(410, "")] {
            assert!(advice(&old, Kind::StreamAudit).contains("too old"));
        }
    }

    #[test]
    fn names_the_file_of_an_expired_secret() {
        let refusal = TokenRefusal { error: Some("invalid_client".into()), description: None };
        let identity = Identity::ServiceAccount("mdb_sa_id_1".into());
        let place = SecretPlace::File("/etc/secret".into());
        let error = RequestError::Token(Box::new(RequestError::TokenRefused { status: 401, refusal, identity, place }));
        assert_eq!(
            advice(&error, Kind::StreamAudit),
            "the secret of the service account mdb_sa_id_1 has expired or is wrong: make a new one in Atlas and put it \
             into the file /etc/secret"
        );
        assert_eq!(
            error.to_string(),
            "no access token: the service account mdb_sa_id_1 was not accepted: 401 (invalid_client)"
        );
    }

    #[test]
    fn says_nothing_where_time_helps() {
        let error = RequestError::Server { status: 502, retry_after: None, error: ErrorBody::default() };
        assert_eq!(error.advice(&source(Kind::StreamAudit)), None);
        assert_eq!(refused(400, r#"{"errorCode":"OTHER"}"#).advice(&source(Kind::StreamAudit)), None);
    }
}
