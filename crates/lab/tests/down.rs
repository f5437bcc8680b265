//! API servers that go down and come back, and watches of the past, which a real server cannot be made to show on demand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

#[path = "api/support.rs"]
mod support;

use mainstay_lab::fault::Fault;
use std::time::Duration;
use support::{Api, PATIENCE, config_map};

/// Waits until a connection to the server is accepted, or refused.
async fn until_open(host: &str, open: bool) {
    let waiting = async {
        while tokio::net::TcpStream::connect(host).await.is_ok() != open {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the fault strikes");
}

#[tokio::test]
async fn a_server_that_is_down_refuses_and_closes_and_comes_back_with_everything() {
    let (api, lab) = Api::of_lab().await;
    api.post(&api.core("configmaps"), config_map("kept")).await.ok();
    let mut watch = api.watch(&format!("{}?watch=1", api.core("configmaps"))).await;
    assert_eq!(watch.tells().await.1, "kept");
    lab.faults.add(Fault::ApiDown { node: "cp1".into() });
    until_open(&api.host, false).await;
    assert_eq!(watch.next().await, None, "the watch is cut");
    lab.faults.retain(|_| false);
    until_open(&api.host, true).await;
    assert_eq!(api.get(&format!("{}/kept", api.core("configmaps"))).await.code, 200);
}

#[tokio::test]
async fn another_server_on_the_same_store_answers_meanwhile() {
    let (api, lab) = Api::of_lab().await;
    let other = lab.another("cp2").await;
    lab.faults.add(Fault::ApiDown { node: "cp1".into() });
    until_open(&api.host, false).await;
    let second = api.at(&other.address().to_string());
    second.post(&second.core("configmaps"), config_map("a")).await.ok();
    lab.faults.retain(|_| false);
    until_open(&api.host, true).await;
    assert_eq!(api.get(&format!("{}/a", api.core("configmaps"))).await.code, 200);
    other.stop().await;
    assert!(tokio::net::TcpStream::connect(&second.host).await.is_err(), "its address is free");
}

#[tokio::test]
async fn the_past_that_is_forgotten_is_gone() {
    let (api, lab) = Api::of_lab().await;
    let maps = api.core("configmaps");
    for name in ["a", "b"] {
        api.post(&maps, config_map(name)).await.ok();
    }
    let first = api.get(&format!("{maps}?limit=1")).await.ok();
    let (revision, token) = (&first["metadata"]["resourceVersion"], &first["metadata"]["continue"]);
    let (revision, token) = (revision.as_str().unwrap(), token.as_str().unwrap());
    api.post(&maps, config_map("c")).await.ok();
    lab.store.compact();
    let mut watch = api.watch(&format!("{maps}?watch=1&resourceVersion={revision}")).await;
    let (kind, status) = watch.next().await.unwrap();
    assert_eq!(
        (kind.as_str(), &status["code"], &status["reason"]),
        ("ERROR", &410.into(), &"Expired".into())
    );
    assert_eq!(watch.next().await, None);
    api.get(&format!("{maps}?continue={token}")).await.refused(410, "Expired");
    let exact = format!("{maps}?resourceVersion={revision}&resourceVersionMatch=Exact");
    api.get(&exact).await.refused(410, "Expired");
}

#[tokio::test]
async fn the_token_of_the_cluster_is_an_identity() {
    let (api, lab) = Api::of_lab().await;
    assert_eq!(api.as_nobody(Some(lab.authority.token())).get("/api/v1/nodes").await.code, 200);
}

#[tokio::test]
async fn ways_into_a_container_are_refused_by_name() {
    let (api, _lab) = Api::of_lab().await;
    api.pod("a", "a", "Running", true).await;
    for way in ["log", "exec"] {
        let answer = api.get(&format!("{}/a/{way}", api.core("pods"))).await;
        answer.refused(501, "NotImplemented");
        assert!(answer.message().starts_with(&format!("pods/{way} is not supported by the lab")));
    }
}
