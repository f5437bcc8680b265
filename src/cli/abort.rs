//! `mainstay abort RUN`: uncordons the nodes that a run still holds.

use super::args::Abort;
use super::exit;
use super::playbook::{Persona, conclude, finish, on_runtime};
use super::runs::is_alive;
use super::setup::{self, Prepared, Refusal, state_directory};
use super::terminal::say;
use crate::cluster::Uncordoned;
use crate::engine::{Run, own_play};
use crate::journal::{self, Effect, Ended, HeldNode};
use mainstay_language::diag::Diagnostic;

/// Releases what the run holds and returns the exit code.
#[must_use]
pub(super) fn run(args: Abort) -> u8 {
    on_runtime(inner(args))
}

async fn inner(args: Abort) -> Result<u8, Refusal> {
    let prepared = setup::prepare(&args.common, &[], Persona::Mainstay, None)?;
    conclude(&prepared, release_all(&args, &prepared)).await
}

async fn release_all(args: &Abort, prepared: &Prepared) -> Result<u8, Refusal> {
    let run = &prepared.run;
    let general = |message: String| Refusal::new(exit::GENERAL, Diagnostic::error(message));
    let directory = state_directory(&*run.outside);
    let (runs, _) = journal::runs(&directory, &is_alive)
        .map_err(|e| general(format!("cannot read {}: {e}", directory.display())))?;
    let Some(found) = runs.iter().find(|r| r.state.run == args.run) else {
        return Err(general(format!("there is no run {:?}; `mainstay runs` lists them", args.run)));
    };
    if found.alive {
        return Err(general(format!(
            "run {} is still running (process {})",
            args.run, found.state.process.0
        )));
    }
    let (held, _) = journal::held_nodes(&directory).map_err(|e| general(e.to_string()))?;
    let held: Vec<HeldNode> = held.into_iter().filter(|node| node.run == args.run).collect();
    if held.is_empty() {
        say(&format!("run {} holds nothing", args.run)).map_err(|e| general(e.to_string()))?;
        return Ok(finish(prepared, None).await);
    }
    let playing = own_play(run);
    let cluster = run.api(&playing).await.map_err(Refusal::from)?;
    let identity = cluster.identity().await.map_err(|e| general(e.to_string()))?;
    let mut problems = 0;
    for node in &held {
        if node.cluster != identity {
            problems += 1;
            tell(&format!(
                "{}: belongs to another cluster than the one that was reached",
                node.node
            ))?;
            continue;
        }
        match release(run, &cluster, node).await {
            Ok(text) => tell(&format!("{}: {text}", node.node))?,
            Err(text) => {
                problems += 1;
                tell(&format!("{}: {text}", node.node))?;
            }
        }
    }
    let code = finish(prepared, None).await;
    Ok(if problems > 0 { exit::STOPPED } else { code })
}

fn tell(text: &str) -> Result<(), Refusal> {
    say(text).map_err(|e| Refusal::new(exit::JOURNAL, Diagnostic::error(e.to_string())))
}

async fn release(
    run: &Run,
    cluster: &crate::cluster::Cluster,
    node: &HeldNode,
) -> Result<String, String> {
    let effect = Effect::Uncordon {
        cluster: node.cluster.clone(),
        node: node.node.clone(),
        uid: node.uid.clone(),
    };
    let receipt = run.effects.intend(effect).map_err(|d| d.to_string())?;
    let done = cluster.uncordon(&receipt, &node.run).await;
    let (ended, message) = match &done {
        Ok(_) => (Ended::Done, String::new()),
        Err(error) => (Ended::Unknown, error.to_string()),
    };
    run.effects.ended(receipt, ended, &message).map_err(|d| d.to_string())?;
    match done.map_err(|e| e.to_string())? {
        Uncordoned::Now => Ok("uncordoned".to_owned()),
        Uncordoned::KeptCordoned => {
            Ok("released; it was cordoned before the run and stays so".to_owned())
        }
        Uncordoned::Already => Ok("was uncordoned already".to_owned()),
        Uncordoned::NotOurs { held_by: None } => Ok("is not held any more".to_owned()),
        Uncordoned::NotOurs { held_by: Some(other) } => {
            Ok(format!("is held by run {other}, not by this one"))
        }
    }
}
