//! The model's side of a node's socket: one task a call. A tool whose process is gone stops where it is.

use super::session::{Failed, Hears, Says, Session};
use super::wire::{self, Call, Kind};
use crate::node::{Machine, Site};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Output that waits for a slow reader.
const QUEUE: usize = 64;
/// Tools that run at once in one node.
const CALLS: usize = 256;

/// Answers calls on the socket of a node until it is dropped. Its directory is made if it is not there, and a socket that
/// is there already is replaced. It works with paths of any length.
///
/// # Errors
/// The socket cannot be made, or calls can no longer be taken.
pub async fn serve(machine: Arc<Machine>, site: Arc<Site>, socket: &Path) -> io::Result<()> {
    let directory = wire::SOCKET.rsplit_once('/').map_or("/", |(directory, _)| directory);
    machine.files.make_directory(directory, 0o755)?;
    let listener = listen(socket)?;
    let mut calls = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        while calls.len() >= CALLS || calls.try_join_next().is_some() {
            if calls.len() >= CALLS {
                drop(calls.join_next().await);
            }
        }
        let (machine, site) = (Arc::clone(&machine), Arc::clone(&site));
        calls.spawn(async move {
            // A connection that breaks is a process that was killed: that is all there is to know.
            drop(answer(stream, machine, site).await);
        });
    }
}

/// A socket's address has room for 107 bytes: the directory is named by its descriptor instead.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    use rustix::fs::{Mode, OFlags};
    use std::os::fd::AsRawFd;
    let name = socket.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let parent = socket.parent().unwrap_or_else(|| Path::new("/"));
    let directory = rustix::fs::open(
        parent,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
    match rustix::fs::unlinkat(&directory, name, rustix::fs::AtFlags::empty()) {
        Err(error) if error != rustix::io::Errno::NOENT => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // Every user of the node may call its tools; what they may do is the tools' matter.
    rustix::fs::chmodat(
        &directory,
        name,
        Mode::from_raw_mode(0o666),
        rustix::fs::AtFlags::empty(),
    )?;
    Ok(listener)
}

async fn answer(stream: UnixStream, machine: Arc<Machine>, site: Arc<Site>) -> io::Result<()> {
    let (mut from, to) = stream.into_split();
    let Some((Kind::Call, bytes)) = receive(&mut from).await? else {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    };
    let call: Call = serde_json::from_slice(&bytes)?;
    let (says, said) = mpsc::channel(QUEUE);
    let (heard, hears) = mpsc::channel(QUEUE);
    let session = Session::new(machine, site, call, says, hears);
    let play = async move { run(&session).await };
    tokio::pin!(play);
    let writer = tokio::spawn(write(to, said));
    let code = tokio::select! {
        code = &mut play => code,
        error = listen_to(from, heard) => return error,
    };
    // All that was said is written before the exit code.
    let mut to = writer.await.map_err(io::Error::other)??;
    to.write_all(&wire::frame(Kind::Exit, &[code])).await
}

/// Plays the tool: its exit code. What went wrong is said.
pub(super) async fn run(session: &Session) -> u8 {
    match super::play(session).await {
        Ok(code) => code,
        Err(Failed { text, code }) => {
            if !text.is_empty() {
                session.say(Says::Err(text.into_bytes())).await;
            }
            code
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut said: mpsc::Receiver<Says>,
) -> io::Result<OwnedWriteHalf> {
    while let Some(says) = said.recv().await {
        let (kind, bytes) = match says {
            Says::Out(bytes) => (Kind::Out, bytes),
            Says::Err(bytes) => (Kind::Err, bytes),
            Says::WantInput => (Kind::WantInput, Vec::new()),
            Says::WantLine => (Kind::WantLine, Vec::new()),
            Says::WantSecret(prompt) => (Kind::WantSecret, prompt.into_bytes()),
            Says::Exec(exec) => (Kind::Exec, serde_json::to_vec(&exec)?),
            Says::Ticket(ticket) => (Kind::Ticket, ticket.into_bytes()),
        };
        for part in bytes.chunks(wire::LONGEST).chain(bytes.is_empty().then_some(&[][..])) {
            to.write_all(&wire::frame(kind, part)).await?;
        }
    }
    Ok(to)
}

/// Only returns when the process is gone.
async fn listen_to(mut from: OwnedReadHalf, heard: mpsc::Sender<Hears>) -> io::Result<()> {
    while let Some((kind, bytes)) = receive(&mut from).await? {
        let hears = match kind {
            Kind::Input => Hears::Input(bytes),
            Kind::InputEnd => Hears::InputEnd,
            Kind::Signal => Hears::Signal(String::from_utf8_lossy(&bytes).parse().unwrap_or(15)),
            _ => return Err(io::Error::from(io::ErrorKind::InvalidData)),
        };
        // A tool that reads no input does not care; its process may go on writing.
        drop(heard.send(hears).await);
    }
    Ok(())
}

async fn receive(from: &mut OwnedReadHalf) -> io::Result<Option<(Kind, Vec<u8>)>> {
    let mut head = [0; 5];
    match from.read_exact(&mut head).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let [kind, length @ ..] = head;
    let (kind, length) = wire::header(kind, length)?;
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await?;
    Ok(Some((kind, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::bench::Bench;
    use std::time::Duration;

    /// Calls a tool over the socket, as its process does: exit code and standard output.
    async fn call(socket: &Path, line: &str) -> (u8, String) {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        let call =
            Call { argv: line.split(' ').map(str::to_owned).collect(), pid: 7, ..Call::default() };
        stream
            .write_all(&wire::frame(Kind::Call, &serde_json::to_vec(&call).unwrap()))
            .await
            .unwrap();
        let (mut from, _to) = stream.into_split();
        let mut out = Vec::new();
        while let Some((kind, bytes)) = receive(&mut from).await.unwrap() {
            match kind {
                Kind::Out => out.extend(bytes),
                Kind::Exit => return (bytes[0], String::from_utf8(out).unwrap()),
                _ => {}
            }
        }
        panic!("no exit code");
    }

    #[tokio::test]
    async fn calls_over_the_socket() {
        let bench = Bench::of(0, 1, "1.36.3").await;
        let directory = tempfile::tempdir().unwrap();
        // Longer than a socket's address.
        let socket = directory.path().join("x".repeat(120));
        std::fs::create_dir(&socket).unwrap();
        let socket = socket.join("tools.sock");
        let serving = tokio::spawn({
            let (machine, site, socket) =
                (Arc::clone(bench.machine("w1")), Arc::clone(&bench.site), socket.clone());
            async move { serve(machine, site, &socket).await }
        });
        bench.until(|_| socket.exists()).await;
        let short = format!("/proc/self/fd/{}/tools.sock", {
            use std::os::fd::IntoRawFd;
            std::fs::File::open(socket.parent().unwrap()).unwrap().into_raw_fd()
        });
        let short = Path::new(&short);
        assert_eq!(call(short, "kubeadm version -o short").await, (0, "v1.36.3\n".to_owned()));
        assert_eq!(call(short, "systemctl is-active nosuch").await.0, 3);
        let many = (0..40).map(|_| call(short, "dpkg-query -W kubelet"));
        for one in many {
            assert_eq!(one.await, (0, "kubelet\t1.36.3-1.1\n".to_owned()));
        }
        serving.abort();
    }

    #[tokio::test]
    async fn a_tool_ends_with_its_process() {
        let bench = Bench::of(1, 0, "1.36.3").await;
        bench.fault("cp1:kubeadm-hang=preflight");
        let (here, there) = UnixStream::pair().unwrap();
        let (machine, site) = (Arc::clone(bench.machine("cp1")), Arc::clone(&bench.site));
        let answering = tokio::spawn(answer(there, machine, site));
        let (mut from, mut to) = here.into_split();
        let argv = ["kubeadm", "upgrade", "apply", "v1.36.3", "-y"].map(str::to_owned).to_vec();
        let call = serde_json::to_vec(&Call { argv, ..Call::default() }).unwrap();
        to.write_all(&wire::frame(Kind::Call, &call)).await.unwrap();
        let mut said = String::new();
        while !said.contains("health checks") {
            said.push_str(&String::from_utf8_lossy(&receive(&mut from).await.unwrap().unwrap().1));
        }
        drop((from, to));
        tokio::time::timeout(Duration::from_secs(5), answering)
            .await
            .expect("it hangs on")
            .unwrap()
            .unwrap();
    }
}
