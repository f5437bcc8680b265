//! StatefulSets: numbered pods, one after the other.

use super::pods::{self, claim, from_template, report};
use super::replicaset::put_count;
use super::revision;
use crate::store::json::{name, namespace, terminating};
use crate::store::{Json, Store};
use serde_json::{Value, json};
use std::sync::Arc;

const COMPONENT: &str = "statefulset-controller";

pub(super) fn pass(store: &Store) {
    for set in store.all("statefulsets", "") {
        let mine = claim(store, "pods", &set);
        if terminating(&set) {
            continue;
        }
        let hash = revision::current(store, &set, &mine);
        step(store, &set, &mine, &hash);
        tell(store, &set, &hash);
    }
}

fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    name(pod).strip_prefix(name(set))?.strip_prefix('-')?.parse().ok()
}

/// The revision that most pods have, before an update: the one that pods below the partition are made from.
fn base_revision(mine: &[Arc<Value>], hash: &str) -> String {
    let old = mine.iter().filter_map(|pod| revision::pod_hash(pod)).find(|other| *other != hash);
    old.unwrap_or(hash).to_owned()
}

fn step(store: &Store, set: &Value, mine: &[Arc<Value>], hash: &str) {
    let (first, wanted) =
        (set.int("spec.ordinals.start").unwrap_or(0), set.int("spec.replicas").unwrap_or(1));
    let ordered = set.text("spec.podManagementPolicy") != "Parallel";
    let wait = set.int("spec.minReadySeconds").unwrap_or(0);
    let find = |number: i64| mine.iter().find(|pod| ordinal(set, pod) == Some(number));
    for number in first..first + wanted {
        match find(number) {
            None => {
                make(store, set, number, hash);
                if ordered {
                    return;
                }
            }
            Some(pod) if pods::ended(pod) && !terminating(pod) => {
                pods::delete(store, COMPONENT, set, pod);
                return;
            }
            Some(pod) if ordered && (terminating(pod) || !pods::available(pod, wait)) => return,
            Some(_) => {}
        }
    }
    let mut surplus: Vec<&Arc<Value>> = mine
        .iter()
        .filter(|pod| ordinal(set, pod).is_some_and(|n| n < first || n >= first + wanted))
        .collect();
    surplus.sort_by_key(|pod| -ordinal(set, pod).unwrap_or(0));
    for pod in &surplus {
        if !terminating(pod) {
            pods::delete(store, COMPONENT, set, pod);
        }
        if ordered {
            return;
        }
    }
    if set.text("spec.updateStrategy.type") != "RollingUpdate" {
        return;
    }
    let partition = set.int("spec.updateStrategy.rollingUpdate.partition").unwrap_or(0);
    for number in (first + partition..first + wanted).rev() {
        let Some(pod) = find(number) else { return };
        if revision::pod_hash(pod) != Some(hash) && !terminating(pod) {
            return pods::delete(store, COMPONENT, set, pod);
        }
        if terminating(pod) || !pods::available(pod, wait) {
            return;
        }
    }
}

fn make(store: &Store, set: &Value, number: i64, hash: &str) {
    let mut pod = from_template(set);
    let full = format!("{}-{number}", name(set));
    pod.put("metadata.name", full.clone());
    pod.take_at("metadata.generateName");
    if !pod.place("metadata.labels").is_object() {
        pod.put("metadata.labels", json!({}));
    }
    if let Value::Object(labels) = pod.place("metadata.labels") {
        labels.insert("controller-revision-hash".into(), hash.into());
        labels.insert("statefulset.kubernetes.io/pod-name".into(), full.clone().into());
        labels.insert("apps.kubernetes.io/pod-index".into(), number.to_string().into());
    }
    pod.put("spec.hostname", full.clone());
    if !set.text("spec.serviceName").is_empty() {
        pod.put("spec.subdomain", set.text("spec.serviceName"));
    }
    let mut volumes = pod.list("spec.volumes").to_vec();
    for template in set.list("spec.volumeClaimTemplates") {
        let claim = format!("{}-{full}", name(template));
        if store.get("persistentvolumeclaims", namespace(set), &claim).is_err() {
            let mut object = template.clone();
            object.put("metadata.name", claim.clone());
            object.take_at("metadata.namespace");
            drop(store.create("persistentvolumeclaims", namespace(set), object)); // refused: the pod waits for it
        }
        volumes
            .push(json!({"name": name(template), "persistentVolumeClaim": {"claimName": claim}}));
    }
    if !volumes.is_empty() {
        pod.put("spec.volumes", volumes);
    }
    pods::create(store, COMPONENT, set, pod);
}

fn tell(store: &Store, set: &Value, hash: &str) {
    let mine: Vec<Arc<Value>> =
        claim(store, "pods", set).into_iter().filter(|pod| !pods::ended(pod)).collect();
    let wait = set.int("spec.minReadySeconds").unwrap_or(0);
    let count = |test: &dyn Fn(&Value) -> bool| {
        mine.iter().filter(|pod| !terminating(pod) && test(pod)).count()
    };
    let base = base_revision(&mine, hash);
    let (ready, available) = (count(&pods::ready), count(&|pod| pods::available(pod, wait)));
    let (updated, current) = (
        count(&|pod| revision::pod_hash(pod) == Some(hash)),
        count(&|pod| revision::pod_hash(pod) == Some(&base)),
    );
    report(store, "statefulsets", set, |set| {
        set.put("status.replicas", mine.len());
        set.put("status.availableReplicas", available);
        for (name, count) in
            [("readyReplicas", ready), ("updatedReplicas", updated), ("currentReplicas", current)]
        {
            put_count(set, &format!("status.{name}"), count);
        }
        let full = format!("{}-{base}", name(set));
        set.put("status.currentRevision", full);
        let full = format!("{}-{hash}", name(set));
        set.put("status.updateRevision", full);
        set.put("status.collisionCount", 0);
        let generation = set.int("metadata.generation").unwrap_or(0);
        set.put("status.observedGeneration", generation);
    });
}
