//! Expected lines were recorded from etcdctl and etcdutl 3.6.8 on a cluster.

use crate::tools::bench::Bench;
use serde_json::Value;

const E: &str = "etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt \
                 --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key";

#[tokio::test]
async fn members_that_are_well() {
    let bench = Bench::of(3, 0, "1.36.3").await;
    let call = |rest: &str| format!("{E} {rest}");
    let healthy = |url: &str| {
        format!("{url} is healthy: successfully committed proposal: took = 9.010196ms\n")
    };
    let all: String = (1..=3).map(|n| healthy(&format!("https://127.90.0.{n}:2379"))).collect();
    bench
        .check(
            "cp1",
            &[
                (&call("endpoint health"), &healthy("https://127.0.0.1:2379"), "", 0),
                (&call("endpoint health --cluster"), &all, "", 0),
                (&call("endpoint health -w json"), "[{\"endpoint\":\"https://127.0.0.1:2379\",\"health\":true,\"took\":\"9.010196ms\"}]\n", "", 0),
                (
                    &call("endpoint health -w table"),
                    "+------------------------+--------+------------+-------+\n|        ENDPOINT        | HEALTH |    TOOK    | ERROR |\n\
                     +------------------------+--------+------------+-------+\n| https://127.0.0.1:2379 |   true | 9.010196ms |       |\n\
                     +------------------------+--------+------------+-------+\n",
                    "",
                    0,
                ),
                (&call("alarm list"), "", "", 0),
                (&call("version"), "etcdctl version: 3.6.8\nAPI version: 3.6\n", "", 0),
            ],
        )
        .await;
    let mut leaders = 0;
    for node in ["cp1", "cp2", "cp3"] {
        let left = bench.run(node, &call("endpoint status -w json")).await;
        let status: Value = serde_json::from_str(&left.out).unwrap();
        let status = &status[0]["Status"];
        assert_eq!(
            (&status["version"], &status["header"]["revision"]),
            (&Value::from("3.6.8"), &Value::from(1177)),
            "{left:?}"
        );
        leaders += usize::from(status["leader"] == status["header"]["member_id"]);
    }
    assert_eq!(leaders, 1);
    let left = bench.run("cp1", &call("member list")).await;
    assert_eq!(left.out.lines().count(), 3);
    assert!(
        left.out
            .lines()
            .all(|line| line.contains(", started, cp") && line.ends_with(":2379, false")),
        "{left:?}"
    );
}

#[tokio::test]
async fn members_that_are_not() {
    let bench = Bench::of(3, 0, "1.36.3").await;
    bench.fault("cp2:etcd-unhealthy");
    let left = bench.run("cp1", &format!("{E} endpoint health --cluster")).await;
    let text = "https://127.90.0.2:2379 is unhealthy: failed to commit proposal: context deadline exceeded\nError: unhealthy cluster\n";
    assert_eq!((left.err.as_str(), left.code, left.out.lines().count()), (text, 1, 2));
    bench.fault("cp3:etcd-unhealthy");
    let left = bench.run("cp1", &format!("{E} endpoint health")).await;
    assert_eq!((left.out.as_str(), left.code), ("", 1));
    bench.until(|bench| bench.machine("cp1").apiserver.borrow().is_none()).await;
    assert!(
        bench.run("cp1", "etcdctl endpoint health").await.err.contains("context deadline exceeded")
    );
}

#[tokio::test]
async fn snapshots() {
    let bench = Bench::of(1, 0, "1.36.3").await;
    let left = bench.run("cp1", &format!("{E} snapshot save /var/lib/etcd/x.db")).await;
    assert_eq!(
        (left.out.as_str(), left.code),
        ("Snapshot saved at /var/lib/etcd/x.db\nServer version 3.6.0\n", 0),
        "{left:?}"
    );
    let left = bench.run("cp1", "etcdutl snapshot status /var/lib/etcd/x.db -w json").await;
    let status: Value = serde_json::from_str(&left.out).unwrap();
    let keys = bench.outside.objects.lock().unwrap().len();
    assert_eq!(
        (&status["revision"], &status["totalKey"], &status["version"]),
        (&Value::from(1177), &Value::from(keys), &Value::from("3.6.0"))
    );
    let files = &bench.machine("cp1").files;
    let bytes = files.read("/var/lib/etcd/x.db").unwrap();
    assert_eq!(status["totalSize"], bytes.len());
    files.write("/var/lib/etcd/y.db", &bytes[..5000], 0o600).unwrap();
    bench
        .check(
            "cp1",
            &[
                (
                    "etcdutl snapshot status /var/lib/etcd/y.db",
                    "",
                    "Error: file size too small 5000\n",
                    1,
                ),
                (
                    "etcdutl snapshot status /var/lib/etcd/nosuch.db",
                    "",
                    "Error: stat /var/lib/etcd/nosuch.db: no such file or directory\n",
                    1,
                ),
                ("etcdutl version", "etcdutl version: 3.6.8\nAPI version: 3.6\n", "", 0),
            ],
        )
        .await;
    bench.fault("cp1:disk-full");
    assert_eq!(bench.run("cp1", &format!("{E} snapshot save /root/x.db")).await.code, 1);
}

#[tokio::test]
async fn a_restored_snapshot_is_what_the_member_starts_with() {
    let bench = Bench::of(1, 0, "1.36.3").await;
    let files = &bench.machine("cp1").files;
    files.make_directory("/root", 0o700).unwrap();
    assert_eq!(bench.run("cp1", &format!("{E} snapshot save /root/x.db")).await.code, 0);
    let before = bench.outside.objects.lock().unwrap().clone();
    bench
        .outside
        .objects
        .lock()
        .unwrap()
        .insert("/api/v1/namespaces/default/pods/later".to_owned(), Value::Null);
    // As the documentation of a restore says: the manifest goes away, the data directory is replaced, it comes back.
    files.rename("/etc/kubernetes/manifests/etcd.yaml", "/root/etcd.yaml").unwrap();
    bench.until(|bench| !bench.machine("cp1").state().containers.contains_key("etcd")).await;
    files.rename("/var/lib/etcd", "/var/lib/etcd.old").unwrap();
    assert_eq!(
        bench.run("cp1", "etcdutl snapshot restore /root/x.db --data-dir /var/lib/etcd").await.code,
        0
    );
    assert_eq!(
        bench.run("cp1", "etcdutl snapshot restore /root/x.db --data-dir /var/lib/etcd").await.code,
        1,
        "not empty"
    );
    files.rename("/root/etcd.yaml", "/etc/kubernetes/manifests/etcd.yaml").unwrap();
    bench.until(|bench| bench.machine("cp1").state().serves("etcd")).await;
    assert_eq!(*bench.outside.objects.lock().unwrap(), before);
}
