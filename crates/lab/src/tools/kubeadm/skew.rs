//! Which versions kubeadm upgrades to: its version skew policy (cmd/kubeadm/app/phases/upgrade/policy.go). Pure.

use semver::Version;

/// What speaks against a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Skew {
    /// Not even with `--force`.
    pub(super) mandatory: Vec<String>,
    /// With `--force`.
    pub(super) skippable: Vec<String>,
}

/// Flags that allow versions before a release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) experimental: bool,
    pub(super) candidates: bool,
}

/// `to` from `cluster` with this kubeadm, while these kubelets run.
pub(super) fn check(
    to: &Version,
    cluster: &Version,
    kubeadm: &Version,
    kubelets: &[Version],
    allowed: Allowed,
) -> Skew {
    let mut skew = Skew::default();
    let released = to.pre.is_empty();
    let mut add = |mandatory: bool, text: String| {
        if mandatory { skew.mandatory.push(text) } else { skew.skippable.push(text) }
    };
    let least = Version::new(1, kubeadm.minor.saturating_sub(1), 0);
    if *to < least {
        add(
            true,
            format!(
                "Specified version to upgrade to \"v{to}\" is equal to or lower than the minimum supported version \"v{cluster}\". Please specify a higher version to upgrade to"
            ),
        );
    }
    if to.minor > cluster.minor + 1 {
        add(
            released,
            format!(
                "Specified version to upgrade to \"v{to}\" is too high; kubeadm can upgrade only 1 minor version at a time"
            ),
        );
    }
    if to.minor + 1 < cluster.minor {
        add(
            released,
            format!(
                "Specified version to downgrade to \"v{to}\" is too low; kubeadm can downgrade only 1 minor version at a time"
            ),
        );
    }
    if kubeadm < to {
        if to.minor > kubeadm.minor {
            add(
                released,
                format!(
                    "Specified version to upgrade to \"v{to}\" is at least one minor release higher than the kubeadm minor release ({} > {}). Such an upgrade is not supported",
                    to.minor, kubeadm.minor
                ),
            );
        } else {
            add(
                false,
                format!(
                    "Specified version to upgrade to \"v{to}\" is higher than the kubeadm version \"v{kubeadm}\". Upgrade kubeadm first using the tool you used to install kubeadm"
                ),
            );
        }
    }
    if kubeadm.minor > to.minor {
        add(
            false,
            format!(
                "Kubeadm version v{kubeadm} can only be used to upgrade to Kubernetes version {}.{}",
                kubeadm.major, kubeadm.minor
            ),
        );
    }
    let candidate = to.pre.starts_with("rc");
    if !released && !allowed.experimental && !(candidate && allowed.candidates) {
        add(
            false,
            format!(
                "Specified version to upgrade to \"v{to}\" is an unstable version and such upgrades weren't allowed via setting the --allow-*-upgrades flags"
            ),
        );
    }
    let mut old: Vec<String> = kubelets
        .iter()
        .filter(|kubelet| to.minor > kubelet.minor + 3)
        .map(|v| format!("v{v}"))
        .collect();
    old.sort();
    old.dedup();
    if !old.is_empty() {
        add(
            false,
            format!(
                "There are kubelets in this cluster that are too old that have these versions [{}]",
                old.join(" ")
            ),
        );
    }
    skew
}

impl Skew {
    /// What kubeadm ends with, if it does.
    pub(super) fn verdict(&self, force: bool) -> Option<String> {
        let list =
            |all: &[String]| all.iter().map(|text| format!("\t- {text}\n")).collect::<String>();
        if !self.mandatory.is_empty() {
            return Some(format!(
                "the version argument is invalid due to these fatal errors:\n\n{}\nPlease fix the misalignments highlighted above and try upgrading again",
                list(&self.mandatory)
            ));
        }
        (!self.skippable.is_empty() && !force).then(|| {
            format!(
                "the version argument is invalid due to these errors:\n\n{}\nCan be bypassed if you pass the --force flag",
                list(&self.skippable)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cluster and kubeadm 1.37.2: what `kubeadm upgrade apply` of a real cluster said.
    #[test]
    fn versions_are_refused_as_kubeadm_refuses_them() {
        let v = |text: &str| Version::parse(text).unwrap();
        for (to, mandatory, lines) in [
            (
                "1.38.0",
                true,
                vec![
                    "Specified version to upgrade to \"v1.38.0\" is at least one minor release higher than the kubeadm minor release (38 > 37). Such an upgrade is not supported",
                ],
            ),
            (
                "1.39.0",
                true,
                vec![
                    "Specified version to upgrade to \"v1.39.0\" is too high; kubeadm can upgrade only 1 minor version at a time",
                    "Specified version to upgrade to \"v1.39.0\" is at least one minor release higher than the kubeadm minor release (39 > 37). Such an upgrade is not supported",
                ],
            ),
            ("1.37.1", false, vec![]),
            (
                "1.36.3",
                false,
                vec![
                    "Kubeadm version v1.37.2 can only be used to upgrade to Kubernetes version 1.37",
                ],
            ),
            (
                "1.37.9",
                false,
                vec![
                    "Specified version to upgrade to \"v1.37.9\" is higher than the kubeadm version \"v1.37.2\". Upgrade kubeadm first using the tool you used to install kubeadm",
                ],
            ),
        ] {
            let skew =
                check(&v(to), &v("1.37.2"), &v("1.37.2"), &[v("1.37.2")], Allowed::default());
            let (found, other) = if mandatory {
                (&skew.mandatory, &skew.skippable)
            } else {
                (&skew.skippable, &skew.mandatory)
            };
            assert_eq!(
                (found.iter().map(String::as_str).collect::<Vec<_>>(), other.len()),
                (lines, 0),
                "{to}"
            );
        }
        let skew = check(&v("1.39.0"), &v("1.37.2"), &v("1.37.2"), &[], Allowed::default());
        assert!(
            skew.verdict(true)
                .unwrap()
                .starts_with("the version argument is invalid due to these fatal errors:\n\n\t- ")
        );
        let old = check(
            &v("1.37.2"),
            &v("1.36.3"),
            &v("1.37.2"),
            &[v("1.33.0"), v("1.34.0")],
            Allowed::default(),
        );
        assert_eq!(
            old.skippable,
            [
                "There are kubelets in this cluster that are too old that have these versions [v1.33.0]"
            ]
        );
        assert_eq!((old.verdict(true), old.verdict(false).is_some()), (None, true));
        assert!(
            !check(&v("1.37.0-rc.1"), &v("1.36.3"), &v("1.37.0-rc.1"), &[], Allowed::default())
                .skippable
                .is_empty()
        );
    }
}
