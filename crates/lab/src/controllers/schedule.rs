//! The scheduler: each waiting pod gets the least used of the nodes that it fits on.

use super::{event, pods, taint};
use crate::store::json::{controller, name, namespace, set_condition, terminating};
use crate::store::{Json, Labels, Part, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why each waiting pod could not be placed when it was last tried, by uid: told once.
pub(super) type Waiting = BTreeMap<String, String>;

pub(super) fn pass(store: &Store, waiting: &mut Waiting) {
    let nodes = store.all("nodes", "");
    let mut still = Waiting::new();
    let mut queue: Vec<Arc<Value>> =
        store.all("pods", "").into_iter().filter(|pod| waits(pod)).collect();
    queue.sort_by_key(|pod| {
        (-pod.int("spec.priority").unwrap_or(0), pod.text("metadata.creationTimestamp").to_owned())
    });
    for pod in queue {
        let others: Vec<Arc<Value>> = store
            .all("pods", "")
            .into_iter()
            .filter(|pod| !pod.text("spec.nodeName").is_empty() && !pods::ended(pod))
            .collect();
        let (fitting, refused): (Vec<_>, Vec<_>) = nodes
            .iter()
            .map(|node| (node, misfit(&pod, node, &nodes, &others)))
            .partition(|(_, misfit)| misfit.is_none());
        let best =
            fitting.into_iter().map(|(node, _)| node).min_by_key(|node| load(&pod, node, &others));
        if let Some(node) = best {
            if store.bind(namespace(&pod), name(&pod), name(node)).is_ok() {
                let message = format!(
                    "Successfully assigned {}/{} to {}",
                    namespace(&pod),
                    name(&pod),
                    name(node)
                );
                event::tell(store, "default-scheduler", &pod, "Normal", "Scheduled", &message);
            }
            continue;
        }
        let why = explain(nodes.len(), refused.into_iter().filter_map(|(_, why)| why));
        let id = pod.text("metadata.uid").to_owned();
        if waiting.get(&id) != Some(&why) {
            // It may be gone by now.
            drop(store.edit("pods", namespace(&pod), name(&pod), Part::Status, |pod| {
                set_condition(pod, "PodScheduled", "False", "Unschedulable", &why);
            }));
            event::tell(store, "default-scheduler", &pod, "Warning", "FailedScheduling", &why);
        }
        still.insert(id, why);
    }
    *waiting = still;
}

fn waits(pod: &Value) -> bool {
    pod.text("spec.nodeName").is_empty()
        && !terminating(pod)
        && pod.text("spec.schedulerName") == "default-scheduler"
        && pod.list("spec.schedulingGates").is_empty()
}

/// `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.`
fn explain(nodes: usize, reasons: impl Iterator<Item = String>) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let said: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!("0/{nodes} nodes are available: {}.", said.join(", "))
}

/// Fewer siblings first, then fewer pods, then the name, so that it is the same each time.
fn load<'a>(pod: &Value, node: &'a Value, others: &[Arc<Value>]) -> (usize, usize, &'a str) {
    let owner = controller(pod).map(|owner| owner.text("uid"));
    let here = others.iter().filter(|other| other.text("spec.nodeName") == name(node));
    let siblings = here
        .clone()
        .filter(|o| owner.is_some() && controller(o).map(|owner| owner.text("uid")) == owner);
    (siblings.count(), here.count(), name(node))
}

/// Why a pod cannot run on a node, in the scheduler's words.
fn misfit(
    pod: &Value,
    node: &Value,
    nodes: &[Arc<Value>],
    others: &[Arc<Value>],
) -> Option<String> {
    let tolerations = pod.list("spec.tolerations");
    if let Some(taint) = taint::unborne(tolerations, node, &["NoSchedule", "NoExecute"]) {
        if taint.text("key") == "node.kubernetes.io/unschedulable" {
            return Some("node(s) were unschedulable".to_owned());
        }
        return Some(format!(
            "node(s) had untolerated taint(s) {{{}: {}}}",
            taint.text("key"),
            taint.text("value")
        ));
    }
    if node.flag("spec.unschedulable") && !bears_cordon(tolerations) {
        return Some("node(s) were unschedulable".to_owned());
    }
    if !selected(pod, node) {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    let here: Vec<&Arc<Value>> =
        others.iter().filter(|other| other.text("spec.nodeName") == name(node)).collect();
    if here.len()
        >= usize::try_from(node.text("status.allocatable.pods").parse::<i64>().unwrap_or(110))
            .unwrap_or(0)
    {
        return Some("Too many pods".to_owned());
    }
    let ports = host_ports(pod);
    if here.iter().any(|other| host_ports(other).iter().any(|port| ports.contains(port))) {
        return Some("node(s) didn't have free ports for the requested pod ports".to_owned());
    }
    for what in ["cpu", "memory"] {
        let Some(whole) = node.at(&format!("status.allocatable.{what}")).and_then(quantity) else {
            continue;
        };
        let used: f64 = here.iter().map(|other| requested(other, what)).sum();
        if requested(pod, what) > 0.0 && used + requested(pod, what) > whole {
            return Some(format!("Insufficient {what}"));
        }
    }
    if !apart(pod, node, nodes, others) {
        return Some("node(s) didn't match pod anti-affinity rules".to_owned());
    }
    None
}

fn bears_cordon(tolerations: &[Value]) -> bool {
    let cordon =
        serde_json::json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    tolerations.iter().any(|toleration| taint::tolerates(toleration, &cordon))
}

/// The node selector and the required node affinity.
pub(super) fn selected(pod: &Value, node: &Value) -> bool {
    let plain = pod.map("spec.nodeSelector").into_iter().flatten();
    let plain =
        plain.into_iter().all(|(key, value)| node.key("metadata.labels", key) == value.as_str());
    let required = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
    let terms = pod.list(&format!("{required}.nodeSelectorTerms"));
    let term = |term: &Value| {
        let fields = term.list("matchFields").iter().all(|field| {
            let named = field.list("values").iter().any(|value| value == name(node));
            field.text("key") == "metadata.name" && (named == (field.text("operator") == "In"))
        });
        term.list("matchExpressions").iter().all(|wanted| expression(wanted, node)) && fields
    };
    plain && (pod.at(required).is_none() || terms.iter().any(term))
}

fn expression(wanted: &Value, node: &Value) -> bool {
    let value = node.key("metadata.labels", wanted.text("key"));
    let number = |text: &str| text.parse::<i64>().ok();
    let first = wanted.list("values").first().and_then(Value::as_str).and_then(number);
    match wanted.text("operator") {
        "Gt" => value.and_then(number) > first && first.is_some(),
        "Lt" => {
            value.and_then(number).is_some_and(|value| first.is_some_and(|first| value < first))
        }
        _ => Labels::of(&serde_json::json!({"matchExpressions": [wanted]}))
            .is_some_and(|labels| labels.matches(node)),
    }
}

fn host_ports(pod: &Value) -> Vec<i64> {
    pod.list("spec.containers")
        .iter()
        .flat_map(|c| c.list("ports"))
        .filter_map(|port| port.int("hostPort"))
        .filter(|p| *p > 0)
        .collect()
}

fn requested(pod: &Value, what: &str) -> f64 {
    let of = |container: &Value| {
        container.at(&format!("resources.requests.{what}")).and_then(quantity).unwrap_or(0.0)
    };
    pod.list("spec.containers").iter().map(of).sum()
}

/// `100m`, `2`, `128Mi`, `1e3`.
fn quantity(value: &Value) -> Option<f64> {
    let text = value.as_str()?;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match text.strip_prefix(digits)? {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|number| number * scale)
}

/// The required anti-affinity of this pod and of those that run: none that it avoids in the same part of the cluster.
fn apart(pod: &Value, node: &Value, nodes: &[Arc<Value>], others: &[Arc<Value>]) -> bool {
    const TERMS: &str =
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution";
    let avoids = |one: &Value, other: &Value, key: &dyn Fn(&Value) -> bool| {
        one.list(TERMS).iter().any(|term| {
            let selects = term
                .at("labelSelector")
                .and_then(Labels::of)
                .is_some_and(|labels| labels.matches(other));
            let spaces = term.list("namespaces");
            let space = if spaces.is_empty() {
                namespace(one) == namespace(other)
            } else {
                spaces.iter().any(|s| s == namespace(other))
            };
            selects && space && key(term)
        })
    };
    others.iter().all(|other| {
        let Some(at) = nodes.iter().find(|node| name(node) == other.text("spec.nodeName")) else {
            return true;
        };
        let together = |term: &Value| {
            let label = |node: &Value| {
                node.key("metadata.labels", term.text("topologyKey")).map(str::to_owned)
            };
            label(node).is_some() && label(node) == label(at)
        };
        !avoids(pod, other, &together) && !avoids(other, pod, &together)
    })
}
