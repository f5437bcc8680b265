//! Waiting until a node is fit for work again.

use super::agents::{node_lacks, not_ready, say};
use super::api::{Api, encode};
use super::nodes::NODES;
use super::{Cancel, Cluster, ClusterError, NodeInfo};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use std::collections::BTreeSet;
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(2);
/// At least, however short a node must stay ready.
const LOOK_LEAST: Duration = Duration::from_millis(250);

/// When a node counts as ready.
#[derive(Debug, Clone)]
pub struct ReadyOptions {
    /// Default 10 min.
    pub timeout: Duration,
    /// All conditions hold this long without a break; default 10 s.
    pub stable: Duration,
    /// `v1.37.2`, if it must be that one.
    pub kubelet_version: Option<String>,
    /// DaemonSets that want a pod on the node have a Ready one there; default yes.
    pub daemonsets: bool,
    /// DaemonSets (`namespace/name`) that were not Ready on the node before it was taken: not waited for.
    pub known_unready: BTreeSet<String>,
}

impl Default for ReadyOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(600),
            stable: Duration::from_secs(10),
            kubelet_version: None,
            daemonsets: true,
            known_unready: BTreeSet::new(),
        }
    }
}

impl Cluster {
    /// Waits until the node of this name and uid is Ready with the wanted kubelet, its kubelet reports (its node lease is
    /// renewed after the wait began: a condition alone may be from before a reboot), and its agents are Ready; all of it
    /// for `stable`. `progress` hears what is missing whenever that changes.
    ///
    /// # Errors
    /// [`ClusterError::TimedOut`] with what is missing, [`ClusterError::Cancelled`], or the API refuses.
    pub async fn wait_ready(
        &self,
        name: &str,
        uid: &str,
        options: &ReadyOptions,
        cancel: &Cancel,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<NodeInfo, ClusterError> {
        let clock = &*self.api.clock;
        let deadline = clock.monotonic().saturating_add(options.timeout);
        // Who is content with a short while wants to know soon.
        let look = options.stable.clamp(LOOK_LEAST, LOOK);
        let mut first_lease = None;
        let mut alive = false;
        let mut good_since = None;
        let mut told = String::new();
        loop {
            let why;
            match self.look(name, uid, options, &mut first_lease, &mut alive).await {
                Ok((node, lacks)) if lacks.is_empty() => {
                    let now = clock.monotonic();
                    let since = *good_since.get_or_insert(now);
                    if now.saturating_sub(since) >= options.stable {
                        return Ok(node);
                    }
                    why = format!("ready for less than {} s", options.stable.as_secs());
                }
                Ok((_, lacks)) => {
                    good_since = None;
                    why = lacks.join("; ");
                    if why != told {
                        progress(&why);
                        told.clone_from(&why);
                    }
                }
                // The API is away: nothing is known, so what held may not have held meanwhile.
                Err(error) if error.is_transient() => {
                    good_since = None;
                    why = error.to_string();
                }
                Err(error) => return Err(error),
            }
            if clock.monotonic() >= deadline {
                let what = format!("node {name} ready");
                return Err(ClusterError::TimedOut { what, after: options.timeout, why });
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(ClusterError::Cancelled),
                () = clock.sleep(look) => {}
            }
        }
    }

    /// DaemonSets (`namespace/name`) that want a pod on the node and have no Ready one: recorded before maintenance.
    ///
    /// # Errors
    /// The API cannot be read, or there is no such node.
    pub async fn unready_agents(&self, name: &str) -> Result<BTreeSet<String>, ClusterError> {
        let node: Node = self.api.get(&format!("{NODES}/{name}")).await?;
        let (sets, pods) = agents(&self.api, name).await?;
        Ok(not_ready(&node, &sets, &pods).into_keys().collect())
    }

    /// One look: the node, and what is missing.
    async fn look(
        &self,
        name: &str,
        uid: &str,
        options: &ReadyOptions,
        first_lease: &mut Option<String>,
        alive: &mut bool,
    ) -> Result<(NodeInfo, Vec<String>), ClusterError> {
        let node: Node =
            self.api.look(&format!("{NODES}/{name}")).await?.ok_or_else(|| {
                ClusterError::Changed(format!("node {name} does not exist any more"))
            })?;
        let info = NodeInfo::from(&node);
        let mut lacks = node_lacks(&info, uid, options.kubelet_version.as_deref());
        if !*alive {
            *alive = self.is_renewed(name, first_lease).await?;
        }
        if !*alive {
            lacks.push("its kubelet has not renewed the node's lease yet".into());
        }
        if lacks.is_empty() && options.daemonsets {
            let (sets, pods) = agents(&self.api, name).await?;
            lacks.extend(say(&not_ready(&node, &sets, &pods), &options.known_unready));
        }
        Ok((info, lacks))
    }

    /// Whether the node's lease changed since the first look; no clocks are compared.
    async fn is_renewed(
        &self,
        name: &str,
        first: &mut Option<String>,
    ) -> Result<bool, ClusterError> {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}");
        let lease: Option<Lease> = self.api.look(&path).await?;
        let version = lease.and_then(|l| l.metadata.resource_version).unwrap_or_default();
        match first {
            Some(first) => Ok(!version.is_empty() && *first != version),
            None => {
                *first = Some(version);
                Ok(false)
            }
        }
    }
}

async fn agents(api: &Api, node: &str) -> Result<(Vec<DaemonSet>, Vec<Pod>), ClusterError> {
    let on_node = format!("fieldSelector={}", encode(&format!("spec.nodeName={node}")));
    let sets = api.list("/apis/apps/v1/daemonsets", "");
    let pods = api.list("/api/v1/pods", &on_node);
    futures::try_join!(sets, pods)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, scripted};
    use super::*;
    use crate::clock::Clock;
    use serde_json::json;
    use std::sync::Arc;

    /// A node whose state follows the clock: when it becomes Ready, flaps, renews its lease, runs its agent.
    struct Story {
        ready: fn(u64) -> bool,
        renewed: fn(u64) -> u64,
        agent: fn(u64) -> bool,
        version: fn(u64) -> &'static str,
        down: fn(u64) -> bool,
    }

    const FINE: Story = Story {
        ready: |_| true,
        renewed: |t| t / 10,
        agent: |_| true,
        version: |_| "v1.37.2",
        down: |_| false,
    };

    async fn wait(
        story: Story,
        options: ReadyOptions,
    ) -> (Result<NodeInfo, ClusterError>, u64, Vec<String>) {
        let now: Arc<std::sync::OnceLock<Arc<super::super::testing::VirtualClock>>> =
            Arc::default();
        let time = Arc::clone(&now);
        let (cluster, clock, _) = scripted(move |_, path, _| {
            let t = time.get().unwrap().monotonic().as_secs();
            if (story.down)(t) {
                return Reply::Broken;
            }
            let text = |yes: bool| if yes { "True" } else { "False" };
            let body = if path.starts_with("/api/v1/nodes/") {
                json!({"metadata": {"name": "n1", "uid": "u1"}, "status": {
                    "conditions": [{"type": "Ready", "status": text((story.ready)(t)), "message": "cni"}],
                    "nodeInfo": {"architecture": "", "bootID": "", "containerRuntimeVersion": "",
                        "kernelVersion": "", "kubeProxyVersion": "", "kubeletVersion": (story.version)(t),
                        "machineID": "", "operatingSystem": "", "osImage": "", "systemUUID": ""}}})
            } else if path.contains("kube-node-lease") {
                json!({"metadata": {"resourceVersion": format!("v{}", (story.renewed)(t))}})
            } else if path.contains("/daemonsets") {
                json!({"metadata": {}, "items": [{"metadata": {"name": "cni", "namespace": "kube-system", "uid": "d"},
                    "spec": {"selector": {}, "template": {"spec": {"containers": []}}}}]})
            } else {
                json!({"metadata": {}, "items": [{"metadata": {"ownerReferences": [{"apiVersion": "apps/v1",
                    "kind": "DaemonSet", "name": "cni", "uid": "d", "controller": true}]},
                    "status": {"conditions": [{"type": "Ready", "status": text((story.agent)(t))}]}}]})
            };
            Reply::Json(200, body)
        });
        assert!(now.set(Arc::clone(&clock)).is_ok());
        let mut heard = Vec::new();
        let cancel = Cancel::new();
        let result = cluster
            .wait_ready("n1", "u1", &options, &cancel, &mut |why| heard.push(why.to_owned()))
            .await;
        (result, clock.monotonic().as_secs(), heard)
    }

    #[tokio::test]
    async fn a_node_is_ready_after_a_renewed_lease_and_a_stable_time() {
        let (result, seconds, _) = wait(FINE, ReadyOptions::default()).await;
        assert_eq!(result.unwrap().name, "n1");
        assert_eq!(seconds, 20, "lease renewed at 10, stable for 10");
    }

    #[tokio::test]
    async fn flapping_and_outages_start_the_stable_time_again() {
        let story = Story { ready: |t| !(16..20).contains(&t), ..FINE };
        assert_eq!(wait(story, ReadyOptions::default()).await.1, 30);
        let story = Story { down: |t| (16..20).contains(&t), ..FINE };
        assert_eq!(wait(story, ReadyOptions::default()).await.1, 30);
    }

    #[tokio::test]
    async fn what_is_missing_is_said_and_bounded() {
        let old =
            || ReadyOptions { kubelet_version: Some("v1.37.2".into()), ..ReadyOptions::default() };
        let cases: [(Story, &str); 4] = [
            (Story { ready: |_| false, ..FINE }, "not Ready: cni"),
            (Story { renewed: |_| 1, ..FINE }, "has not renewed"),
            (Story { agent: |_| false, ..FINE }, "DaemonSet kube-system/cni its pod is not Ready"),
            (Story { version: |_| "v1.36.3", ..FINE }, "kubelet is v1.36.3, not v1.37.2"),
        ];
        for (story, expected) in cases {
            let (result, seconds, heard) = wait(story, old()).await;
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("600 s"), "{error}");
            assert!((600..=602).contains(&seconds));
            assert!(heard.iter().any(|h| h.contains(expected)), "{heard:?}");
        }
    }

    #[tokio::test]
    async fn an_agent_that_was_broken_before_is_not_waited_for() {
        let story = Story { agent: |_| false, ..FINE };
        let known_unready = BTreeSet::from(["kube-system/cni".to_owned()]);
        let options = ReadyOptions { known_unready, ..ReadyOptions::default() };
        assert!(wait(story, options).await.0.is_ok());
    }
}
