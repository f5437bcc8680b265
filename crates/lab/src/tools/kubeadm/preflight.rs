//! Checks before an upgrade.

use super::phases;
use crate::node::COMPONENTS;
use crate::store::Json;
use crate::tools::client::Client;
use crate::tools::flags::Flags;
use crate::tools::session::{Failed, Session};
use serde_json::Value;

/// Checks that went wrong: name and text.
#[derive(Default)]
pub(super) struct Checks {
    errors: Vec<(String, String)>,
}

impl Checks {
    pub(super) fn add(&mut self, name: &str, text: impl Into<String>) {
        self.errors.push((name.to_owned(), text.into()));
    }

    /// Warnings for those that are ignored; the others end it.
    pub(super) async fn end(
        self,
        session: &Session,
        flags: &Flags,
        phase: &str,
    ) -> Result<(), Failed> {
        let ignored: Vec<String> =
            flags.all("ignore-preflight-errors").iter().map(|name| name.to_lowercase()).collect();
        let is_ignored =
            |name: &str| ignored.iter().any(|i| i == "all" || *i == name.to_lowercase());
        let (warnings, errors): (Vec<_>, Vec<_>) =
            self.errors.into_iter().partition(|(name, _)| is_ignored(name));
        for (name, text) in warnings {
            session.complain(format!("\t[WARNING {name}]: {text}")).await;
        }
        if errors.is_empty() {
            return Ok(());
        }
        session.complain("[preflight] Some fatal errors occurred:").await;
        for (name, text) in errors {
            session.complain(format!("\t[ERROR {name}]: {text}")).await;
        }
        let hint = "[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`";
        session.complain(hint).await;
        Err(if phase.is_empty() {
            super::error("[upgrade/health] FATAL: preflight checks failed")
        } else {
            phases::failed(phase, "preflight checks failed")
        })
    }
}

/// Only root may go on.
pub(super) async fn root(session: &Session, flags: &Flags, phase: &str) -> Result<(), Failed> {
    let mut checks = Checks::default();
    if !session.is_root() {
        checks.add("IsPrivilegedUser", "user is not running as root");
    }
    checks.end(session, flags, phase).await
}

/// The container runtime answers.
pub(super) async fn runtime(session: &Session, flags: &Flags, phase: &str) -> Result<(), Failed> {
    let mut checks = Checks::default();
    let runs = session
        .machine
        .state()
        .units
        .get("containerd.service")
        .is_some_and(crate::node::Unit::is_active);
    if !runs {
        checks.add(
            "ContainerRuntimeVersion",
            "could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: \
             validate CRI v1 runtime API for endpoint \"unix:///var/run/containerd/containerd.sock\": rpc error: code = Unavailable \
             desc = connection error: desc = \"transport: Error while dialing: dial unix /var/run/containerd/containerd.sock: connect: \
             connection refused\"",
        );
    }
    session.seconds(0.5).await;
    checks.end(session, flags, phase).await
}

fn is_control_plane(node: &Value) -> bool {
    node.key("metadata.labels", "node-role.kubernetes.io/control-plane").is_some()
}

fn is_ready(node: &Value) -> bool {
    let conditions = node.at("status.conditions").and_then(Value::as_array);
    conditions.is_some_and(|all| {
        all.iter().any(|c| c.text("type") == "Ready" && c.text("status") == "True")
    })
}

/// The cluster takes work, all control planes are Ready, all manifests are there.
pub(super) async fn health(
    session: &Session,
    client: &Client<'_>,
    flags: &Flags,
    phase: &str,
) -> Result<(), Failed> {
    session.line("[upgrade] Running cluster health checks").await;
    let mut checks = Checks::default();
    let nodes = client.get("/api/v1/nodes").await.map_err(|why| phases::failed(phase, why))?;
    let nodes = nodes.list("items").to_vec();
    let fails = phases::enter(session, "preflight").await?;
    if nodes.iter().all(|node| node.flag("spec.unschedulable")) {
        let text = "The preflight check \"CreateJob\" was skipped because there are no schedulable Nodes in the cluster.";
        session.complain(super::klog(session, 'W', "health.go:133", text)).await;
    } else {
        session.seconds(if fails { 65.0 } else { 5.0 }).await;
    }
    if fails {
        let at = session.machine.moment().as_millisecond();
        checks.add(
            "CreateJob",
            format!("Job \"upgrade-health-check-{at}\" in the namespace \"kube-system\" did not complete in 1m0s: no condition of type Complete"),
        );
    }
    let not_ready: Vec<&str> = nodes
        .iter()
        .filter(|node| is_control_plane(node) && !is_ready(node))
        .filter_map(|node| node.at("metadata.name").and_then(Value::as_str))
        .collect();
    if !not_ready.is_empty() {
        checks.add(
            "ControlPlaneNodesReady",
            format!("there are NotReady control-planes in the cluster: [{}]", not_ready.join(" ")),
        );
    }
    let missing: Vec<&str> = COMPONENTS
        .into_iter()
        .filter(|name| {
            !session.machine.files.has(&format!("{}/{name}.yaml", crate::node::MANIFESTS))
        })
        .collect();
    if !missing.is_empty() {
        checks.add("StaticPodManifest", format!("This control plane seems to be Static Pod-hosted, but some or all of the manifest files are missing: [{}]", missing.join(" ")));
    }
    checks.end(session, flags, phase).await
}

/// Images that the node has not are pulled.
pub(super) async fn pull(
    session: &Session,
    images: &[String],
    flags: &Flags,
    phase: &str,
) -> Result<(), Failed> {
    session
        .line(
            "[upgrade/preflight] Pulling images required for setting up a Kubernetes cluster\n\
             [upgrade/preflight] This might take a minute or two, depending on the speed of your internet connection\n\
             [upgrade/preflight] You can also perform this action beforehand using 'kubeadm config images pull'",
        )
        .await;
    let mut checks = Checks::default();
    for image in images {
        if session.machine.state().images.contains_key(image) {
            continue;
        }
        if let Err(why) = crate::tools::images::fetch(session, image).await {
            checks.add("ImagePull", format!("failed to pull image {image}: {why}"));
        }
    }
    checks.end(session, flags, phase).await
}
