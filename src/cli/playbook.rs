//! `mainstay run` and `ansible-playbook`.

use super::args::Playbook as Args;
use super::exit;
use super::listing::{self, What};
use super::setup::{self, Refusal};
use super::signals;
use super::terminal::{complain, say};
use crate::engine::{self, Run};
use crate::event::Event;
use mainstay_language::diag::{Diagnostic, Diagnostics};
use mainstay_language::playbook::{LoadError, Playbook};

/// Whose command line this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persona {
    /// `ansible-playbook`: its defaults and its output.
    Ansible,
    /// `mainstay`: ours.
    Mainstay,
}

/// Runs playbooks and returns the exit code.
#[must_use]
pub fn run(args: Args, persona: Persona) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("ERROR! cannot start the runtime: {error}"));
            return exit::DEFECT;
        }
    };
    let code = runtime
        .block_on(async { inner(args, persona).await.unwrap_or_else(|refusal| refusal.tell()) });
    runtime.shutdown_background();
    code
}

async fn inner(args: Args, persona: Persona) -> Result<u8, Refusal> {
    let prepared =
        setup::prepare(&args.common, &args.playbooks, persona, args.start_at_task.clone())?;
    let run = prepared.run;
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
        return list(&run, &books, what);
    }
    signals::watch(std::sync::Arc::clone(&run.stop)).map_err(|e| {
        Refusal::new(exit::DEFECT, Diagnostic::error(format!("cannot watch signals: {e}")))
    })?;
    let mut failure = None;
    for (file, book) in books {
        run.events.emit(Event::PlaybookStarted { file, plays: book.plays.len() });
        if let Err(diagnostic) = engine::run_all(&run, book).await {
            failure = Some(diagnostic);
            break;
        }
    }
    Ok(finish(&run, failure).await)
}

fn list(run: &Run, books: &[(String, Playbook)], what: What) -> Result<u8, Refusal> {
    for (file, book) in books {
        let text =
            listing::list(run, file, book, what).map_err(|d| Refusal::new(exit::GENERAL, d))?;
        say(text.trim_end())
            .map_err(|e| Refusal::new(exit::JOURNAL, Diagnostic::error(e.to_string())))?;
    }
    Ok(exit::DONE)
}

/// The recap and the exit code.
pub(super) async fn finish(run: &Run, failure: Option<Diagnostic>) -> u8 {
    let interrupted = run.stop.load(std::sync::atomic::Ordering::SeqCst);
    let (failed, unreachable) = run.losses();
    let exit = if interrupted {
        exit::INTERRUPTED
    } else if failure.is_some() {
        exit::GENERAL
    } else if unreachable > 0 {
        exit::UNREACHABLE
    } else if failed > 0 {
        exit::HOST_FAILED
    } else {
        exit::DONE
    };
    if let Some(diagnostic) = &failure {
        complain(&format!("[ERROR]: {}", diagnostic.render()));
    }
    run.events.emit(Event::RunEnded {
        stats: run.events.stats(),
        custom: run.custom_stats(),
        held: Vec::new(),
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

/// A playbook that cannot be run.
fn refused(error: LoadError) -> Refusal {
    match error {
        LoadError::Missing(diagnostic) => Refusal::new(exit::GENERAL, diagnostic),
        LoadError::Invalid(diagnostics) => Refusal { code: exit::UNREACHABLE, diagnostics },
    }
}

impl Refusal {
    /// One error.
    pub fn new(code: u8, diagnostic: Diagnostic) -> Self {
        Self { code, diagnostics: Diagnostics::from(diagnostic) }
    }

    /// Tells the user and gives the exit code.
    pub fn tell(self) -> u8 {
        for diagnostic in &self.diagnostics.0 {
            complain(&format!("[ERROR]: {}", diagnostic.render().trim_start_matches("error: ")));
        }
        self.code
    }
}
