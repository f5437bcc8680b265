//! What controllers of pods share.

use super::event;
use crate::store::json::{condition, controller, name, namespace, now, terminating, uid};
use crate::store::{DeleteOptions, Json, Labels, Part, Store};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// A pod that counts: it has not ended and is not going.
pub(super) fn active(pod: &Value) -> bool {
    !terminating(pod) && !ended(pod)
}

/// A pod that has run to its end.
pub(super) fn ended(pod: &Value) -> bool {
    matches!(pod.text("status.phase"), "Succeeded" | "Failed")
}

pub(super) fn ready(pod: &Value) -> bool {
    condition(pod, "Ready") == "True"
}

/// Ready for at least so many seconds.
pub(super) fn available(pod: &Value, seconds: i64) -> bool {
    let mut conditions = pod.list("status.conditions").iter();
    let since =
        conditions.find(|c| c.text("type") == "Ready").map_or("", |c| c.text("lastTransitionTime"));
    let long = |since: Timestamp| Timestamp::now().duration_since(since).as_secs() >= seconds;
    ready(pod) && (seconds == 0 || since.parse().is_ok_and(long))
}

/// The owner reference of what this controller makes.
pub(super) fn reference(owner: &Value) -> Value {
    json!({"apiVersion": owner.text("apiVersion"), "kind": owner.text("kind"), "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true})
}

pub(super) fn owned_by(object: &Value, owner: &Value) -> bool {
    controller(object).is_some_and(|reference| reference.text("uid") == uid(owner))
}

/// The objects of this resource that belong to an owner. Those that nobody has and the owner's selector selects are
/// adopted; those that it no longer selects are let go.
pub(super) fn claim(store: &Store, resource: &str, owner: &Value) -> Vec<Arc<Value>> {
    let Some(selector) = owner.at("spec.selector").and_then(|selector| {
        let plain =
            selector.at("matchLabels").is_none() && selector.at("matchExpressions").is_none();
        if plain { Labels::of(&json!({"matchLabels": selector})) } else { Labels::of(selector) }
    }) else {
        return Vec::new();
    };
    let mut claimed = Vec::new();
    for object in store.all(resource, namespace(owner)) {
        let selected = selector.matches(&object);
        if owned_by(&object, owner) {
            if selected || terminating(&object) {
                claimed.push(object);
            } else {
                let without = |object: &mut Value| {
                    retain_owners(object, |reference| reference.text("uid") != uid(owner));
                };
                drop(store.edit(resource, namespace(owner), name(&object), Part::Whole, without)); // it may be gone by now
            }
        } else if selected
            && controller(&object).is_none()
            && !terminating(&object)
            && !terminating(owner)
        {
            let adopted =
                store.edit(resource, namespace(owner), name(&object), Part::Whole, |object| {
                    let mut owners = object.list("metadata.ownerReferences").to_vec();
                    owners.push(reference(owner));
                    object.put("metadata.ownerReferences", owners);
                });
            claimed.extend(adopted);
        }
    }
    claimed
}

/// Keeps some owners only.
pub(super) fn retain_owners(object: &mut Value, keep: impl Fn(&Value) -> bool) {
    let owners: Vec<Value> = object
        .list("metadata.ownerReferences")
        .iter()
        .filter(|owner| keep(owner))
        .cloned()
        .collect();
    if owners.is_empty() {
        object.take_at("metadata.ownerReferences");
    } else {
        object.put("metadata.ownerReferences", owners);
    }
}

/// A pod from an owner's template.
pub(super) fn from_template(owner: &Value) -> Value {
    let mut pod = owner.at("spec.template").cloned().unwrap_or_else(|| json!({}));
    let mut metadata =
        json!({"generateName": format!("{}-", name(owner)), "ownerReferences": [reference(owner)]});
    for kept in ["labels", "annotations", "finalizers"] {
        if let Some(value) = pod.at(&format!("metadata.{kept}")) {
            metadata.put(kept, value.clone());
        }
    }
    pod.put("metadata", metadata);
    pod
}

/// Makes a pod; what is refused is told as an event.
pub(super) fn create(store: &Store, component: &str, owner: &Value, pod: Value) {
    match store.create("pods", namespace(owner), pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", name(&pod));
            event::tell(store, component, owner, "Normal", "SuccessfulCreate", &message);
        }
        Err(status) if status.code == 409 => {}
        Err(status) => {
            let message = format!("Error creating: {status}");
            event::tell(store, component, owner, "Warning", "FailedCreate", &message);
        }
    }
}

/// Deletes a pod of an owner.
pub(super) fn delete(store: &Store, component: &str, owner: &Value, pod: &Value) {
    if store.delete("pods", namespace(pod), name(pod), &DeleteOptions::default()).is_ok() {
        let message = format!("Deleted pod: {}", name(pod));
        event::tell(store, component, owner, "Normal", "SuccessfulDelete", &message);
    }
}

/// Writes a status if it is another.
pub(super) fn report(
    store: &Store,
    resource: &str,
    owner: &Value,
    change: impl FnOnce(&mut Value),
) {
    // It may be gone by now.
    drop(store.edit(resource, namespace(owner), name(owner), Part::Status, change));
}

/// The condition of a workload, with the time at which it was last written.
pub(super) fn set_workload_condition(
    object: &mut Value,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
) {
    if crate::store::json::set_condition(object, kind, status, reason, message) {
        let conditions = object.items_mut("status.conditions");
        if let Some(condition) = conditions.iter_mut().find(|c| c.text("type") == kind) {
            condition.put("lastUpdateTime", now());
        }
    }
}
