//! `kubernetes.core.k8s_drain`: cordon, drain or uncordon a node through the API.
//!
//! Which cluster: what the task says (`kubeconfig`, `context`, `host`…, or `K8S_AUTH_…` in its environment), else the
//! run's own, else the kubeconfig of the host that the task runs on. A kubeconfig is looked for on that host, and its
//! server is dialled from there.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::cluster::{
    Cancel, Cluster, ClusterAccess, Direct, DrainEvent, DrainOptions, Master, NodeInfo,
};
use crate::journal::{Effect, Ended, Receipt};
use crate::transport::{Secret, quote};
use async_trait::async_trait;
use mainstay_language::value::{Map, Value, string};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct K8sDrain;

static SPEC: Spec = Spec {
    names: &["k8s_drain"],
    collections: &["kubernetes.core"],
    params: &[
        Param::new("name", Kind::Text).required(),
        Param::new("state", Kind::Text).default("drain").choices(&["cordon", "drain", "uncordon"]),
        Param::new("delete_options", Kind::Dict),
        Param::new("pod_selectors", Kind::TextList).aliases(&["label_selectors"]),
        Param::new("kubeconfig", Kind::Raw),
        Param::new("context", Kind::Text),
        Param::new("host", Kind::Text),
        Param::new("api_key", Kind::Text).secret(),
        Param::new("ca_cert", Kind::Path).aliases(&["ssl_ca_cert"]),
        Param::new("client_cert", Kind::Path).aliases(&["cert_file"]),
        Param::new("client_key", Kind::Path).aliases(&["key_file"]),
        Param::new("validate_certs", Kind::Bool).aliases(&["verify_ssl"]),
    ],
    ..BUILTIN
};

/// `delete_options`, with Ansible's types and defaults.
static DELETE: Spec = Spec {
    names: &["k8s_drain: delete_options"],
    params: &[
        Param::new("terminate_grace_period", Kind::Int),
        Param::new("force", Kind::Bool).default("no"),
        Param::new("ignore_daemonsets", Kind::Bool).default("no"),
        Param::new("delete_emptydir_data", Kind::Bool).default("no"),
        Param::new("disable_eviction", Kind::Bool).default("no"),
        Param::new("wait_timeout", Kind::Int),
        Param::new("wait_sleep", Kind::Int).default("5"),
    ],
    ..BUILTIN
};

/// `wait_timeout: 0` is "for ever"; nothing here waits longer than a day.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

#[async_trait]
impl Module for K8sDrain {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let name = args.text("name").unwrap_or_default().to_owned();
        let options = drain_options(&args)?;
        let own = connect(&args, ctx).await?;
        let Some(cluster) = own.as_ref().or(ctx.cluster) else {
            return Err(Failure::msg("nothing says where the cluster is: set kubeconfig"));
        };
        let node = cluster
            .node(&name)
            .await
            .map_err(failed)?
            .ok_or_else(|| Failure::msg(format!("node {name} not found")))?;
        match args.text("state") {
            Some("cordon") => schedulable(ctx, cluster, &node, false).await,
            Some("uncordon") => schedulable(ctx, cluster, &node, true).await,
            _ => drain(ctx, cluster, &node, &options).await,
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::msg(error.to_string())
}

fn drain_options(args: &Args) -> Result<DrainOptions, Failure> {
    let given = args.get("delete_options").and_then(Value::as_map).cloned().unwrap_or_default();
    let given = Args::check(&DELETE, &given)?;
    let seconds = |name: &str| match given.int(name) {
        None => Ok(None),
        Some(n) => u64::try_from(n)
            .map(Some)
            .map_err(|_| Failure::msg(format!("delete_options: {name} must not be negative"))),
    };
    let grace = seconds("terminate_grace_period")?.map(u32::try_from).transpose();
    let defaults = DrainOptions::default();
    let selectors = args.texts("pod_selectors").join(",");
    Ok(DrainOptions {
        timeout: match seconds("wait_timeout")? {
            None => defaults.timeout,
            Some(0) => FOR_EVER,
            Some(n) => Duration::from_secs(n).min(FOR_EVER),
        },
        grace: grace
            .map_err(|_| Failure::msg("delete_options: terminate_grace_period is too long"))?,
        delete_emptydir_data: given.flag("delete_emptydir_data"),
        force: given.flag("force"),
        ignore_daemonsets: given.flag("ignore_daemonsets"),
        disable_eviction: given.flag("disable_eviction"),
        pod_selector: Some(selectors).filter(|s| !s.is_empty()),
        poll: seconds("wait_sleep")?.map(|n| Duration::from_secs(n.max(1))),
        // As kubectl and this module do; a maintenance bracket waits for volumes.
        volumes: false,
        ..defaults
    })
}

async fn schedulable(
    ctx: &Ctx<'_>,
    cluster: &Cluster,
    node: &NodeInfo,
    wanted: bool,
) -> Result<Outcome, Failure> {
    let word = if wanted { "schedulable" } else { "unschedulable" };
    let name = &node.name;
    if node.unschedulable != wanted {
        let text = format!("node {name} already marked {word}");
        return Ok(Outcome::ok().with("result", text));
    }
    let text = format!("node {name} marked {word}");
    if ctx.check {
        return Ok(Outcome::changed(true).with("result", text));
    }
    let identity = cluster.identity().await.map_err(failed)?;
    let (node_name, uid) = (node.name.clone(), node.uid.clone());
    let effect = if wanted {
        Effect::Uncordon { cluster: identity, node: node_name, uid }
    } else {
        let host = ctx.inventory_hostname.to_owned();
        Effect::Cordon { cluster: identity, node: node_name, uid, host }
    };
    let receipt = ctx.effects.intend(effect).map_err(failed)?;
    let result = cluster.set_schedulable(&receipt, wanted).await;
    let changed =
        end(ctx, receipt, result, |changed| if *changed { Ended::Done } else { Ended::NotNeeded })?;
    Ok(Outcome::changed(changed).with("result", text))
}

async fn drain(
    ctx: &Ctx<'_>,
    cluster: &Cluster,
    node: &NodeInfo,
    options: &DrainOptions,
) -> Result<Outcome, Failure> {
    let name = &node.name;
    // Nothing is cordoned for a drain that may not begin.
    let plan = cluster.plan_drain(name, options).await.map_err(failed)?;
    if let Some((pod, why)) = plan.errors.first() {
        let more = plan.errors.len() - 1;
        let and = if more > 0 { format!(", and {more} more") } else { String::new() };
        return Err(Failure::msg(format!("cannot drain node {name}: pod {pod}: {why}{and}")));
    }
    let cordoned = schedulable(ctx, cluster, node, false).await?;
    let count = plan.go.len();
    let text = |count: usize| format!("node {name} marked unschedulable, {count} pods deleted");
    if ctx.check || count == 0 {
        return Ok(Outcome::changed(cordoned.changed || count > 0).with("result", text(count)));
    }
    let identity = cluster.identity().await.map_err(failed)?;
    let effect = Effect::Drain { cluster: identity, node: name.clone() };
    let receipt = ctx.effects.intend(effect).map_err(failed)?;
    let mut warnings = Vec::new();
    let mut listen = |event| {
        let text = match event {
            DrainEvent::Blocked { pod, why, .. } => format!("pod {pod} was not evicted: {why}"),
            DrainEvent::Warning { pod, why } => format!("pod {pod}: {why}"),
            _ => return,
        };
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    };
    let result = cluster.drain(&receipt, options, &Cancel::new(), &mut listen).await;
    let done = end(ctx, receipt, result, |_| Ended::Done)?;
    Ok(Outcome { warnings, ..Outcome::changed(true) }.with("result", text(done.go.len())))
}

/// Records how an effect ended, before anybody hears of it.
fn end<T, E: std::fmt::Display>(
    ctx: &Ctx<'_>,
    receipt: Receipt,
    result: Result<T, E>,
    ended: impl Fn(&T) -> Ended,
) -> Result<T, Failure> {
    match result {
        Ok(value) => {
            ctx.effects.ended(receipt, ended(&value), "").map_err(failed)?;
            Ok(value)
        }
        // Some of it may have happened.
        Err(error) => {
            let message = error.to_string();
            ctx.effects.ended(receipt, Ended::Unknown, &message).map_err(failed)?;
            Err(Failure::msg(message))
        }
    }
}

/// A cluster of the task's own, if the task names one or the run has none.
async fn connect(args: &Args, ctx: &Ctx<'_>) -> Result<Option<Cluster>, Failure> {
    let said = Said { args, ctx };
    let named = ["kubeconfig", "context", "host"].iter().any(|name| said.get(name).is_some());
    if !named && ctx.cluster.is_some() {
        return Ok(None);
    }
    let access = match said.get("host") {
        Some(server) => direct(&said, &server)?,
        None => kubeconfig(&said).await?,
    };
    let clock = ctx
        .clock
        .handle()
        .ok_or_else(|| Failure::msg("a task cannot connect to a cluster of its own here"))?;
    Cluster::connect(access, clock).await.map(Some).map_err(failed)
}

/// What the task says about the connection: its arguments, then its environment.
struct Said<'a, 'c> {
    args: &'a Args,
    ctx: &'a Ctx<'c>,
}

impl Said<'_, '_> {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.args.get(name) {
            return Some(value.clone());
        }
        let variable = match name {
            "ca_cert" => "K8S_AUTH_SSL_CA_CERT".to_owned(),
            "client_cert" => "K8S_AUTH_CERT_FILE".to_owned(),
            "client_key" => "K8S_AUTH_KEY_FILE".to_owned(),
            "validate_certs" => "K8S_AUTH_VERIFY_SSL".to_owned(),
            other => format!("K8S_AUTH_{}", other.to_uppercase()),
        };
        self.variable(&variable).map(Value::from)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| string(&value))
    }

    /// A variable of the task's environment; on the controller also one of ours.
    fn variable(&self, name: &str) -> Option<String> {
        let set = self.ctx.host.environment.iter().find(|(n, _)| n == name);
        let ours = || self.ctx.outside.env(name).filter(|_| self.ctx.host.target.is_local());
        set.map(|(_, value)| value.clone()).or_else(ours).filter(|v| !v.is_empty())
    }
}

fn direct(said: &Said<'_, '_>, server: &Value) -> Result<ClusterAccess, Failure> {
    if !said.ctx.host.target.is_local() {
        let text = "host needs the controller: say delegate_to: localhost, or use kubeconfig";
        return Err(Failure::msg(text));
    }
    let certificate = match (said.text("client_cert"), said.text("client_key")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(Failure::msg("client_cert and client_key are required together")),
    };
    let ca = match said.text("ca_cert") {
        None => None,
        Some(path) => Some(
            said.ctx
                .outside
                .read(&PathBuf::from(&path))
                .map_err(|e| Failure::msg(format!("ca_cert {path}: {e}")))?,
        ),
    };
    let insecure = match said.get("validate_certs") {
        None => false,
        Some(value) => {
            !matches!(super::coerce(Kind::Bool, &value).map_err(failed)?, Value::Bool(true))
        }
    };
    Ok(ClusterAccess::Direct(Box::new(Direct {
        server: string(server),
        token: said.text("api_key").map(Secret::from),
        ca,
        certificate,
        insecure,
        tls_server_name: None,
    })))
}

async fn kubeconfig(said: &Said<'_, '_>) -> Result<ClusterAccess, Failure> {
    let context = said.text("context");
    let given = match said.get("kubeconfig") {
        None => said.variable("KUBECONFIG").map(Value::from),
        given => given,
    };
    let host = said.ctx.host;
    let text = match &given {
        Some(Value::Map(map)) => Value::Map(Map::clone(map)).to_json().to_string(),
        _ => {
            let paths = given.as_ref().map_or_else(|| "~/.kube/config".to_owned(), string);
            if host.target.is_local() {
                let files = paths.split(':').filter(|p| !p.is_empty());
                let files = files.map(|p| home(said, p)).collect::<Result<_, _>>()?;
                return Ok(ClusterAccess::Kubeconfig { files, context });
            }
            read(said, &paths).await?
        }
    };
    Ok(ClusterAccess::ThroughMasters(vec![Master {
        name: host.name.to_string(),
        target: Arc::clone(&host.target),
        admin_conf: text,
        context,
        manifest: None,
    }]))
}

/// A path of the controller, with `~` expanded.
fn home(said: &Said<'_, '_>, path: &str) -> Result<PathBuf, Failure> {
    match path.strip_prefix("~/") {
        None => Ok(said.ctx.outside.directory().join(path)),
        Some(rest) => said
            .variable("HOME")
            .map(|home| PathBuf::from(home).join(rest))
            .ok_or_else(|| Failure::msg(format!("{path}: HOME is not set"))),
    }
}

/// A kubeconfig of a remote host.
async fn read(said: &Said<'_, '_>, path: &str) -> Result<String, Failure> {
    let word = match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", quote(rest)),
        None => quote(path),
    };
    let output = said.ctx.host.script(&format!("cat -- {word}")).await?;
    if output.ok() {
        return Ok(output.stdout.text());
    }
    let why = output.stderr.text();
    Err(Failure::msg(format!("kubeconfig {path} of {}: {}", said.ctx.host.name, why.trim())))
}

#[cfg(test)]
#[path = "k8s_drain_tests.rs"]
mod tests;
