use super::*;
use crate::modules::testing::Bench;
use serde_json::json;

fn status(kind: FileType, mode: u32, checksum: &str) -> FileStatus {
    FileStatus {
        path: "/d/f".into(),
        kind,
        mode,
        uid: 0,
        gid: 0,
        owner: Some("root".into()),
        group: Some("root".into()),
        size: 1,
        times: [0.0; 3],
        device: 1,
        inode: 1,
        links: 1,
        block_size: 4096,
        blocks: 8,
        device_type: (0, 0),
        access: [true; 3],
        target: None,
        source: None,
        checksum: Some(checksum.to_owned()).filter(|c| !c.is_empty()),
    }
}

type Case = (&'static str, [Option<FileStatus>; 4], Option<&'static str>, bool, &'static str, Step);

/// (dest, what is there, options) → path and step.
#[test]
fn decides() {
    let sum = sha1(b"x");
    let file = || Some(status(FileType::File, 0o644, &sum));
    let other = || Some(status(FileType::File, 0o640, "other"));
    let dir = || Some(status(FileType::Directory, 0o755, ""));
    let link = || Some(status(FileType::Link, 0o777, ""));
    let new = |mode, parents| Step::Write { mode, parents };
    let none = || None;
    let cases: Vec<Case> = vec![
        ("/d/f", [none(), none(), none(), dir()], None, true, "/d/f", new(None, false)),
        (
            "/d/f",
            [none(), none(), none(), dir()],
            Some("0600"),
            true,
            "/d/f",
            new(Some(0o600), false),
        ),
        (
            "/d/f",
            [none(), none(), none(), dir()],
            Some("u+x"),
            true,
            "/d/f",
            new(Some(0o744), false),
        ),
        (
            "/d/f",
            [file(), file(), none(), dir()],
            None,
            true,
            "/d/f",
            Step::Rights(RightsChange::default()),
        ),
        (
            "/d/f",
            [file(), file(), none(), dir()],
            Some("0600"),
            true,
            "/d/f",
            Step::Rights(RightsChange { mode: Some(0o600), ..RightsChange::default() }),
        ),
        ("/d/f", [other(), other(), none(), dir()], None, true, "/d/f", new(None, false)),
        ("/d/f", [other(), other(), none(), dir()], Some("0640"), true, "/d/f", new(None, false)),
        ("/d/f", [other(), other(), none(), dir()], None, false, "/d/f", Step::Keep),
        ("/d/f", [other(), link(), none(), dir()], None, true, "/d/f", new(None, false)),
        ("/d", [dir(), dir(), none(), dir()], None, true, "/d/name", new(None, false)),
        (
            "/d",
            [dir(), dir(), file(), dir()],
            None,
            true,
            "/d/name",
            Step::Rights(RightsChange::default()),
        ),
        ("/d/", [none(), none(), none(), dir()], None, true, "/d/name", new(None, true)),
    ];
    for (dest, [d, f, i, p], mode, force, path, step) in cases {
        let mut put = Put::bytes(b"x".to_vec(), "/src/name".into(), dest);
        put.rights.mode = mode.map(str::to_owned);
        put.force = force;
        let probe = Probe { dest: d, file: f, inside: i, parent: p, umask: 0o022 };
        let plan = decide(&put, &probe).unwrap();
        assert_eq!(plan, Plan { path: path.into(), step }, "{dest} {mode:?}");
    }
}

#[tokio::test]
async fn copies_here() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().to_str().unwrap();
    let mut bench = Bench::here();
    let f = format!("{d}/f");
    for (args, expected) in [
        (
            json!({"dest": f, "content": "hello\n", "mode": "0640"}),
            json!({"changed": true, "checksum": "f572d396fae9206628714fb2ce00f72e94f2258f", "dest": f, "gid": 0,
                   "group": "root", "md5sum": "b1946ac92492d2347c6235b4d2611184", "mode": "0640", "owner": "root",
                   "size": 6, "src": f, "state": "file", "uid": 0, "failed": false}),
        ),
        (
            json!({"dest": f, "content": "hello\n", "mode": "0640"}),
            json!({"changed": false, "checksum": "f572d396fae9206628714fb2ce00f72e94f2258f", "dest": f, "gid": 0,
                   "group": "root", "mode": "0640", "owner": "root", "path": f, "size": 6, "state": "file", "uid": 0,
                   "failed": false}),
        ),
        (
            json!({"dest": f, "content": "x", "force": false}),
            json!({"changed": false, "dest": f, "src": f, "failed": false}),
        ),
        (
            json!({"dest": format!("{d}/no/f"), "content": "x"}),
            json!({"changed": false, "failed": true, "msg": format!("Destination directory {d}/no does not exist")}),
        ),
        (
            json!({"dest": f, "content": "x", "validate": "false %s"}),
            json!({"changed": false, "failed": true, "msg": "failed to validate", "exit_status": 1, "stdout": "",
                   "stdout_lines": [], "stderr": "", "stderr_lines": []}),
        ),
        (
            json!({"dest": f, "content": "x", "owner": "nosuchuser"}),
            json!({"changed": false, "failed": true, "msg": "chown failed: failed to look up user nosuchuser"}),
        ),
        (
            json!({"src": format!("{d}/nope"), "dest": f, "remote_src": true}),
            json!({"changed": false, "failed": true, "msg": format!("Source {d}/nope not found")}),
        ),
    ] {
        assert_eq!(bench.json("copy", args.clone()).await, expected, "{args}");
    }
    let got = bench.json("copy", json!({"dest": f, "content": {"a": 1}, "backup": true})).await;
    assert_eq!(std::fs::read(&f).unwrap(), b"{\"a\":1}");
    assert_eq!(std::fs::read(got["backup_file"].as_str().unwrap()).unwrap(), b"hello\n");
    assert_eq!(got["mode"], "0640");
    bench.check = true;
    bench.diff = true;
    let Ok(outcome) = bench.run("copy", json_args(&f)).await else { panic!() };
    assert!(outcome.changed);
    assert_eq!(outcome.diff[0].get("before").unwrap().as_str(), Some("{\"a\":1}"));
    assert_eq!(std::fs::read(&f).unwrap(), b"{\"a\":1}");
}

fn json_args(dest: &str) -> serde_json::Value {
    json!({"dest": dest, "content": "new"})
}

#[tokio::test]
async fn trees_and_slashes() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().to_str().unwrap();
    std::fs::create_dir_all(format!("{d}/src/sub")).unwrap();
    std::fs::write(format!("{d}/src/a"), "1").unwrap();
    std::fs::write(format!("{d}/src/sub/b c"), "2").unwrap();
    let bench = Bench::here();
    for remote in [false, true] {
        for (src, dest, file) in [
            ("src", "into", "into/src/sub/b c"),
            ("src/", "content", "content/sub/b c"),
            ("src/a", "dir/", "dir/a"),
        ] {
            let (src, dest) = (format!("{d}/{src}"), format!("{d}/{remote}/{dest}"));
            let args =
                json!({"src": src, "dest": dest, "remote_src": remote, "directory_mode": "0750"});
            let first = bench.json("copy", args.clone()).await;
            assert_eq!(
                (&first["failed"], &first["changed"]),
                (&json!(false), &json!(true)),
                "{first}"
            );
            assert!(std::path::Path::new(&format!("{d}/{remote}/{file}")).exists(), "{file}");
            assert_eq!(bench.json("copy", args).await["changed"], false);
        }
    }
}
