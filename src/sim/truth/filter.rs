//! The filters of an access history.

use serde_json::Value;

use super::event::Event;
use crate::source::{AuthResult, Filter};

/// Whether an access-history entry passes a filter. An entry that says neither success nor failure passes only
/// [`AuthResult::All`]; `authResult` may be a string.
pub(crate) fn passes(filter: Filter, event: &Event) -> bool {
    if filter == Filter::default() {
        return true;
    }
    let Ok(entry) = serde_json::from_slice::<Value>(&event.bytes) else { return false };
    let succeeded = match &entry["authResult"] {
        Value::Bool(result) => Some(*result),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let wanted_result = match filter.auth_result {
        AuthResult::All => true,
        AuthResult::Success => succeeded == Some(true),
        AuthResult::Failure => succeeded == Some(false),
    };
    let address = || entry["ipAddress"].as_str().and_then(|text| text.parse().ok());
    wanted_result && filter.ip_address.is_none_or(|wanted| address() == Some(wanted))
}
