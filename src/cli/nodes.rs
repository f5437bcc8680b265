//! `mainstay cordon`, `drain` and `uncordon`: what kubectl does under these names, recorded, with deadlines, and never
//! beside a run that holds the cluster.
//!
//! A node that a person cordons is theirs: no run holds it, a later run leaves it cordoned.

use super::args::{Common, Cordon, Drain, Uncordon};
use super::confirm::confirmed;
use super::exit;
use super::playbook::{Persona, conclude, finish, on_runtime};
use super::refusal::Refusal;
use super::runs::is_alive;
use super::setup::{self, Prepared, state_directory};
use super::signals;
use super::terminal::{complain, say};
use crate::cluster::{Cluster, DrainEvent, DrainOptions, DrainPlan, NodeInfo};
use crate::engine::own_play;
use crate::journal::{self, Effect, Ended, Receipt};
use mainstay_language::diag::Diagnostic;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

/// Cordons and returns the exit code.
#[must_use]
pub(super) fn cordon(args: &Cordon) -> u8 {
    on_runtime(on_nodes(&args.common, async |prepared| {
        let site = Site::reach(prepared, &args.nodes).await?;
        for node in &site.nodes {
            site.cordon(node, args.reason.as_deref()).await?;
        }
        Ok(finish(prepared, None).await)
    }))
}

/// Uncordons and returns the exit code.
#[must_use]
pub(super) fn uncordon(args: &Uncordon) -> u8 {
    on_runtime(on_nodes(&args.common, async |prepared| {
        let site = Site::reach(prepared, &args.nodes).await?;
        site.refuse_held()?;
        for node in &site.nodes {
            site.uncordon(node).await?;
        }
        Ok(finish(prepared, None).await)
    }))
}

/// Drains and returns the exit code.
#[must_use]
pub(super) fn drain(args: &Drain) -> u8 {
    on_runtime(on_nodes(&args.common, async |prepared| empty(args, prepared).await))
}

async fn on_nodes(
    common: &Common,
    command: impl AsyncFnOnce(&Prepared) -> Result<u8, Refusal>,
) -> Result<u8, Refusal> {
    let prepared = setup::prepare(common, &[], Persona::Mainstay, None)?;
    conclude(&prepared, command(&prepared)).await
}

async fn empty(args: &Drain, prepared: &Prepared) -> Result<u8, Refusal> {
    let site = Site::reach(prepared, &args.nodes).await?;
    let run = &prepared.run;
    signals::watch(run.stop.clone()).map_err(|e| general(format!("cannot watch signals: {e}")))?;
    let options = options(args);
    for node in &site.nodes {
        let plan = site.cluster.plan_drain(&node.name, &options).await.map_err(general)?;
        tell(&describe(&node.name, &plan))?;
    }
    if args.plan {
        return Ok(finish(prepared, None).await);
    }
    if !args.yes && !confirmed()? {
        tell("nothing was changed")?;
        return Ok(finish(prepared, None).await);
    }
    run.take_lease(&site.cluster).await?;
    for node in &site.nodes {
        site.cordon(node, args.reason.as_deref()).await?;
    }
    let mut left = Vec::new();
    for node in &site.nodes {
        if run.stop.is_cancelled() {
            left.push(node.name.as_str());
        } else if let Err(error) = site.drain(node, &options).await? {
            complain(&format!("[ERROR]: node/{} is not drained: {error}", node.name));
            left.push(&node.name);
        }
    }
    let code = finish(prepared, None).await;
    if left.is_empty() {
        return Ok(code);
    }
    complain(&format!("cordoned, but not drained: {}; the same command goes on", left.join(", ")));
    Ok(if code == exit::DONE { exit::STOPPED } else { code })
}

fn options(args: &Drain) -> DrainOptions {
    DrainOptions {
        timeout: args.within,
        grace: args.grace_period,
        delete_emptydir_data: args.delete_emptydir_data,
        force: args.force,
        ignore_daemonsets: args.ignore_daemonsets,
        pod_selector: args.pod_selector.clone(),
        disable_eviction: args.disable_eviction,
        skip_wait_for_delete: args.skip_wait_for_delete_timeout,
        ..DrainOptions::default()
    }
}

/// What a drain will do with the pods of a node, a line each.
fn describe(node: &str, plan: &DrainPlan) -> String {
    let mut lines = vec![format!(
        "node/{node}: {} to evict, {} to stay, {} in the way",
        plan.go.len(),
        plan.stay.len(),
        plan.errors.len()
    )];
    for pod in &plan.go {
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        let (namespace, pod) = (name(&pod.metadata.namespace), name(&pod.metadata.name));
        let full = format!("{namespace}/{pod}");
        let warnings = plan.warnings.iter().filter(|(pod, _)| *pod == full);
        let why: String = warnings.map(|(_, why)| format!(": {why}")).collect();
        lines.push(format!("  evict {full}{why}"));
    }
    lines.extend(plan.stay.iter().map(|(pod, why)| format!("  stays {pod}: {why}")));
    lines.extend(plan.errors.iter().map(|(pod, why)| format!("  in the way {pod}: {why}")));
    lines.join("\n")
}

/// The cluster, and the nodes that were named.
struct Site<'a> {
    prepared: &'a Prepared,
    cluster: Arc<Cluster>,
    identity: String,
    nodes: Vec<NodeInfo>,
}

impl<'a> Site<'a> {
    /// Reaches the cluster and finds every node, or refuses with all that are not there.
    async fn reach(prepared: &'a Prepared, names: &[String]) -> Result<Self, Refusal> {
        let cluster = prepared.run.api(&own_play(&prepared.run)).await?;
        let identity = cluster.identity().await.map_err(general)?;
        let found = cluster.nodes().await.map_err(general)?;
        let wanted: BTreeSet<&String> = names.iter().collect();
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|name| found.iter().all(|node| node.name != ***name))
            .map(|name| name.as_str())
            .collect();
        if !missing.is_empty() {
            let there: Vec<&str> = found.iter().map(|node| node.name.as_str()).collect();
            let diagnostic = Diagnostic::error(format!("no such node: {}", missing.join(", ")))
                .hint(format!("the cluster has {}", there.join(", ")));
            return Err(Refusal::new(exit::REFUSED, diagnostic));
        }
        let nodes = found.into_iter().filter(|node| wanted.contains(&node.name)).collect();
        Ok(Self { prepared, cluster, identity, nodes })
    }

    /// A node in the middle of its maintenance is not given back behind the run's back.
    fn refuse_held(&self) -> Result<(), Refusal> {
        let directory = state_directory(&*self.prepared.run.outside);
        let (runs, _) = journal::runs(&directory, &is_alive).map_err(general)?;
        let alive = |id: &str| runs.iter().any(|run| run.alive && run.state.run == id);
        for node in &self.nodes {
            if let Some(hold) = node.hold.as_ref().filter(|hold| alive(&hold.run)) {
                let text = format!("node {} is in the hands of run {}", node.name, hold.run);
                let hint = "wait for its end, or interrupt it: it gives its nodes back";
                return Err(Refusal::new(exit::LOCKED, Diagnostic::error(text).hint(hint)));
            }
        }
        Ok(())
    }

    async fn cordon(&self, node: &NodeInfo, reason: Option<&str>) -> Result<(), Refusal> {
        let effect = Effect::Unschedulable {
            cluster: self.identity.clone(),
            node: node.name.clone(),
            uid: node.uid.clone(),
            reason: reason.map(str::to_owned),
        };
        let changed = self.set(effect, false).await?;
        tell(&format!(
            "node/{} {}",
            node.name,
            if changed { "cordoned" } else { "already cordoned" }
        ))
    }

    async fn uncordon(&self, node: &NodeInfo) -> Result<(), Refusal> {
        let effect = Effect::Uncordon {
            cluster: self.identity.clone(),
            node: node.name.clone(),
            uid: node.uid.clone(),
        };
        let changed = self.set(effect, true).await?;
        let word = if changed { "uncordoned" } else { "already uncordoned" };
        tell(&format!("node/{} {word}", node.name))
    }

    async fn set(&self, effect: Effect, schedulable: bool) -> Result<bool, Refusal> {
        let receipt = self.intend(effect)?;
        let done = self.cluster.set_schedulable(&receipt, schedulable).await;
        let ended = match &done {
            Ok(true) => Ended::Done,
            Ok(false) => Ended::NotNeeded,
            Err(_) => Ended::Unknown,
        };
        self.ended(receipt, ended, done.as_ref().err())?;
        done.map_err(general)
    }

    /// The inner error: the node is not empty.
    async fn drain(
        &self,
        node: &NodeInfo,
        options: &DrainOptions,
    ) -> Result<Result<(), String>, Refusal> {
        let effect = Effect::Drain { cluster: self.identity.clone(), node: node.name.clone() };
        let receipt = self.intend(effect)?;
        let stop = self.prepared.run.stop.clone();
        let mut listen = |event| {
            if let Some(line) = progress(&event) {
                complain(&line);
            }
        };
        let done = self.cluster.drain(&receipt, options, &stop, &mut listen).await;
        let ended = if done.is_ok() { Ended::Done } else { Ended::Unknown };
        self.ended(receipt, ended, done.as_ref().err())?;
        match done {
            Ok(_) => tell(&format!("node/{} drained", node.name)).map(Ok),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    fn intend(&self, effect: Effect) -> Result<Receipt, Refusal> {
        self.prepared.run.effects.intend(effect).map_err(|d| Refusal::new(exit::JOURNAL, d))
    }

    fn ended(
        &self,
        receipt: Receipt,
        ended: Ended,
        error: Option<&impl Display>,
    ) -> Result<(), Refusal> {
        let message = error.map(ToString::to_string).unwrap_or_default();
        let recorded = self.prepared.run.effects.ended(receipt, ended, &message);
        recorded.map_err(|d| Refusal::new(exit::JOURNAL, d))
    }
}

fn progress(event: &DrainEvent) -> Option<String> {
    Some(match event {
        DrainEvent::Evicted { pod } => format!("evicting pod {pod}"),
        DrainEvent::Blocked { pod, why, .. } => format!("pod {pod} is not evicted yet: {why}"),
        DrainEvent::Gone { pod } => format!("pod/{pod} evicted"),
        DrainEvent::Detaching { volumes } => {
            format!("volumes are still attached: {}", volumes.join(", "))
        }
        _ => return None,
    })
}

fn general(error: impl Display) -> Refusal {
    Refusal::because(exit::GENERAL, error.to_string())
}

fn tell(text: &str) -> Result<(), Refusal> {
    say(text).map_err(|e| Refusal::because(exit::JOURNAL, e.to_string()))
}
