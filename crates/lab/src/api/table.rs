//! Rows for people: `kubectl get`.

use super::columns as by_kind;
use super::respond::metadata_of;
use crate::store::{Json, Resource};
use serde_json::{Value, json};
use std::sync::Arc;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its title.
    pub name: &'static str,
    /// Whether it holds whole numbers.
    pub number: bool,
    /// Whether only `-o wide` shows it.
    pub wide: bool,
}

/// The columns of a resource, and what an object has in them, as kube-apiserver 1.36 prints them
/// (`pkg/printers/internalversion`).
#[must_use]
pub fn columns(resource: &Resource) -> Vec<Column> {
    by_kind::of(resource.kind)
}

/// An object's cells, one for each of its [`columns`].
#[must_use]
pub fn cells(resource: &Resource, object: &Value) -> Vec<Value> {
    by_kind::cells(resource.kind, object)
}

/// `meta/v1 Table`. `include` is what the client asked for: `None`, `Metadata` (also by default) or `Object`.
pub(super) fn of(
    resource: &Resource,
    objects: &[Arc<Value>],
    include: &str,
    revision: &str,
) -> Value {
    let definitions: Vec<Value> = columns(resource)
        .iter()
        .map(|Column { name, number, wide }| {
            let format = if *name == "Name" { "name" } else { "" };
            let kind = if *number { "integer" } else { "string" };
            json!({"name": name, "type": kind, "format": format, "description": "", "priority": i32::from(*wide)})
        })
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut row = json!({"cells": cells(resource, object)});
            if let Some(conditions) = by_kind::row_conditions(resource.kind, object) {
                row.put("conditions", conditions);
            }
            match include {
                "None" => {}
                "Object" => row.put("object", Value::clone(object)),
                _ => row.put("object", metadata_of(object)),
            }
            row
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": revision},
        "columnDefinitions": definitions, "rows": rows})
}
