//! `import_tasks` and `import_role` (expanded here), `include_tasks` and `include_role` (kept for the run).

use super::action::Call;
use super::ast::{Action, Block, BlockKind, Item, Keywords, RoleInclude};
use super::check::{self, shape};
use super::keyword::{BLOCK, nearest};
use super::keywords::Read;
use super::reader::{Here, Reader};
use super::role::RoleUse;
use crate::diag::Diagnostic;
use crate::value::{Map, Value, string};
use crate::yaml::{Node, NodeKind};
use indexmap::IndexMap;
use std::sync::Arc;

/// Options that choose other files of a role, and the directory each chooses in.
pub(super) const FROM: [(&str, &str); 4] = [
    ("tasks_from", "tasks"),
    ("vars_from", "vars"),
    ("defaults_from", "defaults"),
    ("handlers_from", "handlers"),
];

const ROLE_FLAGS: [&str; 3] = ["public", "allow_duplicates", "rolespec_validate"];

impl Reader<'_> {
    /// The content of the imported file as a block with the keywords of the task.
    pub(super) fn import_tasks(
        &mut self,
        read: Read<'_>,
        call: &Call<'_>,
        looped: bool,
        here: &Here,
    ) -> Option<Item> {
        self.not_looped(looped, call, "include_tasks");
        self.options(call, &["file"]);
        let name = self.file_name(call)?;
        let place = name.place().unwrap_or(call.place).clone();
        let name = self.static_name(&name, &place, here, &read.keywords.vars)?;
        let loader = self.loader;
        let found =
            loader.resolve_tasks_file(name.as_str(), &here.parent, here.handlers, &self.directory);
        let path = match found {
            Ok(path) => path,
            Err(wrong) => {
                self.error(wrong.at(&place));
                return None;
            }
        };
        self.idle(&read, call);
        let mut static_levels = here
            .parent
            .levels()
            .take_while(|level| !matches!(level.kind, BlockKind::Include { .. }));
        let circle = static_levels
            .any(|level| matches!(&level.kind, BlockKind::Import { file } if *file == path));
        if circle {
            let message = format!("{} imports itself", loader.shown(&path));
            let wrong = Diagnostic::error(message).at(&place);
            self.error(wrong.hint("include_tasks with a condition can include its own file"));
            return None;
        }
        let kind = BlockKind::Import { file: path.clone() };
        let lineage = here.level(read.keywords, kind, &read.place);
        let items =
            self.tasks_of(&path, "imported from", &place, &here.under(Arc::clone(&lineage)));
        Some(block(lineage, items))
    }

    /// The content of the imported role as a block with the keywords of the task.
    pub(super) fn import_role(
        &mut self,
        read: Read<'_>,
        call: &Call<'_>,
        looped: bool,
        here: &Here,
    ) -> Option<Item> {
        if here.handlers {
            let message = format!("Using '{}' as a handler is not supported.", call.written);
            self.error(Diagnostic::error(message).at(call.place));
            return None;
        }
        self.not_looped(looped, call, "include_role");
        self.idle(&read, call);
        let name = self.role_options(call, false)?;
        let place = name.place().unwrap_or(call.place).clone();
        let own = read.keywords.vars.clone();
        let name = self.static_name(&name, &place, here, &own)?;
        let mut from = IndexMap::new();
        for (option, _) in FROM {
            if let Some(value) = call.args.get(option) {
                let file = self.static_name(value, &place, here, &own)?;
                from.insert(option, file.as_str().to_owned());
            }
        }
        let flag = |option: &str, default: bool| call.args.get(option).map_or(default, is_yes);
        let used = RoleUse {
            name: name.as_str().to_owned(),
            place,
            params: Map::new(),
            keywords: read.keywords,
            from,
            allow_duplicates: Some(flag("allow_duplicates", true)),
            public: flag("public", self.loader.exports_roles(true)),
            validate: flag("rolespec_validate", true),
            dependency: false,
        };
        let loaded = self.role(used, here)?;
        self.handlers.extend(loaded.handlers);
        if loaded.role.public {
            self.roles.push(Arc::clone(&loaded.role));
        }
        Some(block(loaded.lineage, loaded.items))
    }

    /// `include_tasks`: only its name is kept.
    pub(super) fn include_tasks(&mut self, call: &Call<'_>) -> Option<Action> {
        self.options(call, &["file", "apply"]);
        let file = self.file_name(call)?;
        Some(Action::IncludeTasks { file, apply: Box::new(self.apply(call)) })
    }

    /// `include_role`: only its arguments are kept.
    pub(super) fn include_role(&mut self, call: &Call<'_>, here: &Here) -> Option<Action> {
        if here.handlers {
            let message = format!("Using '{}' as a handler is not supported.", call.written);
            self.error(Diagnostic::error(message).at(call.place));
            return None;
        }
        let name = self.role_options(call, true)?;
        let mut from = IndexMap::new();
        for (option, _) in FROM {
            if let Some(value) = call.args.get(option) {
                from.insert(option, value.clone());
            }
        }
        let flag = |option: &str, default: bool| {
            call.args.get(option).cloned().unwrap_or(Value::Bool(default))
        };
        Some(Action::IncludeRole(Box::new(RoleInclude {
            name,
            from,
            public: flag("public", self.loader.exports_roles(false)),
            allow_duplicates: flag("allow_duplicates", true),
            validate: flag("rolespec_validate", true),
            apply: Box::new(self.apply(call)),
        })))
    }

    /// Warns of keywords that belong to one task and reach no child.
    fn idle(&mut self, read: &Read<'_>, call: &Call<'_>) {
        for (name, (key, _)) in &read.own {
            if !["action", "local_action", "args", "loop"].contains(name) {
                let message = format!("{name:?} does nothing on {}", call.written);
                let warning = Diagnostic::warning(message).at(&key.place);
                self.error(warning.hint("put it on the tasks in the file"));
            }
        }
    }

    fn not_looped(&mut self, looped: bool, call: &Call<'_>, instead: &str) {
        if looped {
            let message =
                format!("{} cannot loop: it is expanded before any host is known", call.written);
            let wrong = Diagnostic::error(message).at(call.place);
            self.error(wrong.hint(format!("use {instead}")));
        }
    }

    /// The file of an import or include.
    fn file_name(&mut self, call: &Call<'_>) -> Option<Value> {
        let name = call.args.get("_raw_params").or_else(|| call.args.get("file"));
        if let Some(name) = name.filter(|n| n.is_true()) {
            return Some(trimmed(name));
        }
        let wrong = Diagnostic::error(format!("{} names no file", call.written)).at(call.place);
        self.error(wrong.hint(format!("write it as `{}: tasks.yml`", call.written)));
        None
    }

    /// Checks the options of a role import or include; its name.
    fn role_options(&mut self, call: &Call<'_>, include: bool) -> Option<Value> {
        let mut known = vec!["name", "role"];
        known.extend(FROM.map(|(option, _)| option));
        known.extend(ROLE_FLAGS);
        if include {
            known.push("apply");
        }
        self.options(call, &known);
        for flag in ROLE_FLAGS {
            if let Some(value) = call.args.get(flag)
                && !value.needs_rendering()
                && !check::is_bool(value)
            {
                let message = format!("{flag:?} must be true or false, not {:?}", string(value));
                self.error(Diagnostic::error(message).at(value.place().unwrap_or(call.place)));
            }
        }
        let name = call.args.get("name").or_else(|| call.args.get("role"));
        if let Some(name) = name.filter(|n| n.is_true()) {
            return Some(name.clone());
        }
        let wrong = Diagnostic::error(format!("{} names no role", call.written)).at(call.place);
        self.error(wrong.hint(format!("write it as `{}: {{name: role}}`", call.written)));
        None
    }

    /// Refuses options that are not known.
    fn options(&mut self, call: &Call<'_>, known: &[&str]) {
        for key in call.args.keys().filter_map(Value::as_str) {
            if known.contains(&key) || (key == "_raw_params" && known.contains(&"file")) {
                continue;
            }
            let place = call
                .value
                .and_then(|value| place_of_key(value, key))
                .or_else(|| call.value.map(|value| &value.place))
                .unwrap_or(call.place);
            let shown = if key.starts_with('_') { "text" } else { key };
            let message = format!("unknown option {shown:?} of {}", call.written);
            let wrong = Diagnostic::error(message).at(place);
            self.error(match nearest(key, known.iter().copied()) {
                Some(near) => wrong.hint(format!("did you mean {near:?}?")),
                None if key == "apply" => {
                    wrong.hint("keywords of the import itself reach every task in it")
                }
                None if key != "_raw_params" => {
                    wrong.hint("pass variables under `vars:` of the task")
                }
                None => wrong,
            });
        }
    }

    /// `apply:` keywords of an include.
    fn apply(&mut self, call: &Call<'_>) -> Keywords {
        let node = call.value.and_then(|value| value.get("apply"));
        let Some(node) = node else {
            if let Some(other) = call.args.get("apply") {
                let message = format!("\"apply\" must be a map of keywords, not {}", string(other));
                self.error(Diagnostic::error(message).at(call.place));
            }
            return Keywords::default();
        };
        if node.is_null() {
            return Keywords::default();
        }
        if !matches!(node.kind, NodeKind::Map(_)) {
            let message = format!("\"apply\" must be a map of keywords, not {}", shape(node));
            self.error(Diagnostic::error(message).at(&node.place));
            return Keywords::default();
        }
        let Some(read) = self.read(node, BLOCK) else { return Keywords::default() };
        self.refuse_rest(&read, BLOCK, "\"apply\"");
        for (name, (key, _)) in &read.own {
            self.error(Diagnostic::error(format!("{name:?} cannot be applied")).at(&key.place));
        }
        read.keywords
    }
}

/// A block without rescue and always.
pub(super) fn block(lineage: Arc<super::Lineage>, items: Vec<Item>) -> Item {
    Item::Block(Arc::new(Block { lineage, items, rescue: Vec::new(), always: Vec::new() }))
}

/// Whether a literal means true.
pub(super) fn is_yes(value: &Value) -> bool {
    match value {
        Value::Text(text) => ["yes", "y", "on", "1", "true", "t"]
            .contains(&text.as_str().trim().to_lowercase().as_str()),
        other => other.is_true(),
    }
}

fn trimmed(name: &Value) -> Value {
    use crate::value::Text;
    match name {
        Value::Text(text) if text.as_str().trim() != text.as_str() => match text.place() {
            Some(place) => Value::Text(Text::written(text.as_str().trim(), place.clone())),
            None => Value::text(text.as_str().trim()),
        },
        other => other.clone(),
    }
}

/// Where a key of a map is written.
pub(super) fn place_of_key<'n>(node: &'n Node, name: &str) -> Option<&'n crate::diag::Place> {
    match &node.kind {
        NodeKind::Map(entries) => {
            entries.iter().find(|(k, _)| k.as_str() == Some(name)).map(|(k, _)| &k.place)
        }
        _ => None,
    }
}
