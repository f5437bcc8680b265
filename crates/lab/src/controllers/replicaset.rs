//! ReplicaSets and replication controllers: as many pods as wanted.

use super::pods;
use crate::store::json::terminating;
use crate::store::{Json, Store};
use serde_json::Value;
use std::sync::Arc;

const COMPONENT: &str = "replicaset-controller";

pub(super) fn pass(store: &Store) {
    for resource in ["replicasets", "replicationcontrollers"] {
        for set in store.all(resource, "") {
            reconcile(store, resource, &set);
        }
    }
}

fn reconcile(store: &Store, resource: &str, set: &Value) {
    let mut claimed: Vec<Arc<Value>> =
        pods::claim(store, "pods", set).into_iter().filter(|pod| pods::active(pod)).collect();
    let wanted = usize::try_from(set.int("spec.replicas").unwrap_or(1)).unwrap_or(0);
    if !terminating(set) {
        for _ in claimed.len()..wanted {
            pods::create(store, COMPONENT, set, pods::from_template(set));
        }
        if claimed.len() > wanted {
            let all = claimed.clone();
            claimed.sort_by_key(|pod| keep_rank(pod, &all));
            for pod in claimed.iter().skip(wanted) {
                pods::delete(store, COMPONENT, set, pod);
            }
        }
    }
    let now: Vec<Arc<Value>> =
        pods::claim(store, "pods", set).into_iter().filter(|pod| pods::active(pod)).collect();
    let template = set.map("spec.template.metadata.labels");
    let labelled = |pod: &Value| {
        template
            .into_iter()
            .flatten()
            .all(|(name, value)| pod.key("metadata.labels", name) == value.as_str())
    };
    let wait = set.int("spec.minReadySeconds").unwrap_or(0);
    pods::report(store, resource, set, |set| {
        let counts = [
            ("fullyLabeledReplicas", now.iter().filter(|pod| labelled(pod)).count()),
            ("readyReplicas", now.iter().filter(|pod| pods::ready(pod)).count()),
            ("availableReplicas", now.iter().filter(|pod| pods::available(pod, wait)).count()),
        ];
        set.put("status.replicas", now.len());
        for (name, count) in counts {
            put_count(set, &format!("status.{name}"), count);
        }
        let generation = set.int("metadata.generation").unwrap_or(0);
        set.put("status.observedGeneration", generation);
    });
}

/// Counts of none are left out, as the API does.
pub(super) fn put_count(object: &mut Value, path: &str, count: usize) {
    if count == 0 {
        object.take_at(path);
    } else {
        object.put(path, count);
    }
}

/// Who is kept first comes first: on a node, running, ready, dear, alone on its node, old.
fn keep_rank(pod: &Value, all: &[Arc<Value>]) -> (bool, bool, bool, i64, usize, String) {
    let node = pod.text("spec.nodeName");
    let cost = pod.key("metadata.annotations", "controller.kubernetes.io/pod-deletion-cost");
    let cost: i64 = cost.and_then(|cost| cost.parse().ok()).unwrap_or(0);
    let beside = all.iter().filter(|other| other.text("spec.nodeName") == node).count();
    let phase = pod.text("status.phase");
    let created = pod.text("metadata.creationTimestamp").to_owned();
    (node.is_empty(), phase == "Pending", !pods::ready(pod), -cost, beside, created)
}
