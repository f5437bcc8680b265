//! Jump hosts: `ProxyJump`, and a `ProxyCommand` that is only `ssh -W`.

use super::Arguments;

/// One host to go through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jump {
    pub(crate) host: String,
    pub(crate) user: Option<String>,
    pub(crate) port: Option<u16>,
    /// Options given for it alone.
    pub(crate) arguments: Arguments,
}

/// `[user@]host[:port]` or `ssh://…`, separated by commas, in the order in which they are passed.
///
/// # Errors
/// A name cannot be one.
pub(super) fn parse_jumps(text: &str) -> Result<Vec<Jump>, String> {
    text.split(',').map(|spec| parse_jump(spec.trim())).collect()
}

fn parse_jump(spec: &str) -> Result<Jump, String> {
    let bad = || format!("`{spec}` is not [user@]host[:port]");
    let plain = spec.strip_prefix("ssh://").map_or(spec, |rest| rest.trim_end_matches('/'));
    let (user, address) = match plain.rsplit_once('@') {
        Some((user, address)) => (Some(user.to_owned()), address),
        None => (None, plain),
    };
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
        (host, rest.strip_prefix(':'))
    } else {
        match address.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            _ => (address, None),
        }
    };
    let port = port.map(|port| port.parse().map_err(|_| bad())).transpose()?;
    if !valid_host(host) || user.as_deref().is_some_and(|user| !valid_user(user)) {
        return Err(bad());
    }
    Ok(Jump { host: host.to_owned(), user, port, arguments: Arguments::default() })
}

/// The jump that `ssh [options] -W %h:%p [user@]host` is; nothing if it is another command.
pub(super) fn from_command(command: &str) -> Option<Jump> {
    let mut words = shlex::split(command)?;
    if words.first()? == "exec" {
        words.remove(0);
    }
    let program = words.first()?.rsplit('/').next()?.to_owned();
    let forwards = words.iter().any(|word| word.contains("%h:%p") || word.contains("[%h]:%p"));
    if program != "ssh" || !forwards {
        return None;
    }
    let mut arguments = Arguments::default();
    let setting = "ProxyCommand";
    let rest = arguments.parse_words(words.split_off(1), setting).ok()?;
    let (host, options) = rest.split_first()?;
    // ssh takes options after the host too; anything else there would be a command.
    if !arguments.parse_words(options.to_vec(), setting).ok()?.is_empty() || host.contains('%') {
        return None;
    }
    let mut jump = parse_jump(host).ok()?;
    jump.arguments = arguments;
    Some(jump)
}

/// Whether a name may be put where a shell or a token could see it (OpenSSH's own rule).
pub(crate) fn valid_host(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.contains(|c: char| {
            c.is_whitespace() || c.is_control() || "'`\"$\\;&<>|(){},".contains(c)
        })
}

/// The same for a login name.
pub(crate) fn valid_user(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('\\')
        && !name.contains(|c: char| c.is_control() || "'`\";&<>|(){}$".contains(c))
}
