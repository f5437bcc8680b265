//! The resources that are served: one table for storing, routing and discovery.

/// One kind of object.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "columns of a table")]
pub struct Resource {
    /// API group; empty for the core.
    pub group: &'static str,
    /// `v1`.
    pub version: &'static str,
    /// `pods`: what the store calls it.
    pub plural: &'static str,
    /// `pod`.
    pub singular: &'static str,
    /// `Pod`.
    pub kind: &'static str,
    /// What kubectl also knows it by.
    pub short: &'static [&'static str],
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// `status`, `scale`, `eviction`, `binding`, `finalize`.
    pub subresources: &'static [&'static str],
    /// Whether `metadata.generation` counts changes of its spec.
    pub generation: bool,
    /// Whether a deletion answers with the object that was deleted, instead of with a Status.
    pub returns_deleted: bool,
    /// Whether `kubectl get all` shows it.
    pub in_all: bool,
}

impl Resource {
    /// `v1`, `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether its objects have this subresource.
    #[must_use]
    pub fn has(&self, subresource: &str) -> bool {
        self.subresources.contains(&subresource)
    }
}

const SCOPED: Resource = Resource {
    group: "",
    version: "v1",
    plural: "",
    singular: "",
    kind: "",
    short: &[],
    namespaced: true,
    subresources: &[],
    generation: false,
    returns_deleted: false,
    in_all: false,
};
const GLOBAL: Resource = Resource { namespaced: false, ..SCOPED };
const SCALED: Resource = Resource {
    group: "apps",
    subresources: &["scale", "status"],
    generation: true,
    in_all: true,
    ..SCOPED
};

/// All of them. `returns_deleted` and `generation` as in the registry of kube-apiserver 1.36.
pub static RESOURCES: &[Resource] = &[
    Resource {
        plural: "configmaps",
        singular: "configmap",
        kind: "ConfigMap",
        short: &["cm"],
        ..SCOPED
    },
    Resource {
        plural: "endpoints",
        singular: "endpoints",
        kind: "Endpoints",
        short: &["ep"],
        ..SCOPED
    },
    Resource { plural: "events", singular: "event", kind: "Event", short: &["ev"], ..SCOPED },
    Resource {
        plural: "namespaces",
        singular: "namespace",
        kind: "Namespace",
        short: &["ns"],
        subresources: &["finalize", "status"],
        returns_deleted: true,
        ..GLOBAL
    },
    Resource {
        plural: "nodes",
        singular: "node",
        kind: "Node",
        short: &["no"],
        subresources: &["status"],
        ..GLOBAL
    },
    Resource {
        plural: "persistentvolumeclaims",
        singular: "persistentvolumeclaim",
        kind: "PersistentVolumeClaim",
        short: &["pvc"],
        subresources: &["status"],
        returns_deleted: true,
        ..SCOPED
    },
    Resource {
        plural: "persistentvolumes",
        singular: "persistentvolume",
        kind: "PersistentVolume",
        short: &["pv"],
        subresources: &["status"],
        returns_deleted: true,
        ..GLOBAL
    },
    Resource {
        plural: "pods",
        singular: "pod",
        kind: "Pod",
        short: &["po"],
        subresources: &["binding", "eviction", "status"],
        generation: true,
        returns_deleted: true,
        in_all: true,
        ..SCOPED
    },
    Resource {
        plural: "replicationcontrollers",
        singular: "replicationcontroller",
        kind: "ReplicationController",
        short: &["rc"],
        group: "",
        ..SCALED
    },
    Resource { plural: "secrets", singular: "secret", kind: "Secret", ..SCOPED },
    Resource {
        plural: "serviceaccounts",
        singular: "serviceaccount",
        kind: "ServiceAccount",
        short: &["sa"],
        returns_deleted: true,
        ..SCOPED
    },
    Resource {
        plural: "services",
        singular: "service",
        kind: "Service",
        short: &["svc"],
        subresources: &["status"],
        returns_deleted: true,
        in_all: true,
        ..SCOPED
    },
    Resource {
        group: "apps",
        plural: "controllerrevisions",
        singular: "controllerrevision",
        kind: "ControllerRevision",
        ..SCOPED
    },
    Resource {
        plural: "daemonsets",
        singular: "daemonset",
        kind: "DaemonSet",
        short: &["ds"],
        subresources: &["status"],
        ..SCALED
    },
    Resource {
        plural: "deployments",
        singular: "deployment",
        kind: "Deployment",
        short: &["deploy"],
        ..SCALED
    },
    Resource {
        plural: "replicasets",
        singular: "replicaset",
        kind: "ReplicaSet",
        short: &["rs"],
        ..SCALED
    },
    Resource {
        plural: "statefulsets",
        singular: "statefulset",
        kind: "StatefulSet",
        short: &["sts"],
        ..SCALED
    },
    Resource {
        group: "batch",
        plural: "jobs",
        singular: "job",
        kind: "Job",
        subresources: &["status"],
        ..SCALED
    },
    Resource {
        group: "coordination.k8s.io",
        plural: "leases",
        singular: "lease",
        kind: "Lease",
        ..SCOPED
    },
    Resource {
        group: "policy",
        plural: "poddisruptionbudgets",
        singular: "poddisruptionbudget",
        kind: "PodDisruptionBudget",
        short: &["pdb"],
        subresources: &["status"],
        generation: true,
        ..SCOPED
    },
    Resource {
        group: "scheduling.k8s.io",
        plural: "priorityclasses",
        singular: "priorityclass",
        kind: "PriorityClass",
        short: &["pc"],
        generation: true,
        ..GLOBAL
    },
    Resource {
        group: "storage.k8s.io",
        plural: "storageclasses",
        singular: "storageclass",
        kind: "StorageClass",
        short: &["sc"],
        returns_deleted: true,
        ..GLOBAL
    },
    Resource {
        group: "storage.k8s.io",
        plural: "volumeattachments",
        singular: "volumeattachment",
        kind: "VolumeAttachment",
        subresources: &["status"],
        returns_deleted: true,
        ..GLOBAL
    },
];

/// The resource of this plural.
#[must_use]
pub fn resource(plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| resource.plural == plural)
}

/// The resource of this kind.
#[must_use]
pub fn of_kind(kind: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| resource.kind == kind)
}

/// The resource that a person means: `po`, `pod`, `pods`, `Pod`, `deployments.apps`.
#[must_use]
pub fn named(word: &str) -> Option<&'static Resource> {
    let (word, group) = match word.split_once('.') {
        Some((word, group)) => (word.to_lowercase(), Some(group)),
        None => (word.to_lowercase(), None),
    };
    RESOURCES.iter().filter(|resource| group.is_none_or(|group| group == resource.group)).find(
        |resource| {
            resource.plural == word
                || resource.singular == word
                || resource.short.contains(&word.as_str())
        },
    )
}
