//! What there is: the same table as lists of groups, of a group's resources, and aggregated.

use super::request::Request;
use super::respond::{self, Answer};
use crate::store::{Json, RESOURCES, Resource};
use http::header::ACCEPT;
use serde_json::{Value, json};

const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// `/api`, `/apis`, `/apis/GROUP`, `/api/v1`, `/apis/GROUP/VERSION`.
pub(super) fn answer(path: &str, request: &Request) -> Option<Answer> {
    let accept = request.header(ACCEPT);
    let aggregated = accept.split(',').any(|one| {
        one.contains("as=APIGroupDiscoveryList") && one.contains("v=v2") && !one.contains("v2beta1")
    });
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["api"] if aggregated => Some(respond::json_as(200, &discovery_list(&[""]), AGGREGATED)),
        ["apis"] if aggregated => {
            Some(respond::json_as(200, &discovery_list(&groups()), AGGREGATED))
        }
        ["api"] => Some(respond::json(
            200,
            &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        )),
        ["apis"] => {
            let groups: Vec<Value> = groups().into_iter().map(group).collect();
            Some(respond::json(
                200,
                &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}),
            ))
        }
        ["apis", name] if groups().contains(name) => {
            let mut group = group(name);
            group.put("kind", "APIGroup");
            group.put("apiVersion", "v1");
            Some(respond::json(200, &group))
        }
        ["api", "v1"] => Some(respond::json(200, &resources(""))),
        ["apis", name, "v1"] if groups().contains(name) => {
            Some(respond::json(200, &resources(name)))
        }
        _ => None,
    }
}

/// The groups but the core.
fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> =
        RESOURCES.iter().map(|resource| resource.group).filter(|group| !group.is_empty()).collect();
    groups.dedup();
    groups
}

fn of_group(group: &str) -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(move |resource| resource.group == group)
}

fn group_version(group: &str) -> String {
    if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") }
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": group_version(name), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

/// Group, version and kind of what a subresource speaks; nothing for the resource's own.
fn foreign(subresource: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match subresource {
        "scale" => Some(("autoscaling", "v1", "Scale")),
        "eviction" => Some(("policy", "v1", "Eviction")),
        "binding" => Some(("", "v1", "Binding")),
        _ => None,
    }
}

fn verbs(subresource: &str) -> &'static [&'static str] {
    match subresource {
        "" => VERBS,
        "eviction" | "binding" => &["create"],
        "finalize" => &["update"],
        _ => &["get", "patch", "update"],
    }
}

fn resources(group: &str) -> Value {
    let mut all = Vec::new();
    for resource in of_group(group) {
        let mut entry = json!({"name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": VERBS});
        if !resource.short.is_empty() {
            entry.put("shortNames", json!(resource.short));
        }
        if resource.in_all {
            entry.put("categories", json!(["all"]));
        }
        all.push(entry);
        for subresource in resource.subresources {
            let mut entry = json!({"name": format!("{}/{subresource}", resource.plural), "singularName": "",
                "namespaced": resource.namespaced});
            let (group, version, kind) = foreign(subresource).unwrap_or(("", "", resource.kind));
            if !group.is_empty() {
                entry.put("group", group);
                entry.put("version", version);
            }
            entry.put("kind", kind);
            entry.put("verbs", json!(verbs(subresource)));
            all.push(entry);
        }
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group), "resources": all})
}

fn discovery_list(groups: &[&str]) -> Value {
    let items: Vec<Value> = groups.iter().map(|group| discovery_of(group)).collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn discovery_of(group: &str) -> Value {
    let mut all = Vec::new();
    for resource in of_group(group) {
        let scope = if resource.namespaced { "Namespaced" } else { "Cluster" };
        let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
        let mut entry = json!({"resource": resource.plural, "responseKind": kind(resource.group, resource.version, resource.kind),
            "scope": scope, "singularResource": resource.singular, "verbs": VERBS});
        if !resource.short.is_empty() {
            entry.put("shortNames", json!(resource.short));
        }
        if resource.in_all {
            entry.put("categories", json!(["all"]));
        }
        let parts: Vec<Value> = resource
            .subresources
            .iter()
            .map(|name| {
                let (group, version, foreign) = foreign(name).unwrap_or((resource.group, resource.version, resource.kind));
                json!({"subresource": name, "responseKind": kind(group, version, foreign), "verbs": verbs(name)})
            })
            .collect();
        if !parts.is_empty() {
            entry.put("subresources", parts);
        }
        all.push(entry);
    }
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": [{"version": "v1", "resources": all, "freshness": "Current"}]})
}
