//! The tool's own process, inside the node: it hands its call to the model, carries input and output, and ends as the model
//! says. It knows no tool.

use super::wire::{self, Call, Exec, Kind};
use crate::sandbox::{self, Ended};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Only nodes have it.
const IN_NODE: &str = "/.lab";

/// Plays a tool if this process was called by the name of one and the node's socket is there: its exit code.
#[must_use]
pub fn entry(arguments: &[OsString]) -> Option<u8> {
    let name = name_of(arguments)?;
    let stream = match UnixStream::connect(wire::SOCKET) {
        Ok(stream) => stream,
        // In a node whose model is gone nothing is played, least of all another program by that name.
        Err(_) if std::fs::metadata(IN_NODE).is_ok() => {
            complain("lab: this node has no model\n");
            return Some(255);
        }
        Err(_) => return None,
    };
    let mut argv: Vec<String> =
        arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(first) = argv.first_mut() {
        *first = name;
    }
    Some(match play(stream, argv) {
        Ok(code) => code,
        Err(error) => {
            // The node goes down under its programs.
            complain(&format!("lab: {error}\n"));
            255
        }
    })
}

/// The name by which the process was called, if it is a tool's.
fn name_of(arguments: &[OsString]) -> Option<String> {
    let called = arguments.first()?.to_string_lossy().into_owned();
    let name = called.rsplit('/').next().unwrap_or(&called);
    super::names().contains(&name).then(|| name.to_owned())
}

fn play(mut stream: UnixStream, argv: Vec<String>) -> io::Result<u8> {
    let call = Call {
        argv,
        environment: std::env::vars_os()
            .map(|(key, value)| {
                (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            })
            .collect(),
        directory: std::env::current_dir()?.to_string_lossy().into_owned(),
        user: (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
        pid: std::process::id(),
        terminal: io::stdout().is_terminal(),
    };
    wire::send(&mut stream, Kind::Call, &serde_json::to_vec(&call)?)?;
    while let Some((kind, bytes)) = wire::receive(&mut stream)? {
        match kind {
            // A reader that is gone is no reason to stop early: the tool does what it does.
            Kind::Out => drop(io::stdout().write_all(&bytes).and_then(|()| io::stdout().flush())),
            Kind::Err => complain(&String::from_utf8_lossy(&bytes)),
            Kind::WantInput => feed(stream.try_clone()?),
            Kind::WantLine => hand_over(&mut stream, read_line(&mut io::stdin().lock()))?,
            Kind::WantSecret => hand_over(&mut stream, secret(&bytes))?,
            Kind::Exec => return Ok(become_program(&serde_json::from_slice(&bytes)?)),
            Kind::Ticket => return with_ticket(&String::from_utf8_lossy(&bytes)),
            Kind::Exit => return Ok(bytes.first().copied().unwrap_or(255)),
            Kind::Call | Kind::Input | Kind::InputEnd | Kind::Signal => {
                return Err(io::Error::from(io::ErrorKind::InvalidData));
            }
        }
    }
    Err(io::Error::other("the node is down"))
}

fn complain(text: &str) {
    // Nobody is left to be told that this failed.
    drop(io::stderr().write_all(text.as_bytes()));
}

/// Carries the standard input to the model, in a thread that ends with the process.
fn feed(mut stream: UnixStream) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let sent = match io::stdin().read(&mut buffer) {
                Ok(0) | Err(_) => return drop(wire::send(&mut stream, Kind::InputEnd, &[])),
                Ok(length) => {
                    wire::send(&mut stream, Kind::Input, buffer.get(..length).unwrap_or_default())
                }
            };
            if sent.is_err() {
                return;
            }
        }
    });
}

/// What was read, or that there is nothing.
fn hand_over(stream: &mut UnixStream, line: io::Result<Vec<u8>>) -> io::Result<()> {
    match line {
        Ok(line) if !line.is_empty() => wire::send(stream, Kind::Input, &line),
        _ => wire::send(stream, Kind::InputEnd, &[]),
    }
}

/// Byte by byte: what follows the line belongs to somebody else.
fn read_line(from: &mut impl AsRawInput) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut byte = [0];
    while from.read_one(&mut byte)? == 1 {
        line.extend(byte);
        if byte == *b"\n" {
            break;
        }
    }
    Ok(line)
}

/// Reading past every buffer.
trait AsRawInput {
    fn read_one(&mut self, byte: &mut [u8; 1]) -> io::Result<usize>;
}

impl<T: std::os::fd::AsFd> AsRawInput for T {
    fn read_one(&mut self, byte: &mut [u8; 1]) -> io::Result<usize> {
        Ok(rustix::io::read(self.as_fd(), byte)?)
    }
}

/// A line of the terminal, without echo.
fn secret(prompt: &[u8]) -> io::Result<Vec<u8>> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let mut terminal = std::fs::File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
    terminal.write_all(prompt)?;
    let line = read_line(&mut terminal);
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    terminal.write_all(b"\n")?;
    line
}

/// Only returns if that fails, with the shell's exit codes.
fn become_program(exec: &Exec) -> u8 {
    let Some((program, words)) = exec.argv.split_first() else { return 0 };
    let mut command = Command::new(program);
    command
        .args(words)
        .env_clear()
        .envs(exec.environment.iter().cloned())
        .current_dir(&exec.directory);
    let me = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if me != exec.user {
        command.gid(exec.user.1).uid(exec.user.0);
    }
    let error = command.exec();
    complain(&format!("{program}: {}\n", reason(&error)));
    if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
}

/// As sudo ends when its command was ended by a signal: by the same, which a shell shows as 128 and its number.
fn with_ticket(ticket: &str) -> io::Result<u8> {
    Ok(match sandbox::redeem(ticket)? {
        Ended::Code(code) => code,
        Ended::Signal(signal) => u8::try_from(signal).map_or(u8::MAX, |signal| 128 | signal),
        Ended::Lost => u8::MAX,
    })
}

fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "command not found",
        io::ErrorKind::PermissionDenied => "Permission denied",
        _ => "cannot execute",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tools_are_played() {
        for (called, name) in [
            ("/usr/bin/systemctl", Some("systemctl")),
            ("apt-get", Some("apt-get")),
            ("mainstay", None),
            ("/usr/bin/ls", None),
        ] {
            assert_eq!(name_of(&[called.into()]).as_deref(), name);
        }
        assert_eq!(name_of(&[]), None);
    }
}
