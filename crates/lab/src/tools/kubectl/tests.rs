//! Expected lines are those of kubectl 1.36.3.

use crate::tools::bench::Bench;
use serde_json::{Value, json};

fn pod(bench: &Bench, name: &str, node: &str, owner: Option<&str>, more: &Value) {
    let owners: Vec<Value> = owner
        .iter()
        .map(|kind| json!({"kind": kind, "name": "kube-proxy", "controller": true}))
        .collect();
    let mut pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": "kube-system", "uid": name, "ownerReferences": owners},
        "spec": {"nodeName": node}, "status": {"phase": "Running"}});
    for (key, value) in more.as_object().into_iter().flatten() {
        pod["spec"][key] = value.clone();
    }
    let mut objects = bench.outside.objects.lock().unwrap();
    objects.insert("/api/v1/pods/".to_owned() + name, pod.clone());
    objects.insert(format!("/api/v1/namespaces/kube-system/pods/{name}"), pod);
}

const K: &str = "kubectl --kubeconfig=/etc/kubernetes/admin.conf";

#[tokio::test]
async fn objects_are_shown() {
    let bench = Bench::of(1, 1, "1.36.3").await;
    let call = |rest: &str| format!("{K} {rest}");
    bench
        .check(
            "cp1",
            &[
                (&call("get nodes -o name"), "node/cp1\nnode/w1\n", "", 0),
                (&call("get node w1 -o jsonpath={.status.nodeInfo.kubeletVersion}"), "v1.36.3", "", 0),
                (&call("get no w1 w9 -o name"), "node/w1\n", "Error from server (NotFound): nodes \"w9\" not found\n", 1),
                (&call("get nodes -o jsonpath={.items[*].metadata.name}"), "cp1 w1", "", 0),
                (&call("get nosuch"), "", "error: the server doesn't have a resource type \"nosuch\"\n", 1),
                (&call("get --raw=/version"), "{\"gitVersion\":\"v1.36.3\"}", "", 0),
                (&call("frob"), "", "error: unknown command \"frob\" for \"kubectl\"\n", 1),
                (&call("get --nosuch"), "", "error: unknown flag: --nosuch\nSee 'kubectl get --help' for usage.\n", 1),
                ("kubectl version --client", "Client Version: v1.36.3\nKustomize Version: v5.8.1\n", "", 0),
                ("kubectl --kubeconfig=/nosuch get nodes", "", "error: stat /nosuch: no such file or directory\n", 1),
                (
                    "kubectl get nodes",
                    "",
                    "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n",
                    1,
                ),
            ],
        )
        .await;
    // The kubelet of a worker has its own identity; nothing listens on the worker's loopback.
    bench
        .check(
            "w1",
            &[
                ("kubectl --kubeconfig=/etc/kubernetes/kubelet.conf get node w1 -o jsonpath={.metadata.name}", "w1", "", 0),
                (
                    "kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --server=https://127.0.0.1:6443 get nodes",
                    "",
                    "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n",
                    1,
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn nodes_are_drained() {
    let bench = Bench::of(1, 1, "1.36.3").await;
    pod(&bench, "web-1", "w1", Some("ReplicaSet"), &json!({}));
    pod(&bench, "kube-proxy-1", "w1", Some("DaemonSet"), &json!({}));
    pod(&bench, "other", "cp1", Some("ReplicaSet"), &json!({}));
    let call = |rest: &str| format!("{K} {rest}");
    let fatal = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): kube-system/kube-proxy-1";
    bench
        .check(
            "cp1",
            &[
                (
                    &call("drain w1"),
                    "node/w1 cordoned\n",
                    &format!("error: unable to drain node \"w1\" due to error: {fatal}, continuing command...\nThere are pending nodes to be drained:\n w1\n{fatal}\n"),
                    1,
                ),
                (
                    &call("drain w1 --ignore-daemonsets --delete-emptydir-data --timeout=300s"),
                    "node/w1 already cordoned\nevicting pod kube-system/web-1\npod/web-1 evicted\nnode/w1 drained\n",
                    "Warning: ignoring DaemonSet-managed Pods: kube-system/kube-proxy-1\n",
                    0,
                ),
                (&call("uncordon w1"), "node/w1 uncordoned\n", "", 0),
                (&call("uncordon w1"), "node/w1 already uncordoned\n", "", 0),
                (&call("cordon w9"), "", "Error from server (NotFound): nodes \"w9\" not found\n", 1),
                (&call("wait --for=condition=Ready node/w1 --timeout=300s"), "node/w1 condition met\n", "", 0),
                (
                    &call("wait --for=condition=Ready=false node/w1 --timeout=1s"),
                    "",
                    "error: timed out waiting for the condition on nodes/w1\n",
                    1,
                ),
                (&call("label node w1 a=b"), "node/w1 labeled\n", "", 0),
                (&call("label node w1 a=c"), "", "error: 'a' already has a value (b), and --overwrite is false\n", 1),
                (&call("taint node w1 k=v:NoSchedule"), "node/w1 tainted\n", "", 0),
                (&call("taint node w1 k-"), "node/w1 untainted\n", "", 0),
            ],
        )
        .await;
    assert!(
        bench
            .outside
            .objects
            .lock()
            .unwrap()
            .contains_key("/api/v1/namespaces/kube-system/pods/other")
    );
}

#[tokio::test]
async fn programs_inside_etcds_pod() {
    let bench = Bench::of(1, 0, "1.36.3").await;
    pod(&bench, "etcd-cp1", "cp1", None, &json!({}));
    pod(&bench, "coredns-1", "cp1", None, &json!({}));
    let exec = format!("{K} -n kube-system exec etcd-cp1 --");
    let left = bench.run("cp1", &format!("{exec} etcdutl snapshot status /nosuch.db")).await;
    let text =
        "Error: stat /nosuch.db: no such file or directory\ncommand terminated with exit code 1\n";
    assert_eq!((left.err.as_str(), left.code), (text, 1));
    let left = bench.run("cp1", &format!("{exec} etcdctl version")).await;
    assert_eq!(left.out, "etcdctl version: 3.6.8\nAPI version: 3.6\n");
    let left = bench.run("cp1", &format!("{K} -n kube-system exec nosuch -- ls")).await;
    assert_eq!(
        (left.err.as_str(), left.code),
        ("Error from server (NotFound): pods \"nosuch\" not found\n", 1)
    );
    assert_eq!(bench.run("cp1", &format!("{K} -n kube-system exec coredns-1 -- ls")).await.code, 1);
}

#[tokio::test]
async fn files_are_applied() {
    let bench = Bench::of(1, 0, "1.36.3").await;
    let apply = format!("{K} apply -f -");
    let map = |value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{k: {value}}}\n---\n"
        )
        .into_bytes()
    };
    for (value, said) in [("x", "configmap/a created\n"), ("z", "configmap/a configured\n")] {
        let left = bench.run_as("cp1", &apply, (0, 0), &map(value)).await;
        assert!(
            left.code == 0 && (left.out == said || left.out == "configmap/a unchanged\n"),
            "{left:?}"
        );
    }
    let get = format!("{K} get cm a -o jsonpath={{.data.k}}");
    assert_eq!(bench.run("cp1", &get).await.out, "z");
    let left = bench.run("cp1", &format!("{K} delete configmap a")).await;
    assert_eq!(
        (left.out.as_str(), left.code),
        ("configmap \"a\" deleted from default namespace\n", 0),
        "{left:?}"
    );
}
