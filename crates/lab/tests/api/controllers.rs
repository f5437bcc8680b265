//! What controllers make of workloads.

use crate::support::{Api, behaviours, pod, workload};
use serde_json::{Value, json};

behaviours!(
    a_replica_set_makes_its_pods_and_makes_them_again,
    a_replica_set_takes_what_nobody_has,
    a_replica_set_gives_up_what_it_does_not_select,
    a_replica_set_reports_its_pods,
    a_scale_is_read_and_written,
    a_scale_is_not_negative,
    a_deployment_makes_a_replica_set_of_its_template,
    a_deployment_rolls_to_another_template,
    a_deployment_reports_its_pods,
    a_daemon_set_has_a_pod_on_each_node_it_selects,
    a_daemon_set_minds_no_cordon,
    a_binding_places_a_pod_once,
);

fn owner(object: &Value) -> (&str, &str) {
    let owner = &object["metadata"]["ownerReferences"][0];
    (owner["kind"].as_str().unwrap_or_default(), owner["name"].as_str().unwrap_or_default())
}

async fn a_replica_set_makes_its_pods_and_makes_them_again(api: &Api) {
    api.post(&api.apps("replicasets"), workload("w", Some(2))).await.ok();
    let pods = api.until_list(&api.core("pods"), "two pods", |pods| pods.len() == 2).await;
    assert_eq!(owner(&pods[0]), ("ReplicaSet", "w"));
    assert!(pods[0]["metadata"]["name"].as_str().unwrap().starts_with("w-"));
    let name = pods[0]["metadata"]["name"].as_str().unwrap();
    api.delete(&format!("{}/{name}", api.core("pods"))).await.ok();
    let again =
        |pods: &[Value]| pods.len() == 2 && pods.iter().all(|pod| pod["metadata"]["name"] != name);
    api.until_list(&api.core("pods"), "another one", again).await;
}

async fn a_replica_set_takes_what_nobody_has(api: &Api) {
    api.post(&api.core("pods"), pod("lonely", "w")).await.ok();
    api.post(&api.apps("replicasets"), workload("w", Some(1))).await.ok();
    let pod = api
        .until(&format!("{}/lonely", api.core("pods")), "it has an owner", |pod| {
            owner(pod) == ("ReplicaSet", "w")
        })
        .await;
    assert_eq!(pod["metadata"]["ownerReferences"][0]["controller"], true);
}

async fn a_replica_set_gives_up_what_it_does_not_select(api: &Api) {
    api.post(&api.apps("replicasets"), workload("w", Some(1))).await.ok();
    let pods = api.until_list(&api.core("pods"), "a pod", |pods| pods.len() == 1).await;
    let name = pods[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let path = format!("{}/{name}", api.core("pods"));
    api.merge(&path, json!({"metadata": {"labels": {"app": "other"}}})).await.ok();
    api.until(&path, "it is nobody's", |pod| pod["metadata"].get("ownerReferences").is_none())
        .await;
    api.until_list(&api.core("pods"), "another one", |pods| pods.len() == 2).await;
}

async fn a_replica_set_reports_its_pods(api: &Api) {
    api.post(&api.apps("replicasets"), workload("w", Some(2))).await.ok();
    let pods = api.until_list(&api.core("pods"), "two pods", |pods| pods.len() == 2).await;
    api.report(pods[0]["metadata"]["name"].as_str().unwrap(), "Running", true).await;
    let so = |set: &Value| {
        let status = &set["status"];
        (
            &status["replicas"],
            &status["fullyLabeledReplicas"],
            &status["readyReplicas"],
            &status["availableReplicas"],
            &status["observedGeneration"],
        ) == (&json!(2), &json!(2), &json!(1), &json!(1), &json!(1))
    };
    api.until(&format!("{}/w", api.apps("replicasets")), "its status", so).await;
}

async fn a_scale_is_read_and_written(api: &Api) {
    api.post(&api.apps("deployments"), workload("w", Some(1))).await.ok();
    let path = format!("{}/w/scale", api.apps("deployments"));
    let scale = api.get(&path).await.ok();
    assert_eq!(
        (&scale["kind"], &scale["apiVersion"], &scale["spec"]),
        (&json!("Scale"), &json!("autoscaling/v1"), &json!({"replicas": 1}))
    );
    assert_eq!(scale["status"]["selector"], "app=w");
    assert_eq!(
        api.merge(&path, json!({"spec": {"replicas": 3}})).await.ok()["spec"]["replicas"],
        3
    );
    assert_eq!(
        api.get(&format!("{}/w", api.apps("deployments"))).await.ok()["spec"]["replicas"],
        3
    );
    api.until_list(&api.core("pods"), "three pods", |pods| pods.len() == 3).await;
}

async fn a_scale_is_not_negative(api: &Api) {
    api.post(&api.apps("deployments"), workload("w", Some(0))).await.ok();
    let answer = api
        .merge(&format!("{}/w/scale", api.apps("deployments")), json!({"spec": {"replicas": -3}}))
        .await;
    let said = "Scale.autoscaling \"w\" is invalid: spec.replicas: Invalid value: -3: must be greater than or equal to 0";
    answer.refused(422, "Invalid").saying(said);
}

async fn a_deployment_makes_a_replica_set_of_its_template(api: &Api) {
    api.post(&api.apps("deployments"), workload("w", Some(1))).await.ok();
    let sets = api.until_list(&api.apps("replicasets"), "a set", |sets| sets.len() == 1).await;
    let hash = sets[0]["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(sets[0]["metadata"]["name"], format!("w-{hash}"));
    assert_eq!(owner(&sets[0]), ("Deployment", "w"));
    assert_eq!(sets[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(sets[0]["spec"]["selector"]["matchLabels"]["pod-template-hash"], hash);
    let pods = api.until_list(&api.core("pods"), "its pod", |pods| pods.len() == 1).await;
    assert_eq!(pods[0]["metadata"]["labels"]["pod-template-hash"], hash);
    let noted =
        |d: &Value| d["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1";
    api.until(&format!("{}/w", api.apps("deployments")), "it notes the revision", noted).await;
}

async fn a_deployment_rolls_to_another_template(api: &Api) {
    let path = format!("{}/w", api.apps("deployments"));
    api.post(&api.apps("deployments"), workload("w", Some(4))).await.ok();
    let pods = api.until_list(&api.core("pods"), "four pods", |pods| pods.len() == 4).await;
    for pod in &pods {
        api.report(pod["metadata"]["name"].as_str().unwrap(), "Running", true).await;
    }
    api.until(&path, "four are available", |d| d["status"]["availableReplicas"] == 4).await;
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "registry.example/i:2"}]}}}});
    api.strategic(&path, image).await.ok();
    // A quarter more and a quarter fewer: two new ones beside three old ones.
    let of = |pods: &[Value], image: &str| {
        pods.iter().filter(|pod| pod["spec"]["containers"][0]["image"] == image).count()
    };
    let step = |pods: &[Value]| {
        (of(pods, "registry.example/i:1"), of(pods, "registry.example/i:2")) == (3, 2)
    };
    api.until_list(&api.core("pods"), "the first step", step).await;
    let sets = api.get(&api.apps("replicasets")).await.ok();
    let mut revisions: Vec<&str> = sets["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            s["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().unwrap()
        })
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, ["1", "2"]);
    loop {
        let pods = api.get(&api.core("pods")).await.ok()["items"].as_array().unwrap().clone();
        if (of(&pods, "registry.example/i:1"), of(&pods, "registry.example/i:2")) == (0, 4) {
            break;
        }
        let running = pods.iter().filter(|pod| pod["status"]["phase"] == "Running").count();
        assert!(running >= 3 && pods.len() <= 5, "{running} of {}", pods.len());
        for pod in pods.iter().filter(|pod| pod["status"]["phase"] == "Pending") {
            // Reported one by one, as they would become ready.
            let path = format!(
                "{}/{}/status",
                api.core("pods"),
                pod["metadata"]["name"].as_str().unwrap()
            );
            let status = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
            drop(api.strategic(&path, status).await);
        }
    }
}

async fn a_deployment_reports_its_pods(api: &Api) {
    let path = format!("{}/w", api.apps("deployments"));
    api.post(&api.apps("deployments"), workload("w", Some(1))).await.ok();
    let not_yet =
        |d: &Value| d["status"]["unavailableReplicas"] == 1 && d["status"]["replicas"] == 1;
    api.until(&path, "its pod is not available", not_yet).await;
    let pods = api.until_list(&api.core("pods"), "a pod", |pods| pods.len() == 1).await;
    api.report(pods[0]["metadata"]["name"].as_str().unwrap(), "Running", true).await;
    let condition = |d: &Value, kind: &str| {
        let all = d["status"]["conditions"].as_array().cloned().unwrap_or_default();
        all.iter()
            .find(|c| c["type"] == kind)
            .map(|c| c["reason"].as_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    let so = |d: &Value| {
        d["status"]["availableReplicas"] == 1
            && d["status"].get("unavailableReplicas").is_none()
            && condition(d, "Available") == "MinimumReplicasAvailable"
            && condition(d, "Progressing") == "NewReplicaSetAvailable"
    };
    api.until(&path, "its status", so).await;
}

/// A node of this test alone; what selects it.
async fn node(api: &Api, name: &str, cordoned: bool) -> Value {
    let name = format!("{name}-{}", api.namespace);
    let spec = json!({"unschedulable": cordoned});
    let status = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    let labels = json!({"for": api.namespace});
    api.post(
        "/api/v1/nodes",
        json!({"metadata": {"name": name, "labels": labels}, "spec": spec, "status": status}),
    )
    .await
    .ok();
    // It was not known to be ready when it was made.
    api.merge(&format!("/api/v1/nodes/{name}"), json!({"spec": {"taints": null}})).await.ok();
    labels
}

fn nodes_of(pods: &[Value]) -> Vec<String> {
    let field = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0";
    let mut all: Vec<String> = pods
        .iter()
        .map(|pod| {
            pod.pointer(field).unwrap().as_str().unwrap().split('-').next().unwrap().to_owned()
        })
        .collect();
    all.sort();
    all
}

async fn remove_nodes(api: &Api) {
    api.delete(&format!("/api/v1/nodes?labelSelector=for%3D{}", api.namespace)).await.ok();
}

async fn a_daemon_set_has_a_pod_on_each_node_it_selects(api: &Api) {
    let mut set = workload("d", None);
    set["spec"]["template"]["spec"]["nodeSelector"] = node(api, "one", false).await;
    node(api, "two", false).await;
    api.post(&api.apps("daemonsets"), set).await.ok();
    let pods = api.until_list(&api.core("pods"), "two pods", |pods| pods.len() == 2).await;
    assert_eq!(nodes_of(&pods), ["one", "two"]);
    assert_eq!(owner(&pods[0]), ("DaemonSet", "d"));
    assert!(pods[0]["metadata"]["labels"]["controller-revision-hash"].is_string());
    let counted = |set: &Value| {
        set["status"]["desiredNumberScheduled"] == 2 && set["status"]["currentNumberScheduled"] == 2
    };
    api.until(&format!("{}/d", api.apps("daemonsets")), "its status", counted).await;
    remove_nodes(api).await;
}

async fn a_daemon_set_minds_no_cordon(api: &Api) {
    let mut set = workload("d", None);
    set["spec"]["template"]["spec"]["nodeSelector"] = node(api, "one", true).await;
    api.post(&api.apps("daemonsets"), set).await.ok();
    let pods = api.until_list(&api.core("pods"), "a pod", |pods| pods.len() == 1).await;
    let tolerations = pods[0]["spec"]["tolerations"].as_array().unwrap();
    let cordon = json!({"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"});
    assert!(tolerations.contains(&cordon), "{tolerations:?}");
    remove_nodes(api).await;
}

async fn a_binding_places_a_pod_once(api: &Api) {
    let mut made = pod("a", "a");
    // Not for the scheduler, where there is one.
    made["spec"]["schedulerName"] = json!("by-hand");
    api.post(&api.core("pods"), made).await.ok();
    let binding =
        |node: &str| json!({"metadata": {"name": "a"}, "target": {"kind": "Node", "name": node}});
    let path = format!("{}/a/binding", api.core("pods"));
    assert_eq!(api.post(&path, binding("one")).await.code, 201);
    let now = api.get(&format!("{}/a", api.core("pods"))).await.ok();
    assert_eq!(now["spec"]["nodeName"], "one");
    assert_eq!(
        (&now["status"]["conditions"][0]["type"], &now["status"]["conditions"][0]["status"]),
        (&json!("PodScheduled"), &json!("True"))
    );
    let answer = api.post(&path, binding("two")).await;
    let said = "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node \"one\"";
    answer.refused(409, "Conflict").saying(said);
}
