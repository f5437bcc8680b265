//! `kubectl get`.

use super::jsonpath::JsonPath;
use super::resource::{Target, targets};
use super::{Kubectl, output};
use crate::node::Request;
use crate::store::Json;
use crate::tools::client::server_error;
use crate::tools::flags::{Flag, switch, value};
use serde_json::{Value, json};

pub(super) const FLAGS: [Flag; 11] = [
    value("output").or('o'),
    value("selector").or('l'),
    value("field-selector"),
    value("raw"),
    value("sort-by"),
    switch("all-namespaces").or('A'),
    switch("no-headers"),
    switch("ignore-not-found"),
    switch("show-labels"),
    switch("watch").or('w'),
    value("chunk-size"),
];

pub(super) async fn run(kubectl: &Kubectl<'_>) -> Result<u8, String> {
    for refused in ["watch", "sort-by", "show-labels"] {
        if kubectl.flags.get(refused).is_some() {
            return Err(format!("error: --{refused} is not supported by the lab"));
        }
    }
    if let Some(path) = kubectl.flags.get("raw") {
        let answer = kubectl.client.ask(Request::get(path)).await?;
        if !answer.ok() {
            return Err(server_error(&answer));
        }
        kubectl.session.out(answer.body).await;
        return Ok(0);
    }
    if kubectl.words.is_empty() {
        return Err("You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported \
                    resources.\n\nerror: Required resource not specified."
            .to_owned());
    }
    let format = kubectl.flags.get("output").unwrap_or_default();
    let (kind, template) = format.split_once('=').unwrap_or((format, ""));
    let template = match kind {
        "jsonpath" | "jsonpath-as-json" => {
            Some(JsonPath::parse(template).map_err(|why| format!("error: {why}"))?)
        }
        "" | "wide" | "json" | "yaml" | "name" | "custom-columns" => None,
        other => {
            return Err(format!(
                "error: unable to match a printer suitable for the output format \"{other}\", allowed formats are: \
                 custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,\
                 name,template,templatefile,wide,yaml"
            ));
        }
    };
    let resources = kubectl.resources().await?;
    let targets = targets(&resources, &kubectl.words)?;
    if kind.is_empty() || kind == "wide" {
        return tables(kubectl, &targets, kind == "wide").await;
    }
    let single = targets.len() == 1 && targets.iter().all(|target| target.name.is_some());
    let (items, errors) = fetch(kubectl, &targets).await?;
    let whole = match (single, items.as_slice()) {
        (true, [item]) => item.clone(),
        _ => {
            json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
        }
    };
    let text = match kind {
        _ if items.is_empty() && !errors.is_empty() => String::new(),
        "json" | "yaml" => output::structured(kind, &whole),
        "name" => names(&targets, &items),
        "custom-columns" => output::columns(
            format.split_once('=').map_or("", |(_, spec)| spec),
            &items,
            !kubectl.flags.on("no-headers"),
        )?,
        _ => template.map(|template| template.render(&whole)).unwrap_or_default(),
    };
    kubectl.session.out(text).await;
    if errors.is_empty() { Ok(0) } else { Err(errors.join("\n")) }
}

fn names(targets: &[Target], items: &[Value]) -> String {
    let label = |item: &Value| {
        let kind = item.text("kind");
        let target =
            targets.iter().find(|target| target.resource.kind == kind).or(targets.first())?;
        Some(target.resource.label(item.at("metadata.name").and_then(Value::as_str)?) + "\n")
    };
    items.iter().filter_map(label).collect()
}

fn query(kubectl: &Kubectl<'_>) -> String {
    let encode = |text: &str| {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect::<String>()
    };
    let given: Vec<String> = [("selector", "labelSelector"), ("field-selector", "fieldSelector")]
        .into_iter()
        .filter_map(|(flag, name)| Some(format!("{name}={}", encode(kubectl.flags.get(flag)?))))
        .collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}

fn path(kubectl: &Kubectl<'_>, target: &Target) -> String {
    let namespace = (!kubectl.flags.on("all-namespaces")).then(|| kubectl.namespace());
    let query = if target.name.is_some() { String::new() } else { query(kubectl) };
    format!("{}{query}", target.resource.path(namespace, target.name.as_deref()))
}

/// Objects, and what was said of those that are not there.
async fn fetch(
    kubectl: &Kubectl<'_>,
    targets: &[Target],
) -> Result<(Vec<Value>, Vec<String>), String> {
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for target in targets {
        let answer = kubectl.client.ask(Request::get(path(kubectl, target))).await?;
        if !answer.ok() {
            if answer.code != 404 || !kubectl.flags.on("ignore-not-found") {
                errors.push(server_error(&answer));
            }
            continue;
        }
        let found = answer.json();
        if target.name.is_some() {
            items.push(found);
            continue;
        }
        for item in found.list("items") {
            let mut item = item.clone();
            // Items of a list have no kind of their own on the wire.
            if let Some(fields) = item.as_object_mut() {
                let group =
                    target.resource.root.trim_start_matches("/apis/").trim_start_matches("/api/");
                fields.entry("apiVersion").or_insert_with(|| group.into());
                fields.entry("kind").or_insert_with(|| target.resource.kind.clone().into());
            }
            items.push(item);
        }
    }
    Ok((items, errors))
}

async fn tables(kubectl: &Kubectl<'_>, targets: &[Target], wide: bool) -> Result<u8, String> {
    let all = kubectl.flags.on("all-namespaces");
    let mut errors = Vec::new();
    let mut merged: Option<(String, Value)> = None;
    let mut shown = Vec::new();
    for target in targets {
        let answer = kubectl.client.ask(Request::get(path(kubectl, target)).as_table()).await?;
        if !answer.ok() {
            if answer.code != 404 || !kubectl.flags.on("ignore-not-found") {
                errors.push(server_error(&answer));
            }
            continue;
        }
        let table = answer.json();
        match &mut merged {
            // Rows of one kind go into one table.
            Some((kind, so_far)) if *kind == target.resource.kind => {
                let rows = table.list("rows").to_vec();
                if let Some(all) = so_far.get_mut("rows").and_then(Value::as_array_mut) {
                    all.extend(rows);
                }
            }
            _ => shown.extend(merged.replace((target.resource.kind.clone(), table))),
        }
    }
    shown.extend(merged);
    let headings = !kubectl.flags.on("no-headers");
    let texts: Vec<String> = shown
        .iter()
        .filter(|(_, table)| {
            table.at("rows").and_then(Value::as_array).is_some_and(|rows| !rows.is_empty())
        })
        .map(|(_, table)| output::server_table(table, wide, headings, all))
        .collect();
    kubectl.session.out(texts.join("\n")).await;
    if texts.is_empty() && errors.is_empty() && !kubectl.flags.on("ignore-not-found") {
        let namespaced = targets.iter().any(|target| target.resource.namespaced);
        let text = if namespaced && !all {
            format!("No resources found in {} namespace.", kubectl.namespace())
        } else {
            "No resources found".to_owned()
        };
        kubectl.session.complain(text).await;
    }
    if errors.is_empty() { Ok(0) } else { Err(errors.join("\n")) }
}
