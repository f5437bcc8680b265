use super::*;
use serde_json::{Value, json};

fn store() -> Arc<Store> {
    Store::new(Pace::faster(50))
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
}

#[tokio::test]
async fn a_watch_tells_what_comes_into_and_goes_out_of_its_selection() {
    let store = store();
    let mut selection = Selection::all(resource("pods").unwrap(), "default");
    selection.labels = Labels::parse("app=web").unwrap();
    let mut watch = store.watch(selection, Some(store.revision())).unwrap();
    store.create("pods", "default", pod("a")).unwrap();
    let label = |value: Value| Patch::Merge(json!({"metadata": {"labels": {"app": value}}}));
    store.patch("pods", "default", "a", Part::Whole, label(json!("db"))).unwrap();
    store.patch("pods", "default", "a", Part::Whole, label(json!("web"))).unwrap();
    store.delete("pods", "default", "a", &DeleteOptions::default()).unwrap();
    for kind in [EventKind::Added, EventKind::Deleted, EventKind::Added, EventKind::Deleted] {
        assert_eq!(watch.next().await.unwrap().kind, kind);
    }
}

#[tokio::test]
async fn a_list_goes_on_at_the_revision_at_which_it_began() {
    let store = store();
    for name in ["a", "b", "c"] {
        store.create("pods", "default", pod(name)).unwrap();
    }
    let selection = Selection::all(resource("pods").unwrap(), "");
    let first =
        store.list(&selection, &ListOptions { limit: 2, ..ListOptions::default() }).unwrap();
    assert_eq!((first.items.len(), first.remaining), (2, Some(1)));
    store.delete("pods", "default", "c", &DeleteOptions::default()).unwrap();
    store.create("pods", "default", pod("d")).unwrap();
    let options = ListOptions { continue_token: first.continue_token, ..ListOptions::default() };
    let rest = store.list(&selection, &options).unwrap();
    assert_eq!(rest.revision, first.revision);
    assert_eq!(rest.items.iter().map(|pod| json::name(pod)).collect::<Vec<_>>(), ["c"]);
    store.compact();
    assert_eq!(store.list(&selection, &options).unwrap_err().code, 410);
}

fn evict(store: &Store, pod: &str) -> Result<(), Status> {
    store.evict(&Eviction { namespace: "default".into(), pod: pod.into(), ..Eviction::default() })
}

/// A store with faults, and a pod in it that nothing protects.
fn faulty(fault: &str) -> (Arc<Store>, Arc<Faults>) {
    let faults = Arc::<Faults>::default();
    faults.add(fault.parse().unwrap());
    let store = Store::with_faults(Pace::REAL, Arc::clone(&faults));
    store.create("pods", "default", pod("a")).unwrap();
    (store, faults)
}

#[test]
fn a_webhook_denies_every_eviction_in_its_namespace() {
    let (store, faults) = faulty("webhook-denies=default");
    let denied = evict(&store, "a").unwrap_err();
    assert_eq!((denied.code, denied.reason), (403, "Forbidden"));
    assert!(denied.message.starts_with("admission webhook "), "{denied}");
    faults.retain(|_| false);
    evict(&store, "a").unwrap();
}

#[test]
fn evictions_conflict_as_often_as_they_shall() {
    let (store, _) = faulty("eviction-conflicts=2");
    for _ in 0..2 {
        assert_eq!(evict(&store, "a").unwrap_err().code, 409);
    }
    evict(&store, "a").unwrap();
}

#[test]
fn a_budget_refuses_whatever_it_has_counted() {
    let (store, faults) = faulty("budget-refuses=default/b");
    let selector = json!({"matchLabels": {"app": "web"}});
    let budget =
        json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 0, "selector": selector}});
    store.create("poddisruptionbudgets", "default", budget).unwrap();
    let running = |pod: &mut Value| pod.put("status.phase", "Running");
    store.edit("pods", "default", "a", Part::Status, running).unwrap();
    let counted = |budget: &mut Value| {
        budget.put("status", json!({"observedGeneration": 1, "disruptionsAllowed": 1}));
    };
    store.edit("poddisruptionbudgets", "default", "b", Part::Status, counted).unwrap();
    assert_eq!(evict(&store, "a").unwrap_err().code, 429);
    faults.retain(|_| false);
    evict(&store, "a").unwrap();
}

#[tokio::test]
async fn who_watches_from_before_the_compaction_is_told_so() {
    let store = store();
    let before = store.revision();
    store.create("pods", "default", pod("a")).unwrap();
    let pods = || Selection::all(resource("pods").unwrap(), "");
    let mut late = store.watch(pods(), Some(before)).unwrap();
    store.compact();
    assert_eq!(store.watch(pods(), Some(before)).unwrap_err().code, 410);
    assert_eq!(late.next().await.unwrap_err().code, 410);
    assert!(store.watch(pods(), Some(store.revision())).is_ok());
}
