use super::*;
use crate::store::json::{condition, name};
use crate::store::{DeleteOptions, Eviction, Json, Part, Patch};
use serde_json::{Value, json};

/// A cluster in which time runs fast enough for a test and slow enough for what must be seen in between.
struct Cluster {
    store: Arc<Store>,
    views: Vec<tokio::sync::watch::Sender<Option<KubeletView>>>,
    _running: Vec<Handle>,
}

impl Cluster {
    fn with_nodes(count: usize) -> Self {
        let (pace, faults) = (Pace::faster(50), Arc::<Faults>::default());
        let store = Store::with_faults(pace, Arc::clone(&faults));
        let mut running = vec![start(Arc::clone(&store), pace, Arc::clone(&faults))];
        let mut views = Vec::new();
        for number in 1..=count {
            let view = KubeletView {
                version: "1.36.3".into(),
                ready: true,
                addresses: vec![format!("127.0.0.{number}")],
                boot_id: "first".into(),
                ..KubeletView::default()
            };
            let (sender, receiver) = tokio::sync::watch::channel(Some(view));
            running.push(kubelet(
                Arc::clone(&store),
                &format!("w{number}"),
                receiver,
                pace,
                Arc::clone(&faults),
            ));
            views.push(sender);
        }
        Self { store, views, _running: running }
    }

    /// Waits until this is so.
    async fn until(&self, what: &str, so: impl Fn(&Store) -> bool) {
        let mut changed = self.store.subscribe();
        let waiting = async {
            while !so(&self.store) {
                drop(tokio::time::timeout(Duration::from_millis(20), changed.changed()).await);
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), waiting).await.is_err() {
            let pods: Vec<_> = self
                .store
                .all("pods", "")
                .iter()
                .map(|pod| (name(pod).to_owned(), pod.at("status").cloned()))
                .collect();
            panic!("never: {what}; pods {pods:#?}");
        }
    }
}

fn workload(kind: &str, replicas: i64) -> Value {
    let mut object = json!({"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}}});
    if kind != "DaemonSet" {
        object.put("spec.replicas", replicas);
    }
    object
}

fn count(store: &Store, test: impl Fn(&Value) -> bool) -> usize {
    store.all("pods", "default").iter().filter(|pod| test(pod)).count()
}

#[tokio::test]
async fn a_deployment_runs_rolls_and_goes_with_all_it_made() {
    let cluster = Cluster::with_nodes(2);
    let store = &cluster.store;
    store.create("deployments", "default", workload("Deployment", 3)).unwrap();
    let available = |store: &Store| {
        store
            .get("deployments", "default", "web")
            .is_ok_and(|d| d.int("status.availableReplicas") == Some(3))
    };
    cluster.until("three are available", available).await;
    let nodes: std::collections::BTreeSet<String> =
        store.all("pods", "default").iter().map(|p| p.text("spec.nodeName").to_owned()).collect();
    assert_eq!(nodes.len(), 2, "they are spread");
    let image =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}});
    store.patch("deployments", "default", "web", Part::Whole, Patch::Strategic(image)).unwrap();
    let rolled = |store: &Store| {
        let all = store.all("pods", "default");
        available(store)
            && all.len() == 3
            && all.iter().all(|pod| pod.list("spec.containers")[0].text("image") == "i:2")
    };
    cluster.until("all pods are new", rolled).await;
    assert_eq!(store.all("replicasets", "default").len(), 2, "the old one is kept for a way back");
    store.delete("deployments", "default", "web", &DeleteOptions::default()).unwrap();
    cluster
        .until("everything is gone", |store| {
            store.all("pods", "default").is_empty()
                && store.all("replicasets", "default").is_empty()
        })
        .await;
}

#[tokio::test]
async fn a_cordoned_node_gets_no_pod_and_a_daemonset_does_not_mind() {
    let cluster = Cluster::with_nodes(2);
    let store = &cluster.store;
    cluster
        .until("both are ready", |store| {
            store.all("nodes", "").iter().filter(|n| condition(n, "Ready") == "True").count() == 2
        })
        .await;
    store
        .edit("nodes", "", "w1", Part::Whole, |node| node.put("spec.unschedulable", true))
        .unwrap();
    store.create("daemonsets", "default", workload("DaemonSet", 0)).unwrap();
    cluster.until("the daemon is everywhere", |store| count(store, pods::ready) == 2).await;
    store.create("pods", "default", json!({"metadata": {"name": "one"}, "spec": {"nodeName": "", "containers": [{"name": "c", "image": "i"}]}})).unwrap();
    cluster
        .until("it runs", |store| {
            store.get("pods", "default", "one").is_ok_and(|pod| pods::ready(&pod))
        })
        .await;
    assert_eq!(store.get("pods", "default", "one").unwrap().text("spec.nodeName"), "w2");
}

#[tokio::test]
async fn a_budget_follows_its_pods() {
    let cluster = Cluster::with_nodes(2);
    let store = &cluster.store;
    store.create("deployments", "default", workload("Deployment", 2)).unwrap();
    store.create("poddisruptionbudgets", "default", json!({"metadata": {"name": "b"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}})).unwrap();
    let allowed = |store: &Store| {
        store.get("poddisruptionbudgets", "default", "b").unwrap().int("status.disruptionsAllowed")
    };
    cluster.until("one may go", |store| allowed(store) == Some(1)).await;
    let names: Vec<String> =
        store.all("pods", "default").iter().map(|pod| name(pod).to_owned()).collect();
    let evict = |pod: &str| {
        store.evict(&Eviction {
            namespace: "default".into(),
            pod: pod.to_owned(),
            ..Eviction::default()
        })
    };
    evict(&names[0]).unwrap();
    assert_eq!(evict(&names[1]).unwrap_err().code, 429);
    cluster.until("the next may go", |store| allowed(store) == Some(1)).await;
    evict(&names[1]).unwrap();
}

#[tokio::test]
async fn a_node_whose_kubelet_is_silent_is_lost_and_comes_back() {
    let cluster = Cluster::with_nodes(2);
    let store = &cluster.store;
    store.create("deployments", "default", workload("Deployment", 2)).unwrap();
    cluster.until("two are ready", |store| count(store, pods::ready) == 2).await;
    let before = cluster.views[0].borrow().clone();
    cluster.views[0].send_replace(None);
    cluster
        .until("it is not known to be ready", |store| {
            condition(&store.get("nodes", "", "w1").unwrap(), "Ready") == "Unknown"
        })
        .await;
    let taints = store.get("nodes", "", "w1").unwrap();
    cluster
        .until("its taints say so", |store| {
            store.get("nodes", "", "w1").unwrap().list("spec.taints").len() == 2
        })
        .await;
    drop(taints);
    cluster
        .until("its pod has moved", |store| {
            count(store, |pod| pods::ready(pod) && pod.text("spec.nodeName") == "w2") == 2
        })
        .await;
    let back = before.map(|view| KubeletView { boot_id: "second".into(), ..view });
    cluster.views[0].send_replace(back);
    cluster
        .until("it is back", |store| {
            let node = store.get("nodes", "", "w1").unwrap();
            condition(&node, "Ready") == "True"
                && node.list("spec.taints").is_empty()
                && node.text("status.nodeInfo.bootID") == "second"
        })
        .await;
    cluster
        .until("what was to leave it has left", |store| {
            count(store, |pod| pod.text("spec.nodeName") == "w1") == 0
        })
        .await;
}

#[tokio::test]
async fn a_static_pod_is_mirrored_and_replaced_with_its_file() {
    let cluster = Cluster::with_nodes(1);
    let change = |image: &str| {
        let pod = StaticPod { name: "etcd".into(), image: image.into(), ..StaticPod::default() };
        cluster.views[0].send_modify(|view| view.as_mut().unwrap().static_pods = vec![pod]);
    };
    let runs = |image: &'static str| {
        move |store: &Store| {
            let pod = store.get("pods", "kube-system", "etcd-w1");
            pod.is_ok_and(|pod| {
                pods::ready(&pod) && pod.list("spec.containers")[0].text("image") == image
            })
        }
    };
    change("etcd:1");
    cluster.until("the first runs", runs("etcd:1")).await;
    change("etcd:2");
    cluster.until("the second runs", runs("etcd:2")).await;
    cluster.views[0].send_modify(|view| view.as_mut().unwrap().static_pods.clear());
    cluster.until("it is gone", |store| store.get("pods", "kube-system", "etcd-w1").is_err()).await;
}

#[tokio::test]
async fn a_namespace_takes_everything_with_it() {
    let cluster = Cluster::with_nodes(1);
    let store = &cluster.store;
    store.create("namespaces", "", json!({"metadata": {"name": "n"}})).unwrap();
    store.create("deployments", "n", workload("Deployment", 2)).unwrap();
    cluster
        .until("it lives", |store| {
            store.all("pods", "n").iter().filter(|pod| pods::ready(pod)).count() == 2
        })
        .await;
    store.delete("namespaces", "", "n", &DeleteOptions::default()).unwrap();
    assert_eq!(
        store.create("configmaps", "n", json!({"metadata": {"name": "c"}})).unwrap_err().code,
        403
    );
    cluster.until("it is gone", |store| store.get("namespaces", "", "n").is_err()).await;
    assert!(store.all("pods", "n").is_empty());
}

#[tokio::test]
async fn a_stateful_set_counts_its_pods_up_and_down() {
    let cluster = Cluster::with_nodes(1);
    let store = &cluster.store;
    let selection =
        crate::store::Selection::all(crate::store::resource("pods").unwrap(), "default");
    let mut watch = store.watch(selection, Some(store.revision())).unwrap();
    store.create("statefulsets", "default", workload("StatefulSet", 3)).unwrap();
    cluster.until("three run", |store| count(store, pods::ready) == 3).await;
    let mut order = Vec::new();
    while order.len() < 3 {
        let event = watch.next().await.unwrap();
        if event.kind == crate::store::EventKind::Added {
            order.push(name(&event.object).to_owned());
        }
    }
    assert_eq!(order, ["web-0", "web-1", "web-2"]);
    store
        .edit("statefulsets", "default", "web", Part::Whole, |set| set.put("spec.replicas", 1))
        .unwrap();
    cluster.until("the first is left", |store| store.all("pods", "default").len() == 1).await;
    assert!(store.get("pods", "default", "web-0").is_ok());
}
