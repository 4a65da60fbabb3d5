//! Who may ask: service accounts and API keys, with their roles in projects.

use std::collections::BTreeMap;

use crate::{instant::Instant, source::Kind};

/// A role in a project, as far as the two endpoints tell roles apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Project Owner: everything.
    Owner,
    /// Project Stream Processing Owner.
    StreamProcessingOwner,
    /// Project Data Access Admin.
    DataAccessAdmin,
    /// Project Monitoring Admin.
    MonitoringAdmin,
    /// Project Database Access Admin.
    DatabaseAccessAdmin,
    /// Project Read Only: discovery, and neither endpoint.
    ReadOnly,
}

impl Role {
    /// Whether the role is enough for the endpoint of `kind`.
    #[must_use]
    pub fn allows(self, kind: Kind) -> bool {
        match self {
            Self::Owner => true,
            Self::StreamProcessingOwner | Self::DataAccessAdmin => kind == Kind::StreamAudit,
            Self::MonitoringAdmin | Self::DatabaseAccessAdmin => kind == Kind::AccessHistory,
            Self::ReadOnly => false,
        }
    }
}

/// The roles of an account, by project id. A project that is not in it is a foreign one.
pub type Grants = BTreeMap<String, Vec<Role>>;

/// A service account: OAuth 2.0 client credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// `mdb_sa_id_…`
    pub client_id: String,
    /// Its secrets, each with the instant at which it ends, if it does.
    pub secrets: Vec<(String, Option<Instant>)>,
    /// Its roles.
    pub grants: Grants,
}

impl ServiceAccount {
    /// An account with one secret that does not end, and no roles.
    #[must_use]
    pub fn new(client_id: &str, secret: &str) -> Self {
        let secrets = vec![(secret.to_owned(), None)];
        Self { client_id: client_id.to_owned(), secrets, grants: Grants::new() }
    }

    /// The same with a role in a project.
    #[must_use]
    pub fn with_role(mut self, project_id: &str, role: Role) -> Self {
        self.grants.entry(project_id.to_owned()).or_default().push(role);
        self
    }

    /// Whether `secret` is one of its secrets at `now`.
    pub(crate) fn accepts(&self, secret: &str, now: Instant) -> bool {
        self.secrets.iter().any(|(known, ends)| known == secret && ends.is_none_or(|ends| now < ends))
    }
}

/// An API key: HTTP Digest.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The user name.
    pub public_key: String,
    /// The password.
    pub private_key: String,
    /// Its roles.
    pub grants: Grants,
}

impl ApiKey {
    /// A key without roles.
    #[must_use]
    pub fn new(public_key: &str, private_key: &str) -> Self {
        Self { public_key: public_key.to_owned(), private_key: private_key.to_owned(), grants: Grants::new() }
    }

    /// The same with a role in a project.
    #[must_use]
    pub fn with_role(mut self, project_id: &str, role: Role) -> Self {
        self.grants.entry(project_id.to_owned()).or_default().push(role);
        self
    }
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}
