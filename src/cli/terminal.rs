//! What the command line says and asks outside of reports.

use crate::engine::Prompter;
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// To standard error. A closed standard error is nobody's fault and nobody is left to tell.
pub(super) fn complain(message: &str) {
    let _written = writeln!(io::stderr(), "{message}");
}

/// To standard output.
///
/// # Errors
/// It is closed or full.
pub(super) fn say(message: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{message}")
}

/// Bytes to standard output, as they are.
///
/// # Errors
/// It is closed or full.
pub(super) fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// All of standard input.
///
/// # Errors
/// It cannot be read.
pub(super) fn read_all() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether both ends are a terminal, so that a question makes sense.
#[must_use]
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks on the terminal.
#[derive(Debug, Default)]
pub(super) struct Terminal;

impl Prompter for Terminal {
    fn ask(&self, prompt: &str, private: bool) -> io::Result<Option<String>> {
        if private && io::stdin().is_terminal() {
            return rpassword::prompt_password(prompt).map(Some);
        }
        let mut out = io::stdout();
        write!(out, "{prompt}")?;
        out.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(line.trim_end_matches(['\n', '\r']).to_owned()))
    }
}
