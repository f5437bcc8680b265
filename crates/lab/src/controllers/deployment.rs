//! Deployments: one ReplicaSet for each template, and the way from one to the next.

use super::pods::{claim, reference, report, set_workload_condition};
use super::replicaset::put_count;
use super::{event, revision};
use crate::store::json::{name, namespace, terminating};
use crate::store::{DeleteOptions, Json, Part, Store, int_or_percent};
use serde_json::{Value, json};
use std::sync::Arc;

const COMPONENT: &str = "deployment-controller";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

pub(super) fn pass(store: &Store) {
    for deployment in store.all("deployments", "") {
        if !terminating(&deployment) {
            let sets = claim(store, "replicasets", &deployment);
            let present = ensure_set(store, &deployment, &sets);
            roll(store, &deployment, present.as_ref(), &sets);
            forget_old(store, &deployment, &sets);
        }
        tell(store, &deployment);
    }
}

/// The template, without the hash that the ReplicaSets of a Deployment carry in theirs.
fn template(object: &Value) -> Value {
    let mut template = object.at("spec.template").cloned().unwrap_or_default();
    if let Value::Object(labels) = template.place("metadata.labels") {
        labels.shift_remove(HASH);
    }
    // A creation time of null comes and goes.
    template.take_at("metadata.creationTimestamp");
    template
}

fn number(set: &Value) -> i64 {
    set.key("metadata.annotations", REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn replicas(object: &Value) -> i64 {
    object.int("spec.replicas").unwrap_or(1)
}

/// The ReplicaSet of the present template; it carries the highest revision.
fn ensure_set(store: &Store, deployment: &Value, sets: &[Arc<Value>]) -> Option<Arc<Value>> {
    let wanted = template(deployment);
    let newest = sets.iter().map(|set| number(set)).max().unwrap_or(0);
    let found = sets.iter().find(|set| template(set) == wanted);
    if deployment.flag("spec.paused") && found.is_none() {
        return None;
    }
    let set = match found {
        Some(set) if number(set) == newest => Arc::clone(set),
        Some(set) => store
            .edit("replicasets", namespace(set), name(set), Part::Whole, |set| {
                annotate(set, newest + 1);
            })
            .ok()?,
        None => make_set(store, deployment, &wanted, newest + 1)?,
    };
    if number(deployment) != number(&set) {
        let number = number(&set);
        // The deployment may be gone by now.
        drop(store.edit(
            "deployments",
            namespace(deployment),
            name(deployment),
            Part::Whole,
            |d| annotate(d, number),
        ));
    }
    Some(set)
}

fn annotate(object: &mut Value, number: i64) {
    let annotations = object.place("metadata.annotations");
    if !annotations.is_object() {
        *annotations = json!({});
    }
    if let Value::Object(annotations) = annotations {
        annotations.insert(REVISION.into(), number.to_string().into());
    }
}

fn make_set(
    store: &Store,
    deployment: &Value,
    template: &Value,
    number: i64,
) -> Option<Arc<Value>> {
    let hash = revision::hash(template);
    let mut set = json!({"metadata": {"name": format!("{}-{hash}", name(deployment)), "ownerReferences": [reference(deployment)]},
        "spec": {"replicas": 0, "selector": deployment.at("spec.selector"), "template": template}});
    if let Some(seconds) = deployment.int("spec.minReadySeconds") {
        set.put("spec.minReadySeconds", seconds);
    }
    annotate(&mut set, number);
    for path in ["spec.selector.matchLabels", "spec.template.metadata.labels"] {
        if !set.place(path).is_object() {
            set.put(path, json!({}));
        }
        if let Value::Object(labels) = set.place(path) {
            labels.insert(HASH.into(), hash.clone().into());
        }
    }
    let labels = set.at("spec.template.metadata.labels").cloned();
    set.put("metadata.labels", labels.unwrap_or_default());
    store.create("replicasets", namespace(deployment), set).ok()
}

fn resize(store: &Store, deployment: &Value, set: &Value, to: i64) {
    let from = replicas(set);
    if from == to
        || store
            .edit("replicasets", namespace(set), name(set), Part::Whole, |set| {
                set.put("spec.replicas", to);
            })
            .is_err()
    {
        return;
    }
    let direction = if to > from { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {from} to {to}", name(set));
    event::tell(store, COMPONENT, deployment, "Normal", "ScalingReplicaSet", &message);
}

/// One step on the way: never more pods than the surge allows, never fewer available than may be missed.
fn roll(store: &Store, deployment: &Value, present: Option<&Arc<Value>>, sets: &[Arc<Value>]) {
    let wanted = replicas(deployment);
    let Some(present) = present else { return };
    let old: Vec<&Arc<Value>> =
        sets.iter().filter(|set| name(set) != name(present) && replicas(set) > 0).collect();
    if deployment.flag("spec.paused") || old.is_empty() {
        if old.is_empty() {
            resize(store, deployment, present, wanted);
        }
        return;
    }
    if deployment.text("spec.strategy.type") == "Recreate" {
        return recreate(store, deployment, present, sets);
    }
    let bound = |name: &str, up: bool| {
        let value = deployment.at(&format!("spec.strategy.rollingUpdate.{name}"));
        value.and_then(|value| int_or_percent(value, wanted, up)).unwrap_or(0)
    };
    let (surge, mut missing) = (bound("maxSurge", true), bound("maxUnavailable", false));
    if surge == 0 && missing == 0 {
        missing = 1;
    }
    let total: i64 =
        sets.iter().filter(|set| name(set) != name(present)).map(|set| replicas(set)).sum::<i64>()
            + replicas(present);
    let room = (wanted + surge - total).max(0);
    if replicas(present) < wanted && room > 0 {
        return resize(store, deployment, present, (replicas(present) + room).min(wanted));
    }
    if replicas(present) > wanted {
        return resize(store, deployment, present, wanted);
    }
    let available = |set: &Value| set.int("status.availableReplicas").unwrap_or(0);
    // What is not available in the old ones can go at once; of the rest as many as may be missed.
    let mut may_go = total - (wanted - missing) - (replicas(present) - available(present)).max(0);
    for set in &old {
        let step = (replicas(set) - available(set)).max(0).min(may_go.max(0));
        if step > 0 {
            resize(store, deployment, set, replicas(set) - step);
            may_go -= step;
        }
    }
    let all: i64 = sets.iter().map(|set| available(set)).sum();
    let mut spare = all - (wanted - missing);
    for set in &old {
        let fresh = store.get("replicasets", namespace(set), name(set));
        let now = fresh.map_or(0, |set| replicas(&set));
        let step = now.min(spare.max(0));
        if step > 0 {
            resize(store, deployment, set, now - step);
            spare -= step;
        }
    }
}

/// All old pods go before the first new one comes.
fn recreate(store: &Store, deployment: &Value, present: &Value, sets: &[Arc<Value>]) {
    let old: Vec<&Arc<Value>> = sets.iter().filter(|set| name(set) != name(present)).collect();
    for set in &old {
        resize(store, deployment, set, 0);
    }
    let pods = store.all("pods", namespace(deployment));
    if !pods.iter().any(|pod| old.iter().any(|set| super::pods::owned_by(pod, set))) {
        resize(store, deployment, present, replicas(deployment));
    }
}

/// Keeps as many emptied ReplicaSets as the history shall have.
fn forget_old(store: &Store, deployment: &Value, sets: &[Arc<Value>]) {
    let limit = usize::try_from(deployment.int("spec.revisionHistoryLimit").unwrap_or(10))
        .unwrap_or(usize::MAX);
    let present = template(deployment);
    let idle = |set: &Value| {
        replicas(set) == 0
            && set.int("status.replicas").unwrap_or(0) == 0
            && template(set) != present
    };
    let mut old: Vec<&Arc<Value>> =
        sets.iter().filter(|set| idle(set) && !terminating(set)).collect();
    old.sort_by_key(|set| number(set));
    for set in old.iter().take(old.len().saturating_sub(limit)) {
        drop(store.delete("replicasets", namespace(set), name(set), &DeleteOptions::default())); // gone is gone
    }
}

fn tell(store: &Store, deployment: &Value) {
    let sets = claim(store, "replicasets", deployment);
    let present = template(deployment);
    let sum = |field: &str, new_only: bool| -> usize {
        let counted = sets.iter().filter(|set| !new_only || template(set) == present);
        counted
            .map(|set| set.int(&format!("status.{field}")).unwrap_or(0))
            .sum::<i64>()
            .try_into()
            .unwrap_or(0)
    };
    let (all, updated, available) =
        (sum("replicas", false), sum("replicas", true), sum("availableReplicas", false));
    let ready = sum("readyReplicas", false);
    let wanted = usize::try_from(replicas(deployment)).unwrap_or(0);
    let current = sets.iter().find(|set| template(set) == present).map(|set| name(set).to_owned());
    report(store, "deployments", deployment, |deployment| {
        let counts = [
            ("replicas", all),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", wanted.max(all).saturating_sub(available)),
        ];
        for (name, count) in counts {
            put_count(deployment, &format!("status.{name}"), count);
        }
        let generation = deployment.int("metadata.generation").unwrap_or(0);
        deployment.put("status.observedGeneration", generation);
        conditions(deployment, wanted, all, updated, available, current.as_deref());
    });
}

fn conditions(
    deployment: &mut Value,
    wanted: usize,
    all: usize,
    updated: usize,
    available: usize,
    set: Option<&str>,
) {
    let whole = i64::try_from(wanted).unwrap_or(0);
    let missing = deployment
        .at("spec.strategy.rollingUpdate.maxUnavailable")
        .and_then(|m| int_or_percent(m, whole, false));
    let enough =
        available >= wanted.saturating_sub(usize::try_from(missing.unwrap_or(0)).unwrap_or(0));
    let (status, reason, message) = if enough {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_workload_condition(deployment, "Available", status, reason, message);
    let set = set.unwrap_or_default();
    if updated == wanted && all == wanted && available == wanted {
        let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
        set_workload_condition(
            deployment,
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            &message,
        );
    } else {
        let message = format!("ReplicaSet \"{set}\" is progressing.");
        let done = crate::store::json::condition(deployment, "Progressing") == "True"
            && updated == wanted
            && all == wanted;
        // Pods that come and go later are no progress of the roll-out.
        if !done {
            set_workload_condition(
                deployment,
                "Progressing",
                "True",
                "ReplicaSetUpdated",
                &message,
            );
        }
    }
}
