//! kubectl's filter rules as a table, and whole drains against a scripted API.

use super::evict::{Answer, classify};
use super::*;
use crate::clock::Clock;
use crate::cluster::testing::{Reply, receipt, scripted, status};
use http::Method;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

fn pod(name: &str, extra: Json) -> Json {
    let mut pod = json!({
        "metadata": {
            "name": name, "namespace": "default", "uid": format!("uid-{name}"),
            "labels": {"app": name},
            "ownerReferences": [owner("apps/v1", "ReplicaSet", "rs")],
        },
        "spec": {"containers": []},
        "status": {"phase": "Running"},
    });
    merge(&mut pod, extra);
    pod
}

fn merge(to: &mut Json, from: Json) {
    match (to, from) {
        (Json::Object(to), Json::Object(from)) => {
            for (key, value) in from {
                merge(to.entry(key).or_insert(Json::Null), value);
            }
        }
        (to, from) => *to = from,
    }
}

fn owner(version: &str, kind: &str, name: &str) -> Json {
    json!({"apiVersion": version, "kind": kind, "name": name, "uid": "o", "controller": true})
}

fn owned(version: &str, kind: &str, name: &str) -> Json {
    json!({"metadata": {"ownerReferences": [owner(version, kind, name)]}})
}

fn unowned() -> Json {
    json!({"metadata": {"ownerReferences": []}})
}

fn with(mut a: Json, b: Json) -> Json {
    merge(&mut a, b);
    a
}

struct Flags {
    force: bool,
    empty_dir: bool,
    daemon_sets: bool,
    skip: u64,
}

const PLAIN: Flags = Flags { force: false, empty_dir: false, daemon_sets: false, skip: 0 };

#[test]
fn pods_are_chosen_as_kubectl_does() {
    use Choice::{Error, Go, Stay};
    let empty_dir = || json!({"spec": {"volumes": [{"name": "d", "emptyDir": {}}]}});
    let phase = |p: &str| json!({"status": {"phase": p}});
    let mirror = || json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "hash"}}});
    let ds = || owned("apps/v1", "DaemonSet", "ds");
    let gone = || owned("apps/v1", "DaemonSet", "gone");
    let deleted = |at: &str| json!({"metadata": {"deletionTimestamp": at}});
    let force = || Flags { force: true, ..PLAIN };
    let data = || Flags { empty_dir: true, ..PLAIN };
    let ignore = || Flags { daemon_sets: true, ..PLAIN };
    let skip = || Flags { skip: 60, ..PLAIN };
    let table: Vec<(&str, Json, Flags, Choice, Vec<Reason>)> = vec![
        ("replica", json!({}), PLAIN, Go, vec![]),
        ("job", owned("batch/v1", "Job", "j"), PLAIN, Go, vec![]),
        ("daemon set", ds(), PLAIN, Error(Reason::DaemonSet), vec![]),
        ("daemon set, force", ds(), force(), Error(Reason::DaemonSet), vec![]),
        ("daemon set, ignored", ds(), ignore(), Stay(Reason::DaemonSet), vec![]),
        (
            "daemon set with emptyDir",
            with(ds(), empty_dir()),
            ignore(),
            Stay(Reason::DaemonSet),
            vec![],
        ),
        ("finished daemon set", with(ds(), phase("Failed")), PLAIN, Go, vec![]),
        ("orphan of a daemon set", gone(), ignore(), Error(Reason::DaemonSetGone), vec![]),
        ("orphan, force", gone(), force(), Go, vec![Reason::DaemonSetGone]),
        (
            "foreign daemon set",
            owned("apps.kruise.io/v1alpha1", "DaemonSet", "k"),
            PLAIN,
            Go,
            vec![],
        ),
        ("mirror", with(unowned(), mirror()), PLAIN, Stay(Reason::Mirror), vec![]),
        (
            "mirror with emptyDir",
            with(mirror(), empty_dir()),
            force(),
            Stay(Reason::Mirror),
            vec![],
        ),
        ("emptyDir", empty_dir(), PLAIN, Error(Reason::EmptyDir), vec![]),
        ("emptyDir, force", empty_dir(), force(), Error(Reason::EmptyDir), vec![]),
        ("emptyDir, may go", empty_dir(), data(), Go, vec![Reason::EmptyDir]),
        ("emptyDir, finished", with(empty_dir(), phase("Succeeded")), PLAIN, Go, vec![]),
        ("unmanaged", unowned(), PLAIN, Error(Reason::Unmanaged), vec![]),
        ("unmanaged, force", unowned(), force(), Go, vec![Reason::Unmanaged]),
        ("unmanaged, finished", with(unowned(), phase("Failed")), PLAIN, Go, vec![]),
        (
            "unmanaged with emptyDir",
            with(unowned(), empty_dir()),
            data(),
            Error(Reason::Unmanaged),
            vec![],
        ),
        (
            "deleted long ago",
            with(unowned(), deleted("2026-01-01T00:00:00Z")),
            skip(),
            Stay(Reason::DeletedLongAgo),
            vec![],
        ),
        ("deleted just now", deleted("2026-01-01T00:09:30Z"), skip(), Go, vec![]),
        ("deleted, no limit", deleted("2026-01-01T00:00:00Z"), PLAIN, Go, vec![]),
    ];
    let now = "2026-01-01T00:10:00Z".parse().unwrap();
    let exists = DaemonSets::from([
        (("default".to_owned(), "ds".to_owned()), true),
        (("default".to_owned(), "gone".to_owned()), false),
    ]);
    for (what, extra, flags, choice, warnings) in table {
        let pod: Pod = serde_json::from_value(pod("p", extra)).unwrap();
        let options = DrainOptions {
            force: flags.force,
            delete_emptydir_data: flags.empty_dir,
            ignore_daemonsets: flags.daemon_sets,
            skip_wait_for_delete: Some(Duration::from_secs(flags.skip)),
            ..DrainOptions::default()
        };
        let chosen = filter::choose(&pod, &exists, &options, now);
        assert_eq!(chosen, (choice, warnings), "{what}");
    }
}

fn error(code: u16, reason: &str, message: &str) -> ClusterError {
    let status = serde_json::from_value(status(code, reason, message)).unwrap();
    ClusterError::Api { what: "post".into(), status: Box::new(status), retry_after: None }
}

#[test]
fn every_answer_to_an_eviction_has_a_meaning() {
    let table = [
        (error(404, "NotFound", "pods not found"), Answer::Gone),
        (
            error(
                429,
                "TooManyRequests",
                "Cannot evict pod as it would violate the pod's disruption budget.",
            ),
            Answer::Budget(None),
        ),
        (
            error(429, "TooManyRequests", "too many requests, please try again later"),
            Answer::Later(None),
        ),
        (
            error(
                409,
                "Conflict",
                "Precondition failed: UID in precondition: a, UID in object meta: b",
            ),
            Answer::Gone,
        ),
        (
            error(
                409,
                "Conflict",
                "Operation cannot be fulfilled on Pod \"p\": the UID in the precondition (a) does not match the UID in record (b).",
            ),
            Answer::Gone,
        ),
        (error(409, "Conflict", "the object has been modified"), Answer::Later(None)),
        (error(403, "Forbidden", "user cannot create pods/eviction"), Answer::Never),
        (
            error(403, "Forbidden", "admission webhook \"x\" denied the request: not now"),
            Answer::Later(None),
        ),
        (
            error(400, "BadRequest", "admission webhook \"x\" denied the request: not now"),
            Answer::Later(None),
        ),
        (
            error(
                500,
                "",
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ),
            Answer::Never,
        ),
        (error(500, "InternalError", "failed calling webhook"), Answer::Later(None)),
        (error(503, "", "apiserver is shutting down"), Answer::Later(None)),
        (error(422, "Invalid", "x"), Answer::Never),
        (error(401, "Unauthorized", "x"), Answer::Never),
        (ClusterError::Unreachable(vec![]), Answer::Later(None)),
        (ClusterError::Refused(String::new()), Answer::Never),
    ];
    for (error, expected) in table {
        assert_eq!(classify(&error), expected, "{error}");
    }
    let mut terminating = status(403, "Forbidden", "unable to create new content");
    terminating["details"] = json!({"causes": [{"reason": "NamespaceTerminating"}]});
    let status = serde_json::from_value(terminating).unwrap();
    let error =
        ClusterError::Api { what: String::new(), status: Box::new(status), retry_after: None };
    assert_eq!(classify(&error), Answer::Going);
}

/// Pods of a node; evictions follow a script of answers per pod (then succeed), gone pods are not found.
struct World {
    pods: BTreeMap<String, Json>,
    script: BTreeMap<String, Vec<Reply>>,
    budgets: Vec<Json>,
    /// Evicted pods stay (finalizers).
    sticky: bool,
}

impl World {
    fn new(pods: &[Json]) -> Self {
        let name = |p: &Json| p["metadata"]["name"].as_str().unwrap().to_owned();
        Self {
            pods: pods.iter().map(|p| (name(p), p.clone())).collect(),
            script: BTreeMap::new(),
            budgets: Vec::new(),
            sticky: false,
        }
    }

    fn script(mut self, pod: &str, replies: Vec<Reply>) -> Self {
        self.script.insert(pod.into(), replies);
        self
    }

    fn answer(&mut self, method: &Method, path: &str, body: &Json) -> Reply {
        let bare = path.split('?').next().unwrap();
        let list = |items: Vec<Json>| Reply::Json(200, json!({"metadata": {}, "items": items}));
        let missing = || Reply::Json(404, status(404, "NotFound", "not found"));
        if bare == "/api/v1/pods" {
            return list(self.pods.values().cloned().collect());
        }
        if bare.ends_with("/poddisruptionbudgets") {
            return list(self.budgets.clone());
        }
        if bare.contains("/daemonsets/") {
            return Reply::Json(200, json!({"metadata": {}}));
        }
        let rest = bare.strip_prefix("/api/v1/namespaces/default/pods/").expect(bare);
        let name = rest.strip_suffix("/eviction").unwrap_or(rest).to_owned();
        if method == Method::GET {
            return self.pods.get(&name).map_or_else(missing, |p| Reply::Json(200, p.clone()));
        }
        if rest.ends_with("/eviction") {
            assert_eq!(body["kind"], "Eviction");
            assert_eq!(body["deleteOptions"]["preconditions"]["uid"], format!("uid-{name}"));
        }
        if let Some(replies) = self.script.get_mut(&name)
            && !replies.is_empty()
        {
            return replies.remove(0);
        }
        if self.sticky {
            let pod = self.pods.get_mut(&name).unwrap();
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            pod["metadata"]["finalizers"] = json!(["example.org/hold"]);
        } else {
            self.pods.remove(&name);
        }
        Reply::Json(201, json!({"kind": "Status", "status": "Success"}))
    }
}

fn refused() -> Reply {
    let mut answer = status(429, "TooManyRequests", "Cannot evict pod");
    answer["details"] = json!({"causes": [{"reason": "DisruptionBudget",
        "message": "The disruption budget web needs 2 healthy pods and has 2 currently"}]});
    Reply::Json(429, answer)
}

fn budget(name: &str, app: &str) -> Json {
    json!({
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": app}}},
        "status": {"desiredHealthy": 2, "currentHealthy": 2, "expectedPods": 3, "disruptionsAllowed": 0},
    })
}

fn drain_receipt() -> Receipt {
    receipt(Effect::Drain { cluster: "c".into(), node: "n1".into() })
}

struct Ran {
    result: Result<DrainPlan, DrainError>,
    events: Vec<DrainEvent>,
    calls: Vec<(Method, String, Json)>,
    seconds: u64,
}

async fn run(mut world: World, options: DrainOptions) -> Ran {
    let (cluster, clock, log) =
        scripted(move |method, path, body| world.answer(method, path, body));
    let mut events = Vec::new();
    let result = cluster
        .drain(&drain_receipt(), &options, &Cancel::new(), &mut |event| events.push(event))
        .await;
    let calls = log.lock().unwrap().clone();
    Ran { result, events, calls, seconds: clock.monotonic().as_secs() }
}

fn evictions(calls: &[(Method, String, Json)]) -> Vec<&str> {
    calls
        .iter()
        .filter(|(m, ..)| m == Method::POST)
        .filter_map(|(_, path, _)| path.split('/').nth(6))
        .collect()
}

#[tokio::test]
async fn everything_that_may_go_goes_and_the_rest_stays() {
    let ds = owned("apps/v1", "DaemonSet", "ds");
    let pods = [pod("a", json!({})), pod("b", json!({})), pod("agent", ds)];
    let options = DrainOptions { grace: Some(7), ..DrainOptions::default() };
    let ran = run(World::new(&pods), options).await;
    let plan = ran.result.unwrap();
    assert_eq!(plan.stay, [("default/agent".to_owned(), Reason::DaemonSet)]);
    let mut evicted = evictions(&ran.calls);
    evicted.sort_unstable();
    assert_eq!(evicted, ["a", "b"]);
    let grace = ran.calls.iter().find(|c| c.0 == Method::POST).unwrap();
    assert_eq!(grace.2["deleteOptions"]["gracePeriodSeconds"], 7);
    assert_eq!(ran.events[0], DrainEvent::Started { pods: 2 });
    assert!(ran.events.contains(&DrainEvent::Gone { pod: "default/b".into() }));
    let lists: Vec<_> = ran.calls.iter().filter(|c| c.1.starts_with("/api/v1/pods")).collect();
    assert!(lists.iter().all(|c| c.1.contains("limit=500") && c.1.contains("spec.nodeName%3Dn1")));
    assert!(ran.calls.len() <= 3 + 3 * 2, "too many requests: {:?}", ran.calls);
}

#[tokio::test]
async fn one_pod_that_may_not_go_keeps_all() {
    let ran = run(World::new(&[pod("a", json!({})), pod("b", unowned())]), DrainOptions::default());
    let ran = ran.await;
    let error = ran.result.unwrap_err();
    assert!(
        matches!(&error, DrainError::Forbidden(pods) if pods.len() == 1 && pods[0].0 == "default/b"),
        "{error}"
    );
    assert!(evictions(&ran.calls).is_empty());
}

#[tokio::test]
async fn a_budget_that_refuses_is_named_once_and_asked_again() {
    let mut world = World::new(&[pod("web", json!({})), pod("other", json!({}))])
        .script("web", vec![refused(), refused(), refused()]);
    world.budgets = vec![budget("web-budget", "web"), budget("foreign", "else")];
    let ran = run(world, DrainOptions::default()).await;
    ran.result.unwrap();
    let blocked: Vec<_> =
        ran.events.iter().filter(|e| matches!(e, DrainEvent::Blocked { .. })).collect();
    assert_eq!(
        blocked,
        [&DrainEvent::Blocked {
            pod: "default/web".into(),
            budget: Some("default/web-budget".into()),
            why: "default/web-budget needs 2 healthy pods and has 2 of 3, 0 may go now".into(),
        }]
    );
    assert_eq!(ran.seconds, 15);
}

#[tokio::test]
async fn the_server_says_when_to_come_back() {
    let later = || Reply::Later(429, status(429, "TooManyRequests", "busy"), 11);
    let world = World::new(&[pod("a", json!({}))]).script("a", vec![later(), later()]);
    let ran = run(world, DrainOptions::default()).await;
    ran.result.unwrap();
    assert_eq!(ran.seconds, 22);
}

#[tokio::test]
async fn the_deadline_names_what_is_left_and_why() {
    let many = (0..1000).map(|_| refused()).collect();
    let mut world = World::new(&[pod("web", json!({}))]).script("web", many);
    world.budgets = vec![budget("web-budget", "web")];
    let options = DrainOptions { timeout: Duration::from_secs(60), ..DrainOptions::default() };
    let ran = run(world, options).await;
    let error = ran.result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not drained after 60 s, still there: default/web (default/web-budget needs 2 healthy \
         pods and has 2 of 3, 0 may go now)"
    );
    assert_eq!(ran.seconds, 60);
}

#[tokio::test]
async fn a_pod_that_does_not_end_is_named_with_its_finalizers() {
    let mut world = World::new(&[pod("a", json!({}))]);
    world.sticky = true;
    let options = DrainOptions { timeout: Duration::from_secs(20), ..DrainOptions::default() };
    let error = run(world, options).await.result.unwrap_err();
    let remaining = error.remaining();
    assert_eq!(remaining[0].1, "being deleted, finalizers: example.org/hold");
}

#[tokio::test]
async fn transport_errors_and_restarts_are_waited_out() {
    let world = World::new(&[pod("a", json!({}))]).script(
        "a",
        vec![
            Reply::Broken,
            Reply::Json(503, status(503, "", "shutting down")),
            Reply::Json(500, status(500, "InternalError", "etcdserver: leader changed")),
            Reply::Silent,
        ],
    );
    let ran = run(world, DrainOptions::default()).await;
    ran.result.unwrap();
    assert_eq!(evictions(&ran.calls).len(), 5);
}

#[tokio::test]
async fn what_can_never_go_fails_at_once_even_with_status_200() {
    let two = "This pod has more than one PodDisruptionBudget, which the eviction subresource \
               does not support.";
    for code in [500, 200] {
        let reply = Reply::Json(code, status(500, "", two));
        let world = World::new(&[pod("a", json!({}))]).script("a", vec![reply]);
        let ran = run(world, DrainOptions::default()).await;
        assert!(matches!(ran.result, Err(DrainError::Failed(_))), "{code}: {:?}", ran.result);
        assert_eq!(ran.seconds, 0);
    }
}

#[tokio::test]
async fn a_pod_that_is_going_already_is_not_evicted() {
    let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let mut world = World::new(&[pod("a", going)]);
    let mut looks = 0;
    let (cluster, _, log) = scripted(move |method, path, body| {
        looks += usize::from(path.ends_with("/pods/a"));
        if looks == 3 {
            world.pods.clear();
        }
        world.answer(method, path, body)
    });
    let options = DrainOptions::default();
    let cancel = Cancel::new();
    cluster.drain(&drain_receipt(), &options, &cancel, &mut |_| {}).await.unwrap();
    assert!(evictions(&log.lock().unwrap()).is_empty());
}

#[tokio::test]
async fn groups_go_one_after_the_other_and_some_are_only_waited_for() {
    let rule = |selector: &str, priority, wait_completed| OrderRule {
        selector: selector.into(),
        priority,
        wait_completed,
    };
    let mut world = World::new(&["job", "first", "last", "plain"].map(|n| pod(n, json!({}))));
    let mut looks = 0;
    let (cluster, _, log) = scripted(move |method, path, body| {
        looks += usize::from(path.ends_with("/pods/job"));
        if looks == 5 {
            world.pods.get_mut("job").unwrap()["status"]["phase"] = json!("Succeeded");
        }
        world.answer(method, path, body)
    });
    let options = DrainOptions {
        order: vec![
            rule("app=job", -2, true),
            rule("app=first", -1, false),
            rule("app=last", 9, false),
        ],
        ..DrainOptions::default()
    };
    let cancel = Cancel::new();
    cluster.drain(&drain_receipt(), &options, &cancel, &mut |_| {}).await.unwrap();
    assert_eq!(evictions(&log.lock().unwrap()), ["first", "plain", "last"]);
}

#[tokio::test]
async fn a_cancelled_drain_says_what_is_left() {
    let mut world = World::new(&[pod("a", json!({}))]);
    world.sticky = true;
    let (cluster, ..) = scripted(move |method, path, body| world.answer(method, path, body));
    let cancel = Cancel::new();
    let teller = cancel.clone();
    let result = cluster
        .drain(&drain_receipt(), &DrainOptions::default(), &cancel, &mut |event| {
            if matches!(event, DrainEvent::Evicted { .. }) {
                teller.cancel();
            }
        })
        .await;
    assert!(matches!(result, Err(DrainError::Cancelled(left)) if left.len() == 1));
}

#[tokio::test]
async fn exactly_the_named_pods_are_deleted() {
    let mut world = World::new(&[pod("a", json!({})), pod("b", json!({}))]);
    let (cluster, _, log) = scripted(move |method, path, body| world.answer(method, path, body));
    let receipt = receipt(Effect::DeletePods {
        cluster: "c".into(),
        node: "n1".into(),
        pods: vec!["default/b".into()],
    });
    let options = DrainOptions::default();
    cluster.delete_pods(&receipt, &options, &Cancel::new(), &mut |_| {}).await.unwrap();
    let deleted: Vec<_> =
        log.lock().unwrap().iter().filter(|c| c.0 == Method::DELETE).map(|c| c.1.clone()).collect();
    assert_eq!(deleted, ["/api/v1/namespaces/default/pods/b"]);
}

#[tokio::test]
async fn volumes_of_pods_that_went_are_waited_for() {
    let claim = json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}});
    let mut world = World::new(&[pod("db", claim)]);
    let mut looks = 0;
    let attachment = |node: &str, volume: &str| {
        json!({"metadata": {"name": volume}, "spec": {"attacher": "csi", "nodeName": node,
               "source": {"persistentVolumeName": volume}}})
    };
    let (cluster, clock, _) = scripted(move |method, path, body| {
        if path.contains("/persistentvolumeclaims/data") {
            return Reply::Json(200, json!({"metadata": {}, "spec": {"volumeName": "pv1"}}));
        }
        if path.contains("/volumeattachments") {
            looks += 1;
            let mut items = vec![attachment("n1", "foreign"), attachment("n2", "pv1")];
            if looks < 4 {
                items.push(attachment("n1", "pv1"));
            }
            return Reply::Json(200, json!({"metadata": {}, "items": items}));
        }
        world.answer(method, path, body)
    });
    let mut events = Vec::new();
    let options = DrainOptions::default();
    cluster
        .drain(&drain_receipt(), &options, &Cancel::new(), &mut |e| events.push(e))
        .await
        .unwrap();
    assert!(events.contains(&DrainEvent::Detaching { volumes: vec!["pv1".into()] }));
    assert_eq!(clock.monotonic().as_secs(), 4);
}

#[tokio::test]
async fn a_long_list_is_read_in_pages_and_from_the_start_when_it_expires() {
    let mut expired = false;
    let (cluster, _, log) = scripted(move |_, path, _| {
        let page = |name: &str, more: &str| {
            Reply::Json(
                200,
                json!({"metadata": {"continue": more}, "items": [pod(name, json!({}))]}),
            )
        };
        match (path.contains("continue="), expired) {
            (false, _) => page("a", "t/1="),
            (true, false) => {
                expired = true;
                Reply::Json(410, status(410, "Expired", "too old"))
            }
            (true, true) => page("b", ""),
        }
    });
    let plan = cluster.plan_drain("n1", &DrainOptions::default()).await.unwrap();
    assert_eq!(plan.go.len(), 2);
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 4);
    assert!(log[1].1.contains("continue=t%2F1%3D"), "{}", log[1].1);
}

#[tokio::test]
async fn a_pod_that_came_back_under_its_name_has_gone() {
    let mut world = World::new(&[pod("db-0", json!({}))]);
    let mut evicted = false;
    let (cluster, ..) = scripted(move |method, path, body| {
        if evicted && path.ends_with("/pods/db-0") {
            // A StatefulSet starts it again, elsewhere, before we look.
            let again = json!({"metadata": {"uid": "another"}});
            return Reply::Json(200, pod("db-0", again));
        }
        evicted |= method == Method::POST;
        world.answer(method, path, body)
    });
    let options = DrainOptions { timeout: Duration::from_secs(30), ..DrainOptions::default() };
    cluster.drain(&drain_receipt(), &options, &Cancel::new(), &mut |_| {}).await.unwrap();
}
