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
