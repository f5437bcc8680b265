//! The socket between the daemon and a node: one message a packet, descriptors beside it.

use super::plan::{Exec, Plan, Terminal};
use super::process::Ended;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// Longest packet; what may be longer travels in a memory file.
const PACKET: usize = 64 << 10;
/// Most descriptors with a packet: a memory file and three streams.
const DESCRIPTORS: usize = 4;

/// What the daemon says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// To the keeper: the numbers of users are mapped.
    Mapped,
    /// To the init, first: become this node.
    Build(Plan),
    /// Start a program. With it come an [`Exec`] in a memory file and, unless it has a terminal, its three streams.
    Spawn { id: u64, terminal: Option<Terminal> },
    /// Whoever comes with this ticket gets the program in the memory file that comes with it; once.
    Expect { id: u64, ticket: String },
    /// From a tool of the node, with its three streams: a ticket.
    Redeem { ticket: String },
    /// To the process group of this program; of a tool: to that of its own.
    Signal { id: u64, signal: i32 },
}

/// What a node answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// The keeper stands in namespaces and waits for [`Request::Mapped`].
    Unshared,
    /// The node runs.
    Ready,
    /// It cannot become this node.
    Refused(String),
    /// The program runs under this number in its node; with it comes its terminal, if it has one.
    Started { id: u64, pid: u32 },
    /// The ticket is good.
    Expected { id: u64 },
    /// The program was not started.
    Failed { id: u64, error: String },
    /// The program has ended.
    Ended { id: u64, ended: Ended },
}

/// Two connected ends, both closed on exec.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Sends one message.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next message; `None` once the other end is closed.
pub(super) fn receive<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut bytes = vec![0; PACKET];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let parts = &mut [IoSliceMut::new(&mut bytes)];
    let got = recvmsg(socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            descriptors.extend(some);
        }
    }
    if got.bytes == 0 {
        return Ok(None);
    }
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::Error::other("a message was cut short"));
    }
    let message = serde_json::from_slice(bytes.get(..got.bytes).unwrap_or_default())?;
    Ok(Some((message, descriptors)))
}

/// What is to run, in a memory file: arguments and environment can be megabytes.
pub(super) fn exec_file(exec: &Exec) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create(c"exec", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(&serde_json::to_vec(exec)?)?;
    Ok(file.into())
}

/// Reads what [`exec_file`] wrote.
pub(super) fn read_exec(file: OwnedFd) -> io::Result<Exec> {
    let mut file = File::from(file);
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// An end of the socket in a runtime, which has no type for sockets of packets that are connected: it waits as it does for
/// datagrams, and what is read and written is ours.
#[derive(Debug)]
pub(super) struct Wire(UnixDatagram);

impl Wire {
    /// Takes the end over.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Self(UnixDatagram::from_std(socket.into())?))
    }

    /// As [`send`]; waits while the other end is behind.
    pub(super) async fn send(
        &self,
        message: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let send = || send(self.0.as_fd(), message, descriptors);
        self.0.async_io(Interest::WRITABLE, send).await
    }

    /// As [`receive`]. May be dropped while it waits.
    pub(super) async fn receive<T: DeserializeOwned>(
        &self,
    ) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        self.0.async_io(Interest::READABLE, || receive(self.0.as_fd())).await
    }

    /// Ends the conversation in both directions, for both sides.
    pub(super) fn end(&self) {
        // It fails if the other side was faster, and then it is done already.
        rustix::net::shutdown(&self.0, rustix::net::Shutdown::Both).ok();
    }
}
