//! Certificates and kubeconfigs of nodes, as `kubeadm init` and `kubeadm join` leave them below /etc/kubernetes.

use super::error::LabError;
use crate::api::{Authority, AuthorityError, Identity};
use crate::node::{API_PORT, Machine, Role};
use std::net::{IpAddr, Ipv4Addr};

/// Path, content, mode.
pub(super) type NodeFile = (String, Vec<u8>, u32);

/// The authorities of a cluster.
pub(super) struct Authorities {
    etcd: Authority,
    front_proxy: Authority,
    accounts: Identity,
}

impl From<AuthorityError> for LabError {
    fn from(error: AuthorityError) -> Self {
        Self::system("certificates", std::io::Error::other(error))
    }
}

impl Authorities {
    pub(super) fn new(cluster: &Authority) -> Result<Self, LabError> {
        Ok(Self {
            etcd: Authority::named("etcd-ca")?,
            front_proxy: Authority::named("front-proxy-ca")?,
            // The key pair that signs tokens of service accounts is no certificate; it only has to be there.
            accounts: cluster.client_certificate("service-accounts", &[])?,
        })
    }

    /// The files of one node. `endpoint` is what all nodes call the API.
    pub(super) fn files(
        &self,
        cluster: &Authority,
        machine: &Machine,
        endpoint: &str,
    ) -> Result<Vec<NodeFile>, LabError> {
        let mut files = Vec::new();
        let url = format!("https://{endpoint}");
        let kubelet = format!("system:node:{}", machine.name);
        conf(&mut files, "kubelet", &cluster.kubeconfig(&url, &kubelet, &["system:nodes"])?);
        public(&mut files, "ca.crt", &cluster.ca_pem());
        if machine.role == Role::Worker {
            return Ok(files);
        }
        // Controllers and the scheduler talk to the API server of their own node.
        let own = format!("https://{}:{API_PORT}", machine.address);
        let admins = ["kubeadm:cluster-admins"];
        conf(&mut files, "admin", &cluster.kubeconfig(&url, "kubernetes-admin", &admins)?);
        for (name, user) in [
            ("controller-manager", "system:kube-controller-manager"),
            ("scheduler", "system:kube-scheduler"),
        ] {
            conf(&mut files, name, &cluster.kubeconfig(&own, user, &[])?);
        }
        secret(&mut files, "ca.key", cluster.ca_key_pem());
        public(&mut files, "front-proxy-ca.crt", &self.front_proxy.ca_pem());
        secret(&mut files, "front-proxy-ca.key", self.front_proxy.ca_key_pem());
        public(&mut files, "etcd/ca.crt", &self.etcd.ca_pem());
        secret(&mut files, "etcd/ca.key", self.etcd.ca_key_pem());
        public(&mut files, "sa.pub", &self.accounts.certificate);
        secret(&mut files, "sa.key", &self.accounts.key);
        let names = [machine.name.as_str(), "localhost"];
        let addresses = [IpAddr::V4(machine.address), IpAddr::V4(Ipv4Addr::LOCALHOST)];
        for (name, identity) in [
            ("apiserver", cluster.server_certificate(&names, &addresses)?),
            ("etcd/server", self.etcd.server_certificate(&names, &addresses)?),
            ("etcd/peer", self.etcd.server_certificate(&names, &addresses)?),
            (
                "etcd/healthcheck-client",
                self.etcd.client_certificate("kube-etcd-healthcheck-client", &[])?,
            ),
            (
                "apiserver-etcd-client",
                self.etcd.client_certificate("kube-apiserver-etcd-client", &[])?,
            ),
            (
                "apiserver-kubelet-client",
                cluster.client_certificate("kube-apiserver-kubelet-client", &admins)?,
            ),
            ("front-proxy-client", self.front_proxy.client_certificate("front-proxy-client", &[])?),
        ] {
            public(&mut files, &format!("{name}.crt"), &identity.certificate);
            secret(&mut files, &format!("{name}.key"), &identity.key);
        }
        Ok(files)
    }
}

fn conf(files: &mut Vec<NodeFile>, name: &str, text: &str) {
    files.push((format!("/etc/kubernetes/{name}.conf"), text.as_bytes().to_vec(), 0o600));
}

fn public(files: &mut Vec<NodeFile>, name: &str, text: &str) {
    files.push((format!("/etc/kubernetes/pki/{name}"), text.as_bytes().to_vec(), 0o644));
}

fn secret(files: &mut Vec<NodeFile>, name: &str, text: &str) {
    files.push((format!("/etc/kubernetes/pki/{name}"), text.as_bytes().to_vec(), 0o600));
}
