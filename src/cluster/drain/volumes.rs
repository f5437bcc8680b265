//! Waiting until the volumes of pods that went are detached: another node cannot attach them before.

use super::{Drain, DrainError, DrainEvent, DrainPlan};
use crate::cluster::{Cancel, ClusterError};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::VolumeAttachment;
use std::collections::BTreeSet;
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(2);

impl Drain<'_> {
    /// Waits until no volume of a pod that went is attached to the node; volumes of pods that stay are not ours.
    pub(super) async fn detach(
        &self,
        node: &str,
        plan: &DrainPlan,
        cancel: &Cancel,
    ) -> Result<(), DrainError> {
        let volumes = match self.to_detach(node, plan).await {
            // Credentials that may drain need not be allowed to read volumes.
            Err(error) if error.code() == Some(403) => {
                let why = format!("volumes are not waited for: {error}");
                self.listener.tell(DrainEvent::Warning { pod: String::new(), why });
                return Ok(());
            }
            other => other?,
        };
        let mut told = BTreeSet::new();
        while !volumes.is_empty() {
            let attached = match self.attached(node, &volumes).await {
                Err(error) if error.is_transient() => told.clone(),
                other => other?,
            };
            if attached.is_empty() {
                break;
            }
            let names: Vec<String> = attached.iter().cloned().collect();
            let remaining = || -> Vec<(String, String)> {
                names.iter().map(|v| (v.clone(), "volume is still attached".to_owned())).collect()
            };
            if self.api.clock.monotonic() >= self.deadline {
                let after = self.options.timeout;
                return Err(DrainError::TimedOut { after, remaining: remaining() });
            }
            if attached != told {
                self.listener.tell(DrainEvent::Detaching { volumes: names.clone() });
                told = attached;
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(DrainError::Cancelled(remaining())),
                () = self.api.clock.sleep(LOOK) => {}
            }
        }
        Ok(())
    }

    /// Volumes of pods that went, except those that a pod which stays uses as well.
    async fn to_detach(
        &self,
        node: &str,
        plan: &DrainPlan,
    ) -> Result<BTreeSet<String>, ClusterError> {
        let mut volumes = self.volumes(&plan.go).await?;
        if volumes.is_empty() {
            return Ok(volumes);
        }
        let staying = super::pods_of(self.api, node, None).await?;
        let used = self.volumes(&staying).await?;
        volumes.retain(|v| !used.contains(v));
        self.attached(node, &volumes).await
    }

    /// Persistent volumes that these pods claim.
    async fn volumes(&self, pods: &[Pod]) -> Result<BTreeSet<String>, ClusterError> {
        let mut claims = BTreeSet::new();
        for pod in pods {
            let namespace = pod.metadata.namespace.clone().unwrap_or_default();
            let volumes = pod.spec.iter().flat_map(|s| s.volumes.iter().flatten());
            for claim in volumes.filter_map(|v| v.persistent_volume_claim.as_ref()) {
                claims.insert((namespace.clone(), claim.claim_name.clone()));
            }
        }
        let mut volumes = BTreeSet::new();
        for (namespace, name) in claims {
            let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}");
            let claim: Option<PersistentVolumeClaim> = self.api.find(&path).await?;
            volumes.extend(claim.and_then(|c| c.spec?.volume_name));
        }
        Ok(volumes)
    }

    async fn attached(
        &self,
        node: &str,
        volumes: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, ClusterError> {
        let path = "/apis/storage.k8s.io/v1/volumeattachments";
        let all: Vec<VolumeAttachment> = self.api.list(path, "").await?;
        Ok(all
            .into_iter()
            .filter(|a| a.spec.node_name == node)
            .filter_map(|a| a.spec.source.persistent_volume_name)
            .filter(|v| volumes.contains(v))
            .collect())
    }
}
