//! The Kubernetes API: nodes, drain, gates, lease, versions; by kubeconfig or through the masters' SSH connections.

mod agents;
mod api;
mod budget;
mod cancel;
mod connect;
mod cordon;
mod drain;
mod error;
mod gates;
mod hosts;
mod lease;
#[cfg(test)]
mod live_tests;
mod manifest;
mod nodes;
mod pem;
mod ready;
mod selector;
mod servers;
#[cfg(test)]
pub(crate) mod testing;

pub use budget::{InUse, Limit};
pub use cancel::Cancel;
pub use connect::{ClusterAccess, Direct, Master};
pub use cordon::{Cordoned, HELD_BY, Hold, PREVIOUS, REASON, Uncordoned};
pub use drain::{DrainError, DrainEvent, DrainOptions, DrainPlan, OrderRule, Reason};
pub use error::ClusterError;
pub use gates::{Replicas, Workloads};
pub use hosts::{HostIdentity, MappingError, Mismatch, map_hosts};
pub use lease::{HeldLease, LeaseHolder, LeaseInfo, TakeOver};
pub use nodes::NodeInfo;
pub use ready::ReadyOptions;
pub use selector::parse_selector;
pub use servers::{ServerVersion, Snapshot};

use crate::clock::Clock;
use api::{Api, Endpoint};
use std::sync::Arc;

/// One cluster's API.
pub struct Cluster {
    api: Arc<Api>,
    identity: tokio::sync::OnceCell<String>,
}

impl Cluster {
    /// Makes the clients; the API is dialled by the first request.
    ///
    /// # Errors
    /// [`ClusterError::Config`].
    pub async fn connect(
        access: ClusterAccess,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClusterError> {
        Ok(Self::from_api(connect::connect(access, clock).await?))
    }

    /// Over clients that exist already, each with a name for messages (tests, the lab).
    #[must_use]
    pub fn over(clients: Vec<(String, kube::Client)>, clock: Arc<dyn Clock>) -> Self {
        let endpoints = clients.into_iter().map(|(name, client)| Endpoint { name, client });
        Self::from_api(Api::new(endpoints.collect(), clock))
    }

    fn from_api(api: Api) -> Self {
        Self { api: Arc::new(api), identity: tokio::sync::OnceCell::new() }
    }

    /// How long reads are repeated while no API server answers: 60 s unless said otherwise. Short for the first contact
    /// (a wrong address is an answer), long while the only master restarts. Whole seconds.
    pub fn set_patience(&self, patience: std::time::Duration) {
        self.api.set_patience(patience);
    }

    /// Names of the API servers that are used.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.api.endpoints()
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("servers", &self.servers().collect::<Vec<_>>()).finish()
    }
}
