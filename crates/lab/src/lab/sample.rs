//! What is shown on a lab: a Deployment with a budget, and the nodes as a table.

use super::error::LabError;
use crate::node::{Role, Site};
use crate::store::{Json, Store};
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// A Deployment of four pods, and a budget that wants three.
pub(super) fn deploy(store: &Store) -> Result<(), LabError> {
    let labels = json!({"app": "web"});
    let container = json!({"name": "web", "image": "registry.k8s.io/pause:3.10.2"});
    let template = json!({
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 10},
    });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 4, "selector": {"matchLabels": labels}, "template": template},
    });
    store.create("deployments", "default", deployment)?;
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": labels}},
    });
    store.create("poddisruptionbudgets", "default", budget)?;
    Ok(())
}

/// Waits until API servers answer, nodes are ready and all workloads have what they want.
pub(super) async fn settled(site: &Site, store: &Store, within: Duration) -> Result<(), LabError> {
    let waited = tokio::time::timeout(within, async {
        while lacking(site, store).is_some() {
            tokio::time::sleep(LOOK).await;
        }
    });
    match waited.await {
        Ok(()) => Ok(()),
        Err(_) => {
            let lacking = lacking(site, store).unwrap_or_default();
            Err(LabError::Late(within.as_secs(), lacking))
        }
    }
}

/// What is missing, if anything is.
fn lacking(site: &Site, store: &Store) -> Option<String> {
    let down = site
        .machines
        .iter()
        .find(|machine| machine.role == Role::ControlPlane && machine.apiserver.borrow().is_none());
    if let Some(machine) = down {
        return Some(format!("the API server of {} does not answer", machine.name));
    }
    let nodes = site.machines.len();
    let ready = store.all("nodes", "").iter().filter(|node| is_ready(node)).count();
    if ready < nodes {
        return Some(format!("{ready} of {nodes} nodes are ready"));
    }
    for (resource, wanted, have) in [
        ("deployments", "spec.replicas", "status.availableReplicas"),
        ("daemonsets", "status.desiredNumberScheduled", "status.numberReady"),
    ] {
        for object in store.all(resource, "") {
            let number = |path: &str| object.int(path).unwrap_or_default();
            let (wanted, have) = (number(wanted), number(have));
            let seen = number("status.observedGeneration") >= number("metadata.generation");
            if !seen || have < wanted {
                let name = crate::store::json::name(&object);
                return Some(format!("{resource} {name} has {have} of {wanted} pods"));
            }
        }
    }
    None
}

fn is_ready(node: &Value) -> bool {
    crate::store::json::condition(node, "Ready") == "True"
}

/// A line a node.
pub(super) fn table(store: &Store) -> String {
    let pods = store.all("pods", "");
    let mut lines =
        vec![format!("{:<6} {:<14} {:<20} {:<9} pods", "node", "role", "state", "kubelet")];
    for node in store.all("nodes", "") {
        let name = crate::store::json::name(&node);
        let master = node.key("metadata.labels", "node-role.kubernetes.io/control-plane").is_some();
        let role = if master { "control plane" } else { "worker" };
        let ready = if is_ready(&node) { "ready" } else { "not ready" };
        let cordoned = if node.flag("spec.unschedulable") { ", cordoned" } else { "" };
        let kubelet = node.text("status.nodeInfo.kubeletVersion");
        let here = pods.iter().filter(|pod| pod.text("spec.nodeName") == name).count();
        let state = format!("{ready}{cordoned}");
        lines.push(format!("{name:<6} {role:<14} {state:<20} {kubelet:<9} {here}"));
    }
    lines.join("\n")
}
