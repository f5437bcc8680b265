//! Events: what `kubectl describe` shows of what happened.

use crate::store::json::{name, namespace, now, uid};
use crate::store::{DeleteOptions, Json, Part, Store};
use serde_json::{Value, json};

/// More than this are not kept; the oldest go.
const KEPT: usize = 1000;

/// Tells of something that happened to an object; the same again is counted.
pub(super) fn tell(
    store: &Store,
    component: &str,
    about: &Value,
    kind: &str,
    reason: &str,
    message: &str,
) {
    let space = if namespace(about).is_empty() { "default" } else { namespace(about) };
    let again = store.all("events", space).into_iter().find(|event| {
        event.text("involvedObject.uid") == uid(about)
            && event.text("reason") == reason
            && event.text("message") == message
    });
    if let Some(event) = again {
        let count = event.int("count").unwrap_or(1) + 1;
        let counted = store.edit("events", space, name(&event), Part::Whole, |event| {
            event.put("count", count);
            event.put("lastTimestamp", now());
        });
        return drop(counted); // it may just have been forgotten
    }
    let event = json!({
        "metadata": {"generateName": format!("{}.", name(about))},
        "involvedObject": {"kind": about.text("kind"), "apiVersion": about.text("apiVersion"), "name": name(about),
            "namespace": namespace(about), "uid": uid(about)},
        "reason": reason, "message": message, "type": kind, "count": 1, "firstTimestamp": now(), "lastTimestamp": now(),
        "source": {"component": component}, "reportingComponent": component, "reportingInstance": ""});
    // A namespace that is going takes no more events.
    drop(store.create("events", space, event));
}

/// Keeps the number of events bounded.
pub(super) fn forget_old(store: &Store) {
    let mut all = store.all("events", "");
    if all.len() <= KEPT {
        return;
    }
    all.sort_by(|one, other| one.text("lastTimestamp").cmp(other.text("lastTimestamp")));
    let most = all.len() - KEPT;
    for event in all.iter().take(most) {
        drop(store.delete("events", namespace(event), name(event), &DeleteOptions::now())); // gone is gone
    }
}
