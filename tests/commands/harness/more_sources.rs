//! More sources than the four that every stage has.

use atlas_logd::{
    sim::{Cluster, StreamInstance, World},
    source::{Kind, Source},
};

use super::{
    Stage,
    stage::{ANALYTICS, PAYMENTS},
};

impl Stage {
    /// Adds a source to the project payments, in the world and in the configuration.
    pub(crate) fn add_source(&self, kind: Kind, name: &str) -> Source {
        self.exists(PAYMENTS, kind, name);
        self.add_to_configuration(kind, name)
    }

    /// Adds a source to the project payments in the configuration only: Atlas does not know it.
    pub(crate) fn add_to_configuration(&self, kind: Kind, name: &str) -> Source {
        self.configure(|config| match kind {
            Kind::StreamAudit => config.projects[0].stream_instances.push(name.to_owned()),
            Kind::AccessHistory => config.projects[0].clusters.push(name.to_owned()),
        });
        Source { id: World::source(PAYMENTS, kind, name), project_name: "payments".to_owned() }
    }

    /// Adds a source to the project analytics, in the world and in the configuration, which has to name that project.
    pub(crate) fn add_source_of_analytics(&self, kind: Kind, name: &str) -> Source {
        self.exists(ANALYTICS, kind, name);
        self.configure(|config| {
            let project = config.projects.iter_mut().find(|project| project.id == ANALYTICS).unwrap();
            match kind {
                Kind::StreamAudit => project.stream_instances.push(name.to_owned()),
                Kind::AccessHistory => project.clusters.push(name.to_owned()),
            }
        });
        Source { id: World::source(ANALYTICS, kind, name), project_name: "analytics".to_owned() }
    }

    fn exists(&self, project_id: &str, kind: Kind, name: &str) {
        self.world.change_projects(|projects| {
            let project = projects.iter_mut().find(|project| project.id == project_id).unwrap();
            match kind {
                Kind::StreamAudit => project.stream_instances.push(StreamInstance::new(name)),
                Kind::AccessHistory => project.clusters.push(Cluster::new(name)),
            }
        });
    }
}
