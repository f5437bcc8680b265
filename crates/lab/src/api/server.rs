//! The listener: TLS, connections, and being down.

use super::respond::{self, Answer};
use super::route::{Serving, answer};
use super::{Authority, AuthorityError};
use crate::fault::{Fault, Faults};
use crate::store::Store;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

/// How often it is looked whether the server shall be down. Real time: a fault is switched, it does not play.
const LOOK: Duration = Duration::from_millis(20);

/// A connection on which nothing is asked is closed, as kube-apiserver's is.
const IDLE: Duration = Duration::from_secs(90);

/// A body takes no longer to come.
const BODY: Duration = Duration::from_secs(60);

/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// An API server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its certificate cannot be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The address cannot be taken.
    #[error("the API server cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// A running API server. It ends when it is stopped or dropped.
#[derive(Debug)]
pub struct ApiServer {
    address: SocketAddr,
    tasks: JoinSet<()>,
}

impl ApiServer {
    /// Serves the store on an address (port 0 for any free port) as the API server of this node and version.
    /// The fault `api-down` closes all connections and takes no more while it stands.
    ///
    /// # Errors
    /// The address cannot be taken.
    pub async fn start(
        listen: SocketAddr,
        authority: &Authority,
        store: Arc<Store>,
        version: semver::Version,
        faults: Arc<Faults>,
        node: &str,
    ) -> Result<Self, StartError> {
        let tls = tls(authority, listen.ip(), node)?;
        let listener =
            TcpListener::bind(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(listen, error))?;
        let token = authority.token().to_owned();
        let serving = Arc::new(Serving { store, version, token });
        let (down, is_down) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(watch_fault(faults, node.to_owned(), down));
        tasks.spawn(accept(listener, address, tls, serving, is_down));
        Ok(Self { address, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections; when this returns the address is free.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

fn tls(authority: &Authority, address: IpAddr, node: &str) -> Result<TlsAcceptor, StartError> {
    let names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
        node,
    ];
    let mut addresses =
        vec![address, Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(10, 96, 0, 1).into()];
    addresses.extend(authority.endpoints());
    let identity = authority.server_certificate(&names, &addresses)?;
    let failed = |error: &dyn std::fmt::Display| StartError::Tls(error.to_string());
    let provider = Arc::new(crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.ca_der())).map_err(|e| failed(&e))?;
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .map_err(|e| failed(&e))?;
    let certificate =
        CertificateDer::from_pem_slice(identity.certificate.as_bytes()).map_err(|e| failed(&e))?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(|e| failed(&e))?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(&e))?
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .map_err(|e| failed(&e))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn watch_fault(faults: Arc<Faults>, node: String, down: watch::Sender<bool>) {
    loop {
        let mine =
            |fault: &Fault| matches!(fault, Fault::ApiDown { node: n } if *n == node).then_some(());
        let now = faults.find(mine).is_some();
        down.send_if_modified(|was| std::mem::replace(was, now) != now);
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes connections until it is stopped. While it is down there is no listener: connections are refused.
async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    serving: Arc<Serving>,
    mut down: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut listening = Some(listener);
    let for_connections = down.clone();
    loop {
        let Some(listener) = &listening else {
            // The sender is gone when the server is.
            if down.wait_for(|down| !*down).await.is_err() {
                return;
            }
            listening = TcpListener::bind(address).await.ok();
            if listening.is_none() {
                tokio::time::sleep(LOOK).await; // another one has the port for now
            }
            continue;
        };
        tokio::select! {
            () = becomes_true(&mut down) => listening = None,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (tls, serving, down) = (tls.clone(), Arc::clone(&serving), for_connections.clone());
                    connections.spawn(connection(stream, tls, serving, down));
                }
                // Out of descriptors, or the peer has gone already: the next one may do better.
                Err(_) => tokio::time::sleep(LOOK).await,
            },
        }
    }
}

async fn becomes_true(down: &mut watch::Receiver<bool>) {
    // The sender is gone when the server is; then nobody asks any more.
    drop(down.wait_for(|down| *down).await);
}

async fn connection(
    stream: TcpStream,
    tls: TlsAcceptor,
    serving: Arc<Serving>,
    mut down: watch::Receiver<bool>,
) {
    if stream.set_nodelay(true).is_err() {
        return; // it is closed already
    }
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else { return };
    let known = stream.get_ref().1.peer_certificates().is_some();
    let service = service_fn(move |request| {
        let serving = Arc::clone(&serving);
        async move { Ok::<_, Infallible>(whole(&serving, known, request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // How a connection ends is the client's affair: it has its answer, or it sees that it has none.
        ended = served => drop(ended),
        () = becomes_true(&mut down) => {}
    }
}

/// The answer to a request once its body has come.
async fn whole(serving: &Arc<Serving>, known: bool, request: http::Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let collected = Limited::new(body, super::request::LARGEST).collect();
    let body = match tokio::time::timeout(BODY, collected).await {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Ok(Err(error)) => return respond::text(413, format!("the body cannot be read: {error}")),
        Err(_) => return respond::text(408, "the body does not come"),
    };
    let query = super::request::Query::of(&parts);
    answer(serving, known, super::request::Request { parts, query, body }).await
}
