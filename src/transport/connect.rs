//! From the connection variables of a host to a target.

use super::ssh::{Credentials, Endpoint, Shared, SshTarget};
use super::ssh_config::{Arguments, Config, Jump, Options, Person, Proxy, Query};
use super::ssh_config::{valid_host, valid_user};
use super::{LocalTarget, Secret, Target, TransportError};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How many jump hosts may lie behind each other.
const JUMPS: usize = 8;

/// What the inventory says about reaching one host, rendered. Empty means not said.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// `ansible_connection`: `ssh`, `smart`, `paramiko`, `paramiko_ssh` (all SSH) or `local`; empty means SSH.
    pub kind: String,
    /// Name in the inventory; the address unless `host` is set.
    pub name: String,
    /// `ansible_host`.
    pub host: Option<String>,
    /// `ansible_port`.
    pub port: Option<u16>,
    /// `ansible_user`, `remote_user`, `-u`.
    pub user: Option<String>,
    /// `ansible_password`, `ansible_ssh_pass`, `-k`.
    pub password: Option<Secret>,
    /// `ansible_ssh_private_key_file`, `--private-key`; `~` is the person's home.
    pub private_key_file: Option<String>,
    /// `ansible_private_key`: the key itself.
    pub private_key: Option<Secret>,
    /// `ansible_private_key_passphrase`.
    pub passphrase: Option<Secret>,
    /// `ansible_ssh_args`, or `ssh_args` of the configuration.
    pub ssh_args: Option<String>,
    /// `ansible_ssh_common_args`.
    pub common_args: Option<String>,
    /// `ansible_ssh_extra_args`.
    pub extra_args: Option<String>,
    /// `ansible_ssh_timeout`, `timeout`: of the TCP connection. Default 10 s.
    pub timeout: Option<Duration>,
    /// `ansible_host_key_checking`: `false` accepts unknown keys.
    pub host_key_checking: Option<bool>,
}

/// Where ssh's own configuration is.
#[derive(Clone, Debug)]
pub struct ConnectSettings {
    /// Who runs us.
    pub person: Person,
    /// Default `~/.ssh/config`.
    pub user_config: PathBuf,
    /// Default `/etc/ssh/ssh_config`.
    pub system_config: PathBuf,
    /// Where local scripts start.
    pub directory: Option<PathBuf>,
}

impl ConnectSettings {
    /// The usual files of this person.
    #[must_use]
    pub fn new(person: Person) -> Self {
        Self {
            user_config: person.home.join(".ssh/config"),
            system_config: "/etc/ssh/ssh_config".into(),
            person,
            directory: None,
        }
    }
}

/// Makes targets. One a run; reads ssh's configuration once, at the first host over SSH.
pub struct Connector {
    settings: ConnectSettings,
    shared: Arc<Shared>,
    config: OnceLock<Result<Config, String>>,
    /// By the file of `-F`.
    others: Mutex<HashMap<PathBuf, Arc<Config>>>,
    /// By the caller's key.
    targets: Mutex<HashMap<String, Arc<dyn Target>>>,
    /// By how they are reached.
    jumps: Mutex<HashMap<String, Arc<SshTarget>>>,
}

impl Connector {
    /// Nothing is read or connected yet.
    #[must_use]
    pub fn new(settings: ConnectSettings) -> Self {
        Self {
            shared: Arc::new(Shared::new(settings.person.clone())),
            settings,
            config: OnceLock::new(),
            others: Mutex::default(),
            targets: Mutex::default(),
            jumps: Mutex::default(),
        }
    }

    /// The target for a key of the caller's (what distinguishes endpoints: all of `options`, as text), made at the first
    /// call. Connects on first use only.
    ///
    /// # Errors
    /// The kind of connection is not supported, or ssh's configuration has an error.
    pub fn target(
        &self,
        key: &str,
        options: &ConnectOptions,
    ) -> Result<Arc<dyn Target>, TransportError> {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = targets.get(key) {
            return Ok(Arc::clone(target));
        }
        let target: Arc<dyn Target> = match options.kind.as_str() {
            "local" | "ansible.builtin.local" => Arc::new(match &self.settings.directory {
                Some(directory) => LocalTarget::in_directory(directory.clone()),
                None => LocalTarget::new(),
            }),
            ""
            | "ssh"
            | "smart"
            | "paramiko"
            | "paramiko_ssh"
            | "ansible.builtin.ssh"
            | "ansible.builtin.paramiko_ssh" => Arc::new(SshTarget::new(self.endpoint(options)?)),
            other => {
                return Err(TransportError::Unsupported(format!(
                    "connection `{other}` is not supported; `ssh` and `local` are"
                )));
            }
        };
        targets.insert(key.to_owned(), Arc::clone(&target));
        Ok(target)
    }

    /// Ends all connections.
    pub async fn disconnect(&self) {
        let targets =
            std::mem::take(&mut *self.targets.lock().unwrap_or_else(PoisonError::into_inner));
        for target in targets.into_values() {
            target.disconnect().await;
        }
        let jumps = std::mem::take(&mut *self.jumps.lock().unwrap_or_else(PoisonError::into_inner));
        for jump in jumps.into_values() {
            jump.disconnect().await;
        }
    }

    fn endpoint(&self, options: &ConnectOptions) -> Result<Endpoint, TransportError> {
        let host = options.host.as_deref().unwrap_or(&options.name);
        let arguments = arguments(options).map_err(TransportError::Unsupported)?;
        let found = self.resolve(host, &arguments).map_err(TransportError::Unsupported)?;
        let via = self.via(&found, 0).map_err(TransportError::Unsupported)?;
        Ok(Endpoint {
            options: found,
            credentials: Credentials {
                password: options.password.clone(),
                passphrase: options.passphrase.clone(),
                private_key: options.private_key.clone(),
            },
            via,
            shared: Arc::clone(&self.shared),
        })
    }

    fn resolve(&self, host: &str, arguments: &Arguments) -> Result<Options, String> {
        if !valid_host(host) {
            return Err(format!("`{}` cannot be the name of a host", host.escape_debug()));
        }
        let query = Query { host, arguments, person: &self.settings.person, exec: &run_quietly };
        let options = match &arguments.file {
            Some(file) => self.other(file)?.resolve(&query)?,
            None => {
                let settings = &self.settings;
                let config = self.config.get_or_init(|| {
                    Config::load(&settings.user_config, &settings.system_config, &settings.person)
                });
                config.as_ref().map_err(Clone::clone)?.resolve(&query)?
            }
        };
        for note in &options.notes {
            tracing::info!(host, "{note}");
        }
        Ok(options)
    }

    /// The file of `-F`, in the place of both usual ones.
    #[expect(
        clippy::disallowed_methods,
        reason = "a file named on the command line of ssh is missed before anybody dials"
    )]
    fn other(&self, file: &std::path::Path) -> Result<Arc<Config>, String> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = others.get(file) {
            return Ok(Arc::clone(config));
        }
        let path = match file.strip_prefix("~") {
            Ok(below) => self.settings.person.home.join(below),
            Err(_) => file.to_owned(),
        };
        let none = path.as_os_str() == "none";
        if !none && !path.exists() {
            return Err(format!("the ssh configuration {} does not exist", path.display()));
        }
        let config = if none {
            Config::default()
        } else {
            Config::load(&path, std::path::Path::new("/dev/null"), &self.settings.person)?
        };
        let config = Arc::new(config);
        others.insert(file.to_owned(), Arc::clone(&config));
        Ok(config)
    }

    /// The last jump host on the way, shared by all hosts behind it.
    fn via(&self, options: &Options, depth: usize) -> Result<Option<Arc<SshTarget>>, String> {
        let Proxy::Jumps(jumps) = &options.proxy else { return Ok(None) };
        self.chain(jumps, depth)
    }

    fn chain(&self, jumps: &[Jump], depth: usize) -> Result<Option<Arc<SshTarget>>, String> {
        let Some((jump, before)) = jumps.split_last() else { return Ok(None) };
        if depth >= JUMPS {
            return Err(format!("more than {JUMPS} jump hosts, or jump hosts in a circle"));
        }
        let key = jumps.iter().map(|jump| format!("{jump:?}")).collect::<Vec<_>>().join(",");
        if let Some(known) = self.jumps.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        let mut arguments = Arguments::default();
        if let Some(user) = &jump.user {
            arguments.set("User", user, "ProxyJump")?;
        }
        if let Some(port) = jump.port {
            arguments.set("Port", &port.to_string(), "ProxyJump")?;
        }
        let arguments = arguments.followed_by(&jump.arguments);
        let found = self.resolve(&jump.host, &arguments)?;
        // What is written before it in the list comes before what its own configuration says.
        let via = match before {
            [] => self.via(&found, depth + 1)?,
            before => self.chain(before, depth + 1)?,
        };
        let endpoint = Endpoint {
            options: found,
            credentials: Credentials::default(),
            via,
            shared: Arc::clone(&self.shared),
        };
        let target = Arc::new(SshTarget::new(endpoint));
        let mut known = self.jumps.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(Arc::clone(known.entry(key).or_insert(target))))
    }
}

/// In the order in which Ansible gives them to ssh; the first value of an option wins.
fn arguments(options: &ConnectOptions) -> Result<Arguments, String> {
    let mut list = Arguments::default();
    if let Some(text) = &options.ssh_args {
        list.parse(text, "ansible_ssh_args")?;
    }
    if options.host_key_checking == Some(false) {
        list.set("StrictHostKeyChecking", "no", "ansible_host_key_checking")?;
    }
    if let Some(port) = options.port {
        list.set("Port", &port.to_string(), "ansible_port")?;
    }
    if let Some(file) = &options.private_key_file {
        list.set_word("IdentityFile", &file.replace('%', "%%"), "ansible_ssh_private_key_file")?;
    }
    if let Some(user) = &options.user {
        if !valid_user(user) {
            return Err(format!("`{}` cannot be the name of a user", user.escape_debug()));
        }
        list.set_word("User", user, "ansible_user")?;
    }
    if let Some(limit) = options.timeout {
        let seconds = limit.as_secs().max(1).to_string();
        list.set("ConnectTimeout", &seconds, "ansible_ssh_timeout")?;
    }
    if let Some(text) = &options.common_args {
        list.parse(text, "ansible_ssh_common_args")?;
    }
    if let Some(text) = &options.extra_args {
        list.parse(text, "ansible_ssh_extra_args")?;
    }
    Ok(list)
}

/// The command of a `Match exec`, which stands in the person's own file.
#[expect(clippy::disallowed_methods, reason = "`Match exec` of the person's own configuration")]
fn run_quietly(command: &str) -> bool {
    use std::process::{Command, Stdio};
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match shell.status() {
        Ok(status) => status.success(),
        Err(error) => {
            tracing::warn!(%error, command, "a command of `Match exec` did not start");
            false
        }
    }
}
