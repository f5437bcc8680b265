//! Namespaces: what they begin with, and how they end.

use crate::store::json::{name, terminating};
use crate::store::{DeleteOptions, Json, Part, RESOURCES, Store};
use serde_json::json;

pub(super) fn pass(store: &Store) {
    for namespace in store.all("namespaces", "") {
        let name = name(&namespace);
        if terminating(&namespace) {
            empty(store, name);
        } else if store.get("serviceaccounts", name, "default").is_err() {
            // It may have begun to go meanwhile.
            drop(store.create("serviceaccounts", name, json!({"metadata": {"name": "default"}})));
        }
    }
}

/// Deletes what is in it; once nothing is left the namespace may go.
fn empty(store: &Store, name: &str) {
    let mut left = false;
    for resource in RESOURCES.iter().filter(|resource| resource.namespaced) {
        for object in store.all(resource.plural, name) {
            left = true;
            if !terminating(&object) {
                // What refuses to go is asked again in the next pass.
                drop(store.delete(
                    resource.plural,
                    name,
                    crate::store::json::name(&object),
                    &DeleteOptions::default(),
                ));
            }
        }
    }
    if !left {
        let finalized = store.edit("namespaces", "", name, Part::Finalize, |namespace| {
            namespace.put("spec.finalizers", json!([]));
        });
        drop(finalized); // gone is gone
    }
}
