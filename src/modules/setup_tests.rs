use super::*;
use crate::modules::testing::Bench;
use serde_json::json;

#[test]
fn subsets() {
    let all =
        Subset { min: true, hardware: true, network: true, virtualization: true, local: true };
    let min = Subset { min: true, local: true, ..Subset::default() };
    for (names, expected) in [
        (vec!["all"], all),
        (vec!["min"], min),
        (vec!["!all"], min),
        (vec!["!all", "!min", "network"], Subset { min: false, network: true, ..min }),
        (vec!["network"], Subset { network: true, ..min }),
        (vec!["!hardware"], Subset { hardware: false, ..all }),
        (vec!["all", "!network"], Subset { network: false, ..all }),
        (vec!["!all", "virtual"], Subset { virtualization: true, ..min }),
        (vec!["distribution", "default_ipv4"], Subset { network: true, ..min }),
        (vec!["!facter"], all),
    ] {
        let texts: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        assert_eq!(Subset::parse(&texts).ok(), Some(expected), "{names:?}");
    }
    assert!(Subset::parse(&["nope".to_owned()]).is_err());
}

#[test]
fn local_facts() {
    let answers: Answers = [
        ("local:a", r#"{"x": 1}"#),
        ("local:b", "[general]\nName = v\n; c\n[two]\nk: w"),
        ("local:c", "rubbish"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();
    let got = Value::Map(local(&answers)).to_json();
    assert_eq!(got["a"], json!({"x": 1}));
    assert_eq!(got["b"], json!({"general": {"name": "v"}, "two": {"k": "w"}}));
    assert!(got["c"].as_str().unwrap().starts_with("error loading"));
}

#[test]
fn network_of_this_text() {
    let answers: Answers = [
        (
            "ip-link",
            "1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT \\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n\
             2: eth0@if3: <BROADCAST,UP> mtu 1400 state UP \\    link/ether 02:fc:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n\
             3: br-x: <BROADCAST> mtu 1500 state DOWN \\    link/ether 02:fc:00:00:00:02 brd ff:ff:ff:ff:ff:ff",
        ),
        (
            "ip-addr",
            "1: lo    inet 127.0.0.1/8 scope host lo\\ \n1: lo    inet6 ::1/128 scope host\n\
             2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global eth0\\ \n2: eth0    inet6 fd00::2/64 scope global",
        ),
        ("route4", "8.8.8.8 via 192.0.2.1 dev eth0 src 192.0.2.2 uid 0 \n    cache"),
        ("bridges", "br-x"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();
    let mut facts = Map::new();
    facts_network::network(&answers, &mut facts);
    let got = Value::Map(facts).to_json();
    assert_eq!(
        got["default_ipv4"],
        json!({"interface": "eth0", "address": "192.0.2.2", "gateway": "192.0.2.1", "broadcast": "192.0.2.255",
               "netmask": "255.255.255.0", "network": "192.0.2.0", "prefix": "24",
               "macaddress": "02:fc:00:00:00:01", "mtu": 1400, "type": "ether", "alias": "eth0"})
    );
    assert_eq!(got["default_ipv6"], json!({}));
    assert_eq!(got["interfaces"], json!(["lo", "eth0", "br-x"]));
    assert_eq!((&got["br_x"]["active"], &got["br_x"]["type"]), (&json!(false), &json!("bridge")));
    assert_eq!(got["all_ipv4_addresses"], json!(["192.0.2.2"]));
    assert_eq!(got["all_ipv6_addresses"], json!(["fd00::2"]));
}

#[tokio::test]
async fn gathers_here() {
    let bench = Bench::here();
    let got = bench.json("setup", json!({})).await;
    let facts = &got["ansible_facts"];
    for name in [
        "hostname",
        "distribution",
        "os_family",
        "kernel",
        "memtotal_mb",
        "processor_vcpus",
        "env",
        "user_id",
    ] {
        assert!(!facts[format!("ansible_{name}")].is_null(), "{name}");
    }
    let some =
        bench.json("setup", json!({"filter": "distribution*", "gather_subset": ["!all"]})).await;
    let some = some["ansible_facts"].as_object().unwrap();
    assert!(some.keys().all(|k| k.starts_with("ansible_distribution")
        || k == "gather_subset"
        || k == "module_setup"));
}

/// A name server or a file server that does not answer holds nobody up for longer than `gather_timeout`.
#[tokio::test]
async fn what_hangs_is_given_up() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    for program in ["hostname", "stat"] {
        let path = dir.path().join(program);
        std::fs::write(&path, "#!/bin/sh\nexec sleep 300\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let mut bench = Bench::here();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    bench.host.environment = vec![("PATH".into(), path)];
    let begun = std::time::Instant::now();
    let got = bench.json("setup", json!({"gather_timeout": 1})).await;
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let facts = &got["ansible_facts"];
    assert!(!facts["ansible_hostname"].as_str().unwrap().is_empty(), "{got}");
    let mounts = facts["ansible_mounts"].as_array().unwrap();
    let note = "Could not get extra information due to timeout";
    assert!(mounts.iter().all(|mount| mount["note"] == note), "{mounts:?}");
}

#[test]
fn a_mount_that_does_not_answer_is_noted() {
    let text = "/dev/sda1|/|ext4|rw|0|1|4096 100 50 10 5\nnas:/x|/mnt|nfs4|rw|0|0|late";
    let answers: Answers = [("mounts".to_owned(), text.to_owned())].into();
    let mut facts = Map::new();
    facts_system::hardware(&answers, &mut facts);
    let mounts = facts.get("mounts").unwrap().to_json();
    assert_eq!((&mounts[0]["size_available"], &mounts[0]["note"]), (&json!(204_800), &json!(null)));
    assert_eq!(mounts[1]["note"], "Could not get extra information due to timeout");
}
