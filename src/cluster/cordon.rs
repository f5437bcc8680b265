//! Cordon and uncordon with ownership: what we did is written on the node, and only that is undone.

use super::api::Content;
use super::nodes::{NODES, is_cordoned, node};
use super::{Cluster, ClusterError};
use crate::journal::{Effect, Receipt};
use http::Method;
use k8s_openapi::api::core::v1::Node;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// Run that holds the node.
pub const HELD_BY: &str = "mainstay.dev/held-by";
/// What the node was before: `schedulable` or `unschedulable`.
pub const PREVIOUS: &str = "mainstay.dev/previous";
/// Why the node is held.
pub const REASON: &str = "mainstay.dev/reason";

/// How often a patch is decided anew because somebody (the kubelet, mostly) changed the node meanwhile.
const CONFLICTS: u32 = 30;

/// Our annotations on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Run id.
    pub run: String,
    /// It was cordoned before that run came.
    pub cordoned_before: bool,
    /// Why it is held.
    pub reason: Option<String>,
}

impl Hold {
    pub(super) fn of(node: &Node) -> Option<Self> {
        let annotations = node.metadata.annotations.as_ref()?;
        Some(Self {
            run: annotations.get(HELD_BY)?.clone(),
            cordoned_before: annotations.get(PREVIOUS).map(String::as_str) == Some("unschedulable"),
            reason: annotations.get(REASON).cloned(),
        })
    }
}

/// What cordon found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cordoned {
    /// Cordoned by us, now or by an earlier try of this run.
    Ours,
    /// It was cordoned before; marked as ours, and stays cordoned when it is given back.
    Before,
}

/// What uncordon found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncordoned {
    /// Schedulable again.
    Now,
    /// It was cordoned before we came: our marks are gone, it stays cordoned.
    KeptCordoned,
    /// It was schedulable already: somebody else, or an earlier try. Our marks are gone.
    Already,
    /// It is not ours: nothing was changed.
    NotOurs {
        /// Run that holds it, if one does.
        held_by: Option<String>,
    },
}

enum Decision<T> {
    Nothing(T),
    Patch(Json, T),
}

impl Cluster {
    /// Cordons the node of the receipt ([`Effect::Cordon`]) for a run. A node that another run still holds is refused,
    /// unless `adopt` says to take it over (its previous state is kept).
    ///
    /// # Errors
    /// The node is gone, was recreated, is held by another run, or the API refuses.
    pub async fn cordon(
        &self,
        receipt: &Receipt,
        run: &str,
        reason: &str,
        adopt: bool,
    ) -> Result<Cordoned, ClusterError> {
        let Effect::Cordon { node, uid, .. } = receipt.effect() else {
            return Err(ClusterError::Receipt("cordon".into()));
        };
        self.change(node, uid, |found, _| decide_cordon(found, run, reason, adopt)).await
    }

    /// Gives the node of the receipt ([`Effect::Uncordon`]) back, if this run holds it.
    ///
    /// # Errors
    /// The node is gone or was recreated, or the API refuses.
    pub async fn uncordon(&self, receipt: &Receipt, run: &str) -> Result<Uncordoned, ClusterError> {
        let Effect::Uncordon { node, uid, .. } = receipt.effect() else {
            return Err(ClusterError::Receipt("uncordon".into()));
        };
        self.change(node, uid, |found, _| Ok(decide_uncordon(found, run))).await
    }

    /// Writes on a node that this run holds why it stays cordoned ([`Effect::Hold`]). `false`: the run does not hold it.
    ///
    /// # Errors
    /// The node is gone or was recreated, or the API refuses.
    pub async fn hold(&self, receipt: &Receipt, run: &str) -> Result<bool, ClusterError> {
        let Effect::Hold { node, uid, reason, .. } = receipt.effect() else {
            return Err(ClusterError::Receipt("hold".into()));
        };
        self.change(node, uid, |found, _| {
            Ok(match Hold::of(found) {
                Some(hold) if hold.run != run => Decision::Nothing(false),
                None => Decision::Nothing(false),
                Some(hold) if hold.reason.as_deref() == Some(reason) => Decision::Nothing(true),
                Some(_) => {
                    Decision::Patch(json!({"metadata": {"annotations": {REASON: reason}}}), true)
                }
            })
        })
        .await
    }

    /// Plain cordon or uncordon as kubectl does, without asking who holds the node (the commands and modules of that
    /// name). A person's reason is written on the node; uncordon takes reason and marks away. `true`: it was changed.
    ///
    /// # Errors
    /// The node is gone or was recreated, or the API refuses.
    pub async fn set_schedulable(
        &self,
        receipt: &Receipt,
        schedulable: bool,
    ) -> Result<bool, ClusterError> {
        let (node, uid, reason) = match (receipt.effect(), schedulable) {
            (Effect::Unschedulable { node, uid, reason, .. }, false) => (node, uid, reason.clone()),
            (Effect::Cordon { node, uid, .. }, false)
            | (Effect::Uncordon { node, uid, .. }, true) => (node, uid, None),
            _ => return Err(ClusterError::Receipt("cordon or uncordon".into())),
        };
        self.change(node, uid, |found, again| {
            let mut patch = json!({});
            if let Some(reason) = &reason {
                set(&mut patch, json!({"metadata": {"annotations": {REASON: reason}}}));
            }
            if schedulable && is_marked(found) {
                set(&mut patch, no_marks());
            }
            // After a lost answer it may be our own doing: it counts as ours.
            let changes = is_cordoned(found) == schedulable;
            if changes {
                set(&mut patch, json!({"spec": {"unschedulable": unschedulable(!schedulable)}}));
            } else if again || patch == json!({}) {
                return Ok(Decision::Nothing(again));
            }
            Ok(Decision::Patch(patch, changes))
        })
        .await
    }

    /// Reads, decides, patches under the read version; again from the start if the node changed meanwhile. The decision
    /// is told whether a patch was tried before.
    async fn change<T>(
        &self,
        name: &str,
        uid: &str,
        decide: impl Fn(&Node, bool) -> Result<Decision<T>, ClusterError>,
    ) -> Result<T, ClusterError> {
        let mut last = None;
        for attempt in 0..CONFLICTS {
            // Everybody who writes to the node at once would lose to everybody else again and again.
            if attempt > 3 {
                self.api.clock.sleep(Duration::from_millis(50) * attempt).await;
            }
            let found = node(&self.api, name)
                .await?
                .ok_or_else(|| ClusterError::Changed(format!("node {name} does not exist")))?;
            if found.metadata.uid.as_deref() != Some(uid) {
                let why = format!("node {name} was recreated since the run was planned");
                return Err(ClusterError::Changed(why));
            }
            let (mut patch, result) = match decide(&found, attempt > 0)? {
                Decision::Nothing(result) => return Ok(result),
                Decision::Patch(patch, result) => (patch, result),
            };
            set(
                &mut patch,
                json!({"metadata": {
                    "uid": uid,
                    "resourceVersion": found.metadata.resource_version,
                }}),
            );
            let path = format!("{NODES}/{name}");
            let content = Content::MergePatch(patch);
            match self.api.write(&Method::PATCH, &path, Some(&content)).await {
                Ok(_) => return Ok(result),
                // Unknown or conflicting: the next look tells.
                Err(error) if error.is_conflict() => last = Some(error),
                Err(error) if error.is_transient() => {
                    last = Some(error);
                    self.api.clock.sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| ClusterError::Changed(format!("node {name} keeps changing"))))
    }
}

fn decide_cordon(
    node: &Node,
    run: &str,
    reason: &str,
    adopt: bool,
) -> Result<Decision<Cordoned>, ClusterError> {
    let cordoned = is_cordoned(node);
    let hold = Hold::of(node).filter(|_| cordoned);
    let result = |before| if before { Cordoned::Before } else { Cordoned::Ours };
    let before = match &hold {
        Some(hold) if hold.run == run => {
            return Ok(Decision::Nothing(result(hold.cordoned_before)));
        }
        Some(hold) if !adopt && !hold.cordoned_before => {
            let name = node.metadata.name.as_deref().unwrap_or_default();
            let why = hold.reason.as_deref().unwrap_or("no reason given");
            return Err(ClusterError::Changed(format!(
                "node {name} is held by run {} ({why})",
                hold.run
            )));
        }
        Some(hold) => hold.cordoned_before,
        None => cordoned,
    };
    let previous = if before { "unschedulable" } else { "schedulable" };
    Ok(Decision::Patch(
        json!({
            "metadata": {"annotations": {HELD_BY: run, PREVIOUS: previous, REASON: reason}},
            "spec": {"unschedulable": true},
        }),
        result(before),
    ))
}

fn decide_uncordon(node: &Node, run: &str) -> Decision<Uncordoned> {
    let cordoned = is_cordoned(node);
    match Hold::of(node) {
        Some(hold) if hold.run == run => {
            let mut patch = no_marks();
            if !cordoned {
                return Decision::Patch(patch, Uncordoned::Already);
            }
            if hold.cordoned_before {
                return Decision::Patch(patch, Uncordoned::KeptCordoned);
            }
            set(&mut patch, json!({"spec": {"unschedulable": unschedulable(false)}}));
            Decision::Patch(patch, Uncordoned::Now)
        }
        // An earlier try of ours whose answer was lost, or somebody else: nothing is left to do.
        _ if !cordoned => Decision::Nothing(Uncordoned::Already),
        hold => Decision::Nothing(Uncordoned::NotOurs { held_by: hold.map(|h| h.run) }),
    }
}

/// Whether a run, or a person with a reason, has written on the node.
fn is_marked(node: &Node) -> bool {
    let annotations = node.metadata.annotations.as_ref();
    annotations
        .is_some_and(|a| [HELD_BY, PREVIOUS, REASON].iter().any(|name| a.contains_key(*name)))
}

fn no_marks() -> Json {
    json!({"metadata": {"annotations": {HELD_BY: null, PREVIOUS: null, REASON: null}}})
}

/// kubectl removes the field rather than writing false.
fn unschedulable(cordoned: bool) -> Json {
    if cordoned { Json::Bool(true) } else { Json::Null }
}

/// Adds the fields of one object to another, recursively.
fn set(to: &mut Json, from: Json) {
    match (to, from) {
        (Json::Object(to), Json::Object(from)) => {
            for (key, value) in from {
                set(to.entry(key).or_insert(Json::Null), value);
            }
        }
        (to, from) => *to = from,
    }
}

#[cfg(test)]
#[path = "cordon_tests.rs"]
mod tests;
