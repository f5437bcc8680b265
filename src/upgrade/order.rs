//! The steps of an upgrade that may begin.

use super::checks::Known;
use super::version::minors;
use super::{Finding, Input, Plan, Role, Step};
use crate::cluster::NodeInfo;
use semver::Version;
use std::collections::BTreeMap;

pub(super) fn plan(input: &Input, known: &Known, warnings: Vec<Finding>) -> Plan {
    let mut plan = Plan { hops: known.hops.clone(), steps: Vec::new(), warnings };
    let mut now = Now {
        kubelets: known.kubelets.clone(),
        apiservers: known.apiservers.clone(),
        kubeadm: known.kubeadm.clone(),
    };
    let nodes = ordered(input, known);
    for hop in &known.hops {
        plan.steps.extend(hop_steps(input, known, &nodes, hop, &mut now));
    }
    plan
}

/// Versions as they are when a hop begins.
struct Now {
    kubelets: BTreeMap<String, Version>,
    apiservers: BTreeMap<String, Version>,
    kubeadm: Version,
}

fn hop_steps(
    input: &Input,
    known: &Known,
    nodes: &[&NodeInfo],
    hop: &Version,
    now: &mut Now,
) -> Vec<Step> {
    let first = first_master(input, nodes, hop, now);
    let mut masters: Vec<&NodeInfo> =
        nodes.iter().copied().filter(|n| n.is_control_plane()).collect();
    masters.sort_by_key(|n| Some(&n.name) != first);
    let workers = nodes.iter().copied().filter(|n| !n.is_control_plane());
    // Nowhere to go: a cluster of one node is upgraded with its pods on it.
    let alone = nodes.iter().filter(|n| n.ready && !n.unschedulable).count() <= 1;
    let mut steps = Vec::new();
    for node in masters.iter().copied().chain(workers) {
        let (Some(host), Some(kubelet)) =
            (known.hosts.get(&node.name), now.kubelets.get(&node.name))
        else {
            continue;
        };
        let role = match node.is_control_plane() {
            false => Role::Worker,
            true if Some(&node.name) == first => Role::First,
            true => Role::ControlPlane,
        };
        let apiserver = now.apiservers.get(&node.name);
        let control_plane_done = match role {
            Role::Worker => true,
            Role::ControlPlane => apiserver >= Some(hop),
            Role::First => apiserver >= Some(hop) && now.kubeadm >= *hop,
        };
        let minor = minors(hop, kubelet) != 0;
        let drain = kubelet < hop && !alone && (minor || !input.policy.no_drain_for_patch);
        steps.push(Step {
            to: hop.clone(),
            host: host.clone(),
            node: node.name.clone(),
            role,
            apiserver: apiserver.cloned(),
            kubelet: kubelet.clone(),
            done: control_plane_done && kubelet >= hop,
            drain,
        });
    }
    for step in &steps {
        raise(&mut now.kubelets, &step.node, hop);
        raise(&mut now.apiservers, &step.node, hop);
    }
    if now.kubeadm < *hop {
        now.kubeadm = hop.clone();
    }
    steps
}

fn raise(versions: &mut BTreeMap<String, Version>, node: &str, hop: &Version) {
    if let Some(version) = versions.get_mut(node)
        && *version < *hop
    {
        *version = hop.clone();
    }
}

/// The master on which the cluster's configuration is upgraded: one whose API server is there already (an apply that
/// was interrupted is repeated where it began), else one that does not lead etcd, else the first of the inventory.
fn first_master<'a>(
    input: &Input,
    nodes: &[&'a NodeInfo],
    hop: &Version,
    now: &Now,
) -> Option<&'a String> {
    let leads = |name: &str| input.etcd.iter().any(|m| m.leader && m.name == name);
    nodes
        .iter()
        .filter(|n| n.is_control_plane())
        .min_by_key(|n| (now.apiservers.get(&n.name) < Some(hop), leads(&n.name)))
        .map(|n| &n.name)
}

/// Nodes that have a host and are not left, in the order of the inventory; those that lead etcd last.
fn ordered<'a>(input: &'a Input, known: &Known) -> Vec<&'a NodeInfo> {
    let place = |node: &NodeInfo| {
        let host = known.hosts.get(&node.name);
        input.hosts.iter().position(|h| Some(h) == host)
    };
    let leads = |node: &NodeInfo| input.etcd.iter().any(|m| m.leader && m.name == node.name);
    let mut nodes: Vec<&NodeInfo> = input
        .snapshot
        .nodes
        .iter()
        .filter(|n| known.hosts.contains_key(&n.name) && !input.policy.leave.contains(&n.name))
        .collect();
    nodes.sort_by_key(|n| (n.is_control_plane() && leads(n), place(n).unwrap_or(usize::MAX)));
    nodes
}
