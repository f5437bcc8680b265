//! All machines of a lab, and what they share.

use super::etcd::Etcd;
use super::machine::{Machine, Role};
use super::outside::{Accept, Answer, Api, Database, Identity, NoAnswer, Processes, Request};
use super::release::Releases;
use crate::fault::{Fault, Faults};
use crate::pace::Pace;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Port of every API server.
pub const API_PORT: u16 = 6443;

/// All machines, and what they share.
pub struct Site {
    /// In the order of the inventory.
    pub machines: Vec<Arc<Machine>>,
    /// Which versions exist.
    pub releases: Releases,
    /// How fast time passes.
    pub pace: Pace,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// The way to the API.
    pub api: Arc<dyn Api>,
    /// What etcd holds.
    pub database: Arc<dyn Database>,
    /// Programs and power.
    pub processes: Arc<dyn Processes>,
    etcd: Mutex<Etcd>,
}

impl Site {
    /// Control planes become members of etcd.
    #[must_use]
    pub fn new(
        machines: Vec<Arc<Machine>>,
        pace: Pace,
        faults: Arc<Faults>,
        api: Arc<dyn Api>,
        database: Arc<dyn Database>,
        processes: Arc<dyn Processes>,
    ) -> Arc<Self> {
        let mut etcd = Etcd::new("lab");
        for machine in machines.iter().filter(|machine| machine.role == Role::ControlPlane) {
            etcd.join(&machine.name, machine.address);
        }
        let releases = Releases::default();
        Arc::new(Self {
            machines,
            releases,
            pace,
            faults,
            api,
            database,
            processes,
            etcd: Mutex::new(etcd),
        })
    }

    /// The members of etcd. Never held over an `await`.
    pub fn etcd(&self) -> MutexGuard<'_, Etcd> {
        self.etcd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By name.
    #[must_use]
    pub fn machine(&self, name: &str) -> Option<&Arc<Machine>> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// Whether the member of etcd on this machine runs and answers.
    #[must_use]
    pub fn member_runs(&self, name: &str) -> bool {
        let broken = self.faults.find(|fault| {
            matches!(fault, Fault::EtcdUnhealthy { node } if node == name).then_some(())
        });
        broken.is_none() && self.machine(name).is_some_and(|machine| machine.state().serves("etcd"))
    }

    /// Whether etcd has a leader.
    #[must_use]
    pub fn etcd_serves(&self) -> bool {
        self.etcd().leader(|name| self.member_runs(name)).is_some()
    }

    /// The machine that a node means by a host: itself by the names of the loopback.
    #[must_use]
    pub fn at(&self, asking: &Machine, host: &str) -> Option<&Arc<Machine>> {
        let host = host.trim_matches(['[', ']']);
        if ["127.0.0.1", "localhost", "::1"].contains(&host) || host == asking.name {
            return self.machine(&asking.name);
        }
        let address: Option<Ipv4Addr> = host.parse().ok();
        self.machines
            .iter()
            .find(|machine| machine.name == host || Some(machine.address) == address)
    }

    /// Asks an API server as a program on a node does. `host` as that program knows it.
    ///
    /// # Errors
    /// Nobody listens there, or the server is not to be trusted.
    pub async fn ask(
        &self,
        asking: &Machine,
        host: &str,
        port: u16,
        identity: &Identity,
        request: Request,
    ) -> Result<Answer, NoAnswer> {
        let Some(machine) = self.at(asking, host) else { return Err(NoAnswer::Refused) };
        if port != API_PORT || machine.apiserver.borrow().is_none() {
            return Err(NoAnswer::Refused);
        }
        let address = SocketAddr::new(IpAddr::V4(machine.address), port);
        self.api.ask(address, identity, request).await
    }
}

impl Request {
    /// Reads.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), ..Self::default() }
    }

    /// With a body in JSON.
    #[must_use]
    pub fn with(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        let content_type =
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        Self { method, path: path.into(), content_type, body: Some(body), accept: Accept::Json }
    }

    /// Asks for a table.
    #[must_use]
    pub fn as_table(mut self) -> Self {
        self.accept = Accept::Table;
        self
    }
}

impl Answer {
    /// Whether it is a success.
    #[must_use]
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Its body.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// `message` of a Status, or the body as text.
    #[must_use]
    pub fn message(&self) -> String {
        let message = self.json().get("message").and_then(Value::as_str).map(str::to_owned);
        message.unwrap_or_else(|| String::from_utf8_lossy(&self.body).trim().to_owned())
    }
}
