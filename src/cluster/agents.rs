//! Which DaemonSets want a pod on a node, and whether it is there and Ready. Pure.

use super::NodeInfo;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{
    Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Taint, Toleration,
};
use std::collections::{BTreeMap, BTreeSet};

/// DaemonSets (`namespace/name`) that want a pod on this node and have no Ready one there, with why.
pub(super) fn not_ready(
    node: &Node,
    daemon_sets: &[DaemonSet],
    pods: &[Pod],
) -> BTreeMap<String, String> {
    let mut missing = BTreeMap::new();
    for set in daemon_sets.iter().filter(|set| wants(set, node)) {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let name = format!("{}/{}", part(&set.metadata.namespace), part(&set.metadata.name));
        let mut own = pods.iter().filter(|pod| is_of(pod, set)).peekable();
        if own.peek().is_none() {
            missing.insert(name, "has no pod on the node".into());
        } else if !own.any(is_ready) {
            missing.insert(name, "its pod is not Ready".into());
        }
    }
    missing
}

fn is_of(pod: &Pod, set: &DaemonSet) -> bool {
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    pod.metadata.deletion_timestamp.is_none()
        && owners
            .iter()
            .any(|o| o.controller == Some(true) && Some(&o.uid) == set.metadata.uid.as_ref())
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

/// Whether the DaemonSet controller puts a pod on the node: name, selector, affinity, taints.
fn wants(set: &DaemonSet, node: &Node) -> bool {
    let Some(spec) = set.spec.as_ref().and_then(|s| s.template.spec.as_ref()) else { return false };
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let name = node.metadata.name.as_deref().unwrap_or_default();
    if spec.node_name.as_deref().is_some_and(|wanted| wanted != name) {
        return false;
    }
    let selected = spec.node_selector.iter().flatten().all(|(k, v)| labels.get(k) == Some(v));
    selected && has_affinity(spec, &labels, name) && tolerates(spec, node)
}

fn has_affinity(spec: &PodSpec, labels: &BTreeMap<String, String>, name: &str) -> bool {
    let required = spec
        .affinity
        .as_ref()
        .and_then(|a| a.node_affinity.as_ref())
        .and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
    required.is_none_or(|r| r.node_selector_terms.iter().any(|term| term_fits(term, labels, name)))
}

fn term_fits(term: &NodeSelectorTerm, labels: &BTreeMap<String, String>, name: &str) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    // A term without anything selects nothing.
    (!expressions.is_empty() || !fields.is_empty())
        && expressions.iter().all(|r| fits(r, labels.get(&r.key).map(String::as_str)))
        && fields.iter().all(|r| r.key == "metadata.name" && fits(r, Some(name)))
}

fn fits(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let is_in = |value: &str| values.iter().any(|v| v == value);
    let number = |text: &str| text.parse::<i64>().ok();
    let compare = |greater: bool| {
        let limit = values.first().and_then(|v| number(v));
        let found = value.and_then(number);
        found.zip(limit).is_some_and(|(f, l)| if greater { f > l } else { f < l })
    };
    match requirement.operator.as_str() {
        "In" => value.is_some_and(is_in),
        "NotIn" => !value.is_some_and(is_in),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(true),
        "Lt" => compare(false),
        _ => false,
    }
}

/// The controller itself adds tolerations for the taints of an unwell or cordoned node.
fn tolerates(spec: &PodSpec, node: &Node) -> bool {
    const ADDED: [&str; 6] = [
        "not-ready",
        "unreachable",
        "disk-pressure",
        "memory-pressure",
        "pid-pressure",
        "unschedulable",
    ];
    let taints = node.spec.as_ref().and_then(|s| s.taints.as_deref()).unwrap_or_default();
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    taints.iter().filter(|t| t.effect != "PreferNoSchedule").all(|taint| {
        let added = taint.key.strip_prefix("node.kubernetes.io/").is_some_and(|key| {
            ADDED.contains(&key)
                || (key == "network-unavailable" && spec.host_network == Some(true))
        });
        added || tolerations.iter().any(|t| is_tolerated(taint, t))
    })
}

fn is_tolerated(taint: &Taint, toleration: &Toleration) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    let key = toleration.key.as_deref().unwrap_or_default();
    if !effect.is_empty() && effect != taint.effect {
        return false;
    }
    if toleration.operator.as_deref() == Some("Exists") {
        return key.is_empty() || key == taint.key;
    }
    key == taint.key
        && toleration.value.as_deref().unwrap_or_default()
            == taint.value.as_deref().unwrap_or_default()
}

/// What is missing before a node counts as ready, besides its agents; empty if nothing is.
pub(super) fn node_lacks(node: &NodeInfo, uid: &str, kubelet: Option<&str>) -> Vec<String> {
    let mut lacks = Vec::new();
    if node.uid != uid {
        lacks.push("it is another node of the same name".to_owned());
    }
    if !node.ready {
        lacks.push(format!("not Ready: {}", node.not_ready));
    }
    if let Some(wanted) = kubelet
        && node.kubelet_version != wanted
    {
        lacks.push(format!("kubelet is {}, not {wanted}", node.kubelet_version));
    }
    lacks
}

/// Names of a map of agents, for people.
pub(super) fn say(missing: &BTreeMap<String, String>, known: &BTreeSet<String>) -> Vec<String> {
    missing
        .iter()
        .filter(|(name, _)| !known.contains(*name))
        .map(|(name, why)| format!("DaemonSet {name} {why}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn node(taints: &Json) -> Node {
        serde_json::from_value(json!({
            "metadata": {"name": "n1", "labels": {"disk": "ssd", "cpus": "8"}},
            "spec": {"taints": taints},
        }))
        .unwrap()
    }

    fn set(pod_spec: &Json) -> DaemonSet {
        let mut spec = json!({"containers": []});
        spec.as_object_mut().unwrap().extend(pod_spec.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "metadata": {"name": "agent", "namespace": "kube-system", "uid": "u"},
            "spec": {"selector": {}, "template": {"spec": spec}},
        }))
        .unwrap()
    }

    fn affinity(key: &str, operator: &str, values: &[&str]) -> Json {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [
                {"key": key, "operator": operator, "values": values}]}]}}}})
    }

    #[test]
    fn daemon_sets_want_the_nodes_that_their_controller_chooses() {
        let master =
            json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]);
        let none = json!([]);
        let cordoned = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
        let soft = json!([{"key": "x", "effect": "PreferNoSchedule"}]);
        let table = [
            (json!({}), &none, true),
            (json!({}), &master, false),
            (json!({"tolerations": [{"operator": "Exists"}]}), &master, true),
            (
                json!({"tolerations": [{"key": "node-role.kubernetes.io/control-plane"}]}),
                &master,
                true,
            ),
            (json!({"tolerations": [{"key": "other", "operator": "Exists"}]}), &master, false),
            (
                json!({"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}),
                &master,
                false,
            ),
            (json!({}), &cordoned, true),
            (json!({}), &soft, true),
            (json!({"nodeSelector": {"disk": "ssd"}}), &none, true),
            (json!({"nodeSelector": {"disk": "hdd"}}), &none, false),
            (json!({"nodeName": "n2"}), &none, false),
            (affinity("disk", "In", &["ssd", "nvme"]), &none, true),
            (affinity("disk", "NotIn", &["ssd"]), &none, false),
            (affinity("gpu", "NotIn", &["yes"]), &none, true),
            (affinity("gpu", "Exists", &[]), &none, false),
            (affinity("gpu", "DoesNotExist", &[]), &none, true),
            (affinity("cpus", "Gt", &["4"]), &none, true),
            (affinity("cpus", "Lt", &["4"]), &none, false),
        ];
        for (spec, taints, expected) in table {
            assert_eq!(wants(&set(&spec), &node(taints)), expected, "{spec} on {taints}");
        }
    }

    #[test]
    fn a_wanted_pod_must_be_there_and_ready() {
        let pod = |uid: &str, ready: &str| -> Pod {
            serde_json::from_value(json!({
                "metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet",
                    "name": "agent", "uid": uid, "controller": true}]},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            }))
            .unwrap()
        };
        let node = node(&json!([]));
        let sets = [set(&json!({}))];
        let of = |pods: &[Pod]| not_ready(&node, &sets, pods).into_values().collect::<Vec<_>>();
        assert_eq!(of(&[]), ["has no pod on the node"]);
        assert_eq!(of(&[pod("another", "True")]), ["has no pod on the node"]);
        assert_eq!(of(&[pod("u", "False")]), ["its pod is not Ready"]);
        assert!(of(&[pod("u", "False"), pod("u", "True")]).is_empty());
    }
}
