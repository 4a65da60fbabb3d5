//! Who asks, and whether they may.

use std::net::IpAddr;

use super::{
    answer::Answer,
    errors::{ApiError, unauthenticated},
};
use crate::{
    sim::{
        AuthKind, Denial, Grants, Role, World,
        auth::{DigestAnswer, DigestVerdict, challenge, verify},
    },
    source::Kind,
};

/// An authenticated caller.
#[derive(Debug)]
pub(super) struct Caller {
    /// Client id or public key.
    pub(super) name: String,
    pub(super) grants: Grants,
}

/// The scheme of an `Authorization` header, and the rest of it.
pub(super) fn scheme(authorization: Option<&str>) -> (AuthKind, &str) {
    let Some(value) = authorization else { return (AuthKind::None, "") };
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let kind = match scheme.to_ascii_lowercase().as_str() {
        "basic" => AuthKind::Basic,
        "bearer" => AuthKind::Bearer,
        "digest" => AuthKind::Digest,
        _ => AuthKind::Other,
    };
    (kind, rest.trim())
}

/// Who it is that sent a request with this method and this path and query as sent; else a 401, with a challenge unless
/// it was a bearer token that is not accepted.
pub(super) fn authenticate(
    world: &World,
    authorization: Option<&str>,
    method: &str,
    uri: &str,
) -> Result<Caller, Answer> {
    match scheme(authorization) {
        (AuthKind::Bearer, token) => {
            let client_id = world.tokens().client_of(token, world.now()).ok_or_else(|| unauthenticated(None))?;
            let accounts = world.service_accounts();
            let account = accounts.iter().find(|account| account.client_id == client_id);
            let account = account.ok_or_else(|| unauthenticated(None))?;
            Ok(Caller { name: client_id, grants: account.grants.clone() })
        }
        (AuthKind::Digest, answer) => {
            let verdict =
                DigestAnswer::parse(answer).map_or(DigestVerdict::Wrong, |answer| verify(world, &answer, method, uri));
            let DigestVerdict::Proven(name) = verdict else {
                return Err(challenged(world, verdict == DigestVerdict::Stale));
            };
            let grants = world.api_keys().iter().find(|key| key.public_key == name).map(|key| key.grants.clone());
            Ok(Caller { name, grants: grants.unwrap_or_default() })
        }
        _ => Err(challenged(world, false)),
    }
}

fn challenged(world: &World, stale: bool) -> Answer {
    let nonce = world.draw(32);
    world.nonces().issue(nonce.clone(), world.now());
    unauthenticated(Some(challenge(&nonce, stale)))
}

/// Whether credentials may be used from `peer`.
pub(super) fn check_address(world: &World, peer: IpAddr) -> Result<(), ApiError> {
    if world.settings().access_list.is_none_or(|allowed| allowed.contains(&peer)) {
        return Ok(());
    }
    let detail = format!("IP address {peer} is not allowed to access this resource.");
    Err(ApiError::new(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", detail).with([peer.to_string().into()]))
}

impl Caller {
    /// Whether the caller may see the project, and with `kind` read that endpoint's sources in it.
    pub(super) fn check_project(&self, world: &World, group: &str, kind: Option<Kind>) -> Result<(), ApiError> {
        let valid = group.len() == 24 && group.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !valid {
            let detail = format!("An invalid group ID {group} was specified.");
            return Err(ApiError::new(400, "INVALID_GROUP_ID", detail).with([group.into()]));
        }
        if !world.projects().iter().any(|project| project.id == group) {
            let detail = format!("No group with ID {group} exists.");
            return Err(ApiError::new(404, "GROUP_NOT_FOUND", detail).with([group.into()]));
        }
        let denial = world.settings().denial;
        let status = if denial == Denial::Forbidden { 403 } else { 401 };
        let Some(roles) = self.grants.get(group) else {
            let (code, detail) = match denial {
                Denial::NotInGroup => {
                    ("NOT_IN_GROUP", "The current user is not in the group, or the group does not exist.")
                }
                Denial::Unauthorized | Denial::Forbidden => {
                    ("USER_CANNOT_ACCESS_GROUP", "The current user cannot access the group.")
                }
            };
            return Err(ApiError::new(status, code, detail).with([group.into()]));
        };
        let allowed = |role: &Role| kind.is_none_or(|kind| role.allows(kind));
        if roles.iter().any(allowed) {
            return Ok(());
        }
        let detail = "The current user is not authorized to perform this action.";
        Err(ApiError::new(status, "USER_UNAUTHORIZED", detail))
    }
}
