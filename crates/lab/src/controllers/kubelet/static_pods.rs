//! Mirror pods: what the API shows of pods from files.

use super::{KubeletView, StaticPod};
use crate::store::json::{name, now, terminating, uid};
use crate::store::{DeleteOptions, Json, Store};
use serde_json::{Value, json};

const HASH: &str = "kubernetes.io/config.hash";
const MIRROR: &str = "kubernetes.io/config.mirror";
const NAMESPACE: &str = "kube-system";

/// Whether a pod mirrors one from a file.
pub(super) fn is_mirror(pod: &Value) -> bool {
    pod.key("metadata.annotations", MIRROR).is_some()
}

#[derive(Debug)]
pub(super) struct StaticPods {
    node: String,
}

impl StaticPods {
    pub(super) fn new(node: String) -> Self {
        Self { node }
    }

    /// Mirrors what there is, and deletes what mirrors something else.
    pub(super) fn pass(&mut self, store: &Store, view: &KubeletView) {
        let Ok(node) = store.get("nodes", "", &self.node) else { return };
        for pod in &view.static_pods {
            let full = format!("{}-{}", pod.name, self.node);
            let hash = super::super::revision::hash(&json!([
                pod.image,
                pod.command,
                pod.labels,
                pod.annotations
            ]));
            match store.get("pods", NAMESPACE, &full) {
                Ok(there)
                    if there.key("metadata.annotations", MIRROR) == Some(&hash)
                        && !terminating(&there) =>
                {
                    continue;
                }
                Ok(_) => drop(store.delete("pods", NAMESPACE, &full, &DeleteOptions::now())), // gone is gone
                Err(_) => {}
            }
            // If this is refused, the next pass tries again.
            drop(store.create("pods", NAMESPACE, mirror(pod, &node, &full, &hash)));
        }
        for there in store.all("pods", NAMESPACE) {
            let ours = there.text("spec.nodeName") == self.node && is_mirror(&there);
            let wanted = |pod: &StaticPod| name(&there) == format!("{}-{}", pod.name, self.node);
            if ours && !view.static_pods.iter().any(wanted) {
                drop(store.delete("pods", NAMESPACE, name(&there), &DeleteOptions::now())); // gone is gone
            }
        }
    }
}

fn mirror(pod: &StaticPod, node: &Value, full: &str, hash: &str) -> Value {
    let mut annotations = json!({HASH: hash, MIRROR: hash, "kubernetes.io/config.seen": now(), "kubernetes.io/config.source": "file"});
    if let Value::Object(annotations) = &mut annotations {
        annotations.extend(
            pod.annotations.iter().map(|(name, value)| (name.clone(), value.clone().into())),
        );
    }
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": name(node), "uid": uid(node), "controller": true});
    let container = json!({"name": pod.name, "image": pod.image, "command": pod.command, "imagePullPolicy": "IfNotPresent",
        "startupProbe": {"httpGet": {"path": "/livez", "port": "probe-port"}, "initialDelaySeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "probe-port"}, "periodSeconds": 1}});
    json!({"metadata": {"name": full, "labels": pod.labels, "annotations": annotations, "ownerReferences": [owner]},
        "spec": {"nodeName": name(node), "hostNetwork": true, "priorityClassName": "system-node-critical",
            "tolerations": [{"operator": "Exists", "effect": "NoExecute"}], "containers": [container]}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::Pace;

    #[test]
    fn what_has_not_changed_is_mirrored_once() {
        let store = Store::new(Pace::REAL);
        store.create("nodes", "", json!({"metadata": {"name": "cp1"}})).unwrap();
        let pod = |image: &str| StaticPod {
            name: "etcd".to_owned(),
            image: image.to_owned(),
            // A kubelet that knows the file's hash says so.
            annotations: [(HASH.to_owned(), "of the file".to_owned())].into(),
            ..StaticPod::default()
        };
        let view = |image| KubeletView { static_pods: vec![pod(image)], ..KubeletView::default() };
        let mut pods = StaticPods::new("cp1".to_owned());
        let uid_after = |pods: &mut StaticPods, image| {
            pods.pass(&store, &view(image));
            uid(&store.get("pods", NAMESPACE, "etcd-cp1").unwrap()).to_owned()
        };
        let first = uid_after(&mut pods, "etcd:1");
        assert_eq!(uid_after(&mut pods, "etcd:1"), first);
        assert_ne!(uid_after(&mut pods, "etcd:2"), first, "another pod");
    }
}
