//! How a machine becomes a node, and how it starts and stops.

use super::configuration::{self, Cluster};
use super::machine::{Machine, Role};
use super::manifest::{self, ControlPlane};
use super::release::{Release, Releases};
use super::source::{self, CONTAINERD};
use super::unit;
use std::io;
use std::net::Ipv4Addr;

/// What a new node is made of.
#[derive(Debug, Clone)]
pub struct Provision<'a> {
    /// Version of Kubernetes.
    pub release: &'a Release,
    /// Which versions exist.
    pub releases: &'a Releases,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Members of etcd: name and address.
    pub members: &'a [(String, Ipv4Addr)],
    /// Kubeconfigs and certificates: path, content, mode.
    pub files: &'a [(String, Vec<u8>, u32)],
}

/// The repository of a minor version, as the project's own documentation writes it.
#[must_use]
pub fn repository(minor: u64) -> String {
    format!(
        "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/v1.{minor}/deb/ /\n"
    )
}

/// Installs packages, configuration and manifests, as `kubeadm init` and `kubeadm join` leave them. The machine is off.
///
/// # Errors
/// A file cannot be written.
pub fn provision(machine: &Machine, with: &Provision<'_>) -> io::Result<()> {
    let files = &machine.files;
    for (directory, mode) in DIRECTORIES {
        files.make_directory(directory, mode)?;
    }
    files.write("/etc/machine-id", format!("{}\n", machine.machine_id).as_bytes(), 0o444)?;
    let list = repository(with.release.version.minor);
    files.write("/etc/apt/sources.list.d/kubernetes.list", list.as_bytes(), 0o644)?;
    let debian = "deb http://deb.debian.org/debian bookworm main\n";
    files.write("/etc/apt/sources.list", debian.as_bytes(), 0o644)?;
    files.write("/etc/sudoers", SUDOERS.as_bytes(), 0o440)?;
    files.write("/etc/sudoers.d/90-cloud-init-users", OPERATOR.as_bytes(), 0o440)?;
    for (path, content, mode) in with.files {
        let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
        files.make_directory(directory, 0o755)?;
        files.write(path, content, *mode)?;
    }
    files.write(
        "/var/lib/kubelet/config.yaml",
        configuration::kubelet_configuration().as_bytes(),
        0o644,
    )?;
    files.write("/var/lib/kubelet/kubeadm-flags.env", b"KUBELET_KUBEADM_ARGS=\"\"\n", 0o644)?;
    if machine.role == Role::ControlPlane {
        files.make_directory(manifest::DIRECTORY, 0o700)?;
        files.make_directory("/var/lib/etcd/member/snap", 0o700)?;
        files.make_directory("/var/lib/etcd/member/wal", 0o700)?;
        for (name, text) in manifest::all(&control_plane(machine, with)) {
            files.write(&format!("{}/{name}", manifest::DIRECTORY), text.as_bytes(), 0o600)?;
        }
    }
    let now = machine.now();
    let mut state = machine.state();
    state.certificates_since = now;
    state.packages.installed = source::initial(&with.release.version, with.releases);
    let origins = source::sources(files, "/etc/apt/sources.list", Some("/etc/apt/sources.list.d"))?;
    for origin in origins.unwrap_or_default() {
        if let Some(packages) = origin.fetch(with.releases) {
            state.packages.lists.push(super::package::List { origin, packages });
        }
    }
    state.images = with
        .release
        .images(&with.release.version)
        .into_iter()
        .filter(|image| {
            machine.role == Role::ControlPlane
                || image.contains("kube-proxy")
                || image.contains("pause")
        })
        .map(|image| (image, 60_000_000))
        .collect();
    Ok(())
}

/// Debian's own.
const SUDOERS: &str = "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n";

/// The user of images for machines in a cloud: may everything, without a password.
const OPERATOR: &str = "ops ALL=(ALL) NOPASSWD:ALL\n";

const DIRECTORIES: [(&str, u32); 9] = [
    ("/etc/sudoers.d", 0o755),
    ("/etc/apt/sources.list.d", 0o755),
    ("/etc/systemd/system", 0o755),
    ("/etc/kubernetes", 0o755),
    ("/etc/containerd", 0o755),
    ("/var/lib/kubelet/pki", 0o755),
    ("/var/lib/apt/lists/partial", 0o755),
    ("/var/lib/dpkg", 0o755),
    ("/run/systemd/system", 0o755),
];

fn control_plane<'a>(machine: &'a Machine, with: &Provision<'a>) -> ControlPlane<'a> {
    ControlPlane {
        name: &machine.name,
        address: machine.address,
        members: with.members,
        release: with.release,
        pod_subnet: &with.cluster.pod_subnet,
        service_subnet: &with.cluster.service_subnet,
    }
}

/// Units start as after a boot. Nothing of the time before runs any longer.
pub fn boot(machine: &Machine) {
    let now = machine.now();
    {
        let mut state = machine.state();
        let disabled: Vec<(String, &'static str)> = state
            .units
            .iter()
            .filter(|(_, unit)| unit.file_state != "transient")
            .map(|(name, unit)| (name.clone(), unit.file_state))
            .collect();
        let kept: Vec<(String, unit::Unit)> = state
            .units
            .iter()
            .filter(|(_, unit)| {
                matches!(unit.kind, unit::Kind::Program { .. }) && unit.file_state != "transient"
            })
            .map(|(name, unit)| {
                (
                    name.clone(),
                    unit::Unit::new(
                        unit.kind.clone(),
                        &unit.description,
                        &unit.path,
                        unit.file_state,
                    ),
                )
            })
            .collect();
        state.units = unit::initial(now);
        state.units.extend(kept);
        for (name, file_state) in disabled {
            if let Some(unit) = state.units.get_mut(&name) {
                unit.file_state = file_state;
            }
        }
        state.containers.clear();
        state.dpkg_lock = None;
        state.stopping = false;
        state.last_pid = 500;
        state.log(now, "init.scope", "systemd[1]", "Startup finished.");
        let pid = state.pid();
        if let Some(runtime) =
            state.units.get_mut("containerd.service").filter(|unit| unit.file_state == "enabled")
        {
            runtime.run(pid, now);
            runtime.started = Some(CONTAINERD.to_owned());
        }
    }
    let enabled = machine
        .state()
        .units
        .get("kubelet.service")
        .is_some_and(|unit| unit.file_state == "enabled");
    if enabled {
        super::kubelet::start(machine);
    }
    machine.look_again();
}

/// Nothing of it runs any longer.
pub fn switch_off(machine: &Machine) {
    {
        let mut state = machine.state();
        state.stopping = true;
        state.containers.clear();
        for unit in state.units.values_mut() {
            unit.stop(0);
        }
    }
    machine.apiserver.send_replace(None);
    machine.kubelet.send_replace(None);
}
