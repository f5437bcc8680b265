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
    if *to < Version::new(1, kubeadm.minor.saturating_sub(1), 0) {
        let text = format!(
            "Specified version to upgrade to \"v{to}\" is equal to or lower than the minimum supported version \"v{cluster}\". Please specify a higher version to upgrade to"
        );
        skew.mandatory.push(text);
    }
    distance(&mut skew, to, cluster);
    own_version(&mut skew, to, kubeadm);
    let candidate = to.pre.starts_with("rc");
    if !(to.pre.is_empty() || allowed.experimental || candidate && allowed.candidates) {
        let text = format!(
            "Specified version to upgrade to \"v{to}\" is an unstable version and such upgrades weren't allowed via setting the --allow-*-upgrades flags"
        );
        skew.skippable.push(text);
    }
    let old = kubelets.iter().filter(|kubelet| to.minor > kubelet.minor + 3);
    let old: std::collections::BTreeSet<String> =
        old.map(|version| format!("v{version}")).collect();
    if !old.is_empty() {
        let list = old.into_iter().collect::<Vec<_>>().join(" ");
        skew.skippable.push(format!(
            "There are kubelets in this cluster that are too old that have these versions [{list}]"
        ));
    }
    skew
}

/// One minor at a time; before a release more is possible with `--force`.
fn distance(skew: &mut Skew, to: &Version, cluster: &Version) {
    if to.minor > cluster.minor + 1 {
        let text = format!(
            "Specified version to upgrade to \"v{to}\" is too high; kubeadm can upgrade only 1 minor version at a time"
        );
        skew.add(to.pre.is_empty(), text);
    }
    if to.minor + 1 < cluster.minor {
        let text = format!(
            "Specified version to downgrade to \"v{to}\" is too low; kubeadm can downgrade only 1 minor version at a time"
        );
        skew.add(to.pre.is_empty(), text);
    }
}

/// The minor of kubeadm is that of the target.
fn own_version(skew: &mut Skew, to: &Version, kubeadm: &Version) {
    if to.minor > kubeadm.minor {
        let text = format!(
            "Specified version to upgrade to \"v{to}\" is at least one minor release higher than the kubeadm minor release ({} > {}). Such an upgrade is not supported",
            to.minor, kubeadm.minor
        );
        skew.add(to.pre.is_empty(), text);
    } else if kubeadm < to {
        let text = format!(
            "Specified version to upgrade to \"v{to}\" is higher than the kubeadm version \"v{kubeadm}\". Upgrade kubeadm first using the tool you used to install kubeadm"
        );
        skew.add(false, text);
    }
    if kubeadm.minor > to.minor {
        let text = format!(
            "Kubeadm version v{kubeadm} can only be used to upgrade to Kubernetes version {}.{}",
            kubeadm.major, kubeadm.minor
        );
        skew.add(false, text);
    }
}

impl Skew {
    fn add(&mut self, mandatory: bool, text: String) {
        let list = if mandatory { &mut self.mandatory } else { &mut self.skippable };
        list.push(text);
    }

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
