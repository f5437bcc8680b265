//! Drain with kubectl's meaning, and without its traps: nothing is evicted unless everything may be, a budget that
//! refuses is named with its figures, a restarting API server is waited for, and every wait has an end.
//!
//! `filter` decides about each pod (pure), `order` groups them, `evict` tells one pod's story, `budgets` explains a
//! refusal, `volumes` waits for detached volumes.

mod budgets;
mod evict;
mod filter;
mod order;
#[cfg(test)]
mod tests;
mod volumes;

pub use filter::Reason;
use filter::{Choice, DaemonSets};
pub use order::OrderRule;

use super::api::{Api, encode};
use super::{Cancel, Cluster, ClusterError};
use crate::journal::{Effect, Receipt};
use evict::Story;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests of one drain in flight at once.
const IN_FLIGHT: usize = 16;

/// How a node is drained.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of kubectl drain")]
pub struct DrainOptions {
    /// The whole drain; default 15 min.
    pub timeout: Duration,
    /// Seconds that a pod gets to end; `None`: its own.
    pub grace: Option<u32>,
    /// Pods with emptyDir volumes may go, with their data. Default no.
    pub delete_emptydir_data: bool,
    /// Pods without a controller, or whose DaemonSet is gone, may go. Default no.
    pub force: bool,
    /// Pods of DaemonSets stay and are no error. Default yes.
    pub ignore_daemonsets: bool,
    /// Only these pods (kubectl's label selector syntax).
    pub pod_selector: Option<String>,
    /// Delete instead of evicting: budgets are not asked. Default no.
    pub disable_eviction: bool,
    /// Do not wait for pods whose deletion began longer ago than this (a dead node).
    pub skip_wait_for_delete: Option<Duration>,
    /// Wait until volumes of evicted pods are detached. Default yes.
    pub volumes: bool,
    /// Between two looks at a pod that is going; `None`: 1 s, growing to 5 s.
    pub poll: Option<Duration>,
    /// Which pods go before others.
    pub order: Vec<OrderRule>,
}

impl Default for DrainOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15 * 60),
            grace: None,
            delete_emptydir_data: false,
            force: false,
            ignore_daemonsets: true,
            pod_selector: None,
            disable_eviction: false,
            skip_wait_for_delete: None,
            volumes: true,
            poll: None,
            order: Vec::new(),
        }
    }
}

/// What a drain will do with a node's pods.
#[derive(Debug, Clone, Default)]
pub struct DrainPlan {
    /// Pods that go.
    pub go: Vec<Pod>,
    /// Pods that stay, and why (`namespace/name`).
    pub stay: Vec<(String, Reason)>,
    /// Pods that forbid the drain, and why.
    pub errors: Vec<(String, Reason)>,
    /// What the reader should know about pods that go.
    pub warnings: Vec<(String, Reason)>,
}

/// Progress.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrainEvent {
    /// So many pods will go.
    Started {
        /// Pods.
        pods: usize,
    },
    /// The reader should know.
    Warning {
        /// `namespace/name`
        pod: String,
        /// Why.
        why: String,
    },
    /// The API accepted the eviction (or deletion).
    Evicted {
        /// `namespace/name`
        pod: String,
    },
    /// The eviction is refused for now.
    Blocked {
        /// `namespace/name`
        pod: String,
        /// Budgets that cover it, `namespace/name`; none if something else refuses.
        budget: Option<String>,
        /// Why, with the budget's figures.
        why: String,
    },
    /// The pod has gone (or another of its name runs elsewhere).
    Gone {
        /// `namespace/name`
        pod: String,
    },
    /// All pods have gone; these volumes are still attached.
    Detaching {
        /// Names of persistent volumes.
        volumes: Vec<String>,
    },
}

/// Why a node is not empty.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrainError {
    /// Pods that may not go; nothing was evicted.
    #[error("nothing was evicted, these pods may not go: {}", list(.0))]
    Forbidden(Vec<(String, String)>),
    /// The deadline passed.
    #[error("not drained after {} s, still there: {}", .after.as_secs(), list(.remaining))]
    TimedOut {
        /// How long was waited.
        after: Duration,
        /// Pods that are still there, and why.
        remaining: Vec<(String, String)>,
    },
    /// Evictions that can never succeed.
    #[error("these pods cannot be evicted: {}", list(.0))]
    Failed(Vec<(String, String)>),
    /// The run was told to stop.
    #[error("cancelled, still there: {}", list(.0))]
    Cancelled(Vec<(String, String)>),
    /// The API.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl DrainError {
    /// Pods that are still there, `(namespace/name, why)`.
    #[must_use]
    pub fn remaining(&self) -> &[(String, String)] {
        match self {
            Self::Forbidden(pods)
            | Self::Failed(pods)
            | Self::Cancelled(pods)
            | Self::TimedOut { remaining: pods, .. } => pods,
            Self::Cluster(_) => &[],
        }
    }
}

impl From<DrainError> for mainstay_language::diag::Diagnostic {
    fn from(error: DrainError) -> Self {
        match error {
            DrainError::Cluster(error) => error.into(),
            other => Self::error(other.to_string()),
        }
    }
}

fn list(pods: &[(String, String)]) -> String {
    pods.iter().map(|(pod, why)| format!("{pod} ({why})")).collect::<Vec<_>>().join(", ")
}

/// Where progress goes: many pods report to one listener.
struct Listener<'a>(Mutex<&'a mut (dyn FnMut(DrainEvent) + Send)>);

impl Listener<'_> {
    fn tell(&self, event: DrainEvent) {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))(event);
    }
}

/// Everything that the pods' stories share.
struct Drain<'a> {
    api: &'a Api,
    options: &'a DrainOptions,
    /// Monotonic.
    deadline: Duration,
    slots: Semaphore,
    listener: Listener<'a>,
}

impl Cluster {
    /// What a drain of this node would do, freshly read.
    ///
    /// # Errors
    /// The API cannot be read, or a selector is wrong.
    pub async fn plan_drain(
        &self,
        node: &str,
        options: &DrainOptions,
    ) -> Result<DrainPlan, ClusterError> {
        plan(&self.api, node, options).await
    }

    /// Evicts the pods of the receipt's node ([`Effect::Drain`]) and waits until they are gone. The node is cordoned
    /// already. `progress` must not block.
    ///
    /// # Errors
    /// [`DrainError`]; it names the pods that are left.
    pub async fn drain(
        &self,
        receipt: &Receipt,
        options: &DrainOptions,
        cancel: &Cancel,
        progress: &mut (dyn FnMut(DrainEvent) + Send),
    ) -> Result<DrainPlan, DrainError> {
        let Effect::Drain { node, .. } = receipt.effect() else {
            return Err(ClusterError::Receipt("drain".into()).into());
        };
        let deadline = self.api.clock.monotonic().saturating_add(options.timeout);
        let plan = plan(&self.api, node, options).await?;
        if !plan.errors.is_empty() {
            return Err(DrainError::Forbidden(texts(&plan.errors)));
        }
        let drain = Drain {
            api: &self.api,
            options,
            deadline,
            slots: Semaphore::new(IN_FLIGHT),
            listener: Listener(Mutex::new(progress)),
        };
        drain.listener.tell(DrainEvent::Started { pods: plan.go.len() });
        for (pod, why) in &plan.warnings {
            let (pod, why) = (pod.clone(), why.to_string());
            drain.listener.tell(DrainEvent::Warning { pod, why });
        }
        for group in order::groups(&plan.go, &options.order)? {
            drain.empty(group, cancel).await?;
        }
        if options.volumes {
            drain.detach(node, &plan, cancel).await?;
        }
        Ok(plan)
    }

    /// Deletes exactly the pods of the receipt ([`Effect::DeletePods`]), without asking their budgets, and waits until
    /// they are gone: what `on_timeout: delete` does with pods that could not be evicted.
    ///
    /// # Errors
    /// [`DrainError`]; it names the pods that are left.
    pub async fn delete_pods(
        &self,
        receipt: &Receipt,
        options: &DrainOptions,
        cancel: &Cancel,
        progress: &mut (dyn FnMut(DrainEvent) + Send),
    ) -> Result<(), DrainError> {
        let Effect::DeletePods { node, pods, .. } = receipt.effect() else {
            return Err(ClusterError::Receipt("deletion of pods".into()).into());
        };
        let options = DrainOptions { disable_eviction: true, ..options.clone() };
        let found = pods_of(&self.api, node, None).await?;
        let named: Vec<&Pod> = found.iter().filter(|p| pods.contains(&full_name(p))).collect();
        let drain = Drain {
            api: &self.api,
            options: &options,
            deadline: self.api.clock.monotonic().saturating_add(options.timeout),
            slots: Semaphore::new(IN_FLIGHT),
            listener: Listener(Mutex::new(progress)),
        };
        let group = named.into_iter().map(|pod| (pod, false)).collect();
        drain.empty(group, cancel).await
    }
}

impl Drain<'_> {
    /// Every pod of a group has gone on return.
    async fn empty(&self, group: Vec<(&Pod, bool)>, cancel: &Cancel) -> Result<(), DrainError> {
        let stories: Vec<Story> =
            group.iter().map(|(pod, complete)| Story::new(pod, *complete)).collect();
        let mut running: FuturesUnordered<_> = stories.iter().map(|s| s.run(self)).collect();
        let mut failed = Vec::new();
        let all = async {
            while let Some(result) = running.next().await {
                if let Err(failure) = result {
                    failed.push(failure);
                }
            }
        };
        let left = self.deadline.saturating_sub(self.api.clock.monotonic());
        let remaining = || stories.iter().filter_map(Story::remaining).collect();
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(DrainError::Cancelled(remaining())),
            () = all => {}
            () = self.api.clock.sleep(left) => {
                let after = self.options.timeout;
                return Err(DrainError::TimedOut { after, remaining: remaining() });
            }
        }
        drop(running);
        if failed.is_empty() { Ok(()) } else { Err(DrainError::Failed(failed)) }
    }
}

async fn plan(api: &Api, node: &str, options: &DrainOptions) -> Result<DrainPlan, ClusterError> {
    if let Some(selector) = &options.pod_selector {
        super::parse_selector(selector).map_err(ClusterError::Config)?;
    }
    let pods = pods_of(api, node, options.pod_selector.as_deref()).await?;
    let mut daemon_sets = DaemonSets::default();
    for (namespace, name) in filter::daemon_sets(&pods) {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}");
        let exists = api.find::<DaemonSet>(&path).await?.is_some();
        daemon_sets.insert((namespace, name), exists);
    }
    let now = api.clock.now();
    let mut plan = DrainPlan::default();
    for pod in pods {
        let name = full_name(&pod);
        let (choice, warnings) = filter::choose(&pod, &daemon_sets, options, now);
        plan.warnings.extend(warnings.into_iter().map(|why| (name.clone(), why)));
        match choice {
            Choice::Go => plan.go.push(pod),
            Choice::Stay(why) => plan.stay.push((name, why)),
            Choice::Error(why) => plan.errors.push((name, why)),
        }
    }
    Ok(plan)
}

async fn pods_of(api: &Api, node: &str, selector: Option<&str>) -> Result<Vec<Pod>, ClusterError> {
    let mut query = format!("fieldSelector={}", encode(&format!("spec.nodeName={node}")));
    if let Some(selector) = selector {
        query.push_str(&format!("&labelSelector={}", encode(selector)));
    }
    api.list("/api/v1/pods", &query).await
}

/// `namespace/name`
pub(super) fn full_name(pod: &Pod) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", part(&pod.metadata.namespace), part(&pod.metadata.name))
}

fn texts<T: fmt::Display>(pods: &[(String, T)]) -> Vec<(String, String)> {
    pods.iter().map(|(pod, why)| (pod.clone(), why.to_string())).collect()
}

/// Name of what the API means by this answer to an eviction.
#[cfg(test)]
pub(super) fn meaning(error: &ClusterError) -> String {
    format!("{:?}", evict::classify(error))
}
