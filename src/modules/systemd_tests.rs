use super::*;
use crate::modules::testing::{Bench, Scripted, says};
use serde_json::json;

#[test]
fn decides() {
    let unit = |active: &str, enabled: &str| {
        Unit::parse(&format!("LoadState=loaded\nActiveState={active}\n"), enabled, false)
    };
    let wish = |state: &'static str| Wish { state: Some(state), ..Wish::default() };
    let enabled = |on| Wish { enabled: Some(on), ..Wish::default() };
    let masked = |on| Wish { masked: Some(on), ..Wish::default() };
    for (unit, wish, verbs) in [
        (unit("inactive", "enabled"), wish("started"), vec!["start"]),
        (unit("failed", "enabled"), wish("started"), vec!["start"]),
        (unit("active", "enabled"), wish("started"), vec![]),
        (unit("activating", "enabled"), wish("started"), vec![]),
        (unit("active", "enabled"), wish("stopped"), vec!["stop"]),
        (unit("inactive", "enabled"), wish("stopped"), vec![]),
        (unit("active", "enabled"), wish("restarted"), vec!["restart"]),
        (unit("active", "enabled"), wish("reloaded"), vec!["reload"]),
        (unit("inactive", "enabled"), wish("reloaded"), vec!["start"]),
        (unit("active", "disabled"), enabled(true), vec!["enable"]),
        (unit("active", "enabled"), enabled(true), vec![]),
        (unit("active", "static"), enabled(false), vec![]),
        (unit("active", "enabled"), enabled(false), vec!["disable"]),
        (unit("active", "enabled"), masked(true), vec!["mask"]),
        (unit("active", "masked"), masked(true), vec![]),
        (unit("inactive", "masked"), masked(false), vec!["unmask"]),
        (
            unit("inactive", "masked"),
            Wish { state: Some("started"), enabled: Some(true), masked: Some(false) },
            vec!["unmask", "enable", "start"],
        ),
    ] {
        assert_eq!(decide(&unit, wish), verbs, "{unit:?} {wish:?}");
    }
}

#[tokio::test]
async fn one_question_then_only_what_is_needed() {
    let show =
        |active: &str| says(&format!("LoadState=loaded\nActiveState={active}\0enabled\n\0\0end\0"));
    let target = Scripted::new([show("active"), show("inactive"), says("")]);
    let mut bench = Bench::on(target.clone());
    let args = json!({"name": "kubelet", "state": "started", "enabled": true});
    let got = bench.json("service", args.clone()).await;
    assert_eq!(
        (&got["changed"], &got["state"], &got["enabled"]),
        (&json!(false), &json!("started"), &json!(true))
    );
    assert_eq!(got["status"]["ActiveState"], "active");
    assert_eq!(bench.json("systemd", args).await["changed"], true);
    assert_eq!(target.scripts()[2], "systemctl start -- kubelet");

    bench.host.target =
        Scripted::new([says("LoadState=not-found\nActiveState=inactive\0\0\0end\0")]);
    let got = bench.json("service", json!({"name": "nope", "state": "started"})).await;
    assert_eq!(got["msg"], "Could not find the requested service nope: host");

    bench.check = true;
    bench.host.target = Scripted::new([show("inactive")]);
    let args = json!({"name": "x", "state": "started", "daemon_reload": true});
    assert_eq!(bench.json("systemd", args).await["changed"], true);
}
