//! The Kubernetes API of a run: where it is, connected on first use.

use crate::cluster::Cluster;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the user said the API is.
#[derive(Debug, Clone, Default)]
pub struct Where {
    /// `--kubeconfig`, `K8S_AUTH_KUBECONFIG`, `KUBECONFIG`: files; none = through the control planes.
    pub kubeconfig: Vec<PathBuf>,
    /// `--context`
    pub context: Option<String>,
}

/// A place for the API of the run.
#[derive(Default)]
pub struct ClusterSlot {
    /// Where it is.
    pub place: Where,
    connected: Mutex<Option<Arc<Cluster>>>,
}

impl ClusterSlot {
    /// Not connected yet.
    #[must_use]
    pub fn new(place: Where) -> Self {
        Self { place, connected: Mutex::default() }
    }

    /// The API, if it is connected.
    #[must_use]
    pub fn get(&self) -> Option<Arc<Cluster>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a connection for the rest of the run.
    pub fn set(&self, cluster: Arc<Cluster>) {
        *self.connected.lock().unwrap_or_else(PoisonError::into_inner) = Some(cluster);
    }
}
