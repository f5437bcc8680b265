//! The command line that starts a waiting shell, with other rights if asked.

use super::frame::reader;
use crate::transport::{Become, Secret, TransportError, quote};

/// A waiting shell to be started.
pub(crate) struct Launch {
    /// For the login shell, or `/bin/sh -c`.
    pub(crate) line: String,
    /// Printed by the reader, with a space and its process id.
    pub(super) marker: String,
    /// How rights are gained.
    pub(super) rights: Option<Rights>,
}

/// What the greeting must know of become.
pub(super) struct Rights {
    /// `sudo` or `su`.
    pub(super) method: Method,
    /// For messages.
    pub(super) user: String,
    /// The prompt of sudo, ours; su has its own.
    pub(super) prompt: String,
    pub(super) password: Option<Secret>,
}

/// The programs that are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Sudo,
    Su,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
        }
    }
}

impl Launch {
    /// # Errors
    /// The become method is not known, or the user's name cannot be one.
    pub(crate) fn new(rights: Option<&Become>, nonce: &str) -> Result<Self, TransportError> {
        let marker = format!("mainstay-ready-{nonce}");
        let shell = format!("/bin/sh -c {}", quote(&reader(&marker)));
        let Some(wanted) = rights else {
            return Ok(Self { line: format!("exec {shell}"), marker, rights: None });
        };
        let method = match wanted.method.as_str() {
            "sudo" | "ansible.builtin.sudo" => Method::Sudo,
            "su" | "ansible.builtin.su" => Method::Su,
            other => {
                return Err(TransportError::Become(format!(
                    "become method `{other}` is not supported; `sudo` and `su` are"
                )));
            }
        };
        if wanted.user.is_empty()
            || wanted.user.starts_with('-')
            || wanted.user.contains(|c: char| c.is_control())
        {
            return Err(TransportError::Become(format!(
                "`{}` cannot be the name of a user",
                wanted.user.escape_debug()
            )));
        }
        let prompt = format!("mainstay-password-{nonce}:");
        let exe = quote(wanted.exe.as_deref().unwrap_or(method.name()));
        let flags = flags(method, wanted)?;
        let user = quote(&wanted.user);
        let shell = if method == Method::Sudo && by_shell(&flags) {
            format!("/bin/sh -c {}", quote(&without_dollars(&reader(&marker))))
        } else {
            shell
        };
        let flags = flags.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
        let line = match method {
            Method::Sudo => format!("exec {exe} {flags} -p {prompt} -u {user} {shell}"),
            Method::Su => {
                format!("exec {exe} {flags} {user} -c {}", quote(&format!("exec {shell}")))
            }
        };
        let rights =
            Rights { method, user: wanted.user.clone(), prompt, password: wanted.password.clone() };
        Ok(Self { line, marker, rights: Some(rights) })
    }

    /// Whether the script may be written before the marker was seen: nothing else can read it. su might take it for a
    /// password; sudo without a password is told to ask nothing.
    pub(crate) fn eager(&self) -> bool {
        self.rights
            .as_ref()
            .is_none_or(|rights| rights.method == Method::Sudo && rights.password.is_none())
    }
}

/// Whether sudo gives its command to a shell of the user (`-i`, `-s`, also within `-Hi`). It puts a backslash before
/// everything in it but letters, digits, `_`, `-` and `$`: that shell would expand the variables of the reader.
fn by_shell(flags: &[String]) -> bool {
    flags.iter().any(|flag| match flag.strip_prefix("--") {
        Some(long) => long == "login" || long == "shell",
        None => flag.starts_with('-') && flag.contains(['i', 's']),
    })
}

/// Shell text that evaluates this one and has no `$` in it. `%` and `'` are not in it.
fn without_dollars(text: &str) -> String {
    let text = text.replace('$', r"\0044").replace('"', r"\0042");
    format!("eval \"`printf %b '{text}'`\"")
}

/// The flags. sudo reads a password only from standard input, and asks for none if there is none.
fn flags(method: Method, wanted: &Become) -> Result<Vec<String>, TransportError> {
    let default = if method == Method::Sudo { "-H" } else { "" };
    let text = wanted.flags.as_deref().unwrap_or(default);
    let mut words = shlex::split(text).ok_or_else(|| {
        TransportError::Become(format!("the become flags `{text}` have an unclosed quote"))
    })?;
    if method == Method::Sudo {
        words
            .retain(|word| !matches!(word.as_str(), "-n" | "--non-interactive" | "-S" | "--stdin"));
        words.push("-S".to_owned());
        if wanted.password.is_none() {
            words.push("-n".to_owned());
        }
    }
    Ok(words)
}
