//! What an object must be.

use crate::support::{Api, behaviours, config_map, pod, workload};
use serde_json::{Value, json};

behaviours!(
    a_name_is_required,
    a_name_must_be_a_dns_name,
    a_label_must_be_one,
    a_pod_needs_containers_with_images,
    containers_have_names_of_their_own,
    a_workload_selects_its_own_template,
    a_workload_needs_a_selector,
    a_selector_stays,
    a_running_pod_changes_little,
    a_stateful_set_changes_little,
    replicas_are_not_negative,
    a_budget_has_one_bound,
    a_bound_is_a_number_or_a_percentage,
    a_bound_is_at_most_everything,
    a_policy_of_a_budget_is_one_of_two,
    taints_of_a_node_are_checked,
    an_immutable_map_stays,
    a_lease_lasts_at_least_a_second,
);

fn causes(body: &Value) -> Vec<(&str, &str)> {
    let causes = body["details"]["causes"].as_array().unwrap();
    causes.iter().map(|c| (c["field"].as_str().unwrap(), c["reason"].as_str().unwrap())).collect()
}

async fn a_name_is_required(api: &Api) {
    let answer = api.post(&api.core("configmaps"), json!({"metadata": {}})).await;
    let said = "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required";
    answer.refused(422, "Invalid").saying(said);
    assert_eq!(causes(&answer.body), [("metadata.name", "FieldValueRequired")]);
}

async fn a_name_must_be_a_dns_name(api: &Api) {
    let answer = api.post(&api.core("configmaps"), config_map("A_")).await;
    answer.refused(422, "Invalid").saying(
        "ConfigMap \"A_\" is invalid: metadata.name: Invalid value: \"A_\": a lowercase RFC 1123 subdomain must consist of lower case \
         alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used \
         for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    );
}

async fn a_label_must_be_one(api: &Api) {
    let mut map = config_map("a");
    map["metadata"]["labels"] = json!({"a": "no label!"});
    let answer = api.post(&api.core("configmaps"), map).await;
    answer.refused(422, "Invalid");
    assert_eq!(causes(&answer.body), [("metadata.labels", "FieldValueInvalid")]);
}

async fn a_pod_needs_containers_with_images(api: &Api) {
    let answer = api.post(&api.core("pods"), json!({"metadata": {"name": "a"}, "spec": {}})).await;
    answer.refused(422, "Invalid").saying("Pod \"a\" is invalid: spec.containers: Required value");
    let answer = api
        .post(
            &api.core("pods"),
            json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c"}]}}),
        )
        .await;
    answer
        .refused(422, "Invalid")
        .saying("Pod \"a\" is invalid: spec.containers[0].image: Required value");
}

async fn containers_have_names_of_their_own(api: &Api) {
    let mut pod = pod("a", "a");
    pod["spec"]["containers"] = json!([{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]);
    let answer = api.post(&api.core("pods"), pod).await;
    answer
        .refused(422, "Invalid")
        .saying("Pod \"a\" is invalid: spec.containers[1].name: Duplicate value: \"c\"");
}

async fn a_workload_selects_its_own_template(api: &Api) {
    let mut set = workload("a", Some(1));
    set["spec"]["template"]["metadata"]["labels"] = json!({"app": "b"});
    let answer = api.post(&api.apps("deployments"), set).await;
    answer.refused(422, "Invalid").saying(
        "Deployment.apps \"a\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"b\"}: `selector` does not match template `labels`",
    );
}

async fn a_workload_needs_a_selector(api: &Api) {
    let answer =
        api.post(&api.apps("deployments"), json!({"metadata": {"name": "a"}, "spec": {}})).await;
    answer.refused(422, "Invalid");
    let fields: Vec<&str> = causes(&answer.body).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        ["spec.selector", "spec.template.metadata.labels", "spec.template.spec.containers"]
    );
}

async fn a_selector_stays(api: &Api) {
    api.post(&api.apps("deployments"), workload("a", Some(0))).await.ok();
    let change = json!({"spec": {"selector": {"matchLabels": {"app": "a", "b": "c"}}, "template": {"metadata": {"labels": {"b": "c"}}}}});
    let answer = api.merge(&format!("{}/a", api.apps("deployments")), change).await;
    answer.refused(422, "Invalid");
    assert_eq!(causes(&answer.body), [("spec.selector", "FieldValueInvalid")]);
    assert!(answer.message().ends_with("field is immutable"), "{}", answer.message());
}

async fn a_running_pod_changes_little(api: &Api) {
    api.post(&api.core("pods"), pod("a", "a")).await.ok();
    let path = format!("{}/a", api.core("pods"));
    let answer = api.merge(&path, json!({"spec": {"hostNetwork": true}})).await;
    answer.refused(422, "Invalid");
    assert!(
        answer.message().contains("spec: Forbidden: pod updates may not change fields other than"),
        "{}",
        answer.message()
    );
    let image = json!({"spec": {"containers": [{"name": "c", "image": "registry.example/i:2"}]}});
    assert_eq!(api.strategic(&path, image).await.ok()["metadata"]["generation"], 2);
}

async fn a_stateful_set_changes_little(api: &Api) {
    let mut set = workload("a", Some(0));
    set["spec"]["serviceName"] = json!("s");
    api.post(&api.apps("statefulsets"), set).await.ok();
    let path = format!("{}/a", api.apps("statefulsets"));
    let answer = api.merge(&path, json!({"spec": {"serviceName": "t"}})).await;
    answer.refused(422, "Invalid");
    assert!(
        answer.message().contains("updates to statefulset spec for fields other than"),
        "{}",
        answer.message()
    );
}

async fn replicas_are_not_negative(api: &Api) {
    let mut set = workload("a", None);
    set["spec"]["replicas"] = json!(-1);
    let answer = api.post(&api.apps("replicasets"), set).await;
    answer.refused(422, "Invalid");
    assert_eq!(causes(&answer.body), [("spec.replicas", "FieldValueInvalid")]);
}

fn budget(spec: &Value) -> Value {
    json!({"metadata": {"name": "b"}, "spec": spec})
}

async fn a_budget_has_one_bound(api: &Api) {
    let answer =
        api.post(&api.budgets(), budget(&json!({"minAvailable": 1, "maxUnavailable": 1}))).await;
    answer.refused(422, "Invalid");
    assert!(
        answer.message().ends_with("minAvailable and maxUnavailable cannot be both set"),
        "{}",
        answer.message()
    );
}

async fn a_bound_is_a_number_or_a_percentage(api: &Api) {
    for wrong in [json!("x"), json!("1"), json!(-1)] {
        let answer = api.post(&api.budgets(), budget(&json!({"minAvailable": wrong}))).await;
        answer.refused(422, "Invalid");
        assert_eq!(causes(&answer.body)[0], ("spec.minAvailable", "FieldValueInvalid"));
    }
}

async fn a_bound_is_at_most_everything(api: &Api) {
    let answer = api.post(&api.budgets(), budget(&json!({"maxUnavailable": "101%"}))).await;
    answer.refused(422, "Invalid").saying(
        "PodDisruptionBudget.policy \"b\" is invalid: spec.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
    );
}

async fn a_policy_of_a_budget_is_one_of_two(api: &Api) {
    let answer = api
        .post(
            &api.budgets(),
            budget(&json!({"minAvailable": 1, "unhealthyPodEvictionPolicy": "x"})),
        )
        .await;
    answer.refused(422, "Invalid").saying(
        "PodDisruptionBudget.policy \"b\" is invalid: spec.unhealthyPodEvictionPolicy: Unsupported value: \"x\": supported values: \
         \"AlwaysAllow\", \"IfHealthyBudget\"",
    );
}

async fn taints_of_a_node_are_checked(api: &Api) {
    let name = format!("n-{}", api.namespace);
    let node =
        json!({"metadata": {"name": name}, "spec": {"taints": [{"key": "a", "effect": "x"}]}});
    let answer = api.post("/api/v1/nodes", node).await;
    answer.refused(422, "Invalid");
    assert_eq!(causes(&answer.body), [("metadata.taints[0].effect", "FieldValueNotSupported")]);
}

async fn an_immutable_map_stays(api: &Api) {
    let mut map = config_map("a");
    map["immutable"] = json!(true);
    api.post(&api.core("configmaps"), map).await.ok();
    let answer =
        api.merge(&format!("{}/a", api.core("configmaps")), json!({"data": {"a": "2"}})).await;
    answer.refused(422, "Invalid").saying(
        "ConfigMap \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
    );
}

async fn a_lease_lasts_at_least_a_second(api: &Api) {
    let lease = json!({"metadata": {"name": "l"}, "spec": {"leaseDurationSeconds": 0}});
    let answer = api.post(&api.leases(), lease).await;
    answer.refused(422, "Invalid");
    assert_eq!(causes(&answer.body), [("spec.leaseDurationSeconds", "FieldValueInvalid")]);
}
