//! What the kubelet and the runtime of one machine do by themselves: static pods follow their manifests, a kubelet that
//! cannot live is started again and again.

use super::machine::{Container, Kubelet, Machine};
use super::manifest::{self, StaticPod};
use super::release;
use super::site::Site;
use super::unit::Active;
use crate::fault::Fault;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long static pods take from their manifest to their first answer: stop, start, probes.
fn starts_in(component: &str) -> Duration {
    Duration::from_secs(match component {
        "kube-apiserver" => 18,
        "etcd" => 12,
        _ => 8,
    })
}

/// Between a failure of the kubelet and its next start: `RestartSec=10` of its unit.
const AGAIN: Duration = Duration::from_secs(10);
/// The kubelet looks at its manifests at least this often.
const LOOK: Duration = Duration::from_secs(2);
/// But not more often than this, in real time.
const LOOK_FLOOR: Duration = Duration::from_millis(50);

/// Follows one machine until it is dropped.
pub async fn follow(machine: Arc<Machine>, site: Arc<Site>) {
    let mut starting: BTreeMap<String, Instant> = BTreeMap::new();
    let mut again: Option<Instant> = None;
    let mut known = Known::new();
    loop {
        // Durations of the model are short with a fast pace; what is asked of the machine comes at once.
        let look = site.pace.at_least(LOOK, LOOK_FLOOR);
        let _elapsed = tokio::time::timeout(look, machine.changed.notified()).await;
        keep_alive(&machine, &site, &mut again);
        static_pods(&machine, &site, &mut starting, &mut known);
        publish(&machine, &site);
    }
}

/// Why the kubelet of this machine exits as soon as it is started: the words of its log, and its exit status.
#[must_use]
pub fn cannot_run(machine: &Machine) -> Option<(String, i32)> {
    let broken = machine
        .fault(|name, fault| {
            matches!(fault, Fault::KubeletBroken { node } if node == name).then_some(())
        })
        .is_some();
    if broken {
        return Some((
            "\"command failed\" err=\"failed to run Kubelet: the lab broke it\"".to_owned(),
            1,
        ));
    }
    let configuration = "/var/lib/kubelet/config.yaml";
    if !machine.files.has(configuration) {
        let why = format!("open {configuration}: no such file or directory");
        return Some((
            format!(
                "\"command failed\" err=\"failed to load kubelet config file, path: {configuration}, error: failed to load \
                 Kubelet config file {configuration}, error failed to read kubelet config file \\\"{configuration}\\\", \
                 error: {why}\""
            ),
            1,
        ));
    }
    let kubeconfig = "/etc/kubernetes/kubelet.conf";
    if !machine.files.has(kubeconfig)
        && !machine.files.has("/etc/kubernetes/bootstrap-kubelet.conf")
    {
        return Some((
            "\"command failed\" err=\"failed to run Kubelet: unable to load bootstrap kubeconfig: stat \
             /etc/kubernetes/bootstrap-kubelet.conf: no such file or directory\""
                .to_owned(),
            1,
        ));
    }
    None
}

/// Starts the kubelet, or lets it fail as systemd sees it fail.
pub fn start(machine: &Machine) {
    let why = cannot_run(machine);
    let now = machine.now();
    let mut state = machine.state();
    let version = state.kubernetes("kubelet");
    let pid = state.pid();
    let Some(unit) = state.units.get_mut("kubelet.service") else { return };
    let lines = match (version, why) {
        (Some(version), None) => {
            unit.run(pid, now);
            unit.started = Some(version.to_string());
            vec![
                (
                    format!("kubelet[{pid}]"),
                    format!("\"Kubelet version\" kubeletVersion=\"v{version}\""),
                ),
                (format!("kubelet[{pid}]"), "\"Started kubelet\"".to_owned()),
            ]
        }
        (version, why) => {
            let (text, status) =
                why.unwrap_or(("Unable to locate executable '/usr/bin/kubelet'".to_owned(), 203));
            unit.started = None;
            unit.restart_later(if version.is_some() { status } else { 203 }, now);
            vec![
                (format!("kubelet[{pid}]"), text),
                (
                    "systemd[1]".to_owned(),
                    format!(
                        "kubelet.service: Main process exited, code=exited, status={status}/FAILURE"
                    ),
                ),
                (
                    "systemd[1]".to_owned(),
                    "kubelet.service: Failed with result 'exit-code'.".to_owned(),
                ),
            ]
        }
    };
    state.log(
        now,
        "kubelet.service",
        "systemd[1]",
        "Started kubelet.service - kubelet: The Kubernetes Node Agent.",
    );
    for (by, text) in lines {
        state.log(now, "kubelet.service", &by, text);
    }
    drop(state);
    machine.look_again();
}

/// A kubelet that runs may become unable to; one that failed is tried again.
fn keep_alive(machine: &Machine, site: &Site, again: &mut Option<Instant>) {
    let active = machine.state().units.get("kubelet.service").map(|unit| unit.active);
    match active {
        Some(Active::Activating) => {
            let at = *again.get_or_insert_with(|| Instant::now() + site.pace.of(AGAIN));
            if Instant::now() >= at {
                *again = None;
                start(machine);
            }
        }
        Some(Active::Active) if cannot_run(machine).is_some() => start(machine),
        _ => *again = None,
    }
}

/// Manifests that were read already: file name, text, what it says.
type Known = BTreeMap<String, (String, Option<StaticPod>)>;

/// What the manifests ask for.
fn wanted(machine: &Machine, known: &mut Known) -> BTreeMap<String, StaticPod> {
    let names = machine.files.list(manifest::DIRECTORY).unwrap_or_default();
    known.retain(|name, _| names.contains(name));
    for name in names.into_iter().filter(|name| !name.starts_with('.')) {
        let Ok(text) = machine.files.text(&format!("{}/{name}", manifest::DIRECTORY)) else {
            known.remove(&name);
            continue;
        };
        if known.get(&name).is_none_or(|(before, _)| *before != text) {
            let pod = manifest::read(&text);
            known.insert(name, (text, pod));
        }
    }
    let pods = known.values().filter_map(|(_, pod)| pod.clone());
    pods.map(|pod| (pod.name.clone(), pod)).collect()
}

/// Containers follow the manifests, as long as there is a kubelet that makes them.
fn static_pods(
    machine: &Machine,
    site: &Site,
    starting: &mut BTreeMap<String, Instant>,
    known: &mut Known,
) {
    let now = machine.now();
    let kubelet_runs =
        machine.state().units.get("kubelet.service").is_some_and(super::unit::Unit::is_active);
    let runtime_runs =
        machine.state().units.get("containerd.service").is_some_and(super::unit::Unit::is_active);
    if kubelet_runs && runtime_runs {
        let wanted = wanted(machine, known);
        let mut state = machine.state();
        state.containers.retain(|name, _| wanted.contains_key(name));
        for (name, pod) in wanted {
            if state.containers.get(&name).is_none_or(|container| container.pod != pod) {
                starting.insert(name.clone(), Instant::now() + site.pace.of(starts_in(&name)));
                state.images.entry(pod.image.clone()).or_insert(60_000_000);
                state.containers.insert(name, Container { pod, up: false, since: now });
            }
        }
    }
    if starting.get("etcd").is_some_and(|at| Instant::now() >= *at) {
        take_over(machine, site);
    }
    let mut state = machine.state();
    starting.retain(|name, at| {
        let Some(container) = state.containers.get_mut(name) else { return false };
        if Instant::now() < *at {
            return true;
        }
        (container.up, container.since) = (true, now);
        false
    });
}

/// A member that starts on a restored data directory begins with what is there: `etcdutl snapshot restore` left it.
fn take_over(machine: &Machine, site: &Site) {
    const RESTORED: &str = "/var/lib/etcd/member/snap/db";
    let Ok(bytes) = machine.files.read(RESTORED) else { return };
    let restored = super::etcd::Snapshot::from_bytes(&bytes)
        .map_err(|why| why.to_string())
        .and_then(|snapshot| site.database.restore(snapshot.keys));
    if let Err(why) = restored {
        machine.log(
            "kubelet.service",
            "etcd",
            format!("recovering backend from snapshot error: {why}"),
        );
    }
    // From here on the store is the data.
    drop(machine.files.remove(RESTORED));
}

/// Tells the rest of the lab.
fn publish(machine: &Machine, site: &Site) {
    let etcd_serves = site.etcd_serves();
    let (server, kubelet) = {
        let state = machine.state();
        let server = state.containers.get("kube-apiserver").filter(|c| c.up && etcd_serves);
        let server = server.and_then(|container| release::parse(container.pod.tag()));
        let unit = state.units.get("kubelet.service").filter(|unit| unit.is_active());
        let version = unit.and_then(|unit| release::parse(unit.started.as_deref()?));
        let ready = state.units.get("containerd.service").is_some_and(super::unit::Unit::is_active);
        let running = state.containers.values().filter(|c| c.up).map(|c| c.pod.clone());
        let static_pods: Vec<StaticPod> = running.collect();
        (server, version.map(|version| Kubelet { version, ready, static_pods }))
    };
    machine.apiserver.send_if_modified(|old| replace(old, server));
    machine.kubelet.send_if_modified(|old| replace(old, kubelet));
}

fn replace<T: PartialEq>(old: &mut T, new: T) -> bool {
    let other = *old != new;
    *old = new;
    other
}
