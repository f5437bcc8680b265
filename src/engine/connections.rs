//! Which connection a task uses: the host's own variables over keywords over flags and settings; one connection for each
//! distinct endpoint.

use super::keywords::{Problem, Reader, as_bool, as_int};
use super::scope::HostScope;
use super::task::Doing;
use crate::transport::{Become, Host, Secret, Target, TransportError};
use mainstay_language::diag::Diagnostic;
use mainstay_language::value::{Scope, Value, string};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a host is reached, rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Login {
    /// `ssh` or `local`.
    pub connection: String,
    /// Name or address.
    pub address: String,
    /// Port, if it is said.
    pub port: Option<u16>,
    /// Login user, if it is said.
    pub user: Option<String>,
    /// `ansible_ssh_private_key_file`
    pub key_file: Option<String>,
    /// `ansible_ssh_args`
    pub ssh_args: Option<String>,
    /// `ansible_ssh_common_args`
    pub common_args: Option<String>,
    /// `ansible_ssh_extra_args`
    pub extra_args: Option<String>,
    /// `ansible_host_key_checking`
    pub host_key_checking: Option<bool>,
    /// `ansible_ssh_timeout`, `-T`: seconds.
    pub timeout: Option<u64>,
}

/// Secrets of a login; not part of what names an endpoint.
#[derive(Clone, Default)]
pub struct LoginSecrets {
    /// `ansible_password`
    pub password: Option<Secret>,
    /// `ansible_private_key_passphrase`
    pub passphrase: Option<Secret>,
    /// `ansible_private_key`: the key itself.
    pub private_key: Option<Secret>,
}

/// Opens connections: the transport room, wired by the command line.
pub trait Dialer: Send + Sync {
    /// A target for this login. Nothing is dialled before its first use.
    ///
    /// # Errors
    /// The login cannot be used as written (an unknown connection, a wrong option).
    fn dial(
        &self,
        name: &str,
        login: &Login,
        secrets: LoginSecrets,
    ) -> Result<Arc<dyn Target>, TransportError>;
}

/// Flags and settings that stand below variables and keywords.
#[derive(Clone, Default)]
pub struct Defaults {
    /// `-c`, `TRANSPORT`
    pub connection: String,
    /// `-u`, `REMOTE_USER`
    pub user: Option<String>,
    /// `--private-key`, `PRIVATE_KEY_FILE`
    pub key_file: Option<String>,
    /// `REMOTE_PORT`
    pub port: Option<u16>,
    /// `--ssh-common-args`
    pub common_args: Option<String>,
    /// `--ssh-extra-args`
    pub extra_args: Option<String>,
    /// `SSH_ARGS`
    pub ssh_args: Option<String>,
    /// `-T`
    pub timeout: Option<u64>,
    /// `HOST_KEY_CHECKING`
    pub host_key_checking: Option<bool>,
    /// `-b`
    pub become_: bool,
    /// `--become-method`
    pub become_method: String,
    /// `--become-user`
    pub become_user: String,
    /// `BECOME_EXE`
    pub become_exe: Option<String>,
    /// `BECOME_FLAGS`
    pub become_flags: Option<String>,
    /// `-K`
    pub become_password: Option<Secret>,
    /// `BECOME_ALLOW_SAME_USER`: rights that the login has are gained all the same.
    pub become_same_user: bool,
    /// Who runs us: the user of local connections.
    pub local_user: String,
    /// `-k`
    pub password: Option<Secret>,
    /// A task that says nothing may run so long.
    pub task_timeout: Option<Duration>,
}

/// The connections of a run.
pub struct Connections {
    dialer: Box<dyn Dialer>,
    /// Flags and settings.
    pub defaults: Defaults,
    open: Mutex<HashMap<(String, Login), Arc<dyn Target>>>,
}

impl Connections {
    /// None are open yet.
    #[must_use]
    pub fn new(dialer: Box<dyn Dialer>, defaults: Defaults) -> Self {
        Self { dialer, defaults, open: Mutex::default() }
    }

    fn target(
        &self,
        host: &str,
        login: Login,
        secrets: LoginSecrets,
    ) -> Result<Arc<dyn Target>, TransportError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), login);
        if let Some(target) = open.get(&key) {
            return Ok(Arc::clone(target));
        }
        let target = self.dialer.dial(host, &key.1, secrets)?;
        open.insert(key, Arc::clone(&target));
        Ok(target)
    }

    /// Ends the connections of a host; the next use opens new ones.
    pub async fn reset(&self, host: &str) {
        let targets: Vec<Arc<dyn Target>> = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.iter().filter(|((name, _), _)| name == host).map(|(_, t)| Arc::clone(t)).collect()
        };
        for target in targets {
            target.disconnect().await;
        }
    }

    /// Ends all of them.
    pub async fn close(&self) {
        let targets: Vec<Arc<dyn Target>> = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.drain().map(|(_, target)| target).collect()
        };
        futures::future::join_all(targets.iter().map(|target| target.disconnect())).await;
    }
}

/// Reads connection variables and keywords for one host.
struct Way<'a> {
    reader: Reader<'a>,
    /// The scope of the host that is connected to.
    variables: &'a Arc<dyn Scope>,
    doing: &'a Doing<'a>,
}

impl Way<'_> {
    /// The first of these variables that is defined and not empty, rendered.
    fn variable(&self, names: &[&str]) -> Result<Option<Value>, Problem> {
        for name in names {
            if let Some(raw) = self.variables.get(name) {
                let value = self.reader.templar.render(&raw, self.variables, self.reader.site)?;
                if !matches!(value, Value::Null | Value::Omit) {
                    return Ok(Some(value));
                }
            }
        }
        Ok(None)
    }

    fn text(&self, names: &[&str]) -> Result<Option<String>, Problem> {
        Ok(self.variable(names)?.map(|v| string(&v)).filter(|text| !text.is_empty()))
    }

    fn secret(&self, names: &[&str]) -> Result<Option<Secret>, Problem> {
        let text = self.text(names)?;
        if let Some(text) = &text {
            self.doing.run.redactor.hide(text);
        }
        Ok(text.map(Secret::from))
    }

    fn flag(&self, names: &[&str]) -> Result<Option<bool>, Problem> {
        Ok(self.variable(names)?.as_ref().and_then(as_bool))
    }

    fn keyword(&self, name: &str) -> Result<Option<String>, Problem> {
        self.reader.text(&self.doing.task.lineage, name)
    }
}

impl Doing<'_> {
    /// The host that the task runs on, ready to be asked; the inner error is the transport's.
    pub(super) fn connect(
        &self,
        scope: &Arc<dyn Scope>,
        delegate: Option<&Arc<str>>,
        controller: bool,
    ) -> Result<Result<Host, TransportError>, Problem> {
        let name = delegate.unwrap_or(self.host);
        let delegated: Arc<dyn Scope> = HostScope::bare(&self.run.world, name);
        let variables = if delegate.is_some() { &delegated } else { scope };
        let reader = self.reader(scope);
        let way = Way { reader, variables, doing: self };
        let timeout = self.reader(scope).seconds(&self.task.lineage, "timeout")?;
        let timeout = timeout.or(self.run.connections.defaults.task_timeout);
        let environment = self.reader(scope).environment(&self.task.lineage)?;
        let (login, secrets, become_) = if controller {
            (
                Login { connection: "local".to_owned(), ..Login::default() },
                LoginSecrets::default(),
                None,
            )
        } else {
            (
                self.login(&way, name, delegate.is_some())?,
                self.login_secrets(&way)?,
                self.become_(&way)?,
            )
        };
        let become_ = become_.filter(|become_| self.gains(&login, become_));
        Ok(self.run.connections.target(name, login, secrets).map(|target| Host {
            target,
            name: Arc::clone(name),
            become_,
            environment,
            timeout,
        }))
    }

    /// Whether there is anything to gain. Who is that user already needs no sudo, whatever its flags, and hosts without
    /// one work; the environment stays that of the login. As ansible-core does it: `BECOME_ALLOW_SAME_USER` gains all
    /// the same, and a login whose user is not said (it is ssh's to know) counts as another.
    fn gains(&self, login: &Login, become_: &Become) -> bool {
        let defaults = &self.run.connections.defaults;
        let user = match login.connection.as_str() {
            "local" => Some(&defaults.local_user),
            _ => login.user.as_ref(),
        };
        defaults.become_same_user || user != Some(&become_.user)
    }

    fn login(&self, way: &Way<'_>, name: &Arc<str>, delegated: bool) -> Result<Login, Problem> {
        let defaults = &self.run.connections.defaults;
        let keyword = way.keyword("connection")?;
        let connection = match way.text(&["ansible_connection"])? {
            Some(connection) => connection,
            None if delegated && self.run.is_implicit_localhost(name) => "local".to_owned(),
            None => keyword.unwrap_or_else(|| {
                if self.run.is_implicit_localhost(name) {
                    "local".to_owned()
                } else {
                    defaults.connection.clone()
                }
            }),
        };
        let connection = connection.rsplit('.').next().unwrap_or_default().to_owned();
        if connection == "local" {
            return Ok(Login { connection, ..Login::default() });
        }
        let port = match way.variable(&["ansible_port", "ansible_ssh_port"])? {
            Some(value) => Some(port(&value)?),
            None => match way.reader.value(&self.task.lineage, "port")? {
                Some(value) => Some(port(&value)?),
                None => defaults.port,
            },
        };
        Ok(Login {
            connection,
            address: way
                .text(&["ansible_host", "ansible_ssh_host"])?
                .unwrap_or_else(|| name.to_string()),
            port,
            user: way
                .text(&["ansible_user", "ansible_ssh_user"])?
                .or(way.keyword("remote_user")?)
                .or_else(|| defaults.user.clone()),
            key_file: way
                .text(&["ansible_private_key_file", "ansible_ssh_private_key_file"])?
                .or_else(|| defaults.key_file.clone()),
            ssh_args: way.text(&["ansible_ssh_args"])?.or_else(|| defaults.ssh_args.clone()),
            common_args: way
                .text(&["ansible_ssh_common_args"])?
                .or_else(|| defaults.common_args.clone()),
            extra_args: way
                .text(&["ansible_ssh_extra_args"])?
                .or_else(|| defaults.extra_args.clone()),
            host_key_checking: way
                .flag(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"])?
                .or(defaults.host_key_checking),
            timeout: way
                .variable(&["ansible_ssh_timeout", "ansible_timeout"])?
                .as_ref()
                .and_then(as_int)
                .and_then(|seconds| u64::try_from(seconds).ok())
                .or(defaults.timeout),
        })
    }

    fn login_secrets(&self, way: &Way<'_>) -> Result<LoginSecrets, Problem> {
        let defaults = &self.run.connections.defaults;
        Ok(LoginSecrets {
            password: way
                .secret(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?
                .or_else(|| defaults.password.clone()),
            passphrase: way.secret(&[
                "ansible_private_key_passphrase",
                "ansible_ssh_private_key_passphrase",
            ])?,
            private_key: way.secret(&["ansible_private_key", "ansible_ssh_private_key"])?,
        })
    }

    fn become_(&self, way: &Way<'_>) -> Result<Option<Become>, Problem> {
        let defaults = &self.run.connections.defaults;
        let wanted = match way.flag(&["ansible_become"])? {
            Some(wanted) => wanted,
            None => way.reader.flag(&self.task.lineage, "become")?.unwrap_or(defaults.become_),
        };
        if !wanted {
            return Ok(None);
        }
        let method = way
            .text(&["ansible_become_method"])?
            .or(way.keyword("become_method")?)
            .unwrap_or_else(|| defaults.become_method.clone());
        let method = method.rsplit('.').next().unwrap_or_default().to_owned();
        let own =
            |what: &str| [format!("ansible_{method}_{what}"), format!("ansible_become_{what}")];
        let names = |what: &str| -> Vec<String> { own(what).into_iter().rev().collect() };
        let text = |what: &str| -> Result<Option<String>, Problem> {
            let names = names(what);
            way.text(&names.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let user = match text("user")?.or(way.keyword("become_user")?) {
            Some(user) => user,
            None => defaults.become_user.clone(),
        };
        let mut passwords = names("pass");
        passwords.extend(names("password"));
        let password = way.secret(&passwords.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(Some(Become {
            exe: text("exe")?
                .or(way.keyword("become_exe")?)
                .or_else(|| defaults.become_exe.clone()),
            flags: text("flags")?
                .or(way.keyword("become_flags")?)
                .or_else(|| defaults.become_flags.clone()),
            method,
            user,
            password: password.or_else(|| defaults.become_password.clone()),
        }))
    }
}

fn port(value: &Value) -> Result<u16, Problem> {
    as_int(value).and_then(|number| u16::try_from(number).ok()).ok_or_else(|| {
        Diagnostic::error(format!("port: {} is not a number from 0 to 65535", string(value))).into()
    })
}
