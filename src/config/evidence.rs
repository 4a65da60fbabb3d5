//! The section `[evidence]`.

use super::{
    Evidence, keys,
    secret::{Secrets, Surroundings},
    table::Table,
};
use crate::evidence::Signer;

/// Reads `[evidence]`.
pub(super) fn read(document: &Table<'_>, surroundings: Surroundings<'_>) -> Evidence {
    let table = document.table("evidence", keys::EVIDENCE);
    let signing_key = table.parsed("signing_key", "atlas-signing-key", |text| {
        let path = surroundings.key_in_file(text)?;
        if surroundings.secrets == Secrets::AreNotNeeded {
            return Ok(path);
        }
        // A key that cannot sign is told now, and not when the first segment is sealed.
        Signer::read(&path).map(|_| path).map_err(|error| error.to_string())
    });
    Evidence { signing_key }
}
