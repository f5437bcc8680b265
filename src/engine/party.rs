//! Hosts that walk a play together, in lockstep: at each step the earliest stop that any of them has to make, for all of
//! those that have to make it.
//!
//! Strategies differ only in their parties: `linear` walks one party with the whole batch, `free` and the maintenance
//! window walk one party for each host, side by side.

use super::cursor::{Consequence, Cursor, Position, Stop};
use super::keywords::{Reader, action_name, shown_name, shown_place};
use super::playing::Playing;
use super::run::{Out, Run};
use super::scope::{HostScope, search_path};
use super::task::{Doing, Done};
use crate::event::{Event, Verdict};
use futures::StreamExt;
use mainstay_language::playbook::{Action, Section, Task};
use mainstay_language::template::Site;
use mainstay_language::value::{Map, Scope, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One host of a party.
pub struct Member {
    /// The host.
    pub host: Arc<str>,
    /// Where it is.
    pub cursor: Cursor,
    /// Names notified since the last flush, in order.
    pub notifications: Vec<String>,
    /// Handlers that this flush has to run.
    pub due: HashSet<usize>,
    /// How it left, if it has.
    pub out: Option<Out>,
}

/// Hosts that walk together.
pub struct Party<'a> {
    /// The run.
    pub run: &'a Run,
    /// The play.
    pub playing: &'a Arc<Playing>,
    /// In the order of the play.
    pub members: Vec<Member>,
    /// Hosts of the batch when it began: what `max_fail_percentage` is a share of.
    pub size: usize,
    /// `max_fail_percentage`
    pub max_fail: Option<f64>,
    /// A single host walks on its own: `run_once` means nothing.
    pub alone: bool,
    selected: HashMap<usize, bool>,
}

/// Identity of a task in memory, for sets and comparisons.
#[must_use]
pub fn identity(task: &Arc<Task>) -> usize {
    Arc::as_ptr(task).addr()
}

/// The stop that several members share.
struct Step {
    stop: Stop,
    position: Position,
    who: Vec<usize>,
}

impl<'a> Party<'a> {
    /// Hosts about to walk these sections.
    #[must_use]
    pub fn new(
        run: &'a Run,
        playing: &'a Arc<Playing>,
        hosts: &[Arc<str>],
        sections: &[Section],
    ) -> Self {
        let force = run.force_handlers(playing);
        let members = hosts
            .iter()
            .map(|host| Member {
                host: Arc::clone(host),
                cursor: Cursor::new(&playing.play, sections, force),
                notifications: Vec::new(),
                due: HashSet::new(),
                out: None,
            })
            .collect();
        Self {
            run,
            playing,
            members,
            size: hosts.len(),
            max_fail: None,
            alone: false,
            selected: HashMap::new(),
        }
    }

    /// Walks to the end. Returns whether the play must stop at once (`max_fail_percentage`, `end_play`).
    pub async fn walk(&mut self) -> bool {
        while !self.run.interrupted() && !self.playing.has_ended() {
            let Some(step) = self.next_step() else { return false };
            let stop = match step.stop {
                Stop::End => return false,
                Stop::Flush => {
                    self.begin_flush(&step.who);
                    false
                }
                Stop::Task(ref task) => {
                    let task = Arc::clone(task);
                    self.take(&task, &step).await
                }
            };
            if stop {
                return true;
            }
        }
        true
    }

    /// The earliest stop, and who makes it.
    fn next_step(&mut self) -> Option<Step> {
        let Self { run, members, selected, playing, .. } = self;
        let mut best: Option<Step> = None;
        let mut failed = Vec::new();
        for (index, member) in members.iter_mut().enumerate() {
            if member.out.is_some() {
                continue;
            }
            let due = &member.due;
            let stop = member.cursor.settle(&mut |task: &Arc<Task>, handler: bool| {
                if handler {
                    return due.contains(&identity(task));
                }
                *selected.entry(identity(task)).or_insert_with(|| run.selects(playing, task))
            });
            if matches!(stop, Stop::End) {
                if member.cursor.is_out() {
                    failed.push(index);
                }
                continue;
            }
            let position = member.cursor.position();
            match &mut best {
                Some(step) if step.position < position => {}
                Some(step) if step.position == position => {
                    if same(&step.stop, &stop) {
                        step.who.push(index);
                    }
                }
                _ => best = Some(Step { stop, position, who: vec![index] }),
            }
        }
        for index in failed {
            self.lose(index, Out::Failed);
        }
        best
    }

    /// The implicit flush after a section: nothing is told where nothing was notified.
    fn begin_flush(&mut self, who: &[usize]) {
        for index in who {
            self.flush(*index, true);
        }
    }

    /// What was notified is due now. The names are looked up at this moment: a handler defined later wins.
    pub(super) fn flush(&mut self, index: usize, implicit: bool) {
        let handlers = self.playing.handlers();
        let Some(member) = self.members.get_mut(index) else { return };
        for name in std::mem::take(&mut member.notifications) {
            member.due.extend(handlers.named(&name));
        }
        if implicit && member.due.is_empty() {
            return member.cursor.advance();
        }
        let message = format!("triggered running handlers for {}", member.host);
        self.run.events.emit(Event::Meta {
            host: Arc::clone(&member.host),
            message,
            skipped: false,
            implicit,
        });
        member.cursor.flush(Arc::clone(&handlers.items));
    }

    /// Makes one stop.
    async fn take(&mut self, task: &Arc<Task>, step: &Step) -> bool {
        let hosts: Vec<Arc<str>> = step
            .who
            .iter()
            .filter_map(|i| self.members.get(*i))
            .map(|m| Arc::clone(&m.host))
            .collect();
        let Some(first) = hosts.first() else { return false };
        let path = self.run.path(self.playing, task, &step.position);
        let leader = step.who.first().and_then(|index| self.members.get(*index));
        let handler = leader.is_some_and(|member| member.cursor.in_handlers());
        for index in &step.who {
            if let Some(member) = self.members.get_mut(*index) {
                member.due.remove(&identity(task));
            }
        }
        let site = Site { search: search_path(task, Some(&self.playing.directory)).into() };
        let scope: Arc<dyn Scope> =
            HostScope::of_task(&self.run.world, self.playing, first, task, Map::new());
        let reader = Reader { templar: &self.run.templar, scope: &scope, site: &site };
        let name = shown_name(task, &reader);
        let check = matches!(reader.flag(&task.lineage, "check_mode"), Ok(Some(true)))
            || (self.run.options.check
                && !matches!(reader.flag(&task.lineage, "check_mode"), Ok(Some(false))));
        self.run.events.emit(Event::TaskStarted {
            path: Arc::from(path.as_str()),
            name: name.clone(),
            action: action_name(task),
            place: shown_place(task),
            hosts: hosts.clone(),
            handler,
            check,
        });
        match &task.action {
            Action::Meta(action) => self.meta(task, action.as_str(), &step.who).await,
            Action::IncludeTasks { .. } | Action::IncludeRole(_) => {
                let (once, fatal) = self.together(task, &reader);
                let (runners, others) = step.who.split_at(if once { 1 } else { step.who.len() });
                let failed = self.include(task, &name, &path, runners);
                self.follow(others, &failed, fatal)
            }
            _ => self.modules(task, &name, &path, &step.who, &reader).await,
        }
    }

    /// Runs a module task on these members and applies the outcomes in host order.
    async fn modules(
        &mut self,
        task: &Arc<Task>,
        name: &str,
        path: &str,
        who: &[usize],
        reader: &Reader<'_>,
    ) -> bool {
        let (once, fatal) = self.together(task, reader);
        let (runners, others) = who.split_at(if once { 1 } else { who.len() });
        let outcomes = self.run_on(task, name, path, runners, reader).await;
        let mut failed: Vec<usize> = Vec::new();
        for (index, done) in outcomes {
            if !done.ignored && matches!(done.verdict, Verdict::Failed | Verdict::Unreachable) {
                failed.push(index);
            }
            if once {
                self.share(&done, index);
            }
            self.run.record(&self.host_of(index), path, &done);
            self.apply(index, task, done);
        }
        self.follow(others, &failed, fatal)
    }

    /// Whether a task runs on the first host for all, and whether one failure of it fails the whole batch.
    fn together(&self, task: &Arc<Task>, reader: &Reader<'_>) -> (bool, bool) {
        let flag = |keyword| reader.flag(&task.lineage, keyword).ok().flatten();
        if self.alone {
            return (false, false);
        }
        let once = self.run.bypasses_hosts(task) || flag("run_once").unwrap_or(false);
        let any = flag("any_errors_fatal").unwrap_or(self.run.options.any_errors_fatal);
        (once, (any || once) && !flag("ignore_errors").unwrap_or(false))
    }

    /// What a task that has ended means for hosts that did not run it. Returns whether the play must stop.
    fn follow(&mut self, others: &[usize], failed: &[usize], fatal: bool) -> bool {
        if failed.is_empty() {
            for index in others {
                if let Some(member) = self.members.get_mut(*index) {
                    member.cursor.advance();
                }
            }
        } else if fatal {
            self.spread_failure(failed);
        }
        self.too_many_failures()
    }

    fn host_of(&self, index: usize) -> Arc<str> {
        self.members.get(index).map_or_else(|| Arc::from(""), |m| Arc::clone(&m.host))
    }

    async fn run_on(
        &self,
        task: &Arc<Task>,
        name: &str,
        path: &str,
        who: &[usize],
        reader: &Reader<'_>,
    ) -> Vec<(usize, Done)> {
        let throttle = reader
            .value(&task.lineage, "throttle")
            .ok()
            .flatten()
            .and_then(|v| super::keywords::as_int(&v))
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n > 0)
            .unwrap_or(usize::MAX);
        let at_once = self.run.options.forks.min(throttle).max(1);
        let work = who.iter().filter_map(|index| Some((*index, self.members.get(*index)?)));
        let futures = work.map(|(index, member)| async move {
            let doing = Doing::new(self.run, self.playing, task, &member.host, name, path);
            (index, doing.run().await)
        });
        let mut outcomes: Vec<(usize, Done)> =
            futures::stream::iter(futures).buffer_unordered(at_once).collect().await;
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes
    }

    /// `run_once`: the result, facts and registers of the first host are those of all.
    fn share(&self, done: &Done, from: usize) {
        let Some(first) = self.members.get(from).map(|m| Arc::clone(&m.host)) else { return };
        let others =
            self.members.iter().filter(|m| m.host != first && m.out != Some(Out::Unreachable));
        for member in others {
            for (host, ask) in &done.asks {
                let copied = matches!(
                    ask,
                    crate::modules::Ask::SetFact { .. } | crate::modules::Ask::IncludeVars(_)
                );
                if *host == first && copied {
                    self.run.grant(&member.host, ask);
                }
            }
            for (host, facts) in &done.facts {
                if *host == first {
                    self.run.learn_facts(&member.host, facts);
                }
            }
        }
    }

    /// Applies an outcome to the run's state and the member's cursor.
    pub(super) fn apply(&mut self, index: usize, task: &Arc<Task>, done: Done) {
        for (host, facts) in &done.facts {
            self.run.learn_facts(host, facts);
        }
        for (host, ask) in &done.asks {
            self.run.grant(host, ask);
        }
        self.notify(index, task, &done);
        let Some(member) = self.members.get_mut(index) else { return };
        if let Some(role) = task.lineage.role()
            && matches!(done.verdict, Verdict::Ok | Verdict::Failed)
        {
            member.cursor.mark_ran(role);
        }
        match done.verdict {
            Verdict::Unreachable if !done.ignored => {
                member.cursor.advance();
                self.lose(index, Out::Unreachable);
            }
            Verdict::Failed if !done.ignored => self.fail(index, task, done.result),
            _ => member.cursor.advance(),
        }
    }

    fn notify(&mut self, index: usize, task: &Arc<Task>, done: &Done) {
        if done.notify.is_empty() {
            return;
        }
        let handlers = self.playing.handlers();
        for warning in &handlers.unusable {
            self.run.warn_once(warning.clone());
        }
        for name in &done.notify {
            if handlers.named(name).is_empty() {
                self.run.missing_handler(name, task);
                continue;
            }
            let Some(member) = self.members.get_mut(index) else { continue };
            if member.cursor.in_handlers() {
                member.due.extend(handlers.named(name));
            } else if !member.notifications.contains(name) {
                member.notifications.push(name.clone());
            }
        }
    }

    /// A member's task failed. If a rescue takes it, it sees which task that was.
    pub(super) fn fail(&mut self, index: usize, task: &Arc<Task>, result: Map) {
        let Some(member) = self.members.get(index) else { return };
        if member.cursor.has_rescue() {
            let host = Arc::clone(&member.host);
            self.run.world.set(&host, "ansible_failed_task", described(task));
            self.run.world.set(&host, "ansible_failed_result", Value::Map(result));
            self.run.events.emit(Event::Rescued { host });
        } else {
            self.playing.leave(&member.host);
        }
        self.unwind(index);
    }

    fn unwind(&mut self, index: usize) {
        if let Some(member) = self.members.get_mut(index)
            && member.cursor.fail() == Consequence::Out
        {
            self.lose(index, Out::Failed);
        }
    }

    /// A member leaves the play.
    pub(super) fn lose(&mut self, index: usize, how: Out) {
        if let Some(member) = self.members.get_mut(index) {
            member.out = Some(how);
            if how != Out::Ended {
                self.run.lose(&member.host, how);
                self.playing.leave(&member.host);
            }
        }
    }

    /// The others fail at the same place, so that their blocks' `rescue` and `always` run.
    fn spread_failure(&mut self, failed: &[usize]) {
        for index in 0..self.members.len() {
            let active = self.members.get(index).is_some_and(|m| m.out.is_none());
            if active && !failed.contains(&index) {
                self.unwind(index);
            }
        }
    }

    /// `max_fail_percentage`: strictly more failed hosts than this share of the batch. Hosts that failed but still run
    /// an `always` count as soon as they are out.
    fn too_many_failures(&mut self) -> bool {
        let Some(limit) = self.max_fail else { return false };
        let failed = self.members.iter().filter(|m| m.out == Some(Out::Failed)).count();
        #[expect(clippy::cast_precision_loss, reason = "counts of hosts")]
        let share = failed as f64 / self.size.max(1) as f64;
        if failed == 0 || share <= limit / 100.0 {
            return false;
        }
        for index in 0..self.members.len() {
            if self.members.get(index).is_some_and(|m| m.out.is_none()) {
                self.lose(index, Out::Failed);
            }
        }
        self.run.events.emit(Event::NoMoreHosts);
        true
    }
}

fn same(a: &Stop, b: &Stop) -> bool {
    match (a, b) {
        (Stop::Flush, Stop::Flush) => true,
        (Stop::Task(a), Stop::Task(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

/// A task as `ansible_failed_task` shows it.
fn described(task: &Task) -> Value {
    let mut map = Map::new();
    let name = task
        .lineage
        .keywords
        .name
        .as_ref()
        .map_or_else(|| action_name(task), std::string::ToString::to_string);
    map.insert("name", name);
    map.insert("action", action_name(task));
    Value::Map(map)
}
