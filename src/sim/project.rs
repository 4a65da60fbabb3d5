//! What exists at the simulated Atlas: projects with their clusters and stream instances.

use super::truth::Profile;

/// What a cluster runs on. It decides whether its access history can be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// M10 and larger.
    #[default]
    Dedicated,
    /// M0, M2 or M5: `providerName` is `TENANT` in the list of clusters, and there is no access history.
    Shared,
    /// Flex: refused through the cluster API, and not in its list.
    Flex,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name in the API.
    pub name: String,
    /// What it runs on.
    pub tier: Tier,
    /// Whether it is paused. Its access history is still there.
    pub paused: bool,
    /// The generated part of its access history.
    pub profile: Option<Profile>,
}

impl Cluster {
    /// A dedicated cluster in which nothing happens but what is given.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), tier: Tier::default(), paused: false, profile: None }
    }

    /// The same with a generated access history.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// The same on another tier.
    #[must_use]
    pub fn on(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }
}

/// A stream processing instance (of late a *workspace*).
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInstance {
    /// Its name: free text, the `tenantName` of the API.
    pub name: String,
    /// The generated part of its audit log.
    pub profile: Option<Profile>,
}

impl StreamInstance {
    /// An instance in which nothing happens but what is given.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), profile: None }
    }

    /// The same with a generated audit log.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }
}

/// A project (the API's *group*).
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// 24 hexadecimal digits.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// Its clusters, in the order of the list.
    pub clusters: Vec<Cluster>,
    /// Its stream instances, in the order of the list.
    pub stream_instances: Vec<StreamInstance>,
}

impl Project {
    /// An empty project.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), clusters: Vec::new(), stream_instances: Vec::new() }
    }

    /// The same with one more cluster.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Cluster) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// The same with one more stream instance.
    #[must_use]
    pub fn with_stream_instance(mut self, instance: StreamInstance) -> Self {
        self.stream_instances.push(instance);
        self
    }
}
