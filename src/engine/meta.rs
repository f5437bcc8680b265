//! `meta:` tasks: what they do to the hosts of a party.

use super::keywords::conditions;
use super::party::Party;
use super::run::Out;
use super::scope::{HostScope, search_path};
use super::task::Done;
use crate::event::Event;
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::Task;
use mainstay_language::template::Site;
use mainstay_language::value::{Map, Scope};
use std::sync::Arc;

/// Actions that every host carries out for itself; the first host decides about the others.
const EACH: [&str; 5] = ["flush_handlers", "end_host", "end_role", "noop", "reset_connection"];

/// Actions that take no condition.
const UNCONDITIONAL: [&str; 3] = ["noop", "refresh_inventory", "reset_connection"];

impl Party<'_> {
    /// Runs a meta task on these members. Returns whether the play ends here.
    pub(super) async fn meta(&mut self, task: &Arc<Task>, action: &str, who: &[usize]) -> bool {
        let each = EACH.contains(&action);
        let deciders = if each { who } else { who.get(..1).unwrap_or_default() };
        if UNCONDITIONAL.contains(&action) && conditions(task).next().is_some() {
            let message = format!("{action} task does not support when conditional");
            self.run.events.emit(Event::Warning { message });
        }
        if !each {
            for index in who.iter().skip(1) {
                self.step_past(*index);
            }
        }
        for index in deciders {
            match self.meta_holds(task, action, *index) {
                Ok(true) => self.meta_on(task, action, *index).await,
                Ok(false) => {
                    self.tell_meta(*index, skip_reason(action), true);
                    self.step_past(*index);
                }
                Err(diagnostic) => self.apply(*index, task, Done::problem((*diagnostic).into())),
            }
        }
        self.playing.has_ended()
    }

    fn meta_holds(
        &self,
        task: &Arc<Task>,
        action: &str,
        index: usize,
    ) -> Result<bool, Box<Diagnostic>> {
        let Some(member) = self.members.get(index) else { return Ok(false) };
        if UNCONDITIONAL.contains(&action) {
            return Ok(true);
        }
        let scope: Arc<dyn Scope> =
            HostScope::of_task(&self.run.world, self.playing, &member.host, task, Map::new());
        let site = Site { search: search_path(task, Some(&self.playing.directory)).into() };
        for condition in conditions(task) {
            if !self.run.templar.condition(condition, &scope, &site).map_err(|e| e.diagnostic)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tell_meta(&self, index: usize, message: String, skipped: bool) {
        if let Some(member) = self.members.get(index) {
            let host = Arc::clone(&member.host);
            self.run.events.emit(Event::Meta { host, message, skipped, implicit: false });
        }
    }

    fn step_past(&mut self, index: usize) {
        if let Some(member) = self.members.get_mut(index)
            && member.out.is_none()
        {
            member.cursor.advance();
        }
    }

    async fn meta_on(&mut self, task: &Arc<Task>, action: &str, index: usize) {
        let Some(host) = self.members.get(index).map(|m| Arc::clone(&m.host)) else { return };
        let message = match action {
            "flush_handlers" => return self.flush(index, false),
            "end_host" => {
                if let Some(member) = self.members.get_mut(index) {
                    member.cursor.end();
                }
                self.lose(index, Out::Ended);
                format!("ending play for {host}")
            }
            "end_batch" => {
                self.playing.end_batch();
                "ending batch".to_owned()
            }
            "end_play" => {
                self.playing.end_batch();
                self.run.end_play();
                "ending play".to_owned()
            }
            "end_role" => {
                let role = task.lineage.role();
                match (self.members.get_mut(index), role) {
                    (Some(member), Some(role)) => member.cursor.end_role(role),
                    // The loader refuses it; whatever comes here must not stand still.
                    _ => self.step_past(index),
                }
                format!("ending role {} for {host}", role.map_or("", |role| &role.name))
            }
            "clear_facts" => {
                self.clear_facts();
                "facts cleared".to_owned()
            }
            "clear_host_errors" => {
                self.clear_host_errors();
                "cleared host errors".to_owned()
            }
            "refresh_inventory" => {
                self.run.refresh_inventory();
                "inventory successfully refreshed".to_owned()
            }
            "reset_connection" => {
                self.run.connections.reset(&host).await;
                "reset connection".to_owned()
            }
            other => other.to_owned(),
        };
        if action != "end_role" {
            self.step_past(index);
        }
        self.tell_meta(index, message, false);
    }

    fn clear_facts(&self) {
        for host in &self.playing.all {
            self.run.warn_of(self.run.world.forget_facts(host));
        }
    }

    /// Failed hosts take part again from the next play on; one that is running an `always` goes on as if nothing had
    /// failed, and one that was lost goes on where it was lost.
    fn clear_host_errors(&mut self) {
        for host in &self.playing.all {
            self.run.forgive(host);
        }
        for member in &mut self.members {
            member.cursor.clear_errors();
            if member.out == Some(Out::Unreachable) {
                member.out = None;
            }
        }
    }
}

fn skip_reason(action: &str) -> String {
    format!("{action} conditional evaluated to False")
}
