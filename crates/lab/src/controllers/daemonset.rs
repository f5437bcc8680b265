//! DaemonSets: one pod on every node that bears it.

use super::pods::{self, claim, from_template, report};
use super::replicaset::put_count;
use super::{revision, schedule, taint};
use crate::store::json::{name, terminating};
use crate::store::{Json, Store, int_or_percent};
use serde_json::{Value, json};
use std::sync::Arc;

const COMPONENT: &str = "daemonset-controller";

pub(super) fn pass(store: &Store) {
    let nodes = store.all("nodes", "");
    for set in store.all("daemonsets", "") {
        let mine = claim(store, "pods", &set);
        if terminating(&set) {
            continue;
        }
        let hash = revision::current(store, &set, &mine);
        place(store, &set, &nodes, &mine, &hash);
        update(store, &set, &nodes, &mine, &hash);
        tell(store, &set, &nodes, &hash);
    }
}

/// The node that a pod is meant for, before and after it was scheduled.
fn node_of(pod: &Value) -> &str {
    let bound = pod.text("spec.nodeName");
    if !bound.is_empty() {
        return bound;
    }
    let terms = pod.list("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    let fields = terms.first().map_or(&[][..], |term| term.list("matchFields"));
    fields
        .first()
        .and_then(|field| field.list("values").first())
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn pod_for(set: &Value, node: &str, hash: &str) -> Value {
    let mut pod = from_template(set);
    if !pod.place("metadata.labels").is_object() {
        pod.put("metadata.labels", json!({}));
    }
    if let Value::Object(labels) = pod.place("metadata.labels") {
        labels.insert("controller-revision-hash".into(), hash.into());
    }
    let here =
        json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]);
    pod.put("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", here);
    let mut tolerations = pod.list("spec.tolerations").to_vec();
    tolerations.extend(own_tolerations(&pod));
    pod.put("spec.tolerations", tolerations);
    pod
}

/// What pods of every DaemonSet bear.
fn own_tolerations(pod: &Value) -> Vec<Value> {
    let mut all: Vec<(&str, &str)> = vec![
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ];
    if pod.flag("spec.hostNetwork") {
        all.push(("network-unavailable", "NoSchedule"));
    }
    let toleration = |(key, effect)| json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect});
    all.into_iter().map(toleration).collect()
}

/// Whether a node should have a pod, and whether one that is there may stay.
fn wanted(set: &Value, node: &Value) -> (bool, bool) {
    let pod = pod_for(set, name(node), "");
    if !schedule::selected(&pod, node) {
        return (false, false);
    }
    let tolerations = pod.list("spec.tolerations");
    let stays = taint::unborne(tolerations, node, &["NoExecute"]).is_none();
    (stays && taint::unborne(tolerations, node, &["NoSchedule"]).is_none(), stays)
}

fn place(store: &Store, set: &Value, nodes: &[Arc<Value>], mine: &[Arc<Value>], hash: &str) {
    for node in nodes {
        let (runs, stays) = wanted(set, node);
        let here: Vec<&Arc<Value>> = mine.iter().filter(|pod| node_of(pod) == name(node)).collect();
        for pod in here.iter().filter(|pod| pods::ended(pod) && !terminating(pod)) {
            pods::delete(store, COMPONENT, set, pod);
        }
        let live: Vec<&&Arc<Value>> = here.iter().filter(|pod| !pods::ended(pod)).collect();
        if runs && live.is_empty() {
            pods::create(store, COMPONENT, set, pod_for(set, name(node), hash));
        }
        for pod in live.iter().skip(usize::from(stays)).filter(|pod| !terminating(pod)) {
            pods::delete(store, COMPONENT, set, pod);
        }
    }
    let gone = |pod: &Value| !nodes.iter().any(|node| name(node) == node_of(pod));
    for pod in mine
        .iter()
        .filter(|pod| gone(pod) && !terminating(pod) && pod.text("spec.nodeName").is_empty())
    {
        pods::delete(store, COMPONENT, set, pod);
    }
}

/// Old pods go, as many at a time as may be missed.
fn update(store: &Store, set: &Value, nodes: &[Arc<Value>], mine: &[Arc<Value>], hash: &str) {
    if set.text("spec.updateStrategy.type") != "RollingUpdate" {
        return;
    }
    let should = nodes.iter().filter(|node| wanted(set, node).0).count();
    let should = i64::try_from(should).unwrap_or(0);
    let most = set
        .at("spec.updateStrategy.rollingUpdate.maxUnavailable")
        .and_then(|most| int_or_percent(most, should, true));
    let wait = set.int("spec.minReadySeconds").unwrap_or(0);
    let well = mine.iter().filter(|pod| !terminating(pod) && pods::available(pod, wait)).count();
    let mut room = most.unwrap_or(1) - (should - i64::try_from(well).unwrap_or(0));
    for pod in mine.iter().filter(|pod| !terminating(pod) && revision::pod_hash(pod) != Some(hash))
    {
        // One that does not work is missed already.
        if !pods::available(pod, wait) {
            pods::delete(store, COMPONENT, set, pod);
        } else if room > 0 {
            room -= 1;
            pods::delete(store, COMPONENT, set, pod);
        }
    }
}

fn tell(store: &Store, set: &Value, nodes: &[Arc<Value>], hash: &str) {
    let mine = claim(store, "pods", set);
    let wait = set.int("spec.minReadySeconds").unwrap_or(0);
    let [mut should, mut current, mut misplaced, mut ready, mut available, mut updated] =
        [0_usize; 6];
    for node in nodes {
        let (runs, _) = wanted(set, node);
        let pod = mine.iter().find(|pod| node_of(pod) == name(node) && !terminating(pod));
        should += usize::from(runs);
        let Some(pod) = pod else { continue };
        if !runs {
            misplaced += 1;
            continue;
        }
        current += 1;
        ready += usize::from(pods::ready(pod));
        available += usize::from(pods::available(pod, wait));
        updated += usize::from(revision::pod_hash(pod) == Some(hash));
    }
    report(store, "daemonsets", set, |set| {
        for (name, count) in [
            ("currentNumberScheduled", current),
            ("numberMisscheduled", misplaced),
            ("desiredNumberScheduled", should),
            ("numberReady", ready),
        ] {
            set.put(&format!("status.{name}"), count);
        }
        put_count(set, "status.updatedNumberScheduled", updated);
        put_count(set, "status.numberAvailable", available);
        put_count(set, "status.numberUnavailable", should.saturating_sub(available));
        let generation = set.int("metadata.generation").unwrap_or(0);
        set.put("status.observedGeneration", generation);
    });
}
