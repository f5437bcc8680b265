//! Everything that forbids an upgrade. All of it is found, not only the first.

use super::version::{is_vendor, kubelet_skew, minors};
use super::{Finding, Input, parse_version};
use crate::cluster::NodeInfo;
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};

/// What the checks learnt; complete if none of them failed.
pub(super) struct Known {
    pub(super) hops: Vec<Version>,
    /// Host of each node.
    pub(super) hosts: BTreeMap<String, String>,
    /// Kubelet of each node.
    pub(super) kubelets: BTreeMap<String, Version>,
    /// API server of each control-plane node.
    pub(super) apiservers: BTreeMap<String, Version>,
    /// Version of kubeadm's own configuration.
    pub(super) kubeadm: Version,
}

pub(super) fn run(input: &Input, findings: &mut Vec<Finding>) -> Option<Known> {
    let hops = hops(input, findings);
    let hosts = hosts(input, findings);
    let kubelets = kubelets(input, findings);
    let apiservers = apiservers(input, findings);
    let kubeadm = kubeadm(input, findings);
    nodes(input, findings);
    etcd(input, findings, hops.as_deref().unwrap_or_default());
    holders(input, findings);
    for (host, what) in &input.unhealthy {
        findings.push(Finding::error("MS0620", format!("host {host}: {what}"), "repair it first"));
    }
    let known = Known { hops: hops?, hosts: hosts?, kubelets, apiservers, kubeadm: kubeadm? };
    skew(input, &known, findings);
    Some(known)
}

fn hops(input: &Input, findings: &mut Vec<Finding>) -> Option<Vec<Version>> {
    let mut hops: Vec<Version> = Vec::new();
    let mut failed = input.path.is_empty();
    for text in &input.path {
        match parse_version(text) {
            Err(why) => {
                findings.push(Finding::error("MS0601", format!("target version: {why}"), ""));
                failed = true;
            }
            Ok(version) => {
                if !version.build.is_empty() || (!version.pre.is_empty() && is_vendor(&version)) {
                    let text = format!("target {version} is not a release of Kubernetes itself");
                    findings.push(Finding::error("MS0601", text, "name a version like 1.37.2"));
                } else if !version.pre.is_empty() && !input.policy.prerelease {
                    let text = format!("target {version} is a pre-release");
                    findings.push(Finding::error("MS0602", text, "allow pre-releases, or wait"));
                }
                hops.push(version);
            }
        }
    }
    for pair in hops.windows(2) {
        if let [a, b] = pair
            && (b <= a || minors(b, a) > 1)
        {
            let text = format!("{b} does not follow {a}: versions go up by at most one minor");
            findings.push(Finding::error("MS0603", text, "name one version for each minor"));
        }
    }
    if failed && hops.is_empty() && input.path.is_empty() {
        findings.push(Finding::error("MS0601", "no target version", "say --to VERSION"));
    }
    (!failed).then_some(hops)
}

fn hosts(input: &Input, findings: &mut Vec<Finding>) -> Option<BTreeMap<String, String>> {
    let mapping = match &input.mapping {
        Ok(mapping) => mapping,
        Err(error) => {
            for mismatch in &error.0 {
                let hint = "give the host the node's name, or its address in the inventory";
                findings.push(Finding::error("MS0604", mismatch.to_string(), hint));
            }
            return None;
        }
    };
    let hosts: BTreeMap<String, String> =
        mapping.iter().map(|(host, node)| (node.clone(), host.clone())).collect();
    for node in &input.snapshot.nodes {
        if !hosts.contains_key(&node.name) && !input.policy.leave.contains(&node.name) {
            let text = format!("node {} has no host in the inventory", node.name);
            let hint = "add it, or say that it is left as it is";
            findings.push(Finding::error("MS0605", text, hint));
        }
    }
    Some(hosts)
}

fn kubelets(input: &Input, findings: &mut Vec<Finding>) -> BTreeMap<String, Version> {
    let mut kubelets = BTreeMap::new();
    for node in &input.snapshot.nodes {
        let what = format!("kubelet of node {}", node.name);
        if let Some(version) = running(&what, &node.kubelet_version, findings) {
            kubelets.insert(node.name.clone(), version);
        }
    }
    kubelets
}

/// A version that runs; a vendor's build is not ours to upgrade.
fn running(what: &str, text: &str, findings: &mut Vec<Finding>) -> Option<Version> {
    match parse_version(text) {
        Err(why) => {
            findings.push(Finding::error("MS0606", format!("{what}: {why}"), ""));
            None
        }
        Ok(version) if is_vendor(&version) => {
            let text = format!("{what} is {version}, a build that kubeadm does not manage");
            findings.push(Finding::error("MS0606", text, "upgrade it with its vendor's tools"));
            None
        }
        Ok(version) => Some(version),
    }
}

fn apiservers(input: &Input, findings: &mut Vec<Finding>) -> BTreeMap<String, Version> {
    let mut found = BTreeMap::new();
    for node in masters(input) {
        let name = &node.name;
        match input.apiservers.get(name) {
            Some(Ok(version)) => {
                let what = format!("API server of node {name}");
                found.extend(running(&what, version, findings).map(|v| (name.clone(), v)));
            }
            Some(Err(why)) => {
                let text = format!("API server of node {name} does not answer: {why}");
                findings.push(Finding::error("MS0607", text, "repair it first"));
            }
            // Servers are known by their hosts: the finding is that the hosts are not.
            None if input.mapping.is_err() => {}
            None => {
                let text = format!("API server of node {name} was not asked at its own address");
                let hint = "reach the cluster through its control-plane hosts";
                findings.push(Finding::error("MS0607", text, hint));
            }
        }
    }
    if masters(input).next().is_none() {
        let text = "the cluster has no control-plane node";
        let hint = "managed control planes are upgraded by their provider";
        findings.push(Finding::error("MS0608", text, hint));
    }
    for server in input.snapshot.servers.iter().filter(|s| !s.not_ready.is_empty()) {
        let failed = server.not_ready.join(", ");
        let text = format!("API server {} is not ready: {failed}", server.name);
        findings.push(Finding::error("MS0607", text, "repair it first"));
    }
    found
}

fn kubeadm(input: &Input, findings: &mut Vec<Finding>) -> Option<Version> {
    let Some(text) = &input.snapshot.kubeadm_version else {
        let text = "the cluster has no ConfigMap kubeadm-config: kubeadm did not make it";
        findings.push(Finding::error("MS0609", text, "upgrade it with the tool that made it"));
        return None;
    };
    running("kubeadm-config", text, findings)
}

fn nodes(input: &Input, findings: &mut Vec<Finding>) {
    for node in &input.snapshot.nodes {
        let name = &node.name;
        if node.deleting {
            let text = format!("node {name} is being deleted");
            findings.push(Finding::error("MS0610", text, "wait until it has gone"));
        }
        if node.is_control_plane() && input.policy.leave.contains(name) {
            let text = format!("control-plane node {name} cannot be left as it is");
            let hint = "all API servers are upgraded together";
            findings.push(Finding::error("MS0624", text, hint));
        }
        if !node.ready && node.is_control_plane() {
            let text = format!("control-plane node {name} is not Ready: {}", node.not_ready);
            findings.push(Finding::error("MS0611", text, "repair it first"));
        } else if !node.ready {
            let text = format!("node {name} is not Ready: {}", node.not_ready);
            let hint = "it counts as unavailable until it is";
            findings.push(Finding::warning("MS0612", text, hint));
        }
        match &node.hold {
            Some(hold) if node.unschedulable && !input.policy.ours.contains(&hold.run) => {
                let why = hold.reason.as_deref().unwrap_or("no reason given");
                let text = format!("node {name} is held by run {} ({why})", hold.run);
                let hint = format!(
                    "release it: mainstay abort {}, on the controller of that run",
                    hold.run
                );
                findings.push(Finding::error("MS0613", text, hint));
            }
            None if node.unschedulable => {
                let text = format!("node {name} is cordoned already");
                let hint = "it is upgraded and stays cordoned";
                findings.push(Finding::warning("MS0614", text, hint));
            }
            _ => {}
        }
    }
}

fn etcd(input: &Input, findings: &mut Vec<Finding>, hops: &[Version]) {
    let voting: Vec<_> = input.etcd.iter().filter(|m| !m.learner).collect();
    for member in &input.etcd {
        let name = &member.name;
        if let Some(why) = &member.unhealthy {
            let text = format!("etcd member {name} is not healthy: {why}");
            findings.push(Finding::error("MS0615", text, "repair it first"));
        }
        if member.learner {
            let text = format!("etcd member {name} is a learner");
            let hint = "wait until it is promoted, or remove it";
            findings.push(Finding::error("MS0615", text, hint));
        }
        // kubeadm's default etcd is 3.6 from 1.34 on; before 3.5.26 that step can bring removed members back.
        let crosses = hops.iter().any(|hop| hop.minor >= 34);
        let version = Version::parse(&member.version);
        if version.is_err() {
            let text = format!("etcd member {name} does not say its version");
            findings.push(Finding::error("MS0615", text, "repair it first"));
        }
        let old = version.is_ok_and(|v| v.major == 3 && v.minor == 5 && v.patch < 26);
        if crosses && old {
            let text = format!("etcd member {name} is {}, 3.6 needs 3.5.26 first", member.version);
            let hint = "upgrade to the newest patch of the present minor first";
            findings.push(Finding::error("MS0616", text, hint));
        }
    }
    if voting.len() == 1 {
        let text = "etcd has one member: the API is away while it restarts";
        findings.push(Finding::warning("MS0617", text, ""));
    } else if !voting.is_empty() && voting.len().is_multiple_of(2) {
        let text = format!("etcd has {} voting members, an even number", voting.len());
        let hint = "one more or one fewer tolerates as many failures";
        findings.push(Finding::warning("MS0617", text, hint));
    }
}

fn holders(input: &Input, findings: &mut Vec<Finding>) {
    if let Some(lease) = &input.snapshot.lease
        && !input.policy.ours.contains(&lease.run)
    {
        let text = format!("another run holds the cluster: {lease}");
        findings.push(Finding::error(
            "MS0618",
            text,
            "wait for it; if it has ended without giving the lease back, add --take-over",
        ));
    }
}

/// Rules about versions that go together.
fn skew(input: &Input, known: &Known, findings: &mut Vec<Finding>) {
    let Some((target, first)) = known.hops.last().zip(known.hops.first()) else { return };
    let servers: BTreeSet<&Version> = known.apiservers.values().collect();
    let (Some(oldest), Some(newest)) = (servers.first(), servers.last()) else { return };
    if minors(newest, oldest) > 1 {
        let text = format!("API servers are {oldest} and {newest}, more than one minor apart");
        findings.push(Finding::error("MS0619", text, "bring the older ones forward first"));
    }
    // Servers too far apart are a finding of their own.
    let start = if minors(newest, oldest) > 1 { *newest } else { *oldest }.min(&known.kubeadm);
    if minors(first, start) > 1 {
        let text = format!("{start} cannot be upgraded to {first} at once: one minor at a time");
        let hint = format!("name a version of each minor between, 1.{} first", start.minor + 1);
        findings.push(Finding::error("MS0603", text, hint));
    }
    let newest = (*newest).max(&known.kubeadm);
    if newest > target {
        let text = format!("{target} is older than {newest}, which runs: there is no way back");
        let hint = "restore a backup of etcd with the old binaries instead";
        findings.push(Finding::error("MS0621", text, hint));
    }
    for node in &input.snapshot.nodes {
        let Some(kubelet) = known.kubelets.get(&node.name) else { continue };
        kubelet_rules(input, node, kubelet, known, oldest, findings);
    }
}

fn kubelet_rules(
    input: &Input,
    node: &NodeInfo,
    kubelet: &Version,
    known: &Known,
    oldest: &Version,
    findings: &mut Vec<Finding>,
) {
    let name = &node.name;
    let Some((target, first)) = known.hops.last().zip(known.hops.first()) else { return };
    if kubelet > target && (known.apiservers.values().all(|server| server <= target)) {
        let text = format!("kubelet of node {name} is {kubelet}, newer than {target}");
        findings.push(Finding::error("MS0621", text, "choose at least that version"));
    }
    // While the control plane is at the first hop the kubelet is still as it is; one that is left stays so for ever.
    let left = input.policy.leave.contains(name);
    let meets = if left { target } else { first };
    if minors(meets, kubelet) > kubelet_skew(kubelet) {
        let limit = kubelet_skew(kubelet);
        let text = format!(
            "kubelet of node {name} is {kubelet}, more than {limit} minors older than {meets}"
        );
        findings.push(Finding::error("MS0622", text, "upgrade that node first"));
    }
    let own = known.apiservers.get(name).unwrap_or(oldest);
    if minors(kubelet, own) > 0 {
        let text = format!("kubelet of node {name} is {kubelet}, newer than API server {own}");
        let hint = "upgrading the control plane puts it right";
        findings.push(Finding::warning("MS0623", text, hint));
    }
}

fn masters(input: &Input) -> impl Iterator<Item = &NodeInfo> {
    input.snapshot.nodes.iter().filter(|n| n.is_control_plane())
}
