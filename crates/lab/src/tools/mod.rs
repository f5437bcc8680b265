//! The programs of a node, thin faces of its model.

mod apt;
#[cfg(test)]
mod bench;
mod client;
mod dpkg;
mod etcd;
mod flags;
mod images;
mod kubeadm;
mod kubectl;
mod kubelet;
mod player;
mod proxy;
mod serve;
mod session;
mod sudo;
mod systemd;
mod when;
mod wire;

pub use player::entry;
pub use serve::serve;
pub use wire::SOCKET;

use kubectl::duration as kubectl_duration;
use session::{Done, Failed, Session};

/// Names under which the model plays, wherever a node looks for programs.
const NAMES: [&str; 20] = [
    "apt-cache",
    "apt-get",
    "apt-mark",
    "crictl",
    "ctr",
    "dpkg",
    "dpkg-query",
    "etcdctl",
    "etcdutl",
    "halt",
    "journalctl",
    "kubeadm",
    "kubectl",
    "kubelet",
    "poweroff",
    "reboot",
    "shutdown",
    "sudo",
    "systemctl",
    "systemd-run",
];

/// Names under which the model plays: the node's programs of these names are this one.
#[must_use]
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// One call of a tool.
async fn play(session: &Session) -> Done {
    match session.call.argv.first().map_or("", String::as_str) {
        "apt-get" => apt::get::run(session).await,
        "apt-cache" => apt::cache::run(session).await,
        "apt-mark" => apt::mark::run(session).await,
        "dpkg" => dpkg::dpkg(session).await,
        "dpkg-query" => dpkg::dpkg_query(session).await,
        "systemctl" => systemd::control::run(session).await,
        "systemd-run" => systemd::run::run(session).await,
        "journalctl" => systemd::journal::run(session).await,
        "reboot" | "poweroff" | "halt" => systemd::power::run(session),
        "shutdown" => systemd::power::shutdown(session).await,
        "sudo" => sudo::run(session).await,
        "kubectl" => kubectl::run(session).await,
        "kubeadm" => kubeadm::run(session).await,
        "kubelet" => kubelet::run(session).await,
        "etcdctl" => etcd::ctl::run(session).await,
        "etcdutl" => etcd::utl::run(session).await,
        "ctr" => images::ctr::run(session).await,
        "crictl" => images::crictl::run(session).await,
        other => Err(Failed::new(127, format!("{other}: command not found"))),
    }
}
