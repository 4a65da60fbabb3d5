//! The lists of projects, clusters and stream instances, page by page, in the recorded shapes.

use serde_json::{Value, json};

use super::{answer::Answer, caller::Caller, errors::ApiError, json::pretty, query::Query};
use crate::sim::{Cluster, Project, StreamInstance, Tier, World};

/// When everything was made: nothing depends on it.
const CREATED: &str = "2026-01-05T08:00:00Z";

/// The list of the caller's projects.
pub(super) fn groups(world: &World, caller: &Caller, base: &str, query: &str) -> Result<Answer, ApiError> {
    let projects = world.projects();
    let unlisted = world.settings().unlisted;
    let visible = projects.iter().filter(|project| caller.grants.contains_key(&project.id));
    let visible = visible.filter(|project| !unlisted.contains(&project.name));
    let items = visible.map(|project| group(project, base)).collect();
    page(items, &format!("{base}/api/atlas/v2/groups"), query, "includeCount=true&")
}

/// The list of a project's clusters. Flex clusters have a list of their own.
pub(super) fn clusters(world: &World, group: &str, base: &str, query: &str) -> Result<Answer, ApiError> {
    let projects = world.projects();
    let found = projects.iter().filter(|project| project.id == group).flat_map(|project| &project.clusters);
    let unlisted = world.settings().unlisted;
    let found = found.filter(|known| known.tier != Tier::Flex && !unlisted.contains(&known.name));
    let items = found.map(|known| cluster(known, group, base)).collect();
    let href = format!("{base}/api/atlas/v2/groups/{group}/clusters");
    page(items, &href, query, "includeCount=true&includeDeletedWithRetainedBackups=false&")
}

/// The list of a project's stream instances.
pub(super) fn streams(world: &World, group: &str, base: &str, query: &str) -> Result<Answer, ApiError> {
    let projects = world.projects();
    let found = projects.iter().filter(|project| project.id == group).flat_map(|project| &project.stream_instances);
    let unlisted = world.settings().unlisted;
    let found = found.filter(|instance| !unlisted.contains(&instance.name));
    let items = found.map(|instance| stream(instance, group)).collect();
    page(items, &format!("{base}/api/atlas/v2/groups/{group}/streams"), query, "")
}

fn page(items: Vec<String>, href: &str, query: &str, fixed: &str) -> Result<Answer, ApiError> {
    let known = ["pageNum", "itemsPerPage", "includeCount", "includeDeletedWithRetainedBackups", "envelope", "pretty"];
    let query = Query::parse(query, &known)?;
    let number = query.limited("pageNum", 1, i64::from(i32::MAX), 1)?;
    let size = query.limited("itemsPerPage", 1, 500, 100)?;
    let total = items.len();
    let skipped = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let taken = usize::try_from(size).unwrap_or(usize::MAX);
    let link = |number: i64, rel: &str| {
        json!({ "href": format!("{href}?{fixed}pageNum={number}&itemsPerPage={size}"), "rel": rel }).to_string()
    };
    let mut links = vec![link(number, "self")];
    if number > 1 {
        links.push(link(number - 1, "previous"));
    }
    if skipped.saturating_add(taken) < total {
        links.push(link(number + 1, "next"));
    }
    let results: Vec<String> = items.into_iter().skip(skipped).take(taken).collect();
    let count =
        if query.flag("includeCount")?.unwrap_or(true) { format!(r#","totalCount":{total}"#) } else { String::new() };
    let mut body = format!(r#"{{"links":[{}],"results":[{}]{count}}}"#, links.join(","), results.join(","));
    if query.flag("envelope")?.unwrap_or(false) {
        // A list is its own envelope: the status joins it.
        body.insert_str(1, r#""status":200,"#);
    }
    if query.flag("pretty")?.unwrap_or(false) {
        body = serde_json::from_str(&body).map_or(body, |value: Value| pretty(&value, 0));
    }
    Ok(Answer::json(200, body))
}

fn group(project: &Project, base: &str) -> String {
    json!({
        "clusterCount": project.clusters.len(),
        "created": CREATED,
        "id": project.id,
        "links": [{ "href": format!("{base}/api/atlas/v2/groups/{}", project.id), "rel": "self" }],
        "name": project.name,
        "orgId": id_of("organisation"),
        "tags": [],
        "withDefaultAlertsSettings": true,
    })
    .to_string()
}

fn stream(instance: &StreamInstance, group: &str) -> String {
    let id = id_of(&format!("{group}/{}", instance.name));
    json!({
        "_id": id,
        "dataProcessRegion": { "cloudProvider": "AWS", "region": "VIRGINIA_USA" },
        "failoverRegions": [],
        "groupId": group,
        "hostnames": [format!("atlas-stream-{id}-{}.virginia-usa.a.query.mongodb.net", &id[..6])],
        "name": instance.name,
        "streamConfig": { "tier": "SP30" },
    })
    .to_string()
}

/// The fields of a cluster that were recorded, in their order, which inside of the specifications is not that of the
/// alphabet.
fn cluster(cluster: &Cluster, group: &str, base: &str) -> String {
    let Cluster { paused, .. } = cluster;
    // A name can be hostile, and stands in the middle of strings.
    let quoted = json!(cluster.name).to_string();
    let name = &quoted[1..quoted.len() - 1];
    let id = id_of(&format!("{group}/{name}"));
    let domain = &id[..6];
    let (provider, backing, size) = match cluster.tier {
        Tier::Shared => ("TENANT", r#""backingProviderName":"AWS","#, "M0"),
        Tier::Dedicated | Tier::Flex => ("AWS", "", "M10"),
    };
    let specs = |nodes: u32| {
        format!(
            r#"{{"instanceSize":"{size}","diskIOPS":3000,"diskSizeGB":30.0,"ebsVolumeType":"STANDARD","nodeCount":{nodes}}}"#
        )
    };
    let (none, three) = (specs(0), specs(3));
    let region = |effective: &str| {
        format!(
            r#"{{"analyticsSpecs":{none},"autoScaling":{{"compute":{{"enabled":false,"scaleDownEnabled":false}},"diskGB":{{"enabled":false}}}},{backing}{effective}"electableSpecs":{three},"priority":7,"providerName":"{provider}","readOnlySpecs":{none},"regionName":"US_EAST_1"}}"#
        )
    };
    let replication = |effective: &str| {
        let (spec, zone) = (id_of(&format!("{id}/spec")), id_of(&format!("{id}/zone")));
        format!(r#"[{{"id":"{spec}","regionConfigs":[{}],"zoneId":"{zone}","zoneName":"Zone 1"}}]"#, region(effective))
    };
    let effective = format!(
        r#""effectiveAnalyticsSpecs":{none},"effectiveElectableSpecs":{three},"effectiveReadOnlySpecs":{none},"#
    );
    let (plain, with_effective) = (replication(""), replication(&effective));
    let hosts: Vec<String> =
        (0..3).map(|number| format!("{name}-shard-00-0{number}.{domain}.mongodb.net:27017")).collect();
    let hosts = hosts.join(",");
    let links: Vec<String> = [
        ("", "self"),
        ("/backup/restoreJobs", "https://cloud.mongodb.com/restoreJobs"),
        ("/backup/snapshots", "https://cloud.mongodb.com/snapshots"),
    ]
    .map(|(path, rel)| {
        format!(r#"{{"href":"{base}/api/atlas/v2/groups/{group}/clusters/{name}{path}","rel":"{rel}"}}"#)
    })
    .to_vec();
    let links = links.join(",");
    format!(
        r#"{{"adaptiveCapacity":null,"advancedConfiguration":{{"customOpensslCipherConfigTls12":[],"customOpensslCipherConfigTls13":[],"minimumEnabledTlsProtocol":"TLS1_2","tlsCipherConfigMode":"DEFAULT"}},"backupEnabled":false,"biConnector":{{"enabled":false,"readPreference":"secondary"}},"clusterType":"REPLICASET","configServerManagementMode":"ATLAS_MANAGED","configServerType":"EMBEDDED","connectionStrings":{{"awsPrivateLinkSrv":{{}},"privateEndpoint":[],"standard":"mongodb://{hosts}/?ssl=true&authSource=admin","standardSrv":"mongodb+srv://{name}.{domain}.mongodb.net"}},"createDate":"{CREATED}","diskWarmingMode":"FULLY_WARMED","effectiveDatabaseEdition":"CORE","effectiveReplicationSpecs":{plain},"encryptionAtRestProvider":"NONE","featureCompatibilityVersion":"8.0","globalClusterSelfManagedSharding":false,"groupId":"{group}","id":"{id}","internalClusterRole":"NONE","labels":[],"links":[{links}],"mongoDBMajorVersion":"8.0","mongoDBVersion":"8.0.29","name":"{name}","paused":{paused},"pitEnabled":false,"redactClientLogData":false,"replicationSpecs":{with_effective},"retainBackups":false,"rootCertType":"ISRGROOTX1","stateName":"IDLE","tags":[],"terminationProtectionEnabled":false,"useAwsTimeBasedSnapshotCopyForFastInitialSync":false,"versionReleaseSystem":"LTS"}}"#
    )
}

/// 24 hexadecimal digits that follow from what they stand for.
fn id_of(what: &str) -> String {
    let mut id = blake3::hash(what.as_bytes()).to_hex().to_string();
    id.truncate(24);
    id
}
