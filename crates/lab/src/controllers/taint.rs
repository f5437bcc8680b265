//! Taints and who bears them; pods that must leave because of one.

use super::event;
use crate::pace::Pace;
use crate::store::json::{name, namespace, terminating, uid};
use crate::store::{DeleteOptions, Json, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Whether a toleration bears a taint.
pub(super) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = toleration.text("effect");
    let (key, exists) = (toleration.text("key"), toleration.text("operator") == "Exists");
    (effect.is_empty() || effect == taint.text("effect"))
        && ((key.is_empty() && exists)
            || (key == taint.text("key")
                && (exists || toleration.text("value") == taint.text("value"))))
}

/// The first taint with one of these effects that a pod with these tolerations does not bear.
pub(super) fn unborne<'a>(
    tolerations: &[Value],
    node: &'a Value,
    effects: &[&str],
) -> Option<&'a Value> {
    let mut taints =
        node.list("spec.taints").iter().filter(|taint| effects.contains(&taint.text("effect")));
    taints.find(|taint| !tolerations.iter().any(|toleration| tolerates(toleration, taint)))
}

/// Evictions by taint that are to come.
#[derive(Debug)]
pub(super) struct Evictions {
    pace: Pace,
    /// By the pod's uid.
    due: BTreeMap<String, Instant>,
}

impl Evictions {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, due: BTreeMap::new() }
    }

    /// Deletes what does not bear a taint `NoExecute` of its node, or has borne it long enough.
    pub(super) fn pass(&mut self, store: &Store) {
        let now = Instant::now();
        let mut due = BTreeMap::new();
        for pod in store.all("pods", "") {
            let Ok(node) = store.get("nodes", "", pod.text("spec.nodeName")) else { continue };
            let Some(patience) = patience(&pod, &node) else { continue };
            if terminating(&pod) {
                continue;
            }
            let at =
                self.due.get(uid(&pod)).copied().unwrap_or_else(|| now + self.pace.of(patience));
            if at > now {
                due.insert(uid(&pod).to_owned(), at);
                continue;
            }
            let message =
                format!("Taint manager marks pod {}/{} for deletion", namespace(&pod), name(&pod));
            event::tell(
                store,
                "taint-eviction-controller",
                &pod,
                "Normal",
                "TaintManagerEviction",
                &message,
            );
            drop(store.delete("pods", namespace(&pod), name(&pod), &DeleteOptions::default())); // gone is gone
        }
        self.due = due;
    }
}

/// How long the pod bears the node's taints `NoExecute`; nothing if for ever or if there are none.
fn patience(pod: &Value, node: &Value) -> Option<Duration> {
    let tolerations = pod.list("spec.tolerations");
    let mut shortest: Option<Duration> = None;
    for taint in node.list("spec.taints").iter().filter(|taint| taint.text("effect") == "NoExecute")
    {
        let bearing: Vec<&Value> =
            tolerations.iter().filter(|toleration| tolerates(toleration, taint)).collect();
        if bearing.is_empty() {
            return Some(Duration::ZERO);
        }
        let seconds =
            bearing.iter().filter_map(|toleration| toleration.int("tolerationSeconds")).min();
        if let Some(seconds) = seconds {
            let time = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            shortest = Some(shortest.map_or(time, |before| before.min(time)));
        }
    }
    shortest
}
