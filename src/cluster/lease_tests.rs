use super::super::testing::{Reply, receipt, scripted, status};
use super::*;
use crate::clock::Clock;

/// The lease object with the API's rules about versions.
#[derive(Clone, Default)]
struct OneLease(Arc<std::sync::Mutex<(Option<Json>, u32)>>);

impl OneLease {
    fn held_by(run: &str) -> Self {
        let store = Self::default();
        store.put(json!({
            "metadata": {"name": NAME, "annotations": {RUN: run, STARTED: "2026-01-01T00:00:00Z"}},
            "spec": {"holderIdentity": format!("{run} op@host"), "renewTime": "2026-01-01T00:00:10.000000Z"},
        }));
        store
    }

    fn put(&self, mut lease: Json) -> Json {
        let mut store = self.0.lock().unwrap();
        store.1 += 1;
        lease["metadata"]["resourceVersion"] = json!(store.1.to_string());
        lease["metadata"]["uid"] = json!("u");
        store.0 = Some(lease.clone());
        lease
    }

    fn holder(&self) -> Option<String> {
        let store = self.0.lock().unwrap();
        store.0.as_ref().map(|l| l["spec"]["holderIdentity"].as_str().unwrap().to_owned())
    }

    fn answer(&self, method: &Method, body: &Json) -> Reply {
        let now = self.0.lock().unwrap().0.clone();
        let conflict = || Reply::Json(409, status(409, "Conflict", "changed"));
        match (method.as_str(), now) {
            ("POST", None) => Reply::Json(201, self.put(body.clone())),
            ("POST", Some(_)) => Reply::Json(409, status(409, "AlreadyExists", "exists")),
            (_, None) => Reply::Json(404, status(404, "NotFound", "no lease")),
            ("GET", Some(now)) => Reply::Json(200, now),
            ("PUT", Some(now)) => {
                if body["metadata"]["resourceVersion"] != now["metadata"]["resourceVersion"] {
                    return conflict();
                }
                Reply::Json(200, self.put(body.clone()))
            }
            ("DELETE", Some(now)) => {
                if body["preconditions"]["resourceVersion"] != now["metadata"]["resourceVersion"] {
                    return conflict();
                }
                self.0.lock().unwrap().0 = None;
                Reply::Json(200, json!({}))
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn holder(run: &str) -> LeaseHolder {
    LeaseHolder { run: run.into(), who: "op@host".into(), started: "2026-02-02T00:00:00Z".into() }
}

fn lease() -> Receipt {
    receipt(Effect::Lease { cluster: "c".into() })
}

fn release() -> Receipt {
    receipt(Effect::ReleaseLease { cluster: "c".into() })
}

#[tokio::test]
async fn a_free_lease_is_taken_renewed_and_given_back() {
    let store = OneLease::default();
    let api = store.clone();
    let (cluster, clock, log) = scripted(move |method, _, body| api.answer(method, body));
    let held = cluster.acquire_lease(&lease(), holder("r1"), &TakeOver::Never).await.unwrap();
    let info = cluster.lease().await.unwrap().unwrap();
    assert_eq!((info.run.as_str(), info.holder.as_str()), ("r1", "r1 op@host"));
    let first = held.renewed().await.unwrap();
    clock.sleep(Duration::from_secs(35)).await;
    let renewals = log.lock().unwrap().iter().filter(|(m, ..)| m == Method::PUT).count();
    assert_eq!(renewals, 3);
    assert!(held.renewed().await.unwrap() > first && !held.lost().is_cancelled());
    held.release(&release()).await.unwrap();
    assert_eq!(store.holder(), None);
}

#[tokio::test]
async fn a_foreign_lease_is_refused_by_name_and_taken_only_as_allowed() {
    let table = [
        (TakeOver::Never, false),
        (TakeOver::DeadRuns(vec!["r9".into()]), false),
        (TakeOver::DeadRuns(vec!["r0".into()]), true),
        (TakeOver::Silent, true),
    ];
    for (take_over, taken) in table {
        let store = OneLease::held_by("r0");
        let api = store.clone();
        let (cluster, ..) = scripted(move |method, _, body| api.answer(method, body));
        let result = cluster.acquire_lease(&lease(), holder("r1"), &take_over).await;
        assert_eq!(result.is_ok(), taken, "{take_over:?}");
        if let Err(error) = result {
            let text = error.to_string();
            assert!(text.contains("r0 op@host, since 2026-01-01T00:00:00Z"), "{text}");
            assert_eq!(store.holder().as_deref(), Some("r0 op@host"));
        }
    }
}

#[tokio::test]
async fn a_lease_that_is_renewed_is_never_taken() {
    let store = OneLease::held_by("r0");
    let api = store.clone();
    let mut reads = 0;
    let (cluster, ..) = scripted(move |method, _, body| {
        reads += 1;
        if reads == 2 {
            let now = api.0.lock().unwrap().0.clone().unwrap();
            api.put(now);
        }
        api.answer(method, body)
    });
    let result = cluster.acquire_lease(&lease(), holder("r1"), &TakeOver::Silent).await;
    assert!(matches!(result, Err(ClusterError::Held { .. })), "{result:?}");
}

#[tokio::test]
async fn whoever_loses_the_race_for_a_free_lease_is_refused() {
    let store = OneLease::default();
    let api = store.clone();
    let (cluster, ..) = scripted(move |method, _, body| {
        if method == Method::POST {
            let other = OneLease::held_by("r2").0.lock().unwrap().0.clone().unwrap();
            api.put(other);
        }
        api.answer(method, body)
    });
    let result = cluster.acquire_lease(&lease(), holder("r1"), &TakeOver::Never).await;
    assert!(matches!(result, Err(ClusterError::Held { .. })), "{result:?}");
}

#[tokio::test]
async fn an_outage_loses_nothing_and_another_holder_everything() {
    let store = OneLease::default();
    let api = store.clone();
    let down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let (cluster, clock, _) = scripted(move |method, _, body| {
        if is_down.load(std::sync::atomic::Ordering::Relaxed) {
            return Reply::Broken;
        }
        api.answer(method, body)
    });
    let held = cluster.acquire_lease(&lease(), holder("r1"), &TakeOver::Never).await.unwrap();
    down.store(true, std::sync::atomic::Ordering::Relaxed);
    clock.sleep(Duration::from_secs(300)).await;
    assert!(!held.lost().is_cancelled());
    down.store(false, std::sync::atomic::Ordering::Relaxed);
    clock.sleep(Duration::from_secs(30)).await;
    assert!(!held.lost().is_cancelled());

    let other = OneLease::held_by("r2").0.lock().unwrap().0.clone().unwrap();
    store.put(other);
    held.lost().cancelled().await;
    held.release(&release()).await.unwrap();
    assert_eq!(store.holder().as_deref(), Some("r2 op@host"), "left alone");
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_is_still_ours() {
    let store = OneLease::default();
    let api = store.clone();
    let mut puts = 0;
    let (cluster, clock, _) = scripted(move |method, _, body| {
        let reply = api.answer(method, body);
        puts += usize::from(method == Method::PUT);
        if method == Method::PUT && puts == 1 { Reply::Broken } else { reply }
    });
    let held = cluster.acquire_lease(&lease(), holder("r1"), &TakeOver::Never).await.unwrap();
    clock.sleep(Duration::from_secs(60)).await;
    assert!(!held.lost().is_cancelled());
    assert_eq!(store.holder().as_deref(), Some("r1 op@host"));
}
