//! `kubectl label`, `annotate`, `taint`, `scale`, `patch`.

use super::Kubectl;
use super::resource::{Target, targets};
use crate::node::Request;
use crate::store::Json;
use crate::tools::flags::{Flag, switch, value};
use serde_json::{Map, Value, json};

pub(super) const FLAGS: [Flag; 6] = [
    switch("overwrite"),
    switch("all"),
    value("selector").or('l'),
    value("replicas"),
    value("patch").or('p'),
    value("type"),
];

pub(super) async fn run(kubectl: &Kubectl<'_>, command: &str) -> Result<u8, String> {
    for refused in ["all", "selector"] {
        if kubectl.flags.get(refused).is_some() {
            return Err(format!("error: --{refused} is not supported by the lab"));
        }
    }
    let is_change = |word: &&String| word.contains('=') || word.ends_with('-') && word.len() > 1;
    let first =
        kubectl.words.iter().position(|word| is_change(&word)).unwrap_or(kubectl.words.len());
    let (names, changes) = kubectl.words.split_at(first);
    let resources = kubectl.resources().await?;
    let all = targets(&resources, names)?;
    if all.is_empty() {
        return Err(format!(
            "error: one or more resources must be specified as <resource> <name> or <resource>/<name>\nSee 'kubectl {command} -h' for help and examples"
        ));
    }
    if changes.is_empty() && ["label", "annotate", "taint"].contains(&command) {
        return Err(format!("error: at least one {command} update is required"));
    }
    for target in all {
        let Some(name) = target.name.as_deref() else {
            return Err("error: resource(s) were provided, but no name was specified".to_owned());
        };
        let word = match command {
            "label" | "annotate" => marks(kubectl, &target, name, command, changes).await?,
            "taint" => taints(kubectl, &target, name, changes).await?,
            "scale" => scale(kubectl, &target, name).await?,
            _ => patch(kubectl, &target, name).await?,
        };
        kubectl.session.line(format!("{} {word}", target.resource.label(name))).await;
    }
    Ok(0)
}

fn path(kubectl: &Kubectl<'_>, target: &Target, name: &str) -> String {
    target.resource.path(Some(kubectl.namespace()), Some(name))
}

async fn marks(
    kubectl: &Kubectl<'_>,
    target: &Target,
    name: &str,
    command: &str,
    changes: &[String],
) -> Result<&'static str, String> {
    let field = if command == "label" { "labels" } else { "annotations" };
    let path = path(kubectl, target, name);
    let present = kubectl.client.get(&path).await?;
    let mut marks = Map::new();
    let (mut sets, mut differs) = (false, false);
    for change in changes {
        let (key, value) = match change.split_once('=') {
            Some((key, value)) => (key, json!(value)),
            None => (change.trim_end_matches('-'), Value::Null),
        };
        let old = present.key(&format!("metadata.{field}"), key);
        if let (Some(old), Some(new)) = (old, value.as_str())
            && old != new
            && !kubectl.flags.on("overwrite")
        {
            let what = if command == "label" {
                format!("'{key}' already has a value ({old})")
            } else {
                format!("{key} already has a value ({old})")
            };
            return Err(format!("error: {what}, and --overwrite is false"));
        }
        sets |= !value.is_null();
        differs |= old != value.as_str();
        marks.insert(key.to_owned(), value);
    }
    kubectl.client.send(Request::with("PATCH", path, json!({"metadata": {field: marks}}))).await?;
    Ok(match (command, sets, differs) {
        ("annotate", ..) => "annotated",
        (_, _, false) => "not labeled",
        (_, true, true) => "labeled",
        (_, false, true) => "unlabeled",
    })
}

async fn taints(
    kubectl: &Kubectl<'_>,
    target: &Target,
    name: &str,
    changes: &[String],
) -> Result<&'static str, String> {
    let path = path(kubectl, target, name);
    let present = kubectl.client.get(&path).await?;
    let mut taints = present.list("spec.taints").to_vec();
    let mut word = "tainted";
    for change in changes {
        if let Some(removed) = change.strip_suffix('-') {
            let (key, effect) = removed
                .split_once(':')
                .map_or((removed, None), |(key, effect)| (key, Some(effect)));
            let key = key.split('=').next().unwrap_or(key);
            let before = taints.len();
            taints.retain(|taint| {
                taint.text("key") != key
                    || effect.is_some_and(|effect| taint.text("effect") != effect)
            });
            if taints.len() == before {
                return Err(format!("error: taint \"{removed}\" not found"));
            }
            word = "untainted";
            continue;
        }
        let (pair, effect) = change
            .rsplit_once(':')
            .ok_or_else(|| format!("error: invalid taint spec: {change}"))?;
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let same = |taint: &Value| taint.text("key") == key && taint.text("effect") == effect;
        if taints.iter().any(same) && !kubectl.flags.on("overwrite") {
            return Err(format!(
                "error: node {name} already has {key} taint(s) with same effect(s) and --overwrite is false"
            ));
        }
        taints.retain(|taint| !same(taint));
        let mut taint = json!({"key": key, "effect": effect});
        if !value.is_empty() {
            taint.put("value", value);
        }
        taints.push(taint);
    }
    kubectl.client.send(Request::with("PATCH", path, json!({"spec": {"taints": taints}}))).await?;
    Ok(word)
}

async fn scale(kubectl: &Kubectl<'_>, target: &Target, name: &str) -> Result<&'static str, String> {
    let replicas: Option<i64> = kubectl.flags.get("replicas").and_then(|text| text.parse().ok());
    let replicas = replicas.ok_or("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")?;
    let path = format!("{}/scale", path(kubectl, target, name));
    kubectl
        .client
        .send(Request::with("PATCH", path, json!({"spec": {"replicas": replicas}})))
        .await?;
    Ok("scaled")
}

async fn patch(kubectl: &Kubectl<'_>, target: &Target, name: &str) -> Result<&'static str, String> {
    let text = kubectl.flags.get("patch").ok_or(
        "error: must specify --patch or --patch-file containing the contents of the patch",
    )?;
    let patch: Value = serde_saphyr::from_str(text)
        .map_err(|error| format!("error: unable to parse \"{text}\": yaml: {error}"))?;
    let path = path(kubectl, target, name);
    let present = kubectl.client.get(&path).await?;
    let mut request = Request::with("PATCH", path, patch);
    request.content_type = match kubectl.flags.get("type").unwrap_or("strategic") {
        "merge" => "application/merge-patch+json",
        "json" => "application/json-patch+json",
        "strategic" => "application/strategic-merge-patch+json",
        other => {
            return Err(format!(
                "error: --type must be one of [json merge strategic], not \"{other}\""
            ));
        }
    };
    let after = kubectl.client.send(request).await?;
    let same = present.text("metadata.resourceVersion") == after.text("metadata.resourceVersion")
        && present == after;
    Ok(if same { "patched (no change)" } else { "patched" })
}
