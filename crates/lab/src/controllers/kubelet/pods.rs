//! The pods of one node, from bound to gone.

use super::super::event;
use super::KubeletView;
use super::containers::{Course, course, stopping};
use super::static_pods::is_mirror;
use crate::pace::Pace;
use crate::store::json::{name, namespace, now, set_condition, terminating, uid};
use crate::store::{DeleteOptions, Json, Part, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Before a container that has ended is started again.
const BACK_OFF: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Pods {
    node: String,
    pace: Pace,
    known: BTreeMap<String, Known>,
    images: BTreeSet<String>,
    /// Last part of the address of the newest pod.
    addresses: u8,
}

/// What a kubelet remembers of a pod.
#[derive(Debug)]
struct Known {
    course: Course,
    since: Instant,
    restarts: i64,
    address: String,
    ending: Option<Instant>,
    started: String,
}

impl Pods {
    pub(super) fn new(node: String, pace: Pace) -> Self {
        Self { node, pace, known: BTreeMap::new(), images: BTreeSet::new(), addresses: 1 }
    }

    /// All containers have ended with the machine and are started anew.
    pub(super) fn rebooted(&mut self) {
        for known in self.known.values_mut() {
            known.since = Instant::now();
            known.restarts += 1;
            known.started = String::new();
        }
    }

    /// Brings every pod as far as it is by now; returns when something is to be done next.
    pub(super) fn pass(&mut self, store: &Store, view: &KubeletView) -> Option<Instant> {
        let mine: Vec<Arc<Value>> = store
            .all("pods", "")
            .into_iter()
            .filter(|pod| pod.text("spec.nodeName") == self.node)
            .collect();
        self.known.retain(|known, _| mine.iter().any(|pod| uid(pod) == known));
        let range = store
            .get("nodes", "", &self.node)
            .map(|node| node.text("spec.podCIDR").to_owned())
            .unwrap_or_default();
        let host = view.addresses.first().map(String::as_str).unwrap_or_default();
        let mut next = None;
        for pod in &mine {
            if super::super::pods::ended(pod) && !terminating(pod) {
                continue;
            }
            self.meet(store, pod, &range, host);
            let due = if terminating(pod) && !is_mirror(pod) {
                self.end(store, pod)
            } else {
                self.advance(store, pod, host)
            };
            next = [next, due].into_iter().flatten().min();
        }
        next
    }

    fn meet(&mut self, store: &Store, pod: &Value, range: &str, host: &str) {
        if self.known.contains_key(uid(pod)) {
            return;
        }
        let images = &self.images;
        let course = course(pod, |image| images.contains(image) || is_mirror(pod));
        let address =
            if pod.flag("spec.hostNetwork") { host.to_owned() } else { self.next_address(range) };
        let all = pod.list("spec.containers").iter().chain(pod.list("spec.initContainers"));
        self.images.extend(all.map(|container| container.text("image").to_owned()));
        if course.pulled.is_none() {
            let message = format!(
                "Failed to pull image \"{}\": not found",
                pod.list("spec.containers").first().map_or("", |c| c.text("image"))
            );
            event::tell(store, "kubelet", pod, "Warning", "Failed", &message);
        }
        let known = Known {
            course,
            since: Instant::now(),
            restarts: 0,
            address,
            ending: None,
            started: String::new(),
        };
        self.known.insert(uid(pod).to_owned(), known);
    }

    fn next_address(&mut self, range: &str) -> String {
        self.addresses = self.addresses.checked_add(1).unwrap_or(2);
        let network = range.rsplit_once('.').map_or("10.244.255", |(network, _)| network);
        format!("{network}.{}", self.addresses)
    }

    fn advance(&mut self, store: &Store, pod: &Value, host: &str) -> Option<Instant> {
        let pace = self.pace;
        let known = self.known.get_mut(uid(pod))?;
        let elapsed = known.since.elapsed();
        let past = |at: Duration| elapsed >= pace.of(at);
        let runs = known.course.pulled.is_some() && past(known.course.running);
        if runs && known.started.is_empty() {
            known.started = now();
            event::tell(store, "kubelet", pod, "Normal", "Started", "Started container");
        }
        let never = pod.text("spec.restartPolicy") == "Never";
        let again = |code: i64| !never && (code != 0 || pod.text("spec.restartPolicy") == "Always");
        let ended = known.course.ends.filter(|_| runs);
        if let Some(code) = ended.filter(|code| again(*code)) {
            if past(known.course.running + BACK_OFF) {
                known.since = Instant::now();
                known.restarts += 1;
            } else {
                report(store, pod, known, host, State::BackOff(code));
                return Some(known.since + pace.of(known.course.running + BACK_OFF));
            }
        }
        let ready = runs && known.course.ready.is_some_and(past);
        let state = match (runs, ended) {
            (true, Some(code)) => State::Ended(code),
            (true, None) => State::Running { ready },
            (false, _) if known.course.pulled.is_none() && past(Duration::from_secs(1)) => {
                State::NoImage
            }
            (false, _)
                if past(known.course.initialised) || pod.list("spec.initContainers").is_empty() =>
            {
                State::Creating
            }
            (false, _) => State::Initialising,
        };
        report(store, pod, known, host, state);
        let times = [
            Some(known.course.initialised),
            Some(known.course.running),
            known.course.ready,
            Some(Duration::from_secs(1)),
        ];
        times
            .into_iter()
            .flatten()
            .map(|at| known.since + pace.of(at))
            .filter(|at| *at > Instant::now())
            .min()
    }

    /// SIGTERM, the grace, and then the pod is gone.
    fn end(&mut self, store: &Store, pod: &Value) -> Option<Instant> {
        let pace = self.pace;
        let known = self.known.get_mut(uid(pod))?;
        if known.ending.is_none() {
            event::tell(store, "kubelet", pod, "Normal", "Killing", "Stopping container");
        }
        let begun = *known.ending.get_or_insert_with(Instant::now);
        let at = begun + pace.of(stopping(pod));
        if Instant::now() < at {
            return Some(at);
        }
        if !pod.list("metadata.finalizers").is_empty() && !super::super::pods::ended(pod) {
            report(store, pod, known, "", State::Ended(0));
        }
        let options = DeleteOptions { uid: Some(uid(pod).to_owned()), ..DeleteOptions::now() };
        drop(store.delete("pods", namespace(pod), name(pod), &options)); // gone is gone
        None
    }
}

/// How far the containers of a pod are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Initialising,
    Creating,
    NoImage,
    Running { ready: bool },
    BackOff(i64),
    Ended(i64),
}

fn report(store: &Store, pod: &Value, known: &Known, host: &str, state: State) {
    // It may be gone by now.
    drop(store.edit("pods", namespace(pod), name(pod), Part::Status, |pod| {
        let (phase, initialised, ready) = match state {
            State::Initialising => ("Pending", false, false),
            State::Creating | State::NoImage => ("Pending", true, false),
            State::Running { ready } => ("Running", true, ready),
            State::BackOff(_) => ("Running", true, false),
            State::Ended(0) => ("Succeeded", true, false),
            State::Ended(_) => ("Failed", true, false),
        };
        pod.put("status.phase", phase);
        if !host.is_empty() {
            pod.put("status.hostIP", host);
            pod.put("status.hostIPs", json!([{"ip": host}]));
        }
        pod.default("status.startTime", now());
        if !matches!(state, State::Initialising | State::Creating | State::NoImage) {
            pod.put("status.podIP", known.address.clone());
            pod.put("status.podIPs", json!([{"ip": known.address}]));
        }
        let statuses: Vec<Value> =
            pod.list("spec.containers").iter().map(|c| container_status(c, known, state)).collect();
        pod.put("status.containerStatuses", statuses);
        let names: Vec<&str> =
            pod.list("spec.containers").iter().map(|container| container.text("name")).collect();
        let unready = format!("containers with unready status: [{}]", names.join(" "));
        let word = |yes: bool| if yes { "True" } else { "False" };
        set_condition(pod, "PodReadyToStartContainers", "True", "", "");
        set_condition(
            pod,
            "Initialized",
            word(initialised),
            if initialised { "" } else { "ContainersNotInitialized" },
            "",
        );
        for kind in ["Ready", "ContainersReady"] {
            match (ready, state) {
                (true, _) => set_condition(pod, kind, "True", "", ""),
                (false, State::Ended(0)) => set_condition(pod, kind, "False", "PodCompleted", ""),
                (false, _) => set_condition(pod, kind, "False", "ContainersNotReady", &unready),
            };
        }
        set_condition(pod, "PodScheduled", "True", "", "");
    }));
}

fn container_status(container: &Value, known: &Known, state: State) -> Value {
    let ended = |code: i64| {
        let reason = if code == 0 { "Completed" } else { "Error" };
        json!({"exitCode": code, "reason": reason, "startedAt": known.started, "finishedAt": known.started})
    };
    let at = match state {
        State::Initialising => json!({"waiting": {"reason": "PodInitializing"}}),
        State::Creating => json!({"waiting": {"reason": "ContainerCreating"}}),
        State::NoImage => json!({"waiting": {"reason": "ImagePullBackOff",
            "message": format!("Back-off pulling image \"{}\"", container.text("image"))}}),
        State::Running { .. } => json!({"running": {"startedAt": known.started}}),
        State::BackOff(_) => {
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}})
        }
        State::Ended(code) => json!({"terminated": ended(code)}),
    };
    let last = match state {
        State::BackOff(code) => json!({"terminated": ended(code)}),
        _ => json!({}),
    };
    let ready = state == State::Running { ready: true };
    let started = matches!(state, State::Running { .. });
    json!({"name": container.text("name"), "image": container.text("image"), "imageID": "", "ready": ready, "started": started,
        "restartCount": known.restarts, "state": at, "lastState": last})
}
