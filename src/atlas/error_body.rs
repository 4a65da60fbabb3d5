//! What Atlas says about a refusal: `{"error":404,"errorCode":"…","detail":"…","reason":"…","parameters":[…]}`.

use std::fmt;

use serde_json::Value;

use crate::shown::excerpt;

const DETAIL_CHARACTERS: usize = 300;
const CODE_CHARACTERS: usize = 80;
const PARAMETERS: usize = 8;

/// The error codes that decide what a person has to do. Documented or recorded by the vendor, except where noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The address from which we ask is not on the API access list.
    IpAddressNotOnAccessList,
    /// A role is missing: `USER_UNAUTHORIZED`, `NOT_IN_GROUP` or `USER_CANNOT_ACCESS_GROUP`.
    RoleMissing,
    /// There is no such cluster.
    ClusterNotFound,
    /// There is no such project.
    GroupNotFound,
    /// The cluster is a Flex cluster.
    FlexCluster,
    /// Atlas does not know the version that we asked for.
    InvalidVersionDate,
    /// Atlas does not serve the version any more that we asked for.
    VersionGone,
    /// Any other code.
    Other,
}

impl Code {
    fn parse(text: &str) -> Self {
        match text {
            "IP_ADDRESS_NOT_ON_ACCESS_LIST" => Self::IpAddressNotOnAccessList,
            "USER_UNAUTHORIZED" | "NOT_IN_GROUP" | "USER_CANNOT_ACCESS_GROUP" => Self::RoleMissing,
            "CLUSTER_NOT_FOUND" => Self::ClusterNotFound,
            "GROUP_NOT_FOUND" => Self::GroupNotFound,
            "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API" => Self::FlexCluster,
            "INVALID_VERSION_DATE" => Self::InvalidVersionDate,
            "VERSION_GONE" => Self::VersionGone,
            _ => Self::Other,
        }
    }
}

/// An error body, as far as it could be read; all of it short and printable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// What `errorCode` means to us. None where there is none, for example because a proxy answered.
    pub code: Option<Code>,
    /// `errorCode` as sent.
    pub name: Option<String>,
    /// `detail`, else `reason`.
    pub detail: Option<String>,
    /// `parameters` that are strings or numbers.
    pub parameters: Vec<String>,
}

impl ErrorBody {
    /// The most that is read of an error's body, in bytes.
    pub(super) const LIMIT: usize = 64 << 10;

    /// Reads a body leniently: any field can be null, absent or of another type, and it need not be JSON at all.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else { return Self::default() };
        let text = |field: &str| body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let parameters = body.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Self {
            code: text("errorCode").map(Code::parse),
            name: text("errorCode").map(|name| excerpt(name, CODE_CHARACTERS)),
            detail: text("detail").or(text("reason")).map(|detail| excerpt(detail, DETAIL_CHARACTERS)),
            parameters: parameters.iter().take(PARAMETERS).filter_map(parameter).collect(),
        }
    }
}

fn parameter(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(excerpt(text, CODE_CHARACTERS)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl fmt::Display for ErrorBody {
    /// Continues a sentence: empty, or for example ` (CLUSTER_NOT_FOUND: No cluster named x exists)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.detail) {
            (Some(name), Some(detail)) => write!(f, " ({name}: {detail})"),
            (Some(text), None) | (None, Some(text)) => write!(f, " ({text})"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_atlas_sends() {
        let body = ErrorBody::parse(
            br#"{"detail":"No cluster named x exists.","error":404,"errorCode":"CLUSTER_NOT_FOUND",
                "parameters":["x",55,null,{}],"reason":"Not Found"}"#,
        );
        assert_eq!(body.code, Some(Code::ClusterNotFound));
        assert_eq!(body.parameters, ["x", "55"]);
        assert_eq!(body.to_string(), " (CLUSTER_NOT_FOUND: No cluster named x exists.)");
    }

    #[test]
    fn any_field_can_be_absent_null_or_of_another_type() {
        for body in [
            &b""[..],
            b"<html>Bad Gateway</html>",
            b"{}",
            b"[]",
            b"null",
            br#"{"detail":null,"errorCode":null,"parameters":null,"reason":null}"#,
            br#"{"detail":1,"errorCode":[],"parameters":"x","reason":{}}"#,
            br#"{"detail":"cut of"#,
        ] {
            assert_eq!(ErrorBody::parse(body), ErrorBody::default(), "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(ErrorBody::parse(br#"{"reason":"Conflict"}"#).to_string(), " (Conflict)");
        assert_eq!(ErrorBody::parse(br#"{"errorCode":"NEW"}"#).to_string(), " (NEW)");
    }

    #[test]
    fn a_hostile_body_stays_short_and_printable() {
        let body = format!(r#"{{"errorCode":"{0}","detail":"\u001b[2J{0}","parameters":["{0}"]}}"#, "x".repeat(10_000));
        let body = ErrorBody::parse(body.as_bytes());
        assert!(body.to_string().chars().count() < 500);
        assert!(!body.to_string().contains('\u{1b}'));
        assert!(body.parameters[0].len() < 100);
    }
}
