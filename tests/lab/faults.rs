//! What breaks half way: whatever it is, nothing stays cordoned unnamed, and the same command finishes the job once the
//! fault is gone.

use crate::trial::Trial;

/// What goes wrong, and how the upgrade ends.
struct Scenario {
    /// Control planes and workers.
    shape: (u8, u8),
    /// Standing from the beginning.
    faults: &'static [&'static str],
    /// Besides `upgrade --to 1.37.2 -i INV --yes`.
    arguments: &'static str,
    /// Exit code.
    exit: u8,
    /// What is said.
    says: &'static str,
    /// Nodes that are held afterwards.
    held: &'static [&'static str],
}

const FAULT: Scenario =
    Scenario { shape: (1, 2), faults: &[], arguments: "", exit: 11, says: "", held: &[] };

/// Runs the upgrade under the faults, repairs, runs it again.
fn breaks(scenario: &Scenario) {
    let Scenario { shape, faults, arguments, exit, says, held } = scenario;
    let trial = Trial::start(shape.0, shape.1);
    for fault in *faults {
        trial.fault(fault);
    }
    let ran = trial
        .mainstay(&format!("upgrade --to 1.37.2 -i INV --yes {arguments}"))
        .exits(i32::from(*exit));
    let said = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
    assert!(said.contains(&says.to_lowercase()), "no {says:?} in:\n{ran}");
    assert_eq!(trial.cordoned(), *held, "{ran}");
    trial.closed(&[]);
    for node in *held {
        assert!(ran.stdout.contains(&format!("{node} is still cordoned")), "{ran}");
    }
    trial.repair();
    let again = trial.upgrade();
    assert_eq!(again.code, 0, "first:\n{ran}\nthen:\n{again}");
    assert_eq!(trial.versions(), ["v1.37.2"], "{again}");
    assert_eq!(trial.cordoned(), Vec::<String>::new(), "{again}");
    assert!(!trial.mainstay("runs --held").stdout.contains("upgrade"), "nothing is held any more");
}

macro_rules! scenarios {
    ($($name:ident: $scenario:expr;)*) => {
        $(#[test]
        fn $name() {
            breaks(&$scenario);
        })*
    };
}

scenarios! {
    kubeadm_fails_its_preflight_on_the_first_master:
        Scenario { faults: &["cp1:kubeadm-fail=preflight"], says: "kubeadm upgrade", ..FAULT };
    kubeadm_fails_to_upgrade_etcd:
        Scenario { faults: &["cp1:kubeadm-fail=etcd"], says: "kubeadm upgrade", ..FAULT };
    kubeadm_fails_to_upgrade_the_control_plane:
        Scenario { faults: &["cp1:kubeadm-fail=control-plane"], says: "kubeadm upgrade", ..FAULT };
    kubeadm_fails_to_upload_the_configuration:
        Scenario { faults: &["cp1:kubeadm-fail=upload-config"], says: "kubeadm upgrade", ..FAULT };
    kubeadm_fails_to_write_the_kubelets_configuration:
        Scenario { faults: &["cp1:kubeadm-fail=kubelet-config"], says: "kubeadm upgrade", ..FAULT };
    kubeadm_fails_to_upgrade_the_addons:
        Scenario { faults: &["cp1:kubeadm-fail=addons"], says: "kubeadm upgrade", ..FAULT };
    kubeadm_fails_on_the_second_of_three_masters:
        Scenario { shape: (3, 2), faults: &["cp2:kubeadm-fail=control-plane"], says: "kubeadm upgrade", ..FAULT };
    kubeadm_fails_on_a_worker:
        Scenario { faults: &["w1:kubeadm-fail=kubelet-config"], says: "kubeadm upgrade", ..FAULT };
    a_full_disk_on_the_first_master:
        Scenario { faults: &["cp1:disk-full"], says: "No space left on device", ..FAULT };
    a_full_disk_on_a_worker:
        Scenario { faults: &["w2:disk-full"], says: "No space left on device", ..FAULT };
    a_member_of_etcd_is_unhealthy:
        Scenario { shape: (3, 2), faults: &["cp2:etcd-unhealthy"], exit: 10, says: "etcd", ..FAULT };
    an_api_server_is_down_before:
        Scenario { shape: (3, 2), faults: &["cp3:api-down"], exit: 10, says: "cp3", ..FAULT };
    a_budget_refuses_for_ever:
        Scenario {
            faults: &["budget-refuses=default/web"],
            arguments: "-e drain_timeout=2s",
            says: "default/web",
            held: &["w1"],
            ..FAULT
        };
    a_webhook_denies_evictions:
        Scenario {
            faults: &["webhook-denies=default"],
            arguments: "-e drain_timeout=2s",
            says: "denied",
            held: &["w1"],
            ..FAULT
        };
    evictions_conflict:
        Scenario { faults: &["eviction-conflicts=2"], exit: 0, ..FAULT };
    packets_are_slow:
        Scenario { faults: &["w1:delay=60"], exit: 0, ..FAULT };
    a_clock_is_an_hour_ahead:
        Scenario { faults: &["w1:clock=3600"], exit: 0, ..FAULT };
    a_clock_is_a_day_behind:
        Scenario { faults: &["cp1:clock=-86400"], exit: 0, ..FAULT };
}

/// A kubeadm that hangs is never killed and never started twice: somebody resets the machine, and the upgrade goes on.
fn hangs(node: &str, phase: &str) {
    let trial = Trial::start(1, 2);
    trial.fault(&format!("{node}:kubeadm-hang={phase}"));
    let ran = trial.mainstay("upgrade --to 1.37.2 -i INV --yes -e kubeadm_upgrade_timeout=3");
    assert_eq!(ran.code, 11, "{ran}");
    trial.closed(&[]);
    trial.repair();
    trial.wait(trial.lab().kill(node)).unwrap();
    trial.wait(trial.lab().switch_on(node)).unwrap();
    trial.settle();
    let again = trial.upgrade();
    assert_eq!(again.code, 0, "first:\n{ran}\nthen:\n{again}");
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}

#[test]
fn kubeadm_hangs_on_the_first_master() {
    hangs("cp1", "control-plane");
}

#[test]
fn kubeadm_hangs_on_a_worker() {
    hangs("w2", "kubelet-config");
}

/// The connection is cut at the n-th command of a node: whichever it is, the run ends well or goes on well.
fn cut_at(node: &str, nth: u32) {
    let trial = Trial::start(1, 2);
    trial.fault(&format!("{node}:cut-exec={nth}"));
    let ran = trial.upgrade();
    assert!([0, 10, 11].contains(&ran.code), "{ran}");
    trial.closed(&[]);
    let again = trial.upgrade();
    assert_eq!(again.code, 0, "first:\n{ran}\nthen:\n{again}");
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}

macro_rules! cuts {
    ($($name:ident: $node:literal, $nth:literal;)*) => {
        $(#[test]
        fn $name() {
            cut_at($node, $nth);
        })*
    };
}

cuts! {
    cut_at_the_first_command_of_the_master: "cp1", 1;
    cut_at_command_6_of_the_master: "cp1", 6;
    cut_at_command_10_of_the_master: "cp1", 10;
    cut_at_command_14_of_the_master: "cp1", 14;
    cut_at_command_18_of_the_master: "cp1", 18;
    cut_at_command_22_of_the_master: "cp1", 22;
    cut_at_command_26_of_the_master: "cp1", 26;
    cut_at_command_2_of_the_worker: "w1", 2;
    cut_at_command_5_of_the_worker: "w1", 5;
    cut_at_command_8_of_the_worker: "w1", 8;
    cut_at_command_11_of_the_worker: "w1", 11;
    cut_at_command_14_of_the_worker: "w1", 14;
    cut_at_command_17_of_the_worker: "w1", 17;
}

#[test]
fn connections_are_cut_at_many_bytes() {
    let trial = Trial::start(1, 2);
    let mut bytes = 700;
    let mut ran = trial.upgrade();
    for _ in 0..6 {
        trial.fault(&format!("w1:cut-bytes={bytes}"));
        trial.fault(&format!("cp1:cut-bytes={bytes}"));
        ran = trial.upgrade();
        assert!([0, 10, 11].contains(&ran.code), "cut at {bytes}: {ran}");
        trial.closed(&[]);
        bytes = bytes * 2 + 77;
    }
    trial.repair();
    assert_eq!(trial.upgrade().code, 0, "{ran}");
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.37.2".to_owned()], vec![]));
}

#[test]
fn a_changed_host_key_is_not_trusted() {
    let trial = Trial::start(1, 2);
    trial.wait(trial.lab().change_host_key("w2")).unwrap();
    let ran = trial.upgrade();
    assert!([10, 11].contains(&ran.code), "{ran}");
    assert!(format!("{ran}").contains("HAS CHANGED"), "{ran}");
    assert_eq!(
        trial.versions(),
        ["v1.36.3"],
        "nothing is upgraded around a host that may be another's: {ran}"
    );
    trial.closed(&[]);
}

#[test]
fn a_node_that_is_off_stops_the_upgrade_before_anything_is_down() {
    let trial = Trial::start(1, 2);
    trial.wait(trial.lab().kill("w1")).unwrap();
    Trial::eventually("w1 is not ready", || {
        mainstay_lab::store::json::condition(&trial.object("nodes", "", "w1"), "Ready") != "True"
    });
    let ran = trial.upgrade().exits(11);
    assert!(ran.stdout.contains("unreachable w1"), "{ran}");
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.36.3".to_owned()], vec![]));
    trial.wait(trial.lab().switch_on("w1")).unwrap();
    trial.settle();
    trial.upgrade().exits(0);
}

#[test]
fn versions_that_skew_forbids_are_refused() {
    let trial = Trial::start(1, 2);
    for (to, says) in [
        ("1.38.0", "one minor at a time"),
        ("1.35.4", "older than"),
        ("1.36.0", "older than"),
        ("latest", "latest"),
    ] {
        let ran = trial.mainstay(&format!("upgrade --to {to} -i INV --yes"));
        assert!([5, 10].contains(&ran.code), "{to}: {ran}");
        assert!(format!("{ran}").contains(says), "{to}: {ran}");
    }
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.36.3".to_owned()], vec![]));
}

#[test]
fn a_foreign_lease_is_respected() {
    let trial = Trial::start(1, 2);
    let lease = serde_json::json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "mainstay", "namespace": "kube-system"},
        "spec": {
            "holderIdentity": "another someone@elsewhere",
            "leaseDurationSeconds": 30,
            "renewTime": "2026-01-01T00:00:00.000000Z",
        },
    });
    trial.lab().store().create("leases", "kube-system", lease).unwrap();
    let ran = trial.upgrade().exits(12);
    assert!(ran.stderr.contains("another someone@elsewhere"), "{ran}");
    trial.mainstay("drain w1 -i INV --yes").exits(12);
    assert_eq!((trial.versions(), trial.cordoned()), (vec!["v1.36.3".to_owned()], vec![]));
}

#[test]
fn a_pod_that_nothing_starts_again_is_not_evicted() {
    let trial = Trial::start(1, 2);
    let pod = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pet", "namespace": "default"},
        "spec": {"nodeName": "w1", "containers": [{"name": "c", "image": "pause"}]},
    });
    trial.lab().store().create("pods", "default", pod).unwrap();
    let ran = trial.upgrade().exits(11);
    assert!(format!("{ran}").contains("default/pet"), "{ran}");
    assert!(trial.pods("w1").contains(&"default/pet".to_owned()));
    assert_eq!(
        trial.cordoned(),
        Vec::<String>::new(),
        "nothing was evicted, so it is given back: {ran}"
    );
    trial.mainstay("upgrade --to 1.37.2 -i INV --yes -e drain_force=true").exits(0);
    assert_eq!(trial.versions(), ["v1.37.2"]);
}

#[test]
fn the_lock_of_dpkg_is_waited_for() {
    let trial = Trial::start(1, 2);
    trial.fault("w1:dpkg-lock");
    let mut child = trial.until("upgrade --to 1.37.2 -i INV --yes", "play packages and images");
    std::thread::sleep(std::time::Duration::from_secs(2));
    trial.repair();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", trial.output());
}
