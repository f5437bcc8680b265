use super::super::testing::{Reply, receipt, scripted, status};
use super::*;
use std::sync::{Arc, Mutex};

fn cordon() -> Receipt {
    receipt(Effect::Cordon {
        cluster: "c".into(),
        node: "n1".into(),
        uid: "u1".into(),
        host: "h1".into(),
    })
}

fn uncordon() -> Receipt {
    receipt(Effect::Uncordon { cluster: "c".into(), node: "n1".into(), uid: "u1".into() })
}

/// One node that applies merge patches as the API does, with its preconditions.
#[derive(Clone)]
struct OneNode(Arc<Mutex<Json>>);

impl OneNode {
    fn new(unschedulable: bool, annotations: Json) -> Self {
        let mut node = json!({
            "metadata": {"name": "n1", "uid": "u1", "resourceVersion": "1", "annotations": annotations},
            "spec": {},
        });
        if unschedulable {
            set(&mut node, json!({"spec": {"unschedulable": true}}));
        }
        Self(Arc::new(Mutex::new(node)))
    }

    fn touch(&self) {
        let mut node = self.0.lock().unwrap();
        let version: u32 = node["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        node["metadata"]["resourceVersion"] = json!((version + 1).to_string());
    }

    fn answer(&self, method: &Method, body: &Json) -> Reply {
        if method == Method::PATCH {
            let mut node = self.0.lock().unwrap();
            for field in ["uid", "resourceVersion"] {
                if body["metadata"][field] != node["metadata"][field] {
                    return Reply::Json(409, status(409, "Conflict", "changed"));
                }
            }
            merge(&mut node, body);
            drop(node);
            self.touch();
        }
        Reply::Json(200, self.0.lock().unwrap().clone())
    }

    fn state(&self) -> (bool, Option<String>, Option<String>) {
        let node = self.0.lock().unwrap();
        let mark = |name| node["metadata"]["annotations"][name].as_str().map(str::to_owned);
        (node["spec"]["unschedulable"] == json!(true), mark(HELD_BY), mark(PREVIOUS))
    }
}

fn merge(to: &mut Json, patch: &Json) {
    let (Some(to), Some(patch)) = (to.as_object_mut(), patch.as_object()) else { return };
    for (key, value) in patch {
        match value {
            Json::Null => drop(to.shift_remove(key)),
            Json::Object(_) => merge(to.entry(key).or_insert_with(|| json!({})), value),
            other => drop(to.insert(key.clone(), other.clone())),
        }
    }
}

fn marks(run: &str, previous: &str) -> Json {
    json!({HELD_BY: run, PREVIOUS: previous, "other": "kept"})
}

#[tokio::test]
async fn cordon_and_uncordon_restore_what_was_there() {
    let table = [
        // cordoned before, after cordon, after uncordon
        (false, Cordoned::Ours, "schedulable", Uncordoned::Now),
        (true, Cordoned::Before, "unschedulable", Uncordoned::KeptCordoned),
    ];
    for (before, cordoned, previous, uncordoned) in table {
        let node = OneNode::new(before, json!({"other": "kept"}));
        let api = node.clone();
        let (cluster, ..) = scripted(move |method, _, body| api.answer(method, body));
        for _try in 0..2 {
            assert_eq!(cluster.cordon(&cordon(), "r1", "why", false).await.unwrap(), cordoned);
            assert_eq!(node.state(), (true, Some("r1".into()), Some(previous.into())));
        }
        assert_eq!(cluster.uncordon(&uncordon(), "r1").await.unwrap(), uncordoned);
        assert_eq!(node.state(), (before, None, None));
        assert_eq!(node.0.lock().unwrap()["metadata"]["annotations"], json!({"other": "kept"}));
    }
}

#[tokio::test]
async fn a_node_that_is_not_ours_is_left_alone() {
    for annotations in [json!({}), marks("r2", "schedulable")] {
        let node = OneNode::new(true, annotations.clone());
        let api = node.clone();
        let (cluster, _, log) = scripted(move |method, _, body| api.answer(method, body));
        let held_by = annotations.get(HELD_BY).map(|_| "r2".to_owned());
        let result = cluster.uncordon(&uncordon(), "r1").await.unwrap();
        assert_eq!(result, Uncordoned::NotOurs { held_by });
        assert!(log.lock().unwrap().iter().all(|(method, ..)| method == Method::GET));
    }
}

#[tokio::test]
async fn a_node_held_by_another_run_is_refused_or_adopted_with_its_history() {
    let node = OneNode::new(true, marks("r0", "schedulable"));
    let api = node.clone();
    let (cluster, ..) = scripted(move |method, _, body| api.answer(method, body));
    let error = cluster.cordon(&cordon(), "r1", "why", false).await.unwrap_err();
    assert!(error.to_string().contains("held by run r0"), "{error}");
    assert_eq!(cluster.cordon(&cordon(), "r1", "why", true).await.unwrap(), Cordoned::Ours);
    assert_eq!(node.state(), (true, Some("r1".into()), Some("schedulable".into())));
}

#[tokio::test]
async fn marks_on_a_schedulable_node_are_stale() {
    let node = OneNode::new(false, marks("r0", "unschedulable"));
    let api = node.clone();
    let (cluster, ..) = scripted(move |method, _, body| api.answer(method, body));
    assert_eq!(cluster.cordon(&cordon(), "r1", "why", false).await.unwrap(), Cordoned::Ours);
    assert_eq!(node.state(), (true, Some("r1".into()), Some("schedulable".into())));
}

#[tokio::test]
async fn a_conflict_is_decided_anew_from_a_fresh_read() {
    let node = OneNode::new(false, json!({}));
    let api = node.clone();
    let mut patches = 0;
    let (cluster, ..) = scripted(move |method, _, body| {
        if method == Method::PATCH {
            patches += 1;
            if patches == 1 {
                // Somebody cordons it between our read and our patch.
                set(&mut api.0.lock().unwrap(), json!({"spec": {"unschedulable": true}}));
                api.touch();
            }
        }
        api.answer(method, body)
    });
    assert_eq!(cluster.cordon(&cordon(), "r1", "why", false).await.unwrap(), Cordoned::Before);
    assert_eq!(node.state().2.as_deref(), Some("unschedulable"));
}

#[tokio::test]
async fn a_lost_answer_is_recognised_as_done() {
    let node = OneNode::new(false, json!({}));
    let api = node.clone();
    let (cluster, _, log) = scripted(move |method, _, body| {
        let reply = api.answer(method, body);
        if method == Method::PATCH { Reply::Broken } else { reply }
    });
    assert_eq!(cluster.cordon(&cordon(), "r1", "why", false).await.unwrap(), Cordoned::Ours);
    let patches = log.lock().unwrap().iter().filter(|(m, ..)| m == Method::PATCH).count();
    assert_eq!(patches, 1);
}

#[tokio::test]
async fn a_plain_cordon_whose_answer_was_lost_counts_as_ours() {
    for lost in [true, false] {
        let node = OneNode::new(false, json!({}));
        let api = node.clone();
        let (cluster, ..) = scripted(move |method, _, body| {
            let reply = api.answer(method, body);
            if lost && method == Method::PATCH { Reply::Broken } else { reply }
        });
        assert!(cluster.set_schedulable(&cordon(), false).await.unwrap());
        assert_eq!(node.state(), (true, None, None));
        assert!(!cluster.set_schedulable(&cordon(), false).await.unwrap(), "done before");
        assert!(cluster.set_schedulable(&cordon(), true).await.is_err(), "another receipt");
    }
}

#[tokio::test]
async fn a_persons_reason_is_written_and_goes_with_the_cordon() {
    for cordoned in [false, true] {
        let node = OneNode::new(cordoned, json!({}));
        let api = node.clone();
        let (cluster, ..) = scripted(move |method, _, body| api.answer(method, body));
        let by_hand = receipt(Effect::Unschedulable {
            cluster: "c".into(),
            node: "n1".into(),
            uid: "u1".into(),
            reason: Some("new disks".into()),
        });
        let reason = || node.0.lock().unwrap()["metadata"]["annotations"][REASON].clone();
        assert_eq!(cluster.set_schedulable(&by_hand, false).await.unwrap(), !cordoned);
        assert_eq!((node.state(), reason()), ((true, None, None), json!("new disks")));
        assert!(cluster.set_schedulable(&uncordon(), true).await.unwrap());
        assert_eq!((node.state(), reason()), ((false, None, None), Json::Null));
    }
}

#[tokio::test]
async fn endless_conflicts_a_recreated_node_and_a_wrong_receipt_are_errors() {
    let node = OneNode::new(false, json!({}));
    let (cluster, _, log) = scripted(move |method, _, body| {
        node.touch();
        let reply = node.answer(&Method::GET, body);
        if method == Method::PATCH { Reply::Json(409, status(409, "Conflict", "x")) } else { reply }
    });
    let error = cluster.cordon(&cordon(), "r1", "why", false).await.unwrap_err();
    assert!(error.is_conflict());
    assert!(log.lock().unwrap().len() <= 2 * CONFLICTS as usize);
    assert!(cluster.cordon(&uncordon(), "r1", "why", false).await.is_err());

    let (cluster, ..) =
        scripted(|_, _, _| Reply::Json(200, json!({"metadata": {"name": "n1", "uid": "another"}})));
    let error = cluster.cordon(&cordon(), "r1", "why", false).await.unwrap_err();
    assert!(error.to_string().contains("recreated"), "{error}");
}

#[tokio::test]
async fn hold_writes_the_reason_on_our_nodes_only() {
    let node = OneNode::new(true, marks("r1", "schedulable"));
    let api = node.clone();
    let (cluster, ..) = scripted(move |method, _, body| api.answer(method, body));
    let hold = receipt(Effect::Hold {
        cluster: "c".into(),
        node: "n1".into(),
        uid: "u1".into(),
        reason: "kubelet does not start".into(),
    });
    assert!(cluster.hold(&hold, "r1").await.unwrap());
    let reason = node.0.lock().unwrap()["metadata"]["annotations"][REASON].clone();
    assert_eq!(reason, "kubelet does not start");
    assert!(!cluster.hold(&hold, "r2").await.unwrap());
}

#[tokio::test]
async fn a_silent_server_is_given_up_and_the_next_one_answers() {
    use super::super::testing::{VirtualClock, client};
    let clock = Arc::new(VirtualClock::default());
    let node = OneNode::new(false, json!({}));
    let silent = client(|_, _, _| Reply::Silent, Arc::default());
    let good = client(move |method, _, body| node.answer(method, body), Arc::default());
    let servers = vec![("m1".to_owned(), silent), ("m2".to_owned(), good)];
    let cluster = Cluster::over(servers, Arc::clone(&clock) as _);
    assert_eq!(cluster.node("n1").await.unwrap().unwrap().uid, "u1");
    let first = crate::clock::Clock::monotonic(&*clock);
    assert_eq!(first.as_secs(), 30);
    cluster.node("n1").await.unwrap();
    assert_eq!(crate::clock::Clock::monotonic(&*clock), first, "the good server is remembered");
}
