//! A node with its SSH server.

use super::Bench;
use mainstay_lab::fault::Faults;
use mainstay_lab::pace::Pace;
use mainstay_lab::sandbox::Sandbox;
use mainstay_lab::ssh::{Login, PrivateKey, Server, ServerConfig};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, key::safe_rng};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// One node that can be logged in to: root and ann, by key; ann by password too.
pub struct Host {
    pub bench: Bench,
    pub node: Arc<Sandbox>,
    pub server: Server,
    pub key: PrivateKey,
    /// The host key.
    pub door: PrivateKey,
    pub faults: Arc<Faults>,
}

/// A fresh key.
pub fn new_key() -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
}

impl Host {
    pub async fn new(name: &str) -> Self {
        let bench = Bench::new().await;
        let node = bench.node(name).await;
        let (key, door, faults) = (new_key(), new_key(), Arc::new(Faults::default()));
        // What may be reached from the node is the node itself, under its own port.
        let own: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let known = Arc::clone(&own);
        let server = Server::start(ServerConfig {
            address: "127.0.0.1:0".parse().unwrap(),
            node: name.to_owned(),
            host_key: door.clone(),
            authorized: vec![key.public_key().clone()],
            passwords: BTreeMap::from([("ann".to_owned(), "open sesame".to_owned())]),
            users: Box::new(user),
            sandbox: Arc::clone(&node),
            faults: Arc::clone(&faults),
            pace: Pace::faster(50),
            forward: Box::new(move |_, port| {
                known.lock().unwrap().filter(|own| own.port() == port)
            }),
        })
        .await
        .unwrap();
        *own.lock().unwrap() = Some(server.address());
        Self { bench, node, server, key, door, faults }
    }

    pub fn key_file(&self) -> String {
        self.key.to_openssh(LineEnding::LF).unwrap().to_string()
    }

    pub fn known_hosts(&self) -> String {
        format!("w1 {}\n", self.door.public_key().to_openssh().unwrap())
    }

    /// Ends everything; nothing may be left.
    pub async fn finish(self) {
        self.server.stop().await;
        self.node.stop().await;
        assert_eq!(self.bench.processes(), Vec::<String>::new());
        self.bench.clean().await;
    }
}

fn user(name: &str) -> Option<Login> {
    let (uid, home, shell) = match name {
        "root" => (0, "/root", "/bin/bash"),
        "ann" => (1000, "/home/ann", "/bin/sh"),
        _ => return None,
    };
    Some(Login { name: name.to_owned(), uid, gid: uid, home: home.into(), shell: shell.into() })
}
