//! The cluster's objects and what may be done to them: what lies behind the API servers. Controllers, kubelets and tools
//! of the nodes use it in the process; everybody else through the API, with the same refusals.
//!
//! All is in memory, under one lock, with one counter of revisions.

mod backup;
mod defaults;
mod delete;
mod evict;
pub mod json;
mod patch;
mod read;
mod resource;
mod rules;
pub mod schema;
mod selector;
mod state;
mod status;
mod validate;
mod watch;
mod write;

pub use delete::{DeleteOptions, Deleted, Propagation};
pub use evict::{Eviction, made_to_refuse};
pub use json::Json;
pub use patch::Patch;
pub use read::{At, List, ListOptions};
pub use resource::{RESOURCES, Resource, named, of_kind, resource};
pub use selector::{Fields, Labels};
pub use status::Status;
pub use validate::int_or_percent;
pub use watch::{Event, EventKind, Selection, Watch};
pub use write::{Change, Part, Target, Validation, WriteOptions, Written};

use crate::fault::Faults;
use crate::pace::Pace;
use serde_json::json;
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The objects of one cluster.
#[derive(Debug)]
pub struct Store {
    state: Mutex<State>,
    changed: tokio::sync::watch::Sender<u64>,
    pace: Pace,
    faults: Arc<Faults>,
}

impl Store {
    /// A store with the namespaces and priority classes that every cluster has, and no faults.
    #[must_use]
    pub fn new(pace: Pace) -> Arc<Self> {
        Self::with_faults(pace, Arc::default())
    }

    /// The same; evictions meet the faults `budget-refuses`, `webhook-denies` and `eviction-conflicts`.
    #[must_use]
    pub fn with_faults(pace: Pace, faults: Arc<Faults>) -> Arc<Self> {
        let (changed, _) = tokio::sync::watch::channel(0);
        let store = Arc::new(Self { state: Mutex::new(State::new()), changed, pace, faults });
        store.begin();
        store
    }

    /// What the API server makes on its own when it first starts.
    fn begin(&self) {
        for name in ["kube-system", "kube-public", "kube-node-lease", "default"] {
            self.make("namespaces", "", json!({"metadata": {"name": name}}));
        }
        for (name, value) in
            [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)]
        {
            self.make("priorityclasses", "", json!({"metadata": {"name": name}, "value": value}));
        }
        let ports = json!([{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]);
        let labels = json!({"component": "apiserver", "provider": "kubernetes"});
        let service =
            json!({"metadata": {"name": "kubernetes", "labels": labels}, "spec": {"ports": ports}});
        self.make("services", "default", service);
        // Nobody may watch from before the beginning, as on a real server.
        self.lock().compact();
    }

    fn make(&self, resource: &str, namespace: &str, object: serde_json::Value) {
        let made = self.create(resource, namespace, object);
        debug_assert!(made.is_ok(), "{made:?}");
    }

    /// The pace at which the store's cluster lives.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The revision of the last change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// Forgets the past, as etcd's compaction does every five minutes: who watches or continues from before is told 410.
    pub fn compact(&self) {
        self.lock().compact();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Changes are made in whole steps at the end of what is checked; a panic before them leaves a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells watchers.
    fn tell(&self, state: &State) {
        self.changed.send_replace(state.revision);
    }

    fn resource(plural: &str) -> Result<&'static Resource, Status> {
        resource(plural).ok_or_else(Status::no_resource)
    }
}

#[cfg(test)]
mod tests;
