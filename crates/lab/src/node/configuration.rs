//! What kubeadm keeps in the cluster and on nodes besides manifests: its ConfigMaps, the kubelet's configuration, the
//! addons. As kubeadm v1beta4 writes them.

use super::release::Release;
use serde_json::{Value, json};

/// Of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// `HOST:PORT` that all nodes use.
    pub endpoint: String,
    /// Addresses of pods.
    pub pod_subnet: String,
    /// Addresses of services.
    pub service_subnet: String,
}

impl Cluster {
    /// With the subnets that everybody has.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            pod_subnet: "10.244.0.0/16".to_owned(),
            service_subnet: "10.96.0.0/12".to_owned(),
        }
    }

    /// Reads back what [`Cluster::configuration`] wrote.
    #[must_use]
    pub fn parse(configuration: &str) -> Option<Self> {
        let value: Value = serde_saphyr::from_str(configuration).ok()?;
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            endpoint: text("/controlPlaneEndpoint").unwrap_or_default(),
            pod_subnet: text("/networking/podSubnet")?,
            service_subnet: text("/networking/serviceSubnet")?,
        })
    }

    /// `ClusterConfiguration` of the ConfigMap kubeadm-config.
    #[must_use]
    pub fn configuration(&self, release: &Release) -> String {
        format!(
            "apiServer: {{}}\napiVersion: kubeadm.k8s.io/v1beta4\ncaCertificateValidityPeriod: 87600h0m0s\n\
             certificateValidityPeriod: 8760h0m0s\ncertificatesDir: /etc/kubernetes/pki\nclusterName: kubernetes\n\
             controlPlaneEndpoint: {}\ncontrollerManager: {{}}\ndns: {{}}\nencryptionAlgorithm: RSA-2048\netcd:\n  local:\n    \
             dataDir: /var/lib/etcd\nimageRepository: registry.k8s.io\nkind: ClusterConfiguration\nkubernetesVersion: v{}\n\
             networking:\n  dnsDomain: cluster.local\n  podSubnet: {}\n  serviceSubnet: {}\nproxy: {{}}\nscheduler: {{}}\n",
            self.endpoint, release.version, self.pod_subnet, self.service_subnet
        )
    }

    /// What `kubeadm init` leaves in the API.
    #[must_use]
    pub fn objects(&self, release: &Release) -> Vec<Value> {
        vec![
            config_map(
                "kubeadm-config",
                &json!({"ClusterConfiguration": self.configuration(release)}),
            ),
            config_map("kubelet-config", &json!({"kubelet": kubelet_configuration()})),
            config_map("kube-proxy", &json!({"config.conf": self.proxy_configuration()})),
            config_map("coredns", &json!({"Corefile": COREFILE})),
            proxy(release),
            coredns(release),
            dns_service(),
        ]
    }

    fn proxy_configuration(&self) -> String {
        format!(
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nbindAddress: 0.0.0.0\nclientConnection:\n  kubeconfig: \
             /var/lib/kube-proxy/kubeconfig.conf\nclusterCIDR: {}\nkind: KubeProxyConfiguration\nmode: \"\"\n",
            self.pod_subnet
        )
    }
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "kube-system"}, "data": data,
    })
}

/// `/var/lib/kubelet/config.yaml`, and the ConfigMap kubelet-config.
#[must_use]
pub fn kubelet_configuration() -> String {
    "apiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n  webhook:\n    \
     cacheTTL: 0s\n    enabled: true\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\nauthorization:\n  mode: Webhook\n\
     cgroupDriver: systemd\nclusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\ncontainerRuntimeEndpoint: \
     unix:///run/containerd/containerd.sock\nhealthzBindAddress: 127.0.0.1\nhealthzPort: 10248\nkind: KubeletConfiguration\n\
     rotateCertificates: true\nstaticPodPath: /etc/kubernetes/manifests\n"
        .to_owned()
}

const COREFILE: &str = ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    kubernetes cluster.local \
     in-addr.arpa ip6.arpa {\n       pods insecure\n       fallthrough in-addr.arpa ip6.arpa\n       ttl 30\n    }\n    \
     prometheus :9153\n    forward . /etc/resolv.conf {\n       max_concurrent 1000\n    }\n    cache 30\n    loop\n    reload\n    \
     loadbalance\n}\n";

/// The DaemonSet of kube-proxy.
#[must_use]
pub fn proxy(release: &Release) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "kube-proxy", "namespace": "kube-system", "labels": {"k8s-app": "kube-proxy"}},
        "spec": {
            "selector": {"matchLabels": {"k8s-app": "kube-proxy"}},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"k8s-app": "kube-proxy"}},
                "spec": {
                    "hostNetwork": true,
                    "priorityClassName": "system-node-critical",
                    "serviceAccountName": "kube-proxy",
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{
                        "name": "kube-proxy",
                        "image": format!("registry.k8s.io/kube-proxy:v{}", release.version),
                        "command": ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf",
                            "--hostname-override=$(NODE_NAME)"],
                    }],
                },
            },
        },
    })
}

/// The Deployment of CoreDNS.
#[must_use]
pub fn coredns(release: &Release) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"k8s-app": "kube-dns"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": {"k8s-app": "kube-dns"}},
                "spec": {
                    "priorityClassName": "system-cluster-critical",
                    "serviceAccountName": "coredns",
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "tolerations": [
                        {"key": "CriticalAddonsOnly", "operator": "Exists"},
                        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
                    ],
                    "containers": [{
                        "name": "coredns",
                        "image": format!("registry.k8s.io/coredns/coredns:{}", release.coredns),
                        "args": ["-conf", "/etc/coredns/Corefile"],
                    }],
                },
            },
        },
    })
}

fn dns_service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system",
            "labels": {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}},
        "spec": {
            "clusterIP": "10.96.0.10", "selector": {"k8s-app": "kube-dns"},
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::release::Releases;

    #[test]
    fn the_configuration_is_read_back() {
        let releases = Releases::default();
        let cluster = Cluster::new("127.8.0.1:6443");
        let text = cluster.configuration(releases.newest().unwrap());
        assert!(text.contains("\nkubernetesVersion: v1.37.2\n"), "{text}");
        assert_eq!(Cluster::parse(&text), Some(cluster));
    }
}
