//! `stat`, `slurp` and `tempfile` on this machine; fields as stock ansible-core 2.19 gives them.

use super::testing::Bench;
use serde_json::json;

#[tokio::test]
async fn stat_has_ansibles_fields() {
    let dir = tempfile::tempdir().unwrap();
    let f = dir.path().join("f").display().to_string();
    std::fs::write(&f, "hello2\n").unwrap();
    std::os::unix::fs::symlink("f", dir.path().join("l")).unwrap();
    let l = dir.path().join("l").display().to_string();
    let bench = Bench::here();
    let stat = bench.json("stat", json!({"path": f})).await["stat"].clone();
    for name in [
        "atime",
        "attr_flags",
        "attributes",
        "block_size",
        "blocks",
        "charset",
        "checksum",
        "ctime",
        "dev",
        "device_type",
        "executable",
        "exists",
        "gid",
        "gr_name",
        "inode",
        "isblk",
        "ischr",
        "isdir",
        "isfifo",
        "isgid",
        "islnk",
        "isreg",
        "issock",
        "isuid",
        "mimetype",
        "mode",
        "mtime",
        "nlink",
        "path",
        "pw_name",
        "readable",
        "rgrp",
        "roth",
        "rusr",
        "size",
        "uid",
        "version",
        "wgrp",
        "woth",
        "writeable",
        "wusr",
        "xgrp",
        "xoth",
        "xusr",
    ] {
        assert!(stat.get(name).is_some(), "{name}");
    }
    for (args, key, expected) in [
        (json!({"path": f}), "checksum", json!("0d2aae7d156d796b97ae11b4dba506a55f54a75e")),
        (json!({"path": f}), "isreg", json!(true)),
        (json!({"path": f}), "size", json!(7)),
        (json!({"path": f, "get_checksum": false}), "checksum", json!(null)),
        (json!({"path": f, "get_mime": false}), "mimetype", json!(null)),
        (json!({"path": f, "get_md5": true}), "md5", json!("a10edbbb8f28f8e98ee6b649ea2556f4")),
        (json!({"path": l}), "lnk_target", json!("f")),
        (json!({"path": l}), "lnk_source", json!(f)),
        (json!({"path": l}), "islnk", json!(true)),
        (json!({"path": l}), "checksum", json!(null)),
        (json!({"path": l, "follow": true}), "isreg", json!(true)),
        (json!({"path": l, "follow": true}), "lnk_target", json!(null)),
        (json!({"path": "/nope/x"}), "exists", json!(false)),
        (json!({"path": format!("{f}/x")}), "exists", json!(false)),
        (json!({"path": "/dev/null"}), "ischr", json!(true)),
    ] {
        assert_eq!(bench.json("stat", args.clone()).await["stat"][key], expected, "{args} {key}");
    }
}

#[tokio::test]
async fn slurp_and_tempfile() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().to_str().unwrap();
    std::fs::write(format!("{d}/f"), "hello2\n").unwrap();
    let bench = Bench::here();
    for (args, expected) in [
        (
            json!({"src": format!("{d}/f")}),
            json!({"changed": false, "failed": false, "content": "aGVsbG8yCg==", "encoding": "base64",
                   "source": format!("{d}/f")}),
        ),
        (
            json!({"src": format!("{d}/no")}),
            json!({"changed": false, "failed": true, "msg": format!("File not found: {d}/no")}),
        ),
        (
            json!({"path": d}),
            json!({"changed": false, "failed": true,
                   "msg": format!("Source is a directory and must be a file: {d}")}),
        ),
    ] {
        assert_eq!(bench.json("slurp", args.clone()).await, expected, "{args}");
    }
    for (args, mode, state) in [
        (json!({"path": d}), "0600", "file"),
        (json!({"path": d, "state": "directory", "suffix": " x"}), "0700", "directory"),
        (json!({"path": d, "prefix": "p q", "suffix": ".s"}), "0600", "file"),
    ] {
        let got = bench.json("tempfile", args.clone()).await;
        assert_eq!((&got["mode"], &got["state"]), (&json!(mode), &json!(state)), "{args} {got}");
        let path = got["path"].as_str().unwrap();
        assert!(path.ends_with(args["suffix"].as_str().unwrap_or("")), "{path}");
        assert!(std::path::Path::new(path).exists());
    }
    for args in
        [json!({"path": format!("{d}/no")}), json!({"prefix": "../x"}), json!({"state": "x"})]
    {
        assert_eq!(bench.json("tempfile", args).await["failed"], true);
    }
}
