//! Kubernetes versions.

use semver::Version;

/// Parses `1.37.2` or `v1.37.2`.
///
/// # Errors
/// A fragment that says what was expected.
pub fn parse_version(text: &str) -> Result<Version, String> {
    let text = text.trim();
    let parsed = Version::parse(text.strip_prefix('v').unwrap_or(text))
        .map_err(|_| format!("expected a version like 1.37.2, found {text:?}"))?;
    if parsed.major != 1 {
        return Err(format!("expected a Kubernetes 1.x version, found {text:?}"));
    }
    Ok(parsed)
}

/// Whether it is a build that kubeadm does not manage: `v1.36.3+k3s1`, `v1.36.3-eks-1a2b`.
pub(super) fn is_vendor(version: &Version) -> bool {
    let pre = version.pre.as_str();
    let upstream = ["alpha.", "beta.", "rc."].iter().any(|kind| pre.starts_with(kind));
    !version.build.is_empty() || (!pre.is_empty() && !upstream)
}

/// Minors between two versions; positive if the first is newer.
pub(super) fn minors(newer: &Version, older: &Version) -> i128 {
    i128::from(newer.minor) - i128::from(older.minor)
}

/// How many minors a kubelet may be older than an API server: 3, or 2 before 1.25.
pub(super) fn kubelet_skew(kubelet: &Version) -> i128 {
    if kubelet.minor < 25 { 2 } else { 3 }
}
