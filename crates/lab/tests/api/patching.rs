//! Patches.

use crate::support::{Api, behaviours, config_map, pod, workload};
use serde_json::json;

behaviours!(
    a_merge_patch_changes_adds_and_removes,
    a_merge_patch_replaces_lists,
    a_merge_patch_may_name_the_revision_it_is_for,
    a_patch_makes_no_other_object,
    a_patch_of_another_name_is_refused,
    a_json_patch_tests_and_changes,
    a_json_patch_whose_test_fails_changes_nothing,
    a_json_patch_that_is_none_is_refused,
    a_strategic_patch_merges_containers_by_name,
    a_strategic_patch_can_delete_an_item,
    a_strategic_patch_replaces_lists_without_keys,
    a_strategic_patch_merges_conditions_by_type,
    a_strategic_patch_replaces_the_selector_of_a_budget,
    another_kind_of_patch_is_refused,
    a_patch_with_unknown_fields_can_be_refused,
    a_patch_can_be_tried,
    a_patch_of_what_is_not_there_is_refused,
    a_node_is_cordoned_as_kubectl_does_it,
);

async fn map(api: &Api) -> String {
    let maps = api.core("configmaps");
    api.post(&maps, config_map("a")).await.ok();
    format!("{maps}/a")
}

async fn a_merge_patch_changes_adds_and_removes(api: &Api) {
    let path = map(api).await;
    let now = api.merge(&path, json!({"data": {"b": "2"}})).await.ok();
    assert_eq!(now["data"], json!({"a": "1", "b": "2"}));
    let now = api.merge(&path, json!({"data": {"a": null}})).await.ok();
    assert_eq!(now["data"], json!({"b": "2"}));
}

async fn a_merge_patch_replaces_lists(api: &Api) {
    let path = map(api).await;
    api.merge(&path, json!({"metadata": {"finalizers": ["x.io/a", "x.io/b"]}})).await.ok();
    let now = api.merge(&path, json!({"metadata": {"finalizers": ["x.io/c"]}})).await.ok();
    assert_eq!(now["metadata"]["finalizers"], json!(["x.io/c"]));
    api.merge(&path, json!({"metadata": {"finalizers": null}})).await.ok();
}

async fn a_merge_patch_may_name_the_revision_it_is_for(api: &Api) {
    let path = map(api).await;
    api.merge(&path, json!({"metadata": {"resourceVersion": "1"}, "data": {"b": "2"}}))
        .await
        .refused(409, "Conflict");
    let now = api.get(&path).await.ok();
    let revision = &now["metadata"]["resourceVersion"];
    api.merge(&path, json!({"metadata": {"resourceVersion": revision}, "data": {"b": "2"}}))
        .await
        .ok();
}

async fn a_patch_makes_no_other_object(api: &Api) {
    let path = map(api).await;
    let answer = api.merge(&path, json!({"metadata": {"uid": "1"}})).await;
    answer.refused(422, "Invalid");
    assert!(
        answer.message().contains("metadata.uid: Invalid value: \"1\": field is immutable"),
        "{}",
        answer.message()
    );
}

async fn a_patch_of_another_name_is_refused(api: &Api) {
    let path = map(api).await;
    let answer = api.merge(&path, json!({"metadata": {"name": "b"}})).await;
    answer
        .refused(400, "BadRequest")
        .saying("the name of the object (b) does not match the name on the URL (a)");
}

async fn a_json_patch_tests_and_changes(api: &Api) {
    let path = map(api).await;
    let patch = json!([{"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "2"},
        {"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}]);
    let now = api.json_patch(&path, patch).await.ok();
    assert_eq!((&now["data"]["a"], &now["metadata"]["labels"]["x"]), (&json!("2"), &json!("y")));
}

async fn a_json_patch_whose_test_fails_changes_nothing(api: &Api) {
    let path = map(api).await;
    let patch = json!([{"op": "replace", "path": "/data/a", "value": "2"}, {"op": "test", "path": "/data/a", "value": "1"}]);
    let answer = api.json_patch(&path, patch).await;
    answer
        .refused(422, "Invalid")
        .saying("the server rejected our request due to an error in our request");
    assert_eq!(api.get(&path).await.ok()["data"]["a"], "1");
}

async fn a_json_patch_that_is_none_is_refused(api: &Api) {
    let path = map(api).await;
    let answer = api.json_patch(&path, json!({})).await;
    answer.refused(400, "BadRequest");
    assert!(answer.message().starts_with("error decoding patch: "), "{}", answer.message());
}

async fn a_strategic_patch_merges_containers_by_name(api: &Api) {
    let path = format!("{}/a", api.apps("deployments"));
    api.post(&api.apps("deployments"), workload("a", Some(0))).await.ok();
    let more = json!([{"name": "c", "image": "registry.example/i:2"}, {"name": "d", "image": "registry.example/d:1"}]);
    let now = api
        .strategic(&path, json!({"spec": {"template": {"spec": {"containers": more}}}}))
        .await
        .ok();
    let containers = now["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let images: Vec<_> = containers.iter().map(|c| c["image"].as_str().unwrap()).collect();
    // New items come first, as the library of patches puts them.
    let mut sorted = images.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["registry.example/d:1", "registry.example/i:2"]);
}

async fn a_strategic_patch_can_delete_an_item(api: &Api) {
    let path = format!("{}/a", api.apps("deployments"));
    let mut made = workload("a", Some(0));
    made["spec"]["template"]["spec"]["containers"] =
        json!([{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]);
    api.post(&api.apps("deployments"), made).await.ok();
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "$patch": "delete"}]}}}});
    let now = api.strategic(&path, patch).await.ok();
    let containers = now["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!(containers[0]["name"], "d");
}

async fn a_strategic_patch_replaces_lists_without_keys(api: &Api) {
    let mut pod = pod("a", "a");
    pod["spec"]["tolerations"] = json!([{"key": "a", "operator": "Exists"}]);
    pod["spec"]["containers"][0]["command"] = json!(["a", "b"]);
    let mut set = workload("w", Some(0));
    set["spec"]["template"]["spec"] = pod["spec"].clone();
    api.post(&api.apps("deployments"), set).await.ok();
    let change = json!({"tolerations": [{"key": "b", "operator": "Exists"}], "containers": [{"name": "c", "command": ["z"]}]});
    let now = api
        .strategic(
            &format!("{}/w", api.apps("deployments")),
            json!({"spec": {"template": {"spec": change}}}),
        )
        .await
        .ok();
    let spec = &now["spec"]["template"]["spec"];
    assert_eq!(spec["tolerations"], json!([{"key": "b", "operator": "Exists"}]));
    assert_eq!(spec["containers"][0]["command"], json!(["z"]));
}

async fn a_strategic_patch_merges_conditions_by_type(api: &Api) {
    api.post(&api.core("pods"), pod("a", "a")).await.ok();
    let path = format!("{}/a/status", api.core("pods"));
    for kind in ["One", "Two"] {
        api.strategic(
            &path,
            json!({"status": {"conditions": [{"type": kind, "status": "False"}]}}),
        )
        .await
        .ok();
    }
    let now = api
        .strategic(&path, json!({"status": {"conditions": [{"type": "One", "status": "True"}]}}))
        .await
        .ok();
    let find = |kind: &str| {
        now["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == kind).unwrap()
            ["status"]
            .clone()
    };
    assert_eq!((find("One"), find("Two")), (json!("True"), json!("False")));
}

async fn a_strategic_patch_replaces_the_selector_of_a_budget(api: &Api) {
    let budget = json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}});
    api.post(&api.budgets(), budget).await.ok();
    let patch = json!({"spec": {"selector": {"matchLabels": {"c": "d"}}}});
    let now = api.strategic(&format!("{}/b", api.budgets()), patch).await.ok();
    assert_eq!(now["spec"]["selector"], json!({"matchLabels": {"c": "d"}}));
}

async fn another_kind_of_patch_is_refused(api: &Api) {
    let path = map(api).await;
    let answer = api.send("PATCH", &path, &[("Content-Type", "application/json")], "{}").await;
    answer.refused(415, "UnsupportedMediaType");
}

async fn a_patch_with_unknown_fields_can_be_refused(api: &Api) {
    let path = map(api).await;
    let answer = api.merge(&format!("{path}?fieldValidation=Strict"), json!({"colour": 1})).await;
    answer.refused(422, "Invalid");
    assert!(
        answer.message().ends_with("strict decoding error: unknown field \"colour\""),
        "{}",
        answer.message()
    );
    assert_eq!(answer.body["details"]["causes"][0]["field"], "patch");
}

async fn a_patch_can_be_tried(api: &Api) {
    let path = map(api).await;
    let tried = api.merge(&format!("{path}?dryRun=All"), json!({"data": {"a": "2"}})).await.ok();
    assert_eq!(tried["data"]["a"], "2");
    assert_eq!(api.get(&path).await.ok()["data"]["a"], "1");
}

async fn a_patch_of_what_is_not_there_is_refused(api: &Api) {
    let answer = api.merge(&format!("{}/x", api.core("configmaps")), json!({})).await;
    answer.refused(404, "NotFound").saying("configmaps \"x\" not found");
}

async fn a_node_is_cordoned_as_kubectl_does_it(api: &Api) {
    let name = format!("n-{}", api.namespace);
    let path = format!("/api/v1/nodes/{name}");
    api.post("/api/v1/nodes", json!({"metadata": {"name": name}})).await.ok();
    let now = api.strategic(&path, json!({"spec": {"unschedulable": true}})).await.ok();
    assert_eq!(now["spec"]["unschedulable"], true);
    let now = api.strategic(&path, json!({"spec": {"unschedulable": null}})).await.ok();
    assert!(now["spec"].get("unschedulable").is_none());
    api.delete(&path).await.ok();
}
