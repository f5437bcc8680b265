//! A fixed sequence of events, and the text that people see of it.

use super::board::Board;
use super::fold::Amount;
use super::line::Line;
use super::story::{Story, Telling};
use crate::event::{Envelope, Event, NodeStep, Stats, TaskResult, Verdict};
use jiff::{SignedDuration, Timestamp};
use mainstay_language::value::{Map, Value};
use std::sync::Arc;

const TELLING: Telling = Telling {
    amount: Amount { verbosity: 0, diff: true, ok: true, skipped: true },
    check: false,
    custom_stats: true,
};

fn hosts(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn fields(json: serde_json::Value) -> Map {
    match Value::from(json) {
        Value::Map(map) => map,
        other => panic!("no map: {other:?}"),
    }
}

fn result(
    host: &str,
    name: &str,
    verdict: Verdict,
    changed: bool,
    json: serde_json::Value,
) -> TaskResult {
    TaskResult {
        host: host.into(),
        delegate: None,
        name: name.to_owned(),
        action: "command".to_owned(),
        place: "site.yml:4:5".to_owned(),
        verdict,
        changed,
        ignored: false,
        fields: fields(json),
        label: None,
        diff: Vec::new(),
        verbose_always: false,
        origin: None,
        diagnostic: None,
    }
}

fn done(result: TaskResult) -> Event {
    Event::TaskDone { result: Box::new(result) }
}

fn ok(host: &str, name: &str) -> Event {
    done(result(host, name, Verdict::Ok, false, serde_json::json!({})))
}

fn changed(host: &str, name: &str) -> Event {
    done(result(host, name, Verdict::Ok, true, serde_json::json!({})))
}

fn task(name: &str, names: &[&str]) -> Event {
    Event::TaskStarted {
        path: format!("1/{name}").into(),
        name: name.to_owned(),
        action: "command".to_owned(),
        place: "site.yml:4:5".to_owned(),
        hosts: hosts(names),
        handler: false,
        check: false,
    }
}

fn play(name: &str, names: &[&str]) -> Event {
    Event::PlayStarted { name: name.to_owned(), hosts: hosts(names) }
}

fn node(name: &str, step: NodeStep) -> Event {
    Event::Node { host: name.into(), node: name.into(), step }
}

/// The time of an event is its number of milliseconds after the start.
fn at(millis: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
}

fn envelopes(events: Vec<(i64, Event)>) -> Vec<Envelope> {
    let numbered = events.into_iter().zip(1..);
    numbered.map(|((millis, event), seq)| Envelope { seq, at: at(millis), event }).collect()
}

fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| line.text(false) + "\n").collect()
}

fn told(events: Vec<(i64, Event)>) -> String {
    let mut story = Story::new(TELLING);
    envelopes(events).iter().map(|envelope| text(&story.on(envelope))).collect()
}

fn end(events: &[(i64, Event)], held: Vec<(String, String)>) -> Event {
    let mut stats = Stats::default();
    for (_, event) in events {
        stats.fold(event);
    }
    Event::RunEnded { stats, custom: Map::new(), held, exit: 2 }
}

#[test]
fn a_rolling_maintenance_reads_like_a_story() {
    let failure = serde_json::json!({
        "msg": "non-zero return code", "rc": 1, "cmd": ["systemctl", "restart", "kubelet"],
        "stdout": "", "stderr": "Job for kubelet.service failed.\nSee journalctl.",
    });
    let mut events = vec![
        (0, Event::RunStarted { run: "r1".into() }),
        (0, play("upgrade", &["w1", "w2", "w3"])),
        (0, Event::BatchStarted { number: 1, hosts: hosts(&["w1", "w2", "w3"]) }),
        (10, task("gather facts", &["w1", "w2", "w3"])),
        (300, ok("w2", "gather facts")),
        (310, ok("w1", "gather facts")),
        (800, ok("w3", "gather facts")),
        (900, node("w1", NodeStep::Cordoned { before: false })),
        (910, node("w3", NodeStep::Cordoned { before: true })),
        (950, node("w1", NodeStep::Draining { pods: 3 })),
        (1_000, node("w1", NodeStep::Gone { pod: "a/b".into() })),
        (
            2_000,
            node(
                "w1",
                NodeStep::Blocked { pod: "shop/web-1".into(), why: "budget web allows 0".into() },
            ),
        ),
        (
            4_000,
            node(
                "w1",
                NodeStep::Blocked { pod: "shop/web-1".into(), why: "budget web allows 0".into() },
            ),
        ),
        (9_000, node("w1", NodeStep::Drained)),
        (9_010, task("install kubelet", &["w1", "w3"])),
        (75_000, changed("w3", "install kubelet")),
        (75_010, changed("w1", "install kubelet")),
        (75_020, task("restart kubelet", &["w1", "w3"])),
        (76_000, done(result("w1", "restart kubelet", Verdict::Ok, true, serde_json::json!({})))),
        (76_100, done(result("w3", "restart kubelet", Verdict::Failed, true, failure))),
        (76_200, node("w1", NodeStep::Ready)),
        (76_300, node("w1", NodeStep::Uncordoned)),
        (76_310, node("w1", NodeStep::Released)),
        (76_400, node("w3", NodeStep::Held { reason: "restart kubelet failed".into() })),
        (76_500, Event::HostFailed { host: "w2".into(), why: "not ready after 10 min".into() }),
    ];
    let held = vec![("w3".to_owned(), "mainstay abort r1".to_owned())];
    events.push((76_600, end(&events, held)));
    assert_eq!(
        told(events),
        "
play upgrade, batch 1: w[1-3] (3 hosts)
ok          gather facts: w[1-3] (0.7s)
cordoned    w1
cordoned    w3: before this run; it stays so
draining    w1: 3 pods
blocked     w1: eviction of shop/web-1 is refused: budget web allows 0
drained     w1
changed     install kubelet: w[1,3] (1m 06s)
changed     restart kubelet: w1 (0.9s)
failed      restart kubelet: w3 (1.0s)
    command: systemctl restart kubelet
    exit status 1
    stderr:
    | Job for kubelet.service failed.
    | See journalctl.
ready       w1
uncordoned  w1
held        w3: stays cordoned: restart kubelet failed
failed      w2: not ready after 10 min

recap: 1m 16s
  w1  ok 3, changed 2
  w2  ok 1, failed 1
  w3  ok 2, changed 1, failed 1
failed      w3: restart kubelet (site.yml:4:5): exit status 1
failed      w2: not ready after 10 min
held        w3 is still cordoned; to release it: mainstay abort r1
"
    );
}

#[test]
fn a_task_is_told_when_the_next_begins_even_where_hosts_walk_alone() {
    let mut story = Story::new(TELLING);
    let steps = vec![
        (0, play("p", &["a1", "a2"]), "\nplay p: a[1-2] (2 hosts)\n"),
        (0, task("one", &["a1"]), ""),
        (5, task("one", &["a2"]), ""),
        (100, ok("a1", "one"), ""),
        (110, task("two", &["a1"]), "ok          one: a1 (0.1s)\n"),
        (200, changed("a1", "two"), ""),
        (2_005, ok("a2", "one"), ""),
        (2_010, task("two", &["a2"]), "ok          one: a2 (2.0s)\n"),
        (2_020, changed("a2", "two"), ""),
        (2_030, Event::NoMoreHosts, "changed     two: a1 (90ms)\n"),
    ];
    for (index, (millis, event, wanted)) in steps.into_iter().enumerate() {
        let told = text(&story.on(&Envelope { seq: 1, at: at(millis), event }));
        // The heading waits for the event after it.
        let wanted = match index {
            0 => "",
            1 => "\nplay p: a[1-2] (2 hosts)\n",
            9 => "changed     two: a[1-2] (90ms)\nstopped     no host is left\n",
            _ => wanted,
        };
        assert_eq!(told, wanted, "step {index}");
    }
}

#[test]
fn items_diffs_retries_delegation_and_warnings() {
    let item = |host: &str, label: &str, verdict, json| {
        let one = TaskResult {
            label: Some(label.to_owned()),
            ..result(host, "files", verdict, false, json)
        };
        Event::ItemDone { result: Box::new(one) }
    };
    let many = serde_json::json!({"results": [], "msg": "One or more items failed"});
    let diff = vec![Value::from(serde_json::json!({
        "before": "a\n", "after": "b\n", "before_header": "f", "after_header": "f",
    }))];
    let mut told_diff =
        result("h1", "write", Verdict::Ok, true, serde_json::json!({"warnings": ["old"]}));
    told_diff.diff = diff;
    let other = TaskResult {
        host: "h2".into(),
        delegate: Some("db".into()),
        diff: Vec::new(),
        ..told_diff.clone()
    };
    let hidden = serde_json::json!({"censored": "the output has been hidden", "failed": true});
    let ignored =
        TaskResult { ignored: true, ..result("h2", "secret", Verdict::Failed, false, hidden) };
    let events = vec![
        (0, play("p", &["h1"])),
        (0, Event::TaskRetry { host: "h1".into(), name: "files".into(), left: 3 }),
        (1, Event::TaskRetry { host: "h2".into(), name: "files".into(), left: 3 }),
        (2, item("h1", "x", Verdict::Ok, serde_json::json!({}))),
        (3, item("h1", "y\u{1b}[1A", Verdict::Failed, serde_json::json!({"msg": "no\r\nway"}))),
        (4, done(result("h1", "files", Verdict::Failed, false, many))),
        (5, task("write", &["h1", "h2"])),
        (6, done(told_diff)),
        (7, done(other)),
        (8, task("secret", &["h2"])),
        (9, done(ignored)),
        (10, Event::PlaySkipped { name: String::new() }),
        (11, Event::Stopped { reason: "too many\nfailures".into() }),
    ];
    assert_eq!(
        told(events),
        "
play p: h1
retrying    files: 3 times at most
failed      files: h1
    item y␛[1A: failed
      no
      way
warning     old
changed     write: h1 (1ms)
    --- before: f
    +++ after: f
    @@ -1 +1 @@
    -a
    +b
changed     write: h2 on db (2ms)
skipped     no host matches
ignored     secret: h2 (1ms)
    its output is hidden by no_log
stopped     too many␊failures
"
    );
}

#[test]
fn long_output_is_cut_to_its_end() {
    let output: String = (1..=30).map(|n| format!("line {n}\n")).collect();
    let json = serde_json::json!({"rc": 2, "cmd": "make", "stdout": output, "attempts": 3});
    let told = told(vec![
        (0, done(result("h", "build", Verdict::Failed, false, json))),
        (1, Event::NoMoreHosts),
    ]);
    assert!(
        told.contains("    after 3 attempts\n    stdout (last 20 of 30 lines):\n    | line 11\n"),
        "{told}"
    );
    assert!(told.contains("| line 30\nstopped") && !told.contains("line 10\n"), "{told}");
}

fn drawn(events: Vec<(i64, Event)>, now: i64, height: usize) -> String {
    let mut board = Board::default();
    for envelope in &envelopes(events) {
        board.on(envelope);
    }
    let lines = board.draw(at(now), 60, height, false);
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_board_shows_what_each_host_does() {
    let events = || {
        vec![
            (0, play("upgrade", &["w1", "w2", "w10"])),
            (
                0,
                task(
                    "a task with a name that is longer than the line has room for",
                    &["w1", "w2", "w10"],
                ),
            ),
            (100, ok("w10", "x")),
            (200, node("w1", NodeStep::Draining { pods: 12 })),
            (300, node("w1", NodeStep::Gone { pod: "a/b".into() })),
            (1_000, done(result("w2", "x", Verdict::Unreachable, false, serde_json::json!({})))),
        ]
    };
    assert_eq!(
        drawn(events(), 65_000, 24),
        "\
upgrade: 1 of 3 hosts at work                        1m 05s
  w1   draining: 1 of 12 pods gone, a task with a …  1m 05s
  w2   unreachable                                   1m 04s
  w10  done                                          1m 04s
"
    );
    let mut more = events();
    more.push((66_000, node("w1", NodeStep::Uncordoned)));
    more.push((66_000, node("w1", NodeStep::Released)));
    more.push((66_000, ok("w1", "x")));
    assert!(drawn(more, 66_500, 24).contains("  w1   done\n"));
    let mut over = events();
    over.push((70_000, end(&[], Vec::new())));
    assert_eq!(drawn(over, 70_000, 24), "");
    assert_eq!(drawn(Vec::new(), 0, 24), "");
}

#[test]
fn many_hosts_share_rows_and_a_low_terminal_shows_fewer() {
    let names: Vec<String> = (1..=40).map(|n| format!("n{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut events = vec![(0, play("p", &names)), (0, task("install", &names))];
    events.extend(names[..20].iter().map(|name| (500, ok(name, "install"))));
    for (index, name) in names[30..35].iter().enumerate() {
        events.push((600, node(name, NodeStep::Draining { pods: 10 + index })));
    }
    assert_eq!(
        drawn(events.clone(), 1_000, 24),
        "\
p: 20 of 40 hosts at work                                1s
  n31  draining: 0 of 10 pods gone, install
  n32  draining: 0 of 11 pods gone, install
  n33  draining: 0 of 12 pods gone, install
  n34  draining: 0 of 13 pods gone, install
  n35  draining: 0 of 14 pods gone, install
  n[21-30,36-40]  install
  n[01-20]  done
"
    );
    assert_eq!(
        drawn(events.clone(), 1_000, 6),
        "\
p: 20 of 40 hosts at work                                1s
  n31  draining: 0 of 10 pods gone, install
  n32  draining: 0 of 11 pods gone, install
  n33  draining: 0 of 12 pods gone, install
  and 4 more
"
    );
    assert_eq!(drawn(events, 1_000, 2).lines().count(), 1);
}
