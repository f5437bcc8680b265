//! The maintenance bracket: cordon, drain, work, wait until healthy, uncordon only what we cordoned.
//!
//! Order for a host: slot and guards → facts, `pre_tasks`, handlers → `needed` → record → cordon, drain → roles, tasks,
//! handlers → ready → uncordon → `post_tasks`, handlers → soak, gates → slot free. The same function walks a whole batch
//! (`serial:`) or one host of the sliding window. A bracket always ends closed or *held*: still cordoned, with the
//! reason in an annotation.

mod fleet;
mod gates;
mod node;
mod options;

use super::party::Party;
use super::playing::Playing;
use super::plays::prepared;
use super::refused::Refused;
use super::run::{Out, Run};
use super::scope::HostScope;
use crate::cluster::NodeInfo;
use crate::event::{Event, NodeStep};
use fleet::{Fleet, node_variables};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::{Maintenance, Section};
use mainstay_language::value::{Scope, Value};
use node::{Before, Taken, Took};
use options::Options;
use std::sync::Arc;

/// Runs a batch of a play with `maintenance:`; with `serial:` the batch is the unit, without it a sliding window.
///
/// # Errors
/// The cluster, the lease, the mapping of hosts or the options forbid it: nothing was changed.
pub(super) async fn run(
    run: &Run,
    playing: &Arc<Playing>,
    hosts: &[Arc<str>],
    maintenance: &Maintenance,
) -> Result<(), Refused> {
    let options = options(run, playing, hosts, maintenance)?;
    let fleet = Fleet::gather(run, playing, options, hosts).await?;
    let batched = playing.play.only.contains_key("serial");
    if batched {
        if hosts.len() > fleet.limit {
            let message = format!(
                "a batch of {} nodes is larger than max_unavailable, which allows {}",
                hosts.len(),
                fleet.limit
            );
            return Err(Refused::guard(Diagnostic::error(message).at(&maintenance.place)));
        }
        walk(&fleet, hosts).await?;
    } else {
        window(&fleet, hosts).await?;
    }
    report_stop(&fleet, hosts);
    Ok(())
}

/// The options, as the variables of the hosts give them: they are the play's, so all hosts must give the same.
fn options(
    run: &Run,
    playing: &Arc<Playing>,
    hosts: &[Arc<str>],
    maintenance: &Maintenance,
) -> Result<Options, Refused> {
    let place = &maintenance.place;
    let read = |scope: Arc<dyn Scope>| {
        let render = |raw: &Value| {
            run.templar
                .render(raw, &scope, &playing.site())
                .map_err(|error| error.diagnostic.at(raw.place().unwrap_or(place)))
        };
        Options::read(maintenance, &render)
    };
    let Some((first, others)) = hosts.split_first() else {
        return Ok(read(playing.scope(&run.world))?);
    };
    let of = |host: &Arc<str>| read(HostScope::of_play(&run.world, playing, host));
    let options = of(first)?;
    for host in others {
        if of(host)? != options {
            let message = format!(
                "maintenance: the variables of {first} and {host} give different options, and they are the play's"
            );
            let hint = "give these hosts the same values, or maintain them in plays of their own";
            return Err(Refused::guard(Diagnostic::error(message).at(place).hint(hint)));
        }
    }
    Ok(options)
}

/// Hosts advance alone; a node that is healthy again frees its slot at once. Canaries go first.
///
/// Nodes that an earlier run left held go before all others: they are out already, and others wait for their slots.
async fn window(fleet: &Fleet<'_>, hosts: &[Arc<str>]) -> Result<(), Refused> {
    let left_over =
        |host: &&Arc<str>| fleet.nodes.get(&***host).is_some_and(|n| fleet.is_left_over(n));
    let (mut first, others): (Vec<&Arc<str>>, Vec<&Arc<str>>) = hosts.iter().partition(left_over);
    first.extend(others);
    let hosts: Vec<Arc<str>> = first.into_iter().cloned().collect();
    let (canaries, others) = hosts.split_at(fleet.options.canary.min(hosts.len()));
    for wave in [canaries, others] {
        let mut waiting = wave.iter();
        let mut walking = FuturesUnordered::new();
        loop {
            while walking.len() < fleet.limit
                && fleet.may_start()
                && let Some(host) = waiting.next()
            {
                walking.push(walk(fleet, std::slice::from_ref(host)));
            }
            match walking.next().await {
                Some(walked) => walked?,
                None => break,
            }
        }
    }
    Ok(())
}

/// One bracket: all its nodes are out together.
async fn walk(fleet: &Fleet<'_>, hosts: &[Arc<str>]) -> Result<(), Refused> {
    let live = begin(fleet, hosts).await;
    let live = section(fleet, &live, Section::Pre).await?;
    let (wanted, left_over) = needed(fleet, &live)?;
    close_left_over(fleet, &left_over).await;
    let mut needed = Vec::new();
    for host in wanted {
        let Some(node) = fleet.nodes.get(&*host) else { continue };
        if slot(fleet, &host, node).await {
            needed.push(host);
        }
    }
    let before = match fleet.before().await {
        Ok(before) => before,
        Err(why) => {
            for host in &needed {
                lose(fleet, host, &why);
            }
            return Ok(());
        }
    };
    let taken = take(fleet, &needed).await;
    let names: Vec<Arc<str>> = taken.iter().map(|t| Arc::clone(&t.host)).collect();
    let done = section(fleet, &names, Section::Main).await?;
    let back = give_back(fleet, taken, &done).await;
    let healthy = section(fleet, &back, Section::Post).await?;
    release(fleet, &healthy, &before).await;
    Ok(())
}

/// Hosts that may begin: they have their slot, or nothing seems to be left to do on them. Those need none, and must not
/// wait for a node that is out and whose turn comes only after theirs.
async fn begin(fleet: &Fleet<'_>, hosts: &[Arc<str>]) -> Hosts {
    let mut live = Vec::new();
    for host in hosts {
        let Some(node) = fleet.nodes.get(&**host) else { continue };
        let done = match fleet.look(node).await {
            Ok(now) => {
                know(fleet, host, &now);
                // What only its pre_tasks will tell is not known yet.
                matches!(is_needed(fleet, host), Ok(false))
            }
            Err(why) => {
                lose(fleet, host, &why);
                continue;
            }
        };
        if done || slot(fleet, host, node).await {
            live.push(Arc::clone(host));
        }
    }
    live
}

/// Waits for the host's slot, if it has none. `false`: it is out of the play.
async fn slot(fleet: &Fleet<'_>, host: &Arc<str>, node: &NodeInfo) -> bool {
    if fleet.has_slot(node) {
        return true;
    }
    match fleet.slot(host, node).await {
        Ok(now) => know(fleet, host, &now),
        Err(_) if fleet.run.interrupted() => return false,
        Err(why) => {
            lose(fleet, host, &why);
            return false;
        }
    }
    true
}

/// The play's variable for what its node is now.
fn know(fleet: &Fleet<'_>, host: &Arc<str>, now: &NodeInfo) {
    fleet.run.world.set(host, "mainstay_node", Value::Map(node_variables(now)));
}

/// Walks one section and gives back the hosts that are still in the play; others free their slot (they hold no node
/// yet, or their node is dealt with by the caller).
async fn section(
    fleet: &Fleet<'_>,
    hosts: &[Arc<str>],
    section: Section,
) -> Result<Vec<Arc<str>>, Refused> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let mut party: Party<'_> = prepared(fleet.run, fleet.playing, hosts, &[section])?;
    party.alone = hosts.len() == 1 && !fleet.playing.play.only.contains_key("serial");
    party.walk().await;
    let mut live = Vec::new();
    for member in &mut party.members {
        match member.out {
            None if !fleet.run.interrupted() || member.cursor.is_finished() => {
                live.push(Arc::clone(&member.host));
            }
            Some(Out::Failed | Out::Unreachable) if section != Section::Main => {
                fleet.count_failure();
                free(fleet, &member.host);
            }
            Some(Out::Ended) if section == Section::Main => live.push(Arc::clone(&member.host)),
            _ if section != Section::Main => free(fleet, &member.host),
            _ => {}
        }
    }
    Ok(live)
}

fn free(fleet: &Fleet<'_>, host: &Arc<str>) {
    if let Some(node) = fleet.nodes.get(&**host) {
        fleet.free(&node.name);
    }
}

/// A host is out of the play because of its node.
fn lose(fleet: &Fleet<'_>, host: &Arc<str>, why: &str) {
    fleet.count_failure();
    fleet.run.lose(host, Out::Failed);
    fleet.playing.leave(host);
    fleet.run.fail_host(host, why);
    free(fleet, host);
}

type Hosts = Vec<Arc<str>>;

/// Hosts on which there is something to do; the others are done and free their slot.
///
/// The second list: hosts that are done but whose node an earlier run left held.
fn needed(fleet: &Fleet<'_>, hosts: &[Arc<str>]) -> Result<(Hosts, Hosts), Refused> {
    let (mut needed, mut left_over) = (Vec::new(), Vec::new());
    for host in hosts {
        if is_needed(fleet, host)? {
            needed.push(Arc::clone(host));
        } else if fleet.nodes.get(&**host).is_some_and(|node| fleet.is_left_over(node)) {
            left_over.push(Arc::clone(host));
        } else {
            fleet.tell(host, NodeStep::NotNeeded);
            free(fleet, host);
        }
    }
    Ok((needed, left_over))
}

/// What `needed` says of a host, as far as it is known now.
fn is_needed(fleet: &Fleet<'_>, host: &Arc<str>) -> Result<bool, Refused> {
    let Some(condition) = &fleet.options.needed else { return Ok(true) };
    let scope: Arc<dyn Scope> = HostScope::of_play(&fleet.run.world, fleet.playing, host);
    let site = fleet.playing.site();
    // A lone template, as the examples write it, or a bare expression.
    match fleet.run.templar.render(condition, &scope, &site) {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(_) | Err(_) => fleet
            .run
            .templar
            .condition(condition, &scope, &site)
            .map_err(|error| Refused::from(*error.diagnostic)),
    }
}

/// Closes brackets that an earlier run left open: nothing is left to do on these nodes.
async fn close_left_over(fleet: &Fleet<'_>, hosts: &[Arc<str>]) {
    for host in hosts {
        let Some(node) = fleet.nodes.get(&**host) else { continue };
        let closed = match fleet.take_over(host, node).await {
            Ok(taken) => fleet.give_back(&taken).await,
            Err(why) => Err(why),
        };
        match closed {
            Ok(()) => fleet.tell(host, NodeStep::Released),
            Err(why) => lose(fleet, host, &why),
        }
    }
}

/// Takes the nodes, all at once: a batch is cordoned as a whole, so that no pod moves to a node that goes next.
async fn take(fleet: &Fleet<'_>, hosts: &[Arc<str>]) -> Vec<Taken> {
    let nodes: Vec<(&Arc<str>, &NodeInfo)> =
        hosts.iter().filter_map(|host| Some((host, fleet.nodes.get(&**host)?))).collect();
    let results =
        futures::future::join_all(nodes.iter().map(|(host, node)| fleet.take(host, node))).await;
    let mut taken = Vec::new();
    for ((host, _), took) in nodes.into_iter().zip(results) {
        match took {
            Took::Empty(node) => taken.push(node),
            Took::Failed(why) => {
                fleet.count_failure();
                fleet.run.lose(host, Out::Failed);
                fleet.playing.leave(host);
                fleet.run.fail_host(host, &why);
            }
            Took::Skipped(why) => fleet.tell(host, NodeStep::Waiting(format!("skipped: {why}"))),
        }
    }
    taken
}

/// Closes or holds every node that was taken. Returns the hosts whose bracket is closed.
async fn give_back(fleet: &Fleet<'_>, taken: Vec<Taken>, done: &[Arc<str>]) -> Vec<Arc<str>> {
    let closing = taken.iter().map(|taken| async move {
        if !done.contains(&taken.host) {
            let why = match fleet.run.out(&taken.host) {
                Some(Out::Unreachable) => "the host was lost while its tasks ran",
                Some(Out::Failed) => "a task failed on it",
                _ => "the run was stopped while its tasks ran",
            };
            fleet.fail(taken, why).await;
            fleet.count_failure();
            return None;
        }
        match fleet.give_back(taken).await {
            Ok(()) => Some(Arc::clone(&taken.host)),
            Err(why) => {
                fleet.count_failure();
                fleet.run.lose(&taken.host, Out::Failed);
                fleet.playing.leave(&taken.host);
                fleet.run.fail_host(&taken.host, &why);
                None
            }
        }
    });
    futures::future::join_all(closing).await.into_iter().flatten().collect()
}

async fn release(fleet: &Fleet<'_>, hosts: &[Arc<str>], before: &Before) {
    for host in hosts {
        match fleet.gates(host, before).await {
            Ok(()) => fleet.tell(host, NodeStep::Released),
            Err(why) => {
                fleet.count_failure();
                fleet.run.lose(host, Out::Failed);
                fleet.run.fail_host(host, &why);
            }
        }
    }
}

/// Says why nodes were not started, if some were not.
fn report_stop(fleet: &Fleet<'_>, hosts: &[Arc<str>]) {
    if fleet.may_start() || fleet.run.interrupted() {
        return;
    }
    let reason = if fleet.run.cluster.lease_lost() {
        "another run has taken the cluster's lease: no further node is started".to_owned()
    } else {
        format!(
            "{} of {} nodes failed or were lost: no further node is started",
            fleet.failures(),
            hosts.len()
        )
    };
    fleet.run.events.emit(Event::Stopped { reason });
    fleet.run.stop_plays();
}
