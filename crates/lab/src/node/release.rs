//! Releases of Kubernetes that exist in the lab, and what kubeadm of each brings with it.

use semver::Version;

/// What kubeadm of one release installs besides Kubernetes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Of Kubernetes.
    pub version: Version,
    /// Tag of etcd's image, such as `3.6.8-0`.
    pub etcd: &'static str,
    /// Tag of the image of CoreDNS, such as `v1.14.2`.
    pub coredns: &'static str,
    /// Tag of the pause image.
    pub pause: &'static str,
}

/// minor, patch, etcd, CoreDNS, pause. Of each minor the newest patch that the package repository and the module proxy
/// had; constants from cmd/kubeadm/app/constants/constants.go of that tag. Oldest first.
const KNOWN: [(u64, u64, &str, &str, &str); 6] = [
    (32, 13, "3.5.24-0", "v1.11.3", "3.10"),
    (33, 13, "3.5.24-0", "v1.12.0", "3.10"),
    (34, 4, "3.6.5-0", "v1.12.1", "3.10.1"),
    (35, 4, "3.6.6-0", "v1.13.1", "3.10.1"),
    (36, 3, "3.6.8-0", "v1.14.2", "3.10.2"),
    (37, 2, "3.7.0-0", "v1.14.6", "3.10.2"),
];

/// Which versions there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releases(Vec<Release>);

impl Default for Releases {
    /// Every patch up to the newest known one of each minor.
    fn default() -> Self {
        let patches = |(minor, newest, etcd, coredns, pause)| {
            (0..=newest).map(move |patch| Release {
                version: Version::new(1, minor, patch),
                etcd,
                coredns,
                pause,
            })
        };
        Self(KNOWN.into_iter().flat_map(patches).collect())
    }
}

impl Releases {
    /// This release, if it exists.
    #[must_use]
    pub fn get(&self, version: &Version) -> Option<&Release> {
        self.0.iter().find(|release| release.version == *version)
    }

    /// Releases of a minor, oldest first; none if it does not exist.
    pub fn of_minor(&self, minor: u64) -> impl Iterator<Item = &Release> {
        self.0.iter().filter(move |release| release.version.minor == minor)
    }

    /// The newest patch of a minor.
    #[must_use]
    pub fn newest_of(&self, minor: u64) -> Option<&Release> {
        self.of_minor(minor).last()
    }

    /// The newest of all.
    #[must_use]
    pub fn newest(&self) -> Option<&Release> {
        self.0.last()
    }
}

impl Release {
    /// Images in the order of `kubeadm config images list --kubernetes-version VERSION`: those of Kubernetes have the
    /// version that is asked for, the others that which this kubeadm knows (compared with kubeadm 1.36.3 and 1.37.2).
    #[must_use]
    pub fn images(&self, version: &Version) -> Vec<String> {
        let mut images: Vec<String> = COMPONENTS
            .into_iter()
            .chain(["kube-proxy"])
            .map(|component| format!("registry.k8s.io/{component}:v{version}"))
            .collect();
        images.push(format!("registry.k8s.io/coredns/coredns:{}", self.coredns));
        images.push(format!("registry.k8s.io/pause:{}", self.pause));
        images.push(format!("registry.k8s.io/etcd:{}", self.etcd));
        images
    }
}

/// Static pods of a control plane besides etcd, in the order in which kubeadm upgrades them.
pub const COMPONENTS: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// `v1.37.2` or `1.37.2`.
#[must_use]
pub fn parse(text: &str) -> Option<Version> {
    Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kubeadm config images list --kubernetes-version v1.37.2` of kubeadm 1.36.3.
    #[test]
    fn images_are_those_that_kubeadm_lists() {
        let releases = Releases::default();
        let old = releases.get(&Version::new(1, 36, 3)).unwrap();
        assert_eq!(
            old.images(&Version::new(1, 37, 2)),
            [
                "registry.k8s.io/kube-apiserver:v1.37.2",
                "registry.k8s.io/kube-controller-manager:v1.37.2",
                "registry.k8s.io/kube-scheduler:v1.37.2",
                "registry.k8s.io/kube-proxy:v1.37.2",
                "registry.k8s.io/coredns/coredns:v1.14.2",
                "registry.k8s.io/pause:3.10.2",
                "registry.k8s.io/etcd:3.6.8-0",
            ]
        );
        assert_eq!(releases.newest_of(99), None);
        assert_eq!(releases.newest().unwrap().version, Version::new(1, 37, 2));
    }
}
