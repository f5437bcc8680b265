//! One machine of the lab: its files, and everything about it that is no file.

use super::files::Files;
use super::manifest::StaticPod;
use super::package::Packages;
use super::unit::Unit;
use crate::fault::{Fault, Faults};
use semver::Version;
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Runs an API server and a member of etcd.
    ControlPlane,
    /// Runs workloads.
    Worker,
}

/// What is known of a kubelet that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubelet {
    /// That of its package when the unit was started last.
    pub version: Version,
    /// Its runtime answers and its configuration is there.
    pub ready: bool,
    /// Static pods that run, with their image and hash.
    pub static_pods: Vec<StaticPod>,
}

/// A container of a static pod. It outlives the kubelet that started it, and nothing outlives a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// What it was made from.
    pub pod: StaticPod,
    /// It answers; otherwise it is still on its way.
    pub up: bool,
    /// Seconds since 1970.
    pub since: i64,
}

/// Everything of a machine that is no file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// dpkg and apt.
    pub packages: Packages,
    /// systemd.
    pub units: BTreeMap<String, Unit>,
    /// The runtime's images: reference and bytes.
    pub images: BTreeMap<String, u64>,
    /// Static pods by name.
    pub containers: BTreeMap<String, Container>,
    /// The journal: seconds since 1970, unit, identifier with pid, text. The oldest go first.
    pub journal: Vec<Line>,
    /// Process that holds dpkg's lock: pid and name.
    pub dpkg_lock: Option<(u32, String)>,
    /// The last process id that was given to something the model plays.
    pub last_pid: u32,
    /// When kubeadm made or renewed its certificates, in seconds since 1970.
    pub certificates_since: i64,
    /// Set while it boots or goes down: what systemd says of itself.
    pub stopping: bool,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Seconds since 1970, in the node's own time.
    pub at: i64,
    /// `kubelet.service`
    pub unit: String,
    /// `kubelet[671]`
    pub by: String,
    /// Without a newline.
    pub text: String,
}

/// Lines of the journal that are kept.
const JOURNAL: usize = 4000;

impl State {
    /// A number for a process that only the model knows.
    pub fn pid(&mut self) -> u32 {
        // Odd steps look like what they stand for: programs that started children of their own.
        self.last_pid = if self.last_pid < 500 { 641 } else { self.last_pid + 7 };
        self.last_pid
    }

    /// Writes to the journal.
    pub fn log(&mut self, at: i64, unit: &str, by: &str, text: impl Into<String>) {
        if self.journal.len() >= JOURNAL {
            self.journal.drain(..JOURNAL / 4);
        }
        self.journal.push(Line { at, unit: unit.to_owned(), by: by.to_owned(), text: text.into() });
    }

    /// Version of an installed package of Kubernetes.
    #[must_use]
    pub fn kubernetes(&self, package: &str) -> Option<Version> {
        let installed = self.packages.installed.get(package)?;
        let version = installed.package.version.rsplit_once('-').map_or("", |(version, _)| version);
        super::release::parse(version)
    }

    /// Whether the static pod of this component answers.
    #[must_use]
    pub fn serves(&self, component: &str) -> bool {
        self.containers.get(component).is_some_and(|container| container.up)
    }
}

/// One machine.
pub struct Machine {
    /// Node name and host name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its loopback address.
    pub address: Ipv4Addr,
    /// Its file tree.
    pub files: Files,
    /// `/etc/machine-id`
    pub machine_id: String,
    /// Whether its kubelet runs, and how. The kubelet of the API follows it.
    pub kubelet: watch::Sender<Option<Kubelet>>,
    /// Version of its API server; `None`: it is down.
    pub apiserver: watch::Sender<Option<Version>>,
    /// Something changed that its kubelet should look at.
    pub changed: Notify,
    state: Mutex<State>,
    passwords: Mutex<BTreeMap<String, String>>,
    faults: Arc<Faults>,
}

impl Machine {
    /// A machine that is switched off; `provision` makes a node of it, `boot` starts it.
    ///
    /// # Errors
    /// Its root cannot be opened.
    pub fn new(
        name: &str,
        role: Role,
        address: Ipv4Addr,
        root: &Path,
        faults: Arc<Faults>,
    ) -> io::Result<Arc<Self>> {
        let machine_id = sha2::Digest::finalize(sha2::Digest::chain_update(
            <sha2::Sha256 as sha2::Digest>::new(),
            format!("machine {name} {address} {}", root.display()),
        ));
        Ok(Arc::new(Self {
            name: name.to_owned(),
            role,
            address,
            files: Files::open(root)?,
            machine_id: machine_id.iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
            kubelet: watch::Sender::new(None),
            apiserver: watch::Sender::new(None),
            changed: Notify::new(),
            state: Mutex::default(),
            passwords: Mutex::default(),
            faults,
        }))
    }

    /// Everything that is no file. Never held over an `await`.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while holding it left a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user's password, which `sudo` may ask for.
    pub fn set_password(&self, user: &str, password: &str) {
        let mut all = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(user.to_owned(), password.to_owned());
    }

    /// Whether this is the user's password.
    #[must_use]
    pub fn password_is(&self, user: &str, password: &str) -> bool {
        let all = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(user).is_some_and(|known| known == password)
    }

    /// Whether a fault of this node stands.
    pub fn fault<T>(&self, knows: impl Fn(&str, &Fault) -> Option<T>) -> Option<T> {
        self.faults.find(|fault| knows(&self.name, fault))
    }

    /// Seconds since 1970, as this node believes.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.moment().as_second()
    }

    /// The time, as this node believes.
    #[must_use]
    pub fn moment(&self) -> jiff::Timestamp {
        let off = self.fault(|name, fault| match fault {
            Fault::Clock { node, seconds } if node == name => Some(*seconds),
            _ => None,
        });
        let now = jiff::Timestamp::now();
        now.checked_add(jiff::SignedDuration::from_secs(off.unwrap_or(0))).unwrap_or(now)
    }

    /// Writes a file as one of the node's programs: on a full disk it fails.
    ///
    /// # Errors
    /// As for any file.
    pub fn save(&self, path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        if self.disk_is_full() {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error()));
        }
        self.files.write(path, bytes, mode)
    }

    /// Whether nothing can be written.
    #[must_use]
    pub fn disk_is_full(&self) -> bool {
        self.fault(|name, fault| {
            matches!(fault, Fault::DiskFull { node } if node == name).then_some(())
        })
        .is_some()
    }

    /// Writes to the journal now.
    pub fn log(&self, unit: &str, by: &str, text: impl Into<String>) {
        self.state().log(self.now(), unit, by, text);
    }

    /// Tells the kubelet that it should look again.
    pub fn look_again(&self) {
        self.changed.notify_one();
    }
}
