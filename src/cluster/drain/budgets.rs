//! Which budget refuses an eviction, and by how much.

use crate::cluster::ClusterError;
use crate::cluster::api::Api;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::{Selector, SelectorExt, Status};

/// A refusal explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Budgets that cover the pod, `namespace/name`, if a budget refuses.
    pub(super) budget: Option<String>,
    /// For people.
    pub(super) why: String,
}

/// Whether a 429 comes from a budget rather than from an overloaded server.
pub(super) fn is_budget(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|d| d.causes.iter().any(|c| c.reason == "DisruptionBudget"))
        || status.message.contains("disruption budget")
}

/// Names the budgets that cover the pod, with what they want and have. Without them (they cannot be read), the server's
/// own words.
pub(super) async fn explain(api: &Api, pod: &Pod, status: &Status) -> Refusal {
    let said = status
        .details
        .iter()
        .flat_map(|d| &d.causes)
        .find(|c| c.reason == "DisruptionBudget")
        .map_or(&status.message, |c| &c.message);
    match covering(api, pod).await {
        Ok(budgets) if !budgets.is_empty() => {
            let names: Vec<String> = budgets.iter().map(name).collect();
            let figures: Vec<String> = budgets.iter().map(figures).collect();
            Refusal { budget: Some(names.join(", ")), why: figures.join("; ") }
        }
        _ => Refusal { budget: None, why: said.clone() },
    }
}

async fn covering(api: &Api, pod: &Pod) -> Result<Vec<PodDisruptionBudget>, ClusterError> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let path = format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets");
    let budgets: Vec<PodDisruptionBudget> = api.list(&path, "").await?;
    let labels = pod.metadata.labels.clone().unwrap_or_default();
    let covers = |budget: &PodDisruptionBudget| {
        let selector = budget.spec.as_ref().and_then(|s| s.selector.clone());
        // An empty selector selects everything, a missing one nothing (policy/v1).
        selector.is_some_and(|s| Selector::try_from(s).is_ok_and(|s| s.matches(&labels)))
    };
    Ok(budgets.into_iter().filter(covers).collect())
}

fn name(budget: &PodDisruptionBudget) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", part(&budget.metadata.namespace), part(&budget.metadata.name))
}

fn figures(budget: &PodDisruptionBudget) -> String {
    let Some(status) = &budget.status else {
        return format!("{} has no status yet", name(budget));
    };
    format!(
        "{} needs {} healthy pods and has {} of {}, {} may go now",
        name(budget),
        status.desired_healthy,
        status.current_healthy,
        status.expected_pods,
        status.disruptions_allowed
    )
}
