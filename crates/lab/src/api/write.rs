//! Writing: objects, their parts, and what is posted to them.

use super::request::{Place, Request};
use super::respond::{self, Answer, View};
use super::route::Serving;
use crate::store::{
    Change, DeleteOptions, Deleted, Eviction, Json, Part, Patch, Propagation, Status, Target,
    Validation, WriteOptions, Written, schema,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// POST to a list.
pub(super) fn create(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    View::wanted(request)?;
    if place.resource.namespaced && place.namespace.is_empty() {
        return Err(Status::method_not_allowed());
    }
    let options = options(request, "CreateOptions")?;
    let object = request.object(place.resource.kind)?;
    let target = target(place, Part::Whole);
    let written = serving.store.write(&target, Change::Create(object), options)?;
    Ok(respond::written(201, &written))
}

/// PUT to an object or to a part of it.
pub(super) fn replace(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    let options = options(request, "UpdateOptions")?;
    if place.subresource == "scale" {
        let scale = request.object("Scale")?;
        let written = rescale(serving, place, &scale, options)?;
        return Ok(respond::json(200, &scale_of(&written.object)));
    }
    let object = request.object(place.resource.kind)?;
    let target = target(place, part(place)?);
    Ok(respond::written(200, &serving.store.write(&target, Change::Replace(object), options)?))
}

/// PATCH of an object or of a part of it.
pub(super) fn patch(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    let options = options(request, "PatchOptions")?;
    let patch = read_patch(request)?;
    if place.subresource == "scale" {
        let old = serving.store.get(place.resource.plural, &place.namespace, &place.name)?;
        let mut scale = scale_of(&old);
        patch.apply("Scale", &mut scale)?;
        let written = rescale(serving, place, &scale, options)?;
        return Ok(respond::json(200, &scale_of(&written.object)));
    }
    let target = target(place, part(place)?);
    Ok(respond::written(200, &serving.store.write(&target, Change::Patch(patch), options)?))
}

fn read_patch(request: &Request) -> Result<Patch, Status> {
    let body = || {
        let decoded = serde_json::from_slice::<Value>(&request.body);
        decoded.map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))
    };
    match request.content_type() {
        "application/json-patch+json" => Ok(Patch::Json(body()?)),
        "application/merge-patch+json" => Ok(Patch::Merge(body()?)),
        "application/strategic-merge-patch+json" => Ok(Patch::Strategic(body()?)),
        other @ ("application/apply-patch+yaml" | "application/apply-patch+cbor") => {
            Err(Status::unsupported_media_type(format!(
                "server-side apply ({other}) is not supported by the lab"
            )))
        }
        _ => {
            let message = "415: Unsupported Media Type".to_owned();
            Err(Status { code: 415, reason: "UnsupportedMediaType", message, details: json!({}) })
        }
    }
}

/// POST to an object: a binding, an eviction.
pub(super) fn post_to(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    match place.subresource.as_str() {
        "binding" => {
            let binding = request.object("Binding")?;
            let node = binding.text("target.name");
            if node.is_empty() {
                let cause = "Required value".to_owned();
                return Err(Status::invalid_options(
                    "Binding",
                    "target.name",
                    "FieldValueRequired",
                    &cause,
                ));
            }
            serving.store.bind(&place.namespace, &place.name, node)?;
        }
        "eviction" => evict(serving, place, request)?,
        _ => return Err(Status::method_not_allowed()),
    }
    Ok(respond::json(
        201,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    ))
}

fn evict(serving: &Arc<Serving>, place: &Place, request: &Request) -> Result<(), Status> {
    let mut eviction = request.object("Eviction")?;
    schema::prune("Eviction", &mut eviction)?;
    if !matches!(eviction.text("apiVersion"), "" | "policy/v1")
        || !matches!(eviction.text("kind"), "" | "Eviction")
    {
        let (version, kind) = (eviction.text("apiVersion"), eviction.text("kind"));
        return Err(Status::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as an Eviction"
        )));
    }
    if eviction.text("metadata.name") != place.name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let asked = eviction.at("deleteOptions").cloned().unwrap_or_default();
    let mut options = delete_options(&asked);
    options.dry_run |= request.query.dry_run("CreateOptions")?;
    let (namespace, pod) = (place.namespace.clone(), place.name.clone());
    serving.store.evict(&Eviction { namespace, pod, options })
}

/// DELETE of an object.
pub(super) fn delete(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    let options = asked_deletion(request)?;
    let deleted =
        serving.store.delete(place.resource.plural, &place.namespace, &place.name, &options)?;
    let object = match deleted {
        Deleted::Later(object) => return Ok(respond::json(200, &object)),
        Deleted::Gone(object) => object,
    };
    if place.resource.returns_deleted {
        return Ok(respond::json(200, &object));
    }
    let mut details = json!({"name": place.name});
    if !place.resource.group.is_empty() {
        details.put("group", place.resource.group);
    }
    details.put("kind", place.resource.plural);
    details.put("uid", object.text("metadata.uid"));
    Ok(respond::json(
        200,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
    ))
}

/// DELETE of a list.
pub(super) fn delete_all(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    if place.resource.namespaced && place.namespace.is_empty() {
        return Err(Status::method_not_allowed());
    }
    let selection = super::read::selection(place, &request.query)?;
    let objects = serving.store.delete_all(&selection, &asked_deletion(request)?)?;
    let (kind, version) = (format!("{}List", place.resource.kind), place.resource.api_version());
    let items: Vec<Value> = objects.iter().map(|object| Value::clone(object)).collect();
    Ok(respond::json(
        200,
        &json!({"kind": kind, "apiVersion": version, "metadata": {}, "items": items}),
    ))
}

/// From the body, or without one from the query.
fn asked_deletion(request: &Request) -> Result<DeleteOptions, Status> {
    let mut asked = json!({});
    if request.body.is_empty() {
        if let Some(seconds) = request.query.number("gracePeriodSeconds")? {
            asked.put("gracePeriodSeconds", seconds);
        }
        if request.query.has("propagationPolicy") {
            asked.put("propagationPolicy", request.query.text("propagationPolicy"));
        }
        if request.query.has("orphanDependents") {
            asked.put("orphanDependents", request.query.flag("orphanDependents"));
        }
    } else {
        asked = request.object("DeleteOptions")?;
        schema::prune("DeleteOptions", &mut asked)?;
    }
    let policy = asked.text("propagationPolicy");
    if !matches!(policy, "" | "Background" | "Foreground" | "Orphan") {
        let text = format!(
            "Unsupported value: \"{policy}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
        );
        return Err(Status::invalid_options(
            "DeleteOptions",
            "propagationPolicy",
            "FieldValueNotSupported",
            &text,
        ));
    }
    let mut options = delete_options(&asked);
    options.dry_run |= request.query.dry_run("DeleteOptions")?;
    Ok(options)
}

fn delete_options(asked: &Value) -> DeleteOptions {
    let text = |path: &str| asked.at(path).and_then(Value::as_str).map(str::to_owned);
    let propagation = match asked.text("propagationPolicy") {
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        _ if asked.flag("orphanDependents") => Some(Propagation::Orphan),
        _ => None,
    };
    DeleteOptions {
        grace: asked.int("gracePeriodSeconds"),
        uid: text("preconditions.uid"),
        resource_version: text("preconditions.resourceVersion"),
        propagation,
        dry_run: asked.list("dryRun").iter().any(|word| word == "All"),
    }
}

fn options(request: &Request, kind: &str) -> Result<WriteOptions, Status> {
    let validation = match request.query.text("fieldValidation") {
        "" | "Warn" => Validation::Warn,
        "Ignore" => Validation::Ignore,
        "Strict" => Validation::Strict,
        other => {
            let text = format!(
                "Unsupported value: \"{other}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
            );
            return Err(Status::invalid_options(
                kind,
                "fieldValidation",
                "FieldValueNotSupported",
                &text,
            ));
        }
    };
    Ok(WriteOptions { dry_run: request.query.dry_run(kind)?, validation })
}

fn target(place: &Place, part: Part) -> Target {
    let (namespace, name) = (place.namespace.clone(), place.name.clone());
    Target { resource: place.resource, namespace, name, part }
}

fn part(place: &Place) -> Result<Part, Status> {
    match place.subresource.as_str() {
        "" => Ok(Part::Whole),
        "status" => Ok(Part::Status),
        "finalize" => Ok(Part::Finalize),
        _ => Err(Status::method_not_allowed()),
    }
}

/// The `scale` subresource.
pub(super) fn scale_of(object: &Value) -> Value {
    let mut metadata = json!({});
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.at(&format!("metadata.{name}")) {
            metadata.put(name, value.clone());
        }
    }
    let labels = object.map("spec.selector.matchLabels").or_else(|| object.map("spec.selector"));
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
        .collect();
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {"replicas": object.int("spec.replicas").unwrap_or(0)},
        "status": {"replicas": object.int("status.replicas").unwrap_or(0), "selector": selector.join(",")}})
}

fn rescale(
    serving: &Arc<Serving>,
    place: &Place,
    scale: &Value,
    options: WriteOptions,
) -> Result<Written, Status> {
    let replicas = scale.int("spec.replicas").unwrap_or(0);
    if replicas < 0 {
        let text = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        return Err(Status::invalid_object(
            "autoscaling",
            "Scale",
            &place.name,
            "spec.replicas",
            &text,
        ));
    }
    let mut patch = json!({"spec": {"replicas": replicas}});
    for name in ["uid", "resourceVersion"] {
        let path = format!("metadata.{name}");
        if let Some(value) = scale.at(&path) {
            patch.put(&path, value.clone());
        }
    }
    serving.store.write(&target(place, Part::Whole), Change::Patch(Patch::Merge(patch)), options)
}
