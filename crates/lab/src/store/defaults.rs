//! What the API server fills in when an object leaves it out.

use super::Resource;
use super::json::{self, Json};
use super::state::State;
use serde_json::{Value, json};

/// Defaults that hold for every write.
pub(super) fn complete(resource: &Resource, object: &mut Value) {
    match resource.kind {
        "Pod" => pod_spec(object.place("spec")),
        "Deployment" => {
            workload(object, 1);
            object.default("spec.strategy.type", "RollingUpdate");
            if object.text("spec.strategy.type") == "RollingUpdate" {
                object.default("spec.strategy.rollingUpdate.maxUnavailable", "25%");
                object.default("spec.strategy.rollingUpdate.maxSurge", "25%");
            }
            object.default("spec.revisionHistoryLimit", 10);
            object.default("spec.progressDeadlineSeconds", 600);
        }
        "ReplicaSet" => workload(object, 1),
        "ReplicationController" => {
            workload(object, 1);
            let labels = object.at("spec.template.metadata.labels").cloned();
            if let Some(labels) = labels {
                object.default("spec.selector", labels);
            }
        }
        "DaemonSet" => {
            pod_spec(object.place("spec.template.spec"));
            object.default("spec.updateStrategy.type", "RollingUpdate");
            if object.text("spec.updateStrategy.type") == "RollingUpdate" {
                object.default("spec.updateStrategy.rollingUpdate.maxUnavailable", 1);
                object.default("spec.updateStrategy.rollingUpdate.maxSurge", 0);
            }
            object.default("spec.revisionHistoryLimit", 10);
        }
        "StatefulSet" => {
            workload(object, 1);
            object.default("spec.podManagementPolicy", "OrderedReady");
            object.default("spec.updateStrategy.type", "RollingUpdate");
            if object.text("spec.updateStrategy.type") == "RollingUpdate" {
                object.default("spec.updateStrategy.rollingUpdate.partition", 0);
            }
            object.default("spec.revisionHistoryLimit", 10);
            for when in ["whenDeleted", "whenScaled"] {
                object.default(
                    &format!("spec.persistentVolumeClaimRetentionPolicy.{when}"),
                    "Retain",
                );
            }
        }
        "Job" => {
            pod_spec(object.place("spec.template.spec"));
            for (name, value) in [("parallelism", 1), ("completions", 1), ("backoffLimit", 6)] {
                object.default(&format!("spec.{name}"), value);
            }
            object.default("spec.completionMode", "NonIndexed");
            object.default("spec.suspend", false);
        }
        "Namespace" => {
            let name = json::name(object).to_owned();
            if let Value::Object(labels) = or_map(object.place("metadata.labels")) {
                labels.insert("kubernetes.io/metadata.name".into(), name.into());
            }
        }
        "Secret" => secret(object),
        "Service" => service(object),
        "PersistentVolumeClaim" | "PersistentVolume" => {
            object.default("spec.volumeMode", "Filesystem");
        }
        "StorageClass" => {
            object.default("reclaimPolicy", "Delete");
            object.default("volumeBindingMode", "Immediate");
        }
        "PriorityClass" => object.default("preemptionPolicy", "PreemptLowerPriority"),
        _ => {}
    }
}

fn or_map(value: &mut Value) -> &mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    value
}

fn workload(object: &mut Value, replicas: i64) {
    object.default("spec.replicas", replicas);
    pod_spec(object.place("spec.template.spec"));
}

/// Also of the templates of workloads.
fn pod_spec(spec: &mut Value) {
    spec.default("restartPolicy", "Always");
    spec.default("dnsPolicy", "ClusterFirst");
    spec.default("terminationGracePeriodSeconds", 30);
    spec.default("schedulerName", "default-scheduler");
    spec.default("securityContext", json!({}));
    let host_network = spec.flag("hostNetwork");
    for list in ["containers", "initContainers"] {
        for container in spec.items_mut(list) {
            complete_container(container, host_network);
        }
    }
    for volume in spec.items_mut("volumes") {
        if volume.as_object().is_some_and(|members| members.len() == 1) {
            volume.put("emptyDir", json!({}));
        }
        for source in ["configMap", "secret", "projected", "downwardAPI"] {
            if volume.at(source).is_some() {
                volume.default(&format!("{source}.defaultMode"), 0o644);
            }
        }
        if volume.at("hostPath").is_some() {
            volume.default("hostPath.type", "");
        }
    }
}

fn complete_container(container: &mut Value, host_network: bool) {
    container.default("terminationMessagePath", "/dev/termination-log");
    container.default("terminationMessagePolicy", "File");
    container.default("resources", json!({}));
    let image = container.text("image");
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let always = !image.contains('@') && matches!(tag, None | Some("latest"));
    container.default("imagePullPolicy", if always { "Always" } else { "IfNotPresent" });
    for port in container.items_mut("ports") {
        port.default("protocol", "TCP");
        if let (true, Some(number)) = (host_network, port.int("containerPort")) {
            port.default("hostPort", number);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(probe) else { continue };
        for (name, value) in [
            ("timeoutSeconds", 1),
            ("periodSeconds", 10),
            ("successThreshold", 1),
            ("failureThreshold", 3),
        ] {
            probe.default(name, value);
        }
        if probe.at("httpGet").is_some() {
            probe.default("httpGet.path", "/");
            probe.default("httpGet.scheme", "HTTP");
        }
    }
    let limits = container.map("resources.limits").cloned().unwrap_or_default();
    for (name, limit) in limits {
        if let Value::Object(requests) = or_map(container.place("resources.requests")) {
            requests.entry(name).or_insert(limit);
        }
    }
}

fn secret(object: &mut Value) {
    use base64::Engine;
    object.default("type", "Opaque");
    let Some(Value::Object(texts)) = object.take_at("stringData") else { return };
    let data = or_map(object.place("data"));
    for (name, text) in texts {
        if let (Value::Object(data), Some(text)) = (&mut *data, text.as_str()) {
            data.insert(name, base64::engine::general_purpose::STANDARD.encode(text).into());
        }
    }
}

fn service(object: &mut Value) {
    object.default("spec.type", "ClusterIP");
    object.default("spec.sessionAffinity", "None");
    if object.text("spec.type") != "ExternalName" {
        object.default("spec.internalTrafficPolicy", "Cluster");
        object.default("spec.ipFamilies", json!(["IPv4"]));
        object.default("spec.ipFamilyPolicy", "SingleStack");
    }
    for port in object.items_mut("spec.ports") {
        port.default("protocol", "TCP");
        if let Some(number) = port.int("port") {
            port.default("targetPort", number);
        }
    }
}

/// What admission adds to new objects.
pub(super) fn admit_new(state: &State, resource: &Resource, object: &mut Value) {
    match resource.kind {
        "Pod" => admit_pod(state, object),
        "Namespace" => {
            object.default("spec.finalizers", json!(["kubernetes"]));
            object.put("status.phase", "Active");
        }
        "Node" if json::condition(object, "Ready") != "True" => taint_not_ready(object),
        "Service" if object.text("spec.type") != "ExternalName" => cluster_address(state, object),
        "PersistentVolumeClaim" | "PersistentVolume" => object.put("status.phase", "Pending"),
        _ => {}
    }
}

/// `TaintNodesByCondition`: nothing is scheduled on a new node before it was ready.
fn taint_not_ready(node: &mut Value) {
    let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
    let taints = node.place("spec.taints");
    match taints {
        Value::Array(all) if all.contains(&taint) => {}
        Value::Array(all) => all.push(taint),
        other => *other = json!([taint]),
    }
}

fn admit_pod(state: &State, pod: &mut Value) {
    pod.default("spec.serviceAccountName", "default");
    pod.default("spec.enableServiceLinks", true);
    let class = pod.text("spec.priorityClassName").to_owned();
    let classes = super::resource("priorityclasses");
    let priority = classes
        .and_then(|classes| state.get(classes, "", &class).ok())
        .and_then(|class| class.int("value"));
    pod.put("spec.priority", priority.unwrap_or(0));
    pod.default("spec.preemptionPolicy", "PreemptLowerPriority");
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let all = pod.list("spec.tolerations");
        let tolerated = |t: &Value| {
            let named = t.text("key") == key
                || (t.text("key").is_empty() && t.text("operator") == "Exists");
            named && matches!(t.text("effect"), "" | "NoExecute")
        };
        if !all.iter().any(tolerated) {
            let mut all = all.to_vec();
            all.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            pod.put("spec.tolerations", all);
        }
    }
    let mut status = json!({"phase": "Pending"});
    status.put("qosClass", qos_class(pod));
    pod.put("status", status);
}

/// From what the containers request and are limited to.
fn qos_class(pod: &Value) -> &'static str {
    let containers = pod.list("spec.containers").iter().chain(pod.list("spec.initContainers"));
    let (mut any, mut guaranteed) = (false, true);
    for container in containers {
        let (requests, limits) =
            (container.map("resources.requests"), container.map("resources.limits"));
        any |= requests.is_some_and(|r| !r.is_empty()) || limits.is_some_and(|l| !l.is_empty());
        let full = limits.is_some_and(|l| l.contains_key("cpu") && l.contains_key("memory"));
        guaranteed &= full && requests == limits;
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// The next free address of 10.96.0.0/16; .1 goes to the first service, which is the API's.
fn cluster_address(state: &State, service: &mut Value) {
    let Some(services) = super::resource("services") else { return };
    let taken: Vec<&str> =
        state.all(services, "").map(|(_, service)| service.text("spec.clusterIP")).collect();
    let free = (1_u16..=u16::MAX).map(|n| format!("10.96.{}.{}", n / 256, n % 256));
    if let Some(address) = free.into_iter().find(|address| !taken.contains(&address.as_str())) {
        service.default("spec.clusterIP", address);
    }
    let address = service.at("spec.clusterIP").cloned().unwrap_or_default();
    service.default("spec.clusterIPs", json!([address]));
}

/// What a replacement that leaves it out keeps.
pub(super) fn carry_over(resource: &Resource, old: &Value, object: &mut Value) {
    let kept: &[&str] = match resource.kind {
        "Service" => &["spec.clusterIP", "spec.clusterIPs"],
        "Pod" => &[
            "spec.priority",
            "spec.preemptionPolicy",
            "spec.serviceAccountName",
            "spec.enableServiceLinks",
        ],
        "Namespace" => &["spec.finalizers"],
        _ => &[],
    };
    for path in kept {
        if let (None, Some(value)) = (object.at(path), old.at(path)) {
            object.put(path, value.clone());
        }
    }
}
