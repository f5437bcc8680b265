//! `ansible-vault`: encrypts and decrypts files and values.
//!
//! Files are replaced at once, never left half written; plain text that was on the disk is overwritten first.

use super::args::{Edit, Encrypt, EncryptString, Files, Rekey, Vault, VaultAction, VaultTool};
use super::plain::{self, Replace};
use super::real::{RealOutside, random};
use super::refusal::Refusal;
use super::terminal::{self, Terminal, complain};
use super::{editor, exit, secrets};
use crate::engine::Prompter;
use crate::event::Redactor;
use crate::settings::Settings;
use mainstay_language::diag::Diagnostic;
use mainstay_language::outside::Outside;
use mainstay_language::vault::{self, Secrets};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes that are wiped when they are dropped.
type Plain = Zeroizing<Vec<u8>>;

/// Columns before the envelope of a `!vault` value.
const INDENT: &str = "          ";

/// Runs it and returns the exit code.
#[must_use]
pub(super) fn run(tool: &VaultTool) -> u8 {
    inner(&tool.action).map_or_else(Refusal::tell, |()| exit::DONE)
}

fn inner(action: &VaultAction) -> Result<(), Refusal> {
    let outside = RealOutside;
    let settings = Settings::load(&outside).map_err(|d| Refusal::new(exit::BAD_OPTION, d))?;
    let tool = Tool { outside, settings };
    match action {
        VaultAction::Create(edit) => tool.create(edit),
        VaultAction::Edit(edit) => tool.edit(edit),
        VaultAction::View(files) => tool.view(files),
        VaultAction::Encrypt(encrypt) => tool.encrypt(encrypt),
        VaultAction::Decrypt(files) => tool.decrypt(files),
        VaultAction::EncryptString(strings) => tool.encrypt_string(strings),
        VaultAction::Rekey(rekey) => tool.rekey(rekey),
    }
}

struct Tool {
    outside: RealOutside,
    settings: Settings,
}

/// The password and its id to encrypt with.
struct Key {
    id: String,
    secret: Plain,
}

impl Key {
    fn encrypt(&self, plain: &[u8]) -> Result<String, Refusal> {
        let mut salt = [0; 32];
        random(&mut salt).map_err(|e| general(format!("no random numbers: {e}")))?;
        let id = Some(self.id.as_str()).filter(|id| *id != "default");
        Ok(vault::encrypt(plain, &self.secret, id, &salt))
    }
}

fn general(message: impl Into<String>) -> Refusal {
    Refusal::because(exit::GENERAL, message)
}

fn bad_option(message: &str, hint: &str) -> Refusal {
    Refusal::new(exit::BAD_OPTION, Diagnostic::error(message).hint(hint))
}

impl Tool {
    /// Every password that flags and settings name; one is asked for if there is none.
    fn secrets(&self, flags: &Vault, new: bool) -> Result<Secrets, Refusal> {
        let given = |d: Diagnostic| Refusal::new(exit::GENERAL, d);
        let redactor = Redactor::default();
        let secrets =
            secrets::load(flags, &self.settings, &self.outside, &redactor).map_err(given)?;
        if !secrets.is_empty() {
            return Ok(secrets);
        }
        let question = if new { "New Vault password: " } else { "Vault password: " };
        let secret = secrets::ask(question).map_err(given)?;
        if new && secrets::ask("Confirm New Vault password: ").map_err(given)? != secret {
            return Err(general("the two passwords are not the same"));
        }
        Ok(secrets.with("default", secret))
    }

    /// The password to encrypt with: the one that is named, or the only one.
    fn key(&self, secrets: &Secrets, id: Option<&str>) -> Result<Key, Refusal> {
        let chosen = id.or_else(|| self.settings.get("DEFAULT_VAULT_ENCRYPT_IDENTITY"));
        let ids: Vec<&str> = secrets.ids().collect();
        let id = match (chosen, ids.as_slice()) {
            (Some(id), _) => id,
            (None, [only]) => only,
            (None, _) => {
                let message = format!("The vault-ids {} are available to encrypt.", ids.join(","));
                return Err(bad_option(
                    &message,
                    "name the one to encrypt with with --encrypt-vault-id",
                ));
            }
        };
        let Some(secret) = secrets.of(id) else {
            let message = format!("there is no vault password with the id {id}");
            return Err(bad_option(
                &message,
                &format!("those that were given: {}", ids.join(", ")),
            ));
        };
        Ok(Key { id: id.to_owned(), secret: Zeroizing::new(secret.to_vec()) })
    }

    fn encrypt(&self, args: &Encrypt) -> Result<(), Refusal> {
        let targets = targets(&args.files, args.output.as_deref())?;
        let secrets = self.secrets(&args.identity.vault, true)?;
        let key = self.key(&secrets, args.identity.encrypt_vault_id.as_deref())?;
        for (from, to) in targets {
            let bytes = read(from)?;
            if vault::is_encrypted(&bytes) {
                return Err(general(format!("{}: input is already encrypted", shown(from))));
            }
            write(to, key.encrypt(&bytes)?.as_bytes(), Replace::Private)?;
        }
        announce("Encryption successful");
        Ok(())
    }

    fn decrypt(&self, args: &Files) -> Result<(), Refusal> {
        let targets = targets(&args.files, args.output.as_deref())?;
        let secrets = self.secrets(&args.vault, false)?;
        for (from, to) in targets {
            write(to, &opened(&read(from)?, &shown(from), &secrets)?, Replace::Private)?;
        }
        announce("Decryption successful");
        Ok(())
    }

    fn view(&self, args: &Files) -> Result<(), Refusal> {
        if args.output.is_some() {
            return Err(bad_option("view writes to standard output", "use decrypt --output"));
        }
        let secrets = self.secrets(&args.vault, false)?;
        for (from, _) in targets(&args.files, Some(Path::new("-")))? {
            write(None, &opened(&read(from)?, &shown(from), &secrets)?, Replace::Private)?;
        }
        Ok(())
    }

    fn rekey(&self, args: &Rekey) -> Result<(), Refusal> {
        let secrets = self.secrets(&args.identity.vault, false)?;
        let fresh = Vault {
            ask_vault_pass: args.new_vault_id.is_none() && args.new_vault_password_file.is_none(),
            vault_password_file: args.new_vault_password_file.iter().cloned().collect(),
            vault_id: args.new_vault_id.iter().cloned().collect(),
        };
        // Every file is opened before the first one is changed.
        let mut plain = Vec::new();
        for path in &args.files {
            plain.push(opened(&read(Some(path))?, &path.display().to_string(), &secrets)?);
        }
        let fresh = self.only(&fresh)?;
        let key = self.key(&fresh, args.identity.encrypt_vault_id.as_deref())?;
        for (path, plain) in args.files.iter().zip(plain) {
            write(Some(path), key.encrypt(&plain)?.as_bytes(), Replace::SameMode)?;
        }
        complain("Rekey successful");
        Ok(())
    }

    /// The passwords that these flags name and no others.
    fn only(&self, flags: &Vault) -> Result<Secrets, Refusal> {
        if flags.ask_vault_pass {
            let bare = Settings::empty(&self.outside);
            let tool = Tool { outside: RealOutside, settings: bare };
            return tool.secrets(&Vault::default(), true);
        }
        let bare = Settings::empty(&self.outside);
        secrets::load(flags, &bare, &self.outside, &Redactor::default())
            .map_err(|d| Refusal::new(exit::GENERAL, d))
    }

    #[expect(clippy::disallowed_methods, reason = "nothing is overwritten")]
    fn create(&self, args: &Edit) -> Result<(), Refusal> {
        check_terminal(args)?;
        let [path] = args.files.as_slice() else {
            return Err(bad_option("create takes one file", "create them one after the other"));
        };
        if path.exists() {
            return Err(general(format!("{} exists; use edit instead", path.display())));
        }
        let secrets = self.secrets(&args.identity.vault, true)?;
        let key = self.key(&secrets, args.identity.encrypt_vault_id.as_deref())?;
        let edited = editor::edit(&self.outside, &self.settings, path, b"").map_err(general)?;
        write(Some(path), key.encrypt(&edited)?.as_bytes(), Replace::Private)
    }

    fn edit(&self, args: &Edit) -> Result<(), Refusal> {
        check_terminal(args)?;
        let secrets = self.secrets(&args.identity.vault, false)?;
        for path in &args.files {
            let sealed = read(Some(path))?;
            let before = opened(&sealed, &path.display().to_string(), &secrets)?;
            // Its own id and password stay, unless others are asked for.
            let id = args.identity.encrypt_vault_id.clone().or_else(|| id_of(&sealed));
            let id = id
                .filter(|id| secrets.of(id).is_some() || args.identity.encrypt_vault_id.is_some());
            let key = match id {
                Some(id) => self.key(&secrets, Some(&id))?,
                None => fitting(&sealed, &secrets)?,
            };
            let after =
                editor::edit(&self.outside, &self.settings, path, &before).map_err(general)?;
            if *after != *before {
                write(Some(path), key.encrypt(&after)?.as_bytes(), Replace::SameMode)?;
            }
        }
        Ok(())
    }

    fn encrypt_string(&self, args: &EncryptString) -> Result<(), Refusal> {
        let secrets = self.secrets(&args.identity.vault, true)?;
        let key = self.key(&secrets, args.identity.encrypt_vault_id.as_deref())?;
        let mut out = String::new();
        for (name, text) in strings(args)? {
            let head = name.map_or_else(String::new, |name| format!("{name}: "));
            out.push_str(&format!("{head}!vault |\n"));
            for line in key.encrypt(text.as_bytes())?.lines() {
                out.push_str(&format!("{INDENT}{line}\n"));
            }
        }
        match args.output.as_deref().filter(|path| *path != Path::new("-")) {
            None => write(None, out.as_bytes(), Replace::Private)?,
            Some(path) => write(Some(path), out.as_bytes(), Replace::Private)?,
        }
        announce("Encryption successful");
        Ok(())
    }
}

/// A text and its name.
type Named = (Option<String>, Zeroizing<String>);

/// The texts of `encrypt_string` with their names: standard input, the prompt, then the arguments.
fn strings(args: &EncryptString) -> Result<Vec<Named>, Refusal> {
    let mut out = Vec::new();
    if args.stdin_name.is_some() || args.texts.iter().any(|text| text == "-") {
        if std::io::stdin().is_terminal() {
            complain(
                "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)",
            );
        }
        let text = utf8(read(None)?)?;
        if text.is_empty() {
            return Err(bad_option(
                "stdin was empty, not encrypting",
                "give the value on standard input",
            ));
        }
        out.push((args.stdin_name.clone(), text));
    }
    let mut names = args.names.iter().cloned();
    if args.prompt {
        let ask = |question: &str, hidden: bool| {
            Terminal.ask(question, hidden).map_err(|e| general(format!("cannot ask: {e}")))
        };
        let name = match names.next() {
            Some(name) => Some(name),
            None => ask("Variable name (enter for no name): ", false)?,
        };
        let text = ask("String to encrypt: ", !args.show_input)?.unwrap_or_default();
        if text.is_empty() {
            return Err(bad_option(
                "The plaintext provided from the prompt was empty, not encrypting",
                "type a value",
            ));
        }
        out.push((name.filter(|name| !name.is_empty()), Zeroizing::new(text)));
    }
    for text in args.texts.iter().filter(|text| *text != "-") {
        if text.is_empty() {
            return Err(bad_option(
                "The plaintext provided from the command line args was empty, not encrypting",
                "give a value",
            ));
        }
        out.push((names.next(), Zeroizing::new(text.clone())));
    }
    if let Some(left) = names.next() {
        let message = format!("--name {left} has no value");
        return Err(bad_option(&message, "give as many values as names"));
    }
    if out.is_empty() {
        return Err(bad_option(
            "there is nothing to encrypt",
            "give values, --stdin-name or --prompt",
        ));
    }
    Ok(out)
}

#[expect(clippy::needless_pass_by_value, reason = "what was read is wiped here")]
fn utf8(bytes: Plain) -> Result<Zeroizing<String>, Refusal> {
    let text = std::str::from_utf8(&bytes).map_err(|_| general("standard input is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Sources with their targets; `None` is standard input or output.
type Targets<'a> = Vec<(Option<&'a Path>, Option<&'a Path>)>;

fn targets<'a>(files: &'a [PathBuf], output: Option<&'a Path>) -> Result<Targets<'a>, Refusal> {
    let dash = Path::new("-");
    let stream = |path: &'a Path| Some(path).filter(|path| *path != dash);
    if files.is_empty() {
        return Ok(vec![(None, output.and_then(stream))]);
    }
    if output.is_some_and(|path| path != dash) && files.len() > 1 {
        return Err(bad_option(
            "At most one input file may be used with the --output option",
            "run it once a file",
        ));
    }
    Ok(files
        .iter()
        .map(|file| (stream(file), output.map_or_else(|| stream(file), stream)))
        .collect())
}

fn shown(from: Option<&Path>) -> String {
    from.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string())
}

fn read(from: Option<&Path>) -> Result<Plain, Refusal> {
    let bytes = match from {
        Some(path) => RealOutside.read(path),
        None => terminal::read_all(),
    };
    bytes.map(Zeroizing::new).map_err(|e| {
        let message = format!("Unable to read source file ({}): {e}", shown(from));
        general(message)
    })
}

fn write(to: Option<&Path>, bytes: &[u8], how: Replace) -> Result<(), Refusal> {
    match to {
        None => {
            terminal::write_all(bytes).map_err(|e| Refusal::because(exit::JOURNAL, e.to_string()))
        }
        Some(path) => plain::replace(path, bytes, how)
            .map_err(|e| general(format!("cannot write {}: {e}", path.display()))),
    }
}

fn opened(bytes: &[u8], name: &str, secrets: &Secrets) -> Result<Plain, Refusal> {
    if !vault::is_encrypted(bytes) {
        return Err(general(format!("{name}: input is not vault encrypted data")));
    }
    let text = String::from_utf8_lossy(bytes);
    vault::decrypt(&text, secrets).map(Zeroizing::new).map_err(|error| {
        let diagnostic = Diagnostic::error(format!("{name}: cannot decrypt: {error}"));
        Refusal::new(
            exit::GENERAL,
            diagnostic.hint("check the password and the id it was given with"),
        )
    })
}

/// The id in the first line of a vault.
fn id_of(sealed: &[u8]) -> Option<String> {
    let header = sealed.split(|b| *b == b'\n').next()?;
    let header = std::str::from_utf8(header).ok()?;
    header.trim_end().split(';').nth(3).map(str::to_owned)
}

/// The first password that opens it.
fn fitting(sealed: &[u8], secrets: &Secrets) -> Result<Key, Refusal> {
    let text = String::from_utf8_lossy(sealed);
    for id in secrets.ids() {
        let secret = secrets.of(id).unwrap_or_default();
        if vault::decrypt(&text, &Secrets::new().with(id, secret)).is_ok() {
            return Ok(Key { id: id.to_owned(), secret: Zeroizing::new(secret.to_vec()) });
        }
    }
    Err(general("no vault password fits"))
}

fn check_terminal(args: &Edit) -> Result<(), Refusal> {
    if args.skip_tty_check || terminal::is_interactive() {
        return Ok(());
    }
    Err(bad_option(
        "not a tty, editor cannot be opened",
        "run it in a terminal, or give --skip-tty-check",
    ))
}

/// Said on a terminal alone: what is piped stays clean.
fn announce(message: &str) {
    if std::io::stdout().is_terminal() {
        complain(message);
    }
}
