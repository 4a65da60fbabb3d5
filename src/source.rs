//! A source: one stream of records to archive, and what it is called.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The two kinds of source, one for each endpoint of the Atlas Administration API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The audit log of a stream processing instance.
    StreamAudit,
    /// The database access history of a cluster.
    AccessHistory,
}

impl Kind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::StreamAudit, Self::AccessHistory];

    /// `stream-audit` or `access-history`: the form used in names of sources and folders.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StreamAudit => "stream-audit",
            Self::AccessHistory => "access-history",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("{text:?} is not a kind of source")))
    }
}

/// Which authentication attempts Atlas is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthResult {
    /// Successes and failures, and entries that say neither.
    #[default]
    All,
    /// Only successes.
    Success,
    /// Only failures.
    Failure,
}

impl AuthResult {
    /// The form used in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// What of a cluster's access history is archived; the default is everything.
///
/// It is part of a source's identity: another filter is another source, with a folder of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    /// Successes, failures or both.
    pub auth_result: AuthResult,
    /// Only attempts from this address.
    pub ip_address: Option<IpAddr>,
}

impl fmt::Display for Filter {
    /// The empty string for everything, else for example `auth_result=failure,ip_address=203.0.113.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if self.auth_result != AuthResult::All {
            write!(f, "auth_result={}", self.auth_result.as_str())?;
            separator = ",";
        }
        match self.ip_address {
            Some(address) => write!(f, "{separator}ip_address={address}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Filter {
    type Err = ();

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut filter = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            match part.split_once('=').ok_or(())? {
                ("auth_result", "success") => filter.auth_result = AuthResult::Success,
                ("auth_result", "failure") => filter.auth_result = AuthResult::Failure,
                ("ip_address", address) => filter.ip_address = Some(address.parse().map_err(|_| ())?),
                _ => return Err(()),
            }
        }
        Ok(filter)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("{text:?} is not a filter")))
    }
}

/// What makes a source the same source for ever: project id, kind, name and filter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId {
    /// The Atlas project (the API's *group*): 24 hexadecimal digits.
    pub project_id: String,
    /// Which endpoint.
    pub kind: Kind,
    /// The name of the stream instance (free text) or of the cluster.
    pub name: String,
    /// What of it; always the default for a stream instance's audit log.
    pub filter: Filter,
}

/// A source of the configuration: its identity and the name under which people know its project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// What makes it this source.
    pub id: SourceId,
    /// The project's display name in the configuration. It may change.
    pub project_name: String,
}

impl fmt::Display for Source {
    /// For example `payments/access-history/prod-0`, as on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project_name, self.id.kind, self.id.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_back_as_it_was_written() {
        for auth_result in [AuthResult::All, AuthResult::Success, AuthResult::Failure] {
            for ip_address in [None, Some("203.0.113.9"), Some("2001:db8::1")] {
                let ip_address = ip_address.and_then(|address| address.parse().ok());
                let filter = Filter { auth_result, ip_address };
                assert_eq!(filter.to_string().parse(), Ok(filter));
            }
        }
        assert_eq!("colour=red".parse::<Filter>(), Err(()));
    }
}
