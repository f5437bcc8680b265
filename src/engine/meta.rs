//! `meta:` tasks: what they do to the hosts of a party.

use super::keywords::conditions;
use super::party::Party;
use super::run::Out;
use super::scope::{HostScope, search_path};
use super::task::Done;
use crate::event::Event;
use mainstay_language::playbook::Task;
use mainstay_language::template::{Site, TemplateError};
use mainstay_language::value::{Map, Scope, Value};
use std::sync::Arc;

impl Party<'_> {
    /// Runs a meta task on these members. Returns whether the play ends here.
    pub(super) async fn meta(&mut self, task: &Arc<Task>, action: &str, who: &[usize]) -> bool {
        let each = matches!(
            action,
            "flush_handlers" | "end_host" | "end_role" | "noop" | "reset_connection"
        );
        let tested = !matches!(action, "noop" | "refresh_inventory" | "reset_connection");
        let deciders: Vec<usize> = if each { who.to_vec() } else { who.iter().take(1).copied().collect() };
        let mut stop = false;
        for index in &deciders {
            let holds = if tested { self.meta_holds(task, *index) } else { Ok(true) };
            match holds {
                Ok(true) => stop |= self.meta_on(task, action, *index).await,
                Ok(false) => self.step_past(*index),
                Err(error) => {
                    let done = Done::problem(error.into());
                    self.apply(*index, task, done);
                }
            }
        }
        if !each {
            for index in who.iter().skip(1) {
                self.step_past(*index);
            }
        }
        stop
    }

    fn meta_holds(&self, task: &Arc<Task>, index: usize) -> Result<bool, TemplateError> {
        let Some(member) = self.members.get(index) else { return Ok(false) };
        let scope: Arc<dyn Scope> =
            HostScope::of_task(&self.run.world, self.playing, &member.host, task, Map::new());
        let site = Site { search: search_path(task, Some(&self.playing.directory)).into() };
        for condition in conditions(task) {
            if !self.run.templar.condition(condition, &scope, &site)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn step_past(&mut self, index: usize) {
        if let Some(member) = self.members.get_mut(index)
            && member.out.is_none()
        {
            member.cursor.advance();
        }
    }

    async fn meta_on(&mut self, task: &Arc<Task>, action: &str, index: usize) -> bool {
        match action {
            "flush_handlers" => self.flush_now(index),
            "end_host" => {
                if let Some(member) = self.members.get_mut(index) {
                    member.cursor.end();
                }
                self.lose(index, Out::Ended);
            }
            "end_play" | "end_batch" => {
                self.end_all();
                if action == "end_play" {
                    self.run.end_play();
                }
                return true;
            }
            "end_role" => {
                if let (Some(member), Some(role)) = (self.members.get_mut(index), task.lineage.role()) {
                    member.cursor.end_role(role);
                }
            }
            "clear_facts" => {
                self.clear_facts();
                self.step_past(index);
            }
            "clear_host_errors" => {
                self.clear_host_errors();
                self.step_past(index);
            }
            "refresh_inventory" => {
                self.run.refresh_inventory();
                self.step_past(index);
            }
            "reset_connection" => {
                if let Some(member) = self.members.get(index) {
                    self.run.connections.reset(&member.host).await;
                }
                self.step_past(index);
            }
            _ => self.step_past(index),
        }
        false
    }

    fn flush_now(&mut self, index: usize) {
        let handlers = self.playing.handlers();
        let Some(member) = self.members.get_mut(index) else { return };
        for name in std::mem::take(&mut member.notifications) {
            member.due.extend(handlers.named(&name));
        }
        member.cursor.flush(Arc::clone(&handlers.items));
    }

    fn end_all(&mut self) {
        for index in 0..self.members.len() {
            if let Some(member) = self.members.get_mut(index)
                && member.out.is_none()
            {
                member.cursor.end();
                self.lose(index, Out::Ended);
            }
        }
    }

    fn clear_facts(&self) {
        for host in &self.playing.all {
            self.run.world.learn(host, |vars| {
                vars.facts = Map::new();
                vars.fact_vars = Map::new();
                vars.gathered = false;
            });
        }
    }

    fn clear_host_errors(&mut self) {
        for host in &self.playing.all {
            self.run.forgive(host);
            self.playing.come_back(host);
        }
        let back: Vec<&mut super::party::Member> =
            self.members.iter_mut().filter(|m| matches!(m.out, Some(Out::Failed | Out::Unreachable))).collect();
        for member in back {
            // A host whose errors are cleared takes part again from the next play on, as its place here is lost.
            self.run.events.emit(Event::Warning {
                message: format!("errors of {} are cleared; it takes part again in the next play", member.host),
            });
        }
    }
}

/// A text for `meta` results.
#[must_use]
pub fn message(text: &str) -> Value {
    Value::text(text)
}
