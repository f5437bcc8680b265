//! How a lab comes to be: users, addresses, keys, certificates, machines, and then the switches.

use super::addresses::Network;
use super::client::Client;
use super::error::LabError;
use super::files;
use super::node::{Common, Node, OPERATOR, SSH_PORT};
use super::pki::Authorities;
use super::place::{DescribedNode, Description, Place, started};
use super::power::Power;
use super::{Config, Key, Lab};
use crate::api::Authority;
use crate::controllers;
use crate::fault::Faults;
use crate::node::{self, API_PORT, Cluster, Machine, Provision, Release, Releases, Role, Site};
use crate::sandbox;
use crate::ssh::PublicKey;
use crate::store::Store;
use futures::future::try_join_all;
use russh::keys::ssh_key::{Algorithm, LineEnding};
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Everything, in its order.
pub(super) async fn start(config: Config) -> Result<Lab, LabError> {
    let releases = Releases::default();
    let release = releases.get(&config.version).cloned();
    let release = release.ok_or_else(|| LabError::Version(config.version.clone()))?;
    let isolation = sandbox::isolation(config.place.directory(), &config.player).await?;
    config.place.keep_isolation(&isolation)?;
    let faults = Arc::new(Faults::default());
    for fault in config.faults {
        faults.add(fault);
    }
    let key = new_key()?;
    let network = Network::free(&[SSH_PORT, API_PORT])?;
    let store = Store::with_faults(config.pace, Arc::clone(&faults));
    let common = Arc::new(Common {
        place: config.place,
        player: config.player,
        isolation,
        pace: config.pace,
        faults: Arc::clone(&faults),
        store: Arc::clone(&store),
        authority: Authority::new()?.with_endpoint(network.control_plane(0).into()),
        authorized: key.public_key().clone(),
    });
    let nodes = nodes(&common, network, config.control_planes, config.workers)?;
    let endpoint = endpoint(&nodes)?;
    let cluster = Cluster::new(&endpoint);
    provision(&common, &nodes, &cluster, &release, &releases)?;
    for object in cluster.objects(&release) {
        create(&store, object)?;
    }
    let power = Arc::new(Power::new(Arc::clone(&common), Arc::clone(&nodes)));
    let site = Site::new(
        nodes.iter().map(|node| Arc::clone(&node.machine)).collect(),
        common.pace,
        Arc::clone(&faults),
        Arc::new(Client),
        Arc::clone(&store) as Arc<dyn node::Database>,
        Arc::clone(&power) as Arc<dyn node::Processes>,
    );
    power.connect(&site);
    write_files(&common, &nodes, &key, &endpoint)?;
    let mut alive = vec![controllers::start(Arc::clone(&store), common.pace, faults)];
    alive.extend(nodes.iter().map(|node| node.kubelet(&common)));
    let lab = Lab { common, site, nodes, power, alive, version: config.version };
    let on = lab.nodes.iter().map(|node| node.on(&lab.common, &lab.site));
    if let Err(error) = try_join_all(on).await {
        lab.halt().await;
        return Err(error);
    }
    describe(&lab)?;
    Ok(lab)
}

/// A new key of ed25519.
pub(super) fn new_key() -> Result<Key, LabError> {
    Key::random(&mut rand::rng(), Algorithm::Ed25519)
        .map_err(|error| LabError::system("a new key", std::io::Error::other(error)))
}

/// Machines that are switched off, each with its address, its directory and its host key.
fn nodes(
    common: &Common,
    network: Network,
    control_planes: u8,
    workers: u8,
) -> Result<Arc<[Node]>, LabError> {
    if control_planes == 0 {
        return Err(LabError::Shape("a cluster has at least one control plane".to_owned()));
    }
    let masters = (0..control_planes)
        .map(|n| (format!("cp{}", n + 1), Role::ControlPlane, network.control_plane(n)));
    let workers = (0..workers).map(|n| (format!("w{}", n + 1), Role::Worker, network.worker(n)));
    masters
        .chain(workers)
        .map(|(name, role, address)| machine(common, name, role, address))
        .collect()
}

fn machine(common: &Common, name: String, role: Role, address: Ipv4Addr) -> Result<Node, LabError> {
    let root = common.place.node(&name).join("root");
    std::fs::create_dir_all(&root).map_err(|error| LabError::file(&root, error))?;
    let machine = Machine::new(&name, role, address, &root, Arc::clone(&common.faults));
    let machine = machine.map_err(|error| LabError::file(&root, error))?;
    let user = if common.has_users() { OPERATOR } else { "root" };
    let described = DescribedNode {
        name,
        control_plane: role == Role::ControlPlane,
        address,
        port: SSH_PORT,
        user: user.to_owned(),
    };
    Ok(Node::new(machine, described, new_key()?))
}

/// What all nodes call the API: the first control plane.
fn endpoint(nodes: &[Node]) -> Result<String, LabError> {
    let first = nodes.first().ok_or_else(|| LabError::Shape("no nodes".to_owned()))?;
    Ok(format!("{}:{API_PORT}", first.described.address))
}

/// Every machine becomes a node, as kubeadm leaves it.
fn provision(
    common: &Common,
    nodes: &[Node],
    cluster: &Cluster,
    release: &Release,
    releases: &Releases,
) -> Result<(), LabError> {
    let members: Vec<(String, Ipv4Addr)> = nodes
        .iter()
        .filter(|node| node.described.control_plane)
        .map(|node| (node.described.name.clone(), node.described.address))
        .collect();
    let authorities = Authorities::new(&common.authority)?;
    for node in nodes {
        let mut files = authorities.files(&common.authority, &node.machine, &cluster.endpoint)?;
        if common.has_users() {
            let rule = format!("{OPERATOR} ALL=(ALL:ALL) NOPASSWD: ALL\n");
            files.push((format!("/etc/sudoers.d/{OPERATOR}"), rule.into_bytes(), 0o440));
        }
        let with = Provision { release, releases, cluster, members: &members, files: &files };
        node::provision(&node.machine, &with)
            .map_err(|error| LabError::system(format!("node {}", node.described.name), error))?;
    }
    Ok(())
}

fn create(store: &Store, object: serde_json::Value) -> Result<(), LabError> {
    let kind = object.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default();
    let resource = crate::store::of_kind(kind)
        .ok_or_else(|| LabError::Shape(format!("the API has no kind {kind:?}")))?;
    let namespace = crate::store::json::namespace(&object).to_owned();
    store.create(resource.plural, &namespace, object)?;
    Ok(())
}

/// Inventory, key, `known_hosts` and kubeconfig.
fn write_files(common: &Common, nodes: &[Node], key: &Key, endpoint: &str) -> Result<(), LabError> {
    let place = &common.place;
    let described: Vec<DescribedNode> = nodes.iter().map(|node| node.described.clone()).collect();
    Place::write(&place.inventory(), &files::inventory(place, &described))?;
    let private = key
        .to_openssh(LineEnding::LF)
        .map_err(|error| LabError::system("the key", std::io::Error::other(error)))?;
    Place::write(&place.key(), &private)?;
    let mut known = String::new();
    for node in nodes {
        let line = known_host(&node.described, node.host_key().public_key())?;
        writeln!(known, "{line}").ok();
    }
    Place::write(&place.known_hosts(), &known)?;
    let kubeconfig = common.authority.admin_kubeconfig(&format!("https://{endpoint}"))?;
    Place::write(&place.kubeconfig(), &kubeconfig)
}

fn known_host(node: &DescribedNode, key: &PublicKey) -> Result<String, LabError> {
    let key = key.to_openssh();
    let key = key.map_err(|error| LabError::system("a host key", std::io::Error::other(error)))?;
    Ok(format!("[{}]:{} {key}", node.address, node.port))
}

fn describe(lab: &Lab) -> Result<(), LabError> {
    let own = std::process::id();
    let since = started(own).ok_or_else(|| {
        LabError::system("/proc/self/stat", std::io::Error::from(std::io::ErrorKind::InvalidData))
    })?;
    lab.common.place.describe(&Description {
        process: (own, since),
        version: lab.version.to_string(),
        nodes: lab.nodes().cloned().collect(),
    })
}
