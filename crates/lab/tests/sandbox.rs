//! Nodes as they run on this machine, whatever it lets us: namespaces for root and for ordinary users.

#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

mod support;

use mainstay_lab::sandbox::{Ended, Exec, Sandbox, Signal, Terminal, User, sweep};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use support::{Bench, shell};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

#[tokio::test]
async fn a_node_has_its_own_root_name_and_processes() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let out = bench
        .run(
            &node,
            "hostname; uname -n; cat /etc/hostname; id -u; echo $$ > /var/marker; cat /proc/1/comm",
        )
        .await;
    assert_eq!(out.stdout, "w1\nw1\nw1\n0\nsystemd\n", "{}", out.stderr);
    let marker = fs::read_to_string(node.root().join("var/marker")).unwrap();
    let anew = marker.trim().parse::<u32>().unwrap() < 100;
    assert!(anew || bench.chroot(), "numbers of processes start anew: {marker}");
    let out = bench.run(&node, "cat /proc/sys/kernel/random/boot_id; ls /").await;
    let mut lines = out.stdout.lines();
    assert_eq!(lines.next(), Some("11111111-2222-3333-4444-555555555555"));
    assert!(lines.all(|name| name != "work"), "nothing of this machine's root");
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn the_machine_cannot_be_written() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let name = format!("mainstay-lab-{}", std::process::id());
    for directory in ["/usr/lib", "/usr/share", "/usr/bin", "/.lab/host/usr", "/etc", "/tmp"] {
        bench.run(&node, &format!("echo x > {directory}/{name}")).await;
        let written = fs::remove_file(Path::new(directory).join(&name)).is_ok();
        assert!(!written, "{directory} was written");
    }
    let ways = ["", "unshare -Urm ", "unshare -m ", "nsenter -t 1 -m ", "nsenter -t 1 -U -m "];
    let place = format!("/usr/lib/{name}");
    for way in ways {
        for remount in [
            "mount -o remount,rw /usr/lib",
            "mount -o remount,bind,rw /usr/lib",
            "umount -l /usr/lib",
        ] {
            let out =
                bench.run(&node, &format!("{way} sh -c '{remount}; echo x >> {place}'")).await;
            let written = fs::remove_file(&place).is_ok();
            assert!(!written, "{way} {remount}: {out:?}");
        }
        let out = bench.run(&node, &format!("{way} sh -c 'mount -t proc proc /proc; cat /proc/sys/vm/swappiness > /proc/sys/vm/swappiness'")).await;
        assert_ne!(out.ended, Ended::Code(0), "{way}: {out:?}");
    }
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn what_is_played_is_ours_and_nothing_else() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let out = bench.run(&node, "readlink /usr/bin/apt-get /usr/sbin/reboot /usr/bin/kubeadm; ls -l /usr/bin/sed /bin/sed; awk 'BEGIN{print 7}'").await;
    let mut lines = out.stdout.lines();
    for _ in 0..3 {
        assert_eq!(lines.next(), Some("/.lab/player"));
    }
    assert!(out.stdout.ends_with("\n7\n"), "{out:?}");
    let out = bench.run(&node, "printf '#!/bin/sh\\necho mine\\n' > /usr/local/bin/mine && chmod +x /usr/local/bin/mine && mine").await;
    assert_eq!(out.stdout, "mine\n");
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn streams_are_apart_and_whole() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let mut process = node.spawn(shell("cat; echo done >&2; exit 3")).await.unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let sent: Vec<u8> = (0..5_u32 << 20).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let wanted = sent.clone();
    let write = tokio::spawn(async move { stdin.write_all(&sent).await });
    let mut got = Vec::new();
    stdout.read_to_end(&mut got).await.unwrap();
    write.await.unwrap().unwrap();
    assert!(got == wanted, "{} of {} bytes", got.len(), wanted.len());
    let mut errors = String::new();
    process.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
    assert_eq!(errors, "done\n");
    assert_eq!(process.wait().await, Ended::Code(3));
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn a_terminal_is_one() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let terminal = Terminal { rows: 33, columns: 101, modes: vec![(53, 0)] };
    let mut process = node
        .spawn(Exec {
            terminal: Some(terminal),
            ..shell("tty; stty size; stty -a | grep -ow -- '-echo'; read x; stty size; exit $x")
        })
        .await
        .unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("-echo") {
        assert_ne!(stdout.read_buf(&mut seen).await.unwrap(), 0);
    }
    process.resize(10, 20).unwrap();
    process.stdin.as_mut().unwrap().write_all(b"5\n").await.unwrap();
    // The end of a terminal that nobody holds is an error.
    while matches!(stdout.read_buf(&mut seen).await, Ok(1..)) {}
    let name = if bench.chroot() { "not a tty" } else { "/dev/pts/0" };
    let expected = format!("{name}\r\n33 101\r\n-echo\r\n10 20\r\n");
    assert_eq!(String::from_utf8_lossy(&seen), expected);
    assert_eq!(process.wait().await, Ended::Code(5));
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn ends_are_told_as_they_were() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let out = bench.run(&node, "kill -9 $$").await;
    assert_eq!(out.ended, Ended::Signal(9));
    let missing = Exec { argv: vec!["/no/such".into()], ..shell("") };
    let out = bench.finish(node.spawn(missing).await.unwrap()).await;
    assert_eq!(out.ended, Ended::Code(127));
    assert!(out.stderr.contains("/no/such"), "{}", out.stderr);
    let mut process = node
        .spawn(shell("trap 'exit 9' TERM; echo up; while :; do sleep 0.01; done"))
        .await
        .unwrap();
    let mut up = [0; 3];
    process.stdout.as_mut().unwrap().read_exact(&mut up).await.unwrap();
    process.signal(Signal::TERM).await.unwrap();
    assert_eq!(process.wait().await, Ended::Code(9));
    node.stop().await;
    assert!(node.spawn(shell("true")).await.is_err(), "a node that is stopped starts nothing");
    bench.clean().await;
}

#[tokio::test]
async fn users_are_others_where_there_are_many() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let ann = Exec {
        user: User { uid: 1000, gid: 1000 },
        cwd: "/home/ann".into(),
        ..shell("id -un; pwd; stat -c %U .; cat /etc/shadow >/dev/null 2>&1; echo $?")
    };
    let out = bench.finish(node.spawn(ann).await.unwrap()).await;
    let expected =
        if bench.many() { "ann\n/home/ann\nann\n1\n" } else { "root\n/home/ann\nroot\n0\n" };
    assert_eq!(out.stdout, expected);
    if !bench.chroot() {
        let user = User { uid: 1000, gid: 1000 };
        let own = Exec { user, ..shell("echo hi > /dev/stderr") };
        assert_eq!(bench.finish(node.spawn(own).await.unwrap()).await.stderr, "hi\n");
    }
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn a_boot_empties_what_a_boot_empties() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    bench.run(&node, "touch /tmp/a /run/b /var/c; rm /usr/bin/kubeadm").await;
    node.stop().await;
    let node = bench.node("w1").await;
    let out = bench.run(&node, "ls /tmp; ls /run/b /var/c /usr/bin/kubeadm 2>/dev/null").await;
    assert_eq!(out.stdout, "/var/c\n");
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn nothing_is_left_after_a_stop() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    // One that ignores what it can, in a session of its own, holding no stream.
    bench.run(&node, "setsid sh -c 'trap \"\" HUP TERM INT; while :; do sleep 1; done' >/dev/null 2>&1 </dev/null &").await;
    let pending = node.spawn(shell("sleep 1000")).await.unwrap();
    assert_ne!(bench.processes(), Vec::<String>::new());
    node.stop().await;
    assert_eq!(bench.processes(), Vec::<String>::new());
    let mut pending = pending;
    assert_eq!(pending.wait().await, Ended::Lost);
    bench.clean().await;
}

#[tokio::test]
async fn nothing_is_left_after_a_start_that_failed() {
    let bench = Bench::new().await;
    // A file stands where a directory must be.
    fs::create_dir_all(bench.plan("w1").dir.join("root")).unwrap();
    fs::write(bench.plan("w1").dir.join("root/etc"), "").unwrap();
    let error = Sandbox::start(bench.plan("w1"), &bench.isolation).await.unwrap_err();
    assert!(error.to_string().contains("etc"), "{error}");
    assert_eq!(bench.processes(), Vec::<String>::new());
    bench.clean().await;
}

/// The daemon of the next test, in a process of its own.
#[tokio::test]
async fn daemon() {
    let Some(name) = std::env::var_os("MAINSTAY_LAB_DAEMON") else { return };
    let bench = Bench::below(Path::new(&name)).await;
    let node = bench.node("w1").await;
    let script =
        "setsid sh -c 'trap \"\" HUP TERM INT; while :; do sleep 1; done' & echo up; sleep 1000";
    let mut process = node.spawn(shell(script)).await.unwrap();
    process.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).await.unwrap();
    println!("the node is up");
    process.wait().await;
}

#[tokio::test]
async fn nothing_is_left_when_the_daemon_is_killed() {
    let bench = Bench::new().await;
    let mut daemon = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "daemon", "--nocapture"])
        .env("MAINSTAY_LAB_DAEMON", bench.dir.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().expect("a daemon").contains("the node is up") {}
    let running = bench.handles();
    assert!(running.len() >= 2, "keeper and init at least");
    daemon.kill().await.unwrap();
    for process in running {
        support::gone(&process);
    }
    assert_eq!(bench.processes(), Vec::<String>::new());
    sweep(bench.dir.path()).await.unwrap();
    bench.clean().await;
}

#[tokio::test]
async fn a_sweep_ends_what_a_daemon_still_holds() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let mut process = node.spawn(shell("sleep 1000")).await.unwrap();
    sweep(bench.dir.path()).await.unwrap();
    assert_eq!(process.wait().await, Ended::Lost);
    assert_eq!(bench.processes(), Vec::<String>::new());
    node.stop().await;
    bench.clean().await;
}

#[tokio::test]
async fn a_ticket_gives_rights_once() {
    let bench = Bench::new().await;
    let node = bench.node("w1").await;
    let user = User { uid: 1000, gid: 1000 };
    let ticket = node.ticket(&shell("id -u; read x; echo got $x; exit 6")).await.unwrap();
    let caller = format!(
        "for i in 1 2; do echo hello | /.lab/player {ticket}; echo $?; done; /.lab/player guess; echo $?"
    );
    let out = bench.finish(node.spawn(Exec { user, ..shell(&caller) }).await.unwrap()).await;
    assert_eq!(out.stdout, "0\ngot hello\n6\n2\n2\n", "{}", out.stderr);
    // Signals reach what was started.
    let ticket = node
        .ticket(&shell("trap 'echo heard; exit 3' TERM; echo up; while :; do sleep 0.01; done"))
        .await
        .unwrap();
    let caller = Exec { user, ..shell(&format!("exec /.lab/player {ticket}")) };
    let mut process = node.spawn(caller).await.unwrap();
    process.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).await.unwrap();
    process.signal(Signal::TERM).await.unwrap();
    let out = bench.finish(process).await;
    assert_eq!((out.stdout.as_str(), out.ended), ("heard\n", Ended::Code(3)));
    node.stop().await;
    bench.clean().await;
}
