//! `kubeadm upgrade apply` and `kubeadm upgrade node`.

use super::skew::{self, Allowed};
use super::{
    UPGRADE, admin, argument, error, handles, klog, parse, phases, preflight, release, static_pods,
};
use crate::node::{Cluster, Request, Role, coredns, parse_version, proxy};
use crate::store::Json;
use crate::tools::client::Client;
use crate::tools::flags::Flags;
use crate::tools::session::{Done, Failed, Session};
use crate::tools::when;
use semver::Version;
use serde_json::{Value, json};
use std::time::Duration;

const CONFIG: &str = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";
/// `kubernetesAPICall` of kubeadm's timeouts.
const PATIENCE: Duration = Duration::from_secs(60);

fn flags(session: &Session) -> Result<Flags, Failed> {
    let flags = parse(session, 2, &UPGRADE)?;
    for refused in ["dry-run", "print-config", "config", "skip-phases"] {
        if flags.get(refused).is_some() {
            return Err(error(format!("--{refused} is not supported by the lab")));
        }
    }
    Ok(flags)
}

/// The cluster's configuration and its version, as kubeadm-config says.
pub(super) async fn read(
    session: &Session,
    client: &Client<'_>,
) -> Result<(Cluster, Version, Value), Failed> {
    session
        .line(
            "[upgrade] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...\n\
             [upgrade] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.",
        )
        .await;
    let fatal = |why: String| {
        error(format!("[upgrade/init config] FATAL: failed to get config map: {why}"))
    };
    let answer = client.ask_patiently(Request::get(CONFIG), PATIENCE).await.map_err(fatal)?;
    if !answer.ok() {
        return Err(fatal(answer.message()));
    }
    let map = answer.json();
    let text = map.text("data.ClusterConfiguration");
    let configuration: Value = serde_saphyr::from_str(text).unwrap_or_default();
    let version =
        configuration.at("kubernetesVersion").and_then(Value::as_str).and_then(parse_version);
    match Cluster::parse(text).zip(version) {
        Some((cluster, version)) => Ok((cluster, version, map)),
        None => Err(error(
            "[upgrade/init config] FATAL: failed to decode cluster configuration data: no ClusterConfiguration",
        )),
    }
}

pub(super) async fn apply(session: &Session, kubeadm: &Version) -> Done {
    let flags = flags(session)?;
    let Some(text) = flags.words.first() else {
        return Err(error("missing one or more required arguments. Required arguments: [version]"));
    };
    let to = argument(text)?;
    let client = admin(session, &flags)?;
    let (cluster, configured, _) = read(session, &client).await?;
    handles(kubeadm, &configured)?;
    session.line("[upgrade/preflight] Running preflight checks").await;
    preflight::root(session, &flags, "preflight").await?;
    preflight::runtime(session, &flags, "preflight").await?;
    preflight::health(session, &client, &flags, "preflight").await?;
    policy(session, &client, &to, kubeadm, &flags).await?;
    if !flags.on("yes") && !flags.on("force") {
        return Err(error("error execution phase preflight: the lab does not ask: add --yes"));
    }
    let of = release(session, kubeadm)?;
    preflight::pull(session, &of.images(&to), &flags, "preflight").await?;
    session.line(format!("[upgrade/control-plane] Upgrading your static Pod-hosted control plane to version \"v{to}\" (timeout: 5m0s)...")).await;
    let target = session.site.releases.get(&to).cloned().unwrap_or_else(|| of.clone());
    static_pods::upgrade(session, &target, &cluster).await?;
    session.line("[upgrade/control-plane] The control plane instance for this node was successfully upgraded!").await;
    upload(session, &client, &cluster, &target).await?;
    session
        .line("[upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!")
        .await;
    kubelet_configuration(session, &client).await?;
    session.line(TOKENS).await;
    addons(session, &client, &target).await?;
    session
        .line(format!(
            "\n[upgrade] SUCCESS! A control plane node of your cluster was upgraded to \"v{to}\".\n\n\
             [upgrade] Now please proceed with upgrading the rest of the nodes by following the right order."
        ))
        .await;
    Ok(0)
}

const TOKENS: &str = "[upgrade/bootstrap-token] Configuring bootstrap token and cluster-info RBAC rules\n\
    [bootstrap-token] Configured RBAC rules to allow Node Bootstrap tokens to get nodes\n\
    [bootstrap-token] Configured RBAC rules to allow Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials\n\
    [bootstrap-token] Configured RBAC rules to allow the csrapprover controller automatically approve CSRs from a Node Bootstrap Token\n\
    [bootstrap-token] Configured RBAC rules to allow certificate rotation for all node client certificates in the cluster\n\
    [bootstrap-token] Configured RBAC rules to allow the API server kubelet client certificate to access the kubelet API";

async fn policy(
    session: &Session,
    client: &Client<'_>,
    to: &Version,
    kubeadm: &Version,
    flags: &Flags,
) -> Result<(), Failed> {
    session
        .line(format!(
            "[upgrade/preflight] You have chosen to upgrade the cluster version to \"v{to}\""
        ))
        .await;
    let unable = |why: String| {
        phases::failed(
            "preflight",
            format!(
                "the version argument is invalid due to these fatal errors:\n\n\t- Unable to fetch cluster version: {why}\n\nPlease fix the misalignments highlighted above and try upgrading again"
            ),
        )
    };
    let info = client.get("/version").await.map_err(unable)?;
    let cluster = info
        .at("gitVersion")
        .and_then(Value::as_str)
        .and_then(parse_version)
        .ok_or_else(|| unable("no version".to_owned()))?;
    session.line(format!("[upgrade/versions] Cluster version: v{cluster}\n[upgrade/versions] kubeadm version: v{kubeadm}")).await;
    let kubelets = kubelets(client).await.map_err(|why| phases::failed("preflight", why))?;
    let versions: Vec<Version> = kubelets.into_iter().map(|(_, version)| version).collect();
    let allowed = Allowed {
        experimental: flags.on("allow-experimental-upgrades"),
        candidates: flags.on("allow-release-candidate-upgrades"),
    };
    let skew = skew::check(to, &cluster, kubeadm, &versions, allowed);
    match skew.verdict(flags.on("force")) {
        Some(why) => Err(phases::failed("preflight", why)),
        None if skew.skippable.is_empty() => Ok(()),
        None => {
            let list: String = skew.skippable.iter().map(|text| format!("\t- {text}\n")).collect();
            session
                .out(format!(
                    "[upgrade/preflight] Found {} potential version compatibility errors but skipping since the --force flag is set: \n\n{list}",
                    skew.skippable.len()
                ))
                .await;
            Ok(())
        }
    }
}

/// Name and kubelet's version of every node.
pub(super) async fn kubelets(client: &Client<'_>) -> Result<Vec<(String, Version)>, String> {
    let nodes = client.get("/api/v1/nodes").await?;
    let read = |node: &Value| {
        let version =
            parse_version(node.at("status.nodeInfo.kubeletVersion").and_then(Value::as_str)?)?;
        Some((node.at("metadata.name").and_then(Value::as_str)?.to_owned(), version))
    };
    Ok(nodes.list("items").iter().filter_map(read).collect())
}

/// kubeadm-config and kubelet-config.
async fn upload(
    session: &Session,
    client: &Client<'_>,
    cluster: &Cluster,
    release: &crate::node::Release,
) -> Result<(), Failed> {
    let timeout = "failed to create or update ConfigMap: etcdserver: request timed out";
    phases::enter_or(session, "upload-config", "upload-config/kubeadm", timeout).await?;
    session.line("[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace").await;
    let patch = json!({"data": {"ClusterConfiguration": cluster.configuration(release)}});
    let write = |path: &str, patch: Value| Request::with("PATCH", path, patch);
    client
        .send(write(CONFIG, patch))
        .await
        .map_err(|why| phases::failed("upload-config/kubeadm", why))?;
    session.line("[kubelet] Creating a ConfigMap \"kubelet-config\" in namespace kube-system with the configuration for the kubelets in the cluster").await;
    let path = "/api/v1/namespaces/kube-system/configmaps/kubelet-config";
    let patch = json!({"data": {"kubelet": crate::node::kubelet_configuration()}});
    client
        .send(write(path, patch))
        .await
        .map_err(|why| phases::failed("upload-config/kubelet", why))?;
    session.seconds(0.5).await;
    Ok(())
}

/// `/var/lib/kubelet/config.yaml` becomes what the cluster says.
async fn kubelet_configuration(session: &Session, client: &Client<'_>) -> Result<(), Failed> {
    const FILE: &str = "/var/lib/kubelet/config.yaml";
    let failed = |why: String| phases::failed("kubelet-config", why);
    phases::enter_or(
        session,
        "kubelet-config",
        "kubelet-config",
        "error writing kubelet config: failed to write the kubelet config",
    )
    .await?;
    let map = client
        .get("/api/v1/namespaces/kube-system/configmaps/kubelet-config")
        .await
        .map_err(failed)?;
    let text = map.text("data.kubelet");
    let directory = format!(
        "/etc/kubernetes/tmp/kubeadm-kubelet-config-{}",
        when::file_name(session.machine.now())
    );
    let warning = format!(
        "Using temporary directory {directory} for kubelet config. To override it set the environment variable KUBEADM_UPGRADE_DRYRUN_DIR"
    );
    session.complain(klog(session, 'W', "postupgrade.go:105", &warning)).await;
    let io = |error: std::io::Error| phases::failed("kubelet-config", error);
    session.machine.files.make_directory(&directory, 0o700).map_err(io)?;
    let old = session.machine.files.read(FILE).map_err(io)?;
    session
        .line(format!("[upgrade] Backing up kubelet config file to {directory}/config.yaml"))
        .await;
    session.machine.save(&format!("{directory}/config.yaml"), &old, 0o600).map_err(io)?;
    session.line(format!("[kubelet-start] Writing kubelet configuration to file \"{FILE}\"")).await;
    session.machine.save(FILE, text.as_bytes(), 0o644).map_err(io)?;
    session.line("[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!").await;
    Ok(())
}

/// CoreDNS and kube-proxy, once every control plane is there.
async fn addons(
    session: &Session,
    client: &Client<'_>,
    release: &crate::node::Release,
) -> Result<(), Failed> {
    phases::enter_or(
        session,
        "addons",
        "addon/coredns",
        "unable to create or update the dns deployment: etcdserver: request timed out",
    )
    .await?;
    let behind: Vec<String> = session
        .site
        .machines
        .iter()
        .filter(|machine| {
            machine.role == Role::ControlPlane && machine.name != session.machine.name
        })
        .filter(|machine| {
            static_pods::present(machine).is_some_and(|version| version != release.version)
        })
        .map(|machine| machine.name.clone())
        .collect();
    if !behind.is_empty() {
        let line = format!(
            "[upgrade/addon] Skipping upgrade of addons because control plane instances [{}] have not been upgraded",
            behind.join(" ")
        );
        // Once for CoreDNS, once for kube-proxy.
        session.line(format!("{line}\n{line}")).await;
        return Ok(());
    }
    let objects = [
        (
            "addon/coredns",
            "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
            coredns(release),
            "CoreDNS",
        ),
        (
            "addon/kube-proxy",
            "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy",
            proxy(release),
            "kube-proxy",
        ),
    ];
    for (phase, path, object, name) in objects {
        let patch = json!({"spec": {"template": object.at("spec.template")}});
        client
            .send(Request::with("PATCH", path, patch))
            .await
            .map_err(|why| phases::failed(phase, why))?;
        session.line(format!("[addons] Applied essential addon: {name}")).await;
    }
    Ok(())
}

pub(super) async fn node(session: &Session, kubeadm: &Version) -> Done {
    let flags = flags(session)?;
    let is_master =
        session.machine.files.has(&format!("{}/kube-apiserver.yaml", crate::node::MANIFESTS));
    let default =
        if is_master { "/etc/kubernetes/admin.conf" } else { "/etc/kubernetes/kubelet.conf" };
    let path =
        flags.get("kubeconfig").map_or_else(|| default.to_owned(), |path| session.call.path(path));
    let client = Client::from_file(session, &path)
        .map_err(|why| error(format!("couldn't create a Kubernetes client from file \"{path}\": failed to load admin kubeconfig: {why}")))?;
    let (cluster, to, _) = read(session, &client).await?;
    handles(kubeadm, &to)?;
    session.line("[upgrade/preflight] Running pre-flight checks").await;
    preflight::root(session, &flags, "preflight").await?;
    preflight::runtime(session, &flags, "preflight").await?;
    if phases::enter(session, "preflight").await? {
        return Err(phases::failed("preflight", "preflight checks failed"));
    }
    let of = release(session, kubeadm)?.clone();
    let target = session.site.releases.get(&to).cloned().unwrap_or(of);
    if is_master {
        preflight::pull(session, &target.images(&to), &flags, "preflight").await?;
        session.line(format!("[upgrade/control-plane] Upgrading your Static Pod-hosted control plane instance to version \"v{to}\"...")).await;
        static_pods::upgrade(session, &target, &cluster).await?;
        session.line("[upgrade/control-plane] The control plane instance for this node was successfully upgraded!").await;
        session.line("[upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!").await;
    } else {
        session
            .line(
                "[upgrade/preflight] Skipping prepull. Not a control plane node.\n\
                 [upgrade/control-plane] Skipping phase. Not a control plane node.\n\
                 [upgrade/kubeconfig] Skipping phase. Not a control plane node.",
            )
            .await;
    }
    kubelet_configuration(session, &client).await?;
    if is_master {
        addons(session, &client, &target).await?;
    } else {
        session
            .line(
                "[upgrade/addon] Skipping the addon/coredns phase. Not a control plane node.\n\
                 [upgrade/addon] Skipping the addon/kube-proxy phase. Not a control plane node.",
            )
            .await;
    }
    Ok(0)
}
