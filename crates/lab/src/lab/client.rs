//! How a program on a node asks an API server: HTTPS, one connection a request, as its kubeconfig says.

use crate::node::{Accept, Answer, Api, Identity, NoAnswer, Request};
use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// A whole request, with its answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest answer that is believed.
const LONGEST: usize = 64 << 20;

/// Asks over the network.
pub(super) struct Client;

#[async_trait]
impl Api for Client {
    async fn ask(
        &self,
        server: SocketAddr,
        identity: &Identity,
        request: Request,
    ) -> Result<Answer, NoAnswer> {
        let answered = tokio::time::timeout(ANSWER, ask(server, identity, request)).await;
        answered.unwrap_or_else(|_| Err(NoAnswer::Broken("context deadline exceeded".to_owned())))
    }
}

async fn ask(
    server: SocketAddr,
    identity: &Identity,
    request: Request,
) -> Result<Answer, NoAnswer> {
    let stream = TcpStream::connect(server).await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => NoAnswer::Refused,
        _ => broken(error),
    })?;
    let name = match &identity.server_name {
        Some(name) => ServerName::try_from(name.clone()).map_err(broken)?,
        None => ServerName::from(server.ip()),
    };
    let tls = TlsConnector::from(Arc::new(config(identity)?));
    let stream = tls.connect(name, stream).await.map_err(|error| {
        // rustls wraps what it says of a certificate.
        match error.get_ref().map(ToString::to_string) {
            Some(text) if text.contains("certificate") => NoAnswer::Certificate(text),
            _ => broken(error),
        }
    })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let connection = tokio::spawn(connection);
    let asked = async {
        let answer = sender.send_request(message(server, identity, &request)?).await;
        let answer = answer.map_err(broken)?;
        let code = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| NoAnswer::Broken(error.to_string()))?.to_bytes().to_vec();
        Ok(Answer { code, body })
    };
    let answer = asked.await;
    connection.abort();
    answer
}

fn broken(error: impl std::fmt::Display) -> NoAnswer {
    NoAnswer::Broken(error.to_string())
}

fn config(identity: &Identity) -> Result<ClientConfig, NoAnswer> {
    if identity.insecure {
        let text = "the lab's programs do not talk to servers that they cannot check";
        return Err(NoAnswer::Broken(text.to_owned()));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(identity.authority.as_deref().unwrap_or(b""))
    {
        roots.add(certificate.map_err(broken)?).map_err(broken)?;
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &identity.certificate else {
        return Ok(config.with_no_client_auth());
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let key = PrivateKeyDer::from_pem_slice(key).map_err(broken)?;
    config.with_client_auth_cert(chain.map_err(broken)?, key).map_err(broken)
}

fn message(
    server: SocketAddr,
    identity: &Identity,
    request: &Request,
) -> Result<hyper::Request<Full<Bytes>>, NoAnswer> {
    let accept = match request.accept {
        Accept::Json => "application/json",
        Accept::Table => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    };
    let mut message = hyper::Request::builder()
        .method(request.method)
        .uri(&request.path)
        .header("host", server.to_string())
        .header("accept", accept);
    if let Some(token) = &identity.token {
        message = message.header("authorization", format!("Bearer {token}"));
    }
    let body = match &request.body {
        None => Vec::new(),
        Some(body) => {
            message = message.header("content-type", request.content_type);
            serde_json::to_vec(body).map_err(broken)?
        }
    };
    message.body(Full::new(Bytes::from(body))).map_err(broken)
}
