//! What Atlas lists, for what is said about a name that it does not know. Each list is asked for once, and only when it is
//! needed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::{
    atlas::{Client, Listed, Listing},
    source::Kind,
};

type List = Arc<OnceCell<Option<Vec<Listed>>>>;

/// The lists of all projects so far.
#[derive(Debug, Default)]
pub(super) struct ListedNames(Mutex<HashMap<(String, Kind), List>>);

impl ListedNames {
    /// Looks into the list of a project; nothing where it cannot be had.
    pub(super) async fn look<T>(
        &self,
        client: &Client,
        project_id: &str,
        kind: Kind,
        look: impl FnOnce(&[Listed]) -> Option<T>,
    ) -> Option<T> {
        let list = {
            let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(lists.entry((project_id.to_owned(), kind)).or_default())
        };
        let listing = match kind {
            Kind::StreamAudit => Listing::StreamInstances { project_id },
            Kind::AccessHistory => Listing::Clusters { project_id },
        };
        let listed = list.get_or_init(|| async { client.list(listing).await.ok() }).await;
        look(listed.as_deref()?)
    }
}
