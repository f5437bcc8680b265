//! Lists.

use crate::support::{Answer, Api, behaviours, config_map};
use serde_json::{Value, json};

behaviours!(
    a_list_is_in_the_order_of_names,
    items_do_not_repeat_their_kind,
    labels_select,
    a_label_selector_that_is_none_is_refused,
    pods_are_listed_by_node_and_phase,
    a_field_that_is_not_known_is_refused,
    a_list_in_parts_says_how_many_are_left,
    a_list_in_parts_is_of_one_moment,
    a_list_with_a_selector_does_not_say_how_many_are_left,
    a_continue_token_that_is_none_is_refused,
    a_limit_is_a_number,
    a_list_of_an_earlier_moment,
    a_revision_that_has_not_come_is_refused,
    a_revision_is_a_number,
    a_match_needs_a_revision,
    a_match_is_one_of_two,
    a_list_over_all_namespaces,
    a_list_of_metadata,
    a_table_of_nodes,
    a_table_of_pods,
    a_table_of_a_budget,
);

fn names(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect()
}

/// Maps `a` to `e`; the first three have the label `x`. Returns their list.
async fn five(api: &Api) -> String {
    let maps = api.core("configmaps");
    for name in ["c", "a", "e", "b", "d"] {
        let mut map = config_map(name);
        map["metadata"]["labels"] = json!({"five": "yes"});
        if name < "d" {
            map["metadata"]["labels"]["x"] = json!(name);
        }
        api.post(&maps, map).await.ok();
    }
    // A real cluster puts a map of its own in each namespace.
    format!("{maps}?labelSelector=five")
}

async fn a_list_is_in_the_order_of_names(api: &Api) {
    let list = api.get(&five(api).await).await.ok();
    assert_eq!(names(&list), ["a", "b", "c", "d", "e"]);
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("ConfigMapList"), &json!("v1")));
    assert!(list["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap() > 0);
}

async fn items_do_not_repeat_their_kind(api: &Api) {
    let list = api.get(&five(api).await).await.ok();
    assert!(list["items"][0].get("kind").is_none() && list["items"][0].get("apiVersion").is_none());
}

async fn labels_select(api: &Api) {
    let list = five(api).await;
    for (selector, found) in [
        ("x=a", vec!["a"]),
        ("x==a", vec!["a"]),
        ("x!=a", vec!["b", "c", "d", "e"]),
        ("x", vec!["a", "b", "c"]),
        ("!x", vec!["d", "e"]),
        ("x in (a,c)", vec!["a", "c"]),
        ("x notin (a,c)", vec!["b", "d", "e"]),
        ("x,x!=b", vec!["a", "c"]),
    ] {
        let encoded = selector.replace(' ', "%20").replace('=', "%3D").replace('!', "%21");
        let answer = api.get(&format!("{list},{encoded}")).await.ok();
        assert_eq!(names(&answer), found, "{selector}");
    }
}

async fn a_label_selector_that_is_none_is_refused(api: &Api) {
    for selector in ["%3Dx", "a%20has%20b", "a%20in%20b"] {
        api.get(&format!("{}?labelSelector={selector}", api.core("pods")))
            .await
            .refused(400, "BadRequest");
    }
}

async fn pods_are_listed_by_node_and_phase(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    api.post(&api.core("pods"), crate::support::pod("b", "b")).await.ok();
    let by = |fields: &'static str| async move {
        api.get(&format!("{}?fieldSelector={fields}", api.core("pods"))).await.ok()
    };
    assert_eq!(names(&by("spec.nodeName%3Dnowhere").await), ["a"]);
    assert_eq!(names(&by("spec.nodeName%3D").await), ["b"]);
    assert_eq!(names(&by("status.phase%21%3DRunning").await), ["b"]);
    assert_eq!(names(&by("metadata.name%3Da").await), ["a"]);
    assert_eq!(
        names(&by("spec.nodeName%3Dnowhere,status.phase%3DPending").await),
        Vec::<&str>::new()
    );
}

async fn a_field_that_is_not_known_is_refused(api: &Api) {
    let answer = api.get(&format!("{}?fieldSelector=spec.colour%3Dred", api.core("pods"))).await;
    answer.refused(400, "BadRequest").saying("field label not supported: spec.colour");
    let answer =
        api.get(&format!("{}?fieldSelector=spec.colour%3Dred", api.apps("deployments"))).await;
    let said = "\"spec.colour\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
    answer.refused(400, "BadRequest").saying(said);
}

/// The list without its selector: how many are left is known for such a one only.
async fn plain_five(api: &Api) -> String {
    for name in ["c", "a", "e", "b", "d"] {
        api.post(&api.leases(), json!({"metadata": {"name": name}})).await.ok();
    }
    api.leases()
}

async fn a_list_in_parts_says_how_many_are_left(api: &Api) {
    let list = plain_five(api).await;
    let first = api.get(&format!("{list}?limit=2")).await.ok();
    assert_eq!(
        (names(&first), &first["metadata"]["remainingItemCount"]),
        (vec!["a", "b"], &json!(3))
    );
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = api.get(&format!("{list}?limit=3&continue={token}")).await.ok();
    assert_eq!(names(&second), ["c", "d", "e"]);
    assert!(second["metadata"].get("continue").is_none());
}

async fn a_list_in_parts_is_of_one_moment(api: &Api) {
    let list = plain_five(api).await;
    let first = api.get(&format!("{list}?limit=2")).await.ok();
    api.delete(&format!("{list}/e")).await.ok();
    api.post(&list, json!({"metadata": {"name": "f"}})).await.ok();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = api.get(&format!("{list}?continue={token}")).await.ok();
    assert_eq!(names(&rest), ["c", "d", "e"]);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

async fn a_list_with_a_selector_does_not_say_how_many_are_left(api: &Api) {
    let list = five(api).await;
    let first = api.get(&format!("{list}&limit=2")).await.ok();
    assert!(
        first["metadata"]["continue"].is_string()
            && first["metadata"].get("remainingItemCount").is_none()
    );
}

async fn a_continue_token_that_is_none_is_refused(api: &Api) {
    api.get(&format!("{}?continue=xyz", api.leases())).await.refused(400, "BadRequest");
}

async fn a_limit_is_a_number(api: &Api) {
    api.get(&format!("{}?limit=x", api.leases())).await.refused(400, "BadRequest");
}

async fn a_list_of_an_earlier_moment(api: &Api) {
    let list = plain_five(api).await;
    let then = api.get(&list).await.ok();
    let revision = then["metadata"]["resourceVersion"].as_str().unwrap();
    api.delete(&format!("{list}/a")).await.ok();
    let exact = api
        .get(&format!("{list}?resourceVersion={revision}&resourceVersionMatch=Exact"))
        .await
        .ok();
    assert_eq!(names(&exact), ["a", "b", "c", "d", "e"]);
    let newer = api
        .get(&format!("{list}?resourceVersion={revision}&resourceVersionMatch=NotOlderThan"))
        .await
        .ok();
    assert!(
        newer["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
            >= revision.parse().unwrap()
    );
}

async fn a_revision_that_has_not_come_is_refused(api: &Api) {
    let answer = api.get(&format!("{}?resourceVersion=999999999", api.leases())).await;
    answer.refused(504, "Timeout");
    assert!(
        answer.message().starts_with("Timeout: Too large resource version: 999999999, current: "),
        "{}",
        answer.message()
    );
    assert_eq!(answer.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

async fn a_revision_is_a_number(api: &Api) {
    api.get(&format!("{}?resourceVersion=abc", api.leases())).await.refused(400, "BadRequest");
}

fn options_refused(answer: &Answer, said: &str) {
    answer
        .refused(422, "Invalid")
        .saying(&format!("ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: {said}"));
}

async fn a_match_needs_a_revision(api: &Api) {
    let answer = api.get(&format!("{}?resourceVersionMatch=Exact", api.leases())).await;
    options_refused(
        &answer,
        "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    );
}

async fn a_match_is_one_of_two(api: &Api) {
    let answer =
        api.get(&format!("{}?resourceVersion=1&resourceVersionMatch=Near", api.leases())).await;
    options_refused(
        &answer,
        "Unsupported value: \"Near\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
    );
}

async fn a_list_over_all_namespaces(api: &Api) {
    api.post(&api.core("configmaps"), config_map("a")).await.ok();
    let list = api.get("/api/v1/configmaps?fieldSelector=metadata.name%3Da").await.ok();
    let mine = |item: &&Value| item["metadata"]["namespace"] == api.namespace.as_str();
    assert_eq!(list["items"].as_array().unwrap().iter().filter(mine).count(), 1);
}

async fn in_form(api: &Api, path: &str, form: &str) -> Value {
    let accept = format!("application/json;as={form};v=v1;g=meta.k8s.io,application/json");
    api.send("GET", path, &[("Accept", &accept)], "").await.ok()
}

async fn a_list_of_metadata(api: &Api) {
    api.post(&api.core("configmaps"), config_map("a")).await.ok();
    let path = format!("{}?fieldSelector=metadata.name%3Da", api.core("configmaps"));
    let list = in_form(api, &path, "PartialObjectMetadataList").await;
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("PartialObjectMetadataList"), &json!("meta.k8s.io/v1"))
    );
    assert_eq!(names(&list), ["a"]);
    assert!(list["items"][0].get("data").is_none());
}

/// Titles, and which of them only `-o wide` shows.
fn columns(table: &Value) -> Vec<(String, bool)> {
    let all = table["columnDefinitions"].as_array().unwrap();
    all.iter().map(|c| (c["name"].as_str().unwrap().to_owned(), c["priority"] == 1)).collect()
}

async fn a_table_of_nodes(api: &Api) {
    let name = format!("n-{}", api.namespace);
    let node = json!({"metadata": {"name": name, "labels": {"node-role.kubernetes.io/control-plane": "", "node-role.kubernetes.io/a": ""}},
        "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "Debian", "kernelVersion": "6.1", "containerRuntimeVersion": "c://1",
                "architecture": "amd64", "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": "", "operatingSystem": "linux"}}});
    api.post("/api/v1/nodes", node).await.ok();
    let table =
        in_form(api, &format!("/api/v1/nodes?fieldSelector=metadata.name%3D{name}"), "Table").await;
    let titles = [
        "Name",
        "Status",
        "Roles",
        "Age",
        "Version",
        "Internal-IP",
        "External-IP",
        "OS-Image",
        "Kernel-Version",
        "Container-Runtime",
    ];
    let said: Vec<(String, bool)> =
        titles.iter().enumerate().map(|(at, title)| ((*title).to_owned(), at > 4)).collect();
    assert_eq!(columns(&table), said);
    let mut cells = table["rows"][0]["cells"].as_array().unwrap().clone();
    cells[3] = json!("now");
    let wanted = json!([
        name,
        "Ready,SchedulingDisabled",
        "a,control-plane",
        "now",
        "v1.36.3",
        "10.0.0.1",
        "<none>",
        "Debian",
        "6.1 (amd64)",
        "c://1"
    ]);
    assert_eq!(json!(cells), wanted);
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    api.delete(&format!("/api/v1/nodes/{name}")).await.ok();
}

async fn a_table_of_pods(api: &Api) {
    api.pod("a", "a", "Running", true).await;
    let state = json!({"status": {"podIP": "10.1.1.1", "podIPs": [{"ip": "10.1.1.1"}], "containerStatuses": [{"name": "c", "ready": true,
        "restartCount": 2, "image": "i", "imageID": "", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}});
    api.strategic(&format!("{}/a/status", api.core("pods")), state).await.ok();
    api.pod("b", "b", "Succeeded", false).await;
    api.pod("c", "c", "Running", false).await;
    let waiting = json!({"status": {"containerStatuses": [{"name": "c", "ready": false, "restartCount": 0, "image": "i", "imageID": "",
        "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
    api.strategic(&format!("{}/c/status", api.core("pods")), waiting).await.ok();
    api.pod("d", "d", "Running", true).await;
    api.delete(&format!("{}/d", api.core("pods"))).await.ok();
    let table = in_form(api, &api.core("pods"), "Table").await;
    let row = |at: usize| {
        let cells = table["rows"][at]["cells"].as_array().unwrap();
        cells
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != 4)
            .map(|(_, cell)| cell.as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(row(0), ["a", "1/1", "Running", "2", "10.1.1.1", "nowhere", "<none>", "<none>"]);
    assert_eq!(row(1)[..4], ["b", "0/1", "Succeeded", "0"]);
    assert_eq!(row(2)[..4], ["c", "0/1", "ImagePullBackOff", "0"]);
    assert_eq!(row(3)[..4], ["d", "0/1", "Terminating", "0"]);
    assert_eq!(table["rows"][1]["conditions"][0]["reason"], "Succeeded");
}

async fn a_table_of_a_budget(api: &Api) {
    let budget = json!({"metadata": {"name": "b"}, "spec": {"maxUnavailable": "20%", "selector": {"matchLabels": {"app": "x"}}}});
    api.post(&api.budgets(), budget).await.ok();
    let table = in_form(api, &api.budgets(), "Table").await;
    let titles: Vec<String> = columns(&table).into_iter().map(|(title, _)| title).collect();
    assert_eq!(titles, ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"]);
    assert_eq!(
        table["rows"][0]["cells"].as_array().unwrap()[..4],
        [json!("b"), json!("N/A"), json!("20%"), json!(0)]
    );
}
