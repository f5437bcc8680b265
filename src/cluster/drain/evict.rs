//! One pod's story: asked to go, until it is accepted; then watched until it has gone.

use super::budgets::{Refusal, explain, is_budget};
use super::filter::finished;
use super::{Drain, DrainEvent, full_name};
use crate::cluster::ClusterError;
use crate::cluster::api::Content;
use http::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::core::Status;
use serde_json::{Value as Json, json};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Between two tries of an eviction.
const AGAIN: Duration = Duration::from_secs(5);
/// Longest that a server may tell us to wait.
const LONGEST: Duration = Duration::from_secs(60);
/// Every so many tries the pod is read again and its budgets' figures are refreshed.
const CLOSE_LOOK: u32 = 6;
/// Between two looks at a pod that is going.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Story<'a> {
    pod: &'a Pod,
    /// Only waited for.
    complete: bool,
    /// What it waits for; `None` once it has gone.
    state: Mutex<Option<String>>,
}

/// What an answer to an eviction means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The pod is not there.
    Gone,
    /// Its namespace is being deleted, and the pod with it: wait.
    Going,
    /// Ask again later.
    Later(Option<Duration>),
    /// A budget says not now.
    Budget(Option<Duration>),
    /// Asking again cannot help.
    Never,
}

impl<'a> Story<'a> {
    pub(super) fn new(pod: &'a Pod, complete: bool) -> Self {
        let state = if complete { "waiting for it to complete" } else { "not asked yet" };
        Self { pod, complete, state: Mutex::new(Some(state.to_owned())) }
    }

    /// `(namespace/name, what it waits for)`, unless it has gone.
    pub(super) fn remaining(&self) -> Option<(String, String)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        state.map(|why| (full_name(self.pod), why))
    }

    fn set(&self, why: impl Into<Option<String>>) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = why.into();
    }

    /// Ends when the pod has gone, or can never go. The caller bounds it.
    pub(super) async fn run(&self, drain: &Drain<'_>) -> Result<(), (String, String)> {
        let name = full_name(self.pod);
        // One that is being deleted already is only waited for: asking its budget again could block for ever.
        if !self.complete && self.pod.metadata.deletion_timestamp.is_none() {
            let gone = self.ask_to_go(drain).await.map_err(|why| (name.clone(), why))?;
            if gone {
                self.set(None);
                drain.listener.tell(DrainEvent::Gone { pod: name });
                return Ok(());
            }
        }
        self.wait_until_gone(drain).await.map_err(|why| (name.clone(), why))?;
        self.set(None);
        drain.listener.tell(DrainEvent::Gone { pod: name });
        Ok(())
    }

    /// `true`: it is not there any more. `false`: it was accepted, or is going anyway.
    async fn ask_to_go(&self, drain: &Drain<'_>) -> Result<bool, String> {
        let pod = full_name(self.pod);
        let mut told: Option<Refusal> = None;
        for attempt in 0_u32.. {
            let error = match self.request(drain).await {
                Ok(()) => {
                    drain.listener.tell(DrainEvent::Evicted { pod });
                    return Ok(false);
                }
                Err(error) => error,
            };
            // Many blocked pods must not flood the API with questions about their budgets.
            let close = attempt.is_multiple_of(CLOSE_LOOK);
            let (after, refusal) = match classify(&error) {
                Answer::Gone => return Ok(true),
                Answer::Going => return Ok(false),
                Answer::Never => return Err(error.to_string()),
                Answer::Later(after) => (after, Refusal { budget: None, why: error.to_string() }),
                Answer::Budget(after) => {
                    match told.clone().filter(|t| !close && t.budget.is_some()) {
                        Some(refusal) => (after, refusal),
                        None => (after, explain(drain.api, self.pod, status(&error)).await),
                    }
                }
            };
            self.blocked(drain, &mut told, refusal);
            drain.api.clock.sleep(after.unwrap_or(AGAIN).clamp(LOOK, LONGEST)).await;
            // Somebody else drains as well, or the pod ended meanwhile: old API servers ask its budget even then.
            if close
                && let Ok(state) = self.look(drain).await
                && state != Look::Running
            {
                return Ok(state == Look::Gone);
            }
        }
        Err("asked too often".to_owned())
    }

    /// Tells why the pod is still there, whenever that changes.
    fn blocked(&self, drain: &Drain<'_>, told: &mut Option<Refusal>, refusal: Refusal) {
        self.set(refusal.why.clone());
        if told.as_ref() == Some(&refusal) {
            return;
        }
        drain.listener.tell(DrainEvent::Blocked {
            pod: full_name(self.pod),
            budget: refusal.budget.clone(),
            why: refusal.why.clone(),
        });
        *told = Some(refusal);
    }

    async fn request(&self, drain: &Drain<'_>) -> Result<(), ClusterError> {
        let meta = &self.pod.metadata;
        let name = meta.name.as_deref().unwrap_or_default();
        let path = self.path();
        let mut options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": meta.uid},
        });
        if let (Some(grace), Json::Object(options)) = (drain.options.grace, &mut options) {
            options.insert("gracePeriodSeconds".into(), grace.into());
        }
        let _slot = drain.slots.acquire().await;
        if drain.options.disable_eviction {
            let content = Content::Object(options);
            return drain.api.write(&Method::DELETE, &path, Some(&content)).await.map(drop);
        }
        let content = Content::Object(json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": meta.namespace},
            "deleteOptions": options,
        }));
        let path = format!("{path}/eviction");
        drain.api.write(&Method::POST, &path, Some(&content)).await.map(drop)
    }

    async fn wait_until_gone(&self, drain: &Drain<'_>) -> Result<(), String> {
        if !self.complete {
            self.set("going".to_owned());
        }
        let mut pause = LOOK;
        loop {
            match self.look(drain).await {
                Ok(Look::Gone) => return Ok(()),
                Ok(Look::Finished) if self.complete => return Ok(()),
                Ok(_) => {}
                // A restarting API server; the drain's own deadline bounds it.
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error.to_string()),
            }
            drain.api.clock.sleep(drain.options.poll.unwrap_or(pause)).await;
            pause = (pause + LOOK / 2).min(AGAIN);
        }
    }

    async fn look(&self, drain: &Drain<'_>) -> Result<Look, ClusterError> {
        let _slot = drain.slots.acquire().await;
        let Some(now) = drain.api.look::<Pod>(&self.path()).await? else {
            return Ok(Look::Gone);
        };
        if now.metadata.uid != self.pod.metadata.uid {
            return Ok(Look::Gone);
        }
        if now.metadata.deletion_timestamp.is_some() {
            self.set(going(&now));
            return Ok(Look::Going);
        }
        Ok(if finished(&now) { Look::Finished } else { Look::Running })
    }

    fn path(&self) -> String {
        let meta = &self.pod.metadata;
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("/api/v1/namespaces/{}/pods/{}", part(&meta.namespace), part(&meta.name))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Look {
    Running,
    Finished,
    Going,
    Gone,
}

fn going(pod: &Pod) -> String {
    let finalizers = pod.metadata.finalizers.clone().unwrap_or_default();
    if finalizers.is_empty() {
        "being deleted".to_owned()
    } else {
        format!("being deleted, finalizers: {}", finalizers.join(", "))
    }
}

fn status(error: &ClusterError) -> &Status {
    static NONE: std::sync::LazyLock<Status> = std::sync::LazyLock::new(Status::default);
    match error {
        ClusterError::Api { status, .. } => status,
        _ => &NONE,
    }
}

/// What the API means by an error answer to an eviction or deletion.
pub(super) fn classify(error: &ClusterError) -> Answer {
    let ClusterError::Api { status, retry_after, .. } = error else {
        let passing = matches!(error, ClusterError::Unreachable(_));
        return if passing { Answer::Later(None) } else { Answer::Never };
    };
    let says = |text: &str| status.message.contains(text);
    let seconds = status.details.as_ref().map_or(0, |d| d.retry_after_seconds);
    let after = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds))).or(*retry_after);
    let cause = |reason: &str| {
        status.details.as_ref().is_some_and(|d| d.causes.iter().any(|c| c.reason == reason))
    };
    match status.code {
        404 => Answer::Gone,
        429 if is_budget(status) => Answer::Budget(after),
        429 => Answer::Later(after),
        // Another pod of that name: ours has gone.
        409 if says("UID in precondition") || says("UID in the precondition") => Answer::Gone,
        409 => Answer::Later(after),
        403 if cause("NamespaceTerminating") => Answer::Going,
        500 if says("more than one PodDisruptionBudget") => Answer::Never,
        500 | 502..=504 => Answer::Later(after),
        // A webhook that denies now may allow later (Strimzi's drain cleaner, storage operators).
        _ if says("admission webhook") && says("denied the request") => Answer::Later(after),
        _ => Answer::Never,
    }
}
