//! `reboot`: the host goes down and comes back as another boot.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::wait_for::answers;
use super::{Ask, Ctx, Failure, Module, Outcome, fields};
use crate::journal::{Effect, Ended};
use crate::transport::{files, quote};
use async_trait::async_trait;
use std::time::Duration;

pub(super) struct Reboot;

static SPEC: Spec = Spec {
    names: &["reboot"],
    params: &[
        Param::new("pre_reboot_delay", Kind::Int).default("0"),
        Param::new("post_reboot_delay", Kind::Int).default("0"),
        Param::new("reboot_timeout", Kind::Int).default("600").aliases(&["reboot_timeout_sec"]),
        Param::new("connect_timeout", Kind::Int).aliases(&["connect_timeout_sec"]),
        Param::new("test_command", Kind::Text).default("whoami"),
        Param::new("msg", Kind::Text).default("Reboot initiated by mainstay"),
        Param::new("search_paths", Kind::TextList)
            .default("/sbin,/bin,/usr/sbin,/usr/bin,/usr/local/sbin"),
        Param::new("boot_time_command", Kind::Text),
        Param::new("reboot_command", Kind::Text),
    ],
    ..BUILTIN
};

/// One boot of a machine: the kernel's boot id, and when process 1 started (a container has its own).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Boot {
    id: String,
    /// Of process 1, in clock ticks since the kernel's boot.
    start: String,
}

const IDENTITY: &str = "say \"$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)\" \"$(cut -d')' -f2- /proc/1/stat 2>/dev/null | cut -d' ' -f21)\"\n";

/// The same with the user's own command in place of the boot id.
fn identity(args: &Args) -> String {
    match args.text("boot_time_command") {
        Some(command) => {
            format!("o=$({command}) || fail \"boot_time_command failed\"\nsay \"$o\" ''\n")
        }
        None => IDENTITY.to_owned(),
    }
}

async fn boot(args: &Args, ctx: &Ctx<'_>) -> Result<Boot, Failure> {
    let mut answer = files::ask(ctx.host, &identity(args), Vec::new()).await?;
    let boot =
        Boot { id: answer.text()?.trim().to_owned(), start: answer.text()?.trim().to_owned() };
    if boot.id.is_empty() && boot.start.is_empty() {
        return Err(Failure::msg(
            "the host does not tell its boots apart: no boot id and no start of process 1",
        ));
    }
    Ok(boot)
}

/// Starts it detached, so that the channel closes in order before the host goes down: a timer of systemd if there is
/// one, else a session of its own.
fn script(args: &Args) -> String {
    let delay = args.int("pre_reboot_delay").unwrap_or(0).max(0) + 2;
    let paths = args.texts("search_paths").join(":");
    let command = args.text("reboot_command").map_or_else(
        || format!("shutdown -r now {}", quote(args.text("msg").unwrap_or_default())),
        str::to_owned,
    );
    format!(
        "PATH={}:$PATH\nexport PATH\nc={}\ncommand -v \"${{c%% *}}\" >/dev/null 2>&1 || fail \"${{c%% *}} is not there\"\n\
         if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then\n\
         try systemd-run --collect --on-active={delay} --timer-property=AccuracySec=100ms /bin/sh -c \"$c\"\n\
         elif command -v setsid >/dev/null 2>&1; then setsid sh -c \"sleep {delay}; $c\" </dev/null >/dev/null 2>&1 &\n\
         else nohup sh -c \"sleep {delay}; $c\" </dev/null >/dev/null 2>&1 &\nfi\nsay started\n",
        quote(&paths),
        quote(&command)
    )
}

/// Waits until the host answers as another boot, then until the test command succeeds.
async fn comes_back(before: &Boot, args: &Args, ctx: &Ctx<'_>) -> Result<(), String> {
    let number = |name: &str, or: i64| {
        Duration::from_secs(args.int(name).unwrap_or(or).max(0).unsigned_abs())
    };
    let begin = ctx.clock.monotonic();
    let deadline = number("reboot_timeout", 600);
    let each = number("connect_timeout", 10).max(Duration::from_secs(1));
    let mut host = ctx.host.clone();
    host.timeout = Some(each);
    let mut pause = Duration::from_secs(1);
    loop {
        ctx.clock.sleep(pause).await;
        host.target.disconnect().await;
        let why = match files::ask(&host, &identity(args), Vec::new()).await {
            Ok(mut answer) => {
                let now = Boot {
                    id: answer.text().unwrap_or_default().trim().to_owned(),
                    start: answer.text().unwrap_or_default().trim().to_owned(),
                };
                if now != *before {
                    break;
                }
                "it still answers as the boot before".to_owned()
            }
            Err(error) => error.to_string(),
        };
        if ctx.clock.monotonic().saturating_sub(begin) >= deadline {
            return Err(format!("timed out waiting for the reboot: {why}"));
        }
        pause = (pause * 2).min(Duration::from_secs(12));
    }
    ctx.clock.sleep(number("post_reboot_delay", 0)).await;
    let test = args.text("test_command").unwrap_or("whoami");
    let left = deadline.saturating_sub(ctx.clock.monotonic().saturating_sub(begin));
    answers(ctx, test, left, Duration::from_secs(2), each.max(Duration::from_secs(60)))
        .await
        .map_err(|why| format!("timed out waiting for the test command: {why}"))
}

#[async_trait]
impl Module for Reboot {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        if ctx.host.target.is_local() {
            return Err(Failure::msg(
                "Running reboot with local connection would reboot the control node.",
            ));
        }
        if ctx.check {
            return Ok(Outcome::changed(true).with("elapsed", 0).with("rebooted", true));
        }
        let begin = ctx.clock.monotonic();
        let before = boot(&args, ctx).await?;
        let journal = |e: mainstay_language::diag::Diagnostic| Failure::msg(e.to_string());
        let effect = Effect::Reboot { host: ctx.host.name.to_string() };
        let receipt = ctx.effects.intend(effect).map_err(journal)?;
        let sent = files::ask(ctx.host, &script(&args), Vec::new()).await;
        match sent {
            Ok(_) => {}
            // The connection may go down with the host: whether it rebooted is seen below.
            Err(files::FileError::Transport(error)) if error.is_unreachable() => {}
            Err(error) => {
                ctx.effects.ended(receipt, Ended::Failed, &error.to_string()).map_err(journal)?;
                return Err(Outcome::ok()
                    .with("rebooted", false)
                    .failed(format!("reboot command failed: {error}")));
            }
        }
        let back = comes_back(&before, &args, ctx).await;
        let elapsed = ctx.clock.monotonic().saturating_sub(begin).as_secs();
        match back {
            Ok(()) => {
                ctx.effects.ended(receipt, Ended::Done, "").map_err(journal)?;
                let mut outcome =
                    Outcome::changed(true).with("rebooted", true).with("elapsed", elapsed);
                outcome.asks.push(Ask::Reconnect);
                Ok(outcome)
            }
            Err(why) => {
                ctx.effects.ended(receipt, Ended::Unknown, &why).map_err(journal)?;
                let at = fields::moment(ctx.clock.now());
                Err(Outcome::changed(true)
                    .with("rebooted", true)
                    .with("elapsed", elapsed)
                    .with("end", at)
                    .failed(why))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::{Bench, Scripted, says};
    use serde_json::json;

    fn args(json: serde_json::Value) -> Args {
        let raw = mainstay_language::value::Value::from(json);
        Args::check(&SPEC, raw.as_map().unwrap()).unwrap()
    }

    #[test]
    fn the_reboot_is_detached_and_quoted() {
        let text = script(&args(json!({"msg": "it's time", "pre_reboot_delay": 5})));
        assert!(text.contains("--on-active=7"), "{text}");
        assert!(text.contains("sleep 7"), "{text}");
        let text = script(&args(json!({"reboot_command": "systemctl reboot"})));
        assert!(text.contains("c='systemctl reboot'"), "{text}");
    }

    #[tokio::test]
    async fn another_boot_is_the_proof() {
        let lost = || Err(crate::transport::TransportError::Unreachable("down".into()));
        let boot = |id: &str| says(&format!("{id}\x005\0end\0"));
        let a = args(json!({"reboot_timeout": 20}));
        let before = Boot { id: "a".into(), start: "5".into() };
        for (answers, ok) in [
            (vec![boot("b"), says("root")], true),
            (vec![boot("a"), lost(), lost(), boot("b"), says("root")], true),
            (vec![lost(), boot("b"), lost(), says("root")], true),
            (vec![boot("a"), boot("a"), boot("a"), boot("a"), boot("a")], false),
            (vec![lost(), lost(), lost(), lost(), lost()], false),
        ] {
            let bench = Bench::on(Scripted::new(answers));
            let done = bench.with_ctx(async |ctx| comes_back(&before, &a, ctx).await).await;
            assert_eq!(done.is_ok(), ok, "{done:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_without_a_receipt() {
        // The bench's journal cannot be written.
        let target = Scripted::new([says("a\x005\0end\0")]);
        let bench = Bench::on(target.clone());
        let got = bench.json("reboot", json!({})).await;
        assert_eq!((&got["failed"], target.scripts().len()), (&json!(true), 1));
        assert_eq!(Bench::here().json("reboot", json!({})).await["failed"], true);
        let mut bench = Bench::on(Scripted::new([]));
        bench.check = true;
        assert_eq!(bench.json("reboot", json!({})).await["changed"], true);
    }
}
