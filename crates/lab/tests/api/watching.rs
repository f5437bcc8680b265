//! Watches.

use crate::support::{Api, behaviours, config_map};
use serde_json::json;

behaviours!(
    a_watch_goes_on_from_a_revision,
    a_watch_without_a_revision_begins_with_what_there_is,
    an_object_comes_into_a_selection_and_goes_out_of_it,
    the_last_event_of_an_object_has_its_last_state,
    initial_events_end_with_a_bookmark,
    initial_events_need_a_match,
    one_object_is_watched_by_its_name,
    a_watch_ends_when_its_time_is_over,
    a_watch_of_tables,
    two_watches_see_the_same,
);

async fn revision(api: &Api) -> String {
    let list = api.get(&api.core("configmaps")).await.ok();
    list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

fn told(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

/// A map that a watch with `labelSelector=mine` sees; a real cluster has one of its own in each namespace.
async fn make(api: &Api, name: &str) {
    let mut map = config_map(name);
    map["metadata"]["labels"] = json!({"mine": "yes"});
    api.post(&api.core("configmaps"), map).await.ok();
}

async fn a_watch_goes_on_from_a_revision(api: &Api) {
    let maps = api.core("configmaps");
    make(api, "before").await;
    let revision = revision(api).await;
    make(api, "a").await;
    let mut watch =
        api.watch(&format!("{maps}?watch=1&labelSelector=mine&resourceVersion={revision}")).await;
    assert_eq!(watch.tells().await, told("ADDED", "a"));
    api.merge(&format!("{maps}/a"), json!({"data": {"a": "2"}})).await.ok();
    assert_eq!(watch.tells().await, told("MODIFIED", "a"));
    api.delete(&format!("{maps}/a")).await.ok();
    assert_eq!(watch.tells().await, told("DELETED", "a"));
}

async fn a_watch_without_a_revision_begins_with_what_there_is(api: &Api) {
    for name in ["a", "b"] {
        make(api, name).await;
    }
    let mut watch =
        api.watch(&format!("{}?watch=true&labelSelector=mine", api.core("configmaps"))).await;
    assert_eq!(
        (watch.tells().await, watch.tells().await),
        (told("ADDED", "a"), told("ADDED", "b"))
    );
    make(api, "c").await;
    assert_eq!(watch.tells().await, told("ADDED", "c"));
}

async fn an_object_comes_into_a_selection_and_goes_out_of_it(api: &Api) {
    let maps = api.core("configmaps");
    let mut watch = api
        .watch(&format!("{maps}?watch=1&labelSelector=x&resourceVersion={}", revision(api).await))
        .await;
    api.post(&maps, config_map("a")).await.ok();
    api.merge(&format!("{maps}/a"), json!({"metadata": {"labels": {"x": "1"}}})).await.ok();
    assert_eq!(watch.tells().await, told("ADDED", "a"));
    api.merge(&format!("{maps}/a"), json!({"metadata": {"labels": {"x": "2"}}})).await.ok();
    assert_eq!(watch.tells().await, told("MODIFIED", "a"));
    api.merge(&format!("{maps}/a"), json!({"metadata": {"labels": {"x": null}}})).await.ok();
    assert_eq!(watch.tells().await, told("DELETED", "a"));
}

async fn the_last_event_of_an_object_has_its_last_state(api: &Api) {
    let maps = api.core("configmaps");
    make(api, "a").await;
    let before = api.get(&format!("{maps}/a")).await.ok();
    let mut watch = api
        .watch(&format!(
            "{maps}?watch=1&labelSelector=mine&resourceVersion={}",
            revision(api).await
        ))
        .await;
    api.delete(&format!("{maps}/a")).await.ok();
    let (kind, object) = watch.next().await.unwrap();
    assert_eq!((kind.as_str(), &object["data"]), ("DELETED", &before["data"]));
    let number = |object: &serde_json::Value| {
        object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
    };
    assert!(number(&object) > number(&before));
}

async fn initial_events_end_with_a_bookmark(api: &Api) {
    make(api, "a").await;
    let query = "watch=1&labelSelector=mine&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=";
    let mut watch = api.watch(&format!("{}?{query}", api.core("configmaps"))).await;
    assert_eq!(watch.tells().await, told("ADDED", "a"));
    let (kind, object) = watch.next().await.unwrap();
    assert_eq!(kind, "BOOKMARK");
    assert_eq!(object["kind"], "ConfigMap");
    assert_eq!(object["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let revision = object["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    make(api, "b").await;
    assert_eq!(watch.tells().await, told("ADDED", "b"));
    let mut again = api
        .watch(&format!(
            "{}?watch=1&labelSelector=mine&resourceVersion={revision}",
            api.core("configmaps")
        ))
        .await;
    assert_eq!(again.tells().await, told("ADDED", "b"));
}

async fn initial_events_need_a_match(api: &Api) {
    let answer =
        api.get(&format!("{}?watch=1&sendInitialEvents=true", api.core("configmaps"))).await;
    answer.refused(422, "Invalid").saying(
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting \
         resourceVersionMatch to NotOlderThan",
    );
}

async fn one_object_is_watched_by_its_name(api: &Api) {
    let maps = api.core("configmaps");
    let query = format!("watch=1&resourceVersion={}", revision(api).await);
    let mut watch = api.watch(&format!("{maps}?{query}&fieldSelector=metadata.name%3Db")).await;
    for name in ["a", "b"] {
        make(api, name).await;
    }
    assert_eq!(watch.tells().await, told("ADDED", "b"));
}

async fn a_watch_ends_when_its_time_is_over(api: &Api) {
    let path = format!("{}?watch=1&timeoutSeconds=1&labelSelector=mine", api.core("configmaps"));
    assert_eq!(api.watch(&path).await.next().await, None);
}

async fn a_watch_of_tables(api: &Api) {
    make(api, "a").await;
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let path = format!("{}?watch=1&timeoutSeconds=1&labelSelector=mine", api.core("configmaps"));
    let answer = api.send("GET", &path, &[("Accept", accept)], "").await;
    let event: serde_json::Value =
        serde_json::from_str(answer.text.lines().next().unwrap()).unwrap();
    assert_eq!((&event["type"], &event["object"]["kind"]), (&json!("ADDED"), &json!("Table")));
    assert_eq!(event["object"]["rows"][0]["cells"][0], "a");
}

async fn two_watches_see_the_same(api: &Api) {
    let path = format!(
        "{}?watch=1&labelSelector=mine&resourceVersion={}",
        api.core("configmaps"),
        revision(api).await
    );
    let (mut one, mut two) = (api.watch(&path).await, api.watch(&path).await);
    for name in ["c", "a", "b"] {
        make(api, name).await;
    }
    for name in ["c", "a", "b"] {
        assert_eq!(
            (one.tells().await, two.tells().await),
            (told("ADDED", name), told("ADDED", name))
        );
    }
}
