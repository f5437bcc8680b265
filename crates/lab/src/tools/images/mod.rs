//! Images of the container runtime: ctr of containerd 2.3.7 and crictl. Compared on a node: `ctr images ls`, `ls -q` with a
//! filter, `pull` of an unknown image, `version`.

pub(super) mod crictl;
pub(super) mod ctr;

use super::session::Session;
use crate::node::Unit;
use sha2::{Digest, Sha256};

/// Whether the runtime answers.
fn runs(session: &Session) -> bool {
    session.machine.state().units.get("containerd.service").is_some_and(Unit::is_active)
}

/// `registry.k8s.io/NAME:TAG`, with the registry and tag that a short reference means.
fn normal(reference: &str) -> String {
    let first = reference.split('/').next().unwrap_or_default();
    let has_registry = reference.contains('/') && (first.contains('.') || first.contains(':'));
    let full = match (has_registry, reference.contains('/')) {
        (true, _) => reference.to_owned(),
        (false, true) => format!("docker.io/{reference}"),
        (false, false) => format!("docker.io/library/{reference}"),
    };
    let name = full.rsplit('/').next().unwrap_or_default();
    if name.contains(':') || full.contains('@') { full } else { format!("{full}:latest") }
}

/// Whether a registry has it: all of registry.k8s.io that the lab's releases name, and what anybody else calls an image of
/// `docker.io`, `quay.io` or `ghcr.io`. Not: versions of Kubernetes that do not exist.
fn exists(session: &Session, reference: &str) -> bool {
    let Some(name) = reference.strip_prefix("registry.k8s.io/") else {
        return ["docker.io/", "quay.io/", "ghcr.io/"]
            .iter()
            .any(|registry| reference.starts_with(registry));
    };
    let (name, tag) = name.rsplit_once(':').unwrap_or((name, ""));
    let releases = &session.site.releases;
    let all = || (0..100).flat_map(|minor| releases.of_minor(minor));
    match name {
        "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kube-proxy" => {
            all().any(|release| format!("v{}", release.version) == tag)
        }
        "etcd" => all().any(|release| release.etcd == tag),
        "coredns/coredns" => all().any(|release| release.coredns == tag),
        "pause" => all().any(|release| release.pause == tag),
        _ => false,
    }
}

/// Bytes of an image: the same for the same name.
fn bytes(reference: &str) -> u64 {
    match reference {
        name if name.contains("/pause:") => 2_190_206,
        name if name.contains("kube-apiserver") => 105_514_264,
        name if name.contains("kube-controller-manager") => 95_614_231,
        name if name.contains("kube-proxy") => 79_360_851,
        name if name.contains("coredns") => 74_383_239,
        name if name.contains("kube-scheduler") => 72_844_567,
        _ => 61_562_647,
    }
}

/// The digest of an image: made up of its name, as there is nothing else.
fn digest(reference: &str) -> String {
    Sha256::digest(reference.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Pulls an image into the runtime.
///
/// # Errors
/// In the words of the runtime.
pub(super) async fn fetch(session: &Session, reference: &str) -> Result<(), String> {
    let reference = normal(reference);
    session.seconds(2.0).await;
    if !exists(session, &reference) {
        return Err(format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"{reference}\": failed to resolve image: {reference}: not found"
        ));
    }
    if session.machine.disk_is_full() {
        return Err(format!(
            "rpc error: code = Unknown desc = failed to pull and unpack image \"{reference}\": failed to extract layer: no space left on device"
        ));
    }
    session.machine.state().images.insert(reference.clone(), bytes(&reference));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn references() {
        for (short, full) in [
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("nginx", "docker.io/library/nginx:latest"),
            ("calico/node:v3", "docker.io/calico/node:v3"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
        ] {
            assert_eq!(normal(short), full);
        }
    }
}
