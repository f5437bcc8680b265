//! The garbage collector: what has lost all its owners goes; deletion in the foreground and orphaning are finished here.

use super::pods::retain_owners;
use crate::store::json::{name, namespace, terminating, uid};
use crate::store::{DeleteOptions, Json, Part, RESOURCES, Resource, Store, of_kind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Dependants = BTreeMap<String, Vec<(&'static Resource, Arc<Value>)>>;

pub(super) fn pass(store: &Store) {
    let mut all: Vec<(&'static Resource, Arc<Value>)> = Vec::new();
    for resource in RESOURCES {
        all.extend(store.all(resource.plural, "").into_iter().map(|object| (resource, object)));
    }
    let living: BTreeSet<&str> = all.iter().map(|(_, object)| uid(object)).collect();
    let mut dependants: Dependants = BTreeMap::new();
    for (resource, object) in &all {
        for owner in object.list("metadata.ownerReferences") {
            dependants
                .entry(owner.text("uid").to_owned())
                .or_default()
                .push((resource, Arc::clone(object)));
        }
        collect(store, resource, object, &living);
    }
    for (resource, object) in &all {
        let below = dependants.get(uid(object)).map_or(&[][..], Vec::as_slice);
        finish(store, resource, object, below);
    }
}

/// Whether an owner is there, and of a kind that could be looked for.
fn lives(owner: &Value, living: &BTreeSet<&str>) -> bool {
    of_kind(owner.text("kind")).is_none() || living.contains(owner.text("uid"))
}

fn collect(store: &Store, resource: &Resource, object: &Value, living: &BTreeSet<&str>) {
    let owners = object.list("metadata.ownerReferences");
    if owners.is_empty() || terminating(object) || owners.iter().any(|owner| lives(owner, living)) {
        return;
    }
    let options = DeleteOptions { uid: Some(uid(object).to_owned()), ..DeleteOptions::default() };
    drop(store.delete(resource.plural, namespace(object), name(object), &options)); // somebody was faster
}

/// What an object that is being deleted waits for.
fn finish(
    store: &Store,
    resource: &Resource,
    object: &Value,
    below: &[(&'static Resource, Arc<Value>)],
) {
    let waits =
        |word: &str| object.list("metadata.finalizers").iter().any(|finalizer| finalizer == word);
    if !terminating(object) {
        return;
    }
    let own = uid(object);
    if waits("orphan") {
        for (resource, dependant) in below {
            let freed = store.edit(
                resource.plural,
                namespace(dependant),
                name(dependant),
                Part::Whole,
                |dependant| {
                    retain_owners(dependant, |owner| owner.text("uid") != own);
                },
            );
            drop(freed); // gone is free
        }
        release(store, resource, object, "orphan");
    } else if waits("foregroundDeletion") {
        for (resource, dependant) in below.iter().filter(|(_, dependant)| !terminating(dependant)) {
            let options = DeleteOptions {
                propagation: Some(crate::store::Propagation::Foreground),
                ..DeleteOptions::default()
            };
            drop(store.delete(resource.plural, namespace(dependant), name(dependant), &options)); // somebody was faster
        }
        let blocks = |dependant: &Value| {
            let mut owners = dependant.list("metadata.ownerReferences").iter();
            owners.any(|owner| owner.text("uid") == own && owner.flag("blockOwnerDeletion"))
        };
        if !below.iter().any(|(_, dependant)| blocks(dependant)) {
            release(store, resource, object, "foregroundDeletion");
        }
    }
}

fn release(store: &Store, resource: &Resource, object: &Value, finalizer: &str) {
    let released =
        store.edit(resource.plural, namespace(object), name(object), Part::Whole, |object| {
            let others =
                object.list("metadata.finalizers").iter().filter(|f| **f != *finalizer).cloned();
            let others: Vec<Value> = others.collect();
            object.put("metadata.finalizers", others);
        });
    drop(released); // gone is gone
}
