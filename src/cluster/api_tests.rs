use super::super::testing::{Reply, scripted, status};
use serde_json::{Value as Json, json};

/// What kube-apiserver 1.37 answered an administrator right after it was restarted.
const DENIAL: &str = "nodes \"w1\" is forbidden: User \"kubernetes-admin\" cannot get resource \"nodes\" in API group \"\" at the cluster scope";

fn denied() -> Reply {
    Reply::Json(403, status(403, "Forbidden", DENIAL))
}

fn found() -> Reply {
    Reply::Json(200, json!({"metadata": {"name": "w1", "uid": "u"}}))
}

fn readyz(code: u16) -> Reply {
    Reply::Json(code, Json::Null)
}

/// The code of the answer to reading a node (200: it was read), and the paths that were asked, in order.
async fn read(replies: Vec<Reply>) -> (Option<u16>, Vec<String>) {
    let mut replies = replies.into_iter();
    let (cluster, _clock, log) = scripted(move |_, _, _| replies.next().unwrap());
    let code = match cluster.node("w1").await {
        Ok(node) => node.map(|_| 200),
        Err(error) => error.code(),
    };
    let paths = log.lock().unwrap().iter().map(|(_, path, _)| path.clone()).collect();
    (code, paths)
}

const NODE: &str = "/api/v1/nodes/w1";

#[tokio::test]
async fn a_server_that_is_starting_is_not_believed_when_it_denies() {
    let (code, paths) = read(vec![denied(), readyz(500), found()]).await;
    assert_eq!(code, Some(200));
    assert_eq!(paths, [NODE, "/readyz", NODE]);
}

#[tokio::test]
async fn a_server_that_knows_nobody_yet_denies_its_readiness_too() {
    let (code, paths) = read(vec![denied(), denied(), found()]).await;
    assert_eq!((code, paths.len()), (Some(200), 3));
}

#[tokio::test]
async fn a_server_that_has_become_ready_meanwhile_is_asked_again() {
    let (code, paths) = read(vec![denied(), readyz(200), found()]).await;
    assert_eq!((code, paths.len()), (Some(200), 3));
}

#[tokio::test]
async fn a_server_that_is_ready_is_believed() {
    let (code, paths) = read(vec![denied(), readyz(200), denied()]).await;
    assert_eq!((code, paths.len()), (Some(403), 3));
}

#[tokio::test]
async fn what_an_admission_plugin_forbids_is_believed_at_once() {
    let refusal = status(403, "Forbidden", "admission webhook \"x\" denied the request: not now");
    let (code, paths) = read(vec![Reply::Json(403, refusal)]).await;
    assert_eq!((code, paths.len()), (Some(403), 1));
}
