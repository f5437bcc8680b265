//! Vault passwords: from files, programs and the terminal, in the order of the command line.

use super::args::Vault;
use super::terminal::Terminal;
use crate::engine::Prompter;
use crate::event::Redactor;
use crate::settings::Settings;
use mainstay_language::diag::Diagnostic;
use mainstay_language::outside::{FileKind, Outside};
use mainstay_language::vault::Secrets;
use std::path::Path;

/// Reads every secret that the flags and the settings name.
///
/// # Errors
/// A file cannot be read, a program fails, or there is no terminal to ask on.
pub fn load(
    flags: &Vault,
    settings: &Settings,
    outside: &dyn Outside,
    redactor: &Redactor,
) -> Result<Secrets, Diagnostic> {
    let mut secrets = Secrets::new();
    let mut ids = settings.list("DEFAULT_VAULT_IDENTITY_LIST");
    ids.extend(flags.vault_id.iter().cloned());
    let mut sources: Vec<(String, String)> = ids.iter().map(|id| split(id)).collect();
    if flags.vault_password_file.is_empty() {
        let configured = settings.path("DEFAULT_VAULT_PASSWORD_FILE");
        sources.extend(configured.map(|p| ("default".to_owned(), p.display().to_string())));
    }
    sources.extend(flags.vault_password_file.iter().map(|f| ("default".to_owned(), f.clone())));
    if flags.ask_vault_pass {
        sources.push(("default".to_owned(), "prompt".to_owned()));
    }
    for (id, source) in sources {
        let secret = one(&id, &source, outside)?;
        redactor.hide(&String::from_utf8_lossy(&secret));
        secrets.push(id, secret);
    }
    Ok(secrets)
}

/// Asks for a vault password.
///
/// # Errors
/// There is nobody to ask, or the answer is empty.
pub fn ask(question: &str) -> Result<Vec<u8>, Diagnostic> {
    let answer = Terminal
        .ask(question, true)
        .map_err(|e| Diagnostic::error(format!("cannot ask for the vault password: {e}")))?;
    answer.filter(|a| !a.is_empty()).map(String::into_bytes).ok_or_else(|| {
        Diagnostic::error("no vault password was given")
            .hint("give --vault-password-file or --vault-id where nobody can type it")
    })
}

fn split(id: &str) -> (String, String) {
    match id.split_once('@') {
        Some((id, source)) => {
            (if id.is_empty() { "default" } else { id }.to_owned(), source.to_owned())
        }
        None => ("default".to_owned(), id.to_owned()),
    }
}

fn one(id: &str, source: &str, outside: &dyn Outside) -> Result<Vec<u8>, Diagnostic> {
    if matches!(source, "prompt" | "prompt_ask_vault_pass") {
        let question = if id == "default" {
            "Vault password: ".to_owned()
        } else {
            format!("Vault password ({id}): ")
        };
        return ask(&question);
    }
    let source = match (source.strip_prefix("~/"), outside.env("HOME")) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => source.to_owned(),
    };
    let path = outside.directory().join(&source);
    let status = outside.status(&path).ok_or_else(|| {
        Diagnostic::error(format!("the vault password file {source} was not found"))
    })?;
    let bytes = if status.executable && status.kind == FileKind::File {
        from_program(&path, id, outside)?
    } else {
        outside.read(&path).map_err(|e| {
            Diagnostic::error(format!("cannot read the vault password file {source}: {e}"))
        })?
    };
    let secret = trimmed(&bytes);
    if secret.is_empty() {
        return Err(Diagnostic::error(format!(
            "invalid vault password was provided from file ({source}): it is empty"
        )));
    }
    Ok(secret)
}

/// A program whose name ends in `-client` (before an extension) is told the id.
fn from_program(path: &Path, id: &str, outside: &dyn Outside) -> Result<Vec<u8>, Diagnostic> {
    let program = path.display().to_string();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut argv = vec![program.as_str()];
    if stem.ends_with("-client") {
        argv.extend(["--vault-id", id]);
    }
    let ran = outside.run(&argv, None).map_err(|e| {
        Diagnostic::error(format!("cannot run the vault password program {program}: {e}"))
    })?;
    if ran.status != 0 {
        let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
        let message =
            format!("the vault password program {program} exited with {}: {said}", ran.status);
        return Err(Diagnostic::error(message));
    }
    Ok(ran.stdout)
}

fn trimmed(bytes: &[u8]) -> Vec<u8> {
    bytes.trim_ascii().to_vec()
}
