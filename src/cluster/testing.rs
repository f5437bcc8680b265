//! A clock that moves only when everything waits, and an API that answers from a script.

use super::{Cluster, NodeInfo};
use crate::clock::Clock;
use crate::journal::Effects;
use crate::journal::{Disk, Effect, FORMAT, Journal, Receipt, Record};
use async_trait::async_trait;
use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Virtual time: a sleeper wakes when nothing else has run for a while and its deadline is the nearest.
#[derive(Default)]
pub(crate) struct VirtualClock {
    state: Mutex<ClockState>,
}

#[derive(Default)]
struct ClockState {
    now: Duration,
    sleepers: BTreeMap<u64, Duration>,
    next: u64,
}

struct Sleeper<'a>(&'a VirtualClock, u64);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().sleepers.remove(&self.1);
    }
}

const START: i64 = 1_790_000_000;

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> jiff::Timestamp {
        let start = jiff::Timestamp::from_second(START).unwrap();
        start + jiff::SignedDuration::try_from(self.monotonic()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().unwrap().now
    }

    async fn sleep(&self, duration: Duration) {
        let (deadline, id) = {
            let mut state = self.state.lock().unwrap();
            let id = state.next;
            state.next += 1;
            let deadline = state.now + duration;
            state.sleepers.insert(id, deadline);
            (deadline, id)
        };
        let _sleeper = Sleeper(self, id);
        let mut seen = self.monotonic();
        let mut idle = 0;
        loop {
            tokio::task::yield_now().await;
            let mut state = self.state.lock().unwrap();
            if state.now >= deadline {
                return;
            }
            idle = if state.now == seen { idle + 1 } else { 0 };
            seen = state.now;
            let nearest = state.sleepers.values().min() == Some(&deadline);
            if idle > 100 && nearest {
                state.now = deadline;
                return;
            }
        }
    }
}

/// What the scripted API answers.
pub(crate) enum Reply {
    /// A JSON object.
    Json(u16, Json),
    /// The same with `Retry-After`.
    Later(u16, Json, u64),
    /// The connection breaks.
    Broken,
    /// Nothing ever comes.
    Silent,
}

/// One request that was made: method, path with query, body.
pub(crate) type Call = (Method, String, Json);

/// A cluster whose API is this function, its clock, and the log of requests.
pub(crate) fn scripted(
    answer: impl FnMut(&Method, &str, &Json) -> Reply + Send + 'static,
) -> (Cluster, Arc<VirtualClock>, Arc<Mutex<Vec<Call>>>) {
    let clock = Arc::new(VirtualClock::default());
    let log = Arc::new(Mutex::new(Vec::new()));
    let client = client(answer, Arc::clone(&log));
    (Cluster::over(vec![("api".into(), client)], Arc::clone(&clock) as _), clock, log)
}

/// A client whose API is this function.
pub(crate) fn client(
    answer: impl FnMut(&Method, &str, &Json) -> Reply + Send + 'static,
    log: Arc<Mutex<Vec<Call>>>,
) -> kube::Client {
    let answer = Arc::new(Mutex::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
        async move {
            let (head, body) = request.into_parts();
            let bytes = body.collect_bytes().await.unwrap();
            let body: Json = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
            let path = head.uri.path_and_query().unwrap().to_string();
            log.lock().unwrap().push((head.method.clone(), path.clone(), body.clone()));
            let reply = answer.lock().unwrap()(&head.method, &path, &body);
            let response = |code: u16, json: Json| {
                Response::builder().status(code).body(Body::from(json.to_string().into_bytes()))
            };
            match reply {
                Reply::Json(code, json) => Ok(response(code, json).unwrap()),
                Reply::Later(code, json, after) => {
                    let mut response = response(code, json).unwrap();
                    response.headers_mut().insert("retry-after", after.into());
                    Ok(response)
                }
                Reply::Broken => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                Reply::Silent => std::future::pending().await,
            }
        }
    });
    kube::Client::new(service, "default")
}

/// An error answer of the API.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Json {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
           "reason": reason, "message": message})
}

struct Nowhere;

impl Disk for Nowhere {
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A journal that is kept nowhere.
pub(crate) fn journal() -> Journal {
    let header = Record::Header {
        version: FORMAT,
        run: "r1".into(),
        started: String::new(),
        arguments: vec![],
        process: (1, String::new()),
    };
    Journal::on(Box::new(Nowhere), PathBuf::new(), &header).unwrap()
}

/// A receipt for an effect.
pub(crate) fn receipt(effect: Effect) -> Receipt {
    journal().intend(effect).unwrap()
}

/// A Ready node of 1.36.3 with nothing special about it.
pub(crate) fn node_info(name: &str) -> NodeInfo {
    let node = json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"), "resourceVersion": "1"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {
                "architecture": "amd64", "bootID": "b", "containerRuntimeVersion": "containerd://2.1.4",
                "kernelVersion": "6.12", "kubeProxyVersion": "", "kubeletVersion": "v1.36.3",
                "machineID": "", "operatingSystem": "linux", "osImage": "Debian", "systemUUID": "",
            },
        },
    });
    NodeInfo::from(&serde_json::from_value::<k8s_openapi::api::core::v1::Node>(node).unwrap())
}
