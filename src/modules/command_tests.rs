use crate::modules::testing::{Bench, Scripted, says};
use serde_json::json;

#[tokio::test]
async fn commands_run_here() {
    let bench = Bench::here();
    for (module, args, rc, stdout, stderr, failed) in [
        ("command", json!({"_raw_params": "echo hi"}), 0, "hi", "", false),
        (
            "command",
            json!({"_raw_params": "printf '%s|' 'a b' c#d '*'"}),
            0,
            "a b|c#d|*|",
            "",
            false,
        ),
        ("command", json!({"argv": ["sh", "-c", "echo e >&2; echo a; exit 3"]}), 3, "a", "e", true),
        ("command", json!({"cmd": "cat", "stdin": "in"}), 0, "in", "", false),
        (
            "command",
            json!({"cmd": "wc -c", "stdin": "in", "stdin_add_newline": false}),
            0,
            "2",
            "",
            false,
        ),
        ("command", json!({"cmd": "pwd", "chdir": "/usr"}), 0, "/usr", "", false),
        ("command", json!({"cmd": "echo $HOME_NOT_SET"}), 0, "$HOME_NOT_SET", "", false),
        ("command", json!({"cmd": "printf 'a\\n\\n'"}), 0, "a", "", false),
        (
            "command",
            json!({"cmd": "ls", "removes": "/nope*"}),
            0,
            "skipped, since /nope* does not exist",
            "",
            false,
        ),
        (
            "command",
            json!({"cmd": "ls", "creates": "/et?"}),
            0,
            "skipped, since /et? exists",
            "",
            false,
        ),
        (
            "shell",
            json!({"_raw_params": "echo $0; echo hi | cat\nexit 2"}),
            2,
            "/bin/sh\nhi",
            "",
            true,
        ),
        ("shell", json!({"cmd": "echo $0", "executable": "/bin/bash"}), 0, "/bin/bash", "", false),
        ("command", json!({"_raw_params": "nosuchprog a"}), 2, "", "", true),
        ("command", json!({"_raw_params": "cd /"}), 2, "", "", true),
        ("raw", json!({"_raw_params": "echo raw; exit 1"}), 1, "raw\n", "", true),
    ] {
        let got = bench.json(module, args.clone()).await;
        assert_eq!(
            (&got["rc"], &got["stdout"], &got["stderr"], &got["failed"]),
            (&json!(rc), &json!(stdout), &json!(stderr), &json!(failed)),
            "{args}: {got}"
        );
    }
}

#[tokio::test]
async fn check_mode_asks_only_what_decides() {
    let mut bench = Bench::on(Scripted::new([]));
    bench.check = true;
    let got = bench.json("command", json!({"cmd": "reboot"})).await;
    assert_eq!((&got["skipped"], &got["changed"]), (&json!(true), &json!(false)));

    let target = Scripted::new([says("run\n"), says("creates\n")]);
    bench.host.target = target.clone();
    let got = bench.json("command", json!({"cmd": "touch /x", "creates": "/x"})).await;
    assert_eq!((&got["skipped"], &got["changed"]), (&json!(null), &json!(true)));
    let got = bench.json("command", json!({"cmd": "touch /x", "creates": "/x"})).await;
    assert_eq!(got["msg"], "Did not run command since '/x' exists");
    assert!(target.scripts().iter().all(|script| !script.contains("touch")));
}

#[tokio::test]
async fn refusals() {
    let bench = Bench::on(Scripted::new([]));
    for (module, args, msg) in [
        ("command", json!({}), "no command given"),
        ("shell", json!({"_raw_params": " "}), "no command given"),
        ("command", json!({"_raw_params": "a 'b"}), "No closing quotation"),
        (
            "command",
            json!({"_raw_params": "a", "argv": ["b"]}),
            "only command or argv can be given, not both",
        ),
    ] {
        assert_eq!(bench.json(module, args).await["msg"], msg);
    }
}

#[tokio::test]
async fn output_that_is_not_ours_is_a_failure() {
    let bench = Bench::on(Scripted::new([says("Welcome!\nrun\n")]));
    let got = bench.json("command", json!({"cmd": "true"})).await;
    assert_eq!(got["failed"], true);
}
