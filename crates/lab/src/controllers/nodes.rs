//! The life of nodes: who has not reported for too long is not known to be ready; conditions become taints; pods of nodes
//! that are gone go too.

use super::event;
use crate::pace::Pace;
use crate::store::json::{condition, name, namespace, now, set_condition};
use crate::store::{DeleteOptions, Json, Part, Store};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// `--node-monitor-grace-period` of kube-controller-manager 1.36.
const PATIENCE: Duration = Duration::from_secs(50);

/// A machine that is busy may keep a heartbeat waiting: no node is lost sooner. Real time.
const PATIENCE_FLOOR: Duration = Duration::from_secs(3);

/// Pods of a node that is gone are kept so long, in case it comes back.
const QUARANTINE: Duration = Duration::from_secs(40);

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// What was heard of each node, and when.
#[derive(Debug)]
pub(super) struct Nodes {
    pace: Pace,
    clock: Listening,
    heard: BTreeMap<String, (String, Duration)>,
    lost: BTreeMap<String, Instant>,
}

/// How long it was listened for signs of life. A process that was not given the processor for a while has not listened:
/// whoever could not be heard in that time is not held to have been silent.
#[derive(Debug)]
struct Listening {
    total: Duration,
    last: Instant,
    /// What a pass counts for at most.
    most: Duration,
}

impl Listening {
    fn go_on(&mut self, now: Instant) {
        self.total += now.duration_since(self.last).min(self.most);
        self.last = now;
    }
}

impl Nodes {
    pub(super) fn new(pace: Pace) -> Self {
        let most = 2 * pace.of(super::TICK).max(super::LEAST);
        let clock = Listening { total: Duration::ZERO, last: Instant::now(), most };
        Self { pace, clock, heard: BTreeMap::new(), lost: BTreeMap::new() }
    }

    pub(super) fn pass(&mut self, store: &Store) {
        let nodes = store.all("nodes", "");
        self.clock.go_on(Instant::now());
        for (number, node) in nodes.iter().enumerate() {
            self.listen(store, node);
            if node.text("spec.podCIDR").is_empty() {
                give_addresses(store, node, &nodes, number);
            }
            if let Ok(node) = store.get("nodes", "", name(node)) {
                keep_taints(store, &node);
            }
        }
        self.heard.retain(|heard, _| nodes.iter().any(|node| name(node) == heard));
        self.collect_pods(store, |wanted| nodes.iter().any(|node| name(node) == wanted));
    }

    /// A change of its lease or of its status is a sign of life.
    fn listen(&mut self, store: &Store, node: &Value) {
        let lease = store.get("leases", "kube-node-lease", name(node));
        let renewed =
            lease.map(|lease| lease.text("spec.renewTime").to_owned()).unwrap_or_default();
        let mut beats =
            node.list("status.conditions").iter().filter(|c| c.text("status") != "Unknown");
        let status =
            beats.find(|c| c.text("type") == "Ready").map_or("", |c| c.text("lastHeartbeatTime"));
        let sign = format!("{renewed} {status} {}", condition(node, "Ready") == "Unknown");
        let now = self.clock.total;
        let known = self.heard.entry(name(node).to_owned()).or_insert_with(|| (sign.clone(), now));
        if known.0 != sign {
            *known = (sign, now);
        } else if now.saturating_sub(known.1) >= self.pace.at_least(PATIENCE, PATIENCE_FLOOR)
            && condition(node, "Ready") != "Unknown"
        {
            declare_lost(store, node);
        }
    }

    fn collect_pods(&mut self, store: &Store, there: impl Fn(&str) -> bool) {
        let now = Instant::now();
        let mut lost = BTreeMap::new();
        for pod in store.all("pods", "") {
            let node = pod.text("spec.nodeName");
            if node.is_empty() || there(node) {
                continue;
            }
            let since = self.lost.get(node).copied().unwrap_or(now);
            lost.insert(node.to_owned(), since);
            if now.duration_since(since) >= self.pace.of(QUARANTINE) {
                drop(store.delete("pods", namespace(&pod), name(&pod), &DeleteOptions::now())); // gone is gone
            }
        }
        self.lost = lost;
    }
}

/// Nothing was heard: what it last said holds no more.
fn declare_lost(store: &Store, node: &Value) {
    let never = node.list("status.conditions").is_empty();
    let reported = store.edit("nodes", "", name(node), Part::Status, |node| {
        for kind in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let (reason, message) = if never {
                ("NodeStatusNeverUpdated", "Kubelet never posted node status.")
            } else {
                ("NodeStatusUnknown", "Kubelet stopped posting node status.")
            };
            set_condition(node, kind, "Unknown", reason, message);
        }
    });
    if reported.is_err() {
        return; // it is gone altogether
    }
    let message = format!("Node {} status is now: NodeNotReady", name(node));
    event::tell(store, "node-controller", node, "Normal", "NodeNotReady", &message);
    for pod in store.all("pods", "").iter().filter(|pod| pod.text("spec.nodeName") == name(node)) {
        // It may go at the same time.
        drop(store.edit("pods", namespace(pod), name(pod), Part::Status, |pod| {
            if condition(pod, "Ready") == "True" {
                set_condition(pod, "Ready", "False", "NodeNotReady", "Node is not ready");
            }
        }));
    }
}

/// The n-th /24 of 10.244.0.0/16, as the cluster's address range is cut.
fn give_addresses(store: &Store, node: &Value, nodes: &[std::sync::Arc<Value>], number: usize) {
    let taken: Vec<&str> = nodes.iter().map(|node| node.text("spec.podCIDR")).collect();
    let free = (number..256).chain(0..number).map(|n| format!("10.244.{n}.0/24"));
    let Some(range) = free.into_iter().find(|range| !taken.contains(&range.as_str())) else {
        return;
    };
    // It may be gone by now.
    drop(store.edit("nodes", "", name(node), Part::Whole, |node| {
        node.put("spec.podCIDR", range.clone());
        node.put("spec.podCIDRs", json!([range]));
    }));
}

/// What the conditions of a node and its cordon ask for, and nothing else of these keys.
fn keep_taints(store: &Store, node: &Value) {
    let ready = condition(node, "Ready");
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    match ready {
        "True" => {}
        "Unknown" => wanted.extend([(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]),
        "False" => wanted.extend([(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")]),
        _ => wanted.push((NOT_READY, "NoSchedule")),
    }
    let pressures = [
        ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
        ("DiskPressure", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
    ];
    wanted.extend(
        pressures
            .iter()
            .filter(|(kind, _)| condition(node, kind) == "True")
            .map(|(_, key)| (*key, "NoSchedule")),
    );
    if node.flag("spec.unschedulable") {
        wanted.push((UNSCHEDULABLE, "NoSchedule"));
    }
    let ours = |key: &str| {
        [UNREACHABLE, NOT_READY, UNSCHEDULABLE].contains(&key)
            || pressures.iter().any(|(_, ours)| *ours == key)
    };
    let id = |taint: &Value| (taint.text("key").to_owned(), taint.text("effect").to_owned());
    let before = node.list("spec.taints");
    let mut taints: Vec<Value> = before
        .iter()
        .filter(|taint| {
            !ours(taint.text("key")) || wanted.contains(&(taint.text("key"), taint.text("effect")))
        })
        .cloned()
        .collect();
    for (key, effect) in wanted {
        if !before.iter().any(|taint| id(taint) == (key.to_owned(), effect.to_owned())) {
            taints.push(json!({"key": key, "effect": effect, "timeAdded": now()}));
        }
    }
    if taints != before {
        // It may be gone by now.
        drop(store.edit("nodes", "", name(node), Part::Whole, |node| {
            if taints.is_empty() {
                node.take_at("spec.taints");
            } else {
                node.put("spec.taints", taints);
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_sleeps_has_not_listened() {
        let start = Instant::now();
        let mut clock =
            Listening { total: Duration::ZERO, last: start, most: Duration::from_millis(200) };
        clock.go_on(start + Duration::from_millis(100));
        assert_eq!(clock.total, Duration::from_millis(100));
        clock.go_on(start + Duration::from_secs(60));
        assert_eq!(clock.total, Duration::from_millis(300));
    }
}
