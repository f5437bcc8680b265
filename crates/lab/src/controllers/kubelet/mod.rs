//! The kubelet of a node: registers it, reports it, and runs the pods that are bound to it. Nothing is really run: what a
//! container does is told from its image and command (`containers.rs`), and how long it takes is that of a real one.

mod containers;
mod node;
mod pods;
mod static_pods;

use super::Handle;
use crate::fault::Faults;
use crate::pace::Pace;
use crate::store::{Json, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// `nodeStatusUpdateFrequency`, and how often the lease is renewed.
const BEAT: Duration = Duration::from_secs(10);

/// Heartbeats come no more often, however fast the pace. Real time.
const BEAT_FLOOR: Duration = Duration::from_millis(200);

/// How long a kubelet that was started needs before it does anything.
const START: Duration = Duration::from_millis(1500);

/// After a reboot the runtime is not ready at once.
const AFTER_BOOT: Duration = Duration::from_secs(3);

/// What a kubelet that runs knows of its node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KubeletView {
    /// `1.36.3`: of the program that was started.
    pub version: String,
    /// Whether the container runtime and its network are.
    pub ready: bool,
    /// The manifests below `/etc/kubernetes/manifests`.
    pub static_pods: Vec<StaticPod>,
    /// The first one is the node's.
    pub addresses: Vec<String>,
    /// `/etc/machine-id`.
    pub machine_id: String,
    /// Another one after each boot.
    pub boot_id: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub os_image: String,
    /// `uname -r`.
    pub kernel: String,
    /// `containerd://2.0.0`.
    pub runtime_version: String,
    /// `cpu`, `memory`, `pods`, `ephemeral-storage`, as quantities.
    pub capacity: BTreeMap<String, String>,
    /// What the node is registered with, besides the usual ones.
    pub labels: BTreeMap<String, String>,
    /// Objects with `key`, `effect` and perhaps `value`.
    pub taints: Vec<Value>,
}

/// A pod from a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticPod {
    /// Without the node's name: `etcd`.
    pub name: String,
    /// Of its one container.
    pub image: String,
    /// Of its one container.
    pub command: Vec<String>,
    /// Of the pod.
    pub labels: BTreeMap<String, String>,
    /// Of the pod.
    pub annotations: BTreeMap<String, String>,
}

/// Starts the kubelet of a node. While there is no view it does not run: nothing is reported and no pod begins or ends.
#[must_use]
pub fn kubelet(
    store: Arc<Store>,
    node_name: &str,
    view: watch::Receiver<Option<KubeletView>>,
    pace: Pace,
    faults: Arc<Faults>,
) -> Handle {
    let name = node_name.to_owned();
    Handle(tokio::spawn(run(store, name, view, pace, faults)))
}

async fn run(
    store: Arc<Store>,
    name: String,
    mut view: watch::Receiver<Option<KubeletView>>,
    pace: Pace,
    faults: Arc<Faults>,
) {
    let mut pods = pods::Pods::new(name.clone(), pace);
    let mut statics = static_pods::StaticPods::new(name.clone());
    let mut boot = String::new();
    loop {
        let Some(first) = begun(&mut view).await else { return };
        pace.wait(START).await;
        let rebooted = !boot.is_empty() && boot != first.boot_id;
        first.boot_id.clone_into(&mut boot);
        node::register(&store, &name, &first);
        let ready_at = Instant::now() + if rebooted { pace.of(AFTER_BOOT) } else { Duration::ZERO };
        if rebooted {
            pods.rebooted();
            node::tell_reboot(&store, &name, &boot);
        }
        let mut beat = Instant::now();
        let mut reported = None;
        let mut changed = store.subscribe();
        loop {
            let Some(now) = view.borrow_and_update().clone() else { break };
            if now.boot_id != boot {
                break; // it was down and up again between two looks
            }
            let seen = store.revision();
            let up = now.ready && Instant::now() >= ready_at;
            let full = node::disk_full(&faults, &name);
            if reported != Some((now.clone(), up, full)) {
                node::report(&store, &name, &now, up, full);
                reported = Some((now.clone(), up, full));
            }
            if Instant::now() >= beat {
                node::beat(&store, &name);
                beat = Instant::now() + pace.at_least(BEAT, BEAT_FLOOR);
            }
            statics.pass(&store, &now);
            let next = if up { pods.pass(&store, &now) } else { None };
            let mut wake = beat.min(Instant::now() + pace.at_least(super::TICK, super::LEAST));
            wake = next.into_iter().chain((!up).then_some(ready_at)).fold(wake, Instant::min);
            let matters = |resource: &str, object: &Value| {
                resource == "pods" && object.text("spec.nodeName") == name
            };
            tokio::select! {
                () = super::something(&store, &mut changed, seen, wake, matters) => {}
                ended = view.changed() => if ended.is_err() { return },
            }
        }
    }
}

/// Waits until the kubelet runs; nothing if it never will again.
async fn begun(view: &mut watch::Receiver<Option<KubeletView>>) -> Option<KubeletView> {
    let found = view.wait_for(Option::is_some).await.ok()?;
    found.clone()
}
