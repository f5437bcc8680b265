//! What the API says about nodes, reduced to what maintenance needs.

use super::api::Api;
use super::cordon::Hold;
use super::{Cluster, ClusterError};
use k8s_openapi::api::core::v1::{Node, Taint};
use std::collections::BTreeSet;

pub(super) const NODES: &str = "/api/v1/nodes";

/// One node, as read.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeInfo {
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`: a recreated node of the same name has another one.
    pub uid: String,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// The Ready condition is True.
    pub ready: bool,
    /// When the Ready condition last changed.
    pub ready_since: Option<jiff::Timestamp>,
    /// Why it is not Ready, in the node's own words; empty if it is.
    pub not_ready: String,
    /// `spec.unschedulable`: cordoned, by whomever.
    pub unschedulable: bool,
    /// Our annotations, if there are any.
    pub hold: Option<Hold>,
    /// `v1.36.3`
    pub kubelet_version: String,
    /// `containerd://2.1.4`
    pub runtime: String,
    /// `Debian GNU/Linux 13 (trixie)`
    pub os_image: String,
    /// Kernel release.
    pub kernel: String,
    /// `status.nodeInfo.machineID`; may be empty, or equal on several nodes (containers, cloned images).
    pub machine_id: String,
    /// `status.nodeInfo.bootID`
    pub boot_id: String,
    /// Hostname address, if reported.
    pub hostname: Option<String>,
    /// InternalIP addresses.
    pub internal_ips: Vec<String>,
    /// Taints.
    pub taints: Vec<Taint>,
    /// From `node-role.kubernetes.io/…` labels.
    pub roles: BTreeSet<String>,
    /// Being deleted.
    pub deleting: bool,
}

impl NodeInfo {
    /// Whether it carries a control-plane role label (`control-plane`, or `master` before 1.24).
    #[must_use]
    pub fn is_control_plane(&self) -> bool {
        self.roles.contains("control-plane") || self.roles.contains("master")
    }
}

impl From<&Node> for NodeInfo {
    fn from(node: &Node) -> Self {
        let meta = &node.metadata;
        let status = node.status.clone().unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let ready = conditions.iter().find(|c| c.type_ == "Ready");
        let is_ready = ready.is_some_and(|c| c.status == "True");
        let info = status.node_info.unwrap_or_default();
        let addresses = status.addresses.unwrap_or_default();
        let of_type = |kind: &str| {
            addresses.iter().filter(|a| a.type_ == kind).map(|a| a.address.clone()).collect()
        };
        let hostnames: Vec<String> = of_type("Hostname");
        let labels = meta.labels.clone().unwrap_or_default();
        let role = |label: &str| label.strip_prefix("node-role.kubernetes.io/").map(str::to_owned);
        Self {
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            resource_version: meta.resource_version.clone().unwrap_or_default(),
            ready: is_ready,
            ready_since: ready.and_then(|c| c.last_transition_time.as_ref()).map(|t| t.0),
            not_ready: match ready {
                _ if is_ready => String::new(),
                Some(c) => c.message.clone().or_else(|| c.reason.clone()).unwrap_or_default(),
                None => "no Ready condition was reported".into(),
            },
            unschedulable: is_cordoned(node),
            hold: Hold::of(node),
            kubelet_version: info.kubelet_version,
            runtime: info.container_runtime_version,
            os_image: info.os_image,
            kernel: info.kernel_version,
            machine_id: info.machine_id,
            boot_id: info.boot_id,
            hostname: hostnames.into_iter().next(),
            internal_ips: of_type("InternalIP"),
            taints: node.spec.as_ref().and_then(|s| s.taints.clone()).unwrap_or_default(),
            roles: labels.keys().filter_map(|l| role(l)).collect(),
            deleting: meta.deletion_timestamp.is_some(),
        }
    }
}

pub(super) fn is_cordoned(node: &Node) -> bool {
    node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true)
}

pub(super) async fn node(api: &Api, name: &str) -> Result<Option<Node>, ClusterError> {
    api.find(&format!("{NODES}/{name}")).await
}

impl Cluster {
    /// All nodes, freshly read, in order of their names.
    ///
    /// # Errors
    /// The API cannot be read.
    pub async fn nodes(&self) -> Result<Vec<NodeInfo>, ClusterError> {
        let nodes: Vec<Node> = self.api.list(NODES, "").await?;
        let mut nodes: Vec<NodeInfo> = nodes.iter().map(NodeInfo::from).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(nodes)
    }

    /// One node, freshly read; `None` if there is none of that name.
    ///
    /// # Errors
    /// The API cannot be read.
    pub async fn node(&self, name: &str) -> Result<Option<NodeInfo>, ClusterError> {
        Ok(node(&self.api, name).await?.as_ref().map(NodeInfo::from))
    }
}
