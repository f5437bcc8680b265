//! How `kubeadm upgrade` brings the static pods of a control plane to another version: one after the other, back to where
//! they were if one does not come.

use super::phases;
use crate::node::{
    COMPONENTS, Cluster, ControlPlane, MANIFESTS, Machine, Release, manifests, read_manifest,
};
use crate::tools::session::{Failed, Session};
use crate::tools::when;
use std::time::Duration;

const PHASE: &str = "control-plane";
const TMP: &str = "/etc/kubernetes/tmp";
/// `upgradeManifests` of kubeadm's timeouts.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where files are kept meanwhile.
struct Places {
    new: String,
    backup: String,
}

/// Certificates that are renewed with each component.
fn certificates(component: &str) -> &'static [&'static str] {
    match component {
        "etcd" => &["etcd-server", "etcd-peer", "etcd-healthcheck-client"],
        "kube-apiserver" => &[
            "apiserver",
            "apiserver-kubelet-client",
            "front-proxy-client",
            "apiserver-etcd-client",
        ],
        "kube-controller-manager" => &["controller-manager.conf"],
        _ => &["scheduler.conf"],
    }
}

/// Version of the API server that the manifest names.
pub(super) fn present(machine: &Machine) -> Option<semver::Version> {
    let text = machine.files.text(&format!("{MANIFESTS}/kube-apiserver.yaml")).ok()?;
    crate::node::parse_version(read_manifest(&text)?.tag())
}

pub(super) async fn upgrade(
    session: &Session,
    release: &Release,
    cluster: &Cluster,
) -> Result<(), Failed> {
    let machine = &session.machine;
    let io = |error: std::io::Error| phases::failed(PHASE, error);
    let at = machine.now();
    let number = machine.moment().as_nanosecond().unsigned_abs() % 4_000_000_000;
    let places = Places {
        new: format!("{TMP}/kubeadm-upgraded-manifests{number}"),
        backup: format!("{TMP}/kubeadm-backup-manifests-{}", when::file_name(at)),
    };
    machine.files.make_directory(TMP, 0o700).map_err(io)?;
    machine.files.make_directory(&places.new, 0o700).map_err(io)?;
    machine.files.make_directory(&places.backup, 0o700).map_err(io)?;
    session
        .line(format!(
            "[upgrade/staticpods] Writing new Static Pod manifests to \"{}\"",
            places.new
        ))
        .await;
    // An upgrade writes etcd's manifest for this member alone.
    let members = [(machine.name.clone(), machine.address)];
    let plane = ControlPlane {
        name: &machine.name,
        address: machine.address,
        members: &members,
        release,
        pod_subnet: &cluster.pod_subnet,
        service_subnet: &cluster.service_subnet,
    };
    for (name, text) in manifests(&plane) {
        machine.save(&format!("{}/{name}", places.new), text.as_bytes(), 0o600).map_err(io)?;
    }
    etcd_is_healthy(session).await?;
    let backup = format!("{TMP}/kubeadm-backup-etcd-{}", when::file_name(at));
    machine.files.make_directory(&format!("{backup}/etcd"), 0o700).map_err(io)?;
    let copied = machine.save(&format!("{backup}/etcd/lab"), b"", 0o600);
    copied.map_err(|error| {
        phases::failed(PHASE, format!("failed to back up etcd data, output: \"\": {error}"))
    })?;
    let mut done: Vec<&str> = Vec::new();
    for component in std::iter::once("etcd").chain(COMPONENTS) {
        done.push(component);
        if let Err(why) = one(session, component, &places).await {
            roll_back(machine, &places, &done, component == "etcd");
            return Err(fatal(session, component, &why).await);
        }
        if component == "etcd" {
            session.line("[upgrade/etcd] Waiting for etcd to become available").await;
        }
    }
    machine.files.empty(&places.new).map_err(io)?;
    machine.state().certificates_since = at;
    Ok(())
}

async fn etcd_is_healthy(session: &Session) -> Result<(), Failed> {
    let members: Vec<(String, std::net::Ipv4Addr)> =
        session.site.etcd().members.iter().map(|m| (m.name.clone(), m.address)).collect();
    for (name, address) in members {
        if !session.site.member_runs(&name) {
            session.seconds(10.0).await;
            return Err(phases::failed(
                PHASE,
                format!(
                    "etcd cluster is not healthy: failed to dial endpoint https://{address}:2379 with maintenance client: context deadline exceeded"
                ),
            ));
        }
    }
    Ok(())
}

/// Moves one manifest and waits for what the kubelet makes of it.
async fn one(session: &Session, component: &str, places: &Places) -> Result<(), String> {
    let files = &session.machine.files;
    session.line(format!("[upgrade/staticpods] Preparing for \"{component}\" upgrade")).await;
    let real = format!("{MANIFESTS}/{component}.yaml");
    let new = format!("{}/{component}.yaml", places.new);
    let backup = format!("{}/{component}.yaml", places.backup);
    let io = |error: std::io::Error| error.to_string();
    let (old_text, new_text) = (files.text(&real).map_err(io)?, files.text(&new).map_err(io)?);
    if old_text == new_text {
        session.line(format!("[upgrade/staticpods] Current and new manifests of {component} are equal, skipping upgrade")).await;
        return Ok(());
    }
    for certificate in certificates(component) {
        session.line(format!("[upgrade/staticpods] Renewing {certificate} certificate")).await;
    }
    session
        .line(format!("[upgrade/staticpods] Moving new manifest to \"{real}\" and backing up old manifest to \"{backup}\""))
        .await;
    files.write(&backup, old_text.as_bytes(), 0o600).map_err(io)?;
    let phase = if component == "etcd" { "etcd" } else { "control-plane" };
    let fails = (component == "etcd" || component == "kube-apiserver")
        && phases::enter(session, phase).await.map_err(|failed| failed.text)?;
    if !fails {
        files.rename(&new, &real).map_err(io)?;
        session.machine.look_again();
    }
    session
        .line(
            "[upgrade/staticpods] Waiting for the kubelet to restart the component\n\
             [upgrade/staticpods] This can take up to 5m0s",
        )
        .await;
    let hash = read_manifest(&new_text).map(|pod| pod.hash).unwrap_or_default();
    let node = &session.machine.name;
    if fails || !comes(session, component, &hash).await {
        if fails {
            session.wait(PATIENCE).await;
        }
        return Err(format!(
            "static Pod hash for component {component} on Node {node} did not change after 5m0s: context deadline exceeded"
        ));
    }
    session
        .line(format!("[apiclient] Found 1 Pods for label selector component={component}"))
        .await;
    session
        .line(format!("[upgrade/staticpods] Component \"{component}\" upgraded successfully!"))
        .await;
    Ok(())
}

/// Whether the new pod answers in time, and the API with it.
async fn comes(session: &Session, component: &str, hash: &str) -> bool {
    let step = Duration::from_millis(500);
    let mut left = PATIENCE;
    while left > Duration::ZERO {
        let up = session
            .machine
            .state()
            .containers
            .get(component)
            .is_some_and(|c| c.up && c.pod.hash == hash);
        if up && session.machine.apiserver.borrow().is_some() {
            return true;
        }
        session.wait(step).await;
        left = left.saturating_sub(step);
    }
    false
}

/// Manifests go back; etcd's only if etcd itself failed.
fn roll_back(machine: &Machine, places: &Places, done: &[&str], etcd: bool) {
    for component in done.iter().filter(|component| **component != "etcd" || etcd) {
        let backup = format!("{}/{component}.yaml", places.backup);
        if let Ok(text) = machine.files.read(&backup) {
            // kubeadm reports the first error and goes on with the next manifest.
            drop(machine.files.write(&format!("{MANIFESTS}/{component}.yaml"), &text, 0o600));
        }
    }
    machine.look_again();
}

async fn fatal(session: &Session, component: &str, why: &str) -> Failed {
    let tried = "couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced";
    if component != "etcd" {
        return phases::failed(PHASE, format!("{tried}: {why}"));
    }
    session.line(format!("[upgrade/etcd] Failed to upgrade etcd: {tried}: {why}")).await;
    session.line("[upgrade/etcd] Waiting for previous etcd to become available").await;
    session.line("[upgrade/etcd] Etcd was rolled back and is now available").await;
    phases::failed(
        PHASE,
        format!(
            "fatal error when trying to upgrade the etcd cluster, rolled the state back to pre-upgrade state: {tried}: {why}"
        ),
    )
}
