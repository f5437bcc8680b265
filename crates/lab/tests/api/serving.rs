//! Who may ask, what is there, and in which form.

use crate::support::{Api, behaviours};
use serde_json::{Value, json};

behaviours!(
    nobody_may_read_objects,
    a_wrong_token_is_no_identity,
    everybody_may_ask_for_health_and_version,
    a_health_check_can_be_verbose,
    a_single_health_check,
    the_version_has_its_parts,
    an_object_that_is_not_there,
    a_resource_that_is_not_there,
    a_subresource_that_is_not_there,
    a_path_that_is_none,
    a_method_that_is_none,
    a_form_that_nobody_speaks_is_refused,
    discovery_lists_groups_and_resources,
    discovery_can_be_had_in_one,
    evictions_are_found_by_discovery,
    the_openapi_document_says_what_a_patch_takes,
);

async fn nobody_may_read_objects(api: &Api) {
    let nobody = api.as_nobody(None);
    let answer = nobody.get("/api/v1/nodes").await;
    answer.refused(403, "Forbidden").saying(
        "nodes is forbidden: User \"system:anonymous\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
    );
    let answer = nobody.get(&format!("{}/a", api.apps("deployments"))).await;
    answer.refused(403, "Forbidden").saying(&format!(
        "deployments.apps \"a\" is forbidden: User \"system:anonymous\" cannot get resource \"deployments\" in API group \"apps\" in the namespace \"{}\"",
        api.namespace
    ));
    let answer = nobody.get("/apis").await;
    answer
        .refused(403, "Forbidden")
        .saying("forbidden: User \"system:anonymous\" cannot get path \"/apis\"");
}

async fn a_wrong_token_is_no_identity(api: &Api) {
    api.as_nobody(Some("not-a-token"))
        .get("/api/v1/nodes")
        .await
        .refused(401, "Unauthorized")
        .saying("Unauthorized");
}

async fn everybody_may_ask_for_health_and_version(api: &Api) {
    let nobody = api.as_nobody(None);
    for path in ["/healthz", "/livez", "/readyz"] {
        let answer = nobody.get(path).await;
        assert_eq!((answer.code, answer.text.as_str()), (200, "ok"), "{path}");
    }
    assert_eq!(nobody.get("/version").await.code, 200);
}

async fn a_health_check_can_be_verbose(api: &Api) {
    for probe in ["livez", "readyz"] {
        let answer = api.get(&format!("/{probe}?verbose")).await;
        assert!(
            answer.text.starts_with("[+]ping ok\n") && answer.text.contains("[+]etcd ok\n"),
            "{}",
            answer.text
        );
        assert!(answer.text.ends_with(&format!("{probe} check passed\n")), "{}", answer.text);
    }
}

async fn a_single_health_check(api: &Api) {
    assert_eq!(api.get("/readyz/etcd").await.text, "ok");
    assert_eq!(api.get("/readyz/colour").await.code, 404);
}

async fn the_version_has_its_parts(api: &Api) {
    let version = api.get("/version").await.ok();
    let git = version["gitVersion"].as_str().unwrap();
    let (major, minor) = (version["major"].as_str().unwrap(), version["minor"].as_str().unwrap());
    assert!(git.starts_with(&format!("v{major}.{minor}.")), "{git}");
    assert!(version["platform"].as_str().unwrap().starts_with("linux/"));
}

async fn an_object_that_is_not_there(api: &Api) {
    let answer = api.get(&format!("{}/x", api.apps("deployments"))).await;
    answer.refused(404, "NotFound").saying("deployments.apps \"x\" not found");
    assert_eq!(
        answer.body["details"],
        json!({"name": "x", "group": "apps", "kind": "deployments"})
    );
}

async fn a_resource_that_is_not_there(api: &Api) {
    for path in ["/api/v1/colours", "/apis/example.com/v1/colours", "/apis/apps/v3/deployments"] {
        let answer = api.get(path).await;
        assert_eq!(answer.code, 404, "{path}");
    }
    api.get("/api/v1/colours")
        .await
        .refused(404, "NotFound")
        .saying("the server could not find the requested resource");
}

async fn a_subresource_that_is_not_there(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    api.get(&format!("{}/a/colour", api.core("pods"))).await.refused(404, "NotFound");
}

async fn a_path_that_is_none(api: &Api) {
    let answer = api.get("/colours").await;
    assert_eq!((answer.code, answer.text.trim()), (404, "404 page not found"));
}

async fn a_method_that_is_none(api: &Api) {
    let answer = api.merge("/api/v1/nodes", json!({})).await;
    answer
        .refused(405, "MethodNotAllowed")
        .saying("the server does not allow this method on the requested resource");
}

async fn a_form_that_nobody_speaks_is_refused(api: &Api) {
    let answer = api.send("GET", "/api/v1/nodes", &[("Accept", "image/png")], "").await;
    assert_eq!(answer.code, 406, "{}", answer.text);
}

fn named<'a>(list: &'a Value, field: &str, name: &str) -> &'a Value {
    let all = list.as_array().unwrap();
    all.iter().find(|entry| entry[field] == name).unwrap_or_else(|| panic!("{name} in {list}"))
}

async fn discovery_lists_groups_and_resources(api: &Api) {
    assert_eq!(api.get("/api").await.ok()["versions"], json!(["v1"]));
    let groups = api.get("/apis").await.ok();
    let apps = named(&groups["groups"], "name", "apps");
    assert_eq!(apps["preferredVersion"], json!({"groupVersion": "apps/v1", "version": "v1"}));
    let group = api.get("/apis/policy").await.ok();
    assert_eq!(
        (&group["kind"], &group["versions"][0]["groupVersion"]),
        (&json!("APIGroup"), &json!("policy/v1"))
    );
    let core = api.get("/api/v1").await.ok();
    let pods = named(&core["resources"], "name", "pods");
    assert_eq!(
        (&pods["singularName"], &pods["namespaced"], &pods["kind"], &pods["shortNames"]),
        (&json!("pod"), &json!(true), &json!("Pod"), &json!(["po"]))
    );
    assert_eq!(
        pods["verbs"],
        json!(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
    );
    let scale = api.get("/apis/apps/v1").await.ok();
    let scale = named(&scale["resources"], "name", "deployments/scale");
    assert_eq!(
        (&scale["group"], &scale["version"], &scale["kind"]),
        (&json!("autoscaling"), &json!("v1"), &json!("Scale"))
    );
}

async fn discovery_can_be_had_in_one(api: &Api) {
    let accept =
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let answer = api.send("GET", "/apis", &[("Accept", accept)], "").await;
    assert_eq!(
        answer.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    let list = answer.ok();
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("APIGroupDiscoveryList"), &json!("apidiscovery.k8s.io/v2"))
    );
    let group = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|group| group["metadata"]["name"] == "policy")
        .unwrap();
    let version = &group["versions"][0];
    assert_eq!((&version["version"], &version["freshness"]), (&json!("v1"), &json!("Current")));
    let budgets = named(&version["resources"], "resource", "poddisruptionbudgets");
    assert_eq!(
        (&budgets["scope"], &budgets["singularResource"], &budgets["shortNames"]),
        (&json!("Namespaced"), &json!("poddisruptionbudget"), &json!(["pdb"]))
    );
    assert_eq!(budgets["responseKind"]["kind"], "PodDisruptionBudget");
}

async fn evictions_are_found_by_discovery(api: &Api) {
    let core = api.get("/api/v1").await.ok();
    let eviction = named(&core["resources"], "name", "pods/eviction");
    assert_eq!(
        (&eviction["group"], &eviction["version"], &eviction["kind"]),
        (&json!("policy"), &json!("v1"), &json!("Eviction"))
    );
    assert_eq!(eviction["verbs"], json!(["create"]));
}

async fn the_openapi_document_says_what_a_patch_takes(api: &Api) {
    let index = api.get("/openapi/v3").await.ok();
    let path = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    let document = api.get(path).await.ok();
    let patch =
        &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    named(&patch["parameters"], "name", "fieldValidation");
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "apps", "version": "v1", "kind": "Deployment"})
    );
    let containers = &document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]
        ["containers"];
    assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
}
