//! `kubectl drain`, `cordon`, `uncordon`: pods are chosen and evicted as kubectl 1.36 does it.

use super::Kubectl;
use crate::node::Request;
use crate::store::Json;
use crate::tools::client::server_error;
use crate::tools::flags::{Flag, switch, value};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const FLAGS: [Flag; 14] = [
    switch("ignore-daemonsets"),
    switch("delete-emptydir-data"),
    switch("delete-local-data"),
    switch("force"),
    switch("disable-eviction"),
    value("timeout"),
    value("grace-period"),
    value("pod-selector"),
    value("skip-wait-for-delete-timeout"),
    value("selector").or('l'),
    value("dry-run"),
    value("chunk-size"),
    switch("all"),
    switch("ignore-errors"),
];

pub(super) async fn run(kubectl: &Kubectl<'_>, command: &str) -> Result<u8, String> {
    for refused in
        ["dry-run", "all", "ignore-errors", "delete-local-data", "skip-wait-for-delete-timeout"]
    {
        if kubectl.flags.get(refused).is_some() {
            return Err(format!("error: --{refused} is not supported by the lab"));
        }
    }
    let nodes = nodes(kubectl, command).await?;
    for node in &nodes {
        cordon(kubectl, node, command != "uncordon").await;
    }
    if command != "drain" {
        return Ok(0);
    }
    let mut fatal = Vec::new();
    for node in &nodes {
        let name = node.text("metadata.name");
        match drain(kubectl, name).await {
            Ok(()) => kubectl.session.line(format!("node/{name} drained")).await,
            Err(errors) => {
                let text = aggregate(&errors);
                kubectl.session.complain(format!("error: unable to drain node \"{name}\" due to error: {text}, continuing command...")).await;
                fatal.push((name.to_owned(), errors));
            }
        }
    }
    if fatal.is_empty() {
        return Ok(0);
    }
    let mut text = "There are pending nodes to be drained:\n".to_owned();
    for (name, _) in &fatal {
        text.push_str(&format!(" {name}\n"));
    }
    let errors: Vec<String> = fatal.into_iter().flat_map(|(_, errors)| errors).collect();
    Err(text + &errors.join("\n"))
}

/// One error as it is, several in brackets.
fn aggregate(errors: &[String]) -> String {
    match errors {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

async fn nodes(kubectl: &Kubectl<'_>, command: &str) -> Result<Vec<Value>, String> {
    let selector = kubectl.flags.get("selector");
    if kubectl.words.is_empty() && selector.is_none() {
        return Err(format!(
            "error: USAGE: {command} NODE [flags]\nSee 'kubectl {command} -h' for help and examples"
        ));
    }
    if let Some(selector) = selector {
        let path = format!(
            "/api/v1/nodes?labelSelector={}",
            selector.replace('=', "%3D").replace(',', "%2C")
        );
        return Ok(kubectl.client.get(&path).await?.list("items").to_vec());
    }
    let mut nodes = Vec::new();
    for word in &kubectl.words {
        let name = word.trim_start_matches("node/").trim_start_matches("nodes/");
        nodes.push(kubectl.client.get(&format!("/api/v1/nodes/{name}")).await?);
    }
    Ok(nodes)
}

async fn cordon(kubectl: &Kubectl<'_>, node: &Value, cordon: bool) {
    let name = node.text("metadata.name");
    let word = if cordon { "cordoned" } else { "uncordoned" };
    if node.flag("spec.unschedulable") == cordon {
        kubectl.session.line(format!("node/{name} already {word}")).await;
        return;
    }
    let patch = json!({"spec": {"unschedulable": if cordon { json!(true) } else { Value::Null }}});
    let mut request = Request::with("PATCH", format!("/api/v1/nodes/{name}"), patch);
    request.content_type = "application/strategic-merge-patch+json";
    match kubectl.client.send(request).await {
        Ok(_) => kubectl.session.line(format!("node/{name} {word}")).await,
        Err(why) => {
            let verb = if cordon { "cordon" } else { "uncordon" };
            kubectl
                .session
                .complain(format!("error: unable to {verb} node \"{name}\": {why}"))
                .await;
        }
    }
}

/// What becomes of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Goes,
    /// Goes, or stays, with a warning.
    Warning(bool, String),
    Stays,
    Error(String),
}

fn controller(pod: &Value) -> Option<&Value> {
    pod.at("metadata.ownerReferences")
        .and_then(Value::as_array)?
        .iter()
        .find(|owner| owner.flag("controller"))
}

/// kubectl's filters after each other; the first that keeps a pod decides.
fn choose(pod: &Value, daemon_set_is_there: bool, on: impl Fn(&str) -> bool) -> Verdict {
    let finished = ["Succeeded", "Failed"].contains(&pod.text("status.phase"));
    let mut warning = None;
    if let Some(owner) =
        controller(pod).filter(|owner| owner.text("kind") == "DaemonSet" && !finished)
    {
        let name = owner.text("name");
        let missing = format!("daemonsets.apps \"{name}\" not found");
        match (daemon_set_is_there, on("force"), on("ignore-daemonsets")) {
            (false, true, _) => warning = Some(missing),
            (false, false, _) => return Verdict::Error(missing),
            (true, _, false) => {
                return Verdict::Error(
                    "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)".to_owned(),
                );
            }
            (true, _, true) => {
                return Verdict::Warning(false, "ignoring DaemonSet-managed Pods".to_owned());
            }
        }
    }
    if pod.key("metadata.annotations", "kubernetes.io/config.mirror").is_some() {
        return Verdict::Stays;
    }
    let local = pod
        .at("spec.volumes")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|v| v.at("emptyDir").is_some()));
    if local && !finished {
        if !on("delete-emptydir-data") {
            return Verdict::Error(
                "Pods with local storage (use --delete-emptydir-data to override)".to_owned(),
            );
        }
        warning = Some("deleting Pods with local storage".to_owned());
    }
    if controller(pod).is_none() && !finished {
        if !on("force") {
            return Verdict::Error(
                "Pods that declare no controller (use --force to override)".to_owned(),
            );
        }
        warning = Some("deleting Pods that declare no controller".to_owned());
    }
    warning.map_or(Verdict::Goes, |warning| Verdict::Warning(true, warning))
}

fn place(pod: &Value) -> (String, String) {
    let text = |field: &str| pod.key("metadata", field).unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

/// Pods to evict; what is said of the others; or errors.
async fn select(kubectl: &Kubectl<'_>, node: &str) -> Result<(Vec<Value>, String), Vec<String>> {
    let selector = kubectl.flags.get("pod-selector");
    let selector = selector
        .map(|s| format!("&labelSelector={}", s.replace('=', "%3D").replace(',', "%2C")))
        .unwrap_or_default();
    let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}{selector}");
    let list = kubectl.client.get(&path).await.map_err(|why| vec![why])?;
    let (mut go, mut warnings, mut errors) = (
        Vec::new(),
        BTreeMap::<String, Vec<String>>::new(),
        BTreeMap::<String, Vec<String>>::new(),
    );
    for pod in list.list("items") {
        let (namespace, name) = place(pod);
        let owner = controller(pod).filter(|owner| owner.text("kind") == "DaemonSet");
        let there = match owner.and_then(|owner| owner.at("name").and_then(Value::as_str)) {
            Some(set) => {
                let path = format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{set}");
                kubectl.client.find(&path).await.map_err(|why| vec![why])?.is_some()
            }
            None => true,
        };
        let label = format!("{namespace}/{name}");
        match choose(pod, there, |flag| kubectl.flags.on(flag)) {
            Verdict::Goes => go.push(pod.clone()),
            Verdict::Stays => {}
            Verdict::Warning(goes, why) => {
                warnings.entry(why).or_default().push(label);
                go.extend(goes.then(|| pod.clone()));
            }
            Verdict::Error(why) => errors.entry(why).or_default().push(label),
        }
    }
    if !errors.is_empty() {
        return Err(errors
            .into_iter()
            .map(|(why, pods)| format!("cannot delete {why}: {}", pods.join(", ")))
            .collect());
    }
    let warnings: Vec<String> =
        warnings.into_iter().map(|(why, pods)| format!("{why}: {}", pods.join(", "))).collect();
    Ok((go, warnings.join("; ")))
}

async fn drain(kubectl: &Kubectl<'_>, node: &str) -> Result<(), Vec<String>> {
    let (pods, warnings) = select(kubectl, node).await?;
    if !warnings.is_empty() {
        kubectl.session.complain(format!("Warning: {warnings}")).await;
    }
    let errors = evict(kubectl, pods).await;
    if errors.is_empty() {
        return Ok(());
    }
    let text = aggregate(&errors);
    if let Ok((pending, _)) = select(kubectl, node).await
        && !pending.is_empty()
    {
        let names: String = pending.iter().map(|pod| format!("\npod/{}", place(pod).1)).collect();
        kubectl
            .session
            .complain(format!(
                "There are pending pods in node \"{node}\" when an error occurred: {text}{names}"
            ))
            .await;
    }
    Err(errors)
}

/// A pod on its way out.
struct Leaving {
    pod: Value,
    /// Of the next eviction; `None`: it is evicted, and waited for.
    again: Option<Instant>,
}

const RETRY: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_secs(1);

async fn evict(kubectl: &Kubectl<'_>, pods: Vec<Value>) -> Vec<String> {
    let pace = kubectl.session.site.pace;
    let timeout = match super::wait::duration(kubectl.flags.get("timeout").unwrap_or("0s")) {
        Ok(timeout) => timeout,
        Err(why) => return vec![why],
    };
    let deadline = (!timeout.is_zero()).then(|| Instant::now() + pace.of(timeout));
    let now = Instant::now();
    let mut leaving: Vec<Leaving> =
        pods.into_iter().map(|pod| Leaving { pod, again: Some(now) }).collect();
    let mut errors = Vec::new();
    while !leaving.is_empty() {
        let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let mut stay = Vec::new();
        for one in leaving {
            match step(kubectl, one, late, timeout).await {
                Ok(Some(one)) => stay.push(one),
                Ok(None) => {}
                Err(why) => errors.push(why),
            }
        }
        leaving = stay;
        if !leaving.is_empty() {
            kubectl.session.wait(POLL).await;
        }
    }
    errors
}

/// The next thing for one pod: `None` when it is gone.
async fn step(
    kubectl: &Kubectl<'_>,
    mut one: Leaving,
    late: bool,
    timeout: Duration,
) -> Result<Option<Leaving>, String> {
    let (namespace, name) = place(&one.pod);
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
    let text = super::wait::go_duration(timeout);
    let Some(again) = one.again else {
        let found = kubectl.client.find(&path).await;
        let waiting = format!(
            "error when waiting for pod \"{name}\" in namespace \"{namespace}\" to terminate"
        );
        let found = found.map_err(|why| format!("{waiting}: {why}"))?;
        if found.is_none_or(|pod| pod.text("metadata.uid") != one.pod.text("metadata.uid")) {
            let word = if kubectl.flags.on("disable-eviction") { "deleted" } else { "evicted" };
            kubectl.session.line(format!("pod/{name} {word}")).await;
            return Ok(None);
        }
        return if late {
            Err(format!("{waiting}: global timeout reached: {text}"))
        } else {
            Ok(Some(one))
        };
    };
    if Instant::now() < again && !late {
        return Ok(Some(one));
    }
    let evicting = format!("error when evicting pods/\"{name}\" -n \"{namespace}\"");
    let deletes = kubectl.flags.on("disable-eviction");
    if !deletes {
        kubectl.session.line(format!("evicting pod {namespace}/{name}")).await;
    }
    if late {
        return Err(format!("{evicting}: global timeout reached: {text}"));
    }
    let answer = kubectl
        .client
        .ask(request(kubectl, &path, &namespace, &name))
        .await
        .map_err(|why| format!("{evicting}: {why}"))?;
    match answer.code {
        404 => return Ok(None),
        429 if !deletes => {
            kubectl
                .session
                .complain(format!("{evicting} (will retry after 5s): {}", answer.message()))
                .await;
            one.again = Some(Instant::now() + kubectl.session.site.pace.of(RETRY));
        }
        _ if answer.ok() => one.again = None,
        _ if deletes => return Err(server_error(&answer)),
        _ => return Err(format!("{evicting}: {}", answer.message())),
    }
    Ok(Some(one))
}

fn request(kubectl: &Kubectl<'_>, path: &str, namespace: &str, name: &str) -> Request {
    let grace: Option<i64> = kubectl
        .flags
        .get("grace-period")
        .and_then(|grace| grace.parse().ok())
        .filter(|grace| *grace >= 0);
    let mut options = json!({});
    if let Some(grace) = grace {
        options = json!({"gracePeriodSeconds": grace});
    }
    if kubectl.flags.on("disable-eviction") {
        return Request::with("DELETE", path, options);
    }
    let body = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace}, "deleteOptions": options,
    });
    Request::with("POST", format!("{path}/eviction"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of kubectl's own table of filters (pkg/drain/filters.go).
    #[test]
    fn pods_are_chosen_as_kubectl_does() {
        let owned = |kind: &str| json!({"metadata": {"ownerReferences": [{"kind": kind, "name": "x", "controller": true}]}});
        let with = |mut pod: Value, path: &str, value: Value| {
            let (parent, key) = path.rsplit_once('/').unwrap();
            if pod.pointer(parent).is_none() {
                pod[parent.trim_start_matches('/')] = json!({});
            }
            pod.pointer_mut(parent).unwrap()[key] = value;
            pod
        };
        let empty_dir = with(owned("ReplicaSet"), "/spec/volumes", json!([{"emptyDir": {}}]));
        let mirror = with(
            json!({"metadata": {}}),
            "/metadata/annotations",
            json!({"kubernetes.io/config.mirror": "h"}),
        );
        let done = with(json!({"metadata": {}}), "/status/phase", json!("Succeeded"));
        let warning = |goes, text: &str| Verdict::Warning(goes, text.to_owned());
        let error = |text: &str| Verdict::Error(text.to_owned());
        for (pod, flags, verdict) in [
            (owned("ReplicaSet"), "", Verdict::Goes),
            (
                owned("DaemonSet"),
                "",
                error("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"),
            ),
            (
                owned("DaemonSet"),
                "ignore-daemonsets",
                warning(false, "ignoring DaemonSet-managed Pods"),
            ),
            (mirror, "", Verdict::Stays),
            (
                empty_dir.clone(),
                "",
                error("Pods with local storage (use --delete-emptydir-data to override)"),
            ),
            (empty_dir, "delete-emptydir-data", warning(true, "deleting Pods with local storage")),
            (
                json!({"metadata": {}}),
                "",
                error("Pods that declare no controller (use --force to override)"),
            ),
            (
                json!({"metadata": {}}),
                "force",
                warning(true, "deleting Pods that declare no controller"),
            ),
            (done, "", Verdict::Goes),
        ] {
            assert_eq!(choose(&pod, true, |flag| flags.contains(flag)), verdict, "{pod} {flags}");
        }
    }
}
