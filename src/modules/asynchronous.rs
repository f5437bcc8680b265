//! Jobs that outlive their task: `async` with `poll: 0`, and `async_status`.
//!
//! A job is a detached script on the host. Under `~/.ansible_async` it keeps `JID` (JSON: what runs, and how it ended),
//! `JID.out` and `JID.err`. Only `command` and `shell` can run like that: everything else decides on the controller.

use super::command::{Job, command_job, result, script, shell_job};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::{Captured, Output, Status, files, quote};
use async_trait::async_trait;
use mainstay_language::value::{Map, Value};
use std::time::Duration;

pub(super) struct AsyncStatus;

static SPEC: Spec = Spec {
    names: &["async_status"],
    params: &[
        Param::new("jid", Kind::Text).required(),
        Param::new("mode", Kind::Text).default("status").choices(&["status", "cleanup"]),
    ],
    ..BUILTIN
};

const DIRECTORY: &str = "d=${ANSIBLE_ASYNC_DIR:-$HOME/.ansible_async}\n";

fn job(module: &str, args: &Args) -> Result<Job, Failure> {
    match module {
        "command" => command_job(args),
        "shell" => shell_job(args),
        other => {
            Err(Failure::msg(format!("async is supported for command and shell, not for {other}")))
        }
    }
}

/// Starts `command` or `shell` (checked arguments) as a job and returns at once, with `ansible_job_id`,
/// `results_file`, `started` and `finished`. `jid` is a name of letters, digits and dots that the run has not used
/// before; the job is killed after `limit`.
///
/// # Errors
/// Another module, no such program as `timeout` on the host, or the transport's.
pub async fn start(
    module: &str,
    args: &Args,
    jid: &str,
    limit: Duration,
    ctx: &Ctx<'_>,
) -> Result<Outcome, Failure> {
    check_name(jid)?;
    if args.get("stdin").is_some() {
        return Err(Failure::msg("async with stdin is not supported"));
    }
    let job = job(module, args)?;
    let mut head = Map::new();
    head.insert("ansible_job_id", jid);
    head.insert("started", 1);
    head.insert("cmd", job.shown.clone());
    head.insert("limit", limit.as_secs());
    let head = Value::Map(head).to_json().to_string();
    // The end is written under another name and moved: a reader sees the old state or the new one.
    let wrapper = format!(
        "timeout -k 5 {} /bin/sh -c {} >\"$1.out\" 2>\"$1.err\" </dev/null\nr=$?\n\
         printf '%s,\"finished\":1,\"rc\":%s,\"begin_s\":%s,\"end_s\":%s}}' {} \"$r\" \"$2\" \"$(date +%s)\" > \"$1.tmp\" && mv -f \"$1.tmp\" \"$1\"",
        limit.as_secs().max(1),
        quote(&script(args, Some(&job))),
        quote(head.strip_suffix('}').unwrap_or(&head)),
    );
    let text = format!(
        "command -v timeout >/dev/null 2>&1 || fail 'async needs the program timeout on the host'\n{DIRECTORY}\
         try mkdir -p -m 0700 \"$d\"\nf=$d/{jid}\n[ ! -e \"$f\" ] || fail \"$f exists\"\n\
         umask 077\ne=$( {{ printf '%s' {} > \"$f\"; }} 2>&1 ) || fail \"$e\"\n\
         s=; command -v setsid >/dev/null 2>&1 && s=setsid\n\
         $s sh -c {} sh \"$f\" \"$(date +%s)\" </dev/null >/dev/null 2>&1 &\nsay \"$f\"\n",
        quote(&head),
        quote(&wrapper)
    );
    let file = files::ask(ctx.host, &text, Vec::new()).await?.text()?;
    Ok(Outcome::changed(true)
        .with("ansible_job_id", jid)
        .with("results_file", file)
        .with("started", true)
        .with("finished", false))
}

fn check_name(jid: &str) -> Result<(), Failure> {
    let fits = !jid.is_empty()
        && !jid.starts_with('.')
        && jid.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if fits { Ok(()) } else { Err(Failure::msg(format!("{jid:?} is no job id"))) }
}

/// How a job is: `finished` false while it runs; the command's own result (or failure) when it has ended.
///
/// # Errors
/// There is no such job, it failed or was killed, or the transport's.
pub async fn status(jid: &str, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    check_name(jid)?;
    let text = format!(
        "{DIRECTORY}f=$d/{jid}\nsay \"$f\"\nif [ -f \"$f\" ]; then say \"$(cat \"$f\")\" \"$(cat \"$f.out\" 2>/dev/null; echo x)\" \
         \"$(cat \"$f.err\" 2>/dev/null; echo x)\"; else say '' '' ''; fi\n"
    );
    let mut answer = files::ask(ctx.host, &text, Vec::new()).await?;
    let (file, state, out, err) = (answer.text()?, answer.text()?, answer.text()?, answer.text()?);
    let base = |outcome: Outcome, finished: bool| {
        outcome
            .with("ansible_job_id", jid)
            .with("results_file", file.as_str())
            .with("started", true)
            .with("finished", finished)
    };
    let Ok(state) = serde_json::from_str::<serde_json::Value>(&state) else {
        return Err(base(Outcome::ok(), true).streams("", "", true).failed("could not find job"));
    };
    if state.get("finished").is_none() {
        return Ok(base(Outcome::ok(), false).streams("", "", true));
    }
    let number = |key: &str| state.get(key).and_then(serde_json::Value::as_i64).unwrap_or_default();
    if number("rc") == 124 {
        let limit = number("limit");
        return Err(base(Outcome::ok(), true)
            .streams(&out, &err, true)
            .failed(format!("Job reached maximum time limit of {limit} seconds.")));
    }
    let captured = |text: &str| Captured {
        bytes: text.strip_suffix("x\n").or(text.strip_suffix('x')).unwrap_or(text).into(),
        omitted: 0,
    };
    let output = Output {
        status: Status::Exited(i32::try_from(number("rc")).unwrap_or(1)),
        stdout: captured(&out),
        stderr: captured(&err),
    };
    let shown = state.get("cmd").cloned().map_or(Value::Null, Value::from);
    let at = |key: &str| jiff::Timestamp::from_second(number(key)).unwrap_or_default();
    let took = Duration::from_secs((number("end_s") - number("begin_s")).max(0).unsigned_abs());
    let job = Job { words: String::new(), program: String::new(), name: String::new(), shown };
    match result(&output, &Args::default(), &job, (at("begin_s"), at("end_s"), took)) {
        Ok(outcome) => Ok(base(outcome, true)),
        Err(Failure::Failed(outcome)) => Err(Failure::Failed(Box::new(base(*outcome, true)))),
        Err(other) => Err(other),
    }
}

#[async_trait]
impl Module for AsyncStatus {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let jid = args.text("jid").unwrap_or_default();
        if args.text("mode") == Some("status") {
            return status(jid, ctx).await;
        }
        check_name(jid)?;
        let text = format!(
            "{DIRECTORY}f=$d/{jid}\nsay \"$f\"\ntry rm -f \"$f\" \"$f.out\" \"$f.err\" \"$f.tmp\"\n"
        );
        let file = files::ask(ctx.host, &text, Vec::new()).await?.text()?;
        Ok(Outcome::ok().with("ansible_job_id", jid).with("erased", file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::Bench;
    use serde_json::json;

    #[tokio::test]
    async fn jobs_here() {
        let dir = tempfile::tempdir().unwrap();
        let mut bench = Bench::here();
        let home = dir.path().join("jobs").display().to_string();
        bench.host.environment = vec![("ANSIBLE_ASYNC_DIR".into(), home)];
        for (jid, module, text, limit, rc, stdout) in [
            ("j1.1", "shell", "echo 'a b'; echo e >&2; exit 3", 60, json!(3), json!("a b")),
            ("j1.2", "command", "echo hi", 60, json!(0), json!("hi")),
            ("j1.3", "command", "nosuchprog", 60, json!(2), json!("")),
        ] {
            let spec = crate::modules::find(module).unwrap().spec();
            let raw = Value::from(json!({"_raw_params": text}));
            let args = Args::check(spec, raw.as_map().unwrap()).unwrap();
            let limit = Duration::from_secs(limit);
            let started = bench
                .with_ctx(async |ctx| start(module, &args, jid, limit, ctx).await.ok())
                .await
                .unwrap();
            assert_eq!(started.fields.get("finished").map(Value::is_true), Some(false));
            let got = loop {
                let got = bench.json("async_status", json!({"jid": jid})).await;
                if got["finished"] == true {
                    break got;
                }
                tokio::task::yield_now().await;
            };
            assert_eq!((&got["rc"], &got["stdout"]), (&rc, &stdout), "{got}");
            assert_eq!(got["failed"], json!(rc != json!(0)));
            bench.json("async_status", json!({"jid": jid, "mode": "cleanup"})).await;
            assert_eq!(
                bench.json("async_status", json!({"jid": jid})).await["msg"],
                "could not find job"
            );
        }
        for jid in ["", "../x", "a b", ".x"] {
            assert_eq!(bench.json("async_status", json!({"jid": jid})).await["failed"], true);
        }
        let other = bench.with_ctx(async |ctx| {
            start("copy", &Args::default(), "j", Duration::ZERO, ctx).await.is_err()
        });
        assert!(other.await);
    }
}
