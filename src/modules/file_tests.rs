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
