//! What systemctl tells of units: show, status, cat, lists.

use super::journal;
use crate::node::{Active, Kind, Unit};
use crate::tools::flags::Flags;
use crate::tools::session::{Done, Failed, Session};
use crate::tools::when;

/// Properties of `systemctl show`, in systemd's order.
fn properties(name: &str, unit: Option<&Unit>) -> Vec<(&'static str, String)> {
    let missing = Unit::new(Kind::System, name, "", "");
    let it = unit.unwrap_or(&missing);
    let load = match (unit, it.file_state) {
        (None, _) => "not-found",
        (Some(_), "masked") => "masked",
        _ => "loaded",
    };
    let kind = match &it.kind {
        Kind::Program { once: true, .. } => "oneshot",
        _ => "simple",
    };
    let restart = if matches!(it.kind, Kind::Kubelet | Kind::Runtime) { "always" } else { "no" };
    let result = if it.active == Active::Failed { "exit-code" } else { "success" };
    let stamp = if it.since == 0 { String::new() } else { when::systemd(it.since) };
    let active_since = if it.is_active() { stamp.clone() } else { String::new() };
    let yes = |is: bool| (if is { "yes" } else { "no" }).to_owned();
    vec![
        ("Type", kind.to_owned()),
        ("Restart", restart.to_owned()),
        ("RemainAfterExit", yes(matches!(it.kind, Kind::Program { remains: true, .. }))),
        ("MainPID", it.pid.to_string()),
        ("Result", result.to_owned()),
        ("NRestarts", it.restarts.to_string()),
        ("ExecMainPID", it.pid.to_string()),
        ("ExecMainStatus", it.status.unwrap_or(0).to_string()),
        ("Id", name.to_owned()),
        ("Names", name.to_owned()),
        ("Description", it.description.clone()),
        ("LoadState", load.to_owned()),
        ("ActiveState", it.active.word().to_owned()),
        ("SubState", it.sub.to_owned()),
        ("FragmentPath", it.path.clone()),
        ("UnitFileState", it.file_state.to_owned()),
        (
            "UnitFilePreset",
            if it.file_state.is_empty() { String::new() } else { "enabled".to_owned() },
        ),
        ("StateChangeTimestamp", stamp),
        ("ActiveEnterTimestamp", active_since),
        ("CanStart", yes(load == "loaded")),
        ("CanStop", yes(load == "loaded")),
        ("CanReload", "no".to_owned()),
        ("NeedDaemonReload", "no".to_owned()),
        ("Transient", yes(it.file_state == "transient")),
    ]
}

pub(super) async fn show(session: &Session, flags: &Flags, units: &[String]) -> Done {
    let wanted = flags.all("property");
    let mut blocks = Vec::new();
    for name in units {
        let unit = session.machine.state().units.get(name).cloned();
        let all = properties(name, unit.as_ref());
        let chosen =
            all.into_iter().filter(|(key, _)| wanted.is_empty() || wanted.iter().any(|w| w == key));
        let line = |(key, value): (&str, String)| {
            if flags.on("value") { format!("{value}\n") } else { format!("{key}={value}\n") }
        };
        blocks.push(chosen.map(line).collect::<String>());
    }
    session.out(blocks.join("\n")).await;
    Ok(0)
}

pub(super) async fn status(session: &Session, flags: &Flags, units: &[String]) -> Done {
    if units.is_empty() {
        return Err(Failed::new(1, "systemctl: status without a unit is not supported by the lab"));
    }
    let mut code = 0;
    for name in units {
        let unit = session.machine.state().units.get(name).cloned();
        let Some(unit) = unit else {
            return Err(Failed::new(4, format!("Unit {name} could not be found.")));
        };
        let lines = flags.get("lines").and_then(|n| n.parse().ok()).unwrap_or(10);
        session.out(one_status(session, name, &unit, lines)).await;
        if !unit.is_active() {
            code = 3;
        }
    }
    Ok(code)
}

fn one_status(session: &Session, name: &str, unit: &Unit, lines: usize) -> String {
    let now = session.machine.now();
    let mark = match unit.active {
        Active::Active | Active::Activating => "●",
        Active::Failed => "×",
        Active::Inactive => "○",
    };
    let loaded = match unit.file_state {
        "masked" => format!("masked (Reason: Unit {name} is masked.)"),
        "transient" => format!("loaded ({}; transient)\n  Transient: yes", unit.path),
        state => format!("loaded ({}; {state}; preset: enabled)", unit.path),
    };
    let word = match unit.active {
        Active::Failed => "failed (Result: exit-code)".to_owned(),
        Active::Activating => format!("activating ({}) (Result: exit-code)", unit.sub),
        other => format!("{} ({})", other.word(), unit.sub),
    };
    let since = if unit.since == 0 {
        String::new()
    } else {
        format!(" since {}; {} ago", when::systemd(unit.since), when::span(now - unit.since))
    };
    let mut text = format!(
        "{mark} {name} - {}\n     Loaded: {loaded}\n     Active: {word}{since}\n",
        unit.description
    );
    let program = match &unit.kind {
        Kind::Program { argv, .. } => {
            argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word)).to_owned()
        }
        _ => name.trim_end_matches(".service").to_owned(),
    };
    if unit.pid != 0 {
        text.push_str(&format!(
            "   Main PID: {} ({program})\n     CGroup: /system.slice/{name}\n",
            unit.pid
        ));
    }
    if let (Some(status), 0) = (unit.status.filter(|_| unit.active == Active::Failed), unit.pid) {
        text.push_str(&format!(
            "   Main PID: ({program}) (code=exited, status={status}/FAILURE)\n"
        ));
    }
    let log = journal::of_unit(session, name, lines);
    if !log.is_empty() {
        text.push('\n');
        text.push_str(&log);
    }
    text
}

pub(super) async fn cat(session: &Session, units: &[String]) -> Done {
    for name in units {
        let unit = session.machine.state().units.get(name).cloned();
        let Some(unit) = unit else {
            return Err(Failed::new(1, format!("No files found for {name}.")));
        };
        let text = match session.machine.files.text(&unit.path) {
            Ok(text) => text,
            Err(_) => packaged(&unit),
        };
        session.out(format!("# {}\n{text}", unit.path)).await;
    }
    Ok(0)
}

/// The file of a unit that a package brought.
fn packaged(unit: &Unit) -> String {
    let program = match unit.kind {
        Kind::Kubelet => "/usr/bin/kubelet",
        Kind::Runtime => "/usr/bin/containerd",
        _ => "/bin/true",
    };
    format!(
        "[Unit]\nDescription={}\n\n[Service]\nExecStart={program}\nRestart=always\nStartLimitInterval=0\nRestartSec=10\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        unit.description
    )
}

/// Whether `--type` and `--state` mean it.
fn chosen(flags: &Flags, name: &str, unit: &Unit) -> bool {
    let kinds = flags.all("type");
    let states = flags.all("state");
    let kind = kinds.is_empty() || kinds.iter().any(|kind| name.ends_with(&format!(".{kind}")));
    let state = states.is_empty()
        || states.iter().any(|s| s == unit.active.word() || s == unit.sub || s == unit.file_state);
    kind && state
}

pub(super) async fn list_units(session: &Session, flags: &Flags, names: &[String]) -> Done {
    let units = session.machine.state().units.clone();
    let visible = |(name, unit): &(&String, &Unit)| {
        let shown =
            flags.on("all") || unit.active != Active::Inactive || !flags.all("state").is_empty();
        let failed = !flags.on("failed") || unit.active == Active::Failed;
        shown && failed && chosen(flags, name, unit) && (names.is_empty() || names.contains(name))
    };
    let rows: Vec<[String; 5]> = units
        .iter()
        .filter(visible)
        .map(|(name, unit)| {
            let load = if unit.file_state == "masked" { "masked" } else { "loaded" };
            [
                name.clone(),
                load.to_owned(),
                unit.active.word().to_owned(),
                unit.sub.to_owned(),
                unit.description.clone(),
            ]
        })
        .collect();
    let header = ["UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"].map(str::to_owned);
    let with_header = !flags.on("no-legend");
    let all: Vec<&[String; 5]> = with_header.then_some(&header).into_iter().chain(&rows).collect();
    let mark = |unit: &str| {
        let failed = units.get(unit).is_some_and(|u| u.active == Active::Failed);
        if flags.on("plain") {
            ""
        } else if failed {
            "● "
        } else {
            "  "
        }
    };
    let widths: Vec<usize> = (0..4)
        .map(|i| all.iter().filter_map(|row| row.get(i)).map(String::len).max().unwrap_or(0))
        .collect();
    for row in &all {
        let [unit, load, active, sub, description] = row;
        let cells: String = [unit, load, active, sub]
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$} "))
            .collect();
        session.line(format!("{}{cells}{description}", mark(unit))).await;
    }
    if with_header {
        session.out(legend(rows.len(), flags.on("all"))).await;
    }
    Ok(0)
}

fn legend(count: usize, all: bool) -> String {
    if count == 0 {
        return "0 loaded units listed.\n".to_owned();
    }
    let more = if all { "" } else { " Pass --all to see loaded but inactive units, too." };
    format!(
        "\nLOAD   = Reflects whether the unit definition was properly loaded.\n\
         ACTIVE = The high-level unit activation state, i.e. generalization of SUB.\n\
         SUB    = The low-level unit activation state, values depend on unit type.\n\
         {count} loaded units listed.{more}\nTo show all installed unit files use 'systemctl list-unit-files'.\n"
    )
}

pub(super) async fn list_files(session: &Session, flags: &Flags) -> Done {
    let units = session.machine.state().units.clone();
    let rows: Vec<(&String, &str, &str)> = units
        .iter()
        .filter(|(name, unit)| unit.file_state != "transient" && chosen(flags, name, unit))
        .map(|(name, unit)| {
            (name, unit.file_state, if unit.file_state == "static" { "-" } else { "enabled" })
        })
        .collect();
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).max(9);
    if !flags.on("no-legend") {
        session.line(format!("{:<width$} {:<8} PRESET", "UNIT FILE", "STATE")).await;
    }
    for (name, state, preset) in &rows {
        session.line(format!("{name:<width$} {state:<8} {preset}")).await;
    }
    if !flags.on("no-legend") {
        session.line(format!("\n{} unit files listed.", rows.len())).await;
    }
    Ok(0)
}
