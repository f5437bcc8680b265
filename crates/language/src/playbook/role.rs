//! A role for one use: its directory, variables, dependencies, tasks and handlers.

use super::ast::{Action, BlockKind, Item, Keywords, Lineage, Role, Task};
use super::check::shape;
use super::import::{FROM, block};
use super::keyword::ROLE;
use super::keywords::{Read, text_of};
use super::reader::{Here, Reader};
use super::role_files::Meta;
use crate::diag::{Diagnostic, Place};
use crate::value::{Map, Text, Value, repr};
use crate::yaml::{Node, NodeKind};
use indexmap::IndexMap;
use std::path::Path;
use std::sync::Arc;

/// How a role is used.
pub(super) struct RoleUse {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) params: Map,
    pub(super) keywords: Keywords,
    /// `tasks_from` … → file.
    pub(super) from: IndexMap<&'static str, String>,
    /// The use's own word; else the role's.
    pub(super) allow_duplicates: Option<bool>,
    pub(super) public: bool,
    pub(super) validate: bool,
    /// Another role depends on it.
    pub(super) dependency: bool,
}

/// A role with what it runs.
pub(super) struct LoadedRole {
    pub(super) role: Arc<Role>,
    pub(super) lineage: Arc<Lineage>,
    /// Blocks of the dependencies, the check of the arguments, the tasks.
    pub(super) items: Vec<Item>,
    /// Handlers of the dependencies, then its own.
    pub(super) handlers: Vec<Item>,
}

impl Reader<'_> {
    /// `roles:` of a play: one block for each; the handlers go to `handlers`.
    pub(super) fn roles(
        &mut self,
        node: &Node,
        here: &Here,
        handlers: &mut Vec<Item>,
    ) -> Vec<Item> {
        let NodeKind::List(entries) = &node.kind else {
            if !node.is_null() {
                let message = format!("\"roles\" must be a list of roles, not {}", shape(node));
                self.error(Diagnostic::error(message).at(&node.place));
            }
            return Vec::new();
        };
        let mut items = Vec::new();
        for entry in entries {
            let Some(used) = self.role_entry(entry, here) else { continue };
            let Some(loaded) = self.role(used, here) else { continue };
            self.roles.push(Arc::clone(&loaded.role));
            handlers.extend(loaded.handlers);
            items.push(block(loaded.lineage, loaded.items));
        }
        items
    }

    /// An entry of `roles:` or of `dependencies:`.
    fn role_entry(&mut self, node: &Node, here: &Here) -> Option<RoleUse> {
        let (name, read) = match &node.kind {
            NodeKind::Scalar(Value::Text(_)) => (node, None),
            NodeKind::Map(_) => {
                let read = self.read(node, ROLE)?;
                let named = ["role", "name", "src"].iter().find_map(|key| node.get(key));
                let Some(name) = named else {
                    let wrong = Diagnostic::error("the entry names no role").at(&node.place);
                    self.error(wrong.hint("write it as `- role: name`"));
                    return None;
                };
                (name, Some(read))
            }
            _ => {
                let message = format!("a role must be a name or a map, not {}", shape(node));
                self.error(Diagnostic::error(message).at(&node.place));
                return None;
            }
        };
        let (mut keywords, params) = match read {
            Some(read) => entry_parts(read),
            None => (Keywords::default(), Map::new()),
        };
        keywords.name = None;
        let mut written = text_of(name)?;
        if node.get("src").is_some_and(|src| std::ptr::eq(src, name)) {
            written = Text::written(required_name(written.as_str()), name.place.clone());
        }
        let mut own = keywords.vars.clone();
        own.extend_with(&params);
        let name = self.static_name(&written.into(), &name.place, here, &own)?;
        Some(RoleUse {
            name: name.as_str().to_owned(),
            place: node.place.clone(),
            params,
            keywords,
            from: IndexMap::new(),
            allow_duplicates: None,
            public: self.loader.exports_roles(true),
            validate: true,
            dependency: here.parent.role().is_some(),
        })
    }

    /// Loads a role under `here`. What is wrong with it is reported.
    pub(super) fn role(&mut self, used: RoleUse, here: &Here) -> Option<LoadedRole> {
        let loader = self.loader;
        let path = match loader.find_role(&used.name, &here.parent, &self.directory) {
            Ok(path) => path,
            Err(wrong) => {
                self.error(wrong.at(&used.place));
                return None;
            }
        };
        if self.is_circle(&path, &used, here) {
            return None;
        }
        let before = self.found.0.len();
        let (place, name) = (used.place.clone(), used.name.clone());
        let result = self.role_at(&path, used, here);
        for wrong in self.found.0.iter_mut().skip(before) {
            if wrong.place.as_ref().is_none_or(|p| p.source != place.source) {
                wrong.chain.push((format!("in role {name:?}, used at"), place.clone()));
            }
        }
        Some(result)
    }

    /// A role that imports or depends on itself. Between includes it may come again: they happen while hosts run.
    fn is_circle(&mut self, path: &Path, used: &RoleUse, here: &Here) -> bool {
        const OTHER_FILES: usize = 20;
        let around: Vec<_> = here
            .parent
            .levels()
            .take_while(|level| !matches!(level.kind, BlockKind::Include { .. }))
            .filter_map(|level| match &level.kind {
                BlockKind::Role(role) => Some(role),
                _ => None,
            })
            .collect();
        let again = around.iter().filter(|role| role.path == path).count();
        let allowed = if used.from.is_empty() { 0 } else { OTHER_FILES };
        if again <= allowed {
            return false;
        }
        let names: Vec<_> = around.iter().map(|role| role.name.as_str()).take(5).collect();
        let hint = format!("it is used by {}", names.join(", which is used by "));
        let message = format!("the role {:?} leads to itself", used.name);
        self.error(Diagnostic::error(message).at(&used.place).hint(hint));
        true
    }

    fn role_at(&mut self, path: &Path, used: RoleUse, here: &Here) -> LoadedRole {
        let meta = self.role_meta(path, &used.place);
        let file = |option: &str| used.from.get(option).map(String::as_str);
        let defaults = self.role_vars(path, "defaults", file("defaults_from"), &used.place);
        let vars = self.role_vars(path, "vars", file("vars_from"), &used.place);
        let identity = identity(path, &used);
        let parents = match here.parent.role() {
            Some(user) if used.dependency => user.parents.clone(),
            Some(user) => [&[user.name.clone()][..], &user.parents].concat(),
            None => Vec::new(),
        };
        let name = used.name.rsplit('/').next().unwrap_or(&used.name).to_owned();
        let entry = file("tasks_from").map_or("main", entry_point).to_owned();
        let mut role = Role {
            name,
            path: path.to_path_buf(),
            defaults,
            vars,
            params: used.params,
            allow_duplicates: used.allow_duplicates.unwrap_or(meta.allow_duplicates),
            dependencies: Vec::new(),
            parents,
            argument_spec: meta.specs.get(&entry).and_then(Value::as_map).cloned(),
            public: used.public,
            identity,
        };
        let mut keywords = used.keywords;
        if let Some(collections) = &meta.collections {
            keywords.simple.entry("collections").or_insert_with(|| collections.clone());
        }
        let (mut items, mut handlers) = (Vec::new(), Vec::new());
        self.dependencies(
            &mut role,
            &meta,
            &keywords,
            here,
            &mut items,
            &mut handlers,
            &used.place,
        );
        let role = Arc::new(role);
        let kind = BlockKind::Role(Arc::clone(&role));
        let lineage = here.level(keywords, kind, &used.place);
        let inside = Here { parent: Arc::clone(&lineage), handlers: false };
        if used.validate {
            items.extend(
                role.argument_spec.as_ref().map(|spec| check_task(spec, &entry, &role, &inside)),
            );
        }
        items.extend(self.role_list(
            path,
            "tasks",
            used.from.get("tasks_from"),
            &inside,
            &used.place,
        ));
        let inside = Here { parent: Arc::clone(&lineage), handlers: true };
        handlers.extend(self.role_list(
            path,
            "handlers",
            used.from.get("handlers_from"),
            &inside,
            &used.place,
        ));
        LoadedRole { role, lineage, items, handlers }
    }

    /// Loads the dependencies under a level of this role, so that they have its keywords, variables and parameters.
    #[expect(clippy::too_many_arguments, reason = "two outputs of one walk")]
    fn dependencies(
        &mut self,
        role: &mut Role,
        meta: &Meta,
        keywords: &Keywords,
        here: &Here,
        items: &mut Vec<Item>,
        handlers: &mut Vec<Item>,
        place: &Place,
    ) {
        if meta.dependencies.is_empty() {
            return;
        }
        let kind = BlockKind::Role(Arc::new(role.copy()));
        // `vars:` of an entry are for its own tasks; parameters and vars of the role reach its dependencies.
        let keywords = Keywords { vars: Map::new(), ..keywords.clone() };
        let inside = here.under(here.level(keywords, kind, place));
        for entry in &meta.dependencies {
            let Some(used) = self.role_entry(entry, &inside) else { continue };
            let Some(loaded) = self.role(used, &inside) else { continue };
            items.push(block(loaded.lineage, loaded.items));
            handlers.extend(loaded.handlers);
            role.dependencies.push(loaded.role);
        }
    }

    fn role_list(
        &mut self,
        path: &Path,
        part: &str,
        from: Option<&String>,
        here: &Here,
        place: &Place,
    ) -> Vec<Item> {
        let directory = path.join(part);
        let stem = from.map_or("main", String::as_str);
        let Some(file) = self.loader.entry(&directory, stem, from.is_some()) else {
            if let Some(from) = from.filter(|_| self.loader.is_directory(&directory)) {
                let message = format!("the role has no file {part}/{from}");
                self.error(Diagnostic::error(message).at(place));
            }
            return Vec::new();
        };
        if !self.is_inside(&file, &directory, place) {
            return Vec::new();
        }
        let Some(parsed) = self.open(&file, "used at", place) else { return Vec::new() };
        match &parsed.node {
            Some(node) => self.items(node, here, &format!("a file of {part}")),
            None => Vec::new(),
        }
    }

    /// Whether a file that a use of a role names is one of the role's own; if not, that is reported.
    pub(super) fn is_inside(&mut self, file: &Path, directory: &Path, place: &Place) -> bool {
        let inside = self.loader.absolute(file).starts_with(self.loader.absolute(directory));
        if !inside {
            let (file, directory) = (self.loader.shown(file), self.loader.shown(directory));
            let message = format!(
                "{file} cannot be used, as it is not inside the expected role path {directory}"
            );
            self.error(Diagnostic::error(message).at(place));
        }
        inside
    }
}

impl Role {
    fn copy(&self) -> Self {
        Self {
            name: self.name.clone(),
            path: self.path.clone(),
            defaults: self.defaults.clone(),
            vars: self.vars.clone(),
            params: self.params.clone(),
            allow_duplicates: self.allow_duplicates,
            dependencies: Vec::new(),
            parents: self.parents.clone(),
            argument_spec: self.argument_spec.clone(),
            public: self.public,
            identity: Arc::clone(&self.identity),
        }
    }
}

/// Keywords and parameters of an entry.
fn entry_parts(read: Read<'_>) -> (Keywords, Map) {
    let mut params = Map::new();
    for (name, _, value) in &read.rest {
        params.insert(Value::text(*name), value.to_value());
    }
    (read.keywords, params)
}

/// The name of a role that a dependency requires by its source: `git+https://host/my-role.git,v1` → `my-role`.
fn required_name(source: &str) -> &str {
    let mut parts = source.split(',');
    let (address, name) = (parts.next().unwrap_or(source), parts.nth(1));
    let last = address.rsplit('/').next().unwrap_or(address);
    name.unwrap_or_else(|| {
        [".git", ".tar.gz"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last)
    })
}

/// `install.yml` → `install`.
fn entry_point(file: &str) -> &str {
    [".yml", ".yaml", ".json"].iter().find_map(|e| file.strip_suffix(e)).unwrap_or(file)
}

/// Equal for two uses of a role that count as the same.
fn identity(path: &Path, used: &RoleUse) -> Arc<str> {
    let keywords = &used.keywords;
    let tags: Vec<_> = keywords.tags.iter().map(Text::as_str).collect();
    let from: Vec<_> = FROM.iter().filter_map(|(o, _)| Some((o, used.from.get(o)?))).collect();
    // Only imports and includes say it themselves; they never count as the same as an entry of `roles:`.
    let included = used.allow_duplicates.is_some();
    format!(
        "{included} {} {} {} {} {tags:?} {from:?} {}",
        used.name,
        path.display(),
        repr(&Value::Map(used.params.clone())),
        repr(&Value::list(keywords.when.clone())),
        repr(&Value::Map(keywords.vars.clone())),
    )
    .into()
}

/// The task that checks the variables against the spec before anything else of the role runs.
fn check_task(spec: &Map, entry: &str, role: &Role, here: &Here) -> Item {
    let place = here.parent.place.clone();
    let mut name = format!("Validating arguments against arg spec '{entry}'");
    if let Some(description) = spec.get("short_description") {
        name = format!("{name} - {}", crate::value::string(description));
    }
    let context: Map = [
        ("type", Value::text("role")),
        ("name", Value::text(role.path.file_name().unwrap_or_default().to_string_lossy())),
        ("argument_spec_name", Value::text(entry)),
        ("path", Value::text(role.path.display().to_string())),
    ]
    .into_iter()
    .map(|(k, v)| (Value::text(k), v))
    .collect();
    let mut args = Map::new();
    args.insert("argument_spec", spec.get("options").cloned().unwrap_or_else(|| Map::new().into()));
    args.insert("provided_arguments", role.params.clone());
    args.insert("validate_args_context", context);
    let keywords = Keywords {
        name: Some(Text::computed(name)),
        tags: vec![Text::computed("always")],
        ..Keywords::default()
    };
    let parent = Some(Arc::clone(&here.parent));
    let lineage = super::reader::lineage(keywords, BlockKind::Task, parent, &place);
    let name = "validate_argument_spec".to_owned();
    let action = Action::Module { written: name.clone(), name, args: args.into() };
    Item::Task(Arc::new(Task::plain(lineage, action)))
}

impl Task {
    /// A task without loop, register and conditions of its own.
    #[must_use]
    pub fn plain(lineage: Arc<Lineage>, action: Action) -> Self {
        Self {
            lineage,
            action,
            looped: None,
            loop_control: Map::new(),
            register: None,
            changed_when: Vec::new(),
            failed_when: Vec::new(),
            until: Vec::new(),
            retries: None,
            delay: None,
            asynchronous: None,
            poll: None,
            listen: Vec::new(),
        }
    }
}
