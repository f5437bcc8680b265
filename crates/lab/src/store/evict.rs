//! Eviction: a deletion that a budget may refuse. The steps and texts are those of kube-apiserver 1.36
//! (`pkg/registry/core/pod/storage/eviction.go`).

use super::delete::{self, DeleteOptions};
use super::json::{self, Json};
use super::selector::Labels;
use super::state::{Key, State};
use super::status::Status;
use super::{Resource, Store};
use crate::fault::{Fault, Faults};
use serde_json::{Value, json};
use std::sync::Arc;

/// Evictions that a budget may have outstanding.
const MOST_DISRUPTED: usize = 2000;

/// Which pod, and how it is deleted.
#[derive(Debug, Clone, Default)]
pub struct Eviction {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// Grace, preconditions, dry run.
    pub options: DeleteOptions,
}

impl Store {
    /// Evicts a pod.
    ///
    /// # Errors
    /// 403 (webhook), 404, 409 (precondition), 429 (budget), 500 (two budgets).
    pub fn evict(&self, eviction: &Eviction) -> Result<(), Status> {
        self.faulty(eviction)?;
        let pods = Self::resource("pods")?;
        let mut state = self.lock();
        let pod = Arc::clone(state.get(pods, &eviction.namespace, &eviction.pod)?);
        let disrupts = !json::terminating(&pod)
            && !matches!(pod.text("status.phase"), "Pending" | "Succeeded" | "Failed");
        if disrupts {
            self.budget_allows(&mut state, &pod, eviction.options.dry_run)?;
        }
        remove(&mut state, pods, &pod, &eviction.options)?;
        self.tell(&state);
        Ok(())
    }

    fn faulty(&self, eviction: &Eviction) -> Result<(), Status> {
        let denied = self.faults.find(|fault| match fault {
            Fault::WebhookDenies { namespace } => (*namespace == eviction.namespace).then_some(()),
            _ => None,
        });
        if denied.is_some() {
            let message = "admission webhook \"evictions.lab.mainstay.dev\" denied the request: evictions are not allowed here";
            return Err(Status {
                code: 403,
                reason: "Forbidden",
                message: message.into(),
                details: Value::Null,
            });
        }
        let mut conflict = false;
        self.faults.retain(|fault| match fault {
            Fault::EvictionConflicts { left } if !conflict && *left > 0 => {
                conflict = true;
                *left -= 1;
                *left > 0
            }
            _ => true,
        });
        if conflict { Err(Status::modified("", "pods", &eviction.pod)) } else { Ok(()) }
    }

    fn budget_allows(&self, state: &mut State, pod: &Value, dry_run: bool) -> Result<(), Status> {
        let budgets = Self::resource("poddisruptionbudgets")?;
        let all = state.all(budgets, json::namespace(pod));
        let over: Vec<(Key, Arc<Value>)> = all
            .filter(|(_, budget)| covers(budget, pod))
            .map(|(key, budget)| (key.clone(), Arc::clone(budget)))
            .collect();
        let (key, budget) = match over.as_slice() {
            [] => return Ok(()),
            [one] => one,
            _ => {
                let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return Err(Status {
                    code: 500,
                    reason: "",
                    message: message.into(),
                    details: Value::Null,
                });
            }
        };
        if made_to_refuse(&self.faults, budget) {
            return Err(refusal(budget));
        }
        if json::condition(pod, "Ready") != "True" && unready_may_go(budget) {
            return Ok(());
        }
        let allowed = allowed(budget)?;
        if dry_run {
            return Ok(());
        }
        let mut budget = Value::clone(budget);
        budget.put("status.disruptionsAllowed", allowed - 1);
        if allowed == 1 {
            json::set_condition(&mut budget, "DisruptionAllowed", "False", "InsufficientPods", "");
        }
        if let Value::Object(disrupted) = budget.place("status.disruptedPods") {
            disrupted.insert(json::name(pod).to_owned(), json::now().into());
        } else {
            budget.put("status.disruptedPods", json!({json::name(pod): json::now()}));
        }
        state.put(key.clone(), budget);
        Ok(())
    }
}

/// Whether this budget is made to refuse for ever.
#[must_use]
pub fn made_to_refuse(faults: &Faults, budget: &Value) -> bool {
    let name = format!("{}/{}", json::namespace(budget), json::name(budget));
    let refuses = |fault: &Fault| {
        matches!(fault, Fault::BudgetRefuses { budget } if *budget == name).then_some(())
    };
    faults.find(refuses).is_some()
}

/// Whether a budget's selector selects a pod. An empty selector selects all, a missing one none.
fn covers(budget: &Value, pod: &Value) -> bool {
    budget.at("spec.selector").and_then(Labels::of).is_some_and(|labels| labels.matches(pod))
}

/// A pod that is not ready is not what the budget protects: it may go if the budget says so, or if enough others are well.
fn unready_may_go(budget: &Value) -> bool {
    let (current, desired) = (
        budget.int("status.currentHealthy").unwrap_or(0),
        budget.int("status.desiredHealthy").unwrap_or(0),
    );
    budget.text("spec.unhealthyPodEvictionPolicy") == "AlwaysAllow"
        || (current >= desired && desired > 0)
}

fn allowed(budget: &Value) -> Result<i64, Status> {
    let name = json::name(budget);
    if budget.int("status.observedGeneration").unwrap_or(0)
        < budget.int("metadata.generation").unwrap_or(0)
    {
        let cause = format!("The disruption budget {name} is still being processed by the server.");
        return Err(Status::budget(&cause, 10));
    }
    if budget.map("status.disruptedPods").is_some_and(|pods| pods.len() > MOST_DISRUPTED) {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(Status::forbidden("policy", "poddisruptionbudget", name, why));
    }
    match budget.int("status.disruptionsAllowed").unwrap_or(0) {
        ..=0 => Err(refusal(budget)),
        allowed => Ok(allowed),
    }
}

fn refusal(budget: &Value) -> Status {
    let name = json::name(budget);
    let failed = budget
        .list("status.conditions")
        .iter()
        .find(|c| c.text("type") == "DisruptionAllowed" && c.text("reason") == "SyncFailed");
    let cause = match failed {
        Some(condition) => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {}",
            condition.text("message")
        ),
        None => format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            budget.int("status.desiredHealthy").unwrap_or(0),
            budget.int("status.currentHealthy").unwrap_or(0)
        ),
    };
    Status::budget(&cause, 0)
}

/// The deletion, after the pod's condition `DisruptionTarget` has said why.
fn remove(
    state: &mut State,
    pods: &'static Resource,
    pod: &Value,
    options: &DeleteOptions,
) -> Result<(), Status> {
    let (namespace, name) = (json::namespace(pod), json::name(pod));
    let mut options = options.clone();
    if !options.dry_run {
        let past = |what: &str, asked: &str, is: &str, past: &str| {
            let why = format!(
                "the {what} in the precondition ({asked}) does not match the {what} in record ({is}). The object might have been {past}"
            );
            Err(Status::conflict("", "Pod", name, &why))
        };
        if let Some(uid) =
            options.uid.as_deref().filter(|uid| !uid.is_empty() && *uid != json::uid(pod))
        {
            return past("UID", uid, json::uid(pod), "deleted and then recreated");
        }
        let revision = pod.text("metadata.resourceVersion");
        // What was asked was about the pod before it is marked.
        let asked = options.resource_version.take().filter(|asked| !asked.is_empty());
        if let Some(asked) = asked.filter(|asked| asked != revision) {
            return past("ResourceVersion", &asked, revision, "modified");
        }
        let mut marked = pod.clone();
        if json::set_condition(
            &mut marked,
            "DisruptionTarget",
            "True",
            "EvictionByEvictionAPI",
            "Eviction API: evicting",
        ) {
            state.put(Key::new(pods, namespace, name), marked);
        }
    }
    delete::delete(state, pods, namespace, name, &options).map(drop)
}
