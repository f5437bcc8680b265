//! `apt`: packages of Debian and its relatives, by `apt-get` and `dpkg-query`.
//!
//! Neither aptitude nor anything of Python is used on the host, so that `force_apt_get` is always so and
//! `auto_install_module_deps` has nothing to install: both are accepted and cannot change a result.

use super::apt_plan::{Installed, State, Wanted, decide, parse_installed, parse_policy, wanted};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, fields};
use crate::transport::{Output, files, join};
use async_trait::async_trait;
use std::collections::HashMap;
use std::time::Duration;

pub(super) struct Apt;

static SPEC: Spec = Spec {
    names: &["apt"],
    params: &[
        Param::new("name", Kind::TextList).aliases(&["package", "pkg"]),
        Param::new("state", Kind::Text).default("present").choices(&[
            "absent",
            "build-dep",
            "fixed",
            "latest",
            "present",
        ]),
        Param::new("update_cache", Kind::Bool).aliases(&["update-cache"]),
        Param::new("update_cache_retries", Kind::Int).default("5"),
        Param::new("update_cache_retry_max_delay", Kind::Int).default("12"),
        Param::new("cache_valid_time", Kind::Int).default("0"),
        Param::new("purge", Kind::Bool).default("no"),
        Param::new("default_release", Kind::Text).aliases(&["default-release"]),
        Param::new("install_recommends", Kind::Bool).aliases(&["install-recommends"]),
        Param::new("force", Kind::Bool).default("no"),
        Param::new("allow_unauthenticated", Kind::Bool)
            .default("no")
            .aliases(&["allow-unauthenticated"]),
        Param::new("allow_downgrade", Kind::Bool).default("no").aliases(&[
            "allow-downgrade",
            "allow_downgrades",
            "allow-downgrades",
        ]),
        Param::new("allow_change_held_packages", Kind::Bool).default("no"),
        Param::new("auto_install_module_deps", Kind::Bool).default("yes"),
        Param::new("upgrade", Kind::Text)
            .default("no")
            .choices(&["dist", "full", "no", "safe", "yes"]),
        Param::new("dpkg_options", Kind::Text).default("force-confdef,force-confold"),
        Param::new("deb", Kind::Path),
        Param::new("autoremove", Kind::Bool).default("no"),
        Param::new("autoclean", Kind::Bool).default("no"),
        Param::new("clean", Kind::Bool).default("no"),
        Param::new("policy_rc_d", Kind::Int),
        Param::new("only_upgrade", Kind::Bool).default("no"),
        Param::new("fail_on_autoremove", Kind::Bool).default("no"),
        Param::new("force_apt_get", Kind::Bool).default("no"),
        Param::new("lock_timeout", Kind::Int).default("60"),
    ],
    exclusive: &[&["deb", "name"]],
    ..BUILTIN
};

fn refuse(args: &Args) -> Result<(), Failure> {
    if let Some(state @ ("build-dep" | "fixed")) = args.text("state") {
        return Err(Failure::msg(format!("state: {state} is not supported")));
    }
    if args.get("policy_rc_d").is_some() {
        return Err(Failure::msg("policy_rc_d is not supported"));
    }
    if args.text("deb").is_some_and(|deb| deb.contains("://")) {
        return Err(Failure::msg("deb: only a file of the host is supported, not an address"));
    }
    Ok(())
}

/// Words of `apt-get` before the verb.
fn options(args: &Args) -> Vec<String> {
    let mut words: Vec<String> = ["apt-get", "-y", "-q"].map(str::to_owned).to_vec();
    for option in args.text("dpkg_options").unwrap_or_default().split(',').filter(|o| !o.is_empty())
    {
        words.extend(["-o".to_owned(), format!("Dpkg::Options::=--{}", option.trim())]);
    }
    for (name, word) in [
        ("allow_unauthenticated", "--allow-unauthenticated"),
        ("allow_downgrade", "--allow-downgrades"),
        ("allow_change_held_packages", "--allow-change-held-packages"),
        ("only_upgrade", "--only-upgrade"),
        ("fail_on_autoremove", "--no-remove"),
        ("purge", "--purge"),
        ("autoremove", "--auto-remove"),
    ] {
        if args.flag(name) {
            words.push(word.to_owned());
        }
    }
    if args.flag("force") {
        words.extend(
            ["--allow-downgrades", "--allow-remove-essential", "--allow-change-held-packages"]
                .map(str::to_owned),
        );
    }
    if args.get("install_recommends").is_some() {
        let on = if args.flag("install_recommends") { "yes" } else { "no" };
        words.extend(["-o".to_owned(), format!("APT::Install-Recommends={on}")]);
    }
    if let Some(release) = args.text("default_release") {
        words.extend(["-t".to_owned(), release.to_owned()]);
    }
    words
}

const QUIET: &str = "DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical LC_ALL=C LANG=C; \
                     export DEBIAN_FRONTEND DEBIAN_PRIORITY LC_ALL LANG; unset TMPDIR\n";

/// Whether another process holds dpkg's or apt's lock.
fn locked(output: &Output) -> bool {
    let text = output.stderr.text();
    [
        "Could not get lock",
        "Unable to acquire the dpkg frontend lock",
        "is another process using it",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

/// Runs it, waiting for the lock until `lock_timeout` has passed.
async fn apt_get(words: &[String], args: &Args, ctx: &Ctx<'_>) -> Result<Output, Failure> {
    let patience =
        Duration::from_secs(args.int("lock_timeout").unwrap_or(60).max(0).unsigned_abs());
    let begin = ctx.clock.monotonic();
    let script = format!("{QUIET}exec {}", join(words));
    loop {
        let output = ctx.host.script(&script).await?;
        if output.ok() {
            return Ok(output);
        }
        if !locked(&output) || ctx.clock.monotonic().saturating_sub(begin) >= patience {
            return Err(Outcome::ok()
                .with("rc", output.status.code())
                .streams(&output.stdout.text(), &output.stderr.text(), false)
                .failed(format!("'{}' failed: {}", join(words), fields::reason(&output))));
        }
        ctx.clock.sleep(Duration::from_secs(2)).await;
    }
}

/// What the host has.
#[expect(clippy::struct_field_names, reason = "the host's own clock")]
struct Now {
    /// Seconds since 1970.
    cache_time: i64,
    now: i64,
    installed: HashMap<String, Installed>,
    candidates: HashMap<String, String>,
}

async fn probe(wanted: &[Wanted], ctx: &Ctx<'_>) -> Result<Now, Failure> {
    let names: Vec<&str> =
        wanted.iter().map(|w| w.name.as_str()).filter(|n| !n.contains(['*', '?', '['])).collect();
    let policy = if names.is_empty() {
        "say ''\n".to_owned()
    } else {
        format!("say \"$(apt-cache policy {} 2>/dev/null)\"\n", join(&names))
    };
    let script = format!(
        "{QUIET}command -v apt-get >/dev/null 2>&1 || fail 'apt-get is not there'\n\
         s=/var/lib/apt/periodic/update-success-stamp; [ -e $s ] || s=/var/lib/apt/lists\n\
         say \"$(stat -c %Y $s 2>/dev/null || echo 0)\" \"$(date +%s)\"\n\
         say \"$(dpkg-query -W -f '${{Package}}|${{Architecture}}|${{Version}}|${{db:Status-Abbrev}}|${{Provides}}\\n' 2>/dev/null)\"\n{policy}"
    );
    let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
    Ok(Now {
        cache_time: answer.number()?,
        now: answer.number()?,
        installed: parse_installed(&answer.text()?),
        candidates: parse_policy(&answer.text()?),
    })
}

/// Whether `apt-get -s` (or a real run) did anything.
fn did_something(stdout: &str) -> bool {
    !stdout.contains("0 upgraded, 0 newly installed, 0 to remove")
        && stdout.contains("newly installed")
}

pub(super) async fn update(args: &Args, ctx: &Ctx<'_>) -> Result<(), Failure> {
    let words = ["apt-get", "-q", "update"].map(str::to_owned);
    let retries = args.int("update_cache_retries").unwrap_or(5).clamp(0, 100);
    let most = args.int("update_cache_retry_max_delay").unwrap_or(12).max(0).unsigned_abs();
    for attempt in 0..=retries {
        match apt_get(&words, args, ctx).await {
            Ok(output) if !output.stderr.text().contains("Failed to fetch") => return Ok(()),
            Ok(output) if attempt == retries => {
                return Err(Failure::msg(format!(
                    "Failed to update apt cache: {}",
                    fields::reason(&output)
                )));
            }
            Err(failure @ Failure::Transport(_)) => return Err(failure),
            Err(failure) if attempt == retries => return Err(failure),
            _ => {}
        }
        let pause = (1u64 << attempt.min(10)).min(most);
        ctx.clock.sleep(Duration::from_secs(pause)).await;
    }
    Ok(())
}

async fn act(words: Vec<String>, args: &Args, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    let mut words = words;
    if ctx.check {
        words.insert(1, "-s".to_owned());
    }
    let output = apt_get(&words, args, ctx).await?;
    let stdout = output.stdout.text();
    Ok(Outcome::changed(did_something(&stdout)).streams(&stdout, &output.stderr.text(), false))
}

#[async_trait]
impl Module for Apt {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        refuse(&args)?;
        let wanted = wanted(&args.texts("name"))?;
        let mut now = probe(&wanted, ctx).await?;
        let valid = args.int("cache_valid_time").unwrap_or(0);
        let updates = args.flag("update_cache") || args.get("update_cache").is_none() && valid > 0;
        let mut updated = false;
        if updates && (valid == 0 || now.cache_time + valid <= now.now) {
            if !ctx.check {
                update(&args, ctx).await?;
                now = probe(&wanted, ctx).await?;
            }
            updated = true;
        }
        let mut outcome = packages(&args, &wanted, &now, ctx).await?;
        let nothing_else =
            wanted.is_empty() && args.text("deb").is_none() && args.text("upgrade") == Some("no");
        outcome.changed |= updated && nothing_else;
        Ok(outcome.with("cache_updated", updated).with("cache_update_time", now.cache_time))
    }
}

async fn packages(
    args: &Args,
    wanted: &[Wanted],
    now: &Now,
    ctx: &Ctx<'_>,
) -> Result<Outcome, Failure> {
    let options = options(args);
    let with = |verb: &[&str]| -> Vec<String> {
        options.iter().cloned().chain(verb.iter().map(|w| (*w).to_owned())).collect()
    };
    let mut outcome = Outcome::ok();
    match args.text("upgrade") {
        Some("dist" | "full") => outcome = act(with(&["dist-upgrade"]), args, ctx).await?,
        Some("yes" | "safe") => {
            outcome = act(with(&["upgrade", "--with-new-pkgs"]), args, ctx).await?;
        }
        _ => {}
    }
    if let Some(deb) = args.text("deb") {
        let path = super::common::expand(ctx.host, deb).await?;
        let absolute = if path.starts_with('/') { path } else { format!("./{path}") };
        return act(with(&["install", &absolute]), args, ctx).await;
    }
    let state = match args.text("state") {
        Some("absent") => State::Absent,
        Some("latest") => State::Latest,
        _ => State::Present,
    };
    let todo = decide(wanted, state, args.flag("only_upgrade"), &now.installed, &now.candidates)?;
    if !todo.is_empty() {
        let verb = if state == State::Absent { "remove" } else { "install" };
        let words: Vec<String> = with(&[verb, "--"]).into_iter().chain(todo).collect();
        let changed = outcome.changed;
        outcome = act(words, args, ctx).await?;
        outcome.changed |= changed;
    } else if args.flag("autoremove") {
        let changed = outcome.changed;
        outcome = act(with(&["autoremove"]), args, ctx).await?;
        outcome.changed |= changed;
    }
    for (flag, verb) in [("autoclean", "autoclean"), ("clean", "clean")] {
        if args.flag(flag) && !ctx.check {
            apt_get(&with(&[verb]), args, ctx).await?;
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::{Bench, Scripted, answer, says};
    use serde_json::json;

    fn probed(installed: &str, policy: &str) -> String {
        format!("1000\0{}\0{installed}\0{policy}\0end\0", 5000)
    }

    #[tokio::test]
    async fn asks_once_and_acts_only_if_needed() {
        let bash = "bash|amd64|5.2|ii |\n";
        let policy = "cowsay:\n  Installed: (none)\n  Candidate: 3.03\n";
        let did = "0 upgraded, 2 newly installed, 0 to remove and 129 not upgraded.\n";
        for (args, check, answers, changed, scripts) in [
            (json!({"name": "bash"}), false, vec![says(&probed(bash, ""))], false, 1),
            (
                json!({"name": "cowsay"}),
                false,
                vec![says(&probed(bash, policy)), says(did)],
                true,
                2,
            ),
            (
                json!({"name": "cowsay"}),
                true,
                vec![says(&probed(bash, policy)), says(did)],
                true,
                2,
            ),
            (
                json!({"name": "cowsay", "state": "absent"}),
                false,
                vec![says(&probed(bash, policy))],
                false,
                1,
            ),
            (
                json!({"update_cache": true, "cache_valid_time": 3600}),
                false,
                vec![says(&probed(bash, "")), says(""), says(&probed(bash, ""))],
                true,
                3,
            ),
            (
                json!({"update_cache": true, "cache_valid_time": 9000, "name": "bash"}),
                false,
                vec![says(&probed(bash, ""))],
                false,
                1,
            ),
        ] {
            let target = Scripted::new(answers);
            let mut bench = Bench::on(target.clone());
            bench.check = check;
            let got = bench.json("apt", args.clone()).await;
            assert_eq!(
                (&got["changed"], target.scripts().len()),
                (&json!(changed), scripts),
                "{args} {got}"
            );
            if let (true, Some(last)) = (check, target.scripts().last()) {
                assert!(last.contains("apt-get -s -y"), "{last}");
            }
        }
    }

    #[tokio::test]
    async fn waits_for_the_lock_but_not_for_ever() {
        let busy = || Ok(answer(100, b"", "E: Could not get lock /var/lib/dpkg/lock-frontend"));
        let policy = "cowsay:\n  Installed: (none)\n  Candidate: 3.03\n";
        let target =
            Scripted::new([says(&probed("", policy)), busy(), busy(), says("1 newly installed")]);
        let bench = Bench::on(target.clone());
        assert_eq!(bench.json("apt", json!({"name": "cowsay"})).await["changed"], true);
        let target = Scripted::new([says(&probed("", policy)), busy(), busy()]);
        let bench = Bench::on(target.clone());
        let got = bench.json("apt", json!({"name": "cowsay", "lock_timeout": 2})).await;
        assert_eq!((&got["failed"], &got["rc"]), (&json!(true), &json!(100)));
    }

    #[tokio::test]
    async fn refuses_by_name() {
        for args in [
            json!({"name": "x", "state": "build-dep"}),
            json!({"deb": "https://x/y.deb"}),
            json!({"name": "x", "policy_rc_d": 101}),
        ] {
            let bench = Bench::on(Scripted::new([]));
            let got = bench.json("apt", args).await;
            assert!(got["msg"].as_str().unwrap().contains("supported"), "{got}");
        }
        let bench = Bench::on(Scripted::new([says(&probed("", ""))]));
        let got = bench.json("apt", json!({"name": "nosuchpkg"})).await;
        assert_eq!(got["msg"], "No package matching 'nosuchpkg' is available");
    }
}
