//! `kubeadm reset`: the node is none any more.

use super::{error, parse};
use crate::tools::flags::{Flag, switch, value};
use crate::tools::session::{Done, Session};

const FLAGS: [Flag; 6] = [
    switch("force").or('f'),
    value("cri-socket"),
    value("ignore-preflight-errors"),
    switch("cleanup-tmp-dir"),
    switch("dry-run"),
    value("cert-dir"),
];

const DIRECTORIES: [&str; 3] =
    ["/etc/kubernetes/manifests", "/var/lib/kubelet", "/etc/kubernetes/pki"];
const FILES: [&str; 6] = [
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/bootstrap-kubelet.conf",
    "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/scheduler.conf",
];

pub(super) async fn run(session: &Session) -> Done {
    let flags = parse(session, 1, &FLAGS)?;
    if flags.on("dry-run") {
        return Err(error("--dry-run is not supported by the lab"));
    }
    if !flags.on("force") {
        session
            .line(
                "[reset] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted.\n\
                 [reset] Are you sure you want to proceed? [y/N]: ",
            )
            .await;
        let answer = String::from_utf8_lossy(&session.input().await).trim().to_lowercase();
        if answer != "y" {
            return Err(error("won't proceed; the user didn't answer (Y|y) in order to continue"));
        }
    }
    session.line("[preflight] Running pre-flight checks").await;
    if !session.is_root() {
        return Err(error("error execution phase preflight: preflight checks failed"));
    }
    let machine = &session.machine;
    let name = &machine.name;
    let io =
        |failure: std::io::Error| error(format!("error execution phase cleanup-node: {failure}"));
    if machine.files.has("/etc/kubernetes/manifests/etcd.yaml") {
        session.site.etcd().leave(name);
        machine.files.empty("/var/lib/etcd").map_err(io)?;
        session.line("[reset] Deleted contents of the etcd data directory: /var/lib/etcd").await;
    }
    session.line("[reset] Stopping the kubelet service").await;
    {
        let now = machine.now();
        let mut state = machine.state();
        state.containers.clear();
        if let Some(unit) = state.units.get_mut("kubelet.service") {
            unit.stop(now);
        }
    }
    machine.look_again();
    session.seconds(2.0).await;
    session.line("[reset] Unmounting mounted directories in \"/var/lib/kubelet\"").await;
    session
        .line(format!("[reset] Deleting contents of directories: [{}]", DIRECTORIES.join(" ")))
        .await;
    for directory in DIRECTORIES {
        machine.files.empty(directory).map_err(io)?;
    }
    session.line(format!("[reset] Deleting files: [{}]", FILES.join(" "))).await;
    for file in FILES {
        machine.files.remove(file).map_err(io)?;
    }
    session
        .line(
            "\nThe reset process does not perform cleanup of CNI plugin configuration,\nnetwork filtering rules and kubeconfig files.\n\n\
             For information on how to perform this cleanup manually, please see:\n    \
             https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/\n",
        )
        .await;
    Ok(0)
}
