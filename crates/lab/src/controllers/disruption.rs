//! Budgets: what each PodDisruptionBudget allows now. The arithmetic is that of kube-controller-manager 1.36
//! (`pkg/controller/disruption`).

use crate::fault::Faults;
use crate::store::json::{condition, controller, name, namespace, terminating};
use crate::store::{Json, Labels, Part, Store, int_or_percent, made_to_refuse, of_kind};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An eviction that was allowed and has not been seen after so many seconds did not happen.
const FORGOTTEN: i64 = 120;

pub(super) fn pass(store: &Store, faults: &Faults) {
    for budget in store.all("poddisruptionbudgets", "") {
        let found = count(store, &budget);
        let refuses = made_to_refuse(faults, &budget);
        // Somebody may have deleted it meanwhile.
        drop(store.edit(
            "poddisruptionbudgets",
            namespace(&budget),
            name(&budget),
            Part::Status,
            |budget| match found {
                Ok(counts) => report(budget, counts, refuses),
                Err(why) => {
                    budget.put("status.disruptionsAllowed", 0);
                    set(budget, "False", "SyncFailed", &why);
                }
            },
        ));
    }
}

struct Counts {
    expected: i64,
    desired: i64,
    healthy: i64,
    disrupted: Map<String, Value>,
}

fn count(store: &Store, budget: &Value) -> Result<Counts, String> {
    let selector = budget.at("spec.selector").and_then(Labels::of);
    let pods = store.all("pods", namespace(budget));
    let pods: Vec<Arc<Value>> =
        pods.into_iter().filter(|pod| selector.as_ref().is_some_and(|s| s.matches(pod))).collect();
    let (expected, desired) = expected(store, budget, &pods)?;
    let disrupted = still_disrupted(budget, &pods);
    let healthy = pods
        .iter()
        .filter(|pod| {
            !terminating(pod)
                && !disrupted.contains_key(name(pod))
                && condition(pod, "Ready") == "True"
        })
        .count();
    Ok(Counts { expected, desired, healthy: i64::try_from(healthy).unwrap_or(i64::MAX), disrupted })
}

/// How many pods there should be, and how many must be healthy.
fn expected(store: &Store, budget: &Value, pods: &[Arc<Value>]) -> Result<(i64, i64), String> {
    if let Some(most) = budget.at("spec.maxUnavailable") {
        let expected = scale(store, pods)?;
        let most = int_or_percent(most, expected, true).unwrap_or(0);
        return Ok((expected, (expected - most).max(0)));
    }
    let Some(least) = budget.at("spec.minAvailable") else { return Ok((0, 0)) };
    if let Some(least) = least.as_i64() {
        return Ok((i64::try_from(pods.len()).unwrap_or(i64::MAX), least));
    }
    let expected = scale(store, pods)?;
    Ok((expected, int_or_percent(least, expected, true).unwrap_or(0)))
}

/// The sum of what the controllers of these pods want. Pods without a controller count for nothing.
fn scale(store: &Store, pods: &[Arc<Value>]) -> Result<i64, String> {
    let mut controllers: BTreeMap<String, i64> = BTreeMap::new();
    for pod in pods {
        let Some(owner) = controller(pod) else { continue };
        let uid = owner.text("uid").to_owned();
        if controllers.contains_key(&uid) {
            continue;
        }
        let unknown = || format!("found no controllers for pod \"{}\"", name(pod));
        let resource = of_kind(owner.text("kind")).ok_or_else(unknown)?;
        if !resource.has("scale") {
            return Err(format!(
                "{}.{} does not implement the scale subresource",
                resource.plural, resource.group
            ));
        }
        let found = store.get(resource.plural, namespace(pod), owner.text("name"));
        let found =
            found.ok().filter(|found| found.text("metadata.uid") == uid).ok_or_else(unknown)?;
        // A Deployment speaks for its ReplicaSets.
        let above = controller(&found).filter(|owner| owner.text("kind") == "Deployment");
        let above = above
            .and_then(|owner| store.get("deployments", namespace(pod), owner.text("name")).ok());
        let speaks = above.unwrap_or(found);
        controllers.insert(uid, 0);
        controllers.insert(
            speaks.text("metadata.uid").to_owned(),
            speaks.int("spec.replicas").unwrap_or(1),
        );
    }
    Ok(controllers.values().sum())
}

/// Pods whose eviction was allowed and that are still there, unhurt.
fn still_disrupted(budget: &Value, pods: &[Arc<Value>]) -> Map<String, Value> {
    let recent = |at: &Value| {
        let at = at.as_str().and_then(|at| at.parse::<Timestamp>().ok());
        at.is_some_and(|at| Timestamp::now().duration_since(at).as_secs() < FORGOTTEN)
    };
    let there = |pod: &str| pods.iter().any(|p| name(p) == pod && !terminating(p));
    let all = budget.map("status.disruptedPods").into_iter().flatten();
    all.filter(|(pod, at)| recent(at) && there(pod))
        .map(|(pod, at)| (pod.clone(), at.clone()))
        .collect()
}

fn report(budget: &mut Value, counts: Counts, refuses: bool) {
    let Counts { expected, desired, healthy, disrupted } = counts;
    let allowed = if expected <= 0 || refuses { 0 } else { (healthy - desired).max(0) };
    for (name, value) in [
        ("currentHealthy", healthy),
        ("desiredHealthy", desired),
        ("expectedPods", expected),
        ("disruptionsAllowed", allowed),
        ("observedGeneration", budget.int("metadata.generation").unwrap_or(0)),
    ] {
        budget.put(&format!("status.{name}"), value);
    }
    if disrupted.is_empty() {
        budget.take_at("status.disruptedPods");
    } else {
        budget.put("status.disruptedPods", disrupted);
    }
    let (status, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    set(budget, status, reason, "");
}

fn set(budget: &mut Value, status: &str, reason: &str, message: &str) {
    crate::store::json::set_condition(budget, "DisruptionAllowed", status, reason, message);
    let generation = budget.int("metadata.generation").unwrap_or(0);
    if let [condition] = budget.items_mut("status.conditions") {
        condition.put("message", message); // required in this kind of condition
        condition.put("observedGeneration", generation);
    }
}
