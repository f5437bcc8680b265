//! The planner against clusters that may and may not be upgraded.

use super::*;
use crate::cluster::testing::node_info;
use crate::cluster::{Hold, LeaseInfo, Mismatch, NodeInfo, ServerVersion};

fn node(name: &str, version: &str) -> NodeInfo {
    let mut node = node_info(name);
    node.kubelet_version = format!("v{version}");
    if name.starts_with('m') {
        node.roles.insert("control-plane".into());
    }
    node
}

fn member(name: &str) -> EtcdMember {
    EtcdMember {
        name: name.into(),
        version: "3.6.8".into(),
        leader: false,
        learner: false,
        unhealthy: None,
    }
}

/// Three masters and two workers at one version, healthy.
fn input(version: &str, path: &[&str]) -> Input {
    let names = ["m1", "m2", "m3", "w1", "w2"];
    let nodes: Vec<NodeInfo> = names.iter().map(|n| node(n, version)).collect();
    let masters = || names.iter().filter(|n| n.starts_with('m'));
    Input {
        path: path.iter().map(|&p| p.to_owned()).collect(),
        snapshot: Snapshot {
            identity: "c".into(),
            nodes,
            lease: None,
            servers: vec![],
            kubeadm_version: Some(format!("v{version}")),
        },
        mapping: Ok(names.iter().map(|n| (format!("host-{n}"), (*n).to_owned())).collect()),
        hosts: names.iter().map(|n| format!("host-{n}")).collect(),
        apiservers: masters().map(|n| ((*n).to_owned(), Ok(format!("v{version}")))).collect(),
        etcd: masters().map(|n| member(n)).collect(),
        unhealthy: vec![],
        policy: Policy::default(),
    }
}

fn find<'a>(input: &'a mut Input, name: &str) -> &'a mut NodeInfo {
    input.snapshot.nodes.iter_mut().find(|n| n.name == name).unwrap()
}

fn order(plan: &Plan) -> Vec<(&str, Role, bool)> {
    plan.steps.iter().map(|s| (s.node.as_str(), s.role, s.done)).collect()
}

#[test]
fn masters_come_first_and_the_leader_of_etcd_last_among_them() {
    let mut input = input("1.36.3", &["1.37.2"]);
    input.etcd[0].leader = true;
    let plan = plan(&input).unwrap();
    assert_eq!(
        order(&plan),
        [
            ("m2", Role::First, false),
            ("m3", Role::ControlPlane, false),
            ("m1", Role::ControlPlane, false),
            ("w1", Role::Worker, false),
            ("w2", Role::Worker, false),
        ]
    );
    assert!(plan.steps.iter().all(|s| s.drain) && plan.warnings.is_empty());
}

#[test]
fn an_interrupted_upgrade_goes_on_where_it_began() {
    let mut input = input("1.36.3", &["1.37.2"]);
    // `apply` ran on m2 up to the point where kubeadm-config is written.
    input.apiservers.insert("m2".into(), Ok("v1.37.2".into()));
    let begun = plan(&input).unwrap();
    assert_eq!(order(&begun)[0], ("m2", Role::First, false));

    input.snapshot.kubeadm_version = Some("v1.37.2".into());
    find(&mut input, "m2").kubelet_version = "v1.37.2".into();
    find(&mut input, "w1").kubelet_version = "v1.37.2".into();
    let later = plan(&input).unwrap();
    assert_eq!(
        order(&later),
        [
            ("m2", Role::First, true),
            ("m1", Role::ControlPlane, false),
            ("m3", Role::ControlPlane, false),
            ("w1", Role::Worker, true),
            ("w2", Role::Worker, false),
        ]
    );
    assert_eq!(later.todo().count(), 3);
}

#[test]
fn a_cluster_at_the_target_is_done() {
    let plan = plan(&input("1.37.2", &["v1.37.2"])).unwrap();
    assert!(plan.is_done() && plan.steps.len() == 5);
}

#[test]
fn minors_are_chained_hop_by_hop() {
    let plan = plan(&input("1.35.1", &["1.36.3", "1.37.2"])).unwrap();
    assert_eq!(plan.steps.len(), 10);
    let second = &plan.steps[5];
    assert_eq!((second.role, second.kubelet.to_string().as_str()), (Role::First, "1.36.3"));
    assert_eq!(second.apiserver.as_ref().unwrap().to_string(), "1.36.3");
}

#[test]
fn draining_follows_the_change_and_the_room_there_is() {
    let mut patch = input("1.37.1", &["1.37.2"]);
    assert!(plan(&patch).unwrap().steps.iter().all(|s| s.drain));
    patch.policy.no_drain_for_patch = true;
    assert!(plan(&patch).unwrap().steps.iter().all(|s| !s.drain));

    let mut single = input("1.36.3", &["1.37.2"]);
    single.snapshot.nodes.retain(|n| n.name == "m1");
    single.mapping = Ok([("host-m1".to_owned(), "m1".to_owned())].into());
    single.apiservers.retain(|n, _| n == "m1");
    single.etcd.truncate(1);
    let plan = plan(&single).unwrap();
    assert!(!plan.steps[0].drain, "nowhere to go");
    assert_eq!(plan.warnings[0].code, "MS0617");
}

type Change = fn(&mut Input);

/// (what is wrong, expected code, a part of the text)
const FORBIDDEN: &[(Change, &str, &str)] = &[
    (|i| i.path = vec![], "MS0601", "no target version"),
    (|i| i.path = vec!["latest".into()], "MS0601", "expected a version like 1.37.2"),
    (|i| i.path = vec!["2.0.0".into()], "MS0601", "1.x"),
    (|i| i.path = vec!["1.37.2+k3s1".into()], "MS0601", "not a release"),
    (|i| i.path = vec!["1.37.0-rc.1".into()], "MS0602", "pre-release"),
    (|i| i.path = vec!["1.38.0".into()], "MS0603", "one minor at a time"),
    (|i| i.path = vec!["1.37.2".into(), "1.39.0".into()], "MS0603", "does not follow"),
    (|i| i.path = vec!["1.37.2".into(), "1.37.1".into()], "MS0603", "does not follow"),
    (|i| i.path = vec!["1.35.9".into()], "MS0621", "there is no way back"),
    (|i| i.path = vec!["1.36.2".into()], "MS0621", "there is no way back"),
    (
        |i| {
            i.mapping = Err(MappingError(vec![Mismatch::Missing {
                host: "lost".into(),
                free: vec!["w2".into()],
            }]));
        },
        "MS0604",
        "host lost is no node",
    ),
    (|i| i.mapping.as_mut().unwrap().retain(|_, n| n != "w2"), "MS0605", "node w2 has no host"),
    (
        |i| find(i, "w1").kubelet_version = "v1.36.3+k3s1".into(),
        "MS0606",
        "kubeadm does not manage",
    ),
    (|i| find(i, "w1").kubelet_version = "v1.36.3-eks-1a2b".into(), "MS0606", "node w1"),
    (|i| find(i, "w1").kubelet_version = String::new(), "MS0606", "node w1"),
    (|i| drop(i.apiservers.insert("m3".into(), Err("refused".into()))), "MS0607", "refused"),
    (|i| drop(i.apiservers.remove("m3")), "MS0607", "at its own address"),
    (
        |i| {
            i.snapshot.servers.push(ServerVersion {
                name: "m1".into(),
                version: Ok("v1.36.3".into()),
                not_ready: vec!["etcd".into()],
            });
        },
        "MS0607",
        "not ready: etcd",
    ),
    (
        |i| i.snapshot.nodes.iter_mut().for_each(|n| n.roles.clear()),
        "MS0608",
        "no control-plane node",
    ),
    (|i| i.snapshot.kubeadm_version = None, "MS0609", "kubeadm did not make it"),
    (|i| find(i, "w1").deleting = true, "MS0610", "being deleted"),
    (|i| find(i, "m2").ready = false, "MS0611", "control-plane node m2"),
    (
        |i| {
            let node = find(i, "w2");
            node.unschedulable = true;
            node.hold =
                Some(Hold { run: "r7".into(), cordoned_before: false, reason: Some("x".into()) });
        },
        "MS0613",
        "held by run r7 (x)",
    ),
    (|i| i.etcd[1].unhealthy = Some("NOSPACE".into()), "MS0615", "NOSPACE"),
    (|i| i.etcd[1].learner = true, "MS0615", "learner"),
    (|i| i.etcd[1].version = String::new(), "MS0615", "its version"),
    (|i| i.etcd[2].version = "3.5.21".into(), "MS0616", "3.5.26"),
    (
        |i| {
            i.snapshot.lease = Some(LeaseInfo {
                run: "r9".into(),
                holder: "r9 op@host".into(),
                since: "yesterday".into(),
                renewed: "now".into(),
            });
        },
        "MS0618",
        "r9 op@host",
    ),
    (|i| drop(i.apiservers.insert("m3".into(), Ok("v1.34.0".into()))), "MS0619", "one minor apart"),
    (|i| i.unhealthy.push(("w1".into(), "disk is full".into())), "MS0620", "disk is full"),
    (|i| find(i, "w1").kubelet_version = "v1.38.0".into(), "MS0621", "newer than 1.37.2"),
    (|i| find(i, "w1").kubelet_version = "v1.33.9".into(), "MS0622", "more than 3 minors"),
    (|i| i.policy.leave.extend(["m2".to_owned()]), "MS0624", "cannot be left"),
    (
        |i| {
            i.policy.leave.insert("w1".into());
            find(i, "w1").kubelet_version = "v1.33.0".into();
        },
        "MS0622",
        "node w1",
    ),
];

#[test]
fn what_forbids_an_upgrade_is_found_and_nothing_else() {
    for (index, (change, code, text)) in FORBIDDEN.iter().enumerate() {
        let mut input = input("1.36.3", &["1.37.2"]);
        change(&mut input);
        let findings = plan(&input).expect_err(&format!("case {index} {code}"));
        let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
        assert!(
            errors.iter().any(|f| f.code == *code && f.text.contains(text)),
            "case {index}: {code} {text:?} not in {findings:?}"
        );
        assert!(errors.iter().all(|f| f.code == *code), "case {index}: {findings:?}");
    }
}

#[test]
fn all_findings_come_at_once() {
    let mut input = input("1.36.3", &["1.39.0"]);
    for (change, ..) in FORBIDDEN.iter().filter(|f| {
        ["MS0610", "MS0611", "MS0613", "MS0615", "MS0616", "MS0618", "MS0619"].contains(&f.1)
    }) {
        change(&mut input);
    }
    let findings = plan(&input).unwrap_err();
    let codes: BTreeSet<_> = findings.iter().map(|f| f.code).collect();
    for code in ["MS0603", "MS0610", "MS0611", "MS0613", "MS0615", "MS0616", "MS0618", "MS0619"] {
        assert!(codes.contains(code), "{code} missing in {codes:?}");
    }
}

#[test]
fn what_is_only_to_be_known_does_not_forbid() {
    let cases: &[(Change, &str)] = &[
        (|i| find(i, "w1").ready = false, "MS0612"),
        (|i| find(i, "w1").unschedulable = true, "MS0614"),
        (|i| find(i, "w1").kubelet_version = "v1.37.2".into(), "MS0623"),
        (|i| drop(i.etcd.pop()), "MS0617"),
    ];
    for (change, code) in cases {
        let mut input = input("1.36.3", &["1.37.2"]);
        change(&mut input);
        let plan = plan(&input).unwrap();
        let codes: Vec<_> = plan.warnings.iter().map(|f| f.code).collect();
        assert_eq!(codes, [*code]);
    }
}

#[test]
fn the_users_decisions_are_followed() {
    let mut rc = input("1.36.3", &["1.37.0-rc.1"]);
    rc.policy.prerelease = true;
    assert!(plan(&rc).is_ok());

    let mut left = input("1.36.3", &["1.37.2"]);
    left.policy.leave.insert("w2".into());
    left.mapping.as_mut().unwrap().retain(|_, n| n != "w2");
    assert!(plan(&left).unwrap().steps.iter().all(|s| s.node != "w2"));

    let mut own = input("1.36.3", &["1.37.2"]);
    FORBIDDEN.iter().find(|f| f.1 == "MS0618").unwrap().0(&mut own);
    own.policy.ours.insert("r9".into());
    assert!(plan(&own).is_ok());
}

#[test]
fn a_plan_is_a_table() {
    let mut input = input("1.36.3", &["1.37.2"]);
    find(&mut input, "w1").kubelet_version = "v1.37.2".into();
    input.apiservers.values_mut().for_each(|v| *v = Ok("v1.37.2".into()));
    input.snapshot.kubeadm_version = Some("v1.37.2".into());
    find(&mut input, "w2").unschedulable = true;
    let expected = "\
host     node  role           API server  kubelet  to      what
host-m1  m1    control plane  1.37.2      1.36.3   1.37.2  kubeadm upgrade apply, drain, kubelet
host-m2  m2    control plane  1.37.2      1.36.3   1.37.2  kubeadm upgrade node, drain, kubelet
host-m3  m3    control plane  1.37.2      1.36.3   1.37.2  kubeadm upgrade node, drain, kubelet
host-w1  w1    worker         -           1.37.2   1.37.2  done
host-w2  w2    worker         -           1.36.3   1.37.2  kubeadm upgrade node, drain, kubelet
warning[MS0614]: node w2 is cordoned already (it is upgraded and stays cordoned)
";
    assert_eq!(plan(&input).unwrap().render(), expected);
}

#[test]
fn servers_are_known_by_the_node_of_their_host() {
    let mut input = input("1.36.3", &["1.37.2"]);
    for (name, version) in
        [("host-m1", Ok("v1.36.3".to_owned())), ("https://vip", Err(String::new()))]
    {
        let name = name.to_owned();
        input.snapshot.servers.push(ServerVersion { name, version, not_ready: vec![] });
    }
    let found = apiservers(&input.snapshot, &input.mapping.unwrap());
    assert_eq!(found, [("m1".to_owned(), Ok("v1.36.3".to_owned()))].into());
}
