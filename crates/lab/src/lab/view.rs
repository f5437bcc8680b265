//! What the kubelet of a machine tells the API about it.

use crate::controllers::{KubeletView, StaticPod};
use crate::node::{self, CONTAINERD, Kubelet, Machine, Role};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MASTER: &str = "node-role.kubernetes.io/control-plane";

/// The view of a kubelet that runs.
pub(super) fn see(machine: &Machine, kubelet: &Kubelet, boot_id: &str) -> KubeletView {
    let master = machine.role == Role::ControlPlane;
    let system = rustix::system::uname();
    KubeletView {
        version: kubelet.version.to_string(),
        ready: kubelet.ready,
        static_pods: kubelet.static_pods.iter().map(static_pod).collect(),
        addresses: vec![machine.address.to_string()],
        machine_id: machine.machine_id.clone(),
        boot_id: boot_id.to_owned(),
        os_image: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        kernel: system.release().to_string_lossy().into_owned(),
        runtime_version: format!("containerd://{CONTAINERD}"),
        capacity: capacity(),
        labels: master.then(|| (MASTER.to_owned(), String::new())).into_iter().collect(),
        taints: master.then(taint).into_iter().collect(),
    }
}

/// That of a small machine.
fn capacity() -> BTreeMap<String, String> {
    [("cpu", "2"), ("memory", "4014216Ki"), ("pods", "110"), ("ephemeral-storage", "61255492Ki")]
        .into_iter()
        .map(|(name, amount)| (name.to_owned(), amount.to_owned()))
        .collect()
}

/// Workloads do not belong on a control plane (kubeadm's default).
fn taint() -> Value {
    json!({"key": MASTER, "effect": "NoSchedule"})
}

fn static_pod(pod: &node::StaticPod) -> StaticPod {
    let labels = [("component", pod.name.as_str()), ("tier", "control-plane")];
    let annotations = [("kubernetes.io/config.hash", pod.hash.as_str())];
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    StaticPod {
        name: pod.name.clone(),
        image: pod.image.clone(),
        command: vec![pod.name.clone()],
        labels: labels.into_iter().map(owned).collect(),
        annotations: annotations.into_iter().map(owned).collect(),
    }
}
