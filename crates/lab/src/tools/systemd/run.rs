//! systemd-run.

use super::programs::{self, environment};
use crate::node::{Active, Kind, Machine, Program, Site, Unit, full_name};
use crate::tools::flags::{self, Flag, Flags, switch, value};
use crate::tools::proxy;
use crate::tools::session::{Done, Failed, Session};
use std::sync::Arc;
use std::time::Duration;

const FLAGS: [Flag; 21] = [
    value("unit").or('u'),
    value("setenv").or('E'),
    value("on-active"),
    value("timer-property"),
    value("property").or('p'),
    value("description"),
    value("uid"),
    value("gid"),
    value("working-directory"),
    value("service-type"),
    switch("collect").or('G'),
    switch("quiet").or('q'),
    switch("wait"),
    switch("pipe").or('P'),
    switch("pty").or('t'),
    switch("no-block"),
    switch("no-ask-password"),
    switch("remain-after-exit").or('r'),
    switch("same-dir").or('d'),
    switch("scope"),
    switch("system"),
];

/// The command line ends where the program begins.
fn split(words: &[String]) -> (Vec<String>, Vec<String>) {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            return (
                words.get(..at).unwrap_or_default().to_vec(),
                words.get(at + 1..).unwrap_or_default().to_vec(),
            );
        }
        if !word.starts_with('-') {
            break;
        }
        let short = word.len() == 2 && ["-u", "-E", "-p"].contains(&word.as_str());
        let long = [
            "--unit",
            "--setenv",
            "--on-active",
            "--timer-property",
            "--property",
            "--description",
            "--uid",
            "--gid",
            "--working-directory",
            "--service-type",
        ];
        at += if short || long.contains(&word.as_str()) { 2 } else { 1 };
    }
    (words.get(..at).unwrap_or(words).to_vec(), words.get(at..).unwrap_or_default().to_vec())
}

pub(in crate::tools) async fn run(session: &Session) -> Done {
    let (options, argv) = split(session.words());
    let flags = flags::parse(&options, &FLAGS).map_err(|why| {
        Failed::new(
            1,
            format!(
                "systemd-run: {}",
                why.replace("unknown flag:", "unrecognized option").replace(": --", " '--")
            ),
        )
    })?;
    for refused in ["scope", "uid", "gid", "service-type"] {
        if flags.get(refused).is_some() {
            return Err(Failed::new(
                1,
                format!("systemd-run: --{refused} is not supported by the lab"),
            ));
        }
    }
    let Some(program) = argv.first() else {
        return Err(Failed::new(1, "Command line to execute required."));
    };
    if !session.is_root() {
        return Err(Failed::new(
            1,
            "Failed to start transient service unit: Interactive authentication required.",
        ));
    }
    if program.starts_with('/') && !session.machine.files.has(program) && !shared(program) {
        return Err(Failed::new(
            1,
            format!("Failed to find executable {program}: No such file or directory"),
        ));
    }
    let name = match flags.get("unit") {
        Some(name) => full_name(name.trim_end_matches(".timer")),
        None => format!("run-r{}.service", random(session)),
    };
    match flags.get("on-active") {
        Some(after) => timer(session, &flags, &name, argv, after).await,
        None if flags.on("pipe") || flags.on("pty") => {
            foreground(session, &flags, &name, argv).await
        }
        None => background(session, &flags, &name, argv).await,
    }
}

/// Programs of the machine's own /usr and /bin may not be seen in the node's root from outside.
fn shared(program: &str) -> bool {
    ["/bin/", "/sbin/", "/usr/", "/lib/"].iter().any(|directory| program.starts_with(directory))
}

fn random(session: &Session) -> String {
    use sha2::Digest;
    let seed = format!(
        "{} {} {}",
        session.machine.moment(),
        session.call.pid,
        session.machine.state().pid()
    );
    sha2::Sha256::digest(seed.as_bytes())
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn unit(flags: &Flags, name: &str, argv: &[String]) -> Unit {
    let pairs = flags.all("setenv");
    let environment = pairs
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()));
    let kind = Kind::Program {
        argv: argv.to_vec(),
        environment: environment.collect(),
        once: false,
        remains: flags.on("remain-after-exit"),
    };
    let description = flags.get("description").map_or_else(|| argv.join(" "), str::to_owned);
    let mut unit =
        Unit::new(kind, &description, &format!("/run/systemd/transient/{name}"), "transient");
    unit.collect = flags.on("collect");
    unit
}

/// A name is free, or what had it is over.
fn claim(machine: &Machine, name: &str, unit: Unit) -> Result<(), Failed> {
    let mut state = machine.state();
    match state.units.get(name) {
        Some(old) if old.file_state != "transient" || old.active != Active::Inactive => {
            Err(Failed::new(
                1,
                format!(
                    "Failed to start transient service unit: Unit {name} was already loaded or has a fragment file."
                ),
            ))
        }
        _ => {
            state.units.insert(name.to_owned(), unit);
            Ok(())
        }
    }
}

async fn background(session: &Session, flags: &Flags, name: &str, argv: Vec<String>) -> Done {
    claim(&session.machine, name, unit(flags, name, &argv))?;
    let end = programs::start(session, name).await.map_err(|why| {
        session.machine.state().units.remove(name);
        Failed::new(1, format!("Failed to start transient service unit: {why}"))
    })?;
    if !flags.on("quiet") {
        session.complain(format!("Running as unit: {name}")).await;
    }
    if !flags.on("wait") {
        return Ok(0);
    }
    let status = end.wait().await;
    finished(session, flags, status).await;
    Ok(u8::try_from(status).unwrap_or(255))
}

async fn finished(session: &Session, flags: &Flags, status: i32) {
    if flags.on("quiet") {
        return;
    }
    let result = if status == 0 { "success" } else { "exit-code" };
    session
        .complain(format!(
            "Finished with result: {result}\nMain processes terminated with: code=exited/status={status}\nService runtime: 5ms"
        ))
        .await;
}

/// `--pipe` and `--pty`: this process's own input and output.
async fn foreground(session: &Session, flags: &Flags, name: &str, argv: Vec<String>) -> Done {
    let unit = unit(flags, name, &argv);
    let Kind::Program { environment: more, .. } = &unit.kind else { return Ok(1) };
    let directory = match flags.get("working-directory") {
        Some(directory) => directory.to_owned(),
        None if flags.on("same-dir") => session.call.directory.clone(),
        None => "/".to_owned(),
    };
    let program = Program {
        argv,
        environment: environment(more),
        directory,
        user: (0, 0),
        terminal: flags.on("pty"),
    };
    claim(&session.machine, name, unit)?;
    if !flags.on("quiet") {
        session.complain(format!("Running as unit: {name}")).await;
    }
    let code = proxy::run(session, program).await;
    session.machine.state().units.remove(name);
    let code = code
        .map_err(|why| Failed::new(1, format!("Failed to start transient service unit: {why}")))?;
    if flags.on("wait") {
        finished(session, flags, i32::from(code)).await;
    }
    Ok(code)
}

async fn timer(
    session: &Session,
    flags: &Flags,
    name: &str,
    argv: Vec<String>,
    after: &str,
) -> Done {
    let Some(after) = seconds(after) else {
        return Err(Failed::new(1, format!("Failed to parse timer value: {after}")));
    };
    let timer_name = name.replace(".service", ".timer");
    let service = unit(flags, name, &argv);
    let mut timer = Unit::new(
        Kind::Timer(name.to_owned()),
        &service.description,
        &format!("/run/systemd/transient/{timer_name}"),
        "transient",
    );
    timer.run(0, session.machine.now());
    timer.sub = "waiting";
    claim(&session.machine, &timer_name, timer)?;
    claim(&session.machine, name, service)?;
    if !flags.on("quiet") {
        session
            .complain(format!(
                "Running timer as unit: {timer_name}\nWill run service as unit: {name}"
            ))
            .await;
    }
    let (machine, site) = (Arc::clone(&session.machine), Arc::clone(&session.site));
    tokio::spawn(elapse(machine, site, timer_name, name.to_owned(), argv, after));
    Ok(0)
}

/// Starts what the timer is for, if the timer is still there by then.
async fn elapse(
    machine: Arc<Machine>,
    site: Arc<Site>,
    timer: String,
    name: String,
    argv: Vec<String>,
    after: Duration,
) {
    site.pace.wait(after).await;
    if machine.state().units.remove(&timer).is_none() {
        return;
    }
    let kind = machine.state().units.get(&name).map(|unit| unit.kind.clone());
    let Some(Kind::Program { environment: more, .. }) = kind else { return };
    let program = Program {
        argv: argv.clone(),
        environment: environment(&more),
        directory: "/".to_owned(),
        user: (0, 0),
        terminal: false,
    };
    match site.processes.start(&machine.name, program).await {
        Ok(running) => drop(programs::watch_it(&machine, &name, &argv, running)),
        Err(why) => machine.log(&name, "systemd[1]", format!("{name}: Failed to start: {why}")),
    }
}

/// `5`, `5s`, `2min`, `1h 30min`.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    for word in text.split_whitespace() {
        let at = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
        let (number, unit) = word.split_at(at);
        let unit = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "ms" | "msec" => 0.001,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        for (text, seconds) in
            [("2", Some(2.0)), ("100ms", Some(0.1)), ("1h 30min", Some(5400.0)), ("soon", None)]
        {
            assert_eq!(super::seconds(text).map(|d| d.as_secs_f64()), seconds, "{text}");
        }
    }

    #[test]
    fn the_program_begins_where_options_end() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (options, argv) = split(&words("--quiet --unit x --setenv=HOME=/root /bin/sh -c --x"));
        assert_eq!((options.len(), argv), (4, words("/bin/sh -c --x")));
        let (options, argv) = split(&words("-q -- echo -n"));
        assert_eq!((options, argv), (words("-q"), words("echo -n")));
    }
}
