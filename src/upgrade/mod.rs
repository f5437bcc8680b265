//! The upgrade planner: what is known about a cluster → a plan, or everything that forbids it. Pure.
//!
//! The planner makes every choice; the embedded playbooks carry the plan out. `checks` finds what forbids an upgrade,
//! `order` makes the steps, `render` prints them. Rules: the version skew policy of Kubernetes and kubeadm's own.

mod checks;
mod order;
mod render;
#[cfg(test)]
mod tests;
mod version;

pub use version::parse_version;

use crate::cluster::{MappingError, Snapshot};
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known when an upgrade is planned.
#[derive(Debug, Clone)]
pub struct Input {
    /// Versions to go through, in order; the last one is the target. One for each minor.
    pub path: Vec<String>,
    /// What the API says.
    pub snapshot: Snapshot,
    /// Which host is which node.
    pub mapping: Result<BTreeMap<String, String>, MappingError>,
    /// Hosts in the order of the inventory.
    pub hosts: Vec<String>,
    /// Version of each control-plane node's own API server, by node name, asked at its own address; or why it could not
    /// be asked.
    pub apiservers: BTreeMap<String, Result<String, String>>,
    /// etcd members; empty if etcd is external and not ours to look at.
    pub etcd: Vec<EtcdMember>,
    /// Anything else that was found unhealthy on hosts: (host, what).
    pub unhealthy: Vec<(String, String)>,
    /// What the user decided.
    pub policy: Policy,
}

/// One etcd member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdMember {
    /// Name, for kubeadm the node's name.
    pub name: String,
    /// `3.6.8`
    pub version: String,
    /// It leads.
    pub leader: bool,
    /// It catches up and has no vote.
    pub learner: bool,
    /// Why it is not healthy, alarms included.
    pub unhealthy: Option<String>,
}

/// What the user decided.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Nodes that are deliberately not upgraded.
    pub leave: BTreeSet<String>,
    /// Release candidates are allowed.
    pub prerelease: bool,
    /// Nodes are not drained where only the patch version of the kubelet changes.
    pub no_drain_for_patch: bool,
    /// Runs whose lease and held nodes may be taken over: ended runs of this controller.
    pub ours: BTreeSet<String>,
}

/// Whether a finding forbids the upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Forbids it.
    Error,
    /// To be known.
    Warning,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Forbids, or only to be known.
    pub severity: Severity,
    /// Stable code, `MS0601`…
    pub code: &'static str,
    /// Lower-case fragment.
    pub text: String,
    /// What to do; may be empty.
    pub hint: String,
}

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The control-plane node on which the cluster's configuration is upgraded (`kubeadm upgrade apply`).
    First,
    /// Another control-plane node (`kubeadm upgrade node`).
    ControlPlane,
    /// A worker (`kubeadm upgrade node`).
    Worker,
}

/// One node in one hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Version of this hop.
    pub to: Version,
    /// Host of the inventory.
    pub host: String,
    /// Node.
    pub node: String,
    /// What it is for.
    pub role: Role,
    /// Its API server before the hop; `None` for workers.
    pub apiserver: Option<Version>,
    /// Its kubelet before the hop.
    pub kubelet: Version,
    /// It is at this version already.
    pub done: bool,
    /// Its pods are evicted before the kubelet changes.
    pub drain: bool,
}

/// An upgrade that may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Versions in order; the last is the target.
    pub hops: Vec<Version>,
    /// Hop by hop: the first control-plane node, the others, the workers.
    pub steps: Vec<Step>,
    /// What should be known.
    pub warnings: Vec<Finding>,
}

impl Plan {
    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.done)
    }

    /// Steps that are left.
    pub fn todo(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| !step.done)
    }
}

/// Plans, or says everything that forbids it.
///
/// # Errors
/// All findings, errors first; at least one is an error.
pub fn plan(input: &Input) -> Result<Plan, Vec<Finding>> {
    let mut findings = Vec::new();
    let known = checks::run(input, &mut findings);
    findings.sort_by_key(|f| f.severity);
    if findings.iter().any(|f| f.severity == Severity::Error) {
        return Err(findings);
    }
    match known {
        Some(known) => Ok(order::plan(input, &known, findings)),
        None => Err(findings),
    }
}

/// Versions of the masters' own API servers by node, for [`Input::apiservers`]: the snapshot's servers are named by
/// host when the cluster is reached through its masters.
#[must_use]
pub fn apiservers(
    snapshot: &Snapshot,
    mapping: &BTreeMap<String, String>,
) -> BTreeMap<String, Result<String, String>> {
    snapshot
        .servers
        .iter()
        .filter_map(|server| Some((mapping.get(&server.name)?.clone(), server.version.clone())))
        .collect()
}

impl Finding {
    fn error(code: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, text: text.into(), hint: hint.into() }
    }

    fn warning(code: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, text, hint) }
    }
}
