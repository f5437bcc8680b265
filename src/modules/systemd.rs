//! `systemd` (`systemd_service`) and `service`: units of systemd.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, fields};
use crate::transport::{files, join, quote};
use async_trait::async_trait;
use mainstay_language::value::Map;

pub(super) struct Systemd;
pub(super) struct Service;

static SYSTEMD: Spec = Spec {
    names: &["systemd", "systemd_service"],
    params: &[
        Param::new("name", Kind::Text).aliases(&["service", "unit"]),
        Param::new("state", Kind::Text).choices(&["reloaded", "restarted", "started", "stopped"]),
        Param::new("enabled", Kind::Bool),
        Param::new("force", Kind::Bool),
        Param::new("masked", Kind::Bool),
        Param::new("daemon_reload", Kind::Bool).default("no").aliases(&["daemon-reload"]),
        Param::new("daemon_reexec", Kind::Bool).default("no").aliases(&["daemon-reexec"]),
        Param::new("scope", Kind::Text).default("system").choices(&["system", "user", "global"]),
        Param::new("no_block", Kind::Bool).default("no"),
    ],
    one_of: &[&["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]],
    ..BUILTIN
};

static SERVICE: Spec = Spec {
    names: &["service"],
    params: &[
        Param::new("name", Kind::Text).required(),
        Param::new("state", Kind::Text).choices(&["reloaded", "restarted", "started", "stopped"]),
        Param::new("enabled", Kind::Bool),
        Param::new("sleep", Kind::Int),
        Param::new("pattern", Kind::Text),
        Param::new("runlevel", Kind::Text),
        Param::new("arguments", Kind::Text).aliases(&["args"]),
        Param::new("use", Kind::Text).default("auto"),
    ],
    one_of: &[&["state", "enabled"]],
    ..BUILTIN
};

/// What systemd says about a unit.
#[derive(Debug, Clone, Default, PartialEq)]
struct Unit {
    /// All properties of `systemctl show`.
    properties: Map,
    /// `systemctl is-enabled`.
    enabled: String,
    /// Something is known by that name (a unit file, or a script in init.d).
    found: bool,
}

impl Unit {
    /// From the output of `systemctl show` and `is-enabled`.
    fn parse(show: &str, enabled: &str, init_script: bool) -> Self {
        let mut properties = Map::new();
        for (key, value) in show.lines().filter_map(|line| line.split_once('=')) {
            properties.insert(key, value);
        }
        let load = properties.get("LoadState").map(mainstay_language::value::string);
        let found = !matches!(load.as_deref(), None | Some("not-found")) || init_script;
        Self { properties, enabled: enabled.trim().to_owned(), found }
    }

    fn is(&self, key: &str, values: &[&str]) -> bool {
        self.properties.get(key).and_then(|v| v.as_str()).is_some_and(|v| values.contains(&v))
    }

    fn running(&self) -> bool {
        self.is("ActiveState", &["active", "activating", "reloading"])
    }

    fn is_enabled(&self) -> bool {
        matches!(
            self.enabled.as_str(),
            "enabled" | "enabled-runtime" | "alias" | "static" | "indirect" | "generated"
        )
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
struct Wish<'a> {
    state: Option<&'a str>,
    enabled: Option<bool>,
    masked: Option<bool>,
}

/// The verbs of `systemctl` that are needed, in order; pure.
fn decide(unit: &Unit, wish: Wish<'_>) -> Vec<&'static str> {
    let mut verbs = Vec::new();
    let masked = unit.is("LoadState", &["masked"]) || unit.enabled == "masked";
    match wish.masked {
        Some(true) if !masked => verbs.push("mask"),
        Some(false) if masked => verbs.push("unmask"),
        _ => {}
    }
    match wish.enabled {
        Some(true) if !unit.is_enabled() => verbs.push("enable"),
        Some(false)
            if unit.is_enabled()
                && !matches!(
                    unit.enabled.as_str(),
                    "static" | "indirect" | "generated" | "alias"
                ) =>
        {
            verbs.push("disable");
        }
        _ => {}
    }
    match wish.state {
        Some("started") if !unit.running() => verbs.push("start"),
        Some("stopped") if unit.running() || unit.is("ActiveState", &["deactivating"]) => {
            verbs.push("stop");
        }
        Some("restarted") => verbs.push("restart"),
        Some("reloaded") => verbs.push(if unit.running() { "reload" } else { "start" }),
        _ => {}
    }
    verbs
}

fn systemctl(args: &Args) -> Vec<&'static str> {
    let mut words = vec!["systemctl"];
    match args.text("scope") {
        Some("user") => words.push("--user"),
        Some("global") => words.push("--global"),
        _ => {}
    }
    if args.flag("no_block") {
        words.push("--no-block");
    }
    if args.flag("force") {
        words.push("--force");
    }
    words
}

async fn command(words: &[&str], ctx: &Ctx<'_>) -> Result<(), Failure> {
    let output = ctx.host.argv(words).await?;
    if output.ok() {
        return Ok(());
    }
    Err(Outcome::ok()
        .with("rc", output.status.code())
        .with("cmd", join(words))
        .streams(&output.stdout.text(), &output.stderr.text(), false)
        .failed(format!("{} failed: {}", join(words), fields::reason(&output))))
}

async fn probe(name: &str, args: &Args, ctx: &Ctx<'_>) -> Result<Unit, Failure> {
    let ctl = join(&systemctl(args)[..]);
    let unit = quote(name);
    let init = quote(name.strip_suffix(".service").unwrap_or(name));
    let script = format!(
        "command -v systemctl >/dev/null 2>&1 || fail 'systemctl is not there: only systemd is supported'\n\
         o=$({ctl} show -- {unit} 2>&1) || fail \"$o\"\nsay \"$o\"\n\
         say \"$({ctl} is-enabled -- {unit} 2>/dev/null)\"\n\
         if [ -x /etc/init.d/{init} ]; then say 1; else say ''; fi"
    );
    let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
    let (show, enabled, init) = (answer.text()?, answer.text()?, answer.text()?);
    Ok(Unit::parse(&show, &enabled, !init.is_empty()))
}

async fn run(args: &Args, ctx: &Ctx<'_>) -> Result<Outcome, Failure> {
    let ctl = systemctl(args);
    for (flag, verb) in [("daemon_reload", "daemon-reload"), ("daemon_reexec", "daemon-reexec")] {
        if args.flag(flag) && !ctx.check {
            command(&[&ctl[..], &[verb]].concat(), ctx).await?;
        }
    }
    let flag = |name: &str| args.get(name).map(|_| args.flag(name));
    let wish = Wish { state: args.text("state"), enabled: flag("enabled"), masked: flag("masked") };
    let Some(name) = args.text("name") else {
        if wish.state.is_some() || wish.enabled.is_some() || wish.masked.is_some() {
            return Err(Failure::msg("missing required arguments: name"));
        }
        return Ok(Outcome::ok()
            .with("name", mainstay_language::value::Value::Null)
            .with("status", Map::new()));
    };
    if name.contains(['*', '?', '[']) {
        return Err(Failure::msg(format!(
            "This module does not currently support using glob patterns, found '{name}' in service name"
        )));
    }
    let unit = probe(name, args, ctx).await?;
    let stops_nothing =
        wish.state == Some("stopped") && wish.enabled.is_none() && wish.masked.is_none();
    if !unit.found && !stops_nothing && wish.masked != Some(true) {
        return Err(Failure::msg(format!("Could not find the requested service {name}: host")));
    }
    let verbs = decide(&unit, wish);
    if !ctx.check {
        // --now is not used: each verb reports its own failure.
        for verb in &verbs {
            command(&[&ctl[..], &[*verb, "--", name]].concat(), ctx).await?;
        }
    }
    let mut outcome = Outcome::changed(!verbs.is_empty())
        .with("name", name)
        .with("status", unit.properties.clone());
    if let Some(state) = wish.state {
        let now = if matches!(state, "restarted" | "reloaded") { "started" } else { state };
        outcome = outcome.with("state", now);
    }
    if let Some(enabled) = wish.enabled {
        outcome = outcome.with("enabled", enabled);
    }
    Ok(outcome)
}

#[async_trait]
impl Module for Systemd {
    fn spec(&self) -> &'static Spec {
        &SYSTEMD
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        run(&args, ctx).await
    }
}

#[async_trait]
impl Module for Service {
    fn spec(&self) -> &'static Spec {
        &SERVICE
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        for name in ["pattern", "runlevel", "arguments"] {
            if args.text(name).is_some_and(|t| !t.is_empty()) {
                return Err(Failure::msg(format!(
                    "{name} is not supported: it is for init systems other than systemd"
                )));
            }
        }
        if !matches!(
            args.text("use"),
            Some("auto" | "systemd" | "ansible.builtin.systemd" | "ansible.legacy.systemd")
        ) {
            return Err(Failure::msg("use: only systemd is supported"));
        }
        match (args.int("sleep"), args.text("state")) {
            // Between stop and start: two verbs instead of `restart`.
            (Some(seconds), Some("restarted")) if seconds > 0 => {
                let mut stop = args.clone();
                stop.0.insert("state", "stopped");
                run(&stop, ctx).await?;
                if !ctx.check {
                    ctx.clock.sleep(std::time::Duration::from_secs(seconds.unsigned_abs())).await;
                }
                let mut start = args;
                start.0.insert("state", "started");
                let mut outcome = run(&start, ctx).await?;
                outcome.changed = true;
                Ok(outcome)
            }
            _ => run(&args, ctx).await,
        }
    }
}

#[cfg(test)]
#[path = "systemd_tests.rs"]
mod tests;
