//! Templates by their hash, and the ControllerRevisions of DaemonSets and StatefulSets.

use super::pods;
use crate::store::json::{name, namespace};
use crate::store::{DeleteOptions, Json, Store};
use serde_json::{Value, json};
use std::sync::Arc;

/// A short hash of a value in the letters that Kubernetes uses for hashes.
pub(super) fn hash(value: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash: u32 = 0x811c_9dc5; // FNV-1a
    for byte in value.to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let letter = |byte: u8| {
        LETTERS.get(usize::from(byte) % LETTERS.len()).map_or('x', |letter| char::from(*letter))
    };
    hash.to_string().bytes().map(letter).collect()
}

/// The revision of the present template: its hash, and the name of its ControllerRevision, which is made if need be.
/// Older ones are kept as far as the history goes.
pub(super) fn current(store: &Store, owner: &Value, in_use: &[Arc<Value>]) -> String {
    let hash = hash(owner.at("spec.template").unwrap_or(&Value::Null));
    let mut all = store.all("controllerrevisions", namespace(owner));
    all.retain(|revision| pods::owned_by(revision, owner));
    all.sort_by_key(|revision| revision.int("revision"));
    let newest = all.last().and_then(|revision| revision.int("revision")).unwrap_or(0);
    let wanted = format!("{}-{hash}", name(owner));
    match all.iter().find(|revision| name(revision) == wanted) {
        Some(found) if found.int("revision") == Some(newest) => {}
        Some(_) => {
            // A template that was there before is the newest again.
            let raised = store.edit(
                "controllerrevisions",
                namespace(owner),
                &wanted,
                crate::store::Part::Whole,
                |revision| {
                    revision.put("revision", newest + 1);
                },
            );
            drop(raised); // gone with its owner
        }
        None => {
            let labels = owner.at("spec.template.metadata.labels").cloned().unwrap_or_default();
            let mut revision = json!({"metadata": {"name": wanted, "ownerReferences": [pods::reference(owner)], "labels": labels},
                "revision": newest + 1, "data": {"spec": {"template": owner.at("spec.template")}}});
            if let Value::Object(labels) = revision.place("metadata.labels") {
                labels.insert("controller-revision-hash".into(), hash.clone().into());
            }
            drop(store.create("controllerrevisions", namespace(owner), revision)); // the namespace may be going
        }
    }
    let limit = usize::try_from(owner.int("spec.revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
    let used = |revision: &Value| {
        let hash = revision.key("metadata.labels", "controller-revision-hash");
        name(revision) == wanted || in_use.iter().any(|pod| hash.is_some() && pod_hash(pod) == hash)
    };
    let old: Vec<&Arc<Value>> = all.iter().filter(|revision| !used(revision)).collect();
    for revision in old.iter().take(old.len().saturating_sub(limit)) {
        drop(store.delete(
            "controllerrevisions",
            namespace(owner),
            name(revision),
            &DeleteOptions::default(),
        )); // gone is gone
    }
    hash
}

/// The revision that a pod was made from.
pub(super) fn pod_hash(pod: &Value) -> Option<&str> {
    pod.key("metadata.labels", "controller-revision-hash")
}
