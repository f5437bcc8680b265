//! Facts of the cluster as a whole: who it is, what its API servers run.

use super::api::parse;
use super::{Cluster, ClusterError, LeaseInfo, NodeInfo};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apimachinery::pkg::version::Info;

/// Everything that planning needs to know from the API at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// uid of the namespace kube-system.
    pub identity: String,
    /// All nodes by name.
    pub nodes: Vec<NodeInfo>,
    /// The run that holds the cluster, if one does.
    pub lease: Option<LeaseInfo>,
    /// Each API server that is reached on its own.
    pub servers: Vec<ServerVersion>,
    /// `kubernetesVersion` of the ConfigMap kubeadm-config; `None`: not a kubeadm cluster.
    pub kubeadm_version: Option<String>,
}

/// One API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    /// The master's name, or the URL of the kubeconfig.
    pub name: String,
    /// `v1.36.3`, or why it could not be asked.
    pub version: Result<String, String>,
    /// What `/readyz` lists as failed; empty if it is ready.
    pub not_ready: Vec<String>,
}

impl Cluster {
    /// Reads everything that planning needs.
    ///
    /// # Errors
    /// The API cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot, ClusterError> {
        let (identity, nodes, lease, servers, kubeadm_version) = futures::try_join!(
            self.identity(),
            self.nodes(),
            self.lease(),
            async { Ok(self.server_versions().await) },
            self.kubeadm_version(),
        )?;
        Ok(Snapshot { identity, nodes, lease, servers, kubeadm_version })
    }

    /// The cluster's identity: uid of the namespace kube-system. Read once.
    ///
    /// # Errors
    /// The API cannot be read.
    pub async fn identity(&self) -> Result<String, ClusterError> {
        let read = || async {
            let namespace: Namespace = self.api.get("/api/v1/namespaces/kube-system").await?;
            namespace.metadata.uid.ok_or_else(|| ClusterError::Answer {
                what: "read the namespace kube-system".into(),
                why: "it has no uid".into(),
            })
        };
        self.identity.get_or_try_init(read).await.cloned()
    }

    /// Version and readiness of each API server by its own address, without failover.
    pub async fn server_versions(&self) -> Vec<ServerVersion> {
        let names: Vec<String> = self.servers().map(str::to_owned).collect();
        let asked = names.into_iter().enumerate().map(|(index, name)| async move {
            let version = self.version_of(index).await.map_err(|e| e.to_string());
            let not_ready = match self.api.ask(index, "/readyz?verbose").await {
                Ok((200, _)) => Vec::new(),
                Ok((code, body)) => failed_checks(code, &String::from_utf8_lossy(&body)),
                Err(error) => vec![error.to_string()],
            };
            ServerVersion { name, version, not_ready }
        });
        futures::future::join_all(asked).await
    }

    async fn version_of(&self, index: usize) -> Result<String, ClusterError> {
        let (code, body) = self.api.ask(index, "/version").await?;
        if code != 200 {
            let why = format!("HTTP status {code}");
            return Err(ClusterError::Answer { what: "read /version".into(), why });
        }
        Ok(parse::<Info>("read /version", &body)?.git_version)
    }

    /// `kubernetesVersion` of kubeadm-config.
    async fn kubeadm_version(&self) -> Result<Option<String>, ClusterError> {
        let path = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";
        let map: Option<ConfigMap> = self.api.find(path).await?;
        let configuration = map.and_then(|m| m.data?.remove("ClusterConfiguration"));
        Ok(configuration.and_then(|text| kubernetes_version(&text)))
    }
}

/// The top-level scalar `kubernetesVersion` of kubeadm's own YAML.
fn kubernetes_version(configuration: &str) -> Option<String> {
    configuration.lines().find_map(|line| {
        let value = line.strip_prefix("kubernetesVersion:")?.trim().trim_matches(['"', '\'']);
        Some(value.to_owned()).filter(|v| !v.is_empty())
    })
}

/// Lines `[-]name failed: reason withheld` of a verbose health check.
fn failed_checks(code: u16, text: &str) -> Vec<String> {
    let failed: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("[-]"))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    if failed.is_empty() { vec![format!("HTTP status {code}")] } else { failed }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, scripted};
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_snapshot_has_identity_servers_and_kubeadm_version() {
        let (cluster, _, log) = scripted(|_, path, _| {
            let body = match path.split('?').next().unwrap() {
                "/api/v1/namespaces/kube-system" => json!({"metadata": {"uid": "abc"}}),
                "/version" => json!({"buildDate": "", "compiler": "", "gitCommit": "",
                    "gitTreeState": "", "gitVersion": "v1.36.3", "goVersion": "", "major": "1",
                    "minor": "36", "platform": ""}),
                p if p.ends_with("kubeadm-config") => json!({"metadata": {}, "data": {
                    "ClusterConfiguration": "apiVersion: x\nkubernetesVersion: v1.36.3\n"}}),
                "/api/v1/nodes" => json!({"metadata": {}, "items": []}),
                "/readyz" => json!("ok"),
                _ => return Reply::Json(404, super::super::testing::status(404, "NotFound", "")),
            };
            Reply::Json(200, body)
        });
        let snapshot = cluster.snapshot().await.unwrap();
        assert_eq!((snapshot.identity.as_str(), snapshot.lease), ("abc", None));
        assert_eq!(snapshot.kubeadm_version.as_deref(), Some("v1.36.3"));
        assert_eq!(
            snapshot.servers,
            [ServerVersion {
                name: "api".into(),
                version: Ok("v1.36.3".into()),
                not_ready: vec![],
            }]
        );
        let before = log.lock().unwrap().len();
        cluster.identity().await.unwrap();
        assert_eq!(log.lock().unwrap().len(), before, "the identity is read once");
    }

    #[test]
    fn a_server_that_is_not_ready_says_which_checks_failed() {
        let text = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n";
        assert_eq!(failed_checks(500, text), ["etcd"]);
        assert_eq!(failed_checks(503, "busy"), ["HTTP status 503"]);
    }
}
