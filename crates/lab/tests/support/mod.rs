//! A place for nodes, and what runs in them.

pub mod ssh;

use mainstay_lab::sandbox::{
    Account, Ended, Exec, Isolation, Plan, Process, Sandbox, User, isolation, remove,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::OnceCell;

/// The program that nodes re-execute.
pub const PLAYER: &str = env!("CARGO_BIN_EXE_mainstay-lab-player");

/// Nodes and what they share are made here: the links to this machine's programs once for all tests.
const BASE: &str = env!("CARGO_TARGET_TMPDIR");

static ISOLATION: OnceCell<Isolation> = OnceCell::const_new();

/// A directory for nodes.
pub struct Bench {
    pub dir: TempDir,
    pub isolation: Isolation,
}

/// What a program did.
#[derive(Debug)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    pub ended: Ended,
}

impl Bench {
    pub async fn new() -> Self {
        Self::below(Path::new(BASE)).await
    }

    pub async fn below(parent: &Path) -> Self {
        let dir = tempfile::tempdir_in(parent).unwrap();
        let find = || async { isolation(Path::new(BASE), Path::new(PLAYER)).await.unwrap() };
        Self { dir, isolation: ISOLATION.get_or_init(find).await.clone() }
    }

    /// Whether nodes have no namespaces here, and so only what a chroot can have.
    pub fn chroot(&self) -> bool {
        self.isolation == Isolation::Chroot
    }

    /// Whether nodes have other users than root.
    pub fn many(&self) -> bool {
        match &self.isolation {
            Isolation::Namespaces { ids } => ids.has_many(),
            Isolation::Chroot => true,
        }
    }

    pub fn plan(&self, name: &str) -> Plan {
        Plan {
            dir: self.dir.path().join(name),
            shared: Path::new(BASE).join("shared"),
            hostname: name.to_owned(),
            boot_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            programs: ["apt-get", "kubeadm", "usr/sbin/reboot"].map(str::to_owned).into(),
            player: PathBuf::from(PLAYER),
            accounts: vec![Account {
                name: "ann".to_owned(),
                uid: 1000,
                home: "/home/ann".into(),
                shell: "/bin/sh".into(),
            }],
        }
    }

    pub async fn node(&self, name: &str) -> Arc<Sandbox> {
        Sandbox::start(self.plan(name), &self.isolation).await.unwrap()
    }

    /// Runs a script as root to its end.
    pub async fn run(&self, node: &Sandbox, script: &str) -> Output {
        self.finish(node.spawn(shell(script)).await.unwrap()).await
    }

    /// Waits for the end and the output of a program that gets no input.
    pub async fn finish(&self, mut process: Process) -> Output {
        drop(process.stdin.take());
        let (stdout, stderr) = (text(process.stdout.take()), text(process.stderr.take()));
        let (stdout, stderr) = tokio::join!(stdout, stderr);
        Output { stdout, stderr, ended: process.wait().await }
    }

    /// Command lines of what has to do with nodes of this place, of all processes of this machine.
    pub fn processes(&self) -> Vec<String> {
        self.found().into_iter().map(|(_, line)| line).collect()
    }

    /// The same, to wait for their ends.
    pub fn handles(&self) -> Vec<OwnedFd> {
        let open = |(process, _)| pidfd_open(process, PidfdFlags::empty()).unwrap();
        self.found().into_iter().map(open).collect()
    }

    fn found(&self) -> Vec<(Pid, String)> {
        let place = self.dir.path().canonicalize().unwrap();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            let Ok(number) = path.file_name().unwrap().to_str().unwrap().parse() else { continue };
            let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let root = std::fs::read_link(path.join("root")).unwrap_or_default();
            if line.contains(place.to_str().unwrap()) || root.starts_with(&place) {
                found.push((Pid::from_raw(number).unwrap(), line));
            }
        }
        found
    }

    /// Removes everything; it must be possible.
    pub async fn clean(self) {
        let place = self.dir.keep();
        remove(&place, &self.isolation, Path::new(PLAYER)).await.unwrap();
        assert!(!place.exists());
    }
}

/// A script for `/bin/sh`, as root.
pub fn shell(script: &str) -> Exec {
    Exec {
        program: None,
        argv: ["/bin/sh", "-c", script].map(Into::into).into(),
        env: vec![(
            "PATH".into(),
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
        )],
        cwd: "/".into(),
        user: User::ROOT,
        terminal: None,
    }
}

async fn text(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).await.unwrap();
    }
    String::from_utf8(bytes).unwrap()
}

/// Waits for the end of a process.
pub fn gone(process: &OwnedFd) {
    let deadline = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&deadline)).unwrap();
    assert_eq!(ended, 1, "a process of the node goes on");
}

/// A file that only its owner can read.
pub fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
