//! Requests to the API: one at a time, bounded, on whichever API server answers.
//!
//! kube's own retries are off (they would hide an eviction that a budget refuses). Reads are repeated while a server
//! restarts; writes are tried once on each server: every write here is guarded by a uid, a resourceVersion or its own
//! name, so that a write whose answer was lost is recognised afterwards.

use super::ClusterError;
use super::error::with_causes;
use crate::clock::Clock;
use crate::transport::TransportError;
use http::{HeaderMap, Method, Request, StatusCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use kube::client::Body;
use kube::core::Status;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A request that was not answered after this long is given up; watches are not used.
const ANSWER: Duration = Duration::from_secs(30);
/// Reads are repeated this long while no server answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// Objects per page of a list.
const PAGE: &str = "500";
/// Longest answer that is read.
const LONGEST: usize = 256 * 1024 * 1024;

/// A body and what it is.
pub(super) enum Content {
    /// JSON object, for POST and PUT.
    Object(Json),
    /// RFC 7386.
    MergePatch(Json),
}

/// One API server.
pub(super) struct Endpoint {
    /// For messages: URL, or the master's name.
    pub(super) name: String,
    /// kube's stack over the connection to it.
    pub(super) client: kube::Client,
}

/// All API servers of one cluster.
pub(super) struct Api {
    endpoints: Vec<Endpoint>,
    current: AtomicUsize,
    pub(super) clock: Arc<dyn Clock>,
    patience: AtomicU64,
}

struct Answer {
    code: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

enum Trouble {
    /// Try elsewhere, or later.
    Passing(String),
    /// Trying again cannot help.
    Lasting(ClusterError),
}

impl Api {
    pub(super) fn new(endpoints: Vec<Endpoint>, clock: Arc<dyn Clock>) -> Self {
        let patience = AtomicU64::new(PATIENCE.as_secs());
        Self { endpoints, current: AtomicUsize::new(0), clock, patience }
    }

    /// How long reads are repeated from now on, in whole seconds.
    pub(super) fn set_patience(&self, patience: Duration) {
        self.patience.store(patience.as_secs(), Ordering::Relaxed);
    }

    /// Names of the API servers.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.endpoints.iter().map(|e| e.name.as_str())
    }

    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClusterError> {
        parse(&format!("read {path}"), &self.read(path).await?)
    }

    /// Reads one object that may not exist.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, ClusterError> {
        match self.get(path).await {
            Err(error) if error.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Reads one object, once, for loops that have a deadline of their own.
    pub(super) async fn look<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, ClusterError> {
        match self.request(&Method::GET, path, None).await {
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
            Ok(body) => parse(&format!("read {path}"), &body).map(Some),
        }
    }

    /// Reads a whole collection in pages. `query` is text of a URL's query, already encoded, or empty.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
    ) -> Result<Vec<T>, ClusterError> {
        #[derive(Deserialize)]
        struct Page<T> {
            #[serde(default)]
            metadata: ListMeta,
            items: Vec<T>,
        }
        let mut restarts = 0;
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let mut url = format!("{path}?limit={PAGE}");
            if !query.is_empty() {
                url.push_str(&format!("&{query}"));
            }
            if !next.is_empty() {
                url.push_str(&format!("&continue={}", encode(&next)));
            }
            let body = match self.read(&url).await {
                // The pages' snapshot is gone: from the start.
                Err(error) if error.code() == Some(410) && restarts < 3 => {
                    restarts += 1;
                    items.clear();
                    next.clear();
                    continue;
                }
                other => other?,
            };
            let page: Page<T> = parse(&format!("list {path}"), &body)?;
            items.extend(page.items);
            match page.metadata.continue_.filter(|c| !c.is_empty()) {
                Some(token) => next = token,
                None => return Ok(items),
            }
        }
    }

    /// Reads anything, again and again while no server answers well, up to `patience`.
    pub(super) async fn read(&self, path: &str) -> Result<Vec<u8>, ClusterError> {
        let patience = Duration::from_secs(self.patience.load(Ordering::Relaxed));
        let deadline = self.clock.monotonic().saturating_add(patience);
        let mut pause = Duration::from_millis(500);
        loop {
            match self.request(&Method::GET, path, None).await {
                Err(error) if error.is_transient() => {
                    let wait = match &error {
                        ClusterError::Api { retry_after: Some(after), .. } => *after,
                        _ => pause,
                    };
                    if self.clock.monotonic() + wait > deadline {
                        return Err(error);
                    }
                    self.clock.sleep(wait).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                other => return other,
            }
        }
    }

    /// Changes something: one try on each server until one answers.
    pub(super) async fn write(
        &self,
        method: &Method,
        path: &str,
        content: Option<&Content>,
    ) -> Result<Vec<u8>, ClusterError> {
        self.request(method, path, content).await
    }

    /// The body that one named API server answers with, whatever its status (`/readyz`, `/version`).
    pub(super) async fn ask(
        &self,
        endpoint: usize,
        path: &str,
    ) -> Result<(u16, Vec<u8>), ClusterError> {
        let Some(endpoint) = self.endpoints.get(endpoint) else {
            return Err(ClusterError::Config("no such API server".into()));
        };
        match self.send(endpoint, &Method::GET, path, None).await {
            Ok(answer) => Ok((answer.code.as_u16(), answer.body)),
            Err(Trouble::Passing(why)) => Err(ClusterError::Unreachable(vec![why])),
            Err(Trouble::Lasting(error)) => Err(error),
        }
    }

    async fn request(
        &self,
        method: &Method,
        path: &str,
        content: Option<&Content>,
    ) -> Result<Vec<u8>, ClusterError> {
        let count = self.endpoints.len();
        let first = self.current.load(Ordering::Relaxed);
        let mut tried = Vec::new();
        let mut refused = None;
        for step in 0..count {
            let index = (first + step) % count;
            let Some(endpoint) = self.endpoints.get(index) else { continue };
            match self.send_until_believed(endpoint, method, path, content).await {
                Ok(answer) => {
                    self.current.store(index, Ordering::Relaxed);
                    return check(method, path, answer);
                }
                Err(Trouble::Passing(why)) => tried.push(format!("{}: {why}", endpoint.name)),
                Err(Trouble::Lasting(error)) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if tried.is_empty() => Err(error),
            Some(error) => {
                tried.push(error.to_string());
                Err(ClusterError::Unreachable(tried))
            }
            None => Err(ClusterError::Unreachable(tried)),
        }
    }

    /// As [`Self::send`], but a denial is believed only from a server that is ready. One that has just started answers
    /// before it has read its roles and bindings, and denies everybody everything for a moment
    /// (kubernetes/kubernetes#121635). A request that was denied has done nothing, so it may be sent again.
    async fn send_until_believed(
        &self,
        endpoint: &Endpoint,
        method: &Method,
        path: &str,
        content: Option<&Content>,
    ) -> Result<Answer, Trouble> {
        let answer = self.send(endpoint, method, path, content).await?;
        let Some(denial) = denial(&answer) else { return Ok(answer) };
        if self.send(endpoint, &Method::GET, "/readyz", None).await?.code.is_success() {
            return self.send(endpoint, method, path, content).await;
        }
        Err(Trouble::Passing(format!("it is not ready, and answers: {denial}")))
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        method: &Method,
        path: &str,
        content: Option<&Content>,
    ) -> Result<Answer, Trouble> {
        let request = build(method, path, content).map_err(Trouble::Lasting)?;
        let exchange = async {
            let response = endpoint.client.send(request).await.map_err(|e| trouble(&e))?;
            let (head, body) = response.into_parts();
            let bytes = body.collect_bytes().await.map_err(|e| trouble(&e))?;
            if bytes.len() > LONGEST {
                let why = format!("an answer of {} bytes is too long", bytes.len());
                return Err(Trouble::Lasting(ClusterError::Answer { what: path.into(), why }));
            }
            Ok(Answer { code: head.status, headers: head.headers, body: bytes.to_vec() })
        };
        within(&*self.clock, ANSWER, exchange).await.unwrap_or_else(|| {
            Err(Trouble::Passing(format!("no answer within {} s", ANSWER.as_secs())))
        })
    }
}

/// The future's output, or `None` if the clock says that this much time passed first.
pub(super) async fn within<F: Future>(
    clock: &dyn Clock,
    duration: Duration,
    future: F,
) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = clock.sleep(duration) => None,
    }
}

fn build(
    method: &Method,
    path: &str,
    content: Option<&Content>,
) -> Result<Request<Body>, ClusterError> {
    let (kind, body) = match content {
        None => ("application/json", Vec::new()),
        Some(Content::Object(json)) => ("application/json", json.to_string().into_bytes()),
        Some(Content::MergePatch(json)) => {
            ("application/merge-patch+json", json.to_string().into_bytes())
        }
    };
    Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, kind)
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::USER_AGENT, concat!("mainstay/", env!("CARGO_PKG_VERSION")))
        .body(Body::from(body))
        .map_err(|e| ClusterError::Answer { what: path.to_owned(), why: e.to_string() })
}

/// An error answer as an error. A `Status` that says Failure is one whatever the HTTP status (eviction with two
/// budgets).
fn check(method: &Method, path: &str, answer: Answer) -> Result<Vec<u8>, ClusterError> {
    let status = serde_json::from_slice::<Status>(&answer.body).ok();
    let says_failure = status.as_ref().is_some_and(Status::is_failure) && is_status(&answer.body);
    if answer.code.is_success() && !says_failure {
        return Ok(answer.body);
    }
    let mut status = status.filter(|_| is_status(&answer.body)).unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&answer.body);
        Status::failure(text.trim().chars().take(300).collect::<String>().as_str(), "")
    });
    if status.code == 0 {
        status.code = answer.code.as_u16();
    }
    let retry_after = answer
        .headers
        .get(http::header::RETRY_AFTER)
        .and_then(|v| v.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let bare = path.split('?').next().unwrap_or(path);
    let what = format!("{} {bare}", method.as_str().to_lowercase());
    Err(ClusterError::Api { what, status: Box::new(status), retry_after })
}

/// The message of a request that the server's authorizer denied; what an admission plugin forbids reads differently.
fn denial(answer: &Answer) -> Option<String> {
    let status = serde_json::from_slice::<Status>(&answer.body).ok()?;
    let denied = answer.code == StatusCode::FORBIDDEN;
    (denied && status.message.contains(" is forbidden: User \"")).then_some(status.message)
}

fn is_status(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        kind: Option<String>,
    }
    serde_json::from_slice::<Kind>(body).is_ok_and(|k| k.kind.as_deref() == Some("Status"))
}

pub(super) fn parse<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, ClusterError> {
    serde_json::from_slice(body)
        .map_err(|e| ClusterError::Answer { what: what.to_owned(), why: e.to_string() })
}

/// Percent-encodes a value of a URL's query.
pub(super) fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// What an error of kube's stack means for us.
fn trouble(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(TransportError::Unsupported(why)) = cause.downcast_ref() {
            return Trouble::Lasting(ClusterError::Refused(format!(
                "{why}; set AllowTcpForwarding to yes or local in the host's sshd_config, or use a kubeconfig"
            )));
        }
        if let Some(TransportError::Authentication(why) | TransportError::HostKey(why)) =
            cause.downcast_ref()
        {
            return Trouble::Lasting(ClusterError::Refused(why.clone()));
        }
        if is_certificate(cause) {
            return Trouble::Lasting(ClusterError::Refused(with_causes(error)));
        }
        if cause.downcast_ref::<kube::client::AuthError>().is_some() {
            return Trouble::Lasting(ClusterError::Config(with_causes(error)));
        }
        // An io::Error hides what it was made of from `source`.
        next = match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        };
    }
    Trouble::Passing(with_causes(error))
}

fn is_certificate(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
