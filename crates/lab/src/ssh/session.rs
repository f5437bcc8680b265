//! A session channel with a program in it.

use super::input::{Input, closed};
use super::server::{Login, Shared};
use super::sftp;
use crate::fault::Fault;
use crate::sandbox::{Ended, Exec, PLAYER, Process, Signal, Terminal, User};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelWriteHalf, Sig};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::{Notify, mpsc};

/// Output is read in parts of at most this many bytes.
const PART: usize = 32 << 10;
/// How long the last output of a program that has ended may keep its exit status waiting.
const LAST_OUTPUT: Duration = Duration::from_secs(1);
/// The extended data of RFC 4254 that is standard error.
const STDERR: u32 = 1;

/// What is to run.
pub(super) enum Command {
    /// A login shell.
    Login,
    /// A line for the user's shell.
    Line(Vec<u8>),
    /// The server of files.
    Files,
}

/// A program to be started.
pub(super) struct Start {
    pub(super) user: Login,
    pub(super) command: Command,
    pub(super) terminal: Option<Terminal>,
    pub(super) env: Vec<(String, String)>,
    pub(super) peer: SocketAddr,
    /// Cuts the connection.
    pub(super) cut: Arc<Notify>,
}

/// What a client does to a program that runs.
pub(super) enum Control {
    Resize { rows: u16, columns: u16 },
    Signal(Signal),
}

/// Runs it to its end, or until the client is gone.
pub(super) async fn run(
    shared: &Shared,
    start: Start,
    channel: Channel<Msg>,
    handle: &Handle,
    controls: mpsc::Receiver<Control>,
) {
    let (counts, cut) = (!matches!(start.command, Command::Files), Arc::clone(&start.cut));
    let id = channel.id();
    let terminal = start.terminal.is_some();
    let Ok(process) = shared.config.sandbox.spawn(exec(shared, start)).await else {
        // A client that is gone needs no answer, here and below.
        handle.channel_failure(id).await.ok();
        handle.close(id).await.ok();
        return;
    };
    if counts && struck(shared) {
        cut.notify_one();
        return;
    }
    handle.channel_success(id).await.ok();
    let (read, write) = channel.split();
    let client = Client { handle: handle.clone(), write: Arc::new(write) };
    attend(process, terminal, Input::new(read), &client, controls).await;
    client.write.close().await.ok();
}

/// The way to the client; what is said on either part of it arrives in the order in which it was said.
struct Client {
    handle: Handle,
    write: Arc<ChannelWriteHalf<Msg>>,
}

/// Counts a command, and tells whether the connection is lost with it.
fn struck(shared: &Shared) -> bool {
    let count = shared.commands.fetch_add(1, Ordering::Relaxed) + 1;
    let strikes = |fault: &Fault| match fault {
        Fault::CutExec { node, nth } if *node == shared.config.node && *nth == count => Some(()),
        _ => None,
    };
    shared.config.faults.take(strikes).is_some()
}

/// From the first byte to the exit status and the end of the output.
async fn attend(
    mut process: Process,
    terminal: bool,
    input: Input,
    client: &Client,
    mut controls: mpsc::Receiver<Control>,
) {
    let mut gone = input.closed.clone();
    let feeding = tokio::spawn(feed(input, process.stdin.take(), terminal));
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    let (out, errors) = (Arc::clone(&client.write), Arc::clone(&client.write));
    let mut output = tokio::spawn(async move {
        tokio::join!(show(stdout, &out, None), show(stderr, &errors, Some(STDERR)));
    });
    let ended = loop {
        tokio::select! {
            ended = process.wait() => break Some(ended),
            Some(control) = controls.recv() => obey(&process, control).await,
            () = closed(&mut gone) => break None,
        }
    };
    if let Some(ended) = ended {
        // What is printed last comes first, unless others go on printing.
        let shown = tokio::time::timeout(LAST_OUTPUT, &mut output).await.is_ok();
        tell(ended, client).await;
        if !shown && !terminal {
            tokio::select! {
                _ = &mut output => {}
                () = closed(&mut gone) => {}
            }
        }
        client.write.eof().await.ok();
    }
    // Streams are closed: a terminal hangs up, others read the end.
    feeding.abort();
    output.abort();
}

async fn obey(process: &Process, control: Control) {
    // It may have ended meanwhile.
    match control {
        Control::Resize { rows, columns } => process.resize(rows, columns).ok(),
        Control::Signal(signal) => process.signal(signal).await.ok(),
    };
}

/// Carries input to the program and then closes it. A terminal is not closed by the end of input.
async fn feed(mut input: Input, stdin: Option<pipe::Sender>, terminal: bool) {
    let mut stdin = stdin;
    while let Some(part) = input.next().await {
        if let Some(pipe) = &mut stdin
            && pipe.write_all(&part).await.is_err()
        {
            // It reads no more; what still comes is thrown away.
            stdin = None;
        }
    }
    if terminal {
        std::future::pending::<()>().await;
    }
}

/// Carries output to the client as fast as its window allows.
async fn show(
    stream: Option<impl AsyncRead + Unpin>,
    write: &ChannelWriteHalf<Msg>,
    kind: Option<u32>,
) {
    let Some(mut stream) = stream else { return };
    let mut part = vec![0; PART];
    // The end of a terminal is an error.
    while let Ok(count @ 1..) = stream.read(&mut part).await {
        let bytes = part.get(..count).unwrap_or_default().to_vec();
        let sent = match kind {
            Some(kind) => write.extended_data_bytes(kind, bytes).await,
            None => write.data_bytes(bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The exit status, or the signal.
async fn tell(ended: Ended, client: &Client) {
    match ended {
        Ended::Code(code) => client.write.exit_status(u32::from(code)).await.ok(),
        Ended::Signal(number) => {
            let (id, none) = (client.write.id(), String::new());
            client
                .handle
                .exit_signal_request(id, name(number), false, none.clone(), none)
                .await
                .ok()
        }
        // As with a machine that goes down, nothing is said.
        Ended::Lost => None,
    };
}

fn name(signal: i32) -> Sig {
    match Signal::from_named_raw(signal) {
        Some(Signal::ABORT) => Sig::ABRT,
        Some(Signal::ALARM) => Sig::ALRM,
        Some(Signal::FPE) => Sig::FPE,
        Some(Signal::HUP) => Sig::HUP,
        Some(Signal::ILL) => Sig::ILL,
        Some(Signal::INT) => Sig::INT,
        Some(Signal::KILL) => Sig::KILL,
        Some(Signal::PIPE) => Sig::PIPE,
        Some(Signal::QUIT) => Sig::QUIT,
        Some(Signal::SEGV) => Sig::SEGV,
        Some(Signal::TERM) => Sig::TERM,
        Some(Signal::USR1) => Sig::USR1,
        Some(Signal::USR2) => Sig::Custom("USR2".to_owned()),
        // As OpenSSH says it of a signal that the RFC has no name for.
        _ => Sig::Custom("SIG@openssh.com".to_owned()),
    }
}

fn exec(shared: &Shared, start: Start) -> Exec {
    let env = environment(shared, &start);
    let Start { user, command, terminal, .. } = start;
    let shell = user.shell.clone().into_os_string();
    let base = user.shell.file_name().map(ToOwned::to_owned).unwrap_or_default();
    let (program, argv) = match command {
        Command::Login => {
            let mut name = OsString::from("-");
            name.push(base);
            (shell, vec![name])
        }
        Command::Line(line) => (shell, vec![base, "-c".into(), OsString::from_vec(line)]),
        Command::Files => (PLAYER.into(), vec![sftp::NAME.into()]),
    };
    let User { uid, gid } = User { uid: user.uid, gid: user.gid };
    let program = Some(program.into());
    Exec { program, argv, env, cwd: user.home, user: User { uid, gid }, terminal }
}

/// As an OpenSSH server of Debian sets it.
fn environment(shared: &Shared, start: &Start) -> Vec<(OsString, OsString)> {
    let user = &start.user;
    let path = if user.uid == 0 {
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    } else {
        "/usr/local/bin:/usr/bin:/bin:/usr/games"
    };
    let (from, to) = (start.peer, shared.config.address);
    let (client, server) = (format!("{} {}", from.ip(), from.port()), to.port());
    let mut env: Vec<(OsString, OsString)> = vec![
        ("USER".into(), user.name.clone().into()),
        ("LOGNAME".into(), user.name.clone().into()),
        ("HOME".into(), user.home.clone().into()),
        ("PATH".into(), path.into()),
        ("SHELL".into(), user.shell.clone().into()),
        ("MAIL".into(), format!("/var/mail/{}", user.name).into()),
        ("LANG".into(), "C.UTF-8".into()),
        ("SSH_CLIENT".into(), format!("{client} {server}").into()),
        ("SSH_CONNECTION".into(), format!("{client} {} {server}", to.ip()).into()),
    ];
    for (name, value) in &start.env {
        env.retain(|(known, _)| known != name.as_str());
        env.push((name.into(), value.into()));
    }
    env
}
