//! `wait_for` and `wait_for_connection`: something becomes true on the host, or time is up.

use super::common::expand;
use super::lineinfile::pattern;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileStatus, Query};
use crate::transport::quote;
use async_trait::async_trait;
use mainstay_language::value::{Map, Value};
use regex::Regex;
use std::time::Duration;

pub(super) struct WaitFor;
pub(super) struct WaitForConnection;

static WAIT_FOR: Spec = Spec {
    names: &["wait_for"],
    params: &[
        Param::new("host", Kind::Text).default("127.0.0.1"),
        Param::new("port", Kind::Int),
        Param::new("path", Kind::Path),
        Param::new("search_regex", Kind::Text),
        Param::new("state", Kind::Text)
            .default("started")
            .choices(&["absent", "drained", "present", "started", "stopped"]),
        Param::new("timeout", Kind::Int).default("300"),
        Param::new("connect_timeout", Kind::Int).default("5"),
        Param::new("delay", Kind::Int).default("0"),
        Param::new("sleep", Kind::Int).default("1"),
        Param::new("active_connection_states", Kind::TextList)
            .default("ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT"),
        Param::new("exclude_hosts", Kind::TextList),
        Param::new("msg", Kind::Text),
    ],
    exclusive: &[&["port", "path"]],
    ..BUILTIN
};

static CONNECTION: Spec = Spec {
    names: &["wait_for_connection"],
    params: &[
        Param::new("connect_timeout", Kind::Int).default("5"),
        Param::new("delay", Kind::Int).default("0"),
        Param::new("sleep", Kind::Int).default("1"),
        Param::new("timeout", Kind::Int).default("600"),
    ],
    ..BUILTIN
};

fn seconds(args: &Args, name: &str) -> Duration {
    Duration::from_secs(args.int(name).unwrap_or(0).max(0).unsigned_abs())
}

/// Exits with 0 if the port takes a connection: bash, nc or, for the host itself, the kernel's table of listeners.
fn port_script(host: &str, port: i64, wait: u64) -> String {
    let (h, wait) = (quote(host), wait.max(1));
    // 0A is LISTEN.
    let hex = format!("{port:04X}");
    format!(
        "h={h}\nif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then\n\
         timeout {wait} bash -c 'exec 3<>\"/dev/tcp/$1/$2\"' - \"$h\" {port} 2>/dev/null && echo open || echo closed\n\
         elif command -v nc >/dev/null 2>&1; then\n\
         nc -w {wait} \"$h\" {port} </dev/null >/dev/null 2>&1 && echo open || echo closed\n\
         else case $h in 127.*|localhost|0.0.0.0|::1)\n\
         if grep -q '^ *[0-9]*: [0-9A-F]*:{hex} [0-9A-F]*:[0-9A-F]* 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null; then echo open; else echo closed; fi ;;\n\
         *) echo none ;; esac; fi\n"
    )
}

/// Names of the states in `/proc/net/tcp`.
const STATES: [(&str, &str); 11] = [
    ("ESTABLISHED", "01"),
    ("SYN_SENT", "02"),
    ("SYN_RECV", "03"),
    ("FIN_WAIT1", "04"),
    ("FIN_WAIT2", "05"),
    ("TIME_WAIT", "06"),
    ("CLOSE", "07"),
    ("CLOSE_WAIT", "08"),
    ("LAST_ACK", "09"),
    ("LISTEN", "0A"),
    ("CLOSING", "0B"),
];

/// Connections to a local port that are in one of the states.
fn active(table: &str, port: i64, states: &[String]) -> Result<usize, Failure> {
    let mut codes = Vec::new();
    for state in states {
        let found = STATES.iter().find(|(name, _)| name == state);
        let (_, code) = found.ok_or_else(|| {
            Failure::msg(format!("unknown active_connection_state ({state}) defined"))
        })?;
        codes.push(*code);
    }
    let ending = format!(":{port:04X}");
    Ok(table
        .lines()
        .filter(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(1).is_some_and(|local| local.ends_with(&ending))
                && words.get(3).is_some_and(|state| codes.contains(state))
        })
        .count())
}

/// What one look found.
enum Look {
    Yes(Box<Option<FileStatus>>, Map, Vec<Value>),
    No,
}

async fn look_at_port(args: &Args, port: i64, ctx: &Ctx<'_>) -> Result<Look, Failure> {
    let yes = || Look::Yes(Box::new(None), Map::new(), Vec::new());
    let state = args.text("state").unwrap_or_default();
    if state == "drained" {
        let output = ctx.host.script("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null").await?;
        let count = active(&output.stdout.text(), port, &args.texts("active_connection_states"))?;
        return Ok(if count == 0 { yes() } else { Look::No });
    }
    let wait = seconds(args, "connect_timeout").as_secs();
    let script = port_script(args.text("host").unwrap_or_default(), port, wait);
    let output = ctx.host.script(&script).await?;
    let open = match output.stdout.text().trim() {
        "open" => true,
        "closed" => false,
        _ => {
            return Err(Failure::msg(
                "the host has neither bash nor nc: a port of another host cannot be tried",
            ));
        }
    };
    let wanted = matches!(state, "started" | "present");
    Ok(if open == wanted { yes() } else { Look::No })
}

async fn look_at_path(
    args: &Args,
    path: &str,
    regex: Option<&Regex>,
    ctx: &Ctx<'_>,
) -> Result<Look, Failure> {
    let absent = matches!(args.text("state"), Some("absent" | "stopped"));
    let Some(regex) = regex else {
        let found = files::stat(ctx.host, &[Query::of(path).follow(true)]).await?;
        let status = found.into_iter().next().flatten();
        return Ok(if status.is_some() == absent {
            Look::No
        } else {
            Look::Yes(Box::new(status), Map::new(), Vec::new())
        });
    };
    let found = files::read(ctx.host, path, true).await?;
    let text = found.as_ref().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
    let captures = text.as_deref().and_then(|text| regex.captures(text));
    let Some(captures) = captures else {
        return Ok(if absent {
            Look::Yes(Box::new(None), Map::new(), Vec::new())
        } else {
            Look::No
        });
    };
    if absent {
        return Ok(Look::No);
    }
    let value = |m: Option<regex::Match<'_>>| m.map(|m| m.as_str().to_owned()).into();
    let groups: Vec<Value> = captures.iter().skip(1).map(value).collect();
    let mut names = Map::new();
    for name in regex.capture_names().flatten() {
        names.insert(name, value(captures.name(name)));
    }
    Ok(Look::Yes(Box::new(found.map(|(status, _)| status)), names, groups))
}

#[async_trait]
impl Module for WaitFor {
    fn spec(&self) -> &'static Spec {
        &WAIT_FOR
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let state = args.text("state").unwrap_or_default().to_owned();
        let port = args.int("port");
        if port.is_some_and(|p| !(0..=65_535).contains(&p)) {
            return Err(Failure::msg("port must be between 0 and 65535"));
        }
        if state == "drained" && port.is_none() {
            return Err(Failure::msg("state=drained should only be used for checking a port"));
        }
        if args.get("exclude_hosts").is_some() {
            return Err(Failure::msg("exclude_hosts is not supported"));
        }
        if args.get("search_regex").is_some() && port.is_some() {
            return Err(Failure::msg("search_regex is supported with path, not with port"));
        }
        let regex =
            args.text("search_regex").map(|text| pattern(&format!("(?m){text}"))).transpose()?;
        let path = match args.text("path") {
            Some(path) => Some(expand(ctx.host, path).await?),
            None => None,
        };
        if ctx.check {
            let mut outcome = Outcome::ok().with("elapsed", 0);
            outcome.skipped = true;
            return Ok(outcome);
        }
        let begin = ctx.clock.monotonic();
        let (timeout, pause) = (seconds(&args, "timeout"), seconds(&args, "sleep"));
        ctx.clock.sleep(seconds(&args, "delay")).await;
        loop {
            let look = match (port, &path) {
                (Some(port), _) => look_at_port(&args, port, ctx).await?,
                (None, Some(path)) => look_at_path(&args, path, regex.as_ref(), ctx).await?,
                (None, None) => {
                    ctx.clock.sleep(timeout).await;
                    Look::Yes(Box::new(None), Map::new(), Vec::new())
                }
            };
            let elapsed = ctx.clock.monotonic().saturating_sub(begin);
            if let Look::Yes(status, names, groups) = look {
                let mut outcome = Outcome::ok().with("state", state);
                if let Some(status) = &*status {
                    outcome = outcome.file(status);
                }
                return Ok(outcome
                    .with("port", port)
                    .with("path", path)
                    .with("search_regex", args.text("search_regex").map(str::to_owned))
                    .with("match_groups", groups)
                    .with("match_groupdict", names)
                    .with("elapsed", elapsed.as_secs()));
            }
            if elapsed >= timeout {
                let message = args
                    .text("msg")
                    .map_or_else(|| late(&args, &state, path.as_deref()), str::to_owned);
                return Err(Outcome::ok().with("elapsed", elapsed.as_secs()).failed(message));
            }
            ctx.clock.sleep(pause.max(Duration::from_millis(100))).await;
        }
    }
}

fn late(args: &Args, state: &str, path: Option<&str>) -> String {
    let what = match (path, args.int("port")) {
        (Some(path), _) => path.to_owned(),
        (None, port) => {
            format!("{}:{}", args.text("host").unwrap_or_default(), port.unwrap_or_default())
        }
    };
    match (state, path, args.text("search_regex")) {
        ("drained", ..) => format!("Timeout when waiting for {what} to drain"),
        ("absent", ..) => format!("Timeout when waiting for {what} to be absent."),
        ("stopped", ..) => format!("Timeout when waiting for {what} to stop."),
        (_, Some(_), Some(text)) => {
            format!("Timeout when waiting for search string {text} in {what}")
        }
        (_, Some(_), None) => format!("Timeout when waiting for file {what}"),
        _ => format!("Timeout when waiting for {what}"),
    }
}

/// Asks until a shell answers; `None` if time is up, with the last reason.
pub(super) async fn answers(
    ctx: &Ctx<'_>,
    command: &str,
    timeout: Duration,
    pause: Duration,
    each: Duration,
) -> Result<(), String> {
    let begin = ctx.clock.monotonic();
    let mut host = ctx.host.clone();
    host.timeout = Some(each);
    loop {
        let why = match host.script(command).await {
            Ok(output) if output.ok() => return Ok(()),
            Ok(output) => super::fields::reason(&output),
            Err(error) => error.to_string(),
        };
        if ctx.clock.monotonic().saturating_sub(begin) >= timeout {
            return Err(why);
        }
        host.target.disconnect().await;
        ctx.clock.sleep(pause.max(Duration::from_millis(100))).await;
    }
}

#[async_trait]
impl Module for WaitForConnection {
    fn spec(&self) -> &'static Spec {
        &CONNECTION
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        if ctx.check {
            let mut outcome = Outcome::ok().with("elapsed", 0);
            outcome.skipped = true;
            return Ok(outcome);
        }
        let begin = ctx.clock.monotonic();
        ctx.clock.sleep(seconds(&args, "delay")).await;
        let each = seconds(&args, "connect_timeout").max(Duration::from_secs(1));
        let done =
            answers(ctx, "exit 0", seconds(&args, "timeout"), seconds(&args, "sleep"), each).await;
        let elapsed = ctx.clock.monotonic().saturating_sub(begin).as_secs();
        match done {
            Ok(()) => Ok(Outcome::ok().with("elapsed", elapsed)),
            Err(why) => Err(Outcome::ok()
                .with("elapsed", elapsed)
                .failed(format!("timed out waiting for ping module test: {why}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::{Bench, Scripted, answer, says};
    use crate::transport::TransportError;
    use serde_json::json;

    #[test]
    fn connections_of_a_port() {
        let table = "  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 00\n   \
                     1: 0100007F:1F90 0100007F:C001 01 00\n   2: 0100007F:1F91 0100007F:C001 06 00\n";
        let states = |s: &str| s.split(',').map(str::to_owned).collect::<Vec<_>>();
        for (port, names, count) in [
            (8080, "ESTABLISHED,TIME_WAIT", 1),
            (8081, "ESTABLISHED,TIME_WAIT", 1),
            (8081, "ESTABLISHED", 0),
            (8080, "LISTEN,ESTABLISHED", 2),
            (80, "ESTABLISHED", 0),
        ] {
            assert_eq!(active(table, port, &states(names)).ok(), Some(count), "{port} {names}");
        }
        assert!(active(table, 80, &states("NOPE")).is_err());
    }

    #[tokio::test]
    async fn waits_with_deadlines() {
        let open = || says("open\n");
        let shut = || says("closed\n");
        for (args, answers, failed, elapsed) in [
            (json!({"port": 1}), vec![open()], false, 0),
            (json!({"port": 1}), vec![shut(), shut(), open()], false, 2),
            (json!({"port": 1, "timeout": 2}), vec![shut(), shut(), shut()], true, 2),
            (json!({"port": 1, "state": "stopped"}), vec![open(), shut()], false, 1),
            (json!({"port": 1, "delay": 3, "sleep": 5}), vec![shut(), open()], false, 8),
            (json!({"port": 1, "state": "drained"}), vec![says("")], false, 0),
            (json!({"timeout": 4}), vec![], false, 4),
        ] {
            let bench = Bench::on(Scripted::new(answers));
            let got = bench.json("wait_for", args.clone()).await;
            assert_eq!(
                (&got["failed"], &got["elapsed"]),
                (&json!(failed), &json!(elapsed)),
                "{args} {got}"
            );
        }
        let bench = Bench::on(Scripted::new([says("none\n")]));
        assert_eq!(bench.json("wait_for", json!({"port": 1, "host": "x"})).await["failed"], true);
    }

    #[tokio::test]
    async fn paths_here() {
        let dir = tempfile::tempdir().unwrap();
        let f = dir.path().join("f").display().to_string();
        std::fs::write(&f, "hello2\n").unwrap();
        let bench = Bench::here();
        let got =
            bench.json("wait_for", json!({"path": f, "search_regex": "^hello(?P<n>.)"})).await;
        assert_eq!(
            (&got["match_groups"], &got["match_groupdict"]),
            (&json!(["2"]), &json!({"n": "2"}))
        );
        for (args, msg) in [
            (json!({"path": f}), json!(null)),
            (json!({"path": format!("{f}x"), "state": "absent"}), json!(null)),
            (
                json!({"path": format!("{f}x"), "timeout": 1}),
                json!(format!("Timeout when waiting for file {f}x")),
            ),
            (
                json!({"path": f, "timeout": 1, "state": "absent"}),
                json!(format!("Timeout when waiting for {f} to be absent.")),
            ),
            (json!({"path": f, "timeout": 1, "search_regex": "zzz", "msg": "mine"}), json!("mine")),
        ] {
            assert_eq!(bench.json("wait_for", args.clone()).await["msg"], msg, "{args}");
        }
    }

    #[tokio::test]
    async fn connections() {
        let lost = || Err(TransportError::Unreachable("refused".into()));
        let bench = Bench::on(Scripted::new([lost(), Ok(answer(1, b"", "")), says("")]));
        let got = bench.json("wait_for_connection", json!({})).await;
        assert_eq!((&got["failed"], &got["elapsed"]), (&json!(false), &json!(2)));
        let bench = Bench::on(Scripted::new([lost(), lost()]));
        let got = bench.json("wait_for_connection", json!({"timeout": 1})).await;
        assert!(got["msg"].as_str().unwrap().ends_with("refused"));
    }
}
