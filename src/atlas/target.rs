//! What one GET asks for: an endpoint and its URL.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::{
    ask::Ask, encoding::Encoding, endpoint::Endpoint, listing::Listing, request_error::RequestError,
    transport::Transport,
};
use crate::source::{AuthResult, Kind};

/// The most entries that one page of access history can have (documented), and what is always asked for.
pub const PAGE_LIMIT: u64 = 20_000;
/// The most items that one page of a list can have (documented).
const ITEMS_PER_PAGE: u32 = 500;

/// All but the unreserved characters of RFC 3986: a stream instance's name is free text.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An endpoint and the URL that is asked there.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    /// How the answer may be encoded.
    pub(super) encoding: Encoding,
    pub(super) url: Url,
    /// Path and query exactly as they go over the wire: Digest signs them.
    pub(super) uri: String,
}

impl Target {
    /// The window in the unit of the endpoint: whole seconds rounded outwards, or milliseconds.
    pub(super) fn ask(transport: &Transport, ask: &Ask<'_>) -> Result<Self, RequestError> {
        let source = ask.source;
        let project = escape(&source.project_id);
        let name = escape(&source.name);
        let (from, to) = (ask.asked.from, ask.asked.to);
        let uri = match source.kind {
            Kind::StreamAudit => format!(
                "/api/atlas/v2/groups/{project}/streams/{name}/auditLogs?startDate={}&endDate={}",
                from.seconds_floor().max(0),
                to.seconds_ceil().max(0)
            ),
            Kind::AccessHistory => {
                let mut uri = format!(
                    "/api/atlas/v2/groups/{project}/dbAccessHistory/clusters/{name}?start={}&end={}&nLogs={PAGE_LIMIT}",
                    from.millis().max(0),
                    to.millis().max(0)
                );
                match ask.auth_result {
                    AuthResult::All => {}
                    AuthResult::Success => uri.push_str("&authResult=true"),
                    AuthResult::Failure => uri.push_str("&authResult=false"),
                }
                if let Some(address) = source.filter.ip_address {
                    // Writing into a string cannot fail.
                    let _ = write!(uri, "&ipAddress={}", escape(&address.to_string()));
                }
                uri
            }
        };
        Self::new(transport, source.kind.into(), uri)
    }

    /// The first page of a list.
    pub(super) fn list(transport: &Transport, listing: &Listing<'_>) -> Result<Self, RequestError> {
        let path = match listing {
            Listing::Projects => "groups".to_owned(),
            Listing::Clusters { project_id } => format!("groups/{}/clusters", escape(project_id)),
            Listing::StreamInstances { project_id } => format!("groups/{}/streams", escape(project_id)),
        };
        let uri = format!("/api/atlas/v2/{path}?pageNum=1&itemsPerPage={ITEMS_PER_PAGE}");
        Self::new(transport, listing.endpoint(), uri)
    }

    /// A path that needs credentials, whatever it answers.
    pub(super) fn prime(transport: &Transport, path: &str) -> Result<Self, RequestError> {
        Self::new(transport, Endpoint::Projects, path.to_owned())
    }

    /// Any path and query of `endpoint`.
    pub(super) fn new(transport: &Transport, endpoint: Endpoint, uri: String) -> Result<Self, RequestError> {
        Ok(Self { endpoint, encoding: Encoding::asked(endpoint), url: transport.url(&uri)?, uri })
    }

    /// The path without the query.
    pub(super) fn path(&self) -> &str {
        self.url.path()
    }
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}
