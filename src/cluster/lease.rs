//! One run at a time on a cluster: the Lease `mainstay` in kube-system.
//!
//! The holder renews it every 10 s. Nobody takes over a lease that is being renewed: who wants it by force watches it
//! first, without comparing clocks. An API that is away for a while (a single master restarting) loses nothing: nobody
//! else can take the lease meanwhile, and the version of the object tells afterwards.

use super::api::{Api, Content, parse};
use super::{Cancel, Cluster, ClusterError};
use crate::journal::{Effect, Receipt};
use http::Method;
use k8s_openapi::api::coordination::v1::Lease;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const NAME: &str = "mainstay";
const RENEW: Duration = Duration::from_secs(10);
/// After a renewal that failed.
const RETRY: Duration = Duration::from_secs(3);
/// A lease that was not renewed for this long is silent.
const SILENT: Duration = Duration::from_secs(30);

const RUN: &str = "mainstay.dev/run";
const STARTED: &str = "mainstay.dev/started";

/// Who wants the lease.
#[derive(Debug, Clone)]
pub struct LeaseHolder {
    /// Run id.
    pub run: String,
    /// `user@controller`
    pub who: String,
    /// RFC 3339: when the run started.
    pub started: String,
}

impl std::fmt::Display for LeaseInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.holder, super::error::times(&self.since, &self.renewed))
    }
}

impl LeaseHolder {
    fn identity(&self) -> String {
        format!("{} {}", self.run, self.who)
    }
}

/// Which leases of others may be taken over.
#[derive(Debug, Clone, Default)]
pub enum TakeOver {
    /// None.
    #[default]
    Never,
    /// Those of these runs: started here, known to be dead.
    DeadRuns(Vec<String>),
    /// Any that is not renewed while we watch.
    Silent,
}

/// What is known about a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseInfo {
    /// Run id, if it is a lease of ours.
    pub run: String,
    /// Run and `user@controller`.
    pub holder: String,
    /// RFC 3339: when the run started; of a lease that is not ours, when it was taken. Empty if it does not say.
    pub since: String,
    /// RFC 3339: last renewal.
    pub renewed: String,
}

/// A lease that is held and renewed until it is released or dropped.
pub struct HeldLease {
    api: Arc<Api>,
    holder: LeaseHolder,
    current: Arc<Mutex<Lease>>,
    lost: Cancel,
    task: tokio::task::JoinHandle<()>,
}

impl HeldLease {
    /// Told when somebody else has the lease: no new disruptive step may start.
    #[must_use]
    pub fn lost(&self) -> &Cancel {
        &self.lost
    }

    /// Gives the lease back ([`Effect::ReleaseLease`]). A lease that was lost is left alone.
    ///
    /// # Errors
    /// The API refuses, or does not answer: the lease falls silent then.
    pub async fn release(self, receipt: &Receipt) -> Result<(), ClusterError> {
        let Effect::ReleaseLease { .. } = receipt.effect() else {
            return Err(ClusterError::Receipt("release of the lease".into()));
        };
        self.task.abort();
        for _ in 0..5 {
            if self.lost.is_cancelled() {
                return Ok(());
            }
            let Some(lease) = read(&self.api).await? else { return Ok(()) };
            if !is_ours(&lease, &self.holder) {
                return Ok(());
            }
            let content = Content::Object(json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": {
                    "uid": lease.metadata.uid,
                    "resourceVersion": lease.metadata.resource_version,
                },
            }));
            let path = format!("{LEASES}/{NAME}");
            match self.api.write(&Method::DELETE, &path, Some(&content)).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) if error.is_transient() => self.api.clock.sleep(RETRY).await,
                Err(error) => return Err(error),
            }
        }
        Err(ClusterError::Changed("the lease keeps changing".into()))
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for HeldLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldLease").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Cluster {
    /// The lease, if there is one.
    ///
    /// # Errors
    /// The API cannot be read.
    pub async fn lease(&self) -> Result<Option<LeaseInfo>, ClusterError> {
        Ok(read(&self.api).await?.filter(|l| !holder_of(l).is_empty()).map(|l| info(&l)))
    }

    /// Takes the cluster's lease ([`Effect::Lease`]) and renews it from now on. A lease of the same run (a resume) is
    /// taken on.
    ///
    /// # Errors
    /// [`ClusterError::Held`] by another run, or the API refuses.
    pub async fn acquire_lease(
        &self,
        receipt: &Receipt,
        holder: LeaseHolder,
        take_over: &TakeOver,
    ) -> Result<HeldLease, ClusterError> {
        let Effect::Lease { .. } = receipt.effect() else {
            return Err(ClusterError::Receipt("lease".into()));
        };
        let lease = take(&self.api, &holder, take_over).await?;
        let current = Arc::new(Mutex::new(lease));
        let lost = Cancel::new();
        let task = tokio::spawn(renew(
            Arc::clone(&self.api),
            holder.clone(),
            Arc::clone(&current),
            lost.clone(),
        ));
        Ok(HeldLease { api: Arc::clone(&self.api), holder, current, lost, task })
    }
}

impl HeldLease {
    /// When it was last renewed, by the API's record.
    pub async fn renewed(&self) -> Option<jiff::Timestamp> {
        let lease = self.current.lock().await;
        lease.spec.as_ref()?.renew_time.as_ref().map(|t| t.0)
    }
}

async fn read(api: &Api) -> Result<Option<Lease>, ClusterError> {
    api.find(&format!("{LEASES}/{NAME}")).await
}

async fn take(
    api: &Api,
    holder: &LeaseHolder,
    take_over: &TakeOver,
) -> Result<Lease, ClusterError> {
    let mut last = None;
    for _ in 0..5 {
        let found = read(api).await?;
        if let Some(lease) = &found {
            may_take(api, lease, holder, take_over).await?;
        }
        let body = wanted(api, holder, found.as_ref());
        let (method, path) = match found {
            None => (Method::POST, LEASES.to_owned()),
            Some(_) => (Method::PUT, format!("{LEASES}/{NAME}")),
        };
        match api.write(&method, &path, Some(&Content::Object(body))).await {
            Ok(body) => return parse("take the lease", &body),
            // Somebody was faster, or it was ours and the answer was lost: the next look tells.
            Err(error) if error.is_conflict() => last = Some(error),
            Err(error) if error.is_transient() => {
                last = Some(error);
                api.clock.sleep(RETRY).await;
            }
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| ClusterError::Changed("the lease keeps changing".into())))
}

async fn may_take(
    api: &Api,
    lease: &Lease,
    holder: &LeaseHolder,
    take_over: &TakeOver,
) -> Result<(), ClusterError> {
    if holder_of(lease).is_empty() || is_ours(lease, holder) {
        return Ok(());
    }
    let found = info(lease);
    let held = |found: LeaseInfo| {
        Err(ClusterError::Held { holder: found.holder, since: found.since, renewed: found.renewed })
    };
    match take_over {
        TakeOver::DeadRuns(runs) if runs.contains(&found.run) => Ok(()),
        TakeOver::Never | TakeOver::DeadRuns(_) => held(found),
        TakeOver::Silent => {
            // Not by comparing clocks: it is watched for as long as a live holder can be silent.
            api.clock.sleep(SILENT + RENEW).await;
            match read(api).await? {
                Some(now) if now.metadata.resource_version != lease.metadata.resource_version => {
                    held(info(&now))
                }
                _ => Ok(()),
            }
        }
    }
}

async fn renew(api: Arc<Api>, holder: LeaseHolder, current: Arc<Mutex<Lease>>, lost: Cancel) {
    let mut pause = RENEW;
    loop {
        api.clock.sleep(pause).await;
        let lease = current.lock().await.clone();
        let body = wanted(&api, &holder, Some(&lease));
        let path = format!("{LEASES}/{NAME}");
        let written = api.write(&Method::PUT, &path, Some(&Content::Object(body))).await;
        let renewed = match written {
            Ok(body) => parse("renew the lease", &body),
            Err(error) if error.is_conflict() || error.is_not_found() => match read(&api).await {
                // Our own renewal whose answer was lost, or an annotation by somebody.
                Ok(Some(now)) if is_ours(&now, &holder) => Ok(now),
                Ok(_) => return lost.cancel(),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match renewed {
            Ok(now) => {
                *current.lock().await = now;
                pause = RENEW;
            }
            Err(error) => {
                tracing::warn!(%error, "the cluster's lease was not renewed");
                pause = RETRY;
            }
        }
    }
}

/// The object as it is written: ours, renewed now, under the version that was read.
fn wanted(api: &Api, holder: &LeaseHolder, found: Option<&Lease>) -> Json {
    let now = micro(api.clock.now());
    let ours = found.filter(|l| is_ours(l, holder));
    let spec = found.and_then(|l| l.spec.as_ref());
    let acquired = ours
        .and(spec)
        .and_then(|s| s.acquire_time.as_ref())
        .map_or_else(|| now.clone(), |t| micro(t.0));
    let transitions = spec.and_then(|s| s.lease_transitions).unwrap_or(0);
    let transitions = transitions + i32::from(found.is_some() && ours.is_none());
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": NAME,
            "namespace": "kube-system",
            "uid": found.and_then(|l| l.metadata.uid.clone()),
            "resourceVersion": found.and_then(|l| l.metadata.resource_version.clone()),
            "annotations": {RUN: holder.run, STARTED: holder.started},
        },
        "spec": {
            "holderIdentity": holder.identity(),
            "leaseDurationSeconds": SILENT.as_secs(),
            "acquireTime": acquired,
            "renewTime": now,
            "leaseTransitions": transitions,
        },
    })
}

/// The API wants exactly six digits.
fn micro(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn holder_of(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|s| s.holder_identity.as_deref()).unwrap_or_default()
}

fn annotation(lease: &Lease, name: &str) -> String {
    lease.metadata.annotations.as_ref().and_then(|a| a.get(name)).cloned().unwrap_or_default()
}

fn is_ours(lease: &Lease, holder: &LeaseHolder) -> bool {
    annotation(lease, RUN) == holder.run && holder_of(lease) == holder.identity()
}

fn info(lease: &Lease) -> LeaseInfo {
    let spec = lease.spec.clone().unwrap_or_default();
    let started = Some(annotation(lease, STARTED)).filter(|text| !text.is_empty());
    let taken = || spec.acquire_time.as_ref().map(|time| time.0.to_string());
    LeaseInfo {
        run: annotation(lease, RUN),
        holder: holder_of(lease).to_owned(),
        since: started.or_else(taken).unwrap_or_default(),
        renewed: spec.renew_time.map(|t| t.0.to_string()).unwrap_or_default(),
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
