//! `kubeadm join` of a worker, and of a control plane whose certificates are there.

use super::token::{field, pin};
use super::{error, parse, phases};
use crate::node::{Cluster, ControlPlane, MANIFESTS, manifests, parse_version, start_kubelet};
use crate::store::Json;
use crate::tools::client::{Client, Overrides};
use crate::tools::flags::{Flag, switch, value};
use crate::tools::session::{Done, Failed, Session};
use semver::Version;
use serde_json::Value;
use std::time::Duration;

const FLAGS: [Flag; 11] = [
    value("token"),
    value("discovery-token"),
    value("tls-bootstrap-token"),
    value("discovery-token-ca-cert-hash"),
    value("certificate-key"),
    value("node-name"),
    value("cri-socket"),
    value("apiserver-advertise-address"),
    value("ignore-preflight-errors"),
    switch("discovery-token-unsafe-skip-ca-verification"),
    switch("control-plane"),
];

pub(super) async fn run(session: &Session, kubeadm: &Version) -> Done {
    let flags = parse(session, 1, &FLAGS)?;
    for refused in ["node-name", "certificate-key", "apiserver-advertise-address"] {
        if flags.get(refused).is_some() {
            return Err(error(format!("--{refused} is not supported by the lab")));
        }
    }
    session.line("[preflight] Running pre-flight checks").await;
    let mut checks = super::preflight::Checks::default();
    if !session.is_root() {
        checks.add("IsPrivilegedUser", "user is not running as root");
    }
    for (name, path) in [
        ("FileAvailable--etc-kubernetes-kubelet.conf", "/etc/kubernetes/kubelet.conf"),
        ("FileAvailable--etc-kubernetes-pki-ca.crt", "/etc/kubernetes/pki/ca.crt"),
    ] {
        if session.machine.files.has(path)
            && !(flags.on("control-plane") && path.ends_with("ca.crt"))
        {
            checks.add(name, format!("{path} already exists"));
        }
    }
    checks.end(session, &flags, "preflight").await?;
    let Some(endpoint) = flags.words.first() else {
        return Err(error("discovery: Invalid value: \"\": bootstrapToken or file must be set"));
    };
    let token = flags.get("token").or(flags.get("discovery-token")).ok_or_else(|| {
        error("discovery: Invalid value: \"\": bootstrapToken or file must be set")
    })?;
    if flags.get("discovery-token-ca-cert-hash").is_none()
        && !flags.on("discovery-token-unsafe-skip-ca-verification")
    {
        return Err(error(
            "discovery.bootstrapToken: Invalid value: \"\": using token-based discovery without caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag to continue",
        ));
    }
    let found =
        discover(session, endpoint, token, flags.get("discovery-token-ca-cert-hash")).await?;
    session
        .line(
            "[preflight] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...\n\
             [preflight] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.",
        )
        .await;
    if found.version.minor > kubeadm.minor || kubeadm.minor > found.version.minor + 1 {
        return Err(phases::failed(
            "preflight",
            format!(
                "this version of kubeadm (v{kubeadm}) does not join a cluster of version v{}",
                found.version
            ),
        ));
    }
    take_part(session, &found, flags.on("control-plane")).await
}

/// What the cluster told.
struct Found {
    cluster: Cluster,
    version: Version,
    ca: Vec<u8>,
    kubelet: String,
    /// Text of a control plane's admin.conf: the identity that the lab gives to a node that may join.
    admin: String,
}

/// The secret of the token is looked for at the endpoint, as the cluster-info of a real one is checked by it.
async fn discover(
    session: &Session,
    endpoint: &str,
    token: &str,
    hash: Option<&str>,
) -> Result<Found, Failed> {
    let fail = |why: String| {
        phases::failed(
            "preflight",
            format!("couldn't validate the identity of the API Server: {why}"),
        )
    };
    let (host, port) = endpoint
        .rsplit_once(':')
        .and_then(|(h, p)| Some((h, p.parse::<u16>().ok()?)))
        .ok_or_else(|| fail(format!("invalid endpoint {endpoint}")))?;
    let master = session.site.at(&session.machine, host).cloned().ok_or_else(|| fail(format!("failed to request the cluster-info ConfigMap: dial tcp {endpoint}: connect: connection refused")))?;
    let admin =
        master.files.text("/etc/kubernetes/admin.conf").map_err(|error| fail(error.to_string()))?;
    let ca =
        master.files.read("/etc/kubernetes/pki/ca.crt").map_err(|error| fail(error.to_string()))?;
    let pinned = pin(&String::from_utf8_lossy(&ca));
    if hash.is_some_and(|hash| hash.trim_start_matches("sha256:") != pinned) {
        return Err(fail("cluster CA found in cluster-info ConfigMap is invalid: none of the public keys are pinned".to_owned()));
    }
    let client = Client::new(
        session,
        Some(&admin),
        &Overrides { server: Some(format!("https://{host}:{port}")), ..Default::default() },
    )
    .map_err(fail)?;
    let (id, secret) = token.split_once('.').unwrap_or((token, ""));
    let path = format!("/api/v1/namespaces/kube-system/secrets/bootstrap-token-{id}");
    let known = client.find(&path).await.map_err(fail)?;
    let now = session.machine.now();
    let fresh = |stored: &Value| {
        field(stored, "expiration")
            .parse::<jiff::Timestamp>()
            .map_or(true, |until| until.as_second() > now)
    };
    if !known.is_some_and(|stored| field(&stored, "token-secret") == secret && fresh(&stored)) {
        session.wait(Duration::from_secs(60)).await;
        return Err(fail(format!(
            "could not find a JWS signature in the cluster-info ConfigMap for token ID \"{id}\""
        )));
    }
    let of = |map: Value, name: &str| map.key("data", name).unwrap_or_default().to_owned();
    let base = "/api/v1/namespaces/kube-system/configmaps";
    let text = of(
        client.get(&format!("{base}/kubeadm-config")).await.map_err(fail)?,
        "ClusterConfiguration",
    );
    let configuration: Value = serde_saphyr::from_str(&text).unwrap_or_default();
    let version =
        configuration.at("kubernetesVersion").and_then(Value::as_str).and_then(parse_version);
    let kubelet = of(client.get(&format!("{base}/kubelet-config")).await.map_err(fail)?, "kubelet");
    match Cluster::parse(&text).zip(version) {
        Some((cluster, version)) => Ok(Found { cluster, version, ca, kubelet, admin }),
        None => Err(fail("no ClusterConfiguration".to_owned())),
    }
}

async fn take_part(session: &Session, found: &Found, control_plane: bool) -> Done {
    let machine = &session.machine;
    let io = |failure: std::io::Error| phases::failed("kubelet-start", failure);
    if control_plane {
        if !machine.files.has("/etc/kubernetes/pki/ca.key") {
            return Err(phases::failed(
                "preflight",
                "One or more conditions for hosting a new control plane instance is not satisfied.\n\n[failure loading certificate for CA: couldn't load the certificate file /etc/kubernetes/pki/ca.crt: open /etc/kubernetes/pki/ca.crt: no such file or directory]\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n* The certificates that must be shared among control plane instances are provided.\n",
            ));
        }
        machine.files.make_directory(MANIFESTS, 0o700).map_err(io)?;
        session.line(format!("[control-plane] Using manifest folder \"{MANIFESTS}\"")).await;
        session.site.etcd().join(&machine.name, machine.address);
        let members: Vec<_> = session
            .site
            .etcd()
            .members
            .iter()
            .map(|member| (member.name.clone(), member.address))
            .collect();
        let release = super::release(session, &found.version)?;
        let plane = ControlPlane {
            name: &machine.name,
            address: machine.address,
            members: &members,
            release,
            pod_subnet: &found.cluster.pod_subnet,
            service_subnet: &found.cluster.service_subnet,
        };
        machine.save("/etc/kubernetes/admin.conf", found.admin.as_bytes(), 0o600).map_err(io)?;
        for (name, text) in manifests(&plane) {
            session
                .line(format!(
                    "[control-plane] Creating static Pod manifest for \"{}\"",
                    name.trim_end_matches(".yaml")
                ))
                .await;
            machine.save(&format!("{MANIFESTS}/{name}"), text.as_bytes(), 0o600).map_err(io)?;
        }
    }
    machine.files.make_directory("/etc/kubernetes/pki", 0o755).map_err(io)?;
    machine.files.make_directory("/var/lib/kubelet", 0o755).map_err(io)?;
    session.line("[kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"").await;
    machine.save("/var/lib/kubelet/config.yaml", found.kubelet.as_bytes(), 0o644).map_err(io)?;
    session.line("[kubelet-start] Writing kubelet environment file with flags to file \"/var/lib/kubelet/kubeadm-flags.env\"").await;
    machine
        .save("/var/lib/kubelet/kubeadm-flags.env", b"KUBELET_KUBEADM_ARGS=\"\"\n", 0o644)
        .map_err(io)?;
    machine.save("/etc/kubernetes/pki/ca.crt", &found.ca, 0o644).map_err(io)?;
    machine.save("/etc/kubernetes/kubelet.conf", found.admin.as_bytes(), 0o600).map_err(io)?;
    session.line("[kubelet-start] Starting the kubelet").await;
    start_kubelet(machine);
    session
        .line(
            "[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s\n\
             [kubelet-check] The kubelet is healthy after 501.2ms\n\
             [kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap",
        )
        .await;
    registered(session, found).await?;
    let text = if control_plane {
        "\nThis node has joined the cluster and a new control plane instance was created:\n"
    } else {
        "\nThis node has joined the cluster:\n* Certificate signing request was sent to apiserver and a response was received.\n\
         * The Kubelet was informed of the new secure connection details.\n\n\
         Run 'kubectl get nodes' on the control-plane to see this node join the cluster.\n"
    };
    session.line(text).await;
    Ok(0)
}

/// Waits until the API knows the node.
async fn registered(session: &Session, found: &Found) -> Result<(), Failed> {
    let client = Client::new(session, Some(&found.admin), &Overrides::default())
        .map_err(|why| phases::failed("kubelet-wait-bootstrap", why))?;
    let path = format!("/api/v1/nodes/{}", session.machine.name);
    for _ in 0..240 {
        if matches!(client.find(&path).await, Ok(Some(_))) {
            return Ok(());
        }
        session.seconds(1.0).await;
    }
    Err(phases::failed("kubelet-wait-bootstrap", "timed out waiting for the condition"))
}
