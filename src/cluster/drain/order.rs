//! Which pods go before others. Pure.

use super::filter::finished;
use crate::cluster::{ClusterError, parse_selector};
use k8s_openapi::api::core::v1::Pod;
use kube::core::SelectorExt;
use std::collections::BTreeMap;

/// Pods that match go with this priority; the first rule that matches a pod decides, others have priority 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRule {
    /// kubectl's label selector syntax.
    pub selector: String,
    /// Low first; the next priority starts when all pods of this one have gone.
    pub priority: i32,
    /// Not evicted: waited for until they have ended by themselves.
    pub wait_completed: bool,
}

/// Pods that go together, and whether they are only waited for; low priority first.
pub(super) type Group<'a> = Vec<(&'a Pod, bool)>;

pub(super) fn groups<'a>(
    pods: &'a [Pod],
    rules: &[OrderRule],
) -> Result<Vec<Group<'a>>, ClusterError> {
    let mut parsed = Vec::new();
    for rule in rules {
        let selector = parse_selector(&rule.selector).map_err(ClusterError::Config)?;
        parsed.push((selector, rule));
    }
    let mut groups: BTreeMap<i32, Group<'a>> = BTreeMap::new();
    for pod in pods {
        let labels = pod.metadata.labels.clone().unwrap_or_default();
        let rule = parsed.iter().find(|(s, _)| s.matches(&labels)).map(|(_, rule)| rule);
        let priority = rule.map_or(0, |r| r.priority);
        let wait = rule.is_some_and(|r| r.wait_completed) && !finished(pod);
        groups.entry(priority).or_default().push((pod, wait));
    }
    Ok(groups.into_values().collect())
}
