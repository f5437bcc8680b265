//! Expected lines were recorded from systemd 252 on a Debian 12 node.

use crate::node::Active;
use crate::tools::bench::Bench;
use std::time::Duration;

#[tokio::test]
async fn units_that_are_known_and_others() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    bench
        .check(
            "w1",
            &[
                ("systemctl is-active kubelet nosuch", "active\ninactive\n", "", 0),
                (
                    "systemctl is-enabled kubelet nosuch",
                    "enabled\n",
                    "Failed to get unit file state for nosuch.service: No such file or directory\n",
                    1,
                ),
                ("systemctl restart nosuch", "", "Failed to restart nosuch.service: Unit nosuch.service not found.\n", 5),
                ("systemctl stop nosuch.timer", "", "Failed to stop nosuch.timer: Unit nosuch.timer not loaded.\n", 5),
                ("systemctl status nosuch", "", "Unit nosuch.service could not be found.\n", 4),
                ("systemctl frob", "", "Unknown command verb frob.\n", 1),
                ("systemctl start", "", "Too few arguments.\n", 1),
                ("systemctl enable nosuch", "", "Failed to enable unit: Unit file nosuch.service does not exist.\n", 1),
                ("systemctl is-failed nosuch", "inactive\n", "", 1),
                ("systemctl is-failed kubelet", "active\n", "", 1),
                ("systemctl cat nosuch", "", "No files found for nosuch.service.\n", 1),
                (
                    "systemctl reset-failed nosuch",
                    "",
                    "Failed to reset failed state of unit nosuch.service: Unit nosuch.service not loaded.\n",
                    1,
                ),
                (
                    "systemctl reload kubelet",
                    "",
                    "Failed to reload kubelet.service: Job type reload is not applicable for unit kubelet.service.\n",
                    3,
                ),
                ("systemctl is-active --quiet kubelet", "", "", 0),
                ("systemctl is-system-running", "running\n", "", 0),
                ("systemctl show -p ActiveState --value kubelet", "active\n", "", 0),
                (
                    "systemctl show nosuch -p LoadState,ActiveState,SubState,UnitFileState,Id",
                    "Id=nosuch.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n",
                    "",
                    0,
                ),
                ("systemctl disable kubelet", "", "Removed \"/etc/systemd/system/multi-user.target.wants/kubelet.service\".\n", 0),
                ("systemctl is-enabled kubelet", "disabled\n", "", 1),
                (
                    "systemctl list-units --no-pager --no-legend --plain --type service kubelet.service",
                    "kubelet.service loaded active running kubelet: The Kubernetes Node Agent\n",
                    "",
                    0,
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn transient_units() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    let left =
        bench.run("w1", "systemd-run --quiet --collect --unit=lt1 /bin/sh -c 'read x'").await;
    assert_eq!((left.err.as_str(), left.code), ("", 0));
    bench
        .check(
            "w1",
            &[
                (
                    "systemd-run --quiet --collect --unit=kubelet /bin/true",
                    "",
                    "Failed to start transient service unit: Unit kubelet.service was already loaded or has a fragment file.\n",
                    1,
                ),
                ("systemd-run /nosuch", "", "Failed to find executable /nosuch: No such file or directory\n", 1),
                ("systemd-run --wait -q /bin/false", "", "", 1),
            ],
        )
        .await;
    let left = bench.run("w1", "systemd-run --wait --pipe --unit=lt0 /bin/echo hi").await;
    let told = "Running as unit: lt0.service\nFinished with result: success\nMain processes terminated with: \
                code=exited/status=0\nService runtime: 5ms\n";
    assert_eq!((left.out.as_str(), left.err.as_str(), left.code), ("hi\n", told, 0));
    let left = bench.run("w1", "systemd-run --unit=lt2 /bin/false").await;
    assert_eq!((left.err.as_str(), left.code), ("Running as unit: lt2.service\n", 0));
    bench
        .until(|bench| {
            bench
                .machine("w1")
                .state()
                .units
                .get("lt2.service")
                .is_some_and(|u| u.active == Active::Failed)
        })
        .await;
    bench
        .check(
            "w1",
            &[
                ("systemctl is-active lt2", "failed\n", "", 3),
                ("systemctl is-failed lt2", "failed\n", "", 0),
                ("systemctl is-system-running", "degraded\n", "", 1),
            ],
        )
        .await;
    let status = bench.run("w1", "systemctl status lt2 --no-pager").await;
    assert!(status.out.starts_with("× lt2.service - /bin/false\n     Loaded: loaded (/run/systemd/transient/lt2.service; transient)\n"), "{status:?}");
    assert!(
        status.out.ends_with("lt2.service: Failed with result 'exit-code'.\n") && status.code == 3,
        "{status:?}"
    );
    bench
        .check(
            "w1",
            &[
                ("systemctl reset-failed lt2", "", "", 0),
                ("systemctl is-active lt2", "inactive\n", "", 3),
            ],
        )
        .await;
    // One that ended well is forgotten at once.
    bench.until(|bench| !bench.machine("w1").state().units.contains_key("lt1.service")).await;
}

#[tokio::test]
async fn a_timer_starts_its_unit() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    let left = bench
        .run(
            "w1",
            "systemd-run --on-active=2 --timer-property=AccuracySec=100ms --unit=lt3 /bin/false",
        )
        .await;
    assert_eq!(
        left.err,
        "Running timer as unit: lt3.timer\nWill run service as unit: lt3.service\n"
    );
    bench
        .until(|bench| {
            bench
                .machine("w1")
                .state()
                .units
                .get("lt3.service")
                .is_some_and(|u| u.active == Active::Failed)
        })
        .await;
    assert!(!bench.machine("w1").state().units.contains_key("lt3.timer"));
}

#[tokio::test]
async fn unit_files_become_units() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    let file = b"[Unit]\nDescription=Hello\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo hello; exit 0'\n[Install]\nWantedBy=multi-user.target\n";
    bench.machine("w1").files.write("/etc/systemd/system/hello.service", file, 0o644).unwrap();
    let link = "Created symlink /etc/systemd/system/multi-user.target.wants/hello.service → /etc/systemd/system/hello.service.\n";
    bench
        .check(
            "w1",
            &[
                ("systemctl daemon-reload", "", "", 0),
                ("systemctl enable --now hello", "", link, 0),
                ("systemctl is-active hello", "active\n", "", 0),
                ("systemctl show -p SubState --value hello", "exited\n", "", 0),
                ("systemctl stop hello", "", "", 0),
                ("systemctl is-active hello", "inactive\n", "", 3),
            ],
        )
        .await;
    bench
        .until(|bench| {
            bench
                .machine("w1")
                .state()
                .journal
                .iter()
                .any(|line| line.unit == "hello.service" && line.text == "hello")
        })
        .await;
    let bad = b"[Service]\nType=oneshot\nExecStart=/bin/false\n";
    bench.machine("w1").files.write("/etc/systemd/system/bad.service", bad, 0o644).unwrap();
    let left = bench.run("w1", "systemctl start bad").await;
    let text = "Job for bad.service failed because the control process exited with error code.\nSee \"systemctl status bad.service\" and \
                \"journalctl -xeu bad.service\" for details.\n";
    assert_eq!((left.err.as_str(), left.code), (text, 1));
}

#[tokio::test]
async fn a_kubelet_that_cannot_live() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    bench.fault("w1:kubelet-broken");
    assert_eq!(bench.run("w1", "systemctl restart kubelet").await.code, 0);
    let left = bench.run("w1", "systemctl is-active kubelet").await;
    assert_eq!((left.out.as_str(), left.code), ("activating\n", 3));
    bench.until(|bench| bench.machine("w1").kubelet.borrow().is_none()).await;
    let log = bench.run("w1", "journalctl -u kubelet -n 3 --no-pager").await;
    assert!(
        log.out.contains("kubelet.service: Main process exited, code=exited, status=1/FAILURE"),
        "{log:?}"
    );
    bench.site.faults.retain(|_| false);
    bench.until(|bench| bench.machine("w1").kubelet.borrow().is_some()).await;
    bench.check("w1", &[("systemctl is-active kubelet", "active\n", "", 0)]).await;
}

#[tokio::test]
async fn a_node_goes_down() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    for (line, again) in [
        ("reboot", true),
        ("systemctl reboot", true),
        ("shutdown -r now bye", true),
        ("poweroff", false),
        ("shutdown -h now", false),
    ] {
        assert_eq!(bench.run("w1", line).await.code, 0, "{line}");
        let asked = bench.outside.power.lock().unwrap().pop();
        assert!(
            matches!(asked, Some((node, delay, a)) if node == "w1" && a == again && delay < Duration::from_secs(5)),
            "{line}"
        );
    }
    let left = bench.run("w1", "shutdown -r +1").await;
    assert!(
        left.err.starts_with("Reboot scheduled for ")
            && left.err.ends_with(" UTC, use 'shutdown -c' to cancel.\n"),
        "{left:?}"
    );
    assert_eq!(bench.run_as("w1", "reboot", (1000, 1000), b"").await.code, 1);
    bench.check("w1", &[("systemctl is-system-running", "stopping\n", "", 1)]).await;
    crate::node::switch_off(bench.machine("w1"));
    crate::node::boot(bench.machine("w1"));
    bench.until(|bench| bench.machine("w1").kubelet.borrow().is_some()).await;
}
