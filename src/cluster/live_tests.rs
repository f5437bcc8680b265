//! The same functions against a real API server (no kubelets needed): run with `--ignored` and
//! `MAINSTAY_TEST_KUBECONFIG` naming the admin kubeconfig of a cluster made for tests, with embedded certificates.
//! The controllers `disruption`, `replicaset` and `daemonset` must run. The test that restarts the server runs alone.

use super::testing::receipt;
use super::*;
use crate::journal::{Effect, Receipt};
use crate::transport::{Command, Output, Stream, Target, TransportError};
use api::Content;
use async_trait::async_trait;
use http::Method;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::time::{Duration, Instant};

struct RealClock(Instant);

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A host whose streams are plain TCP connections from here.
struct Here {
    forbidden: bool,
}

#[async_trait]
impl Target for Here {
    async fn run(&self, _: Command) -> Result<Output, TransportError> {
        Err(TransportError::Unsupported("no shell".into()))
    }

    async fn upload(&self, _: &Path, _: &str) -> Result<(), TransportError> {
        Err(TransportError::Unsupported("no files".into()))
    }

    async fn open_stream(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        if self.forbidden {
            return Err(TransportError::Unsupported("forwarding is forbidden".into()));
        }
        match tokio::net::TcpStream::connect((host, port)).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(TransportError::Unreachable(error.to_string())),
        }
    }

    async fn disconnect(&self) {}

    fn is_local(&self) -> bool {
        true
    }
}

fn admin_conf() -> String {
    let path = std::env::var("MAINSTAY_TEST_KUBECONFIG").expect("MAINSTAY_TEST_KUBECONFIG is set");
    std::fs::read_to_string(path).unwrap()
}

fn port() -> u16 {
    let text = admin_conf();
    let server = text.split("server:").nth(1).unwrap();
    let digits = server.split("://").nth(1).unwrap().split(':').nth(1).unwrap();
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

fn master(name: &str, port: u16, forbidden: bool) -> Master {
    Master {
        name: name.into(),
        target: Arc::new(Here { forbidden }),
        admin_conf: admin_conf(),
        context: None,
        manifest: Some(format!(
            "    - --secure-port={port}\n    - --advertise-address=127.0.0.2\n"
        )),
    }
}

async fn cluster(masters: Vec<Master>) -> Cluster {
    let clock = Arc::new(RealClock(Instant::now()));
    Cluster::connect(ClusterAccess::ThroughMasters(masters), clock).await.unwrap()
}

async fn real() -> Cluster {
    cluster(vec![master("m1", port(), false)]).await
}

async fn create(cluster: &Cluster, path: &str, object: Json) -> Json {
    let content = Content::Object(object);
    let body = cluster.api.write(&Method::POST, path, Some(&content)).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn patch(cluster: &Cluster, path: &str, object: Json) {
    let content = Content::MergePatch(object);
    cluster.api.write(&Method::PATCH, path, Some(&content)).await.unwrap();
}

/// A node of its own for each test, so that they can run side by side.
async fn node(cluster: &Cluster, name: &str) -> NodeInfo {
    let path = format!("/api/v1/nodes/{name}");
    drop(cluster.api.write(&Method::DELETE, &path, None).await);
    create(cluster, "/api/v1/nodes", json!({"metadata": {"name": name}})).await;
    cluster.node(name).await.unwrap().unwrap()
}

fn cordon(node: &NodeInfo) -> Receipt {
    receipt(Effect::Cordon {
        cluster: "c".into(),
        node: node.name.clone(),
        uid: node.uid.clone(),
        host: node.name.clone(),
    })
}

fn uncordon(node: &NodeInfo) -> Receipt {
    let (node, uid) = (node.name.clone(), node.uid.clone());
    receipt(Effect::Uncordon { cluster: "c".into(), node, uid })
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn a_dead_master_is_passed_over_and_a_forbidden_one_is_explained() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let two = vec![master("m1", closed, false), master("m2", port(), false)];
    let both = cluster(two).await;
    assert!(!both.identity().await.unwrap().is_empty());
    let versions = both.server_versions().await;
    assert!(versions[0].version.as_ref().unwrap_err().contains("refused"), "{versions:?}");
    assert!(versions[1].version.as_ref().unwrap().starts_with("v1."), "{versions:?}");

    let forbidden = cluster(vec![master("m1", port(), true)]).await;
    let error = forbidden.nodes().await.unwrap_err();
    assert!(error.to_string().contains("AllowTcpForwarding"), "{error}");
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn a_certificate_for_another_name_is_refused_at_once() {
    let mut master = master("m1", port(), false);
    master.admin_conf = master.admin_conf.replacen("https://", "https://evil.", 1);
    let error = cluster(vec![master]).await.nodes().await.unwrap_err();
    assert!(matches!(error, ClusterError::Refused(_)), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn cordon_and_uncordon_under_a_busy_kubelet() {
    let cluster = real().await;
    let node = node(&cluster, "live-cordon").await;
    // Others write to the node all the time: every patch races.
    let busy = real().await;
    let noise = tokio::spawn(async move {
        for n in 0..200 {
            let path = "/api/v1/nodes/live-cordon";
            patch(&busy, path, json!({"metadata": {"labels": {"n": n.to_string()}}})).await;
        }
    });
    for _ in 0..10 {
        let done = cluster.cordon(&cordon(&node), "r1", "upgrade", false).await.unwrap();
        assert_eq!(done, Cordoned::Ours);
        let now = cluster.node(&node.name).await.unwrap().unwrap();
        assert!(now.unschedulable && now.hold.is_some_and(|h| h.run == "r1"));
        let done = cluster.uncordon(&uncordon(&node), "r1").await.unwrap();
        assert_eq!(done, Uncordoned::Now);
        let now = cluster.node(&node.name).await.unwrap().unwrap();
        assert!(!now.unschedulable && now.hold.is_none());
    }
    noise.await.unwrap();
    let mut other = node;
    other.uid = "11111111-2222-3333-4444-555555555555".into();
    let error = cluster.cordon(&cordon(&other), "r1", "x", false).await.unwrap_err();
    assert!(error.to_string().contains("recreated"), "{error}");
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn the_lease_is_taken_by_one_of_many() {
    let cluster = Arc::new(real().await);
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/mainstay";
    drop(cluster.api.write(&Method::DELETE, path, None).await);
    let take = |n: usize| {
        let cluster = Arc::clone(&cluster);
        async move {
            let holder = LeaseHolder {
                run: format!("r{n}"),
                who: "op@host".into(),
                started: jiff::Timestamp::now().to_string(),
            };
            let intent = receipt(Effect::Lease { cluster: "c".into() });
            cluster.acquire_lease(&intent, holder, &TakeOver::Never).await
        }
    };
    let results = futures::future::join_all((0..8).map(take)).await;
    let mut held: Vec<_> = results.into_iter().filter_map(Result::ok).collect();
    assert_eq!(held.len(), 1);
    let first = held[0].renewed().await.unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(held[0].renewed().await.unwrap() > first);
    let release = receipt(Effect::ReleaseLease { cluster: "c".into() });
    held.remove(0).release(&release).await.unwrap();
    assert_eq!(cluster.lease().await.unwrap(), None);
}

fn web(name: &str, node: &str, extra: Json) -> Json {
    let mut pod = json!({
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name.split('-').next()},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x",
                "uid": "00000000-0000-0000-0000-000000000000", "controller": true}]},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": false,
            "containers": [{"name": "c", "image": "i"}]},
    });
    if let (Some(pod), Some(extra)) = (pod.as_object_mut(), extra.as_object()) {
        pod.extend(extra.clone());
    }
    pod
}

async fn run_pod(cluster: &Cluster, name: &str, node: &str) {
    let path = format!("/api/v1/namespaces/default/pods/{name}");
    drop(cluster.api.write(&Method::DELETE, &format!("{path}?gracePeriodSeconds=0"), None).await);
    create(cluster, "/api/v1/namespaces/default/pods", web(name, node, json!({}))).await;
    let status = json!({"status": {"phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}]}});
    patch(cluster, &format!("{path}/status"), status).await;
}

async fn budget(cluster: &Cluster, name: &str, app: &str, max: u32) {
    let path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    drop(cluster.api.write(&Method::DELETE, &format!("{path}/{name}"), None).await);
    let object = json!({"metadata": {"name": name, "namespace": "default"},
        "spec": {"maxUnavailable": null, "minAvailable": max,
                 "selector": {"matchLabels": {"app": app}}}});
    create(cluster, path, object).await;
    for _ in 0..100 {
        let now: Json = cluster.api.get(&format!("{path}/{name}")).await.unwrap();
        if now["status"]["observedGeneration"] == now["metadata"]["generation"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the disruption controller does not run");
}

fn drain_of(node: &str) -> Receipt {
    receipt(Effect::Drain { cluster: "c".into(), node: node.into() })
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn a_real_budget_blocks_by_name_and_lets_go_later() {
    let cluster = real().await;
    node(&cluster, "live-budget").await;
    for name in ["guarded-1", "free-1"] {
        run_pod(&cluster, name, "live-budget").await;
    }
    budget(&cluster, "guard", "guarded", 1).await;
    let options = DrainOptions { timeout: Duration::from_secs(4), ..DrainOptions::default() };
    let mut events = Vec::new();
    let cancel = Cancel::new();
    let error = cluster
        .drain(&drain_of("live-budget"), &options, &cancel, &mut |e| events.push(e))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "not drained after 4 s, still there: default/guarded-1 (default/guard needs 1 healthy \
         pods and has 1 of 1, 0 may go now)"
    );
    assert!(events.contains(&DrainEvent::Gone { pod: "default/free-1".into() }), "{events:?}");
    let path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/guard";
    patch(&cluster, path, json!({"spec": {"minAvailable": 0}})).await;
    let options = DrainOptions { timeout: Duration::from_secs(30), ..DrainOptions::default() };
    cluster.drain(&drain_of("live-budget"), &options, &cancel, &mut |_| {}).await.unwrap();
    assert!(cluster.plan_drain("live-budget", &options).await.unwrap().go.is_empty());
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn two_real_budgets_over_one_pod_fail_at_once() {
    let cluster = real().await;
    node(&cluster, "live-two").await;
    run_pod(&cluster, "twice-1", "live-two").await;
    budget(&cluster, "one", "twice", 1).await;
    budget(&cluster, "two", "twice", 1).await;
    let started = Instant::now();
    let options = DrainOptions::default();
    let error = cluster
        .drain(&drain_of("live-two"), &options, &Cancel::new(), &mut |_| {})
        .await
        .unwrap_err();
    assert!(matches!(&error, DrainError::Failed(_)), "{error}");
    assert!(error.to_string().contains("more than one PodDisruptionBudget"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn a_pod_that_was_replaced_under_its_name_is_not_evicted() {
    let cluster = real().await;
    node(&cluster, "live-uid").await;
    run_pod(&cluster, "swap-1", "live-uid").await;
    let mut pod =
        cluster.plan_drain("live-uid", &DrainOptions::default()).await.unwrap().go.remove(0);
    pod.metadata.uid = Some("00000000-0000-0000-0000-000000000001".into());
    let content = Content::Object(json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": "swap-1", "namespace": "default"},
        "deleteOptions": {"preconditions": {"uid": pod.metadata.uid}}}));
    let path = "/api/v1/namespaces/default/pods/swap-1/eviction";
    let error = cluster.api.write(&Method::POST, path, Some(&content)).await.unwrap_err();
    assert_eq!(drain::meaning(&error), "Gone", "{error}");
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn many_pods_leave_in_few_requests() {
    let cluster = real().await;
    node(&cluster, "live-many").await;
    for n in 0..110 {
        run_pod(&cluster, &format!("many-{n}"), "live-many").await;
    }
    let started = Instant::now();
    let options = DrainOptions::default();
    let plan =
        cluster.drain(&drain_of("live-many"), &options, &Cancel::new(), &mut |_| {}).await.unwrap();
    assert_eq!(plan.go.len(), 110);
    eprintln!("110 pods in {:?}", started.elapsed());
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn a_snapshot_and_workloads_of_a_real_server() {
    let cluster = real().await;
    let snapshot = cluster.snapshot().await.unwrap();
    assert_eq!(snapshot.servers.len(), 1);
    assert_eq!(snapshot.servers[0].not_ready, Vec::<String>::new());
    assert_eq!(snapshot.kubeadm_version, None);
    cluster.workloads().await.unwrap();
}

/// `MAINSTAY_TEST_RESTART` is a program that kills the API server and starts it again on the same port.
#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG and MAINSTAY_TEST_RESTART"]
async fn a_drain_and_a_lease_outlive_a_restart_of_the_api_server() {
    let program = std::env::var("MAINSTAY_TEST_RESTART").expect("MAINSTAY_TEST_RESTART is set");
    let cluster = real().await;
    node(&cluster, "live-restart").await;
    run_pod(&cluster, "late-1", "live-restart").await;
    budget(&cluster, "late", "late", 1).await;
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/mainstay";
    drop(cluster.api.write(&Method::DELETE, path, None).await);
    let holder = LeaseHolder { run: "r1".into(), who: "op@host".into(), started: String::new() };
    let intent = receipt(Effect::Lease { cluster: "c".into() });
    let lease = cluster.acquire_lease(&intent, holder, &TakeOver::Never).await.unwrap();

    let other = real().await;
    let restart = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let status = tokio::process::Command::new(program).status().await.unwrap();
        assert!(status.success());
        let path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/late";
        loop {
            let content = Content::MergePatch(json!({"spec": {"minAvailable": 0}}));
            match other.api.write(&Method::PATCH, path, Some(&content)).await {
                Ok(_) => return,
                Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    });
    let options = DrainOptions { timeout: Duration::from_secs(120), ..DrainOptions::default() };
    let mut events = Vec::new();
    cluster
        .drain(&drain_of("live-restart"), &options, &Cancel::new(), &mut |e| events.push(e))
        .await
        .unwrap();
    restart.await.unwrap();
    assert!(!lease.lost().is_cancelled());
    let release = receipt(Effect::ReleaseLease { cluster: "c".into() });
    lease.release(&release).await.unwrap();
    eprintln!("{events:#?}");
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn a_kubeconfig_file_is_used_directly() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config");
    let text = admin_conf();
    let server = format!("https://localhost:{}", port());
    let start = text.find("https://").unwrap();
    let length = text[start..].find(['"', '\n', ' ', ',']).unwrap();
    std::fs::write(&file, text.replace(&text[start..start + length], &server)).unwrap();
    let connect = |files: Vec<std::path::PathBuf>, context: Option<&str>| {
        let context = context.map(str::to_owned);
        let access = ClusterAccess::Kubeconfig { files, context };
        Cluster::connect(access, Arc::new(RealClock(Instant::now())))
    };
    let cluster = connect(vec![file.clone()], None).await.unwrap();
    assert!(!cluster.identity().await.unwrap().is_empty());
    let error = connect(vec![file], Some("nowhere")).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    let error = connect(vec![home.path().join("missing")], None).await.unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
#[ignore = "needs MAINSTAY_TEST_KUBECONFIG"]
async fn a_node_becomes_ready_when_its_kubelet_reports() {
    let cluster = real().await;
    let made = node(&cluster, "live-ready").await;
    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    drop(cluster.api.write(&Method::DELETE, &format!("{leases}/live-ready"), None).await);
    let lease = json!({"metadata": {"name": "live-ready", "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": "live-ready", "leaseDurationSeconds": 40}});
    create(&cluster, leases, lease).await;
    let kubelet = real().await;
    let reports = tokio::spawn(async move {
        let status = json!({"status": {
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "nodeInfo": {"kubeletVersion": "v1.37.2"}}});
        patch(&kubelet, "/api/v1/nodes/live-ready/status", status).await;
        for n in 1..60 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = json!({"spec": {"leaseDurationSeconds": 40 + n}});
            patch(&kubelet, &format!("{leases}/live-ready"), now).await;
        }
    });
    let options = ReadyOptions {
        timeout: Duration::from_secs(20),
        stable: Duration::from_secs(2),
        kubelet_version: Some("v1.37.2".into()),
        known_unready: cluster.unready_agents("live-ready").await.unwrap(),
        ..ReadyOptions::default()
    };
    let mut heard = Vec::new();
    let cancel = Cancel::new();
    let ready = cluster
        .wait_ready("live-ready", &made.uid, &options, &cancel, &mut |w| heard.push(w.to_owned()))
        .await;
    reports.abort();
    assert!(ready.unwrap().ready, "{heard:?}");
    let broken = json!({"status": {"conditions": [{"type": "Ready", "status": "False",
        "message": "cni plugin not initialized"}]}});
    patch(&cluster, "/api/v1/nodes/live-ready/status", broken).await;
    let options = ReadyOptions { timeout: Duration::from_secs(3), ..options };
    let error = cluster
        .wait_ready("live-ready", &made.uid, &options, &cancel, &mut |_| {})
        .await
        .unwrap_err();
    assert!(error.to_string().contains("cni plugin not initialized"), "{error}");
}
