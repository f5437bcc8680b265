//! Deletion: grace, finalizers, preconditions, dependants, namespaces.

use crate::support::{Api, behaviours, config_map, pod};
use serde_json::{Value, json};

behaviours!(
    a_deletion_is_answered_with_what_was_deleted,
    a_deleted_pod_has_its_time,
    a_pod_goes_at_once_without_grace,
    a_pod_that_was_never_placed_goes_at_once,
    a_pod_that_has_ended_goes_at_once,
    the_grace_becomes_shorter_only,
    a_negative_grace_is_one_second,
    a_deletion_of_another_identity_conflicts,
    a_deletion_of_another_revision_conflicts,
    a_deletion_can_be_tried,
    a_deletion_of_what_is_not_there_is_refused,
    a_propagation_is_one_of_three,
    a_finalizer_holds_an_object,
    no_finalizer_comes_late,
    a_list_is_deleted_by_its_labels,
    namespaces_of_the_system_stay,
    a_namespace_goes_with_what_is_in_it,
    dependants_go_after_their_owner,
    orphans_stay,
    in_the_foreground_dependants_go_first,
    a_dependant_with_another_owner_stays,
);

async fn a_deletion_is_answered_with_what_was_deleted(api: &Api) {
    let made = api.post(&api.core("configmaps"), config_map("a")).await.ok();
    let answer = api.delete(&format!("{}/a", api.core("configmaps"))).await;
    assert_eq!((answer.code, &answer.body["status"]), (200, &json!("Success")));
    assert_eq!(
        answer.body["details"],
        json!({"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]})
    );
    api.get(&format!("{}/a", api.core("configmaps"))).await.refused(404, "NotFound");
}

/// A pod on a node, not ended; its path.
async fn placed(api: &Api, name: &str) -> String {
    api.pod(name, name, "Running", true).await;
    format!("{}/{name}", api.core("pods"))
}

async fn a_deleted_pod_has_its_time(api: &Api) {
    let path = placed(api, "a").await;
    let answer = api.delete(&path).await;
    let metadata = &answer.body["metadata"];
    assert_eq!((answer.code, &answer.body["kind"]), (200, &json!("Pod")));
    assert_eq!(metadata["deletionGracePeriodSeconds"], 30);
    let time = |name: &str| metadata[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time("deletionTimestamp").duration_since(time("creationTimestamp")).as_secs() >= 30);
    assert_eq!(metadata["generation"], 2, "its deletion is a change");
    assert_eq!(api.get(&path).await.code, 200);
}

async fn a_pod_goes_at_once_without_grace(api: &Api) {
    let path = placed(api, "a").await;
    assert_eq!(api.delete_with(&path, json!({"gracePeriodSeconds": 0})).await.ok()["kind"], "Pod");
    api.get(&path).await.refused(404, "NotFound");
    let path = placed(api, "b").await;
    api.delete(&format!("{path}?gracePeriodSeconds=0")).await.ok();
    api.get(&path).await.refused(404, "NotFound");
}

async fn a_pod_that_was_never_placed_goes_at_once(api: &Api) {
    api.post(&api.core("pods"), pod("a", "a")).await.ok();
    api.delete(&format!("{}/a", api.core("pods"))).await.ok();
    api.get(&format!("{}/a", api.core("pods"))).await.refused(404, "NotFound");
}

async fn a_pod_that_has_ended_goes_at_once(api: &Api) {
    let path = placed(api, "a").await;
    api.report("a", "Succeeded", false).await;
    api.delete(&path).await.ok();
    api.get(&path).await.refused(404, "NotFound");
}

async fn the_grace_becomes_shorter_only(api: &Api) {
    let path = placed(api, "a").await;
    let grace = |object: Value| object["metadata"]["deletionGracePeriodSeconds"].clone();
    assert_eq!(grace(api.delete_with(&path, json!({"gracePeriodSeconds": 20})).await.ok()), 20);
    assert_eq!(grace(api.delete_with(&path, json!({"gracePeriodSeconds": 60})).await.ok()), 20);
    assert_eq!(grace(api.delete(&path).await.ok()), 20);
    assert_eq!(grace(api.delete_with(&path, json!({"gracePeriodSeconds": 5})).await.ok()), 5);
    api.delete_with(&path, json!({"gracePeriodSeconds": 0})).await.ok();
    api.get(&path).await.refused(404, "NotFound");
}

async fn a_negative_grace_is_one_second(api: &Api) {
    let path = placed(api, "a").await;
    let object = api.delete_with(&path, json!({"gracePeriodSeconds": -5})).await.ok();
    assert_eq!(object["metadata"]["deletionGracePeriodSeconds"], 1);
}

async fn a_deletion_of_another_identity_conflicts(api: &Api) {
    let path = placed(api, "a").await;
    let answer = api.delete_with(&path, json!({"preconditions": {"uid": "1"}})).await;
    answer.refused(409, "Conflict");
    assert!(
        answer
            .message()
            .contains("the UID in the precondition (1) does not match the UID in record ("),
        "{}",
        answer.message()
    );
}

async fn a_deletion_of_another_revision_conflicts(api: &Api) {
    let path = placed(api, "a").await;
    let answer = api.delete_with(&path, json!({"preconditions": {"resourceVersion": "1"}})).await;
    answer.refused(409, "Conflict");
    assert!(
        answer.message().contains("the ResourceVersion in the precondition (1) does not match"),
        "{}",
        answer.message()
    );
}

async fn a_deletion_can_be_tried(api: &Api) {
    let path = placed(api, "a").await;
    api.delete_with(&path, json!({"dryRun": ["All"]})).await.ok();
    assert!(api.get(&path).await.ok()["metadata"].get("deletionTimestamp").is_none());
}

async fn a_deletion_of_what_is_not_there_is_refused(api: &Api) {
    let answer = api.delete(&format!("{}/a", api.core("pods"))).await;
    answer.refused(404, "NotFound").saying("pods \"a\" not found");
}

async fn a_propagation_is_one_of_three(api: &Api) {
    let path = placed(api, "a").await;
    api.delete_with(&path, json!({"propagationPolicy": "Sideways"})).await.refused(422, "Invalid");
}

async fn a_finalizer_holds_an_object(api: &Api) {
    let mut map = config_map("a");
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let path = format!("{}/a", api.core("configmaps"));
    api.post(&api.core("configmaps"), map).await.ok();
    let held = api.delete(&path).await.ok();
    assert_eq!(held["kind"], "ConfigMap");
    assert_eq!(held["metadata"]["deletionGracePeriodSeconds"], 0);
    let now = api.get(&path).await.ok();
    assert!(now["metadata"]["deletionTimestamp"].is_string());
    api.merge(&path, json!({"metadata": {"finalizers": null}})).await.ok();
    api.get(&path).await.refused(404, "NotFound");
}

async fn no_finalizer_comes_late(api: &Api) {
    let mut map = config_map("a");
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let path = format!("{}/a", api.core("configmaps"));
    api.post(&api.core("configmaps"), map).await.ok();
    api.delete(&path).await.ok();
    let answer = api
        .merge(&path, json!({"metadata": {"finalizers": ["example.com/hold", "example.com/late"]}}))
        .await;
    answer.refused(422, "Invalid");
    assert_eq!(answer.body["details"]["causes"][0]["field"], "metadata.finalizers");
    api.merge(&path, json!({"metadata": {"finalizers": null}})).await.ok();
}

async fn a_list_is_deleted_by_its_labels(api: &Api) {
    let maps = api.core("configmaps");
    for (name, label) in [("a", "x"), ("b", "x"), ("c", "y")] {
        let mut map = config_map(name);
        map["metadata"]["labels"] = json!({"l": label});
        api.post(&maps, map).await.ok();
    }
    let answer = api.delete(&format!("{maps}?labelSelector=l%3Dx")).await.ok();
    assert_eq!(
        (&answer["kind"], answer["items"].as_array().unwrap().len()),
        (&json!("ConfigMapList"), 2)
    );
    let left = api.get(&format!("{maps}?labelSelector=l")).await.ok();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
}

async fn namespaces_of_the_system_stay(api: &Api) {
    let answer = api.delete("/api/v1/namespaces/kube-system").await;
    answer
        .refused(403, "Forbidden")
        .saying("namespaces \"kube-system\" is forbidden: this namespace may not be deleted");
}

async fn a_namespace_goes_with_what_is_in_it(api: &Api) {
    let path = format!("/api/v1/namespaces/{}", api.namespace);
    let mut map = config_map("a");
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    api.post(&api.core("configmaps"), map).await.ok();
    let going = api.delete(&path).await.ok();
    assert_eq!(
        (&going["status"]["phase"], &going["spec"]["finalizers"]),
        (&json!("Terminating"), &json!(["kubernetes"]))
    );
    let answer = api.post(&api.core("configmaps"), config_map("b")).await;
    answer.refused(403, "Forbidden").saying(&format!(
        "configmaps \"b\" is forbidden: unable to create new content in namespace {0} because it is being terminated",
        api.namespace
    ));
    assert_eq!(answer.body["details"]["causes"][0]["reason"], "NamespaceTerminating");
    let inside = format!("{}/a", api.core("configmaps"));
    api.until(&inside, "its content goes", |map| map["metadata"]["deletionTimestamp"].is_string())
        .await;
    api.merge(&inside, json!({"metadata": {"finalizers": null}})).await.ok();
    api.until(&path, "it is gone", Value::is_null).await;
}

/// Two maps, the second of which depends on the first; their paths.
async fn owner_and_dependant(api: &Api) -> (String, String) {
    let maps = api.core("configmaps");
    let owner = api.post(&maps, config_map("owner")).await.ok();
    let mut dependant = config_map("dependant");
    dependant["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
        "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true}]);
    api.post(&maps, dependant).await.ok();
    (format!("{maps}/owner"), format!("{maps}/dependant"))
}

async fn dependants_go_after_their_owner(api: &Api) {
    let (owner, dependant) = owner_and_dependant(api).await;
    api.delete(&owner).await.ok();
    api.get(&owner).await.refused(404, "NotFound");
    api.until(&dependant, "the dependant is gone", Value::is_null).await;
}

async fn orphans_stay(api: &Api) {
    let (owner, dependant) = owner_and_dependant(api).await;
    api.delete_with(&owner, json!({"propagationPolicy": "Orphan"})).await.ok();
    api.until(&owner, "the owner is gone", Value::is_null).await;
    assert!(api.get(&dependant).await.ok()["metadata"].get("ownerReferences").is_none());
}

async fn in_the_foreground_dependants_go_first(api: &Api) {
    let (owner, dependant) = owner_and_dependant(api).await;
    api.merge(&dependant, json!({"metadata": {"finalizers": ["example.com/hold"]}})).await.ok();
    let waiting = api.delete_with(&owner, json!({"propagationPolicy": "Foreground"})).await.ok();
    assert_eq!(waiting["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    api.until(&dependant, "the dependant shall go", |map| {
        map["metadata"]["deletionTimestamp"].is_string()
    })
    .await;
    assert_eq!(api.get(&owner).await.code, 200);
    api.merge(&dependant, json!({"metadata": {"finalizers": null}})).await.ok();
    api.until(&owner, "the owner is gone", Value::is_null).await;
}

async fn a_dependant_with_another_owner_stays(api: &Api) {
    let (owner, dependant) = owner_and_dependant(api).await;
    let other = api.post(&api.core("configmaps"), config_map("other")).await.ok();
    let mut references = api.get(&dependant).await.ok()["metadata"]["ownerReferences"].clone();
    references.as_array_mut().unwrap().push(json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": other["metadata"]["uid"]}));
    api.merge(&dependant, json!({"metadata": {"ownerReferences": references}})).await.ok();
    api.delete(&owner).await.ok();
    // The collector lets go of the owner that is gone, or leaves it; the dependant stays either way.
    api.delete(&format!("{}/other", api.core("configmaps"))).await.ok();
    api.until(&dependant, "with its last owner it goes", Value::is_null).await;
}
