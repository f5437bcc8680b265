//! One API server to ask, and how to ask it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use mainstay_lab::api::{ApiServer, Authority};
use mainstay_lab::controllers::{self, Handle};
use mainstay_lab::fault::Faults;
use mainstay_lab::pace::Pace;
use mainstay_lab::store::Store;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// Nothing here takes longer, on any server.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and a namespace of its own in it.
pub struct Api {
    pub host: String,
    ca: Vec<u8>,
    client: Option<(Vec<u8>, Vec<u8>)>,
    token: Option<String>,
    pub namespace: String,
    lab: Option<Arc<Lab>>,
}

pub struct Answer {
    pub code: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// A refusal with this code and reason.
    pub fn refused(&self, code: u16, reason: &str) -> &Self {
        let said = (self.code, self.body["reason"].as_str().unwrap_or_default());
        assert_eq!(said, (code, reason), "{}", self.text);
        assert_eq!(self.body["kind"], "Status", "{}", self.text);
        self
    }

    /// The same with this text.
    pub fn saying(&self, message: &str) -> &Self {
        assert_eq!(self.message(), message);
        self
    }

    /// What came of what was meant to work.
    pub fn ok(self) -> Value {
        assert!(self.code < 300, "{} {}", self.code, self.text);
        self.body
    }
}

impl Api {
    /// The server that `MAINSTAY_TEST_KUBECONFIG` names, or one of the lab.
    pub async fn start() -> Self {
        match std::env::var("MAINSTAY_TEST_KUBECONFIG") {
            Ok(path) => Self::of(&std::fs::read_to_string(path).unwrap(), None).await,
            Err(_) => Self::of_lab().await.0,
        }
    }

    /// One of the lab, and what is behind it.
    pub async fn of_lab() -> (Self, Arc<Lab>) {
        let (lab, text) = Lab::start().await;
        (Self::of(&text, Some(Arc::clone(&lab))).await, lab)
    }

    async fn of(kubeconfig: &str, lab: Option<Arc<Lab>>) -> Self {
        let field = |name: &str| {
            let line = kubeconfig
                .lines()
                .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
            line.unwrap().trim().trim_matches('"').to_owned()
        };
        let pem = |name: &str| {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.decode(field(name)).unwrap()
        };
        let host = field("server").strip_prefix("https://").unwrap().to_owned();
        let ca = pem("certificate-authority-data");
        let client = Some((pem("client-certificate-data"), pem("client-key-data")));
        let namespace = format!("b-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let api = Self { host, ca, client, token: None, namespace, lab };
        api.post("/api/v1/namespaces", json!({"metadata": {"name": api.namespace}})).await.ok();
        api
    }

    /// The same cluster by the address of another server.
    pub fn at(&self, host: &str) -> Self {
        Self { host: host.to_owned(), client: self.client.clone(), ..self.as_nobody(None) }
    }

    /// The same server without a client certificate, with a token or without.
    pub fn as_nobody(&self, token: Option<&str>) -> Self {
        let token = token.map(str::to_owned);
        let (host, ca, namespace) = (self.host.clone(), self.ca.clone(), self.namespace.clone());
        Self { host, ca, client: None, token, namespace, lab: self.lab.clone() }
    }

    /// The list of a core resource in this namespace.
    pub fn core(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.namespace)
    }

    pub fn apps(&self, plural: &str) -> String {
        format!("/apis/apps/v1/namespaces/{}/{plural}", self.namespace)
    }

    pub fn budgets(&self) -> String {
        format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets", self.namespace)
    }

    pub fn leases(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.namespace)
    }

    async fn connect(&self) -> hyper::client::conn::http1::SendRequest<Full<Bytes>> {
        let provider = Arc::new(crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&self.ca).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config.with_root_certificates(roots);
        let config = match &self.client {
            Some((certificate, key)) => config
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(certificate).unwrap()],
                    PrivateKeyDer::from_pem_slice(key).unwrap(),
                )
                .unwrap(),
            None => config.with_no_client_auth(),
        };
        let stream = TcpStream::connect(&self.host).await.unwrap();
        let name = ServerName::try_from(self.host.split(':').next().unwrap().to_owned()).unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    async fn begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> http::Response<Incoming> {
        let mut request =
            http::Request::builder().method(method).uri(path).header("Host", &self.host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        self.connect().await.send_request(request).await.unwrap()
    }

    /// Any request.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let whole = async {
            let answer = self.begin(method, path, headers, body.into()).await;
            let (code, headers) = (answer.status().as_u16(), answer.headers().clone());
            let text =
                String::from_utf8_lossy(&answer.into_body().collect().await.unwrap().to_bytes())
                    .into_owned();
            let body = serde_json::from_str(&text).unwrap_or_default();
            Answer { code, headers, body, text }
        };
        tokio::time::timeout(PATIENCE, whole).await.expect("the server answers")
    }

    async fn json(&self, method: &str, path: &str, kind: &str, body: Value) -> Answer {
        self.send(method, path, &[("Content-Type", kind)], body.to_string()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json("POST", path, "application/json", body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.json("PUT", path, "application/json", body).await
    }

    pub async fn merge(&self, path: &str, body: Value) -> Answer {
        self.json("PATCH", path, "application/merge-patch+json", body).await
    }

    pub async fn strategic(&self, path: &str, body: Value) -> Answer {
        self.json("PATCH", path, "application/strategic-merge-patch+json", body).await
    }

    pub async fn json_patch(&self, path: &str, body: Value) -> Answer {
        self.json("PATCH", path, "application/json-patch+json", body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "").await
    }

    pub async fn delete_with(&self, path: &str, options: Value) -> Answer {
        self.json("DELETE", path, "application/json", options).await
    }

    pub async fn watch(&self, path: &str) -> Watcher {
        let answer =
            tokio::time::timeout(PATIENCE, self.begin("GET", path, &[], Vec::new())).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        Watcher { body: answer.into_body(), rest: Vec::new() }
    }

    /// The object at a path once it is as wanted; nothing stands for an object that is not there.
    pub async fn until(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let (list, name) = path.rsplit_once('/').unwrap();
        let waiting = async {
            // From the present on: all there is comes first.
            let mut watcher =
                self.watch(&format!("{list}?watch=1&fieldSelector=metadata.name%3D{name}")).await;
            if self.get(path).await.code == 404 && wanted(&Value::Null) {
                return Value::Null;
            }
            loop {
                let (kind, object) = watcher.next().await.expect("the watch goes on");
                let object = if kind == "DELETED" { Value::Null } else { object };
                if wanted(&object) {
                    return object;
                }
            }
        };
        let Ok(object) = tokio::time::timeout(PATIENCE, waiting).await else {
            panic!("never: {what}: {}", self.get(path).await.text);
        };
        object
    }

    /// The items of a list once they are as wanted.
    pub async fn until_list(
        &self,
        path: &str,
        what: &str,
        wanted: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let waiting = async {
            let mut watcher = self.watch(&format!("{path}?watch=1")).await;
            loop {
                let items =
                    self.get(path).await.ok()["items"].as_array().cloned().unwrap_or_default();
                if wanted(&items) {
                    return items;
                }
                drop(watcher.next().await.expect("the watch goes on"));
            }
        };
        let Ok(items) = tokio::time::timeout(PATIENCE, waiting).await else {
            panic!("never: {what}: {}", self.get(path).await.text);
        };
        items
    }

    /// A pod of this namespace, as if it ran (or did not) on a node of that name, which need not exist.
    pub async fn pod(&self, name: &str, app: &str, phase: &str, ready: bool) -> Value {
        let mut pod = pod(name, app);
        pod["spec"]["nodeName"] = json!("nowhere");
        self.post(&self.core("pods"), pod).await.ok();
        self.report(name, phase, ready).await
    }

    pub async fn report(&self, name: &str, phase: &str, ready: bool) -> Value {
        let ready = if ready { "True" } else { "False" };
        let status =
            json!({"status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}});
        self.strategic(&format!("{}/{name}/status", self.core("pods")), status).await.ok()
    }
}

pub fn pod(name: &str, app: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": app}},
        "spec": {"containers": [{"name": "c", "image": "registry.example/i:1"}]}})
}

pub fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"a": "1"}})
}

/// A Deployment, ReplicaSet, DaemonSet or StatefulSet.
pub fn workload(name: &str, replicas: Option<u32>) -> Value {
    let mut object = json!({"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "registry.example/i:1"}]}}}});
    if let Some(replicas) = replicas {
        object["spec"]["replicas"] = json!(replicas);
    }
    object
}

pub struct Watcher {
    body: Incoming,
    rest: Vec<u8>,
}

impl Watcher {
    /// The next event; nothing at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        tokio::time::timeout(PATIENCE, self.line()).await.expect("something happens")
    }

    async fn line(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let event: Value = serde_json::from_slice(&line).unwrap();
                return Some((event["type"].as_str().unwrap().to_owned(), event["object"].clone()));
            }
            let frame = self.body.frame().await?.ok()?;
            self.rest.extend(frame.into_data().unwrap_or_default());
        }
    }

    /// The next event that is no bookmark: its kind and the name of its object.
    pub async fn tells(&mut self) -> (String, String) {
        loop {
            let (kind, object) = self.next().await.unwrap();
            if kind != "BOOKMARK" {
                return (kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
}

/// A store with an API server and controllers, but without nodes.
pub struct Lab {
    pub store: Arc<Store>,
    pub faults: Arc<Faults>,
    pub authority: Authority,
    _running: (ApiServer, Handle),
}

impl Lab {
    async fn start() -> (Arc<Self>, String) {
        let faults = Arc::<Faults>::default();
        let store = Store::with_faults(Pace::REAL, Arc::clone(&faults));
        let authority = Authority::new().unwrap();
        let server = serve(&authority, &store, &faults, "cp1").await;
        let controllers = controllers::start(Arc::clone(&store), Pace::REAL, Arc::clone(&faults));
        let kubeconfig =
            authority.admin_kubeconfig(&format!("https://{}", server.address())).unwrap();
        (Arc::new(Self { store, faults, authority, _running: (server, controllers) }), kubeconfig)
    }

    /// One more API server on the same store.
    pub async fn another(&self, node: &str) -> ApiServer {
        serve(&self.authority, &self.store, &self.faults, node).await
    }
}

async fn serve(
    authority: &Authority,
    store: &Arc<Store>,
    faults: &Arc<Faults>,
    node: &str,
) -> ApiServer {
    let (any, version) = ("127.0.0.1:0".parse().unwrap(), semver::Version::new(1, 36, 3));
    ApiServer::start(any, authority, Arc::clone(store), version, Arc::clone(faults), node)
        .await
        .unwrap()
}
