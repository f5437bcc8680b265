//! The gate `workloads: no_worse`: as many replicas are available as before a node was taken.

use super::{Cancel, Cluster, ClusterError};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(5);

/// Replicas of one workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// Wanted by its owner.
    pub wanted: i32,
    /// Available now.
    pub available: i32,
}

/// Workloads by `Kind namespace/name`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workloads(pub BTreeMap<String, Replicas>);

impl Workloads {
    /// What is worse now than it was: fewer available than before and fewer than wanted now. Workloads that were removed
    /// or scaled down meanwhile are not worse; new ones do not count.
    #[must_use]
    pub fn worse(&self, now: &Workloads) -> Vec<String> {
        self.0
            .iter()
            .filter_map(|(name, before)| {
                let after = now.0.get(name)?;
                let enough = before.available.min(after.wanted);
                (after.available < enough)
                    .then(|| format!("{name}: {} available, {enough} before", after.available))
            })
            .collect()
    }
}

impl Cluster {
    /// Deployments, StatefulSets, DaemonSets and ReplicaSets without an owner, freshly read.
    ///
    /// # Errors
    /// The API cannot be read.
    pub async fn workloads(&self) -> Result<Workloads, ClusterError> {
        let api = &self.api;
        let (deployments, stateful, daemons, replica_sets): (
            Vec<Deployment>,
            Vec<StatefulSet>,
            Vec<DaemonSet>,
            Vec<ReplicaSet>,
        ) = futures::try_join!(
            api.list("/apis/apps/v1/deployments", ""),
            api.list("/apis/apps/v1/statefulsets", ""),
            api.list("/apis/apps/v1/daemonsets", ""),
            api.list("/apis/apps/v1/replicasets", ""),
        )?;
        let mut all = BTreeMap::new();
        let mut add =
            |kind: &str, meta: &ObjectMeta, wanted: Option<i32>, available: Option<i32>| {
                let part = |text: &Option<String>| text.clone().unwrap_or_default();
                let name = format!("{kind} {}/{}", part(&meta.namespace), part(&meta.name));
                // The API's default is one replica.
                let replicas =
                    Replicas { wanted: wanted.unwrap_or(1), available: available.unwrap_or(0) };
                all.insert(name, replicas);
            };
        for d in &deployments {
            let available = d.status.as_ref().and_then(|s| s.available_replicas);
            add("Deployment", &d.metadata, d.spec.as_ref().and_then(|s| s.replicas), available);
        }
        for s in &stateful {
            let available = s.status.as_ref().and_then(|s| s.available_replicas);
            add("StatefulSet", &s.metadata, s.spec.as_ref().and_then(|s| s.replicas), available);
        }
        for d in &daemons {
            let wanted = d.status.as_ref().map_or(0, |s| s.desired_number_scheduled);
            let available = d.status.as_ref().and_then(|s| s.number_available);
            add("DaemonSet", &d.metadata, Some(wanted), available);
        }
        for r in replica_sets.iter().filter(|r| r.metadata.owner_references.is_none()) {
            let available = r.status.as_ref().and_then(|s| s.available_replicas);
            add("ReplicaSet", &r.metadata, r.spec.as_ref().and_then(|s| s.replicas), available);
        }
        Ok(Workloads(all))
    }

    /// Waits until nothing is worse than before. `progress` hears what is, whenever that changes.
    ///
    /// # Errors
    /// [`ClusterError::TimedOut`] with what is worse, [`ClusterError::Cancelled`], or the API refuses.
    pub async fn gate_workloads(
        &self,
        before: &Workloads,
        timeout: Duration,
        cancel: &Cancel,
        progress: &mut (dyn FnMut(&[String]) + Send),
    ) -> Result<(), ClusterError> {
        let clock = &*self.api.clock;
        let deadline = clock.monotonic().saturating_add(timeout);
        let mut told = Vec::new();
        loop {
            let why = match self.workloads().await {
                Ok(now) => {
                    let worse = before.worse(&now);
                    if worse.is_empty() {
                        return Ok(());
                    }
                    if worse != told {
                        progress(&worse);
                        told.clone_from(&worse);
                    }
                    worse.join("; ")
                }
                Err(error) if error.is_transient() => error.to_string(),
                Err(error) => return Err(error),
            };
            if clock.monotonic() >= deadline {
                let what = "workloads as available as before".to_owned();
                return Err(ClusterError::TimedOut { what, after: timeout, why });
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(ClusterError::Cancelled),
                () = clock.sleep(LOOK) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, scripted};
    use super::*;
    use serde_json::json;

    fn one(wanted: i32, available: i32) -> Workloads {
        Workloads(BTreeMap::from([("Deployment a/b".to_owned(), Replicas { wanted, available })]))
    }

    #[test]
    fn worse_means_fewer_than_before_and_fewer_than_wanted() {
        let table = [
            ((3, 3), (3, 3), false),
            ((3, 3), (3, 2), true),
            ((3, 2), (3, 2), false), // was broken before
            ((3, 2), (3, 1), true),
            ((3, 3), (2, 2), false), // scaled down
            ((3, 3), (2, 1), true),
            ((3, 3), (5, 3), false), // scaling up
            ((3, 0), (3, 0), false),
        ];
        for (before, after, worse) in table {
            let found = one(before.0, before.1).worse(&one(after.0, after.1));
            assert_eq!(!found.is_empty(), worse, "{before:?} -> {after:?}: {found:?}");
        }
        assert!(one(3, 3).worse(&Workloads::default()).is_empty(), "removed");
        assert!(Workloads::default().worse(&one(3, 0)).is_empty(), "new");
    }

    #[tokio::test]
    async fn the_gate_opens_when_the_replicas_are_back_or_says_which_are_not() {
        let list = |available: i32| {
            json!({"metadata": {}, "items": [{"metadata": {"namespace": "a", "name": "b"},
                "spec": {"replicas": 3, "selector": {}, "template": {}},
                "status": {"availableReplicas": available}}]})
        };
        for back_after in [3, usize::MAX] {
            let mut reads = 0;
            let (cluster, ..) = scripted(move |_, path, _| {
                if !path.contains("/deployments") {
                    return Reply::Json(200, json!({"metadata": {}, "items": []}));
                }
                reads += 1;
                Reply::Json(200, list(if reads > back_after { 3 } else { 2 }))
            });
            let timeout = Duration::from_secs(60);
            let mut heard = Vec::new();
            let cancel = Cancel::new();
            let result = cluster
                .gate_workloads(&one(3, 3), timeout, &cancel, &mut |w| heard.push(w.to_vec()))
                .await;
            assert_eq!(heard, [vec!["Deployment a/b: 2 available, 3 before".to_owned()]]);
            match result {
                Ok(()) => assert_eq!(back_after, 3),
                Err(error) => {
                    assert_eq!(back_after, usize::MAX);
                    assert!(error.to_string().contains("Deployment a/b: 2 available"), "{error}");
                }
            }
        }
    }
}
