//! systemctl.

use super::{describe, power, programs};
use crate::node::{Active, CONTAINERD, Kind, Machine, Unit, full_name, load_units, start_kubelet};
use crate::tools::flags::{self, Flag, Flags, switch, value};
use crate::tools::session::{Done, Failed, Session};

const FLAGS: [Flag; 20] = [
    switch("quiet").or('q'),
    switch("now"),
    switch("no-pager"),
    switch("no-legend"),
    switch("no-block"),
    switch("plain"),
    switch("all").or('a'),
    switch("force").or('f'),
    switch("failed"),
    switch("value"),
    switch("system"),
    switch("user"),
    switch("global"),
    switch("no-reload"),
    switch("full").or('l'),
    value("property").or('p'),
    value("type").or('t'),
    value("state"),
    value("lines").or('n'),
    switch("version"),
];

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let flags =
        flags::parse(session.words(), &FLAGS).map_err(|_| unknown_option(session.words()))?;
    if flags.on("version") {
        session.line("systemd 252 (252.39-1~deb12u2)").await;
        return Ok(0);
    }
    if flags.on("user") || flags.on("global") {
        return Err(Failed::new(1, "Failed to connect to bus: No medium found"));
    }
    // After `--` come names only.
    let words: Vec<String> =
        flags.words.iter().cloned().chain(flags.rest.clone().unwrap_or_default()).collect();
    let (verb, names) = match words.split_first() {
        Some((verb, names)) => (verb.as_str(), names),
        None => ("list-units", &[][..]),
    };
    load_units(&session.machine)
        .map_err(|error| Failed::new(1, format!("Failed to read unit files: {error}")))?;
    let units: Vec<String> = names.iter().map(|name| full_name(name)).collect();
    match verb {
        "is-active" | "is-failed" => states(session, &flags, verb, &units).await,
        "is-enabled" => is_enabled(session, &flags, &units).await,
        "is-system-running" => running(session).await,
        "show" => describe::show(session, &flags, &units).await,
        "status" => describe::status(session, &flags, &units).await,
        "cat" => describe::cat(session, &units).await,
        "list-units" => describe::list_units(session, &flags, &units).await,
        "list-unit-files" => describe::list_files(session, &flags).await,
        "daemon-reload" | "daemon-reexec" => {
            root_only(session, "reload daemon")?;
            session.seconds(0.3).await;
            Ok(0)
        }
        "start" | "stop" | "restart" | "try-restart" | "reload" | "reload-or-restart" | "kill" => {
            many(session, &flags, verb, &units).await
        }
        "enable" | "disable" | "mask" | "unmask" => files(session, &flags, verb, &units).await,
        "reset-failed" => reset_failed(session, &units),
        "reboot" | "poweroff" | "halt" => {
            root_only(session, "reboot system")?;
            Ok(power::now(session, verb == "reboot"))
        }
        other => Err(Failed::new(1, format!("Unknown command verb {other}."))),
    }
}

fn unknown_option(words: &[String]) -> Failed {
    let bad = words.iter().find(|word| flags::parse(std::slice::from_ref(*word), &FLAGS).is_err());
    Failed::new(1, format!("systemctl: unrecognized option '{}'", bad.map_or("", String::as_str)))
}

fn root_only(session: &Session, what: &str) -> Result<(), Failed> {
    if session.is_root() {
        return Ok(());
    }
    Err(Failed::new(1, format!("Failed to {what}: Interactive authentication required.")))
}

async fn states(session: &Session, flags: &Flags, verb: &str, units: &[String]) -> Done {
    if units.is_empty() {
        return Err(Failed::new(1, "Too few arguments."));
    }
    let mut any = false;
    for name in units {
        let active =
            session.machine.state().units.get(name).map_or(Active::Inactive, |unit| unit.active);
        any |= active == if verb == "is-active" { Active::Active } else { Active::Failed };
        if !flags.on("quiet") {
            session.line(active.word()).await;
        }
    }
    Ok(match (any, verb) {
        (true, _) => 0,
        (false, "is-active") => 3,
        (false, _) => 1,
    })
}

async fn is_enabled(session: &Session, flags: &Flags, units: &[String]) -> Done {
    if units.is_empty() {
        return Err(Failed::new(1, "Too few arguments."));
    }
    let mut enabled = false;
    for name in units {
        let state = session.machine.state().units.get(name).map(|unit| unit.file_state);
        let Some(state) = state else {
            return Err(Failed::new(
                1,
                format!("Failed to get unit file state for {name}: No such file or directory"),
            ));
        };
        enabled |= ["enabled", "static", "alias", "indirect", "generated"].contains(&state);
        if !flags.on("quiet") {
            session.line(state).await;
        }
    }
    Ok(u8::from(!enabled))
}

async fn running(session: &Session) -> Done {
    let (stopping, failed) = {
        let state = session.machine.state();
        (state.stopping, state.units.values().any(|unit| unit.active == Active::Failed))
    };
    let word = match (stopping, failed) {
        (true, _) => "stopping",
        (false, true) => "degraded",
        (false, false) => "running",
    };
    session.line(word).await;
    Ok(u8::from(word != "running"))
}

async fn many(session: &Session, flags: &Flags, verb: &str, units: &[String]) -> Done {
    if units.is_empty() {
        return Err(Failed::new(1, "Too few arguments."));
    }
    for name in units {
        root_only(session, &format!("{verb} {name}"))?;
        one(session, verb, name, flags.on("no-block")).await?;
    }
    Ok(0)
}

/// Refusals before anything is done.
fn startable(machine: &Machine, verb: &str, name: &str) -> Result<Unit, Failed> {
    let Some(unit) = machine.state().units.get(name).cloned() else {
        let text = if verb == "stop" {
            format!("Failed to stop {name}: Unit {name} not loaded.")
        } else {
            format!("Failed to {verb} {name}: Unit {name} not found.")
        };
        return Err(Failed::new(5, text));
    };
    if unit.file_state == "masked" && verb != "stop" {
        return Err(Failed::new(1, format!("Failed to {verb} {name}: Unit {name} is masked.")));
    }
    Ok(unit)
}

async fn one(session: &Session, verb: &str, name: &str, no_block: bool) -> Result<(), Failed> {
    let unit = startable(&session.machine, verb, name)?;
    let verb = match verb {
        "try-restart" if !unit.is_active() => return Ok(()),
        "try-restart" | "reload-or-restart" => "restart",
        other => other,
    };
    match verb {
        "start" if unit.is_active() => Ok(()),
        "start" => start(session, name, &unit, no_block).await,
        "stop" | "kill" => stop(session, name, &unit).await,
        "restart" => {
            stop(session, name, &unit).await?;
            start(session, name, &unit, no_block).await
        }
        _ => match unit.kind {
            Kind::System if unit.is_active() => Ok(()),
            _ => Err(Failed::new(
                3,
                format!(
                    "Failed to reload {name}: Job type reload is not applicable for unit {name}."
                ),
            )),
        },
    }
}

async fn start(session: &Session, name: &str, unit: &Unit, no_block: bool) -> Result<(), Failed> {
    let machine = &session.machine;
    session.seconds(0.3).await;
    match &unit.kind {
        // systemd does not wait for what a simple service does with its life.
        Kind::Kubelet => start_kubelet(machine),
        Kind::Runtime => {
            let now = machine.now();
            let mut state = machine.state();
            let pid = state.pid();
            if let Some(unit) = state.units.get_mut(name) {
                unit.run(pid, now);
                unit.started = Some(CONTAINERD.to_owned());
            }
            drop(state);
            machine.look_again();
        }
        Kind::System | Kind::Timer(_) => {
            let now = machine.now();
            let mut state = machine.state();
            let pid = state.pid();
            if let Some(unit) = state.units.get_mut(name) {
                unit.run(pid, now);
            }
        }
        Kind::Program { once, .. } => {
            let end = programs::start(session, name).await.map_err(|why| failure(name, &why))?;
            if *once && !no_block && end.wait().await != 0 {
                return Err(failure(name, "exit-code"));
            }
        }
    }
    Ok(())
}

fn failure(name: &str, _why: &str) -> Failed {
    Failed::new(
        1,
        format!(
            "Job for {name} failed because the control process exited with error code.\n\
             See \"systemctl status {name}\" and \"journalctl -xeu {name}\" for details."
        ),
    )
}

async fn stop(session: &Session, name: &str, unit: &Unit) -> Result<(), Failed> {
    let machine = &session.machine;
    if unit.active == Active::Inactive {
        return Ok(());
    }
    session.seconds(0.3).await;
    programs::stop(session, name).await;
    let now = machine.now();
    let mut state = machine.state();
    if let Some(unit) = state.units.get_mut(name) {
        unit.stop(now);
    }
    state.log(now, name, "systemd[1]", format!("Stopped {name} - {}.", unit.description));
    if unit.file_state == "transient" {
        state.units.remove(name);
    }
    drop(state);
    machine.look_again();
    Ok(())
}

async fn files(session: &Session, flags: &Flags, verb: &str, units: &[String]) -> Done {
    if units.is_empty() {
        return Err(Failed::new(1, "Too few arguments."));
    }
    for name in units {
        root_only(session, &format!("{verb} unit"))?;
        let known = session.machine.state().units.get(name).cloned();
        let Some(unit) = known else {
            match verb {
                "mask" => {
                    session
                        .complain(format!("Unit {name} does not exist, proceeding anyway."))
                        .await;
                    let mut unit = Unit::new(
                        Kind::System,
                        name,
                        &format!("/etc/systemd/system/{name}"),
                        "masked",
                    );
                    unit.sub = "dead";
                    session.machine.state().units.insert(name.clone(), unit);
                    continue;
                }
                "unmask" => continue,
                _ => {
                    return Err(Failed::new(
                        1,
                        format!("Failed to {verb} unit: Unit file {name} does not exist."),
                    ));
                }
            }
        };
        if unit.file_state == "masked" && (verb == "enable" || verb == "disable") {
            return Err(Failed::new(
                1,
                format!("Failed to {verb} unit: Unit file /etc/systemd/system/{name} is masked."),
            ));
        }
        change_file(session, flags, verb, name, &unit).await;
        if flags.on("now") {
            match verb {
                "enable" => one(session, "start", name, false).await?,
                "disable" | "mask" => one(session, "stop", name, false).await?,
                _ => {}
            }
        }
    }
    Ok(0)
}

/// What becomes of the unit file, and the link that systemctl tells of.
async fn change_file(session: &Session, flags: &Flags, verb: &str, name: &str, unit: &Unit) {
    let wanted_by = format!("/etc/systemd/system/multi-user.target.wants/{name}");
    let own = format!("/etc/systemd/system/{name}");
    let (state, said) = match (verb, unit.file_state) {
        ("enable", "disabled") => {
            ("enabled", format!("Created symlink {wanted_by} → {}.", unit.path))
        }
        ("disable", "enabled") => ("disabled", format!("Removed \"{wanted_by}\".")),
        ("mask", old) if old != "masked" => {
            ("masked", format!("Created symlink {own} → /dev/null."))
        }
        ("unmask", "masked") => ("enabled", format!("Removed \"{own}\".")),
        _ => return,
    };
    {
        let mut state_of = session.machine.state();
        if let Some(unit) = state_of.units.get_mut(name) {
            unit.file_state = state;
            if state == "enabled" && unit.path == own && verb == "unmask" {
                state_of.units.remove(name);
            }
        }
    }
    if !flags.on("quiet") {
        session.complain(said).await;
    }
}

fn reset_failed(session: &Session, units: &[String]) -> Done {
    let mut state = session.machine.state();
    let all: Vec<String> =
        if units.is_empty() { state.units.keys().cloned().collect() } else { units.to_vec() };
    for name in all {
        let Some(unit) = state.units.get_mut(&name) else {
            return Err(Failed::new(
                1,
                format!("Failed to reset failed state of unit {name}: Unit {name} not loaded."),
            ));
        };
        if unit.active == Active::Failed {
            unit.stop(0);
            if unit.file_state == "transient" {
                state.units.remove(&name);
            }
        }
    }
    Ok(0)
}
