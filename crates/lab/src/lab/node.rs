//! One node: a machine of the model, the sandbox its programs run in, its SSH server, and what follows the model.

use super::error::LabError;
use super::place::{DescribedNode, Place};
use super::view::see;
use crate::api::{ApiServer, Authority};
use crate::controllers::{self, KubeletView};
use crate::fault::Faults;
use crate::node::{self, API_PORT, Machine, Role, Site};
use crate::pace::Pace;
use crate::sandbox::{Account, Isolation, Plan, Sandbox};
use crate::ssh::{Login, PrivateKey, PublicKey, Server, ServerConfig};
use crate::store::Store;
use crate::tools;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Everybody's port of SSH: the addresses differ.
pub(super) const SSH_PORT: u16 = 2222;
/// The ordinary user of a node that has more than one.
pub(super) const OPERATOR: &str = "ops";
const OPERATOR_ID: u32 = 1000;

/// What all nodes of a lab share.
pub(super) struct Common {
    pub place: Place,
    pub player: PathBuf,
    pub isolation: Isolation,
    pub pace: Pace,
    pub faults: Arc<Faults>,
    pub store: Arc<Store>,
    pub authority: Authority,
    pub authorized: PublicKey,
}

/// A node, switched on or off.
pub(super) struct Node {
    pub machine: Arc<Machine>,
    pub described: DescribedNode,
    host_key: Mutex<PrivateKey>,
    /// What the API's kubelet of this node sees; it outlives boots.
    view: watch::Sender<Option<KubeletView>>,
    running: tokio::sync::Mutex<Option<On>>,
}

/// A node that is switched on.
struct On {
    sandbox: Arc<Sandbox>,
    server: Server,
    /// End with it.
    tasks: JoinSet<()>,
}

impl Common {
    /// Nodes have users besides root.
    pub(super) fn has_users(&self) -> bool {
        matches!(&self.isolation, Isolation::Namespaces { ids } if ids.has_many())
    }
}

impl Node {
    pub(super) fn new(
        machine: Arc<Machine>,
        described: DescribedNode,
        host_key: PrivateKey,
    ) -> Self {
        let (host_key, running) = (Mutex::new(host_key), tokio::sync::Mutex::default());
        Self { machine, described, host_key, view: watch::Sender::new(None), running }
    }

    /// The kubelet of this node in the API, for as long as the lab runs.
    pub(super) fn kubelet(&self, common: &Common) -> controllers::Handle {
        let (store, faults) = (Arc::clone(&common.store), Arc::clone(&common.faults));
        controllers::kubelet(store, &self.machine.name, self.view.subscribe(), common.pace, faults)
    }

    /// Its present host key.
    pub(super) fn host_key(&self) -> PrivateKey {
        self.host_key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Switches it on; one that is on is left alone.
    pub(super) async fn on(&self, common: &Arc<Common>, site: &Arc<Site>) -> Result<(), LabError> {
        let mut running = self.running.lock().await;
        if running.is_some() {
            return Ok(());
        }
        let boot_id = uuid::Uuid::new_v4().to_string();
        let plan = self.plan(common, &boot_id);
        let sandbox = Sandbox::start(plan, &common.isolation).await;
        let sandbox = sandbox.map_err(LabError::node(&self.machine.name))?;
        let server = match Server::start(self.server(common, site, &sandbox)).await {
            Ok(server) => server,
            Err(error) => {
                sandbox.stop().await;
                let what = format!("the SSH server of {}", self.machine.name);
                return Err(LabError::system(what, error));
            }
        };
        node::boot(&self.machine);
        let mut tasks = JoinSet::new();
        let socket = sandbox.root().join(tools::SOCKET.trim_start_matches('/'));
        let (machine, all) = (Arc::clone(&self.machine), Arc::clone(common));
        tasks.spawn(calls(machine, Arc::clone(site), socket, all));
        tasks.spawn(node::follow(Arc::clone(&self.machine), Arc::clone(site)));
        tasks.spawn(show(Arc::clone(&self.machine), self.view.clone(), boot_id));
        if self.machine.role == Role::ControlPlane {
            tasks.spawn(apiserver(Arc::clone(&self.machine), Arc::clone(common)));
        }
        *running = Some(On { sandbox, server, tasks });
        Ok(())
    }

    /// Switches it off, as a pulled plug does; one that is off is left alone.
    pub(super) async fn off(&self) {
        let Some(On { sandbox, server, mut tasks }) = self.running.lock().await.take() else {
            return;
        };
        server.stop().await;
        tasks.shutdown().await;
        sandbox.stop().await;
        node::switch_off(&self.machine);
        self.view.send_replace(None);
    }

    /// Where its programs run; `None` if it is off.
    pub(super) async fn sandbox(&self) -> Option<Arc<Sandbox>> {
        self.running.lock().await.as_ref().map(|on| Arc::clone(&on.sandbox))
    }

    /// Another host key, from the next connection on.
    pub(super) async fn change_host_key(&self, key: PrivateKey) {
        if let Some(on) = self.running.lock().await.as_ref() {
            on.server.change_host_key(key.clone());
        }
        *self.host_key.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }

    fn plan(&self, common: &Common, boot_id: &str) -> Plan {
        Plan {
            dir: common.place.node(&self.machine.name),
            shared: common.place.shared(),
            hostname: self.machine.name.clone(),
            boot_id: boot_id.to_owned(),
            programs: tools::names().iter().map(|name| (*name).to_owned()).collect(),
            player: common.player.clone(),
            accounts: common.has_users().then(operator).into_iter().collect(),
        }
    }

    fn server(&self, common: &Common, site: &Arc<Site>, sandbox: &Arc<Sandbox>) -> ServerConfig {
        let has_users = common.has_users();
        let (asking, site) = (Arc::clone(&self.machine), Arc::clone(site));
        ServerConfig {
            address: SocketAddr::from((self.described.address, SSH_PORT)),
            node: self.machine.name.clone(),
            host_key: self.host_key(),
            authorized: vec![common.authorized.clone()],
            passwords: BTreeMap::new(),
            users: Box::new(move |name| login(name, has_users)),
            sandbox: Arc::clone(sandbox),
            faults: Arc::clone(&common.faults),
            pace: common.pace,
            // Into the lab and nowhere else: SSH servers and API servers of its nodes.
            forward: Box::new(move |host, port| {
                let there = site.at(&asking, host)?;
                matches!(port, SSH_PORT | API_PORT).then(|| SocketAddr::from((there.address, port)))
            }),
        }
    }
}

fn operator() -> Account {
    Account {
        name: OPERATOR.to_owned(),
        uid: OPERATOR_ID,
        home: PathBuf::from("/home").join(OPERATOR),
        shell: PathBuf::from("/bin/sh"),
    }
}

fn login(name: &str, has_users: bool) -> Option<Login> {
    let (uid, home) = match name {
        "root" => (0, PathBuf::from("/root")),
        OPERATOR if has_users => (OPERATOR_ID, operator().home),
        _ => return None,
    };
    Some(Login { name: name.to_owned(), uid, gid: uid, home, shell: PathBuf::from("/bin/sh") })
}

async fn calls(machine: Arc<Machine>, site: Arc<Site>, socket: PathBuf, common: Arc<Common>) {
    let name = machine.name.clone();
    if let Err(error) = tools::serve(machine, site, &socket).await {
        common.place.complain(&format!("the tools of {name} cannot be called: {error}"));
    }
}

/// The API's kubelet sees what the machine's does.
async fn show(machine: Arc<Machine>, view: watch::Sender<Option<KubeletView>>, boot_id: String) {
    let mut kubelet = machine.kubelet.subscribe();
    loop {
        let now = kubelet.borrow_and_update().clone();
        view.send_replace(now.map(|kubelet| see(&machine, &kubelet, &boot_id)));
        if kubelet.changed().await.is_err() {
            return;
        }
    }
}

/// An API server comes and goes with its static pod.
async fn apiserver(machine: Arc<Machine>, common: Arc<Common>) {
    let mut version = machine.apiserver.subscribe();
    let mut server: Option<ApiServer> = None;
    loop {
        let wanted = version.borrow_and_update().clone();
        if let Some(server) = server.take() {
            server.stop().await;
        }
        if let Some(wanted) = wanted {
            let listen = SocketAddr::from((machine.address, API_PORT));
            let (store, faults) = (Arc::clone(&common.store), Arc::clone(&common.faults));
            let name = &machine.name;
            match ApiServer::start(listen, &common.authority, store, wanted, faults, name).await {
                Ok(started) => server = Some(started),
                Err(error) => {
                    common.place.complain(&format!("the API server of {name}: {error}"));
                }
            }
        }
        if version.changed().await.is_err() {
            return;
        }
    }
}
