//! What the API server does to every object that is written: identity, generation, who may change what.

use super::defaults;
use super::json::{self, Json};
use super::state::State;
use super::status::Status;
use super::validate;
use super::{Part, Resource, Target};
use serde_json::{Value, json};

/// The name is there or generated; the namespaces of path and object agree.
pub(super) fn name_and_namespace(target: &Target, object: &mut Value) -> Result<(), Status> {
    let resource = target.resource;
    let said = json::namespace(object);
    if resource.namespaced {
        if !said.is_empty() && said != target.namespace {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        object.put("metadata.namespace", target.namespace.clone());
    } else if !said.is_empty() {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if json::name(object).is_empty() {
        let prefix = object.text("metadata.generateName").to_owned();
        if prefix.is_empty() {
            let text = "Required value: name or generateName is required".to_owned();
            let cause = ("metadata.name".to_owned(), "FieldValueRequired", text);
            return Err(Status::invalid(resource.group, resource.kind, "", &[cause]));
        }
        object.put("metadata.name", format!("{prefix}{}", random_suffix()));
    }
    Ok(())
}

/// Five letters, as the API server makes them: no vowels, so that no words come out.
fn random_suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let random = uuid::Uuid::new_v4();
    let letters = random.as_bytes().iter().take(5);
    letters
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Admission by the life of the namespace.
pub(super) fn namespace_takes_new(
    state: &State,
    resource: &Resource,
    namespace: &str,
    name: &str,
) -> Result<(), Status> {
    let namespaces = super::resource::resource("namespaces").ok_or_else(Status::no_resource)?;
    let found = state.get(namespaces, "", namespace)?;
    if !json::terminating(found) {
        return Ok(());
    }
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    let mut status = Status::forbidden(resource.group, resource.plural, name, &why);
    let cause = format!("namespace {namespace} is being terminated");
    status.details.put("causes", json!([{"reason": "NamespaceTerminating", "message": cause, "field": "metadata.namespace"}]));
    Err(status)
}

/// A new object as it is stored.
pub(super) fn prepare_new(
    state: &State,
    resource: &'static Resource,
    object: &mut Value,
) -> Result<(), Status> {
    for gone in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "managedFields",
        "resourceVersion",
        "generation",
    ] {
        object.take_at(&format!("metadata.{gone}"));
    }
    object.put("metadata.uid", uuid::Uuid::new_v4().to_string());
    object.put("metadata.creationTimestamp", json::now());
    if resource.generation {
        object.put("metadata.generation", 1);
    }
    // Nodes are registered with their status.
    if resource.has("status") && resource.kind != "Node" {
        object.take_at("status");
    }
    defaults::complete(resource, object);
    defaults::admit_new(state, resource, object);
    validate::new(resource, object)
}

/// The object that is written is the one that is there, and as its writer believes it to be.
pub(super) fn same_object(target: &Target, old: &Value, object: &mut Value) -> Result<(), Status> {
    let resource = target.resource;
    let (group, plural) = (resource.group, resource.plural);
    let name = json::name(object).to_owned();
    if name != target.name {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    let namespace = json::namespace(object);
    if !namespace.is_empty() && namespace != target.namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let uid = json::uid(object);
    if !uid.is_empty() && uid != json::uid(old) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            json::uid(old)
        );
        return Err(Status::conflict(group, plural, &name, &why));
    }
    let revision = object.text("metadata.resourceVersion");
    if revision.is_empty() {
        // Budgets and leases are what several write at once; their writers must say what they saw.
        if matches!(resource.kind, "PodDisruptionBudget" | "Lease" | "VolumeAttachment") {
            let text = "Invalid value: 0: must be specified for an update".to_owned();
            let cause = ("metadata.resourceVersion".to_owned(), "FieldValueInvalid", text);
            return Err(Status::invalid(group, plural, &name, &[cause]));
        }
    } else if revision != old.text("metadata.resourceVersion") {
        return Err(Status::modified(group, plural, &name));
    }
    Ok(())
}

/// A patch may not make another object of it.
pub(super) fn patch_keeps_identity(
    target: &Target,
    old: &Value,
    object: &Value,
) -> Result<(), Status> {
    let (uid, name) = (json::uid(object), &target.name);
    if uid == json::uid(old) {
        return Ok(());
    }
    let text = format!("Invalid value: \"{uid}\": field is immutable");
    let cause = ("metadata.uid".to_owned(), "FieldValueInvalid", text);
    Err(Status::invalid(target.resource.group, target.resource.kind, name, &[cause]))
}

/// A changed object as it is stored: what this write may not change is as it was.
pub(super) fn prepare_changed(
    target: &Target,
    old: &Value,
    object: &mut Value,
) -> Result<(), Status> {
    let resource = target.resource;
    let kept = [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "namespace",
        "resourceVersion",
    ];
    for name in kept {
        restore(object, old, &format!("metadata.{name}"));
    }
    object.take_at("metadata.managedFields");
    match target.part {
        Part::Status => {
            for (name, value) in old.as_object().into_iter().flatten() {
                if !matches!(name.as_str(), "status" | "metadata") {
                    object.put(name, value.clone());
                }
            }
            if resource.group == "apps" {
                restore(object, old, "metadata.labels");
            }
        }
        Part::Finalize => {
            let finalizers = object.at("spec.finalizers").cloned();
            *object = old.clone();
            object.put("spec.finalizers", finalizers.unwrap_or_default());
            return Ok(());
        }
        Part::Whole if resource.has("status") => restore(object, old, "status"),
        Part::Whole => {}
    }
    defaults::complete(resource, object);
    defaults::carry_over(resource, old, object);
    let spec_changed = object.get("spec") != old.get("spec");
    let annotated = resource.kind == "Deployment"
        && object.at("metadata.annotations") != old.at("metadata.annotations");
    if resource.generation && (spec_changed || annotated) {
        object.put("metadata.generation", old.int("metadata.generation").unwrap_or(0) + 1);
    }
    validate::changed(resource, target.part, old, object)
}

fn restore(object: &mut Value, old: &Value, path: &str) {
    match old.at(path) {
        Some(value) => object.put(path, value.clone()),
        None => drop(object.take_at(path)),
    }
}

/// Whether an object that somebody wants gone is held by nothing any more: no finalizer, no time of grace.
pub(super) fn nothing_holds(resource: &Resource, object: &Value) -> bool {
    let finalizers = object.list("metadata.finalizers").is_empty();
    let spec = resource.kind != "Namespace" || object.list("spec.finalizers").is_empty();
    let grace = object.int("metadata.deletionGracePeriodSeconds").unwrap_or(0) == 0;
    json::terminating(object) && finalizers && spec && grace
}
