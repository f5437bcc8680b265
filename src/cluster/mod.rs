//! The Kubernetes API: nodes, drain, gates, lease, versions; by kubeconfig or through the masters' SSH connections.

/// One cluster's API.
#[derive(Debug)]
pub struct Cluster {}
