//! The arithmetic of budgets.

use crate::support::{Api, behaviours, pod, workload};
use serde_json::{Value, json};

behaviours!(
    a_number_of_pods_that_must_be_there,
    a_part_of_a_workload_that_must_be_there_is_rounded_up,
    a_number_of_pods_that_may_be_missing,
    a_part_of_a_workload_that_may_be_missing_is_rounded_up,
    pods_of_nobody_do_not_count_for_a_part,
    an_empty_selector_selects_all,
    a_budget_of_no_pods_allows_nothing,
    a_budget_over_a_daemon_set_cannot_be_counted,
    a_pod_that_is_going_is_not_well,
    a_condition_says_whether_any_may_go,
);

/// The budget's `currentHealthy`, `desiredHealthy`, `expectedPods` and `disruptionsAllowed`, once they are these.
async fn counts(api: &Api, wanted: [u32; 4]) -> Value {
    let names = ["currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed"];
    let so = |budget: &Value| {
        let seen = budget["status"]["observedGeneration"] == budget["metadata"]["generation"];
        seen && names.iter().zip(wanted).all(|(name, count)| budget["status"][name] == count)
    };
    api.until(&format!("{}/b", api.budgets()), &format!("{names:?} are {wanted:?}"), so).await
}

async fn budget(api: &Api, bound: &str, value: Value, selector: Value) {
    let mut spec = json!({"selector": selector});
    spec[bound] = value;
    api.post(&api.budgets(), json!({"metadata": {"name": "b"}, "spec": spec})).await.ok();
}

fn app(name: &str) -> Value {
    json!({"matchLabels": {"app": name}})
}

/// A Deployment of so many pods, the first of which are ready.
async fn deployment(api: &Api, replicas: u32, ready: usize) {
    api.post(&api.apps("deployments"), workload("w", Some(replicas))).await.ok();
    let pods = api
        .until_list(&api.core("pods"), "its pods are made", |pods| pods.len() == replicas as usize)
        .await;
    for pod in pods.iter().take(ready) {
        api.report(pod["metadata"]["name"].as_str().unwrap(), "Running", true).await;
    }
}

async fn a_number_of_pods_that_must_be_there(api: &Api) {
    for (name, ready) in [("a", true), ("b", true), ("c", false)] {
        api.pod(name, "x", "Running", ready).await;
    }
    budget(api, "minAvailable", json!(1), app("x")).await;
    counts(api, [2, 1, 3, 1]).await;
    api.report("a", "Running", false).await;
    counts(api, [1, 1, 3, 0]).await;
}

async fn a_part_of_a_workload_that_must_be_there_is_rounded_up(api: &Api) {
    deployment(api, 5, 4).await;
    budget(api, "minAvailable", json!("50%"), app("w")).await;
    counts(api, [4, 3, 5, 1]).await;
}

async fn a_number_of_pods_that_may_be_missing(api: &Api) {
    deployment(api, 3, 3).await;
    budget(api, "maxUnavailable", json!(1), app("w")).await;
    counts(api, [3, 2, 3, 1]).await;
}

async fn a_part_of_a_workload_that_may_be_missing_is_rounded_up(api: &Api) {
    deployment(api, 5, 5).await;
    budget(api, "maxUnavailable", json!("30%"), app("w")).await;
    counts(api, [5, 3, 5, 2]).await;
}

async fn pods_of_nobody_do_not_count_for_a_part(api: &Api) {
    api.pod("a", "x", "Running", true).await;
    budget(api, "maxUnavailable", json!(1), app("x")).await;
    counts(api, [1, 0, 0, 0]).await;
}

async fn an_empty_selector_selects_all(api: &Api) {
    api.pod("a", "x", "Running", true).await;
    api.pod("b", "y", "Running", true).await;
    budget(api, "minAvailable", json!(1), json!({})).await;
    counts(api, [2, 1, 2, 1]).await;
}

async fn a_budget_of_no_pods_allows_nothing(api: &Api) {
    budget(api, "minAvailable", json!(0), app("x")).await;
    counts(api, [0, 0, 0, 0]).await;
}

async fn a_budget_over_a_daemon_set_cannot_be_counted(api: &Api) {
    let mut daemon = workload("x", None);
    daemon["spec"]["template"]["spec"]["nodeSelector"] = json!({"nowhere": "yes"});
    let owner = api.post(&api.apps("daemonsets"), daemon).await.ok();
    let mut owned = pod("a", "x");
    owned["spec"]["nodeName"] = json!("nowhere");
    owned["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "x",
        "uid": owner["metadata"]["uid"], "controller": true}]);
    api.post(&api.core("pods"), owned).await.ok();
    budget(api, "maxUnavailable", json!(1), app("x")).await;
    let failed = |budget: &Value| budget["status"]["conditions"][0]["reason"] == "SyncFailed";
    let budget = api.until(&format!("{}/b", api.budgets()), "it says so", failed).await;
    let said = "daemonsets.apps does not implement the scale subresource";
    assert_eq!(budget["status"]["conditions"][0]["message"], said);
    assert_eq!(budget["status"]["disruptionsAllowed"], 0);
}

async fn a_pod_that_is_going_is_not_well(api: &Api) {
    for name in ["a", "b"] {
        api.pod(name, "x", "Running", true).await;
    }
    budget(api, "minAvailable", json!(1), app("x")).await;
    counts(api, [2, 1, 2, 1]).await;
    api.delete(&format!("{}/a", api.core("pods"))).await.ok();
    counts(api, [1, 1, 2, 0]).await;
}

async fn a_condition_says_whether_any_may_go(api: &Api) {
    api.pod("a", "x", "Running", true).await;
    budget(api, "minAvailable", json!(1), app("x")).await;
    let found = counts(api, [1, 1, 1, 0]).await["status"]["conditions"][0].clone();
    assert_eq!(
        (&found["type"], &found["status"], &found["reason"]),
        (&json!("DisruptionAllowed"), &json!("False"), &json!("InsufficientPods"))
    );
    api.pod("b", "x", "Running", true).await;
    let found = counts(api, [2, 1, 2, 1]).await["status"]["conditions"][0].clone();
    assert_eq!((&found["status"], &found["reason"]), (&json!("True"), &json!("SufficientPods")));
}
