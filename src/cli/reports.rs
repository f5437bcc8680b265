//! Chooses the reports of a run: for people, by who calls and where they read it; for programs, always.

use super::args::Common;
use super::exit;
use super::playbook::Persona;
use super::real::append_private;
use super::setup::Refusal;
use super::terminal::Terminal;
use crate::engine::{Options, Prompter};
use crate::event::Listener;
use crate::journal::Journal;
use crate::report::{
    Amount, AnsibleReport, JsonLines, LiveReport, Look, MinimalReport, Output, PlainReport, Quiet,
    Streams, Telling, Terse,
};
use crate::settings::Settings;
use mainstay_language::diag::Diagnostic;
use mainstay_language::outside::Outside;
use std::io::{self, IsTerminal};

/// Size of a terminal that does not tell it.
const COLUMNS_ROWS_DEFAULT: (usize, usize) = (80, 24);

/// The report for people, and what keeps it still while a question is asked.
///
/// # Errors
/// The report's thread cannot be started.
#[expect(clippy::disallowed_methods, reason = "the real clock")]
pub(super) fn human(
    common: &Common,
    options: &Options,
    settings: &Settings,
    persona: Persona,
    outside: &dyn Outside,
) -> Result<(Box<dyn Listener>, Option<Quiet>), Refusal> {
    let terminal = io::stdout().is_terminal();
    let dumb = outside.env("TERM").is_some_and(|term| term == "dumb");
    let color = colored(terminal && !dumb, settings);
    if let Persona::AdHoc { one_line } = persona {
        let look = Terse { color, verbosity: options.verbosity, one_line, diff: options.diff };
        let report = MinimalReport::new(look, Box::new(io::stdout()), Box::new(io::stderr()));
        return Ok((Box::new(report), None));
    }
    if persona == Persona::Ansible {
        let look = look(common, options, settings, terminal);
        let report = AnsibleReport::new(look, Box::new(io::stdout()), Box::new(io::stderr()));
        return Ok((Box::new(report), None));
    }
    let telling = Telling {
        amount: Amount {
            verbosity: options.verbosity,
            diff: options.diff,
            ok: settings.flag("DISPLAY_OK_HOSTS"),
            skipped: settings.flag("DISPLAY_SKIPPED_HOSTS"),
        },
        check: common.execution.check,
        custom_stats: settings.flag("SHOW_CUSTOM_STATS"),
    };
    let streams = Streams { out: Box::new(io::stdout()), err: Box::new(io::stderr()), color };
    let refuse = |e: io::Error| {
        Refusal::new(exit::JOURNAL, Diagnostic::error(format!("cannot start the report: {e}")))
    };
    if terminal && !dumb {
        let now = Box::new(jiff::Timestamp::now);
        let report =
            LiveReport::start(telling, streams, Box::new(terminal_size), now).map_err(refuse)?;
        let quiet = report.quiet();
        Ok((Box::new(report), Some(quiet)))
    } else {
        let output = Output::start(streams, None).map_err(refuse)?;
        let quiet = output.quiet();
        Ok((Box::new(PlainReport::new(telling, output)), Some(quiet)))
    }
}

/// Colours on a terminal, unless they are unwanted; anywhere, if they are forced.
fn colored(terminal: bool, settings: &Settings) -> bool {
    settings.flag("ANSIBLE_FORCE_COLOR") || (terminal && !settings.flag("ANSIBLE_NOCOLOR"))
}

fn look(common: &Common, options: &Options, settings: &Settings, terminal: bool) -> Look {
    Look {
        color: colored(terminal, settings),
        verbosity: options.verbosity,
        skipped_hosts: settings.flag("DISPLAY_SKIPPED_HOSTS"),
        ok_hosts: settings.flag("DISPLAY_OK_HOSTS"),
        debug: settings.flag("DEFAULT_DEBUG"),
        check_markers: common.execution.check && settings.flag("CHECK_MODE_MARKERS"),
        failed_to_stderr: settings.flag("DISPLAY_FAILED_STDERR"),
        custom_stats: settings.flag("SHOW_CUSTOM_STATS"),
        diff: options.diff,
    }
}

fn terminal_size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => COLUMNS_ROWS_DEFAULT,
    }
}

/// `events.jsonl` beside the journal, readable by its owner alone.
///
/// # Errors
/// It cannot be created.
pub(super) fn json_lines(journal: &Journal) -> Result<Box<dyn Listener>, Refusal> {
    let path = journal.path().with_file_name("events.jsonl");
    let file = append_private(&path).map_err(|e| {
        let message = format!("cannot create {}: {e}", path.display());
        Refusal::new(exit::JOURNAL, Diagnostic::error(message))
    })?;
    Ok(Box::new(JsonLines::new(Box::new(file))))
}

/// Asks on the terminal while the report is still.
pub(super) struct Asking {
    /// Who asks.
    pub terminal: Terminal,
    /// The report, if it writes on its own.
    pub quiet: Option<Quiet>,
}

impl Prompter for Asking {
    fn ask(&self, prompt: &str, private: bool) -> io::Result<Option<String>> {
        match &self.quiet {
            Some(quiet) => quiet.during(|| self.terminal.ask(prompt, private)),
            None => self.terminal.ask(prompt, private),
        }
    }
}
