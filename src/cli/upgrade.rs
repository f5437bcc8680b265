//! `mainstay upgrade`: reads the cluster, plans, asks once, runs the embedded playbook.

use super::args::Upgrade;
use super::confirm::confirmed;
use super::embedded;
use super::exit;
use super::playbook::{Persona, conclude, finish, on_runtime};
use super::setup::{self, Prepared, Refusal};
use super::signals;
use super::terminal::{complain, say};
use crate::engine::{self, Kind, Refused, Run, own_play};
use crate::upgrade::{self, Finding, Input, Plan, Policy, Role, Severity};
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::LoadError;
use mainstay_language::value::{Map, Value};
use std::collections::BTreeMap;

/// Upgrades and returns the exit code.
#[must_use]
pub(super) fn run(args: Upgrade) -> u8 {
    on_runtime(inner(args))
}

async fn inner(args: Upgrade) -> Result<u8, Refusal> {
    let mut prepared = setup::prepare(&args.common, &[], Persona::Mainstay, None)?;
    prepared.run.cluster.place.take_silent = args.take_over;
    Box::pin(conclude(&prepared, upgrade(&args, &prepared))).await
}

async fn upgrade(args: &Upgrade, prepared: &Prepared) -> Result<u8, Refusal> {
    let run = &prepared.run;
    signals::watch(run.stop.clone())
        .map_err(|e| refusal(exit::DEFECT, format!("cannot watch signals: {e}")))?;
    let Planned { plan, left_over } = match make_plan(run, args).await? {
        Ok(planned) => planned,
        Err(findings) => return Ok(refuse(prepared, &findings).await),
    };
    tell(plan.render().trim_end())?;
    if plan.is_done() && !left_over {
        tell(&format!("every node is at {}: nothing to do", target(&plan)))?;
        return Ok(finish(prepared, None).await);
    }
    if args.plan {
        return Ok(finish(prepared, None).await);
    }
    if !args.yes && !confirmed()? {
        tell("nothing was changed")?;
        return Ok(finish(prepared, None).await);
    }
    let failure = carry_out(run, &plan).await?;
    let code = finish(prepared, failure.clone()).await;
    let refused_before = failure.is_some_and(|refused| refused.kind != Kind::General);
    match code {
        exit::DONE => {
            tell(&format!("every node is at {}", target(&plan)))?;
            Ok(code)
        }
        exit::INTERRUPTED | exit::JOURNAL => Ok(code),
        code if refused_before => Ok(code),
        _ => {
            complain(
                "stopped in the middle: what is done stays done; the same command goes on from here",
            );
            Ok(exit::STOPPED)
        }
    }
}

fn refusal(code: u8, message: impl Into<String>) -> Refusal {
    Refusal::new(code, Diagnostic::error(message))
}

fn tell(text: &str) -> Result<(), Refusal> {
    say(text).map_err(|e| refusal(exit::JOURNAL, e.to_string()))
}

fn target(plan: &Plan) -> String {
    plan.hops.last().map(|version| format!("v{version}")).unwrap_or_default()
}

/// A plan, and what else is left to do.
struct Planned {
    plan: Plan,
    /// Nodes that an earlier run of ours left held.
    left_over: bool,
}

/// The plan, or what forbids it.
async fn make_plan(run: &Run, args: &Upgrade) -> Result<Result<Planned, Vec<Finding>>, Refusal> {
    let playing = own_play(run);
    let cluster = run.api(&playing).await?;
    let mut snapshot = cluster.snapshot().await.map_err(Refused::from)?;
    let dead = &run.cluster.place.dead_runs;
    // Whether a silent lease may be taken is seen by watching it, when it is taken.
    snapshot.lease = snapshot.lease.filter(|_| !run.cluster.place.take_silent);
    let left_over =
        snapshot.nodes.iter().any(|n| n.hold.as_ref().is_some_and(|h| dead.contains(&h.run)));
    let hosts =
        run.select_hosts(&["all".to_owned()], None).map_err(|d| Refusal::new(exit::GENERAL, d))?;
    let identities = run.identities(&playing, &hosts).await?;
    let mapping = crate::cluster::map_hosts(&identities, &snapshot.nodes);
    let known: BTreeMap<String, String> = mapping.clone().unwrap_or_default();
    let apiservers = upgrade::apiservers(&snapshot, &known);
    let (etcd, unhealthy) = run.etcd_members(&playing, &known, &snapshot).await?;
    let input = Input {
        path: vec![args.to.trim_start_matches('v').to_owned()],
        mapping,
        hosts: hosts.iter().map(ToString::to_string).collect(),
        apiservers,
        etcd,
        unhealthy,
        policy: Policy { ours: dead.iter().cloned().collect(), ..Policy::default() },
        snapshot,
    };
    Ok(upgrade::plan(&input).map(|plan| Planned { plan, left_over }))
}

/// Prints what forbids the upgrade. Exit code 12 if another run holds the cluster, 10 otherwise.
async fn refuse(prepared: &Prepared, findings: &[Finding]) -> u8 {
    for finding in findings {
        let word = if finding.severity == Severity::Error { "ERROR" } else { "WARNING" };
        let hint = if finding.hint.is_empty() {
            String::new()
        } else {
            format!("\n  hint: {}", finding.hint)
        };
        complain(&format!("[{word}]: {}{hint}", finding.text));
    }
    complain("nothing was changed");
    let locked =
        findings.iter().filter(|f| f.severity == Severity::Error).all(|f| f.code == "MS0618");
    let kind = if locked { Kind::Locked } else { Kind::Guard };
    // The findings are told already; the end of the run only needs the kind.
    match finish(prepared, None).await {
        exit::DONE if kind == Kind::Locked => exit::LOCKED,
        exit::DONE => exit::REFUSED,
        other => other,
    }
}

async fn carry_out(run: &Run, plan: &Plan) -> Result<Option<Refused>, Refusal> {
    let directory = setup::run_directory(&*run.outside, &run.id).join("playbooks");
    let path = embedded::write(&*run.outside, &directory, "upgrade.yml").map_err(|e| {
        refusal(exit::JOURNAL, format!("cannot write {}: {e}", directory.display()))
    })?;
    run.world.add_extra(&variables(plan));
    let (book, warnings) = run.loader.playbook(&path).map_err(|error| match error {
        LoadError::Missing(diagnostic) => Refusal::new(exit::DEFECT, diagnostic),
        LoadError::Invalid(diagnostics) => Refusal { code: exit::DEFECT, diagnostics },
    })?;
    for warning in warnings {
        complain(&format!("[WARNING]: {warning}"));
    }
    Ok(engine::run_all(run, book).await.err())
}

/// What the plan decides, for the playbook.
fn variables(plan: &Plan) -> Map {
    let hosts = |wanted: &dyn Fn(Role) -> bool| -> Vec<String> {
        plan.steps.iter().filter(|step| wanted(step.role)).map(|step| step.host.clone()).collect()
    };
    let control_planes = hosts(&|role| role != Role::Worker);
    let workers = hosts(&|role| role == Role::Worker);
    let mut map = Map::new();
    map.insert("kubernetes_version", plan.hops.last().map(ToString::to_string).unwrap_or_default());
    map.insert("upgrade_first", hosts(&|role| role == Role::First).first().cloned());
    map.insert("upgrade_hosts", Value::from([control_planes.clone(), workers.clone()].concat()));
    // A pattern that matches nothing, where there are no workers.
    let none = || vec!["!all".to_owned()];
    map.insert("upgrade_control_planes", Value::from(control_planes));
    map.insert("upgrade_workers", Value::from(if workers.is_empty() { none() } else { workers }));
    map
}
