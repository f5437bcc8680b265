//! `mainstay run` and `ansible-playbook`.

use super::args::Playbook as Args;
use super::exit;
use super::listing::{self, What};
use super::refusal::{self, Refusal};
use super::setup::{self, Prepared};
use super::signals;
use super::terminal::{complain, say};
use crate::engine::{self, Kind, Refused, Run};
use crate::event::Event;
use crate::journal::{self, JournalError, Record};
use mainstay_language::diag::{Diagnostic, Nature, Severity};
use mainstay_language::playbook::{LoadError, Playbook};

/// Whose command line this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persona {
    /// `ansible-playbook`: its defaults and its output.
    Ansible,
    /// `mainstay`: ours.
    Mainstay,
    /// `ansible`: its defaults and its output.
    AdHoc {
        /// `-o`
        one_line: bool,
    },
}

impl Persona {
    /// Whether the defaults are Ansible's.
    #[must_use]
    pub(super) fn is_ansible(self) -> bool {
        matches!(self, Self::Ansible | Self::AdHoc { .. })
    }
}

/// Runs playbooks and returns the exit code.
#[must_use]
pub(super) fn run(args: Args, persona: Persona) -> u8 {
    on_runtime(inner(args, persona))
}

/// Runs a command to its exit code; tells why it was refused, if it was.
pub(super) fn on_runtime(command: impl Future<Output = Result<u8, Refusal>>) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Refusal::because(exit::DEFECT, format!("cannot start the runtime: {error}"))
                .tell();
        }
    };
    let code = runtime.block_on(async { command.await.unwrap_or_else(Refusal::tell) });
    runtime.shutdown_background();
    code
}

/// Carries a command out on its run. However it ends, the journal says so, and the lease is given back.
///
/// # Errors
/// Those of the command.
pub(super) async fn conclude(
    prepared: &Prepared,
    command: impl Future<Output = Result<u8, Refusal>>,
) -> Result<u8, Refusal> {
    let result = command.await;
    if !prepared.ended.get() {
        give_lease_back(&prepared.run).await;
        let exit = result.as_ref().map_or_else(|refusal| refusal.code, |code| *code);
        record_end(prepared, exit)
            .map_err(|error| Refusal::because(exit::JOURNAL, error.to_string()))?;
    }
    result
}

async fn give_lease_back(run: &Run) {
    if let Err(refused) = run.give_lease_back().await {
        complain(&format!("[WARNING]: the lease could not be given back: {}", refused.diagnostic));
    }
}

fn record_end(prepared: &Prepared, exit: u8) -> Result<(), JournalError> {
    prepared.ended.set(true);
    prepared.journal.append_durable(&Record::End { exit })
}

async fn inner(args: Args, persona: Persona) -> Result<u8, Refusal> {
    let prepared =
        setup::prepare(&args.common, &args.playbooks, persona, args.start_at_task.clone())?;
    Box::pin(conclude(&prepared, play(&args, &prepared, persona))).await
}

async fn play(args: &Args, prepared: &Prepared, persona: Persona) -> Result<u8, Refusal> {
    let run = &prepared.run;
    let mut books = Vec::new();
    for path in &args.playbooks {
        let (book, warnings) = run.loader.playbook(path).map_err(refused)?;
        for warning in warnings {
            run.events.emit(Event::Warning { message: warning.to_string() });
        }
        books.push((path.display().to_string(), book));
    }
    let what = What { hosts: args.list_hosts, tasks: args.list_tasks, tags: args.list_tags };
    if args.syntax_check || what.hosts || what.tasks || what.tags {
        return list(run, books, what);
    }
    signals::watch(run.stop.clone()).map_err(|e| {
        Refusal::new(exit::DEFECT, Diagnostic::error(format!("cannot watch signals: {e}")))
    })?;
    let mut failure = None;
    for (file, book) in books {
        run.events.emit(Event::PlaybookStarted { file, plays: book.plays.len() });
        if let Err(refused) = engine::run_all(run, book).await {
            failure = Some(refused);
            break;
        }
    }
    if failure.is_none() && !run.interrupted() {
        failure = never_started(run, persona);
    }
    Ok(finish(prepared, failure).await)
}

/// No task has the name of `--start-at-task`, so nothing was done. `ansible-playbook` says so and ends well.
fn never_started(run: &Run, persona: Persona) -> Option<Refused> {
    let name = run.start_at()?;
    let diagnostic = Diagnostic::error(format!(
        "No matching task \"{name}\" found. Note: --start-at-task can only follow static includes."
    ));
    if persona.is_ansible() {
        refusal::tell(&diagnostic);
        return None;
    }
    Some(diagnostic.into())
}

fn list(run: &Run, books: Vec<(String, Playbook)>, what: What) -> Result<u8, Refusal> {
    for (file, book) in books {
        let text =
            listing::list(run, &file, book, what).map_err(|d| Refusal::new(exit::GENERAL, d))?;
        say(text.trim_end())
            .map_err(|e| Refusal::new(exit::JOURNAL, Diagnostic::error(e.to_string())))?;
    }
    Ok(exit::DONE)
}

/// Gives the lease back, writes the end, tells the recap; the exit code.
pub(super) async fn finish(prepared: &Prepared, failure: Option<Refused>) -> u8 {
    let run = &prepared.run;
    let mut exit = code(run, failure.as_ref());
    if let Some(refused) = &failure {
        refusal::tell(&refused.diagnostic);
    }
    give_lease_back(run).await;
    let held = match journal::read(prepared.journal.path()) {
        Ok(contents) => journal::fold(&contents.records).held.into_values().collect(),
        Err(error) => {
            complain(&format!("[ERROR]: {error}"));
            exit = exit::JOURNAL;
            Vec::new()
        }
    };
    let held: Vec<(String, String)> =
        held.into_iter().map(|node| (node.node, format!("mainstay abort {}", run.id))).collect();
    if let Err(error) = record_end(prepared, exit) {
        complain(&format!("[ERROR]: {error}"));
        exit = exit::JOURNAL;
    }
    run.events.emit(Event::RunEnded {
        stats: run.events.stats(),
        custom: run.custom_stats(),
        held,
        exit,
    });
    run.connections.close().await;
    match run.events.broken() {
        Some(reason) => {
            complain(&format!("the report could not be written: {reason}"));
            exit::JOURNAL
        }
        None => exit,
    }
}

fn code(run: &Run, failure: Option<&Refused>) -> u8 {
    let (failed, unreachable) = run.losses();
    if run.stop.is_cancelled() {
        return exit::INTERRUPTED;
    }
    match failure.map(|refused| refused.kind) {
        Some(Kind::General) => {
            failure.map_or(exit::GENERAL, |refused| exit::of(&refused.diagnostic))
        }
        Some(Kind::Guard) => exit::REFUSED,
        Some(Kind::Locked) => exit::LOCKED,
        Some(Kind::Journal) => exit::JOURNAL,
        None if unreachable > 0 => exit::UNREACHABLE,
        None if failed > 0 => exit::HOST_FAILED,
        None => exit::DONE,
    }
}

/// A playbook that cannot be run.
fn refused(error: LoadError) -> Refusal {
    match error {
        LoadError::Missing(diagnostic) => Refusal::new(exit::GENERAL, diagnostic),
        LoadError::Invalid(diagnostics) => {
            let first = diagnostics.0.iter().find(|d| d.severity == Severity::Error);
            let missing = first.is_some_and(|d| d.nature == Nature::Missing);
            Refusal { code: if missing { exit::GENERAL } else { exit::UNREACHABLE }, diagnostics }
        }
    }
}
