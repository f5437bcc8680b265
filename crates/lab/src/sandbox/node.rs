//! One running node, as the daemon holds it.

use super::entry::{CHROOT, KEEPER, NAMESPACES};
use super::isolation::Isolation;
use super::plan::{Exec, Plan};
use super::process::{Ended, Process, Remote, Streams};
use super::sweep::{end_all, mapped};
use super::wire::{Reply, Request, Wire, exec_file, pair};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// How long a node may take to start; where nodes share copies, the first makes them.
const START: Duration = Duration::from_secs(120);
/// How long it may take to end by itself.
const END: Duration = Duration::from_secs(10);

/// A node that runs. Dropped, it ends without being waited for.
#[derive(Debug)]
pub struct Sandbox {
    root: PathBuf,
    chroot: bool,
    wire: Arc<Wire>,
    programs: Arc<Programs>,
    next: AtomicU64,
    keeper: tokio::sync::Mutex<Child>,
}

/// What went wrong with a node.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It could not become what it should be.
    #[error("the node cannot start: {0}")]
    Refused(String),
    /// A program could not be started in it.
    #[error("the node cannot start a program: {0}")]
    Program(String),
    /// It does not run any more.
    #[error("the node is gone")]
    Gone,
    /// A system call of the daemon failed.
    #[error("the node cannot be reached: {0}")]
    System(#[from] io::Error),
}

/// Those that were asked for and have not ended.
#[derive(Debug, Default)]
struct Programs(Mutex<Table>);

/// Of a program that runs: its number in the node, and the master of its terminal. Of one that does not: why.
type Answer = Result<(u32, Option<OwnedFd>), String>;

#[derive(Debug, Default)]
struct Table {
    gone: bool,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    running: HashMap<u64, oneshot::Sender<Ended>>,
}

impl Sandbox {
    /// Starts a node and waits until programs can run in it.
    ///
    /// # Errors
    /// Nothing remains of a node that could not be started but files in its directory.
    pub async fn start(mut plan: Plan, isolation: &Isolation) -> Result<Arc<Self>, SandboxError> {
        let root = plan.dir.join("root");
        std::fs::create_dir_all(&root)?;
        std::fs::create_dir_all(&plan.shared)?;
        let root = std::fs::canonicalize(root)?;
        plan.dir = std::fs::canonicalize(&plan.dir)?;
        plan.shared = std::fs::canonicalize(&plan.shared)?;
        plan.player = std::fs::canonicalize(&plan.player)?;
        let chroot = *isolation == Isolation::Chroot;
        let (ours, theirs) = pair()?;
        let keeper = Command::new(&plan.player)
            .arg0(KEEPER)
            .arg(if chroot { CHROOT } else { NAMESPACES })
            .arg(&root)
            .current_dir("/")
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A key that interrupts the daemon is not meant for its nodes: they end with it, in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let wire = Arc::new(Wire::new(ours)?);
        let process = keeper.id().unwrap_or_default();
        let sandbox = Self {
            root,
            chroot,
            wire: Arc::clone(&wire),
            programs: Arc::default(),
            next: AtomicU64::new(1),
            keeper: tokio::sync::Mutex::new(keeper),
        };
        let ready = become_ready(&wire, plan, isolation, process);
        let ready = tokio::time::timeout(START, ready).await;
        match ready.unwrap_or_else(|_| Err(SandboxError::Refused("it takes too long".to_owned()))) {
            Ok(()) => {}
            Err(error) => {
                sandbox.stop().await;
                return Err(error);
            }
        }
        tokio::spawn(listen(wire, Arc::clone(&sandbox.programs)));
        Ok(Arc::new(sandbox))
    }

    /// The root of its file tree, seen from here.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Starts a program. A program that is not there is no error: it ends with 127, and says so on its standard error.
    ///
    /// # Errors
    /// The node is gone, or has no more processes or descriptors to give.
    pub async fn spawn(&self, exec: Exec) -> Result<Process, SandboxError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (started, ended) = self.programs.expect(id)?;
        let result = self.ask(id, exec, started).await;
        if result.is_err() {
            self.programs.forget(id);
        }
        let remote = Remote { id, wire: Arc::clone(&self.wire) };
        let (streams, pid) = result?;
        Ok(Process::new(streams, pid, remote, ended))
    }

    /// A ticket with which a process of the node gets this program started ([`super::redeem`]), once, with its own
    /// streams: what `sudo` is given when it may. `terminal` is not looked at.
    ///
    /// # Errors
    /// The node is gone.
    pub async fn ticket(&self, exec: &Exec) -> Result<String, SandboxError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // Chance, from the kernel.
        let ticket = tokio::fs::read_to_string("/proc/sys/kernel/random/uuid").await?;
        let ticket = ticket.trim().to_owned();
        let (good, _) = self.programs.expect(id)?;
        let request = Request::Expect { id, ticket: ticket.clone() };
        let file = exec_file(exec)?;
        let sent = self.wire.send(&request, &[file.as_fd()]).await;
        let good = match sent {
            Ok(()) => good.await.map_err(|_| SandboxError::Gone),
            Err(_) => Err(SandboxError::Gone),
        };
        self.programs.forget(id);
        good?.map(|_| ticket).map_err(SandboxError::Program)
    }

    async fn ask(
        &self,
        id: u64,
        exec: Exec,
        started: oneshot::Receiver<Answer>,
    ) -> Result<(Streams, u32), SandboxError> {
        let file = exec_file(&exec)?;
        let terminal = exec.terminal;
        let (streams, theirs) = match terminal {
            Some(_) => (None, Vec::new()),
            None => Streams::pipes().map(|(ours, theirs)| (Some(ours), theirs.into()))?,
        };
        let descriptors: Vec<_> = [&file].into_iter().chain(&theirs).map(AsFd::as_fd).collect();
        let request = Request::Spawn { id, terminal };
        self.wire.send(&request, &descriptors).await.map_err(|_| SandboxError::Gone)?;
        let answer = started.await.map_err(|_| SandboxError::Gone)?;
        let (pid, master) = answer.map_err(SandboxError::Program)?;
        match (master, streams) {
            (Some(master), _) => Ok((Streams::terminal(master)?, pid)),
            (None, Some(streams)) => Ok((streams, pid)),
            (None, None) => Err(SandboxError::Program("it got no terminal".to_owned())),
        }
    }

    /// Ends every process of the node and waits until they are gone. Again, it does nothing.
    pub async fn stop(&self) {
        self.wire.end();
        let mut keeper = self.keeper.lock().await;
        if tokio::time::timeout(END, keeper.wait()).await.is_err() {
            // The init dies with its keeper, and the namespace with the init.
            keeper.start_kill().ok();
            keeper.wait().await.ok();
        }
        drop(keeper);
        self.programs.gone();
        if self.chroot {
            // The keeper has done it, unless it was killed.
            let root = self.root.clone();
            tokio::task::spawn_blocking(move || end_all(&root)).await.ok();
        }
    }
}

/// The conversation up to [`Reply::Ready`].
async fn become_ready(
    wire: &Wire,
    plan: Plan,
    isolation: &Isolation,
    process: u32,
) -> Result<(), SandboxError> {
    if let Isolation::Namespaces { ids } = isolation {
        mapped(wire, ids.clone(), process)
            .await
            .map_err(|error| SandboxError::Refused(error.to_string()))?;
    }
    wire.send(&Request::Build(plan), &[]).await?;
    match wire.receive().await? {
        Some((Reply::Ready, _)) => Ok(()),
        Some((Reply::Refused(reason), _)) => Err(SandboxError::Refused(reason)),
        other => Err(SandboxError::Refused(format!("it answered {other:?}"))),
    }
}

/// Takes what a node says until it is gone.
async fn listen(wire: Arc<Wire>, programs: Arc<Programs>) {
    while let Ok(Some((reply, descriptors))) = wire.receive().await {
        programs.told(reply, descriptors.into_iter().next());
    }
    programs.gone();
}

impl Programs {
    /// Prepares for the answers about a program.
    fn expect(
        &self,
        id: u64,
    ) -> Result<(oneshot::Receiver<Answer>, oneshot::Receiver<Ended>), SandboxError> {
        let (started, starts) = oneshot::channel();
        let (ended, ends) = oneshot::channel();
        let mut table = self.lock();
        if table.gone {
            return Err(SandboxError::Gone);
        }
        table.waiting.insert(id, started);
        table.running.insert(id, ended);
        Ok((starts, ends))
    }

    fn told(&self, reply: Reply, master: Option<OwnedFd>) {
        let mut table = self.lock();
        // Where the other end is gone nobody waits any more.
        match reply {
            Reply::Started { id, pid } => {
                table.waiting.remove(&id).map(|started| started.send(Ok((pid, master))).ok());
            }
            Reply::Expected { id } => {
                table.waiting.remove(&id).map(|good| good.send(Ok((0, None))).ok());
            }
            Reply::Failed { id, error } => {
                table.running.remove(&id);
                table.waiting.remove(&id).map(|started| started.send(Err(error)).ok());
            }
            Reply::Ended { id, ended } => {
                table.running.remove(&id).map(|ends| ends.send(ended).ok());
            }
            Reply::Unshared | Reply::Ready | Reply::Refused(_) => {}
        }
    }

    fn forget(&self, id: u64) {
        let mut table = self.lock();
        table.waiting.remove(&id);
        table.running.remove(&id);
    }

    /// Everything has ended.
    fn gone(&self) {
        *self.lock() = Table { gone: true, ..Table::default() };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        // Nothing in there is left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
