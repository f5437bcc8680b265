//! How a program of a node gets another started that has more rights than it has, as `sudo` does: the daemon, which has
//! decided that it may, gives it a ticket; with it and its own streams it goes to the init.

use super::process::Ended;
use super::wire::{Reply, Request, Wire};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Where the init listens, in the node. `/.lab` is there from the first start on, and no boot empties it.
const SOCKET: &str = "/.lab/init";
/// Holders of tickets that may wait to be let in.
const WAITING: i32 = 64;

/// What a holder of a ticket says to the init.
pub(super) struct Said {
    /// Who.
    pub(super) tool: Arc<Wire>,
    pub(super) request: Request,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Starts the program of this ticket with the standard streams of this process, passes on the signals that this process
/// gets, and waits for its end. For a process of a node; it blocks.
///
/// # Errors
/// The ticket is not valid, or the program cannot be started.
pub fn redeem(ticket: &str) -> io::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = packets()?;
        connect(&socket, &SocketAddrUnix::new(SOCKET)?)?;
        let init = Wire::new(socket)?;
        let mut signals = [
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::quit())?,
            signal(SignalKind::terminate())?,
        ];
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        init.send(&Request::Redeem { ticket: ticket.to_owned() }, &streams).await?;
        let [hangup, interrupt, quit, terminate] = &mut signals;
        loop {
            let number = tokio::select! {
                reply = init.receive() => return end(reply?.map(|(reply, _)| reply)),
                _ = hangup.recv() => SignalKind::hangup(),
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = quit.recv() => SignalKind::quit(),
                _ = terminate.recv() => SignalKind::terminate(),
            };
            let signal = number.as_raw_value();
            init.send(&Request::Signal { id: 0, signal }, &[]).await?;
        }
    })
}

fn end(reply: Option<Reply>) -> io::Result<Ended> {
    match reply {
        Some(Reply::Ended { ended, .. }) => Ok(ended),
        Some(Reply::Failed { error, .. }) => Err(io::Error::other(error)),
        other => Err(io::Error::other(format!("the node answered {other:?}"))),
    }
}

/// Opens the init's door.
pub(super) fn door() -> io::Result<UnixListener> {
    // That of an earlier boot.
    if fs::exists(SOCKET)? {
        fs::remove_file(SOCKET)?;
    }
    let socket = packets()?;
    bind(&socket, &SocketAddrUnix::new(SOCKET)?)?;
    // Everybody may come; who has no ticket gets nothing.
    fs::set_permissions(SOCKET, Permissions::from_mode(0o666))?;
    listen(&socket, WAITING)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    UnixListener::from_std(socket.into())
}

/// Lets holders of tickets in, and hands on what they say.
pub(super) async fn admit(door: UnixListener, said: mpsc::Sender<Said>) -> io::Result<()> {
    loop {
        let (stream, _) = door.accept().await?;
        let tool = Arc::new(Wire::new(stream.into_std()?.into())?);
        let said = said.clone();
        tokio::spawn(async move {
            // A tool that goes away leaves its program running, as sudo does.
            while let Ok(Some((request, descriptors))) = tool.receive().await {
                let tool = Arc::clone(&tool);
                if said.send(Said { tool, request, descriptors }).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn packets() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, None)?)
}
