//! The ways to a cluster's API: a kubeconfig, or the masters' own SSH connections.

use super::ClusterError;
use super::api::{Api, Endpoint, within};
use super::error::with_causes;
use super::manifest::{Dial, dials};
use crate::clock::Clock;
use crate::transport::{Host, Stream, Target, TransportError};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::ConfigExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A connection that is not made after this long is given up.
const CONNECT: Duration = Duration::from_secs(10);
/// An API server that sends nothing for this long is given up (no watches here).
const READ: Duration = Duration::from_secs(30);
const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";
const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";

/// Where the API is.
pub enum ClusterAccess {
    /// kubeconfig files, merged as kubectl does (first one wins); the context, if not the current one.
    Kubeconfig {
        /// At least one.
        files: Vec<PathBuf>,
        /// `--context`
        context: Option<String>,
    },
    /// Address and credentials without a file (the module's `host`, `api_key`, …).
    Direct(Box<Direct>),
    /// Each master's own API server, through its SSH connection. At least one.
    ThroughMasters(Vec<Master>),
}

/// Address and credentials, given one by one.
#[derive(Default)]
pub struct Direct {
    /// `https://…`
    pub server: String,
    /// Bearer token.
    pub token: Option<crate::transport::Secret>,
    /// PEM.
    pub ca: Option<Vec<u8>>,
    /// Files of the client certificate and its key.
    pub certificate: Option<(String, String)>,
    /// The server's certificate is not checked.
    pub insecure: bool,
    /// Name expected in the server's certificate.
    pub tls_server_name: Option<String>,
}

/// A control-plane host whose API server is dialled through its SSH connection.
pub struct Master {
    /// Host name, for messages.
    pub name: String,
    /// Its connection.
    pub target: Arc<dyn Target>,
    /// Text of its admin.conf, or of another kubeconfig that the host can use.
    pub admin_conf: String,
    /// The context, if not the current one.
    pub context: Option<String>,
    /// Text of its kube-apiserver manifest, if it has one: port and address of its own API server.
    pub manifest: Option<String>,
}

impl Master {
    /// Reads admin.conf and the API server's manifest in one round trip, with the host's rights (become).
    ///
    /// # Errors
    /// The host cannot be asked, or has no readable admin.conf.
    pub async fn read(host: &Host) -> Result<Self, ClusterError> {
        let script = format!(
            "cat {ADMIN_CONF} || exit 3\nprintf '\\0'\nif [ -r {MANIFEST} ]; then cat {MANIFEST}; fi\n"
        );
        let output = host
            .script(&script)
            .await
            .map_err(|e| ClusterError::Unreachable(vec![format!("{}: {e}", host.name)]))?;
        if !output.ok() {
            return Err(ClusterError::Config(format!(
                "{}: cannot read {ADMIN_CONF}: {}",
                host.name,
                output.stderr.text().trim()
            )));
        }
        let text = output.stdout.text();
        let (admin_conf, manifest) = text.split_once('\0').unwrap_or((&text, ""));
        Ok(Self {
            name: host.name.to_string(),
            target: Arc::clone(&host.target),
            admin_conf: admin_conf.to_owned(),
            context: None,
            manifest: Some(manifest.to_owned()).filter(|m| !m.trim().is_empty()),
        })
    }
}

/// Makes the clients; nothing is dialled yet.
pub(super) async fn connect(
    access: ClusterAccess,
    clock: Arc<dyn Clock>,
) -> Result<Api, ClusterError> {
    install_ring();
    let endpoints = match access {
        ClusterAccess::Kubeconfig { files, context } => vec![from_files(&files, context).await?],
        ClusterAccess::Direct(direct) => vec![from_parts(*direct)?],
        ClusterAccess::ThroughMasters(masters) => {
            let mut endpoints = Vec::new();
            for master in masters {
                endpoints.push(through(master, &clock).await?);
            }
            endpoints
        }
    };
    if endpoints.is_empty() {
        return Err(ClusterError::Config("no control-plane host to reach the API through".into()));
    }
    Ok(Api::new(endpoints, clock))
}

/// One cryptography provider for the whole process; whoever comes first installs it.
fn install_ring() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _raced = rustls::crypto::ring::default_provider().install_default();
    }
}

async fn from_files(files: &[PathBuf], context: Option<String>) -> Result<Endpoint, ClusterError> {
    let mut merged = Kubeconfig::default();
    for file in files {
        let failed = |e: kube::config::KubeconfigError| {
            ClusterError::Config(format!("kubeconfig {}: {}", file.display(), with_causes(&e)))
        };
        merged = Kubeconfig::read_from(file).and_then(|c| merged.merge(c)).map_err(failed)?;
    }
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let names = files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(":");
    let config = kube::Config::from_custom_kubeconfig(merged, &options)
        .await
        .map_err(|e| ClusterError::Config(format!("kubeconfig {names}: {}", with_causes(&e))))?;
    direct(config)
}

fn from_parts(parts: Direct) -> Result<Endpoint, ClusterError> {
    let server = parts
        .server
        .parse()
        .map_err(|e| ClusterError::Config(format!("host {:?}: {e}", parts.server)))?;
    let mut config = kube::Config::new(server);
    config.accept_invalid_certs = parts.insecure;
    config.tls_server_name = parts.tls_server_name;
    config.auth_info.token = parts.token;
    if let Some((certificate, key)) = parts.certificate {
        config.auth_info.client_certificate = Some(certificate);
        config.auth_info.client_key = Some(key);
    }
    if let Some(pem) = parts.ca {
        config.root_cert = Some(super::pem::certificates(&pem)?);
    }
    direct(config)
}

fn direct(mut config: kube::Config) -> Result<Endpoint, ClusterError> {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(READ);
    let name = config.cluster_url.to_string();
    let client = kube::Client::try_from(config)
        .map_err(|e| ClusterError::Config(format!("{name}: {}", with_causes(&e))))?;
    Ok(Endpoint { name, client })
}

async fn through(master: Master, clock: &Arc<dyn Clock>) -> Result<Endpoint, ClusterError> {
    let Master { name, target, admin_conf, context, manifest } = master;
    let failed = |why: String| ClusterError::Config(format!("kubeconfig of {name}: {why}"));
    let kubeconfig = Kubeconfig::from_yaml(&admin_conf).map_err(|e| failed(with_causes(&e)))?;
    if let Some(what) = needs_files(&kubeconfig) {
        return Err(failed(format!("{what} names something on that host; it must be embedded")));
    }
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|e| failed(with_causes(&e)))?;
    if config.proxy_url.is_some() {
        return Err(failed("proxy-url cannot be used through an SSH connection".into()));
    }
    let dials = dials(&config.cluster_url, manifest.as_deref()).map_err(failed)?;
    // The certificate is checked for the name that admin.conf was made for, whichever address is dialled.
    if config.tls_server_name.is_none() {
        config.tls_server_name = config.cluster_url.host().map(bare);
    }
    let connector = over_ssh(target, dials, Arc::clone(clock));
    let kubernetes = |e: kube::Error| failed(with_causes(&e));
    let connector = config.rustls_https_connector_with_connector(connector).map_err(kubernetes)?;
    let http = hyper_util::client::legacy::Builder::new(TokioExecutor::new()).build(connector);
    let service = tower::ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(kubernetes)?)
        .layer(config.extra_headers_layer().map_err(kubernetes)?)
        .map_err(tower::BoxError::from)
        .service(http);
    let client = kube::client::ClientBuilder::new(service, config.default_namespace).build();
    Ok(Endpoint { name, client })
}

/// An IPv6 literal without its brackets.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// A kubeconfig that was read from a host cannot name files or programs: they would be looked for here.
fn needs_files(config: &Kubeconfig) -> Option<&'static str> {
    let clusters = config.clusters.iter().filter_map(|c| c.cluster.as_ref());
    let users = config.auth_infos.iter().filter_map(|u| u.auth_info.as_ref());
    for cluster in clusters {
        if cluster.certificate_authority.is_some() {
            return Some("certificate-authority");
        }
    }
    for user in users {
        let named = [
            (user.client_certificate.is_some(), "client-certificate"),
            (user.client_key.is_some(), "client-key"),
            (user.token_file.is_some(), "tokenFile"),
            (user.exec.is_some(), "exec"),
            (user.auth_provider.is_some(), "auth-provider"),
        ];
        if let Some((_, name)) = named.into_iter().find(|(is, _)| *is) {
            return Some(name);
        }
    }
    None
}

type Dialled = Pin<Box<dyn Future<Output = Result<SshStream, TransportError>> + Send>>;

fn over_ssh(
    target: Arc<dyn Target>,
    dials: Vec<Dial>,
    clock: Arc<dyn Clock>,
) -> impl tower::Service<http::Uri, Response = SshStream, Error = TransportError, Future = Dialled>
+ Clone
+ Send
+ 'static {
    let dials: Arc<[Dial]> = dials.into();
    tower::service_fn(move |_uri: http::Uri| -> Dialled {
        let (target, dials, clock) = (Arc::clone(&target), Arc::clone(&dials), Arc::clone(&clock));
        Box::pin(async move {
            let mut why = Vec::new();
            for Dial { host, port } in dials.iter() {
                match within(&*clock, CONNECT, target.open_stream(host, *port)).await {
                    Some(Ok(stream)) => return Ok(SshStream(TokioIo::new(stream))),
                    // Another address of the same host would be refused as well.
                    Some(Err(
                        error @ (TransportError::Unsupported(_)
                        | TransportError::Authentication(_)
                        | TransportError::HostKey(_)),
                    )) => return Err(error),
                    Some(Err(error)) => why.push(format!("{host}:{port}: {error}")),
                    None => why.push(format!("{host}:{port}: no connection within 10 s")),
                }
            }
            Err(TransportError::Unreachable(why.join(", ")))
        })
    })
}

/// A stream of a host as hyper wants it.
struct SshStream(TokioIo<Box<dyn Stream>>);

impl Connection for SshStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for SshStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
