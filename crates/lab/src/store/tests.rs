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
