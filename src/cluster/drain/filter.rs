//! Which pods go, stay, or forbid the drain. Pure; the rules and their order are kubectl's.

use super::DrainOptions;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What happens to a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// It is evicted.
    Go,
    /// It stays, and that is fine.
    Stay(Reason),
    /// It may not go, and nothing else does.
    Error(Reason),
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its deletion began too long ago to wait for it.
    DeletedLongAgo,
    /// Its DaemonSet would start it again.
    DaemonSet,
    /// Its DaemonSet does not exist any more.
    DaemonSetGone,
    /// The kubelet runs it from a file.
    Mirror,
    /// Its emptyDir data is lost.
    EmptyDir,
    /// Nothing will start it elsewhere.
    Unmanaged,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeletedLongAgo => "its deletion began too long ago to wait for it",
            Self::DaemonSet => "managed by a DaemonSet",
            Self::DaemonSetGone => "its DaemonSet does not exist, force would delete it",
            Self::Mirror => "static pod",
            Self::EmptyDir => "has emptyDir data, delete_emptydir_data would lose it",
            Self::Unmanaged => "has no controller, force would lose it",
        })
    }
}

/// DaemonSets by namespace and name, and whether they exist.
pub(super) type DaemonSets = BTreeMap<(String, String), bool>;

/// DaemonSets that own live pods: [`choose`] wants to know whether they exist.
pub(super) fn daemon_sets(pods: &[Pod]) -> BTreeSet<(String, String)> {
    pods.iter().filter(|pod| !finished(pod)).filter_map(daemon_set).collect()
}

/// kubectl's filters in their order; the first that does not say "go" decides. Warnings are about pods that go.
pub(super) fn choose(
    pod: &Pod,
    daemon_sets: &DaemonSets,
    options: &DrainOptions,
    now: jiff::Timestamp,
) -> (Choice, Vec<Reason>) {
    let mut warnings = Vec::new();
    if deleted_long_ago(pod, options, now) {
        return (Choice::Stay(Reason::DeletedLongAgo), warnings);
    }
    if let Some(owner) = daemon_set(pod).filter(|_| !finished(pod)) {
        match (daemon_sets.get(&owner), options.force, options.ignore_daemonsets) {
            (Some(true), _, true) => return (Choice::Stay(Reason::DaemonSet), warnings),
            (Some(true), _, false) => return (Choice::Error(Reason::DaemonSet), warnings),
            (_, true, _) => warnings.push(Reason::DaemonSetGone),
            (_, false, _) => return (Choice::Error(Reason::DaemonSetGone), warnings),
        }
    }
    if is_mirror(pod) {
        return (Choice::Stay(Reason::Mirror), Vec::new());
    }
    if has_empty_dir(pod) && !finished(pod) {
        if !options.delete_emptydir_data {
            return (Choice::Error(Reason::EmptyDir), Vec::new());
        }
        warnings.push(Reason::EmptyDir);
    }
    if controller(pod).is_none() && !finished(pod) {
        if !options.force {
            return (Choice::Error(Reason::Unmanaged), Vec::new());
        }
        warnings.push(Reason::Unmanaged);
    }
    (Choice::Go, warnings)
}

/// Whether the pod has ended by itself; nothing is lost with it.
pub(super) fn finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|s| s.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn deleted_long_ago(pod: &Pod, options: &DrainOptions, now: jiff::Timestamp) -> bool {
    let (Some(limit), Some(deleted)) =
        (options.skip_wait_for_delete, pod.metadata.deletion_timestamp.as_ref())
    else {
        return false;
    };
    let ago = now.duration_since(deleted.0);
    !limit.is_zero() && jiff::SignedDuration::try_from(limit).is_ok_and(|limit| ago > limit)
}

fn controller(pod: &Pod) -> Option<&OwnerReference> {
    pod.metadata.owner_references.as_ref()?.iter().find(|o| o.controller == Some(true))
}

/// Namespace and name of the pod's DaemonSet, if one of `apps/v1` is its controller.
fn daemon_set(pod: &Pod) -> Option<(String, String)> {
    let owner = controller(pod)?;
    let is = owner.kind == "DaemonSet" && owner.api_version == "apps/v1";
    is.then(|| (pod.metadata.namespace.clone().unwrap_or_default(), owner.name.clone()))
}

fn is_mirror(pod: &Pod) -> bool {
    let annotations = pod.metadata.annotations.as_ref();
    annotations.is_some_and(|a| a.contains_key("kubernetes.io/config.mirror"))
}

fn has_empty_dir(pod: &Pod) -> bool {
    let volumes = pod.spec.as_ref().and_then(|s| s.volumes.as_ref());
    volumes.is_some_and(|volumes| volumes.iter().any(|v| v.empty_dir.is_some()))
}
