//! What exists at Atlas changes, and the configuration says only which of it is meant.

use atlas_logd::{
    sim::{Cluster, Match, Project, Role, StreamInstance, World},
    source::{Kind, Source},
};

use super::{CLIENT_ID, Configuration, HOUR, PAYMENTS, ProjectTable, Stage};

impl ProjectTable {
    /// All projects that the service account sees and whose name matches.
    pub(crate) fn discovering(patterns: &str) -> Self {
        Self { more: vec![format!("discover = {patterns}")], ..Self::payments() }
    }
}

impl Configuration {
    /// Sets what of the first project is meant, as it stands in the file.
    pub(crate) fn select(&mut self, key: &str, selection: &str) {
        let more = &mut self.projects[0].more;
        more.retain(|line| !line.starts_with(key));
        more.push(format!("{key} = {selection}"));
    }
}

/// A cluster of the project payments.
pub(crate) fn cluster(name: &str) -> Source {
    Source { id: World::source(PAYMENTS, Kind::AccessHistory, name), project_name: "payments".to_owned() }
}

/// The lists that were asked for, with credentials.
pub(crate) fn lists() -> [Match; 3] {
    ["/v2/groups", "/clusters", "/streams"].map(|path| Match::path(path).query("pageNum").authenticated())
}

impl Stage {
    /// Makes a cluster of the project payments at Atlas, with a record in it.
    pub(crate) fn make_cluster(&self, cluster: Cluster) -> Source {
        let source = self::cluster(&cluster.name);
        // What a daemon finds has its record.
        self.add_record(&source, HOUR, "one");
        self.change_payments(|project| project.clusters.push(cluster));
        source
    }

    /// Deletes a cluster of the project payments at Atlas, with all that it holds.
    pub(crate) fn delete_cluster(&self, source: &Source) {
        self.change_payments(|project| project.clusters.retain(|cluster| cluster.name != source.id.name));
        self.world.forget(&source.id);
    }

    pub(crate) fn change_payments(&self, change: impl FnOnce(&mut Project)) {
        self.world
            .change_projects(|projects| change(projects.iter_mut().find(|project| project.id == PAYMENTS).unwrap()));
    }

    /// Makes a project that the service account sees, with the stream instance `orders` and the cluster `prod-0`, and a record
    /// in each.
    pub(crate) fn make_project(&self, id: &str, name: &str) -> [Source; 2] {
        let project = Project::new(id, name);
        let project = project.with_stream_instance(StreamInstance::new("orders")).with_cluster(Cluster::new("prod-0"));
        self.world.add_project(project);
        let sources = [(Kind::StreamAudit, "orders"), (Kind::AccessHistory, "prod-0")].map(|(kind, source)| {
            let source = Source { id: World::source(id, kind, source), project_name: name.to_owned() };
            self.add_record(&source, HOUR, "one");
            source
        });
        // Nobody sees the project before.
        self.grant(id, Role::Owner);
        sources
    }

    pub(crate) fn grant(&self, project_id: &str, role: Role) {
        self.world.change_service_accounts(|accounts| {
            let account = accounts.iter_mut().find(|account| account.client_id == CLIENT_ID).unwrap();
            account.grants.insert(project_id.to_owned(), vec![role]);
        });
    }
}
