//! What a program is before it is that program: its own session, its terminal, its user, its directory.
//!
//! Arguments: user, group, a word of [`Streams`], directory, program (empty: the first of the arguments), arguments.

use rustix::fs::fchown;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::CapabilitySet;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What the standard streams of a program are.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Streams {
    /// Its own terminal, which it controls.
    Terminal,
    /// Its own.
    Own,
    /// Another program's.
    Borrowed,
}

impl Streams {
    /// How a leader is told.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Own => "own",
            Self::Borrowed => "borrowed",
        }
    }

    fn of(word: &OsString) -> Option<Self> {
        [Self::Terminal, Self::Own, Self::Borrowed].into_iter().find(|this| word == this.word())
    }
}

/// The exit code where the program could not be started, as a shell would give it; nothing if arguments are missing.
pub(super) fn lead(arguments: &[OsString]) -> Option<u8> {
    let [uid, gid, streams, cwd, program, argv @ ..] = arguments else { return None };
    let uid = Uid::from_raw(uid.to_str()?.parse().ok()?);
    let gid = Gid::from_raw(gid.to_str()?.parse().ok()?);
    let (name, rest) = argv.split_first()?;
    let streams = Streams::of(streams)?;
    let prepared = session(streams, uid, gid)
        .and_then(|()| give_up_the_machine())
        .and_then(|()| become_user(uid, gid));
    if let Err(error) = prepared {
        return Some(failed(name, &error));
    }
    if let Err(error) = std::env::set_current_dir(cwd) {
        // As sshd does: it says so and goes on from the root.
        eprint_line(&format!("Could not chdir to home directory {}: {error}", cwd.display()));
        std::env::set_current_dir("/").ok();
    }
    let program = if program.is_empty() { name } else { program };
    let mut command = Command::new(program);
    command.arg0(name).args(rest);
    if let Some(terminal) = terminal_name() {
        command.env("SSH_TTY", terminal);
    }
    Some(failed(name, &command.exec()))
}

fn session(streams: Streams, uid: Uid, gid: Gid) -> io::Result<()> {
    rustix::process::setsid()?;
    if streams == Streams::Terminal {
        rustix::process::ioctl_tiocsctty(std::io::stdin())?;
    }
    if streams != Streams::Borrowed {
        // Who opens `/dev/stdout` opens it anew. Streams that are of no such kind stay whose they are.
        let (user, group) = (Some(uid), Some(gid));
        fchown(std::io::stdin(), user, group).ok();
        fchown(std::io::stdout(), user, group).ok();
        fchown(std::io::stderr(), user, group).ok();
    }
    Ok(())
}

/// Root of a node changes no mount, because what is mounted read-only is this machine's; and does not make the init do it.
fn give_up_the_machine() -> io::Result<()> {
    for capability in [CapabilitySet::SYS_ADMIN, CapabilitySet::SYS_PTRACE] {
        if rustix::thread::capability_is_in_bounding_set(capability)? {
            rustix::thread::remove_capability_from_bounding_set(capability)?;
        }
    }
    Ok(())
}

fn become_user(uid: Uid, gid: Gid) -> io::Result<()> {
    let become_both = || {
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)
    };
    match become_both() {
        // There is no such number in this user namespace: everybody is root.
        Err(Errno::INVAL) => Ok(()),
        done => Ok(done?),
    }
}

/// Who has a terminal has it from an SSH server, which tells its name; it is known here first.
fn terminal_name() -> Option<OsString> {
    let name = rustix::termios::ttyname(std::io::stdin(), Vec::new()).ok()?;
    Some(OsString::from_vec(name.into_bytes()))
}

fn failed(name: &OsString, error: &io::Error) -> u8 {
    eprint_line(&format!("{}: {error}", name.display()));
    if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
}

fn eprint_line(text: &str) {
    use std::io::Write;
    // Whoever closed its standard error wants to know nothing.
    writeln!(std::io::stderr(), "{text}").ok();
}
