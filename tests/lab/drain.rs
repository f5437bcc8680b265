//! `mainstay drain` decides as kubectl does: the table is that of kubectl's own tests
//! (`pkg/cmd/drain/drain_test.go`, v0.36.3).

use crate::support::{Ran, ran};
use mainstay_lab::api::{ApiServer, Authority};
use mainstay_lab::controllers::{self, KubeletView};
use mainstay_lab::pace::Pace;
use mainstay_lab::store::{Json, Part, Store};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// One node with a kubelet, an API, and no controllers: what the pods are is what the test says.
struct Bare {
    _runtime: tokio::runtime::Runtime,
    store: Arc<Store>,
    home: tempfile::TempDir,
    _server: ApiServer,
    _kubelet: controllers::Handle,
    /// The kubelet ends with it.
    _view: tokio::sync::watch::Sender<Option<KubeletView>>,
}

impl Bare {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let pace = Pace::faster(200);
        let store = Store::new(pace);
        let authority = Authority::new().unwrap();
        let server = runtime.block_on(ApiServer::start(
            "127.0.0.1:0".parse().unwrap(),
            &authority,
            Arc::clone(&store),
            "1.36.3".parse().unwrap(),
            Arc::default(),
            "cp1",
        ));
        let server = server.unwrap();
        let home = tempfile::tempdir().unwrap();
        let url = format!("https://{}", server.address());
        std::fs::write(home.path().join("conf"), authority.admin_kubeconfig(&url).unwrap())
            .unwrap();
        let (view, seen) = tokio::sync::watch::channel(Some(KubeletView {
            ready: true,
            ..KubeletView::default()
        }));
        let enter = runtime.enter();
        let kubelet = controllers::kubelet(Arc::clone(&store), "node", seen, pace, Arc::default());
        drop(enter);
        Self { _runtime: runtime, store, home, _server: server, _kubelet: kubelet, _view: view }
    }

    fn drain(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay"));
        command
            .args(["drain", "node", "--kubeconfig", "conf", "--yes", "-i", "localhost,"])
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        ran(&mut command)
    }
}

/// A pod `bar` on the node: who owns it, its phase, and whether it has an emptyDir.
fn pod(owner: Option<(&str, &str, &str)>, empty_dir: bool) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bar", "namespace": "default", "labels": {"a": "b"}},
        "spec": {"nodeName": "node", "containers": [{"name": "c", "image": "pause"}]},
    });
    if let Some((version, kind, name)) = owner {
        pod.put(
            "metadata.ownerReferences",
            json!([{"apiVersion": version, "kind": kind, "name": name, "uid": "123", "controller": true}]),
        );
    }
    if empty_dir {
        pod.put("spec.volumes", json!([{"name": "scratch", "emptyDir": {}}]));
    }
    pod
}

const RC: Option<(&str, &str, &str)> = Some(("v1", "ReplicationController", "rc"));
const DS: Option<(&str, &str, &str)> = Some(("apps/v1", "DaemonSet", "ds"));
const LOST: Option<(&str, &str, &str)> = Some(("apps/v1", "DaemonSet", "missing-ds"));
const JOB: Option<(&str, &str, &str)> = Some(("batch/v1", "Job", "job"));
const RS: Option<(&str, &str, &str)> = Some(("apps/v1", "ReplicaSet", "rs"));
/// kubectl's default; ours is the other one.
const STRICT: &str = "--ignore-daemonsets=false";
const DATA: &str = "--delete-emptydir-data";

/// Owner, ended, emptyDir, arguments; whether it is refused, whether the pod goes.
type Case = (
    Option<(&'static str, &'static str, &'static str)>,
    bool,
    bool,
    &'static [&'static str],
    bool,
    bool,
);

const TABLE: [Case; 16] = [
    (RC, false, false, &[STRICT], false, true),
    (DS, false, false, &[STRICT], true, false),
    (DS, true, false, &[STRICT], false, true),
    (LOST, false, false, &[STRICT], true, false),
    (LOST, false, false, &[STRICT, "--force"], false, true),
    (DS, false, false, &["--ignore-daemonsets"], false, false),
    (DS, false, true, &["--ignore-daemonsets"], false, false),
    (JOB, false, true, &[STRICT, "--force", DATA], false, true),
    (JOB, true, true, &[STRICT], false, true),
    (RS, false, false, &[STRICT], false, true),
    (None, false, false, &[STRICT], true, false),
    (None, false, false, &[STRICT, "--force"], false, true),
    (None, false, true, &[STRICT, "--force"], true, false),
    (None, true, true, &[STRICT], false, true),
    (None, false, true, &[STRICT, "--force", DATA], false, true),
    (RC, false, true, &[STRICT], true, false),
];

#[test]
fn pods_are_chosen_as_in_kubectls_own_table() {
    for (at, (owner, ended, empty_dir, arguments, refused, goes)) in TABLE.iter().enumerate() {
        let bare = Bare::start();
        let set = json!({
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "ds", "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "pause"}]},
                },
            },
        });
        bare.store.create("daemonsets", "default", set).unwrap();
        bare.store.create("pods", "default", pod(*owner, *empty_dir)).unwrap();
        if *ended {
            let end = |pod: &mut Value| pod.put("status.phase", "Succeeded");
            bare.store.edit("pods", "default", "bar", Part::Status, end).unwrap();
        }
        let ran = bare.drain(arguments);
        let case = format!("case {}: {ran}", at + 1);
        assert_eq!(ran.code, if *refused { 11 } else { 0 }, "{case}");
        assert_eq!(ran.stdout.contains("node/node drained"), !refused, "{case}");
        let there = bare.store.get("pods", "default", "bar").is_ok();
        assert_eq!(there, !goes, "{case}");
        let node = bare.store.get("nodes", "", "node").unwrap();
        assert!(node.flag("spec.unschedulable"), "cordoned even so, as kubectl does: {case}");
    }
}
