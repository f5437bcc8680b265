//! Jobs that outlive their task: `async`, and `async_status`.
//!
//! A job is a detached script on the host. Under `ansible_async_dir` (or `$ANSIBLE_ASYNC_DIR` of the task's environment;
//! default `~/.ansible_async`) it keeps `JID` (JSON: what runs, and how it ended), `JID.sh`, `JID.in`, `JID.out` and
//! `JID.err`, readable for its user alone. Only `command` and `shell` can run like that: everything else decides on the
//! controller.

use super::command::{Job, command_job, result, script, shell_job, stdin};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, Answer};
use crate::transport::{Captured, Output, Status, quote};
use async_trait::async_trait;
use mainstay_language::template::Site;
use mainstay_language::value::{Map, Value, string};
use serde_json::Value as Json;
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

/// What of the arguments the result of a job depends on; kept with the job, because another run may ask for it.
const KEPT: [&str; 4] = ["chdir", "creates", "removes", "strip_empty_ends"];

/// Starts the job `$1`, kills its process group after `$2` seconds, and completes `$3`, the head of its state. The end is
/// written under another name and moved: a reader sees the old state or the new one. What was cleaned up stays away.
const WRAPPER: &str = r#"b=$(date +%s.%N)
setsid /bin/sh "$1.sh" <"$1.in" >"$1.out" 2>"$1.err" & p=$!
setsid /bin/sh -c 'sleep "$2"; : >"$1.late"; kill -s KILL -- "-$3"' sh "$1" "$2" "$p" & w=$!
wait "$p"; r=$?
kill -s KILL -- "-$w" || kill -s KILL "$w"
late=0; [ -e "$1.late" ] && [ "$r" = 137 ] && late=1
rm -f "$1.late" "$1.sh" "$1.in"
umask 077
[ ! -e "$1" ] || printf '%s,"finished":1,"rc":%s,"late":%s,"begin":"%s","end":"%s"}' \
    "$3" "$r" "$late" "$b" "$(date +%s.%N)" >"$1.tmp" && mv -f "$1.tmp" "$1""#;

/// Answers a stream of the job: most of what `command` keeps of it, with the count of bytes left out.
const STREAM: &str = r#"stream() { [ -f "$1" ] || { echo x; return; }
n=$(($(wc -c <"$1")))
if [ $n -gt 1572864 ]; then head -c 786432 "$1"
printf '\n[%s bytes left out]\n' $((n-1572864)); tail -c 786432 "$1"; else cat "$1"; fi; echo x; }
"#;

/// Whether this module can run as a job.
#[must_use]
pub fn detaches(module: &str) -> bool {
    matches!(module, "command" | "shell")
}

fn job(module: &str, args: &Args) -> Result<Job, Failure> {
    match module {
        "command" => command_job(args),
        "shell" => shell_job(args),
        other => Err(Failure::msg(format!(
            "async with poll: 0 is supported for command and shell, not for {other}"
        ))),
    }
}

/// Shell text that sets `d` to the directory of jobs and `f` to the file of this one.
fn place(jid: &str, ctx: &Ctx<'_>) -> Result<String, Failure> {
    let fits = !jid.is_empty()
        && !jid.starts_with('.')
        && jid.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if !fits {
        return Err(Failure::msg(format!("{jid:?} is no job id")));
    }
    let said = match ctx.scope.get("ansible_async_dir") {
        Some(raw) => {
            Some(ctx.templar.render(&raw, &ctx.scope, &Site::default()).map_err(|e| {
                Failure::msg(format!("ansible_async_dir: {}", e.diagnostic.message))
            })?)
        }
        None => None,
    };
    let directory = match said.as_ref().map(string).filter(|text| !text.is_empty()) {
        Some(text) => super::words::expanding(&text),
        None => "${ANSIBLE_ASYNC_DIR:-$HOME/.ansible_async}".to_owned(),
    };
    Ok(format!("d={directory}\nf=$d/{jid}\n"))
}

/// Starts `command` or `shell` (checked arguments) as a job and returns at once, with `ansible_job_id`,
/// `results_file`, `started` and `finished`. `jid` is a name of letters, digits and dots that the run has not used
/// before; the job's process group is killed after `limit`.
///
/// # Errors
/// Another module, no such program as `setsid` on the host, or the transport's.
pub async fn start(
    module: &str,
    args: &Args,
    jid: &str,
    limit: Duration,
    ctx: &Ctx<'_>,
) -> Result<Outcome, Failure> {
    let job = job(module, args)?;
    let mut kept = Map::new();
    for name in KEPT {
        if let Some(value) = args.get(name) {
            kept.insert(name, value.clone());
        }
    }
    let mut head = Map::new();
    head.insert("ansible_job_id", jid);
    head.insert("started", 1);
    head.insert("cmd", job.shown.clone());
    head.insert("name", job.name.clone());
    head.insert("args", kept);
    let head = Value::Map(head).to_json().to_string();
    let text = format!(
        "command -v setsid >/dev/null 2>&1 || fail 'async needs the program setsid on the host'\n{}\
         u=$(umask); umask 077\ntry mkdir -p \"$d\"\n[ ! -e \"$f\" ] || fail \"$f exists\"\n\
         put() {{ e=$({{ printf '%s' \"$2\" >\"$1\"; }} 2>&1) || fail \"$e\"; }}\n\
         put \"$f.sh\" {}\nput \"$f.out\" ''\nput \"$f.err\" ''\n\
         e=$({{ cat >\"$f.in\"; }} 2>&1) || fail \"$e\"\nput \"$f\" {}\numask \"$u\"\n\
         setsid /bin/sh -c {} sh \"$f\" {} {} </dev/null >/dev/null 2>&1 &\nsay \"$f\"\n",
        place(jid, ctx)?,
        quote(&script(args, Some(&job))),
        quote(&head),
        quote(WRAPPER),
        limit.as_secs().max(1),
        quote(head.strip_suffix('}').unwrap_or(&head)),
    );
    let file = files::ask(ctx.host, &text, stdin(args)).await?.text()?;
    Ok(Outcome::changed(true)
        .with("ansible_job_id", jid)
        .with("results_file", file)
        .with("started", true)
        .with("finished", false))
}

/// How a job is: `finished` false while it runs; the command's own result (or failure) when it has ended.
///
/// # Errors
/// There is no such job, it failed or was killed, or the transport's.
pub async fn status(jid: &str, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    let text = format!(
        "{}{STREAM}say \"$f\"\nif [ -f \"$f\" ]; then say \"$(cat \"$f\")\" \"$(stream \"$f.out\")\" \
         \"$(stream \"$f.err\")\"; else say '' '' ''; fi\n",
        place(jid, ctx)?
    );
    let mut answer = files::ask(ctx.host, &text, Vec::new()).await?;
    let file = answer.text()?;
    let outcome = ended(&mut answer);
    let finished = !matches!(outcome, Ok(None));
    let base = |outcome: Outcome| {
        outcome
            .with("ansible_job_id", jid)
            .with("results_file", file.as_str())
            .with("started", true)
            .with("finished", finished)
    };
    match outcome {
        Ok(outcome) => Ok(base(outcome.unwrap_or_else(|| Outcome::ok().streams("", "", true)))),
        Err(Failure::Failed(outcome)) => Err(Failure::Failed(Box::new(base(*outcome)))),
        Err(other) => Err(other),
    }
}

fn no_job() -> Outcome {
    Outcome::ok().streams("", "", true).with("msg", "could not find job")
}

/// The result of a job that has ended, from its state and streams; `None` while it runs.
fn ended(answer: &mut Answer) -> Result<Option<Outcome>, Failure> {
    let (state, out, err) = (answer.text()?, answer.text()?, answer.text()?);
    let Ok(state) = serde_json::from_str::<Json>(&state) else {
        return Err(Failure::Failed(Box::new(no_job())));
    };
    if state.get("finished").is_none() {
        return Ok(None);
    }
    let number = |key: &str| state.get(key).and_then(Json::as_i64).unwrap_or_default();
    if number("late") == 1 {
        return Err(Outcome::ok().streams("", "", true).failed("Timeout exceeded"));
    }
    let captured =
        |text: &str| Captured { bytes: text.strip_suffix('x').unwrap_or(text).into(), omitted: 0 };
    let output = Output {
        status: Status::Exited(i32::try_from(number("rc")).unwrap_or(1)),
        stdout: captured(&out),
        stderr: captured(&err),
    };
    let at = |key: &str| moment(state.get(key).and_then(Json::as_str).unwrap_or_default());
    let (begin, end) = (at("begin"), at("end"));
    let took = Duration::try_from(end.duration_since(begin)).unwrap_or_default();
    let value = |key: &str| state.get(key).cloned().map_or(Value::Null, Value::from);
    let args = Args(value("args").as_map().cloned().unwrap_or_default());
    let job = Job {
        words: String::new(),
        program: String::new(),
        name: string(&value("name")),
        shown: value("cmd"),
    };
    result(&output, &args, &job, (begin, end, took)).map(Some)
}

/// `SECONDS.NANOSECONDS` of `date`; whole seconds where it knows no nanoseconds.
fn moment(text: &str) -> jiff::Timestamp {
    let (seconds, part) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds = if part.len() == 9 { part.parse().unwrap_or(0) } else { 0 };
    jiff::Timestamp::new(seconds.parse().unwrap_or(0), nanoseconds).unwrap_or_default()
}

/// Removes what is kept of a job. One that still runs goes on, and leaves nothing either.
///
/// # Errors
/// There is no such job, its files cannot be removed, or the transport's.
pub async fn cleanup(jid: &str, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    let text = format!(
        "{}say \"$f\"\nif [ -f \"$f\" ]; then try rm -f \"$f\" \"$f.out\" \"$f.err\"; say erased; \
         else say ''; fi\n",
        place(jid, ctx)?
    );
    let mut answer = files::ask(ctx.host, &text, Vec::new()).await?;
    let file = answer.text()?;
    if answer.text()?.is_empty() {
        let outcome = no_job().with("ansible_job_id", jid).with("results_file", file);
        return Err(Failure::Failed(Box::new(
            outcome.with("started", true).with("finished", true),
        )));
    }
    Ok(Outcome::ok()
        .streams("", "", true)
        .with("ansible_job_id", jid)
        .with("erased", file)
        .with("started", false)
        .with("finished", false))
}

#[async_trait]
impl Module for AsyncStatus {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let jid = args.text("jid").unwrap_or_default();
        match args.text("mode") {
            Some("cleanup") => cleanup(jid, ctx).await,
            _ => status(jid, ctx).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::Bench;
    use serde_json::json;

    /// A bench whose jobs are in a directory of the test.
    fn bench(dir: &tempfile::TempDir) -> Bench {
        let mut bench = Bench::here();
        let home = dir.path().join("jobs").display().to_string();
        bench.host.environment = vec![("ANSIBLE_ASYNC_DIR".into(), home)];
        bench
    }

    /// Starts a job and asks until it has ended.
    async fn run(bench: &Bench, jid: &str, module: &str, args: Json, limit: u64) -> Json {
        let spec = crate::modules::find(module).unwrap().spec();
        let raw = Value::from(args);
        let args = Args::check(spec, raw.as_map().unwrap()).unwrap();
        let limit = Duration::from_secs(limit);
        let started =
            bench.with_ctx(async |ctx| start(module, &args, jid, limit, ctx).await.ok()).await;
        let started = started.unwrap();
        assert_eq!(started.fields.get("finished").map(Value::is_true), Some(false));
        loop {
            let got = bench.json("async_status", json!({"jid": jid})).await;
            if got["finished"] == true {
                return got;
            }
            tokio::task::yield_now().await;
        }
    }

    /// What ansible-core 2.19 answered for the same tasks.
    #[tokio::test]
    async fn results_are_those_of_ansible() {
        let dir = tempfile::tempdir().unwrap();
        let bench = bench(&dir);
        let here = dir.path().display().to_string();
        let umask = std::process::Command::new("sh").args(["-c", "umask"]).output().unwrap();
        let umask = String::from_utf8(umask.stdout).unwrap().trim().to_owned();
        for (jid, module, args, rc, stdout, msg) in [
            (
                "j1.1",
                "shell",
                json!({"_raw_params": "echo 'a b'; echo e >&2; exit 3"}),
                json!(3),
                "a b",
                "non-zero return code",
            ),
            ("j1.2", "command", json!({"_raw_params": "echo hi"}), json!(0), "hi", ""),
            (
                "j1.3",
                "command",
                json!({"_raw_params": "nosuchprog"}),
                json!(2),
                "",
                "Error executing command: no such file or directory: nosuchprog",
            ),
            (
                "j1.4",
                "shell",
                json!({"_raw_params": "x", "creates": "/"}),
                json!(0),
                "skipped, since / exists",
                "Did not run command since '/' exists",
            ),
            (
                "j1.5",
                "shell",
                json!({"_raw_params": "pwd; umask", "chdir": here}),
                json!(0),
                &format!("{here}\n{umask}"),
                "",
            ),
            ("j1.6", "shell", json!({"_raw_params": "cat", "stdin": "in"}), json!(0), "in", ""),
            (
                "j1.7",
                "command",
                json!({"_raw_params": "echo", "strip_empty_ends": false}),
                json!(0),
                "\n",
                "",
            ),
            // Those of `timeout`, of a killed program, and nothing of ours.
            (
                "j1.8",
                "shell",
                json!({"_raw_params": "exit 124"}),
                json!(124),
                "",
                "non-zero return code",
            ),
            (
                "j1.9",
                "shell",
                json!({"_raw_params": "kill -9 $$"}),
                json!(137),
                "",
                "non-zero return code",
            ),
        ] {
            let got = run(&bench, jid, module, args, 60).await;
            assert_eq!(
                (&got["rc"], &got["stdout"], &got["msg"]),
                (&rc, &json!(stdout), &json!(msg)),
                "{got}"
            );
            assert_eq!(got["failed"], json!(rc != json!(0)));
            let erased = bench.json("async_status", json!({"jid": jid, "mode": "cleanup"})).await;
            assert_eq!(
                (&erased["finished"], &erased["started"]),
                (&json!(false), &json!(false)),
                "{erased}"
            );
            for mode in ["status", "cleanup"] {
                let gone = bench.json("async_status", json!({"jid": jid, "mode": mode})).await;
                assert_eq!(
                    (&gone["msg"], &gone["finished"]),
                    (&json!("could not find job"), &json!(true))
                );
            }
        }
        assert_eq!(std::fs::read_dir(dir.path().join("jobs")).unwrap().count(), 0);
    }

    /// All that the job started is killed at its limit, what ignores SIGTERM as well.
    #[tokio::test]
    async fn the_limit_kills_the_process_group() {
        let dir = tempfile::tempdir().unwrap();
        let bench = bench(&dir);
        let (pid, alive) = (dir.path().join("pid"), dir.path().join("alive"));
        let script = format!(
            "trap '' TERM; (trap '' TERM; sh -c 'echo $PPID' > {}; sleep 60; touch {}) & wait",
            pid.display(),
            alive.display()
        );
        let got = run(&bench, "j2", "shell", json!({"_raw_params": script}), 1).await;
        assert_eq!((&got["failed"], &got["msg"]), (&json!(true), &json!("Timeout exceeded")));
        let pid = std::fs::read_to_string(pid).unwrap();
        let process = format!("/proc/{}/stat", pid.trim());
        // Killed, and perhaps not yet reaped by whoever inherits it.
        let state = std::fs::read_to_string(process).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
    }

    /// The program has the umask of the host, its files here are nobody else's.
    #[tokio::test]
    async fn the_files_of_a_job_are_its_users_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let bench = bench(&dir);
        run(&bench, "j3", "shell", json!({"_raw_params": "echo s3cret"}), 60).await;
        for entry in std::fs::read_dir(dir.path().join("jobs")).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{entry:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_job_is_refused() {
        let bench = Bench::here();
        for jid in ["", "../x", "a b", ".x"] {
            assert_eq!(bench.json("async_status", json!({"jid": jid})).await["failed"], true);
        }
        let other = bench.with_ctx(async |ctx| {
            start("copy", &Args::default(), "j", Duration::ZERO, ctx).await.is_err()
        });
        assert!(other.await);
    }
}
