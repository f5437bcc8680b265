//! Creating and replacing.

use crate::support::{Api, behaviours, config_map, pod, workload};
use serde_json::json;

behaviours!(
    a_created_object_has_an_identity_a_revision_and_a_time,
    a_name_can_be_generated,
    a_name_that_is_taken_is_refused,
    a_revision_on_creation_is_refused,
    another_namespace_in_the_body_is_refused,
    a_namespace_that_is_not_there_is_refused,
    a_dry_run_stores_nothing,
    another_dry_run_is_refused,
    unknown_fields_are_dropped_with_a_warning,
    unknown_fields_can_be_refused,
    unknown_fields_can_be_ignored,
    a_value_of_another_type_is_refused,
    another_kind_is_refused,
    half_a_body_is_refused,
    another_media_type_is_refused,
    a_pod_gets_its_defaults,
    a_deployment_gets_its_defaults,
    text_of_a_secret_is_encoded,
    a_replacement_replaces_and_raises_the_revision,
    a_replacement_of_an_old_revision_conflicts,
    a_replacement_without_a_revision_wins,
    a_lease_is_replaced_by_who_names_its_revision_alone,
    a_replacement_that_changes_nothing_keeps_the_revision,
    a_replacement_of_another_identity_conflicts,
    a_replacement_of_what_is_not_there_is_refused,
    the_generation_counts_changes_of_the_spec,
    a_write_of_the_status_leaves_the_spec,
    a_write_of_the_object_leaves_the_status,
    a_new_node_bears_a_taint_until_it_is_ready,
    a_node_may_be_made_with_its_status,
    many_writers_lose_nothing,
);

async fn a_created_object_has_an_identity_a_revision_and_a_time(api: &Api) {
    let answer = api.post(&api.core("configmaps"), config_map("a")).await;
    assert_eq!(answer.code, 201);
    let metadata = &answer.body["metadata"];
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    assert!(metadata["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert!(metadata["creationTimestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&answer.body["kind"], &answer.body["apiVersion"]),
        (&json!("ConfigMap"), &json!("v1"))
    );
    assert_eq!(metadata["namespace"], api.namespace.as_str());
    let read = api.get(&format!("{}/a", api.core("configmaps"))).await.ok();
    assert_eq!(read["metadata"]["uid"], metadata["uid"]);
    assert_eq!(read["data"], json!({"a": "1"}));
}

async fn a_name_can_be_generated(api: &Api) {
    let made =
        api.post(&api.core("configmaps"), json!({"metadata": {"generateName": "x-"}})).await.ok();
    let name = made["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("x-") && name.len() == 7, "{name}");
}

async fn a_name_that_is_taken_is_refused(api: &Api) {
    api.post(&api.core("configmaps"), config_map("a")).await.ok();
    let again = api.post(&api.core("configmaps"), config_map("a")).await;
    again.refused(409, "AlreadyExists").saying("configmaps \"a\" already exists");
    assert_eq!(again.body["details"], json!({"name": "a", "kind": "configmaps"}));
}

async fn a_revision_on_creation_is_refused(api: &Api) {
    let mut map = config_map("a");
    map["metadata"]["resourceVersion"] = json!("3");
    let answer = api.post(&api.core("configmaps"), map).await;
    answer.refused(500, "").saying("resourceVersion should not be set on objects to be created");
}

async fn another_namespace_in_the_body_is_refused(api: &Api) {
    let mut map = config_map("a");
    map["metadata"]["namespace"] = json!("other");
    let said =
        "the namespace of the provided object does not match the namespace sent on the request";
    api.post(&api.core("configmaps"), map).await.refused(400, "BadRequest").saying(said);
}

async fn a_namespace_that_is_not_there_is_refused(api: &Api) {
    let answer = api.post("/api/v1/namespaces/not-there/configmaps", config_map("a")).await;
    answer.refused(404, "NotFound").saying("namespaces \"not-there\" not found");
}

async fn a_dry_run_stores_nothing(api: &Api) {
    let maps = api.core("configmaps");
    let answer = api.post(&format!("{maps}?dryRun=All"), config_map("a")).await;
    assert_eq!(answer.code, 201);
    assert!(
        answer.body["metadata"]["uid"].is_string()
            && answer.body["metadata"]["resourceVersion"].is_null()
    );
    api.get(&format!("{maps}/a")).await.refused(404, "NotFound");
}

async fn another_dry_run_is_refused(api: &Api) {
    let answer =
        api.post(&format!("{}?dryRun=Some", api.core("configmaps")), config_map("a")).await;
    let said = "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"";
    answer.refused(422, "Invalid").saying(said);
}

async fn unknown_fields_are_dropped_with_a_warning(api: &Api) {
    let mut map = config_map("a");
    map["colour"] = json!(1);
    let answer = api.post(&api.core("configmaps"), map).await;
    assert_eq!(answer.code, 201);
    assert_eq!(answer.headers["warning"], "299 - \"unknown field \\\"colour\\\"\"");
    assert!(answer.body.get("colour").is_none());
}

async fn unknown_fields_can_be_refused(api: &Api) {
    let mut pod = pod("a", "a");
    pod["spec"]["containers"][0]["colour"] = json!(1);
    let answer = api.post(&format!("{}?fieldValidation=Strict", api.core("pods")), pod).await;
    let said = "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.containers[0].colour\"";
    answer.refused(400, "BadRequest").saying(said);
}

async fn unknown_fields_can_be_ignored(api: &Api) {
    let mut map = config_map("a");
    map["colour"] = json!(1);
    let answer = api.post(&format!("{}?fieldValidation=Ignore", api.core("configmaps")), map).await;
    assert!(answer.code == 201 && !answer.headers.contains_key("warning"));
}

async fn a_value_of_another_type_is_refused(api: &Api) {
    let answer = api
        .post(
            &api.apps("deployments"),
            json!({"metadata": {"name": "a"}, "spec": {"replicas": "1"}}),
        )
        .await;
    answer.refused(400, "BadRequest");
    let said = "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field";
    assert!(answer.message().starts_with(said), "{}", answer.message());
}

async fn another_kind_is_refused(api: &Api) {
    let answer = api
        .post(
            &api.core("pods"),
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}),
        )
        .await;
    answer.refused(400, "BadRequest");
    assert!(
        answer.message().starts_with("Node in version \"v1\" cannot be handled as a Pod"),
        "{}",
        answer.message()
    );
}

async fn half_a_body_is_refused(api: &Api) {
    let headers = [("Content-Type", "application/json")];
    let answer = api.send("POST", &api.core("pods"), &headers, "{\"kind\":\"Pod\"").await;
    answer.refused(400, "BadRequest");
    assert!(answer.message().contains("unexpected end of JSON input"), "{}", answer.message());
}

async fn another_media_type_is_refused(api: &Api) {
    let answer = api.send("POST", &api.core("pods"), &[("Content-Type", "text/plain")], "a").await;
    answer.refused(415, "UnsupportedMediaType");
}

async fn a_pod_gets_its_defaults(api: &Api) {
    let mut pod = pod("a", "a");
    pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80}]);
    pod["spec"]["containers"][0]["resources"] = json!({"limits": {"cpu": "1"}});
    pod["spec"]["volumes"] = json!([{"name": "v"}]);
    let made = api.post(&api.core("pods"), pod).await.ok();
    let spec = &made["spec"];
    for (path, value) in [
        ("/restartPolicy", json!("Always")),
        ("/dnsPolicy", json!("ClusterFirst")),
        ("/terminationGracePeriodSeconds", json!(30)),
        ("/schedulerName", json!("default-scheduler")),
        ("/enableServiceLinks", json!(true)),
        ("/priority", json!(0)),
        ("/preemptionPolicy", json!("PreemptLowerPriority")),
        ("/containers/0/imagePullPolicy", json!("IfNotPresent")),
        ("/containers/0/terminationMessagePath", json!("/dev/termination-log")),
        ("/containers/0/ports/0/protocol", json!("TCP")),
        ("/containers/0/resources", json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}})),
        ("/volumes", json!([{"name": "v", "emptyDir": {}}])),
        (
            "/tolerations/0",
            json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
        ),
    ] {
        assert_eq!(spec.pointer(path), Some(&value), "{path}");
    }
    assert_eq!(made["status"]["phase"], "Pending");
    assert_eq!(made["status"]["qosClass"], "Burstable");
    assert_eq!(made["metadata"]["generation"], 1);
}

async fn a_deployment_gets_its_defaults(api: &Api) {
    let made = api.post(&api.apps("deployments"), workload("a", None)).await.ok();
    let spec = &made["spec"];
    assert_eq!(
        (&spec["replicas"], &spec["revisionHistoryLimit"], &spec["progressDeadlineSeconds"]),
        (&json!(1), &json!(10), &json!(600))
    );
    assert_eq!(
        spec["strategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})
    );
    let set = api.post(&api.apps("daemonsets"), workload("d", None)).await.ok();
    assert_eq!(
        set["spec"]["updateStrategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}})
    );
}

async fn text_of_a_secret_is_encoded(api: &Api) {
    let made = api
        .post(&api.core("secrets"), json!({"metadata": {"name": "s"}, "stringData": {"a": "b"}}))
        .await
        .ok();
    assert_eq!((&made["data"], &made["type"]), (&json!({"a": "Yg=="}), &json!("Opaque")));
    assert!(made.get("stringData").is_none());
}

async fn a_replacement_replaces_and_raises_the_revision(api: &Api) {
    let maps = api.core("configmaps");
    let mut map = api.post(&maps, config_map("a")).await.ok();
    let before: u64 = map["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    map["data"] = json!({"b": "2"});
    let now = api.put(&format!("{maps}/a"), map.clone()).await.ok();
    assert_eq!(now["data"], json!({"b": "2"}));
    assert_eq!(now["metadata"]["uid"], map["metadata"]["uid"]);
    assert!(now["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap() > before);
}

async fn a_replacement_of_an_old_revision_conflicts(api: &Api) {
    let maps = api.core("configmaps");
    let old = api.post(&maps, config_map("a")).await.ok();
    api.merge(&format!("{maps}/a"), json!({"data": {"x": "y"}})).await.ok();
    let answer = api.put(&format!("{maps}/a"), old).await;
    answer.refused(409, "Conflict").saying(
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again",
    );
}

async fn a_replacement_without_a_revision_wins(api: &Api) {
    let maps = api.core("configmaps");
    api.post(&maps, config_map("a")).await.ok();
    let now = api
        .put(&format!("{maps}/a"), json!({"metadata": {"name": "a"}, "data": {"z": "z"}}))
        .await
        .ok();
    assert_eq!(now["data"], json!({"z": "z"}));
}

async fn a_lease_is_replaced_by_who_names_its_revision_alone(api: &Api) {
    let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "me", "leaseDurationSeconds": 30}});
    api.post(&api.leases(), lease.clone()).await.ok();
    let answer = api.put(&format!("{}/l", api.leases()), lease).await;
    answer.refused(422, "Invalid").saying(
        "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update",
    );
}

async fn a_replacement_that_changes_nothing_keeps_the_revision(api: &Api) {
    let maps = api.core("configmaps");
    let made = api.post(&maps, config_map("a")).await.ok();
    let again = api.put(&format!("{maps}/a"), made.clone()).await.ok();
    assert_eq!(again["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let patched = api.merge(&format!("{maps}/a"), json!({"data": {"a": "1"}})).await.ok();
    assert_eq!(patched["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
}

async fn a_replacement_of_another_identity_conflicts(api: &Api) {
    let maps = api.core("configmaps");
    api.post(&maps, config_map("a")).await.ok();
    let mut other = config_map("a");
    other["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    let answer = api.put(&format!("{maps}/a"), other).await;
    answer.refused(409, "Conflict");
    assert!(
        answer.message().contains("Precondition failed: UID in precondition: 00000000"),
        "{}",
        answer.message()
    );
}

async fn a_replacement_of_what_is_not_there_is_refused(api: &Api) {
    let answer = api.put(&format!("{}/a", api.core("pods")), pod("a", "a")).await;
    answer.refused(404, "NotFound").saying("pods \"a\" not found");
}

async fn the_generation_counts_changes_of_the_spec(api: &Api) {
    let sets = api.apps("replicasets");
    let path = format!("{sets}/a");
    let made = api.post(&sets, workload("a", Some(0))).await.ok();
    assert_eq!(made["metadata"]["generation"], 1);
    let now = api.merge(&path, json!({"metadata": {"labels": {"x": "y"}}})).await.ok();
    assert_eq!(now["metadata"]["generation"], 1, "a label is no change of the spec");
    let now = api.merge(&path, json!({"spec": {"minReadySeconds": 1}})).await.ok();
    assert_eq!(now["metadata"]["generation"], 2);
    let now = api.merge(&path, json!({"metadata": {"generation": 9}})).await.ok();
    assert_eq!(now["metadata"]["generation"], 2, "nobody sets it");
}

async fn a_write_of_the_status_leaves_the_spec(api: &Api) {
    api.post(&api.core("pods"), pod("a", "a")).await.ok();
    let change =
        json!({"spec": {"terminationGracePeriodSeconds": 5}, "status": {"phase": "Running"}});
    let now = api.merge(&format!("{}/a/status", api.core("pods")), change).await.ok();
    assert_eq!(
        (&now["status"]["phase"], &now["spec"]["terminationGracePeriodSeconds"]),
        (&json!("Running"), &json!(30))
    );
    assert_eq!(now["metadata"]["generation"], 1);
}

async fn a_write_of_the_object_leaves_the_status(api: &Api) {
    let mut pod = pod("a", "a");
    pod["status"] = json!({"phase": "Running"});
    let made = api.post(&api.core("pods"), pod).await.ok();
    assert_eq!(made["status"]["phase"], "Pending");
    let change = json!({"metadata": {"labels": {"x": "y"}}, "status": {"phase": "Running"}});
    let now = api.merge(&format!("{}/a", api.core("pods")), change).await.ok();
    assert_eq!(
        (&now["status"]["phase"], &now["metadata"]["labels"]["x"]),
        (&json!("Pending"), &json!("y"))
    );
}

async fn a_new_node_bears_a_taint_until_it_is_ready(api: &Api) {
    let name = format!("n-{}", api.namespace);
    let made = api.post("/api/v1/nodes", json!({"metadata": {"name": name}})).await.ok();
    assert_eq!(
        made["spec"]["taints"],
        json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}])
    );
    api.delete(&format!("/api/v1/nodes/{name}")).await.ok();
}

async fn a_node_may_be_made_with_its_status(api: &Api) {
    let name = format!("n-{}", api.namespace);
    let status = json!({"capacity": {"pods": "3"}});
    let made =
        api.post("/api/v1/nodes", json!({"metadata": {"name": name}, "status": status})).await.ok();
    assert_eq!(made["status"]["capacity"], json!({"pods": "3"}));
    api.delete(&format!("/api/v1/nodes/{name}")).await.ok();
}

async fn many_writers_lose_nothing(api: &Api) {
    let maps = api.core("configmaps");
    api.post(&maps, json!({"metadata": {"name": "n"}, "data": {"count": "0"}})).await.ok();
    let path = format!("{maps}/n");
    let one = || async {
        for _ in 0..5 {
            loop {
                let mut map = api.get(&path).await.ok();
                let count: u32 = map["data"]["count"].as_str().unwrap().parse().unwrap();
                map["data"]["count"] = json!((count + 1).to_string());
                let answer = api.put(&path, map).await;
                if answer.code == 200 {
                    break;
                }
                answer.refused(409, "Conflict");
            }
        }
    };
    tokio::join!(one(), one(), one(), one());
    assert_eq!(api.get(&path).await.ok()["data"]["count"], "20");
}
