//! `include_tasks` and `include_role`: hosts that resolve an include alike get the same items.

use super::items::Looping;
use super::keywords::{Problem, as_bool, conditions};
use super::party::Party;
use super::task::{Doing, Done};
use crate::event::{Event, Verdict};
use indexmap::IndexMap;
use mainstay_language::diag::{Diagnostic, Diagnostics};
use mainstay_language::playbook::{Action, Include, Item, Lineage, RoleOptions, Task};
use mainstay_language::value::{Map, Scope, Value, string};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// One include as a host resolved it.
#[derive(Clone)]
struct Wanted {
    /// What is included, with the variables of its item: equal keys share the loaded items.
    key: String,
    what: What,
    /// Variables of the loop item, for the included tasks.
    locals: Map,
    label: Option<String>,
}

#[derive(Clone)]
enum What {
    File(PathBuf),
    Role(RoleOptions),
}

impl Party<'_> {
    /// Resolves the include on each member, loads what is new, and sends the members there. Returns the members on which
    /// it failed.
    pub(super) fn include(
        &mut self,
        task: &Arc<Task>,
        name: &str,
        path: &str,
        who: &[usize],
    ) -> Vec<usize> {
        let mut failed = Vec::new();
        let mut wanted: Vec<(usize, Vec<Wanted>)> = Vec::new();
        for index in who {
            match self.resolve(task, name, path, *index) {
                Ok((list, None)) => wanted.push((*index, list)),
                Ok((_, Some(done))) => {
                    self.end_include(*index, task, name, path, done, &mut failed);
                }
                Err(problem) => {
                    self.end_include(*index, task, name, path, Done::problem(problem), &mut failed);
                }
            }
        }
        let mut loaded: HashMap<String, Result<Vec<Item>, Diagnostics>> = HashMap::new();
        #[expect(clippy::type_complexity, reason = "it lives for these lines")]
        let mut order: Vec<(String, Option<String>, Vec<Arc<str>>, String)> = Vec::new();
        for (index, list) in &wanted {
            let Some(host) = self.members.get(*index).map(|m| Arc::clone(&m.host)) else {
                continue;
            };
            for one in list {
                if !loaded.contains_key(&one.key) {
                    let items = self.load(task, one, self.in_handlers(&host));
                    loaded.insert(one.key.clone(), items);
                }
                match order.iter_mut().find(|(key, ..)| *key == one.key) {
                    Some((_, _, hosts, _)) => hosts.push(Arc::clone(&host)),
                    None => order.push((
                        one.key.clone(),
                        one.label.clone(),
                        vec![Arc::clone(&host)],
                        shown(one),
                    )),
                }
            }
        }
        for (key, label, hosts, file) in order {
            if matches!(loaded.get(&key), Some(Ok(_))) {
                self.run.events.emit(Event::Included { file, hosts, label });
            }
        }
        for (index, list) in wanted {
            match entered(&list, &loaded) {
                Ok(items) => {
                    if let Some(member) = self.members.get_mut(index) {
                        member.cursor.include(items);
                    }
                }
                Err(diagnostic) => {
                    let done = Done::problem(diagnostic.into());
                    self.end_include(index, task, name, path, done, &mut failed);
                }
            }
        }
        failed
    }

    /// An include that failed or was skipped on a host ends as a task does.
    fn end_include(
        &mut self,
        index: usize,
        task: &Arc<Task>,
        name: &str,
        path: &str,
        done: Done,
        failed: &mut Vec<usize>,
    ) {
        let Some(host) = self.members.get(index).map(|m| Arc::clone(&m.host)) else { return };
        let doing = Doing::new(self.run, self.playing, task, &host, name, path);
        let scope = doing.scope(&Map::new());
        let done = doing.conclude(done, &scope);
        if done.verdict == Verdict::Failed && !done.ignored {
            failed.push(index);
        }
        self.apply(index, task, done);
    }

    /// What a member includes; or how the task ended without including anything.
    fn resolve(
        &self,
        task: &Arc<Task>,
        name: &str,
        path: &str,
        index: usize,
    ) -> Result<(Vec<Wanted>, Option<Done>), Problem> {
        let Some(member) = self.members.get(index) else { return Ok((Vec::new(), None)) };
        let doing = Doing::new(self.run, self.playing, task, &member.host, name, path);
        let scope = doing.scope(&Map::new());
        let looping = match Looping::of(&doing, &scope) {
            Ok(looping) => looping,
            Err(problem) => {
                return match first_false(&doing, &scope) {
                    Ok(Some(condition)) => Ok((Vec::new(), Some(Done::skipped(&condition)))),
                    _ => Err(problem),
                };
            }
        };
        let Some(looping) = looping else {
            if let Some(condition) = first_false(&doing, &scope)? {
                return Ok((Vec::new(), Some(Done::skipped(&condition))));
            }
            let what = self.what(&doing, &scope)?;
            return Ok((vec![wanted(what, Map::new(), None)], None));
        };
        let mut list = Vec::new();
        let mut skipped = None;
        for nth in 0..looping.items.len() {
            let locals = looping.locals(nth);
            let scope = doing.scope(&locals);
            if let Some(condition) = first_false(&doing, &scope)? {
                skipped = Some(Done::skipped(&condition));
                continue;
            }
            let label = looping.label(&doing, nth, &scope)?;
            list.push(wanted(self.what(&doing, &scope)?, locals, Some(label)));
        }
        if list.is_empty() {
            let empty = || {
                let mut result = Map::new();
                result.insert("changed", false);
                result.insert("skipped", true);
                result.insert("skipped_reason", "No items in the list");
                Done::new(result, Verdict::Skipped)
            };
            return Ok((list, Some(skipped.unwrap_or_else(empty))));
        }
        Ok((list, None))
    }

    fn what(&self, doing: &Doing<'_>, scope: &Arc<dyn Scope>) -> Result<What, Problem> {
        let render = |raw: &Value| self.run.templar.render(raw, scope, &doing.site);
        match &doing.task.action {
            Action::IncludeTasks { file, .. } => {
                let name = string(&render(file)?);
                let parent = enclosing(doing.task);
                let handlers = self.in_handlers(doing.host);
                let found = self.run.loader.resolve_tasks_file(
                    &name,
                    parent,
                    handlers,
                    &self.playing.directory,
                );
                Ok(What::File(found.map_err(|d| d.at(&doing.task.lineage.place))?))
            }
            Action::IncludeRole(include) => {
                let flag = |raw: &Value, default: bool| -> Result<bool, Problem> {
                    Ok(as_bool(&render(raw)?).unwrap_or(default))
                };
                let mut from = IndexMap::new();
                for (option, raw) in &include.from {
                    let file = render(raw)?;
                    if !matches!(file, Value::Omit | Value::Null) {
                        from.insert(*option, string(&file));
                    }
                }
                Ok(What::Role(RoleOptions {
                    name: string(&render(&include.name)?),
                    from,
                    public: flag(&include.public, false)?,
                    allow_duplicates: flag(&include.allow_duplicates, true)?,
                    validate: flag(&include.validate, true)?,
                }))
            }
            _ => Err(Diagnostic::error("not an include").at(&doing.task.lineage.place).into()),
        }
    }

    fn in_handlers(&self, host: &str) -> bool {
        self.members.iter().any(|m| *m.host == *host && m.cursor.at_handler())
    }

    /// Loads the items of one include.
    fn load(
        &self,
        task: &Arc<Task>,
        one: &Wanted,
        handlers: bool,
    ) -> Result<Vec<Item>, Diagnostics> {
        let mut vars = task.lineage.keywords.vars.clone();
        vars.extend_with(&one.locals);
        let apply = match &task.action {
            Action::IncludeTasks { apply, .. } => apply,
            Action::IncludeRole(include) => &include.apply,
            _ => return Ok(Vec::new()),
        };
        let include = Include {
            parent: enclosing(task),
            apply,
            vars,
            place: &task.lineage.place,
            handlers,
            playbook_directory: &self.playing.directory,
        };
        let included = match &one.what {
            What::File(file) => self.run.loader.tasks_file(file, &include)?,
            What::Role(options) => self.run.loader.role(options, &include)?.1,
        };
        for role in &included.roles {
            self.playing.export(role);
        }
        self.playing.add_handlers(self.run, included.handlers);
        Ok(included.items)
    }
}

/// The items of everything that a member includes, or why one of them could not be loaded.
fn entered(
    list: &[Wanted],
    loaded: &HashMap<String, Result<Vec<Item>, Diagnostics>>,
) -> Result<Vec<Item>, Diagnostic> {
    let mut items: Vec<Item> = Vec::new();
    for one in list {
        match loaded.get(&one.key) {
            Some(Ok(more)) => items.extend(more.iter().cloned()),
            Some(Err(diagnostics)) => return Err(first_of(diagnostics)),
            None => {}
        }
    }
    Ok(items)
}

/// What encloses a task.
fn enclosing(task: &Arc<Task>) -> &Arc<Lineage> {
    task.lineage.parent.as_ref().unwrap_or(&task.lineage)
}

fn first_false(doing: &Doing<'_>, scope: &Arc<dyn Scope>) -> Result<Option<Value>, Problem> {
    for condition in conditions(doing.task) {
        if !doing.run.templar.condition(condition, scope, &doing.site)? {
            return Ok(Some(condition.clone()));
        }
    }
    Ok(None)
}

fn wanted(what: What, locals: Map, label: Option<String>) -> Wanted {
    let name = match &what {
        What::File(file) => file.display().to_string(),
        What::Role(role) => format!("{} {:?}", role.name, role.from),
    };
    let key = format!("{name} {:?}", Value::Map(locals.clone()));
    Wanted { key, what, locals, label }
}

fn shown(one: &Wanted) -> String {
    match &one.what {
        What::File(file) => file.display().to_string(),
        What::Role(role) => role.name.clone(),
    }
}

/// The first error; the others of the same file are its notes.
fn first_of(diagnostics: &Diagnostics) -> Diagnostic {
    let mut all = diagnostics.0.iter();
    let first = all.next().cloned().unwrap_or_else(|| Diagnostic::error("the include failed"));
    all.filter_map(|d| d.place.as_ref().map(|place| (d.message.clone(), place)))
        .fold(first, |first, (message, place)| first.via(message, place))
}
