//! The Node object, as its kubelet writes it.

use super::super::event;
use super::KubeletView;
use crate::fault::{Fault, Faults};
use crate::store::json::{now, now_micro, set_condition, uid};
use crate::store::{Json, Part, Store};
use serde_json::{Value, json};

/// Makes the node unless it is there; a node that is there keeps its labels and taints.
pub(super) fn register(store: &Store, name: &str, view: &KubeletView) {
    let mut labels = json!({"beta.kubernetes.io/arch": architecture(), "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture(), "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"});
    if let Value::Object(labels) = &mut labels {
        labels
            .extend(view.labels.iter().map(|(label, value)| (label.clone(), value.clone().into())));
    }
    let annotations = json!({"node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"});
    let node = json!({"metadata": {"name": name, "labels": labels, "annotations": annotations}, "spec": {"taints": view.taints}});
    // That it is there already is the usual case.
    drop(store.create("nodes", "", node));
}

/// Go's name of the machine.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Whether the node is under the fault `disk-full`: its kubelet sees that.
pub(super) fn disk_full(faults: &Faults, name: &str) -> bool {
    let mine =
        |fault: &Fault| matches!(fault, Fault::DiskFull { node } if node == name).then_some(());
    faults.find(mine).is_some()
}

/// Writes the node's status. A node that was deleted is not made again before the kubelet is restarted, as in reality.
pub(super) fn report(store: &Store, name: &str, view: &KubeletView, ready: bool, disk_full: bool) {
    drop(store.edit("nodes", "", name, Part::Status, |node| {
        let mut addresses: Vec<Value> = view.addresses.iter().map(|a| json!({"type": "InternalIP", "address": a})).collect();
        addresses.push(json!({"type": "Hostname", "address": name}));
        node.put("status.addresses", addresses);
        node.put("status.capacity", json!(view.capacity));
        node.put("status.allocatable", json!(view.capacity));
        node.put("status.daemonEndpoints", json!({"kubeletEndpoint": {"Port": 10250}}));
        node.put(
            "status.nodeInfo",
            json!({"architecture": architecture(), "bootID": view.boot_id, "containerRuntimeVersion": view.runtime_version,
                "kernelVersion": view.kernel, "kubeProxyVersion": "", "kubeletVersion": format!("v{}", view.version),
                "machineID": view.machine_id, "operatingSystem": "linux", "osImage": view.os_image, "systemUUID": view.machine_id}),
        );
        conditions(node, ready, disk_full);
    }));
}

fn conditions(node: &mut Value, ready: bool, disk_full: bool) {
    set_condition(
        node,
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    );
    if disk_full {
        set_condition(
            node,
            "DiskPressure",
            "True",
            "KubeletHasDiskPressure",
            "kubelet has disk pressure",
        );
    } else {
        set_condition(
            node,
            "DiskPressure",
            "False",
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure",
        );
    }
    set_condition(
        node,
        "PIDPressure",
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    );
    if ready {
        set_condition(node, "Ready", "True", "KubeletReady", "kubelet is posting ready status");
    } else {
        let message = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady \
            message:Network plugin returns error: cni plugin not initialized";
        set_condition(node, "Ready", "False", "KubeletNotReady", message);
    }
    for condition in node.items_mut("status.conditions") {
        condition.put("lastHeartbeatTime", now());
    }
}

/// A heartbeat: the lease of the node, which belongs to it.
pub(super) fn beat(store: &Store, name: &str) {
    let renewed = store.edit("leases", "kube-node-lease", name, Part::Whole, |lease| {
        lease.put("spec.renewTime", now_micro());
        lease.put("spec.holderIdentity", name);
    });
    let Ok(node) = store.get("nodes", "", name) else { return };
    if renewed.is_err() {
        let owner = json!({"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid(&node)});
        let lease = json!({"metadata": {"name": name, "ownerReferences": [owner]},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now_micro()}});
        drop(store.create("leases", "kube-node-lease", lease)); // the next beat is soon
    }
    // The controller has declared it lost meanwhile: it speaks again.
    if crate::store::json::condition(&node, "Ready") == "Unknown" {
        drop(store.edit("nodes", "", name, Part::Status, |node| conditions(node, true, false)));
    }
}

/// An event that names the new boot.
pub(super) fn tell_reboot(store: &Store, name: &str, boot: &str) {
    if let Ok(node) = store.get("nodes", "", name) {
        let message = format!("Node {name} has been rebooted, boot id: {boot}");
        event::tell(store, "kubelet", &node, "Warning", "Rebooted", &message);
    }
}
