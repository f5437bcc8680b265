//! etcdctl and etcdutl. Compared with 3.6.8 on a cluster: endpoint health and status, member list, alarm list in all formats,
//! snapshot save, snapshot status of a whole, a cut and a missing file, version.

pub(super) mod ctl;
mod table;
#[cfg(test)]
mod tests;
pub(super) mod utl;

use super::session::Session;
use crate::node::read_manifest;

/// Version of the etcd that the node's manifest names, which is that of its tools.
fn version(session: &Session) -> String {
    let text = session
        .machine
        .files
        .text(&format!("{}/etcd.yaml", crate::node::MANIFESTS))
        .unwrap_or_default();
    let tag = read_manifest(&text).map(|pod| pod.tag().to_owned());
    tag.and_then(|tag| tag.split('-').next().map(str::to_owned))
        .unwrap_or_else(|| "3.6.8".to_owned())
}

/// `3.6` of `3.6.8`.
fn minor(version: &str) -> String {
    version.rsplit_once('.').map_or(version, |(minor, _)| minor).to_owned()
}
