//! Deletion: at once, after a time of grace, or when the finalizers are gone.

use super::json::{self, Json};
use super::state::{Key, State};
use super::status::Status;
use super::{Resource, Selection, Store, rules};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// What becomes of the dependants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted afterwards.
    Background,
    /// They are deleted first.
    Foreground,
    /// They stay, without an owner.
    Orphan,
}

/// How to delete.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Seconds; by default what the object says.
    pub grace: Option<i64>,
    /// Only this identity.
    pub uid: Option<String>,
    /// Only this revision.
    pub resource_version: Option<String>,
    /// By default background.
    pub propagation: Option<Propagation>,
    /// Check everything, delete nothing.
    pub dry_run: bool,
}

impl DeleteOptions {
    /// At once, without grace.
    #[must_use]
    pub fn now() -> Self {
        Self { grace: Some(0), ..Self::default() }
    }
}

/// What a deletion has come to.
#[derive(Debug, Clone)]
pub enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Arc<Value>),
    /// It will go, later.
    Later(Arc<Value>),
}

impl Store {
    /// Deletes one object.
    ///
    /// # Errors
    /// 404, or 409 if it is not the one that is meant.
    pub fn delete(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        let resource = Self::resource(resource)?;
        let mut state = self.lock();
        let deleted = delete(&mut state, resource, namespace, name, options)?;
        self.tell(&state);
        Ok(deleted)
    }

    /// Deletes all selected objects; returns them as they were before.
    ///
    /// # Errors
    /// The first refusal; what was deleted before it stays deleted.
    pub fn delete_all(
        &self,
        selection: &Selection,
        options: &DeleteOptions,
    ) -> Result<Vec<Arc<Value>>, Status> {
        let objects = self.list(selection, &super::ListOptions::default())?.items;
        for object in &objects {
            match self.delete(
                selection.resource.plural,
                json::namespace(object),
                json::name(object),
                options,
            ) {
                Err(status) if status.code != 404 => return Err(status),
                _ => {}
            }
        }
        Ok(objects)
    }
}

pub(super) fn delete(
    state: &mut State,
    resource: &'static Resource,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deleted, Status> {
    let old = Arc::clone(state.get(resource, namespace, name)?);
    preconditions(resource, &old, options)?;
    if resource.kind == "Namespace" && matches!(name, "default" | "kube-system" | "kube-public") {
        return Err(Status::forbidden("", "namespaces", name, "this namespace may not be deleted"));
    }
    let mut object = Value::clone(&old);
    let grace = grace(resource, &object, options);
    if !json::terminating(&old) {
        finalizers_for(&mut object, options.propagation);
    }
    let key = Key::new(resource, namespace, name);
    let held = !object.list("metadata.finalizers").is_empty()
        || !object.list("spec.finalizers").is_empty();
    if grace == 0 && !held {
        let gone = if options.dry_run { object.into() } else { state.remove(key, object) };
        return Ok(Deleted::Gone(gone));
    }
    mark(resource, &mut object, grace);
    if object == *old || options.dry_run {
        return Ok(Deleted::Later(object.into()));
    }
    Ok(if rules::nothing_holds(resource, &object) {
        Deleted::Gone(state.remove(key, object))
    } else {
        Deleted::Later(state.put(key, object))
    })
}

fn preconditions(resource: &Resource, old: &Value, options: &DeleteOptions) -> Result<(), Status> {
    let name = json::name(old);
    let refused = |what: &str, asked: &str, is: &str, past: &str| {
        let why = format!(
            "the {what} in the precondition ({asked}) does not match the {what} in record ({is}). The object might have been {past}"
        );
        Err(Status::conflict(resource.group, resource.kind, name, &why))
    };
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != json::uid(old)) {
        return refused("UID", uid, json::uid(old), "deleted and then recreated");
    }
    let revision = old.text("metadata.resourceVersion");
    if let Some(asked) = options.resource_version.as_deref().filter(|asked| *asked != revision) {
        return refused("ResourceVersion", asked, revision, "modified");
    }
    Ok(())
}

/// Seconds of grace. Pods alone have any: none if they never ran or run no more; once set it can only become shorter.
fn grace(resource: &Resource, object: &Value, options: &DeleteOptions) -> i64 {
    if resource.kind != "Pod" {
        return 0;
    }
    if let Some(set) = object.int("metadata.deletionGracePeriodSeconds") {
        return options.grace.map_or(set, |asked| if asked < 0 { 1 } else { asked }.min(set));
    }
    let unscheduled = object.text("spec.nodeName").is_empty();
    if unscheduled || matches!(object.text("status.phase"), "Failed" | "Succeeded") {
        return 0;
    }
    let seconds =
        options.grace.or_else(|| object.int("spec.terminationGracePeriodSeconds")).unwrap_or(30);
    if seconds < 0 { 1 } else { seconds }
}

/// Orphaning and deletion in the foreground are finalizers that the garbage collector takes away.
fn finalizers_for(object: &mut Value, propagation: Option<Propagation>) {
    let Some(propagation) = propagation else { return };
    let wanted = match propagation {
        Propagation::Background => None,
        Propagation::Foreground => Some("foregroundDeletion"),
        Propagation::Orphan => Some("orphan"),
    };
    let others = object.list("metadata.finalizers").iter();
    let mut all: Vec<Value> = others
        .filter(|f| !matches!(f.as_str(), Some("orphan" | "foregroundDeletion")))
        .cloned()
        .collect();
    all.extend(wanted.map(Value::from));
    if all.is_empty() {
        object.take_at("metadata.finalizers");
    } else {
        object.put("metadata.finalizers", all);
    }
}

fn mark(resource: &Resource, object: &mut Value, grace: i64) {
    let before = object.int("metadata.deletionGracePeriodSeconds");
    if before == Some(grace) && json::terminating(object) {
        return;
    }
    let base = match (object.text("metadata.deletionTimestamp").parse::<Timestamp>(), before) {
        (Ok(at), Some(before)) => at - SignedDuration::from_secs(before),
        _ => Timestamp::now(),
    };
    let at = (base + SignedDuration::from_secs(grace)).max(Timestamp::now());
    if !json::terminating(object) {
        if let Some(generation) = object.int("metadata.generation") {
            object.put("metadata.generation", generation + 1);
        }
        if resource.kind == "Namespace" {
            object.put("status", json!({"phase": "Terminating"}));
        }
    }
    object.put("metadata.deletionTimestamp", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    object.put("metadata.deletionGracePeriodSeconds", grace);
}
