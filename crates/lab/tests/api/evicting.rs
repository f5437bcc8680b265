//! Evictions.

use crate::support::{Answer, Api, behaviours, pod};
use serde_json::{Value, json};

behaviours!(
    an_eviction_without_a_budget_is_a_deletion,
    an_eviction_says_so_in_the_pod,
    an_eviction_may_shorten_the_grace,
    a_budget_refuses_with_its_arithmetic,
    a_budget_lets_go_as_many_as_it_allows,
    two_budgets_over_a_pod_are_an_error,
    a_pod_that_waits_may_always_go,
    a_pod_that_has_ended_may_always_go,
    a_pod_that_is_going_may_be_evicted_again,
    an_unready_pod_may_go_if_enough_others_are_well,
    an_unready_pod_may_not_go_if_not_enough_are_well,
    an_unready_pod_may_always_go_if_the_budget_says_so,
    an_eviction_of_another_name_is_refused,
    an_eviction_of_what_is_not_there_is_refused,
    an_eviction_of_another_identity_conflicts,
    an_eviction_can_be_tried,
    a_tried_eviction_uses_up_nothing,
    a_budget_without_a_selector_protects_nothing,
    an_eviction_of_another_version_is_refused,
);

async fn evict_with(api: &Api, pod: &str, options: Value) -> Answer {
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": api.namespace}, "deleteOptions": options});
    api.post(&format!("{}/{pod}/eviction", api.core("pods")), eviction).await
}

async fn evict(api: &Api, pod: &str) -> Answer {
    evict_with(api, pod, json!({})).await
}

fn done(answer: &Answer) {
    assert_eq!((answer.code, &answer.body["status"]), (201, &json!("Success")), "{}", answer.text);
}

async fn going(api: &Api, pod: &str) -> bool {
    let answer = api.get(&format!("{}/{pod}", api.core("pods"))).await;
    answer.code == 404 || answer.body["metadata"]["deletionTimestamp"].is_string()
}

/// A budget over the pods of an app that wants so many of them, once it has counted them.
async fn budget(api: &Api, name: &str, app: &str, least: u32, policy: Option<&str>, pods: u32) {
    let mut spec = json!({"minAvailable": least, "selector": {"matchLabels": {"app": app}}});
    if let Some(policy) = policy {
        spec["unhealthyPodEvictionPolicy"] = json!(policy);
    }
    api.post(&api.budgets(), json!({"metadata": {"name": name}, "spec": spec})).await.ok();
    let counted = |budget: &Value| {
        budget["status"]["observedGeneration"] == budget["metadata"]["generation"]
            && budget["status"]["expectedPods"] == pods
    };
    api.until(&format!("{}/{name}", api.budgets()), "the budget is counted", counted).await;
}

async fn an_eviction_without_a_budget_is_a_deletion(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    done(&evict(api, "a").await);
    let pod = api.get(&format!("{}/a", api.core("pods"))).await.ok();
    assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], 30);
}

async fn an_eviction_says_so_in_the_pod(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    done(&evict(api, "a").await);
    let pod = api.get(&format!("{}/a", api.core("pods"))).await.ok();
    let conditions = pod["status"]["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|c| c["type"] == "DisruptionTarget").unwrap();
    assert_eq!(
        (&found["status"], &found["reason"]),
        (&json!("True"), &json!("EvictionByEvictionAPI"))
    );
    assert_eq!(found["message"], "Eviction API: evicting");
}

async fn an_eviction_may_shorten_the_grace(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    done(&evict_with(api, "a", json!({"gracePeriodSeconds": 0})).await);
    api.get(&format!("{}/a", api.core("pods"))).await.refused(404, "NotFound");
}

async fn a_budget_refuses_with_its_arithmetic(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    budget(api, "guard", "a", 1, None, 1).await;
    let answer = evict(api, "a").await;
    let said = "Cannot evict pod as it would violate the pod's disruption budget.";
    answer.refused(429, "TooManyRequests").saying(said);
    let cause = json!({"reason": "DisruptionBudget", "message": "The disruption budget guard needs 1 healthy pods and has 1 currently"});
    assert_eq!(answer.body["details"]["causes"], json!([cause]));
    assert!(!answer.headers.contains_key("retry-after"));
    assert!(!going(api, "a").await);
}

async fn a_budget_lets_go_as_many_as_it_allows(api: &Api) {
    for name in ["a", "b", "c"] {
        api.pod(name, "x", "Running", true).await;
    }
    budget(api, "guard", "x", 1, None, 3).await;
    api.until(&format!("{}/guard", api.budgets()), "two may go", |b| {
        b["status"]["disruptionsAllowed"] == 2
    })
    .await;
    done(&evict(api, "a").await);
    done(&evict(api, "b").await);
    evict(api, "c").await.refused(429, "TooManyRequests");
    assert!(!going(api, "c").await);
}

async fn two_budgets_over_a_pod_are_an_error(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    budget(api, "one", "a", 0, None, 1).await;
    budget(api, "two", "a", 0, None, 1).await;
    let answer = evict(api, "a").await;
    answer.refused(500, "").saying("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
}

async fn a_pod_that_waits_may_always_go(api: &Api) {
    api.post(&api.core("pods"), pod("a", "a")).await.ok();
    budget(api, "guard", "a", 1, None, 1).await;
    done(&evict(api, "a").await);
    api.get(&format!("{}/a", api.core("pods"))).await.refused(404, "NotFound");
}

async fn a_pod_that_has_ended_may_always_go(api: &Api) {
    api.pod("a", "a", "Failed", false).await;
    budget(api, "guard", "a", 1, None, 1).await;
    done(&evict(api, "a").await);
    assert!(going(api, "a").await);
}

async fn a_pod_that_is_going_may_be_evicted_again(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    budget(api, "guard", "a", 1, None, 1).await;
    api.delete(&format!("{}/a", api.core("pods"))).await.ok();
    done(&evict(api, "a").await);
}

async fn an_unready_pod_may_go_if_enough_others_are_well(api: &Api) {
    api.pod("well", "x", "Running", true).await;
    api.pod("ill", "x", "Running", false).await;
    budget(api, "guard", "x", 1, None, 2).await;
    evict(api, "well").await.refused(429, "TooManyRequests");
    done(&evict(api, "ill").await);
}

async fn an_unready_pod_may_not_go_if_not_enough_are_well(api: &Api) {
    api.pod("ill", "x", "Running", false).await;
    budget(api, "guard", "x", 1, None, 1).await;
    let answer = evict(api, "ill").await;
    answer.refused(429, "TooManyRequests");
    let said = "The disruption budget guard needs 1 healthy pods and has 0 currently";
    assert_eq!(answer.body["details"]["causes"][0]["message"], said);
}

async fn an_unready_pod_may_always_go_if_the_budget_says_so(api: &Api) {
    api.pod("ill", "x", "Running", false).await;
    budget(api, "guard", "x", 1, Some("AlwaysAllow"), 1).await;
    done(&evict(api, "ill").await);
}

async fn an_eviction_of_another_name_is_refused(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    let eviction = json!({"metadata": {"name": "b"}});
    let answer = api.post(&format!("{}/a/eviction", api.core("pods")), eviction).await;
    answer.refused(400, "BadRequest").saying("name in URL does not match name in Eviction object");
}

async fn an_eviction_of_what_is_not_there_is_refused(api: &Api) {
    evict(api, "a").await.refused(404, "NotFound").saying("pods \"a\" not found");
}

async fn an_eviction_of_another_identity_conflicts(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    let answer = evict_with(api, "a", json!({"preconditions": {"uid": "1"}})).await;
    answer.refused(409, "Conflict");
    let said = "Operation cannot be fulfilled on Pod \"a\": the UID in the precondition (1) does not match the UID in record (";
    assert!(answer.message().starts_with(said), "{}", answer.message());
    assert!(!going(api, "a").await);
}

async fn an_eviction_can_be_tried(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    done(&evict_with(api, "a", json!({"dryRun": ["All"]})).await);
    assert!(!going(api, "a").await);
    budget(api, "guard", "a", 1, None, 1).await;
    evict_with(api, "a", json!({"dryRun": ["All"]})).await.refused(429, "TooManyRequests");
}

async fn a_tried_eviction_uses_up_nothing(api: &Api) {
    for name in ["a", "b"] {
        api.pod(name, "x", "Running", true).await;
    }
    budget(api, "guard", "x", 1, None, 2).await;
    for name in ["a", "b"] {
        done(&evict_with(api, name, json!({"dryRun": ["All"]})).await);
    }
    done(&evict(api, "a").await);
    evict(api, "b").await.refused(429, "TooManyRequests");
}

async fn a_budget_without_a_selector_protects_nothing(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    api.post(&api.budgets(), json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 1}}))
        .await
        .ok();
    done(&evict(api, "a").await);
}

async fn an_eviction_of_another_version_is_refused(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    let eviction =
        json!({"apiVersion": "policy/v3", "kind": "Eviction", "metadata": {"name": "a"}});
    api.post(&format!("{}/a/eviction", api.core("pods")), eviction)
        .await
        .refused(400, "BadRequest");
}
