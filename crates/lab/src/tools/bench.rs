//! A site for tests: machines in temporary directories, the API a map of objects, programs run on this machine.

use super::serve;
use super::session::{Hears, Says, Session};
use super::wire::Call;
use crate::fault::{Fault, Faults};
use crate::node::{
    Answer, Api, Cluster, Database, Ended, Identity, Machine, NoAnswer, Processes, Program,
    Provision, Releases, Request, Role, Running, Site, boot, follow, parse_version, provision,
};
use crate::pace::Pace;
use async_trait::async_trait;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

/// What a call left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) out: String,
    pub(super) err: String,
    pub(super) code: u8,
    pub(super) said: Vec<Says>,
}

pub(super) struct Bench {
    pub(super) site: Arc<Site>,
    pub(super) outside: Arc<Fake>,
    _roots: Vec<tempfile::TempDir>,
}

/// Objects by path, and what was asked of the power.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) objects: Mutex<BTreeMap<String, Value>>,
    pub(super) power: Mutex<Vec<(String, Duration, bool)>>,
    pub(super) asked: Mutex<Vec<String>>,
    site: Mutex<Weak<Site>>,
}

/// What a server says of itself.
fn discovery(path: &str, version: Option<String>) -> Option<Value> {
    let resource = |name: &str, singular: &str, kind: &str, namespaced: bool, short: &str| serde_json::json!({"name": name, "singularName": singular, "kind": kind, "namespaced": namespaced, "shortNames": [short]});
    Some(match path {
        "/version" => serde_json::json!({"gitVersion": format!("v{}", version?)}),
        "/api/v1" => serde_json::json!({"resources": [
            resource("nodes", "node", "Node", false, "no"),
            resource("pods", "pod", "Pod", true, "po"),
            resource("configmaps", "configmap", "ConfigMap", true, "cm"),
        ]}),
        "/apis" => {
            serde_json::json!({"groups": [{"name": "apps", "preferredVersion": {"groupVersion": "apps/v1"}}]})
        }
        "/apis/apps/v1" => serde_json::json!({"resources": [
            resource("deployments", "deployment", "Deployment", true, "deploy"),
            resource("daemonsets", "daemonset", "DaemonSet", true, "ds"),
        ]}),
        _ => return None,
    })
}

#[async_trait]
impl Api for Fake {
    async fn ask(
        &self,
        server: SocketAddr,
        identity: &Identity,
        request: Request,
    ) -> Result<Answer, NoAnswer> {
        self.asked.lock().unwrap().push(format!("{} {}", request.method, request.path));
        if identity.certificate.is_none() && identity.token.is_none() {
            return Ok(status(401, "Unauthorized"));
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let site = self.site.lock().unwrap().upgrade().unwrap();
        let machine = site.machines.iter().find(|machine| machine.address == server.ip()).unwrap();
        let version = machine.apiserver.borrow().clone().map(|version| version.to_string());
        if let Some(value) = discovery(path, version) {
            return Ok(Answer { code: 200, body: serde_json::to_vec(&value).unwrap() });
        }
        let mut objects = self.objects.lock().unwrap();
        let answer =
            |code, value: &Value| Answer { code, body: serde_json::to_vec(value).unwrap() };
        Ok(match (request.method, request.body) {
            ("GET", _) => match objects.get(path) {
                Some(object) => answer(200, object),
                None => listed(&objects, path, query),
            },
            ("PATCH", Some(patch)) => match objects.get_mut(path) {
                Some(object) => {
                    merge(object, &patch);
                    answer(200, object)
                }
                None => status(404, "not found"),
            },
            ("PUT" | "POST", Some(body)) if !path.ends_with("/eviction") => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                let path = if request.method == "POST" {
                    format!("{path}/{name}")
                } else {
                    path.to_owned()
                };
                objects.insert(path, body.clone());
                answer(201, &body)
            }
            ("POST", Some(_)) => match objects.remove(path.trim_end_matches("/eviction")) {
                Some(_) => status(201, ""),
                None => status(404, "not found"),
            },
            ("DELETE", _) => match objects.remove(path) {
                Some(object) => answer(200, &object),
                None => status(404, "not found"),
            },
            (method, _) => status(405, method),
        })
    }
}

/// Objects below a path, on one node if the query says so; 404 if it is no collection.
fn listed(objects: &BTreeMap<String, Value>, path: &str, query: &str) -> Answer {
    let prefix = format!("{path}/");
    let selected = |object: &&Value| {
        let node = query.strip_prefix("fieldSelector=spec.nodeName%3D");
        node.is_none_or(|node| object["spec"]["nodeName"] == node)
    };
    let items: Vec<Value> = objects
        .iter()
        .filter(|(key, _)| key.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/')))
        .map(|(_, object)| object)
        .filter(selected)
        .cloned()
        .collect();
    let is_list = path.ends_with('s') && path.rsplit('/').nth(1).is_some();
    if items.is_empty() && !is_list {
        let mut parts = path.rsplit('/');
        let (name, kind) = (parts.next().unwrap(), parts.next().unwrap());
        return status(404, &format!("{kind} \"{name}\" not found"));
    }
    let list = serde_json::json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items});
    Answer { code: 200, body: serde_json::to_vec(&list).unwrap() }
}

fn status(code: u16, message: &str) -> Answer {
    let reason = if code == 404 { "NotFound" } else { "" };
    let body = serde_json::json!({"kind": "Status", "apiVersion": "v1", "message": message, "reason": reason, "code": code});
    Answer { code, body: serde_json::to_vec(&body).unwrap() }
}

fn merge(object: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = serde_json::json!({});
    }
    let fields = object.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key).or_insert(Value::Null), value);
        }
    }
}

impl Database for Fake {
    fn revision(&self) -> u64 {
        1177
    }

    fn dump(&self) -> Vec<(String, Vec<u8>)> {
        let objects = self.objects.lock().unwrap();
        objects
            .iter()
            .map(|(key, value)| (format!("/registry{key}"), serde_json::to_vec(value).unwrap()))
            .collect()
    }

    fn restore(&self, keys: Vec<(String, Vec<u8>)>) -> Result<(), String> {
        let read = |(key, value): (String, Vec<u8>)| {
            let key = key.strip_prefix("/registry").ok_or("no key of ours")?.to_owned();
            Ok((key, serde_json::from_slice(&value).map_err(|e| e.to_string())?))
        };
        *self.objects.lock().unwrap() =
            keys.into_iter().map(read).collect::<Result<_, String>>()?;
        Ok(())
    }
}

struct Child(tokio::sync::Mutex<tokio::process::Child>, u32);

#[async_trait]
impl Running for Child {
    fn input(&mut self) -> Option<Box<dyn AsyncWrite + Send + Unpin>> {
        Some(Box::new(self.0.get_mut().stdin.take()?))
    }
    fn output(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>> {
        Some(Box::new(self.0.get_mut().stdout.take()?))
    }
    fn errors(&mut self) -> Option<Box<dyn AsyncRead + Send + Unpin>> {
        Some(Box::new(self.0.get_mut().stderr.take()?))
    }
    fn pid(&self) -> u32 {
        self.1
    }
    async fn wait(&self) -> Ended {
        let status = self.0.lock().await.wait().await.unwrap();
        Ended::Code(status.code().map_or(137, |code| u8::try_from(code).unwrap_or(255)))
    }
    async fn signal(&self, _: i32) {
        self.0.lock().await.start_kill().unwrap();
    }
}

#[async_trait]
impl Processes for Fake {
    async fn start(&self, _: &str, program: Program) -> Result<Box<dyn Running>, String> {
        use std::process::Stdio;
        let child = tokio::process::Command::new(&program.argv[0])
            .args(&program.argv[1..])
            .env_clear()
            .envs(program.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let pid = child.id().unwrap();
        Ok(Box::new(Child(tokio::sync::Mutex::new(child), pid)))
    }

    async fn ticket(&self, _: &str, program: Program) -> Result<String, String> {
        Ok(format!("{} as {}", program.argv.join(" "), program.user.0))
    }

    fn power(&self, node: &str, delay: Duration, again: bool) {
        self.power.lock().unwrap().push((node.to_owned(), delay, again));
    }
}

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: c, cluster: {server: \"https://SERVER:6443\"}}]\n\
                          contexts: [{name: a, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: t}}]\n";

impl Bench {
    /// `cp1…` and `w1…` at one version, booted, followed by their kubelets.
    #[expect(clippy::too_many_lines, reason = "a site in the order in which it is put together")]
    pub(super) async fn of(control_planes: u8, workers: u8, version: &str) -> Self {
        let faults = Arc::new(Faults::default());
        let outside = Arc::new(Fake::default());
        let (mut machines, mut roots) = (Vec::new(), Vec::new());
        let names = (1..=control_planes).map(|n| (format!("cp{n}"), Role::ControlPlane, n));
        for (name, role, n) in
            names.chain((1..=workers).map(|n| (format!("w{n}"), Role::Worker, n + 10)))
        {
            let root = tempfile::tempdir().unwrap();
            let address = Ipv4Addr::new(127, 90, 0, n);
            machines.push(
                Machine::new(&name, role, address, root.path(), Arc::clone(&faults)).unwrap(),
            );
            roots.push(root);
        }
        let pace = Pace::faster(1000);
        let site =
            Site::new(machines, pace, faults, outside.clone(), outside.clone(), outside.clone());
        *outside.site.lock().unwrap() = Arc::downgrade(&site);
        let releases = Releases::default();
        let release = releases.get(&parse_version(version).unwrap()).unwrap();
        let cluster = Cluster::new("127.90.0.1:6443");
        let members: Vec<(String, Ipv4Addr)> = site
            .machines
            .iter()
            .filter(|machine| machine.role == Role::ControlPlane)
            .map(|machine| (machine.name.clone(), machine.address))
            .collect();
        for machine in &site.machines {
            let config =
                KUBECONFIG.replace("SERVER", &site.machines[0].address.to_string()).into_bytes();
            let mut files =
                vec![("/etc/kubernetes/kubelet.conf".to_owned(), config.clone(), 0o600)];
            if machine.role == Role::ControlPlane {
                let own = KUBECONFIG.replace("SERVER", &machine.address.to_string()).into_bytes();
                files.push(("/etc/kubernetes/admin.conf".to_owned(), own, 0o600));
                for name in ["ca.crt", "healthcheck-client.crt", "healthcheck-client.key"] {
                    files.push((
                        format!("/etc/kubernetes/pki/etcd/{name}"),
                        b"pem\n".to_vec(),
                        0o600,
                    ));
                }
            }
            let with = Provision {
                release,
                releases: &releases,
                cluster: &cluster,
                members: &members,
                files: &files,
            };
            provision(machine, &with).unwrap();
            boot(machine);
            tokio::spawn(follow(Arc::clone(machine), Arc::clone(&site)));
        }
        let put = |path: &str, object: Value| {
            outside.objects.lock().unwrap().insert(path.to_owned(), object);
        };
        for object in cluster.objects(release) {
            let kind = match object["kind"].as_str().unwrap() {
                "ConfigMap" => "/api/v1/namespaces/kube-system/configmaps",
                "DaemonSet" => "/apis/apps/v1/namespaces/kube-system/daemonsets",
                "Deployment" => "/apis/apps/v1/namespaces/kube-system/deployments",
                _ => "/api/v1/namespaces/kube-system/services",
            };
            put(&format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap()), object);
        }
        for machine in &site.machines {
            let node = serde_json::json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": machine.name}, "spec": {},
                "status": {"nodeInfo": {"kubeletVersion": format!("v{version}")}, "conditions": [{"type": "Ready", "status": "True"}]}});
            put(&format!("/api/v1/nodes/{}", machine.name), node);
        }
        let bench = Self { site, outside, _roots: roots };
        bench
            .until(|bench| {
                bench.control_planes().all(|machine| machine.apiserver.borrow().is_some())
            })
            .await;
        bench
    }

    pub(super) fn control_planes(&self) -> impl Iterator<Item = &Arc<Machine>> {
        self.site.machines.iter().filter(|machine| machine.role == Role::ControlPlane)
    }

    pub(super) fn machine(&self, name: &str) -> &Arc<Machine> {
        self.site.machine(name).unwrap()
    }

    pub(super) fn fault(&self, text: &str) {
        self.site.faults.add(text.parse::<Fault>().unwrap());
    }

    /// Waits for something that the model does by itself.
    pub(super) async fn until(&self, is: impl Fn(&Self) -> bool) {
        let deadline = Duration::from_secs(20);
        let wait = async {
            while !is(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(deadline, wait).await.expect("it never comes to that");
    }

    /// Calls a tool as root; words are split as a shell does it with single quotes only.
    pub(super) async fn run(&self, node: &str, line: &str) -> Left {
        self.run_as(node, line, (0, 0), b"").await
    }

    pub(super) async fn run_as(
        &self,
        node: &str,
        line: &str,
        user: (u32, u32),
        input: &[u8],
    ) -> Left {
        let mut argv = Vec::new();
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 1 {
                argv.push(part.to_owned());
            } else {
                argv.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        let call = Call { argv, directory: "/root".to_owned(), user, pid: 4711, ..Call::default() };
        let (says, mut said) = mpsc::channel(64);
        let (heard, hears) = mpsc::channel(64);
        for part in input.split_inclusive(|byte| *byte == b'\n') {
            heard.send(Hears::Input(part.to_vec())).await.unwrap();
        }
        heard.send(Hears::InputEnd).await.unwrap();
        let session =
            Session::new(Arc::clone(self.machine(node)), Arc::clone(&self.site), call, says, hears);
        let playing = tokio::spawn(async move { serve::run(&session).await });
        let mut left = Left::default();
        while let Some(says) = said.recv().await {
            match says {
                Says::Out(bytes) => left.out.push_str(&String::from_utf8(bytes).unwrap()),
                Says::Err(bytes) => left.err.push_str(&String::from_utf8(bytes).unwrap()),
                other => left.said.push(other),
            }
        }
        left.code = playing.await.unwrap();
        left
    }

    /// A table of calls: line, standard output, standard error, exit code.
    pub(super) async fn check(&self, node: &str, rows: &[(&str, &str, &str, u8)]) {
        for (line, out, err, code) in rows {
            let left = self.run(node, line).await;
            assert_eq!((&*left.out, &*left.err, left.code), (*out, *err, *code), "{line}");
        }
    }
}
