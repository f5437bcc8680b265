//! What is in the columns, kind by kind.

use super::table::Column;
use crate::store::json::{condition, controller, terminating};
use crate::store::{Json, Labels};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Titles by kind; `+` before those that only `-o wide` shows, `#` before those that hold numbers.
const TITLES: &[(&str, &str)] = &[
    ("Pod", "Name,Ready,Status,Restarts,Age,+IP,+Node,+Nominated Node,+Readiness Gates"),
    (
        "Node",
        "Name,Status,Roles,Age,Version,+Internal-IP,+External-IP,+OS-Image,+Kernel-Version,+Container-Runtime",
    ),
    ("Deployment", "Name,Ready,Up-to-date,Available,Age,+Containers,+Images,+Selector"),
    ("ReplicaSet", "Name,#Desired,#Current,#Ready,Age,+Containers,+Images,+Selector"),
    ("ReplicationController", "Name,#Desired,#Current,#Ready,Age,+Containers,+Images,+Selector"),
    (
        "DaemonSet",
        "Name,#Desired,#Current,#Ready,#Up-to-date,#Available,Node Selector,Age,+Containers,+Images,+Selector",
    ),
    ("StatefulSet", "Name,Ready,Age,+Containers,+Images"),
    ("PodDisruptionBudget", "Name,Min Available,Max Unavailable,#Allowed Disruptions,Age"),
    ("Lease", "Name,Holder,Age"),
    ("ConfigMap", "Name,Data,Age"),
    ("Secret", "Name,Type,Data,Age"),
    ("Namespace", "Name,Status,Age"),
    ("Service", "Name,Type,Cluster-IP,External-IP,Port(s),Age,+Selector"),
    ("Event", "Last Seen,Type,Reason,Object,+Subobject,+Source,Message,+First Seen,+Count,+Name"),
    ("ControllerRevision", "Name,Controller,Revision,Age"),
    ("PriorityClass", "Name,#Value,Global-Default,Age,PreemptionPolicy"),
    ("ServiceAccount", "Name,Age"),
];

pub(super) fn of(kind: &str) -> Vec<Column> {
    let found = TITLES.iter().find(|(of, _)| *of == kind);
    let titles = found.map_or("Name,Created At", |(_, titles)| titles);
    let column = |title: &'static str| {
        let (wide, title) = title.strip_prefix('+').map_or((false, title), |title| (true, title));
        let (number, name) = title.strip_prefix('#').map_or((false, title), |title| (true, title));
        Column { name, number, wide }
    };
    titles.split(',').map(column).collect()
}

pub(super) fn cells(kind: &str, object: &Value) -> Vec<Value> {
    let name = json!(object.text("metadata.name"));
    let age = json!(since(object.text("metadata.creationTimestamp")));
    let number = |path: &str| object.int(path).unwrap_or(0);
    let size = |path: &str| object.map(path).map_or(0, Map::len);
    match kind {
        "Pod" => pod(object, name, age),
        "Node" => node(object, name, age),
        "Deployment" | "ReplicaSet" | "ReplicationController" | "DaemonSet" | "StatefulSet" => {
            workload(kind, object, name, age)
        }
        "PodDisruptionBudget" => {
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let bound = |path: &str| json!(object.at(path).map_or("N/A".to_owned(), text));
            let allowed = json!(number("status.disruptionsAllowed"));
            vec![name, bound("spec.minAvailable"), bound("spec.maxUnavailable"), allowed, age]
        }
        "Lease" => vec![name, json!(object.text("spec.holderIdentity")), age],
        "ConfigMap" => vec![name, json!((size("data") + size("binaryData")).to_string()), age],
        "Secret" => vec![name, json!(object.text("type")), json!(size("data").to_string()), age],
        "Namespace" => vec![name, json!(object.text("status.phase")), age],
        "Service" => service(object, name, age),
        "Event" => event(object, name),
        "ControllerRevision" => {
            let owner = controller(object).map_or("<none>".to_owned(), |owner| {
                format!("{}.apps/{}", owner.text("kind").to_lowercase(), owner.text("name"))
            });
            vec![name, json!(owner), json!(number("revision").to_string()), age]
        }
        "PriorityClass" => {
            let (default, policy) =
                (object.flag("globalDefault"), or_none(object.text("preemptionPolicy")));
            vec![name, json!(number("value")), json!(default), age, json!(policy)]
        }
        "ServiceAccount" => vec![name, age],
        _ => vec![name, json!(object.text("metadata.creationTimestamp"))],
    }
}

fn workload(kind: &str, object: &Value, name: Value, age: Value) -> Vec<Value> {
    let number = |path: &str| json!(object.int(path).unwrap_or(0));
    let ready = json!(format!("{}/{}", number("status.readyReplicas"), number("spec.replicas")));
    let [containers, images] = containers(object.at("spec.template.spec").unwrap_or(&Value::Null));
    let selector = json!(selector(object.at("spec.selector")));
    let mut row = vec![name];
    match kind {
        "Deployment" => {
            row.extend([
                ready,
                number("status.updatedReplicas"),
                number("status.availableReplicas"),
            ]);
        }
        "DaemonSet" => {
            row.extend(
                ["desiredNumberScheduled", "currentNumberScheduled", "numberReady"]
                    .map(|n| number(&format!("status.{n}"))),
            );
            row.extend(
                ["updatedNumberScheduled", "numberAvailable"]
                    .map(|n| number(&format!("status.{n}"))),
            );
            row.push(json!(or_none(&labels(object.map("spec.template.spec.nodeSelector")))));
        }
        "StatefulSet" => {
            row.extend([ready, age, containers, images]);
            return row;
        }
        _ => row.extend(["spec.replicas", "status.replicas", "status.readyReplicas"].map(number)),
    }
    row.extend([age, containers, images, selector]);
    row
}

/// A pod that has ended is told by its row.
pub(super) fn row_conditions(kind: &str, object: &Value) -> Option<Value> {
    let (reason, message) = match (kind, object.text("status.phase")) {
        ("Pod", "Succeeded") => ("Succeeded", "The pod has completed successfully."),
        ("Pod", "Failed") => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text.to_owned() }
}

fn labels(labels: Option<&Map<String, Value>>) -> String {
    let mut all: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    all.sort();
    all.join(",")
}

fn selector(selector: Option<&Value>) -> String {
    let Some(selector) = selector else { return "<none>".to_owned() };
    match selector.map("matchLabels") {
        Some(map) if selector.list("matchExpressions").is_empty() => labels(Some(map)),
        _ if Labels::of(selector).is_some_and(|s| !s.is_empty()) => selector.to_string(),
        _ => or_none(&labels(selector.as_object())),
    }
}

fn containers(spec: &Value) -> [Value; 2] {
    let of = |what: &str| {
        spec.list("containers").iter().map(|c| c.text(what)).collect::<Vec<_>>().join(",")
    };
    [json!(of("name")), json!(of("image"))]
}

fn pod(pod: &Value, name: Value, age: Value) -> Vec<Value> {
    let statuses = pod.list("status.containerStatuses");
    let ready =
        statuses.iter().filter(|s| s.flag("ready") && s.at("state.running").is_some()).count();
    let restarts: i64 = statuses.iter().filter_map(|status| status.int("restartCount")).sum();
    let last = statuses
        .iter()
        .map(|status| status.text("lastState.terminated.finishedAt"))
        .max()
        .unwrap_or_default();
    let restarts = if restarts > 0 && !last.is_empty() {
        format!("{restarts} ({} ago)", since(last))
    } else {
        restarts.to_string()
    };
    let gates = pod.list("spec.readinessGates");
    let open =
        gates.iter().filter(|gate| condition(pod, gate.text("conditionType")) == "True").count();
    let gates =
        if gates.is_empty() { "<none>".to_owned() } else { format!("{open}/{}", gates.len()) };
    vec![
        name,
        json!(format!("{ready}/{}", pod.list("spec.containers").len())),
        json!(pod_status(pod)),
        json!(restarts),
        age,
        json!(or_none(pod.text("status.podIP"))),
        json!(or_none(pod.text("spec.nodeName"))),
        json!(or_none(pod.text("status.nominatedNodeName"))),
        json!(gates),
    ]
}

/// One word: the phase, unless a container or the deletion says more.
fn pod_status(pod: &Value) -> String {
    let phase = pod.text("status.phase");
    if terminating(pod) && !matches!(phase, "Failed" | "Succeeded") {
        return if pod.text("status.reason") == "NodeLost" { "Unknown" } else { "Terminating" }
            .to_owned();
    }
    let said = pod.text("status.reason");
    let mut reason = if said.is_empty() { phase.to_owned() } else { said.to_owned() };
    for status in pod.list("status.containerStatuses").iter().rev() {
        let (waiting, ended) = (status.text("state.waiting.reason"), status.at("state.terminated"));
        if !waiting.is_empty() {
            waiting.clone_into(&mut reason);
        } else if let Some(ended) = ended {
            reason = match ended.text("reason") {
                "" => format!("ExitCode:{}", ended.int("exitCode").unwrap_or(0)),
                word => word.to_owned(),
            };
        }
    }
    reason
}

fn node(node: &Value, name: Value, age: Value) -> Vec<Value> {
    let mut status = match condition(node, "Ready") {
        "True" => "Ready",
        "False" => "NotReady",
        "" => "Unknown",
        _ => "NotReady",
    }
    .to_owned();
    if node.flag("spec.unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    let mut roles: Vec<&str> = node
        .map("metadata.labels")
        .into_iter()
        .flatten()
        .filter_map(|(label, _)| label.strip_prefix("node-role.kubernetes.io/"))
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    let address = |kind: &str| {
        let all = node.list("status.addresses");
        all.iter()
            .find(|a| a.text("type") == kind)
            .map_or("<none>".to_owned(), |a| or_none(a.text("address")))
    };
    let unknown = |path: &str| match node.text(path) {
        "" => "<unknown>".to_owned(),
        text => text.to_owned(),
    };
    let kernel = match node.text("status.nodeInfo.architecture") {
        "" => unknown("status.nodeInfo.kernelVersion"),
        architecture => format!("{} ({architecture})", unknown("status.nodeInfo.kernelVersion")),
    };
    vec![
        name,
        json!(status),
        json!(or_none(&roles.join(","))),
        age,
        json!(node.text("status.nodeInfo.kubeletVersion")),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        json!(unknown("status.nodeInfo.osImage")),
        json!(kernel),
        json!(unknown("status.nodeInfo.containerRuntimeVersion")),
    ]
}

fn service(service: &Value, name: Value, age: Value) -> Vec<Value> {
    let port = |port: &Value| {
        let protocol = port.text("protocol");
        match port.int("nodePort") {
            Some(node) => format!("{}:{node}/{protocol}", port.int("port").unwrap_or(0)),
            None => format!("{}/{protocol}", port.int("port").unwrap_or(0)),
        }
    };
    let ports: Vec<String> = service.list("spec.ports").iter().map(port).collect();
    let selector = labels(service.map("spec.selector"));
    vec![
        name,
        json!(service.text("spec.type")),
        json!(or_none(service.text("spec.clusterIP"))),
        json!("<none>"),
        json!(or_none(&ports.join(","))),
        age,
        json!(or_none(&selector)),
    ]
}

fn event(event: &Value, name: Value) -> Vec<Value> {
    let first = match event.text("firstTimestamp") {
        "" => event.text("eventTime"),
        at => at,
    };
    let last = match event.text("lastTimestamp") {
        "" => first,
        at => at,
    };
    let object = format!(
        "{}/{}",
        event.text("involvedObject.kind").to_lowercase(),
        event.text("involvedObject.name")
    );
    let (component, host) = (event.text("source.component"), event.text("source.host"));
    let source =
        if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    vec![
        json!(since(last)),
        json!(event.text("type")),
        json!(event.text("reason")),
        json!(object),
        json!(event.text("involvedObject.fieldPath")),
        json!(source),
        json!(event.text("message").trim()),
        json!(since(first)),
        json!(event.int("count").unwrap_or(1).to_string()),
        name,
    ]
}

/// How long ago, as `duration.HumanDuration` of apimachinery says it.
fn since(at: &str) -> String {
    let Ok(at) = at.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    human(Timestamp::now().duration_since(at).as_secs())
}

fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let two = |big: i64, word: char, small: i64, other: char| {
        if small == 0 { format!("{big}{word}") } else { format!("{big}{word}{small}{other}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => two(hours / 24, 'd', hours % 24, 'h'),
        _ if hours < 24 * 365 * 2 => format!("{}d", hours / 24),
        _ if hours < 24 * 365 * 8 => two(hours / 24 / 365, 'y', hours / 24 % 365, 'd'),
        _ => format!("{}y", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From apimachinery's own table, `TestHumanDuration`.
    #[test]
    fn durations_are_said_as_kubectl_says_them() {
        for (seconds, said) in [
            (1, "1s"),
            (70, "70s"),
            (190, "3m10s"),
            (70 * 60, "70m"),
            (47 * 3600, "47h"),
            (49 * 3600, "2d1h"),
            (9 * 24 * 3600, "9d"),
            (24 * 3600, "24h"),
            (367 * 24 * 3600, "367d"),
            (365 * 2 * 24 * 3600 + 24 * 3600, "2y1d"),
            (365 * 2 * 24 * 3600, "2y"),
            (365 * 8 * 24 * 3600, "8y"),
        ] {
            assert_eq!(human(seconds), said);
        }
    }

    #[test]
    fn every_row_has_a_cell_for_every_column() {
        for resource in crate::store::RESOURCES {
            assert_eq!(
                of(resource.kind).len(),
                cells(resource.kind, &json!({})).len(),
                "{}",
                resource.kind
            );
        }
    }
}
