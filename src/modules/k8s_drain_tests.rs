use super::super::testing::{Bench, Scripted, answer};
use super::*;
use serde_json::json;

/// Arguments checked as the engine does.
fn options(delete: serde_json::Value) -> Result<DrainOptions, Failure> {
    let raw = Value::from(
        json!({"name": "n1", "delete_options": delete, "pod_selectors": ["a=1", "b!=2"]}),
    );
    drain_options(&Args::check(&SPEC, raw.as_map().unwrap())?)
}

#[test]
fn delete_options_have_ansibles_defaults() {
    let plain = options(json!({})).ok().unwrap();
    assert!(!plain.ignore_daemonsets && !plain.force && !plain.delete_emptydir_data);
    assert_eq!(plain.pod_selector.as_deref(), Some("a=1,b!=2"));
    assert_eq!((plain.timeout, plain.grace), (Duration::from_secs(900), None));
    let set = options(json!({"terminate_grace_period": "900", "wait_timeout": 0, "wait_sleep": 2,
        "ignore_daemonsets": "yes", "force": true}));
    let set = set.ok().unwrap();
    assert_eq!(
        (set.grace, set.timeout, set.poll),
        (Some(900), FOR_EVER, Some(Duration::from_secs(2)))
    );
    assert!(set.ignore_daemonsets && set.force);
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    for (delete, part) in [
        (json!({"gracefully": true}), "gracefully"),
        (json!({"wait_timeout": -1}), "wait_timeout must not be negative"),
        (json!({"wait_sleep": "soon"}), "wait_sleep"),
    ] {
        let Err(Failure::Failed(outcome)) = options(delete) else { panic!("{part}") };
        let text = string(outcome.fields.get("msg").unwrap());
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn the_kubeconfig_is_read_on_the_host_of_the_task() {
    let refused = answer(1, b"", "cat: /no/such file: No such file or directory\n");
    let host = Scripted::new([Ok(refused)]);
    let bench = Bench::on(host.clone());
    let result =
        bench.json("k8s_drain", json!({"name": "n1", "kubeconfig": "/no/such file"})).await;
    assert_eq!(host.scripts(), ["cat -- '/no/such file'"]);
    assert_eq!(
        result["msg"],
        "kubeconfig /no/such file of h1: cat: /no/such file: No such file or directory"
    );
}

#[tokio::test]
async fn an_address_without_a_file_needs_the_controller() {
    let bench = Bench::on(Scripted::new([]));
    let result = bench.json("k8s_drain", json!({"name": "n1", "host": "https://a:6443"})).await;
    assert!(result["msg"].as_str().unwrap().contains("delegate_to: localhost"), "{result}");
}

mod whole {
    use super::super::super::testing::{Disk, FakeClock, Scripted, Vars};
    use super::*;
    use crate::cluster::testing::{Reply, scripted, status};
    use crate::journal::{Journal, Record, read};
    use crate::transport::Host;
    use http::Method;
    use mainstay_language::outside::Outside;
    use mainstay_language::template::Templar;
    use std::sync::Mutex;

    /// A node with one pod of a controller; the log of writes.
    fn cluster(refuse: bool) -> (Cluster, Arc<Mutex<Vec<String>>>) {
        let mut cordoned = false;
        let mut gone = false;
        let writes = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&writes);
        let (cluster, ..) = scripted(move |method, path, body| {
            if method != Method::GET {
                log.lock().unwrap().push(format!("{method} {path}"));
            }
            let bare = path.split('?').next().unwrap();
            let pod = json!({"metadata": {"name": "p", "namespace": "d", "uid": "u",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r",
                    "uid": "o", "controller": true}]}});
            match (method.as_str(), bare) {
                (_, "/api/v1/namespaces/kube-system") => {
                    Reply::Json(200, json!({"metadata": {"uid": "cluster"}}))
                }
                (_, "/api/v1/nodes/n1") => {
                    if method == Method::PATCH {
                        cordoned = body["spec"]["unschedulable"] == json!(true);
                    }
                    Reply::Json(
                        200,
                        json!({"metadata": {"name": "n1", "uid": "n", "resourceVersion": "1"},
                        "spec": {"unschedulable": cordoned}}),
                    )
                }
                (_, "/api/v1/pods") => {
                    let items = if gone { vec![] } else { vec![pod] };
                    Reply::Json(200, json!({"metadata": {}, "items": items}))
                }
                ("POST", _) if refuse => Reply::Json(422, status(422, "Invalid", "no")),
                ("POST", _) => {
                    gone = true;
                    Reply::Json(201, json!({}))
                }
                _ => Reply::Json(404, status(404, "NotFound", "not found")),
            }
        });
        (cluster, writes)
    }

    async fn run(
        cluster: &Cluster,
        journal: &Journal,
        check: bool,
        args: serde_json::Value,
    ) -> Result<Outcome, Failure> {
        let host = Host {
            target: Scripted::new([]),
            name: "h1".into(),
            become_: None,
            environment: vec![],
            timeout: None,
        };
        let outside: Arc<dyn Outside> = Arc::new(Disk);
        let templar = Templar::new(outside);
        let facts = Map::new();
        let mut ctx = Ctx {
            host: &host,
            check,
            diff: false,
            verbosity: 0,
            clock: &FakeClock::default(),
            outside: &Disk,
            templar: &templar,
            scope: Arc::new(Vars::default()),
            search: &[],
            effects: journal,
            cluster: Some(cluster),
            facts: &facts,
            inventory_hostname: "h1",
            remote_tmp: "",
        };
        let raw = Value::from(args);
        let args = Args::check(&SPEC, raw.as_map().unwrap())?;
        K8sDrain.run(args, &mut ctx).await
    }

    fn journal() -> (tempfile::TempDir, Journal) {
        let home = tempfile::tempdir().unwrap();
        let header = Record::Header {
            version: crate::journal::FORMAT,
            run: "r1".into(),
            started: String::new(),
            arguments: vec![],
            process: (1, String::new()),
        };
        let journal = Journal::create(&home.path().join("r1"), &header).unwrap();
        (home, journal)
    }

    fn endings(journal: &Journal) -> Vec<Ended> {
        let records = read(journal.path()).unwrap().records;
        let ended = |r| if let Record::Outcome { result, .. } = r { Some(result) } else { None };
        records.into_iter().filter_map(ended).collect()
    }

    #[tokio::test]
    async fn a_drain_is_recorded_and_done_once() {
        let (cluster, writes) = cluster(false);
        let (_home, journal) = journal();
        let outcome = run(&cluster, &journal, false, json!({"name": "n1"})).await.ok().unwrap();
        assert!(outcome.changed);
        let text = string(outcome.fields.get("result").unwrap());
        assert_eq!(text, "node n1 marked unschedulable, 1 pods deleted");
        let expected = ["PATCH /api/v1/nodes/n1", "POST /api/v1/namespaces/d/pods/p/eviction"];
        assert_eq!(*writes.lock().unwrap(), expected);
        assert_eq!(endings(&journal), [Ended::Done, Ended::Done]);

        let again = run(&cluster, &journal, false, json!({"name": "n1"})).await.ok().unwrap();
        assert!(!again.changed);
        assert_eq!(writes.lock().unwrap().len(), 2, "nothing more was written");

        let back = run(&cluster, &journal, false, json!({"name": "n1", "state": "uncordon"}));
        assert!(back.await.ok().unwrap().changed);
        let records = read(journal.path()).unwrap().records;
        assert!(crate::journal::fold(&records).held.is_empty());
    }

    #[tokio::test]
    async fn check_mode_writes_nothing() {
        let (cluster, writes) = cluster(false);
        let (_home, journal) = journal();
        for state in ["drain", "cordon"] {
            let args = json!({"name": "n1", "state": state});
            assert!(run(&cluster, &journal, true, args).await.ok().unwrap().changed);
        }
        assert!(writes.lock().unwrap().is_empty() && endings(&journal).is_empty());
    }

    #[tokio::test]
    async fn a_drain_that_fails_is_recorded_as_unknown() {
        let (cluster, _) = cluster(true);
        let (_home, journal) = journal();
        let result = run(&cluster, &journal, false, json!({"name": "n1"})).await;
        let Err(Failure::Failed(outcome)) = result else { panic!("it must fail") };
        let text = string(outcome.fields.get("msg").unwrap());
        assert!(text.contains("d/p") && text.contains("422"), "{text}");
        assert_eq!(endings(&journal), [Ended::Done, Ended::Unknown]);
    }
}
