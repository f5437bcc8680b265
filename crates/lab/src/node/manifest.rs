//! Manifests of static pods: written as kubeadm writes them, and read back as the kubelet does. They are real files, so
//! that a playbook may look into them and change them.

use super::release::Release;
use sha2::{Digest, Sha256};
use std::net::Ipv4Addr;

/// Where they are.
pub const DIRECTORY: &str = "/etc/kubernetes/manifests";

/// What the manifests of one control plane depend on.
#[derive(Debug, Clone)]
pub struct ControlPlane<'a> {
    /// The node.
    pub name: &'a str,
    /// Its address.
    pub address: Ipv4Addr,
    /// All members of etcd: name and address.
    pub members: &'a [(String, Ipv4Addr)],
    /// What runs.
    pub release: &'a Release,
    /// From ClusterConfiguration.
    pub pod_subnet: &'a str,
    /// From ClusterConfiguration.
    pub service_subnet: &'a str,
}

/// What the kubelet needs to know of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticPod {
    /// `metadata.name`, without the node's name.
    pub name: String,
    /// Of its first container.
    pub image: String,
    /// Over the whole manifest: another hash, another pod.
    pub hash: String,
}

impl StaticPod {
    /// The tag of its image.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.image.rsplit_once(':').map_or("", |(_, tag)| tag)
    }
}

/// Reads a manifest; `None` if it is no pod with a container.
#[must_use]
pub fn read(text: &str) -> Option<StaticPod> {
    let pod: serde_json::Value = serde_saphyr::from_str(text).ok()?;
    let field =
        |path: &str| pod.pointer(path).and_then(serde_json::Value::as_str).map(str::to_owned);
    if field("/kind").as_deref() != Some("Pod") {
        return None;
    }
    let digest = Sha256::digest(text.as_bytes());
    let hash = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Some(StaticPod {
        name: field("/metadata/name")?,
        image: field("/spec/containers/0/image")?,
        hash,
    })
}

/// File name and text of every manifest of a control plane, etcd first.
#[must_use]
pub fn all(plane: &ControlPlane<'_>) -> Vec<(String, String)> {
    let mut all = vec![("etcd.yaml".to_owned(), etcd(plane))];
    for component in super::release::COMPONENTS {
        all.push((format!("{component}.yaml"), component_manifest(component, plane)));
    }
    all
}

/// The part of a manifest that differs from component to component.
struct Parts<'a> {
    name: &'a str,
    image: String,
    annotation: Option<String>,
    command: Vec<String>,
    host: String,
    /// Paths of the liveness and startup probes, and of the readiness probe.
    probes: (&'a str, &'a str, Option<&'a str>),
    port: u16,
    scheme: &'a str,
    cpu: &'a str,
    memory: Option<&'a str>,
    /// Name, path, read only, kind.
    volumes: Vec<(&'a str, &'a str, bool, &'a str)>,
}

/// Members as `--initial-cluster` lists them.
fn etcd(plane: &ControlPlane<'_>) -> String {
    let (name, address) = (plane.name, plane.address);
    let peers: Vec<String> =
        plane.members.iter().map(|(n, a)| format!("{n}=https://{a}:2380")).collect();
    let pki = "/etc/kubernetes/pki/etcd";
    let mut command = vec![
        format!("--advertise-client-urls=https://{address}:2379"),
        format!("--cert-file={pki}/server.crt"),
        "--client-cert-auth=true".to_owned(),
        "--data-dir=/var/lib/etcd".to_owned(),
        format!("--initial-advertise-peer-urls=https://{address}:2380"),
        format!("--initial-cluster={}", peers.join(",")),
        format!("--key-file={pki}/server.key"),
        format!("--listen-client-urls=https://127.0.0.1:2379,https://{address}:2379"),
        "--listen-metrics-urls=http://127.0.0.1:2381".to_owned(),
        format!("--listen-peer-urls=https://{address}:2380"),
        format!("--name={name}"),
        format!("--peer-cert-file={pki}/peer.crt"),
        "--peer-client-cert-auth=true".to_owned(),
        format!("--peer-key-file={pki}/peer.key"),
        format!("--peer-trusted-ca-file={pki}/ca.crt"),
        "--snapshot-count=10000".to_owned(),
        format!("--trusted-ca-file={pki}/ca.crt"),
        "--watch-progress-notify-interval=5s".to_owned(),
    ];
    if plane.release.etcd.starts_with("3.5") {
        command.push("--experimental-initial-corrupt-check=true".to_owned());
    } else {
        command.push("--feature-gates=InitialCorruptCheck=true".to_owned());
    }
    command.sort();
    write(&Parts {
        name: "etcd",
        image: format!("registry.k8s.io/etcd:{}", plane.release.etcd),
        annotation: Some(format!(
            "kubeadm.kubernetes.io/etcd.advertise-client-urls: https://{address}:2379"
        )),
        command,
        host: "127.0.0.1".to_owned(),
        probes: ("/livez", "/readyz", Some("/readyz")),
        port: 2381,
        scheme: "HTTP",
        cpu: "100m",
        memory: Some("100Mi"),
        volumes: vec![
            ("etcd-data", "/var/lib/etcd", false, "DirectoryOrCreate"),
            ("etcd-certs", pki, false, "DirectoryOrCreate"),
        ],
    })
}

fn component_manifest(component: &str, plane: &ControlPlane<'_>) -> String {
    let image = format!("registry.k8s.io/{component}:v{}", plane.release.version);
    match component {
        "kube-apiserver" => apiserver(plane, image),
        "kube-controller-manager" => controller_manager(plane, image),
        _ => scheduler(image),
    }
}

const CERTIFICATES: [(&str, &str, bool, &str); 5] = [
    ("ca-certs", "/etc/ssl/certs", true, "DirectoryOrCreate"),
    ("etc-ca-certificates", "/etc/ca-certificates", true, "DirectoryOrCreate"),
    ("k8s-certs", "/etc/kubernetes/pki", true, "DirectoryOrCreate"),
    (
        "usr-local-share-ca-certificates",
        "/usr/local/share/ca-certificates",
        true,
        "DirectoryOrCreate",
    ),
    ("usr-share-ca-certificates", "/usr/share/ca-certificates", true, "DirectoryOrCreate"),
];

fn apiserver(plane: &ControlPlane<'_>, image: String) -> String {
    let (address, pki) = (plane.address, "/etc/kubernetes/pki");
    let flags = [
        ("advertise-address", address.to_string()),
        ("allow-privileged", "true".to_owned()),
        ("authorization-mode", "Node,RBAC".to_owned()),
        ("client-ca-file", format!("{pki}/ca.crt")),
        ("enable-admission-plugins", "NodeRestriction".to_owned()),
        ("enable-bootstrap-token-auth", "true".to_owned()),
        ("etcd-cafile", format!("{pki}/etcd/ca.crt")),
        ("etcd-certfile", format!("{pki}/apiserver-etcd-client.crt")),
        ("etcd-keyfile", format!("{pki}/apiserver-etcd-client.key")),
        ("etcd-servers", "https://127.0.0.1:2379".to_owned()),
        ("kubelet-client-certificate", format!("{pki}/apiserver-kubelet-client.crt")),
        ("kubelet-client-key", format!("{pki}/apiserver-kubelet-client.key")),
        ("kubelet-preferred-address-types", "InternalIP,ExternalIP,Hostname".to_owned()),
        ("proxy-client-cert-file", format!("{pki}/front-proxy-client.crt")),
        ("proxy-client-key-file", format!("{pki}/front-proxy-client.key")),
        ("requestheader-allowed-names", "front-proxy-client".to_owned()),
        ("requestheader-client-ca-file", format!("{pki}/front-proxy-ca.crt")),
        ("requestheader-extra-headers-prefix", "X-Remote-Extra-".to_owned()),
        ("requestheader-group-headers", "X-Remote-Group".to_owned()),
        ("requestheader-username-headers", "X-Remote-User".to_owned()),
        ("secure-port", "6443".to_owned()),
        ("service-account-issuer", "https://kubernetes.default.svc.cluster.local".to_owned()),
        ("service-account-key-file", format!("{pki}/sa.pub")),
        ("service-account-signing-key-file", format!("{pki}/sa.key")),
        ("service-cluster-ip-range", plane.service_subnet.to_owned()),
        ("tls-cert-file", format!("{pki}/apiserver.crt")),
        ("tls-private-key-file", format!("{pki}/apiserver.key")),
    ];
    write(&Parts {
        name: "kube-apiserver",
        image,
        annotation: Some(format!(
            "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: {address}:6443"
        )),
        command: command(&flags),
        host: address.to_string(),
        probes: ("/livez", "/livez", Some("/readyz")),
        port: 6443,
        scheme: "HTTPS",
        cpu: "250m",
        memory: None,
        volumes: CERTIFICATES.to_vec(),
    })
}

fn controller_manager(plane: &ControlPlane<'_>, image: String) -> String {
    let (pki, config) = ("/etc/kubernetes/pki", "/etc/kubernetes/controller-manager.conf");
    let flags = [
        ("allocate-node-cidrs", "true".to_owned()),
        ("authentication-kubeconfig", config.to_owned()),
        ("authorization-kubeconfig", config.to_owned()),
        ("bind-address", "127.0.0.1".to_owned()),
        ("client-ca-file", format!("{pki}/ca.crt")),
        ("cluster-cidr", plane.pod_subnet.to_owned()),
        ("cluster-name", "kubernetes".to_owned()),
        ("cluster-signing-cert-file", format!("{pki}/ca.crt")),
        ("cluster-signing-key-file", format!("{pki}/ca.key")),
        ("controllers", "*,bootstrapsigner,tokencleaner".to_owned()),
        ("kubeconfig", config.to_owned()),
        ("leader-elect", "true".to_owned()),
        ("requestheader-client-ca-file", format!("{pki}/front-proxy-ca.crt")),
        ("root-ca-file", format!("{pki}/ca.crt")),
        ("service-account-private-key-file", format!("{pki}/sa.key")),
        ("service-cluster-ip-range", plane.service_subnet.to_owned()),
        ("use-service-account-credentials", "true".to_owned()),
    ];
    let mut volumes = CERTIFICATES.to_vec();
    volumes.insert(3, ("kubeconfig", config, true, "FileOrCreate"));
    write(&Parts {
        name: "kube-controller-manager",
        image,
        annotation: None,
        command: command(&flags),
        host: "127.0.0.1".to_owned(),
        probes: ("/healthz", "/healthz", None),
        port: 10257,
        scheme: "HTTPS",
        cpu: "200m",
        memory: None,
        volumes,
    })
}

fn scheduler(image: String) -> String {
    let config = "/etc/kubernetes/scheduler.conf";
    let flags = [
        ("authentication-kubeconfig", config.to_owned()),
        ("authorization-kubeconfig", config.to_owned()),
        ("bind-address", "127.0.0.1".to_owned()),
        ("kubeconfig", config.to_owned()),
        ("leader-elect", "true".to_owned()),
    ];
    write(&Parts {
        name: "kube-scheduler",
        image,
        annotation: None,
        command: command(&flags),
        host: "127.0.0.1".to_owned(),
        probes: ("/livez", "/livez", Some("/readyz")),
        port: 10259,
        scheme: "HTTPS",
        cpu: "100m",
        memory: None,
        volumes: vec![("kubeconfig", config, true, "FileOrCreate")],
    })
}

fn command(flags: &[(&str, String)]) -> Vec<String> {
    flags.iter().map(|(flag, value)| format!("--{flag}={value}")).collect()
}

fn probe(kind: &str, path: &str, parts: &Parts<'_>) -> String {
    let (failures, delay, period) = match kind {
        "livenessProbe" => (8, "      initialDelaySeconds: 10\n", 10),
        "startupProbe" => (24, "      initialDelaySeconds: 10\n", 10),
        _ => (3, "", 1),
    };
    format!(
        "    {kind}:\n      failureThreshold: {failures}\n      httpGet:\n        host: {}\n        path: {path}\n        \
         port: probe-port\n        scheme: {}\n{delay}      periodSeconds: {period}\n      timeoutSeconds: 15\n",
        parts.host, parts.scheme
    )
}

/// The order of fields is the one of Kubernetes' own YAML.
fn write(parts: &Parts<'_>) -> String {
    let Parts { name, image, port, cpu, .. } = parts;
    let annotation = parts
        .annotation
        .iter()
        .map(|text| format!("  annotations:\n    {text}\n"))
        .collect::<String>();
    let mut text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n{annotation}  labels:\n    component: {name}\n    tier: control-plane\n  \
         name: {name}\n  namespace: kube-system\nspec:\n  containers:\n  - command:\n    - {name}\n"
    );
    for word in &parts.command {
        text.push_str(&format!("    - {word}\n"));
    }
    let (live, start, ready) = parts.probes;
    text.push_str(&format!("    image: {image}\n    imagePullPolicy: IfNotPresent\n"));
    text.push_str(&probe("livenessProbe", live, parts));
    text.push_str(&format!(
        "    name: {name}\n    ports:\n    - containerPort: {port}\n      name: probe-port\n      protocol: TCP\n"
    ));
    if let Some(ready) = ready {
        text.push_str(&probe("readinessProbe", ready, parts));
    }
    text.push_str(&format!("    resources:\n      requests:\n        cpu: {cpu}\n"));
    if let Some(memory) = parts.memory {
        text.push_str(&format!("        memory: {memory}\n"));
    }
    text.push_str(&probe("startupProbe", start, parts));
    text.push_str("    volumeMounts:\n");
    for (volume, path, read_only, _) in &parts.volumes {
        let read_only = if *read_only { "      readOnly: true\n" } else { "" };
        text.push_str(&format!("    - mountPath: {path}\n      name: {volume}\n{read_only}"));
    }
    text.push_str(
        "  hostNetwork: true\n  priority: 2000001000\n  priorityClassName: system-node-critical\n  securityContext:\n    \
         seccompProfile:\n      type: RuntimeDefault\n  volumes:\n",
    );
    let mut volumes = parts.volumes.clone();
    volumes.sort_by_key(|(volume, ..)| *volume);
    for (volume, path, _, kind) in volumes {
        text.push_str(&format!(
            "  - hostPath:\n      path: {path}\n      type: {kind}\n    name: {volume}\n"
        ));
    }
    text.push_str("status: {}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::release::{Releases, parse};

    /// The manifests of a node that kubeadm 1.36.3 initialised, with SHA-256 over each.
    #[test]
    fn manifests_are_those_of_kubeadm() {
        let releases = Releases::default();
        let address = Ipv4Addr::new(172, 30, 0, 11);
        let plane = ControlPlane {
            name: "cp1",
            address,
            members: &[("cp1".to_owned(), address)],
            release: releases.get(&parse("1.36.3").unwrap()).unwrap(),
            pod_subnet: "10.244.0.0/16",
            service_subnet: "10.96.0.0/12",
        };
        let digests: Vec<(String, String)> = all(&plane)
            .into_iter()
            .map(|(name, text)| {
                (name, Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect())
            })
            .collect();
        let digests: Vec<(&str, &str)> =
            digests.iter().map(|(name, digest)| (&**name, &**digest)).collect();
        assert_eq!(digests, EXPECTED);
    }

    const EXPECTED: [(&str, &str); 4] = [
        ("etcd.yaml", "26cf8e3d4688a88efb962868fca8aadae461492181d336d38fde95a56234c7d2"),
        ("kube-apiserver.yaml", "c09c2f9e80599d0c5c706e351ae9e856786fb8ff3ce9eb01c5e83918c7193b9b"),
        (
            "kube-controller-manager.yaml",
            "ea6987775f9a5b45bc754ad925699a9b4ff9afc847066c58a38b3272215bf4f4",
        ),
        ("kube-scheduler.yaml", "2f3e97135950fc5bb3e150d2d39e9b685a0c323d8f93bac225b6e85105f2e0a9"),
    ];

    #[test]
    fn what_the_kubelet_reads() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: \"r/x:1\"}]}\n";
        let pod = read(text).unwrap();
        assert_eq!((pod.name.as_str(), pod.tag()), ("web", "1"));
        assert_ne!(read(&text.replace("r/x:1", "r/x:2")).unwrap().hash, pod.hash);
        assert_eq!(read("kind: Service\n"), None);
        assert_eq!(read(": : :"), None);
    }
}
