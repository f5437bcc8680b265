use crate::modules::testing::Bench;
use serde_json::{Value, json};

/// One after the other in one directory; fields as stock Ansible gives them.
#[tokio::test]
async fn states_here() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().to_str().unwrap().to_owned();
    std::fs::write(format!("{d}/f"), "hello2\n").unwrap();
    let bench = Bench::here();
    let at = |name: &str| format!("{d}/{name}");
    let cases: Vec<(Value, Value)> = vec![
        (
            json!({"path": at("a/b"), "state": "directory", "mode": "0750"}),
            json!({"changed": true, "mode": "0750", "state": "directory", "path": at("a/b")}),
        ),
        (
            json!({"path": at("a/b"), "state": "directory", "mode": "0750"}),
            json!({"changed": false, "mode": "0750"}),
        ),
        (json!({"path": at("a")}), json!({"changed": false, "mode": "0750", "state": "directory"})),
        (
            json!({"path": at("nofile"), "state": "file"}),
            json!({"failed": true, "msg": format!("file ({}) is absent, cannot continue", at("nofile")), "state": "absent"}),
        ),
        (
            json!({"path": at("a"), "state": "file"}),
            json!({"failed": true, "msg": format!("file ({}) is directory, cannot continue", at("a"))}),
        ),
        (
            json!({"path": at("f"), "state": "directory"}),
            json!({"failed": true, "msg": format!("{} already exists as a file", at("f"))}),
        ),
        (
            json!({"path": at("t"), "state": "touch"}),
            json!({"changed": true, "dest": at("t"), "state": "file", "size": 0}),
        ),
        (
            json!({"path": at("t"), "state": "touch", "access_time": "preserve", "modification_time": "preserve"}),
            json!({"changed": false, "dest": at("t")}),
        ),
        (
            json!({"path": at("t"), "mode": "u+x,g=r"}),
            json!({"changed": true, "mode": "0744", "path": at("t")}),
        ),
        (json!({"path": at("t"), "mode": "u+x,g=r"}), json!({"changed": false, "mode": "0744"})),
        (
            json!({"path": at("l"), "src": "f", "state": "link"}),
            json!({"changed": true, "dest": at("l"), "src": "f", "state": "link", "mode": "0777"}),
        ),
        (
            json!({"path": at("l"), "src": "f", "state": "link"}),
            json!({"changed": false, "src": "f"}),
        ),
        (
            json!({"path": at("l"), "src": "nope", "state": "link"}),
            json!({"failed": true, "state": "link"}),
        ),
        (
            json!({"path": at("l"), "src": "nope", "state": "link", "force": true}),
            json!({"changed": true, "src": "nope"}),
        ),
        (
            json!({"path": at("l"), "state": "absent"}),
            json!({"changed": true, "state": "absent", "path": at("l")}),
        ),
        (
            json!({"path": at("h"), "src": at("f"), "state": "hard"}),
            json!({"changed": true, "state": "hard", "dest": at("h"), "src": at("f")}),
        ),
        (
            json!({"path": at("h"), "src": at("f"), "state": "hard"}),
            json!({"changed": false, "state": "hard"}),
        ),
        (json!({"path": at("h"), "state": "absent"}), json!({"changed": true})),
        (json!({"path": at("h"), "state": "absent"}), json!({"changed": false, "state": "absent"})),
        (
            json!({"path": at("a"), "mode": "g-rx", "recurse": true, "state": "directory"}),
            json!({"changed": true, "mode": "0700"}),
        ),
        (
            json!({"path": at("a"), "mode": "g-rx", "recurse": true, "state": "directory"}),
            json!({"changed": false}),
        ),
        (
            json!({"path": at("f"), "owner": "nosuchuser"}),
            json!({"failed": true, "msg": "chown failed: failed to look up user nosuchuser"}),
        ),
        (
            json!({"path": at("f"), "setype": "x"}),
            json!({"failed": true, "msg": "setype is not supported"}),
        ),
        (json!({"path": at("f"), "mode": "rubbish"}), json!({"failed": true})),
        (json!({"path": "/", "state": "absent"}), json!({"failed": true})),
    ];
    for (args, expected) in cases {
        let got = bench.json("file", args.clone()).await;
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&got[key], value, "{args} → {got}");
        }
    }
    assert!(!dir.path().join("h").exists() && dir.path().join("f").exists());
}

#[tokio::test]
async fn check_mode_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().to_str().unwrap();
    std::fs::write(format!("{d}/f"), "x").unwrap();
    let mut bench = Bench::here();
    bench.check = true;
    for args in [
        json!({"path": format!("{d}/n"), "state": "directory"}),
        json!({"path": format!("{d}/n"), "state": "touch"}),
        json!({"path": format!("{d}/n"), "src": format!("{d}/f"), "state": "link"}),
        json!({"path": format!("{d}/f"), "state": "absent"}),
        json!({"path": format!("{d}/f"), "mode": "0600"}),
    ] {
        assert_eq!(bench.json("file", args.clone()).await["changed"], true, "{args}");
    }
    let names: Vec<_> = std::fs::read_dir(d).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["f"]);
}

/// Changed or not, and the diff, as ansible-core 2.19 answered the same tasks.
#[tokio::test]
async fn times_here() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().to_str().unwrap().to_owned();
    let mut bench = Bench::here();
    bench.host.environment = vec![("TZ".into(), "UTC".into())];
    bench.diff = true;
    let at = |name: &str| format!("{d}/{name}");
    let (first, second) = ("202001010000.00", "202001020000.00");
    let (access, modified) = (1_577_923_200, 1_577_836_800);
    let touch = json!({"path": at("f"), "state": "touch", "modification_time": first, "access_time": second});
    let dashes = json!({"path": at("f"), "state": "file", "modification_time": "2021-02-03 04:05",
        "modification_time_format": "%Y-%m-%d %H:%M", "access_time": "preserve"});
    let year =
        json!({"path": at("f"), "modification_time": "2021", "modification_time_format": "%Y"});
    let directory = json!({"path": at("d"), "state": "directory", "modification_time": first});
    let link =
        json!({"path": at("l"), "src": at("f"), "state": "link", "modification_time": first});
    let hard = json!({"path": at("h"), "src": at("f"), "state": "hard", "modification_time": "202001010001.00"});
    for (args, changed, file, times) in [
        (&touch, true, "f", Some((access, modified))),
        (&touch, false, "f", Some((access, modified))),
        (&dashes, true, "f", Some((access, 1_612_325_100))),
        (&dashes, false, "f", Some((access, 1_612_325_100))),
        (&year, true, "f", Some((access, 1_609_459_200))),
        (&json!({"path": at("f")}), false, "f", Some((access, 1_609_459_200))),
        (&directory, true, "d", None),
        (&directory, false, "d", None),
        (&link, true, "f", Some((access, modified))),
        (&link, false, "f", Some((access, modified))),
        (&hard, true, "f", Some((access, modified + 60))),
        (&json!({"path": at("f"), "modification_time": "now"}), true, "f", None),
        (
            &json!({"path": at("f"), "state": "touch", "modification_time": "preserve"}),
            true,
            "f",
            None,
        ),
    ] {
        bench.check = true;
        let predicted = bench.json("file", args.clone()).await;
        bench.check = false;
        let got = bench.json("file", args.clone()).await;
        assert_eq!(
            (&got["changed"], &got["failed"]),
            (&json!(changed), &json!(false)),
            "{args} {got}"
        );
        assert_eq!(predicted["changed"], got["changed"], "{args} {predicted}");
        if let Some((access, modified)) = times {
            use std::os::unix::fs::MetadataExt;
            let meta = std::fs::metadata(at(file)).unwrap();
            assert_eq!((meta.atime(), meta.mtime()), (access, modified), "{args}");
        }
    }
    let wrong = bench.json("file", json!({"path": at("f"), "modification_time": "x"})).await;
    let message = wrong["msg"].as_str().unwrap();
    let said = "Error while obtaining timestamp for time x using format %Y%m%d%H%M.%S: ";
    assert!(message.starts_with(said), "{message}");
}
