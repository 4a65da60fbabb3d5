//! The section `[http]`.

use std::net::SocketAddr;

use super::{Http, keys, table::Table};

/// Reads `[http]`.
pub(super) fn read(document: &Table<'_>) -> Http {
    let table = document.table("http", keys::HTTP);
    let listen = table.parsed("listen", "127.0.0.1:9187", |text| {
        text.parse::<SocketAddr>().map_err(|_| format!("{text:?} is no address with a port"))
    });
    Http { listen }
}
