//! Opens connections for the engine.

use crate::engine::{Dialer, Login, LoginSecrets};
use crate::transport::{
    ConnectOptions, ConnectSettings, Connector, Person, Target, TransportError,
};
use mainstay_language::outside::Outside;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The transports of this process.
pub(super) struct Transports(Connector);

impl Transports {
    /// For the person who runs us.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the environment that ProxyCommand gets")]
    pub(super) fn new(outside: &dyn Outside, directory: Option<PathBuf>) -> Self {
        let home = outside.env("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let user = outside
            .env("USER")
            .or_else(|| outside.env("LOGNAME"))
            .unwrap_or_else(|| own_user(outside));
        let person = Person {
            home,
            user,
            uid: rustix::process::getuid().as_raw(),
            environment: std::env::vars().collect(),
            host_name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        };
        let mut settings = ConnectSettings::new(person);
        settings.directory = directory;
        Self(Connector::new(settings))
    }
}

/// The name of who runs us.
pub(super) fn own_user(outside: &dyn Outside) -> String {
    user_of(outside, rustix::process::getuid().as_raw())
}

/// The name of a user in /etc/passwd; the number if it has none.
fn user_of(outside: &dyn Outside, uid: u32) -> String {
    let passwd = outside.read("/etc/passwd".as_ref()).unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd);
    let uid = uid.to_string();
    passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&uid.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
        .unwrap_or(uid)
}

impl Dialer for Transports {
    fn dial(
        &self,
        name: &str,
        login: &Login,
        secrets: LoginSecrets,
    ) -> Result<Arc<dyn Target>, TransportError> {
        let options = ConnectOptions {
            kind: login.connection.clone(),
            name: name.to_owned(),
            host: Some(login.address.clone()).filter(|a| !a.is_empty()),
            port: login.port,
            user: login.user.clone(),
            password: secrets.password,
            private_key_file: login.key_file.clone(),
            private_key: secrets.private_key,
            passphrase: secrets.passphrase,
            ssh_args: login.ssh_args.clone(),
            common_args: login.common_args.clone(),
            extra_args: login.extra_args.clone(),
            timeout: login.timeout.map(Duration::from_secs),
            host_key_checking: login.host_key_checking,
        };
        let key = if login.connection == "local" {
            "local".to_owned()
        } else {
            format!("{name} {login:?}")
        };
        self.0.target(&key, &options)
    }
}
