//! `mainstay runs`: the journal's list; and what dead runs still hold, which every command names.

use super::args::Runs;
use super::exit;
use super::real::RealOutside;
use super::setup::state_directory;
use super::terminal::{complain, say};
use crate::journal::{self, HeldNode};
use mainstay_language::outside::Outside;
use std::path::Path;

/// Lists runs, newest first.
#[must_use]
pub(super) fn run(args: &Runs) -> u8 {
    let directory = state_directory(&RealOutside);
    let found = journal::runs(&directory, &is_alive)
        .and_then(|(runs, problems)| Ok((runs, problems, journal::held_nodes(&directory)?.0)));
    let (runs, problems, held) = match found {
        Ok(found) => found,
        Err(error) => {
            complain(&format!("[ERROR]: cannot read {}: {error}", directory.display()));
            return exit::JOURNAL;
        }
    };
    let mut lines =
        vec![format!("{:<24} {:<22} {:<10} {:<5} command", "RUN", "STARTED", "STATE", "HELD")];
    for run in runs {
        // A later run may have given back what this one had.
        let held = held.iter().filter(|node| node.run == run.state.run).count();
        if args.held && held == 0 {
            continue;
        }
        let state = match run.state.exit {
            Some(code) => format!("exit {code}"),
            None if run.alive => "running".to_owned(),
            None => "stopped".to_owned(),
        };
        let started = run.state.started.split('.').next().unwrap_or_default();
        lines.push(format!(
            "{:<24} {started:<22} {state:<10} {held:<5} {}",
            run.state.run,
            run.state.arguments.join(" ")
        ));
    }
    for problem in problems {
        complain(&format!("[WARNING]: {}: {}", problem.directory.display(), problem.error));
    }
    match say(lines.join("\n").trim_end()) {
        Ok(()) => exit::DONE,
        Err(error) => {
            complain(&format!("[ERROR]: {error}"));
            exit::JOURNAL
        }
    }
}

/// Names what runs that have ended still hold, and how to release it. Gives the ids of all that have ended.
///
/// # Errors
/// The journals cannot be read: what is held is unknown then.
pub(super) fn name_held(directory: &Path) -> std::io::Result<Vec<String>> {
    let (held, problems) = journal::held_nodes(directory)?;
    for problem in problems {
        complain(&format!("[WARNING]: {}: {}", problem.directory.display(), problem.error));
    }
    let (runs, _) = journal::runs(directory, &is_alive)?;
    let alive = |run: &str| runs.iter().any(|r| r.alive && r.state.run == run);
    for node in held.iter().filter(|node| !alive(&node.run)) {
        complain(&format!("[WARNING]: {}", sentence(node)));
    }
    Ok(runs.into_iter().filter(|run| !run.alive).map(|run| run.state.run).collect())
}

fn sentence(node: &HeldNode) -> String {
    let state = if node.certain { "is still cordoned" } else { "may still be cordoned" };
    let why = node.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!(
        "node {} {state} by run {}{why}; to release it: mainstay abort {}",
        node.node, node.run, node.run
    )
}

/// Whether a process of that id runs on the boot of that id, which is this machine's.
#[must_use]
pub(super) fn is_alive(process: u32, boot: &str) -> bool {
    let now = RealOutside.read(Path::new("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
    String::from_utf8_lossy(&now).trim() == boot
        && RealOutside.status(Path::new(&format!("/proc/{process}"))).is_some()
}
