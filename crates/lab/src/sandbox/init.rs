//! The init of a node: builds its root, starts programs when the daemon asks for them, reaps everything. In namespaces it
//! is pid 1, so that its end is the end of all. It has one thread.

use super::entry::{LEADER, NAMESPACES};
use super::leader::Streams;
use super::plan::{Exec, Plan, Terminal};
use super::process::Ended;
use super::ticket::Said;
use super::wire::{Reply, Request, Wire, read_exec, receive, send};
use super::{keeper, mounts, terminal, ticket, tree};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Words of tools that may wait.
const TOOLS: usize = 64;

/// The exit code, or nothing if there is no socket on standard input.
pub(super) fn run(kind: &str, root: &Path) -> Option<u8> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let done = become_node(&socket, kind == NAMESPACES, root).and_then(|devices| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(serve(socket.try_clone()?, devices))
    });
    if let Err(error) = done {
        // If nobody reads it, nobody wants to know.
        send(socket.as_fd(), &Reply::Refused(error.to_string()), &[]).ok();
        return Some(1);
    }
    Some(0)
}

/// Waits for the plan and carries it out. Answers the directory of devices in which terminals are opened.
fn become_node(socket: &OwnedFd, namespaces: bool, root: &Path) -> io::Result<OwnedFd> {
    keeper::die_with_parent()?;
    let Some((Request::Build(plan), _)) = receive(socket.as_fd())? else {
        return Err(io::Error::other("no plan came"));
    };
    // The socket stood on standard input; programs must not find it there.
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    // Refused where groups may not be changed: in a user namespace of one user.
    rustix::thread::set_thread_groups(&[]).ok();
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open_devices = || rustix::fs::open("/dev", directory, Mode::empty());
    rustix::process::umask(Mode::from_raw_mode(0o022));
    tree::prepare(&plan, root, namespaces)?;
    if namespaces {
        mounts::build(&plan, root)?;
        finish(&plan)?;
        return Ok(open_devices()?);
    }
    // The chroot has no terminals of its own: they are those of this machine.
    let devices = open_devices()?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    rustix::process::chroot(root)?;
    std::env::set_current_dir("/")?;
    finish(&plan)?;
    Ok(devices)
}

/// What can only be done from inside.
fn finish(plan: &Plan) -> io::Result<()> {
    // What asks for the name of process 1 wants to know how services are managed.
    rustix::thread::set_name(c"systemd")?;
    tree::boot(&plan.accounts)
}

struct Init {
    wire: Wire,
    devices: OwnedFd,
    /// Programs that were asked for, by process.
    running: HashMap<Pid, Asker>,
    /// Programs that tools may have started.
    tickets: HashMap<String, OwnedFd>,
}

/// Who is told of a program's end.
enum Asker {
    /// The daemon, who knows the program by this number.
    Daemon(u64),
    /// A tool of the node.
    Tool(Arc<Wire>),
}

/// Serves the daemon until it is gone.
async fn serve(socket: OwnedFd, devices: OwnedFd) -> io::Result<()> {
    let mut children = signal(SignalKind::child())?;
    let (running, tickets) = (HashMap::new(), HashMap::new());
    let mut init = Init { wire: Wire::new(socket)?, devices, running, tickets };
    let (sender, mut said) = mpsc::channel(TOOLS);
    tokio::spawn(ticket::admit(ticket::door()?, sender));
    init.wire.send(&Reply::Ready, &[]).await?;
    loop {
        tokio::select! {
            _ = children.recv() => init.reap().await?,
            Some(said) = said.recv() => init.hear(said).await?,
            request = init.wire.receive() => match request? {
                Some((request, descriptors)) => init.answer(request, descriptors).await?,
                None => return Ok(()),
            },
        }
    }
}

impl Init {
    async fn answer(&mut self, request: Request, descriptors: Vec<OwnedFd>) -> io::Result<()> {
        match request {
            Request::Spawn { id, terminal } => self.start(id, terminal, descriptors).await,
            Request::Signal { id, signal } => {
                self.signal(signal, |asker| matches!(asker, Asker::Daemon(known) if *known == id));
                Ok(())
            }
            Request::Expect { id, ticket } => {
                self.tickets.extend(descriptors.into_iter().next().map(|exec| (ticket, exec)));
                self.wire.send(&Reply::Expected { id }, &[]).await
            }
            Request::Mapped | Request::Build(_) | Request::Redeem { .. } => {
                Err(io::Error::other("the daemon says what it never says"))
            }
        }
    }

    async fn start(
        &mut self,
        id: u64,
        terminal: Option<Terminal>,
        descriptors: Vec<OwnedFd>,
    ) -> io::Result<()> {
        let (streams, terminal) = match &terminal {
            Some(terminal) => (Streams::Terminal, Some(terminal)),
            None => (Streams::Own, None),
        };
        match self.spawn(streams, terminal, descriptors) {
            Ok((process, master)) => {
                self.running.insert(process, Asker::Daemon(id));
                let master: Vec<_> = master.iter().map(AsFd::as_fd).collect();
                let pid = process.as_raw_nonzero().get().unsigned_abs();
                self.wire.send(&Reply::Started { id, pid }, &master).await
            }
            Err(error) => {
                self.wire.send(&Reply::Failed { id, error: error.to_string() }, &[]).await
            }
        }
    }

    /// What a tool says. One that says what it must not, or is gone, is its own affair.
    async fn hear(&mut self, said: Said) -> io::Result<()> {
        let Said { tool, request, mut descriptors } = said;
        match request {
            Request::Redeem { ticket } => {
                let started = match self.tickets.remove(&ticket) {
                    Some(exec) => {
                        descriptors.insert(0, exec);
                        self.spawn(Streams::Borrowed, None, descriptors)
                    }
                    None => Err(io::Error::other("no such ticket")),
                };
                match started {
                    Ok((process, _)) => drop(self.running.insert(process, Asker::Tool(tool))),
                    Err(error) => {
                        let reply = Reply::Failed { id: 0, error: error.to_string() };
                        tool.send(&reply, &[]).await.ok();
                    }
                }
            }
            Request::Signal { signal, .. } => {
                self.signal(
                    signal,
                    |asker| matches!(asker, Asker::Tool(known) if Arc::ptr_eq(known, &tool)),
                );
            }
            _ => {}
        }
        Ok(())
    }

    /// Starts a leader. Answers its process and the master of its terminal.
    fn spawn(
        &self,
        streams: Streams,
        terminal: Option<&Terminal>,
        descriptors: Vec<OwnedFd>,
    ) -> io::Result<(Pid, Option<OwnedFd>)> {
        let mut descriptors = descriptors.into_iter();
        let mut next =
            || descriptors.next().ok_or_else(|| io::Error::other("a descriptor is missing"));
        let exec = read_exec(next()?)?;
        let ([input, output, errors], master) = match terminal {
            Some(terminal) => {
                let (master, slave) = terminal::open(&self.devices, terminal)?;
                ([slave.try_clone()?, slave.try_clone()?, slave], Some(master))
            }
            None => ([next()?, next()?, next()?], None),
        };
        let child = leader_of(&exec, streams).stdin(input).stdout(output).stderr(errors).spawn()?;
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok((process.ok_or_else(|| io::Error::other("a process without a number"))?, master))
    }

    fn signal(&self, signal: i32, of: impl Fn(&Asker) -> bool) {
        let process = self.running.iter().find(|(_, asker)| of(asker));
        if let (Some((process, _)), Some(signal)) = (process, Signal::from_named_raw(signal)) {
            // It may have ended just now.
            rustix::process::kill_process_group(*process, signal).ok();
        }
    }

    /// Takes the ends of all that have ended, asked for or orphaned.
    async fn reap(&mut self) -> io::Result<()> {
        while let Ok(Some((process, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let ended = ended(status);
            match self.running.remove(&process) {
                Some(Asker::Daemon(id)) => {
                    self.wire.send(&Reply::Ended { id, ended }, &[]).await?;
                }
                // A tool that is gone does not want to know.
                Some(Asker::Tool(tool)) => {
                    tool.send(&Reply::Ended { id: 0, ended }, &[]).await.ok();
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn leader_of(exec: &Exec, streams: Streams) -> Command {
    let mut command = Command::new(tree::PLAYER);
    command
        .arg0(LEADER)
        .arg(exec.user.uid.to_string())
        .arg(exec.user.gid.to_string())
        .arg(streams.word())
        .arg(&exec.cwd)
        .arg(exec.program.as_deref().unwrap_or(Path::new("")))
        .args(&exec.argv)
        .env_clear()
        .envs(exec.env.iter().map(|(name, value)| (name, value)));
    command
}

fn ended(status: WaitStatus) -> Ended {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ended::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, Some(signal)) => Ended::Signal(signal),
        (None, None) => Ended::Lost,
    }
}
