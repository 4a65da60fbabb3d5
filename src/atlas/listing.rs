//! The discovery lists: what is there that could be collected.

use serde::Deserialize;

use super::endpoint::Endpoint;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing<'a> {
    /// All projects that the credential can see.
    Projects,
    /// The clusters of a project.
    Clusters {
        /// The project.
        project_id: &'a str,
    },
    /// The stream instances of a project.
    StreamInstances {
        /// The project.
        project_id: &'a str,
    },
}

impl Listing<'_> {
    pub(super) fn endpoint(self) -> Endpoint {
        match self {
            Self::Projects => Endpoint::Projects,
            Self::Clusters { .. } => Endpoint::Clusters,
            Self::StreamInstances { .. } => Endpoint::StreamInstances,
        }
    }
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The project's id; None for clusters and stream instances, which are known by name.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// For a cluster: whether it is paused.
    pub paused: bool,
    /// For a cluster: whether its provider is `TENANT`, so that there is no access history of it.
    pub shared_tier: bool,
}

/// A page of a list, with what is needed of it. An item without a name is passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// Every list has it, also an empty one: what does not is the answer of somebody else.
    results: Vec<Item>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: Option<String>,
    name: Option<String>,
    paused: Option<bool>,
    replication_specs: Option<Vec<ReplicationSpec>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplicationSpec {
    region_configs: Option<Vec<RegionConfig>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegionConfig {
    provider_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: Option<String>,
    rel: Option<String>,
}

impl Page {
    /// None when the body is not such a page.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        // An array would be read as the fields in their order.
        if !body.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    /// The link to the next page, if there is one.
    pub(super) fn next(&self) -> Option<&str> {
        let next = self.links.iter().find(|link| link.rel.as_deref() == Some("next"))?;
        next.href.as_deref()
    }

    /// The items of this page of `listing`.
    pub(super) fn into_items(self, listing: Listing<'_>) -> impl Iterator<Item = Listed> {
        let is_project = listing == Listing::Projects;
        self.results.into_iter().filter_map(move |item| {
            let shared_tier = item.is_shared_tier();
            let id = item.id.filter(|_| is_project);
            Some(Listed { id, name: item.name?, paused: item.paused.unwrap_or(false), shared_tier })
        })
    }
}

impl Item {
    fn is_shared_tier(&self) -> bool {
        let specs = self.replication_specs.iter().flatten();
        let mut regions = specs.flat_map(|spec| spec.region_configs.iter().flatten());
        regions.any(|region| region.provider_name.as_deref() == Some("TENANT"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(body: &str, listing: Listing<'_>) -> Vec<Listed> {
        Page::parse(body.as_bytes()).unwrap().into_items(listing).collect()
    }

    #[test]
    fn a_shared_tier_cluster_is_known_by_its_provider() {
        let cluster = |name: &str, provider: &str| {
            format!(
                r#"{{"id":"6a79","name":"{name}","paused":true,"terminationProtectionEnabled":false,
                    "replicationSpecs":[{{"regionConfigs":[{{"providerName":"{provider}","backingProviderName":"AWS"}}]}}]}}"#
            )
        };
        let body =
            format!(r#"{{"results":[{},{}],"totalCount":9}}"#, cluster("big", "AWS"), cluster("small", "TENANT"));
        let found = items(&body, Listing::Clusters { project_id: "p" });
        let names: Vec<_> = found.iter().map(|item| (item.name.as_str(), item.shared_tier)).collect();
        assert_eq!(names, [("big", false), ("small", true)]);
        assert!(found[0].paused && found[0].id.is_none());
    }

    #[test]
    fn reads_leniently_but_only_pages() {
        let body = r#"{"results":[{"id":"p1","name":"payments"},{"id":"p2"}],"links":[{"rel":"self"},{"rel":"next","href":"/x"}]}"#;
        let page = Page::parse(body.as_bytes()).unwrap();
        assert_eq!(page.next(), Some("/x"));
        assert_eq!(items(body, Listing::Projects).len(), 1);
        assert_eq!(items(body, Listing::Projects)[0].id.as_deref(), Some("p1"));
        assert!(items(" {\"results\":[]}", Listing::Projects).is_empty());
        for other in ["", "<html>", "{}", "[]", "[[]]", "[[],[]]", "null", r#"{"foo":1}"#, r#"{"results":7}"#] {
            assert!(Page::parse(other.as_bytes()).is_none(), "{other}");
        }
    }
}
