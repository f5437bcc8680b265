//! The shapes of objects for clients: kubectl asks which parameters a PATCH takes before it applies, and merges by keys.

use super::respond::{self, Answer};
use super::route::Serving;
use crate::store::{Json, RESOURCES, Resource, schema};
use serde_json::{Map, Value, json};

/// `/openapi/v2`, `/openapi/v3` and below.
pub(super) fn answer(serving: &Serving, path: &str) -> Option<Answer> {
    let info = json!({"title": "Kubernetes", "version": format!("v{}", serving.version)});
    if path == "/openapi/v2" {
        return Some(respond::json(200, &second(&info)));
    }
    let below = path.strip_prefix("/openapi/v3")?;
    if below.is_empty() {
        let mut paths = Map::new();
        for resource in RESOURCES {
            let at = location(resource);
            paths.insert(at.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{at}")}));
        }
        return Some(respond::json(200, &json!({"paths": paths})));
    }
    let wanted = below.trim_start_matches('/');
    let resources: Vec<&Resource> =
        RESOURCES.iter().filter(|resource| location(resource) == wanted).collect();
    (!resources.is_empty()).then(|| respond::json(200, &third(&resources, &info)))
}

fn location(resource: &Resource) -> String {
    if resource.group.is_empty() {
        "api/v1".to_owned()
    } else {
        format!("apis/{}/{}", resource.group, resource.version)
    }
}

fn path(resource: &Resource) -> String {
    let namespace = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
    format!("/{}/{namespace}{}/{{name}}", location(resource), resource.plural)
}

fn group_version_kind(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
}

fn third(resources: &[&Resource], info: &Value) -> Value {
    let mut paths = Map::new();
    for resource in resources {
        let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
        let parameters: Vec<Value> =
            ["dryRun", "fieldManager", "fieldValidation"].into_iter().map(parameter).collect();
        let content: Map<String, Value> = ["json-patch", "merge-patch", "strategic-merge-patch"]
            .into_iter()
            .map(|form| (format!("application/{form}+json"), json!({"schema": {"type": "object"}})))
            .collect();
        let operation = json!({"parameters": parameters, "requestBody": {"content": content, "required": true},
            "responses": {"200": {"description": "OK"}}, "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": group_version_kind(resource)});
        paths.insert(path(resource), json!({"patch": operation}));
    }
    json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas("#/components/schemas/", true)}})
}

fn second(info: &Value) -> Value {
    json!({"swagger": "2.0", "info": info, "paths": {}, "definitions": schemas("#/definitions/", false)})
}

/// The definitions under their full names.
fn schemas(prefix: &str, wrapped: bool) -> Value {
    let definitions = schema::document().map("definitions").into_iter().flatten();
    let mut all: Map<String, Value> = definitions
        .map(|(name, shape)| (format!("io.k8s.{name}"), renamed(shape, prefix, wrapped)))
        .collect();
    for resource in RESOURCES {
        let name =
            format!("io.k8s.{}", schema::document().text(&format!("roots.{}", resource.kind)));
        if let Some(shape) = all.get_mut(&name) {
            shape.put("x-kubernetes-group-version-kind", json!([group_version_kind(resource)]));
        }
    }
    Value::Object(all)
}

/// References point to where the definitions are in this document. In version 3 nothing may stand beside a reference.
fn renamed(shape: &Value, prefix: &str, wrapped: bool) -> Value {
    match shape {
        Value::Object(map) => {
            let mut new = Map::new();
            for (name, value) in map {
                match (name.as_str(), value) {
                    ("$ref", Value::String(target)) => {
                        let target = Value::String(format!("{prefix}io.k8s.{target}"));
                        if wrapped {
                            new.insert("allOf".into(), json!([{"$ref": target}]));
                        } else {
                            new.insert("$ref".into(), target);
                        }
                    }
                    _ => drop(new.insert(name.clone(), renamed(value, prefix, wrapped))),
                }
            }
            Value::Object(new)
        }
        Value::Array(items) => items.iter().map(|item| renamed(item, prefix, wrapped)).collect(),
        other => other.clone(),
    }
}
