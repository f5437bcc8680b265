//! Programs that run as units: started in the node, watched until they end, their output in the journal.

use crate::node::{Ended, Kind, Machine, Program, Running};
use crate::tools::session::Session;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// How a program of a unit ended, once it has.
pub(super) struct End(watch::Receiver<Option<i32>>);

impl End {
    /// Its exit status; a signal counts as 128 and its number.
    pub(super) async fn wait(mut self) -> i32 {
        self.0.wait_for(Option::is_some).await.ok().and_then(|status| *status).unwrap_or(255)
    }
}

/// systemd's own.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What every service of the system has in its environment.
pub(super) fn environment(more: &[(String, String)]) -> Vec<(String, String)> {
    let mut all =
        vec![("PATH".to_owned(), PATH.to_owned()), ("LANG".to_owned(), "C.UTF-8".to_owned())];
    for (key, value) in more {
        all.retain(|(known, _)| known != key);
        all.push((key.clone(), value.clone()));
    }
    all
}

/// Starts the program of a unit; the unit follows it.
pub(super) async fn start(session: &Session, name: &str) -> Result<End, String> {
    let machine = &session.machine;
    let kind = machine.state().units.get(name).map(|unit| unit.kind.clone());
    let Some(Kind::Program { argv, environment: more, .. }) = kind else {
        return Err("no program".to_owned());
    };
    let program = Program {
        argv: argv.clone(),
        environment: environment(&more),
        directory: "/".to_owned(),
        user: (0, 0),
        terminal: false,
    };
    let running = session.site.processes.start(&machine.name, program).await?;
    Ok(watch_it(machine, name, &argv, running))
}

/// A program that was started becomes the unit's process.
pub(super) fn watch_it(
    machine: &Arc<Machine>,
    name: &str,
    argv: &[String],
    mut running: Box<dyn Running>,
) -> End {
    let pid = running.pid();
    let by = format!(
        "{}[{pid}]",
        argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
    );
    let now = machine.now();
    {
        let mut state = machine.state();
        if let Some(unit) = state.units.get_mut(name) {
            unit.run(pid, now);
            unit.started = Some(argv.join(" "));
            let text = format!("Started {name} - {}.", unit.description);
            state.log(now, name, "systemd[1]", text);
        }
    }
    drop(running.input());
    for stream in [running.output(), running.errors()].into_iter().flatten() {
        tokio::spawn(journal(Arc::clone(machine), name.to_owned(), by.clone(), stream));
    }
    let (tell, end) = watch::channel(None);
    let (machine, name) = (Arc::clone(machine), name.to_owned());
    tokio::spawn(async move {
        let ended = running.wait().await;
        ends(&machine, &name, pid, ended);
        // Nobody may be waiting.
        tell.send_replace(Some(status_of(ended)));
    });
    End(end)
}

/// Exit status, or 128 and the signal.
pub(super) fn status_of(ended: Ended) -> i32 {
    match ended {
        Ended::Code(code) => i32::from(code),
        Ended::Signal(number) => 128 + i32::from(number),
    }
}

async fn journal(
    machine: Arc<Machine>,
    unit: String,
    by: String,
    stream: Box<dyn AsyncRead + Send + Unpin>,
) {
    let mut lines = BufReader::new(stream).lines();
    // What is no UTF-8 ends the log, as a line that is too long would.
    while let Ok(Some(line)) = lines.next_line().await {
        machine.log(&unit, &by, line);
    }
}

fn ends(machine: &Machine, name: &str, pid: u32, ended: Ended) {
    let now = machine.now();
    let mut state = machine.state();
    let Some(unit) = state.units.get_mut(name).filter(|unit| unit.pid == pid) else { return };
    let status = status_of(ended);
    unit.end(status, now);
    let gone = unit.file_state == "transient" && (status == 0 || unit.collect) && !unit.is_active();
    let lines = match ended {
        Ended::Code(0) => vec![format!("{name}: Deactivated successfully.")],
        Ended::Code(code) => vec![
            format!("{name}: Main process exited, code=exited, status={code}/FAILURE"),
            format!("{name}: Failed with result 'exit-code'."),
        ],
        Ended::Signal(number) => vec![
            format!("{name}: Main process exited, code=killed, status={number}"),
            format!("{name}: Failed with result 'signal'."),
        ],
    };
    for line in lines {
        state.log(now, name, "systemd[1]", line);
    }
    if gone {
        state.units.remove(name);
    }
}

/// Ends the processes of a unit: gently, then not. Their end is seen by whoever watches them.
pub(super) async fn stop(session: &Session, name: &str) {
    let unit = session.machine.state().units.get(name).cloned();
    let Some(unit) = unit.filter(|unit| matches!(unit.kind, Kind::Program { .. }) && unit.pid != 0)
    else {
        return;
    };
    let kill = |signal: &str| Program {
        argv: ["/bin/kill", signal, "--", &unit.pid.to_string()].map(str::to_owned).to_vec(),
        environment: environment(&[]),
        directory: "/".to_owned(),
        user: (0, 0),
        terminal: false,
    };
    for signal in ["-TERM", "-KILL"] {
        if let Ok(running) = session.site.processes.start(&session.machine.name, kill(signal)).await
        {
            running.wait().await;
        }
        for _ in 0..20 {
            let gone =
                session.machine.state().units.get(name).is_none_or(|now| now.pid != unit.pid);
            if gone {
                return;
            }
            session.seconds(0.5).await;
        }
    }
}
