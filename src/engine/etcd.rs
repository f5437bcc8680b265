//! The members of a stacked etcd, each asked on its own control plane.

use super::playing::Playing;
use super::refused::Refused;
use super::run::Run;
use crate::cluster::Snapshot;
use crate::upgrade::EtcdMember;
use futures::StreamExt;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Status and health of the member on this host; nothing if etcd does not run here. etcdctl of the host, or of etcd's own
/// container.
const SCRIPT: &str = r#"
[ -e /etc/kubernetes/manifests/etcd.yaml ] || exit 0
certificates="--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key"
if command -v etcdctl >/dev/null; then run=; else run="kubectl --kubeconfig=/etc/kubernetes/admin.conf -n kube-system exec etcd-$(uname -n) --"; fi
$run etcdctl --endpoints=https://127.0.0.1:2379 $certificates endpoint status -w json || exit 3
echo
$run etcdctl --endpoints=https://127.0.0.1:2379 $certificates endpoint health >/dev/null 2>&1 && echo healthy || echo unhealthy
$run etcdctl --endpoints=https://127.0.0.1:2379 $certificates alarm list
"#;

/// Members, and hosts whose member could not be asked.
type Members = (Vec<EtcdMember>, Vec<(String, String)>);

impl Run {
    /// Asks every control plane that has a node. A member that cannot be asked is an unhealthy host.
    ///
    /// # Errors
    /// What is written about a host cannot be rendered.
    pub async fn etcd_members(
        &self,
        playing: &Arc<Playing>,
        mapping: &BTreeMap<String, String>,
        snapshot: &Snapshot,
    ) -> Result<Members, Refused> {
        let masters: Vec<(&String, &String)> = mapping
            .iter()
            .filter(|(_, node)| {
                snapshot.nodes.iter().any(|n| n.name == **node && n.is_control_plane())
            })
            .collect();
        let mut work = futures::stream::iter(masters)
            .map(|(host, node)| async move { (host, node, self.ask_etcd(playing, host).await) })
            .buffered(self.options.forks.max(1));
        let (mut members, mut unhealthy) = (Vec::new(), Vec::new());
        while let Some((host, node, answer)) = work.next().await {
            match answer.map_err(Refused::guard)? {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => match member(node, &text) {
                    Some(found) => members.push(found),
                    None => {
                        unhealthy.push((host.clone(), "etcd's status cannot be read".to_owned()))
                    }
                },
                Err(why) => unhealthy.push((host.clone(), format!("etcd: {why}"))),
            }
        }
        Ok((members, unhealthy))
    }

    async fn ask_etcd(
        &self,
        playing: &Arc<Playing>,
        host: &str,
    ) -> Result<Result<String, String>, mainstay_language::diag::Diagnostic> {
        let host = match self.host_as_root(playing, &Arc::from(host)).await? {
            Ok(host) => host,
            Err(error) => return Ok(Err(error.to_string())),
        };
        Ok(match host.script(SCRIPT).await {
            Ok(output) if output.ok() => Ok(output.stdout.text()),
            Ok(output) => {
                let said = output.stderr.text();
                Err(said.trim().lines().last().unwrap_or("no answer").to_owned())
            }
            Err(error) => Err(error.to_string()),
        })
    }
}

/// One member from `endpoint status -w json`, a line `healthy` or `unhealthy`, and alarms.
fn member(node: &str, text: &str) -> Option<EtcdMember> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let status: Json = serde_json::from_str(lines.next()?).ok()?;
    let status = status.get(0)?.get("Status")?;
    let id = status.get("header")?.get("member_id")?.as_u64()?;
    let healthy = lines.next() == Some("healthy");
    let alarms: Vec<&str> = lines.collect();
    let unhealthy = if !healthy {
        Some("the member is not healthy".to_owned())
    } else if alarms.is_empty() {
        None
    } else {
        Some(format!("alarm {}", alarms.join(", ")))
    };
    Some(EtcdMember {
        name: node.to_owned(),
        version: status.get("version")?.as_str()?.to_owned(),
        leader: status.get("leader").and_then(Json::as_u64) == Some(id),
        learner: status.get("isLearner").and_then(Json::as_bool).unwrap_or(false),
        unhealthy,
    })
}

#[cfg(test)]
mod tests {
    use super::member;

    /// Lines of etcdctl 3.6.8.
    const STATUS: &str = r#"[{"Endpoint":"https://127.0.0.1:2379","Status":{"header":{"cluster_id":1,"member_id":7,"revision":42,"raft_term":2},"version":"3.6.8","dbSize":5132288,"leader":7,"raftIndex":50,"raftTerm":2,"raftAppliedIndex":50,"dbSizeInUse":1}}]"#;

    #[test]
    fn reads_what_etcdctl_prints() {
        let healthy = member("cp1", &format!("{STATUS}\n\nhealthy\n")).unwrap();
        assert_eq!(
            (healthy.version.as_str(), healthy.leader, healthy.learner),
            ("3.6.8", true, false)
        );
        assert_eq!(healthy.unhealthy, None);
        let sick = member("cp1", &format!("{STATUS}\n\nunhealthy\n")).unwrap();
        assert_eq!(sick.unhealthy.as_deref(), Some("the member is not healthy"));
        let full =
            member("cp1", &format!("{STATUS}\nhealthy\nmemberID:7 alarm:NOSPACE\n")).unwrap();
        assert_eq!(full.unhealthy.as_deref(), Some("alarm memberID:7 alarm:NOSPACE"));
        assert!(member("cp1", "nonsense").is_none());
    }
}
