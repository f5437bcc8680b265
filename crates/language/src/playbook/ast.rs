//! The tree that the engine walks.
//!
//! A play has sections; a section is a list of items; an item is a task or a block. Roles and static imports are blocks
//! too. Every task and block knows its [`Lineage`]: the chain of keywords from itself up to the play.

use crate::diag::Place;
use crate::value::{Map, Text, Value};
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The plays of one run, imports expanded, in order.
#[derive(Debug, Default)]
pub struct Playbook {
    /// In order of execution.
    pub plays: Vec<Arc<Play>>,
}

/// One play.
#[derive(Debug)]
pub struct Play {
    /// Keywords and the start of every lineage.
    pub lineage: Arc<Lineage>,
    /// A pattern or a list of patterns, raw.
    pub hosts: Value,
    /// Keywords of plays alone, raw, by name: `gather_facts`, `gather_subset`, `gather_timeout`, `fact_path`, `serial`,
    /// `max_fail_percentage`, `strategy`, `order`, `force_handlers`, `vars_files`.
    pub only: IndexMap<&'static str, Value>,
    /// `vars_prompt` entries as maps, raw.
    pub vars_prompt: Vec<Map>,
    /// `pre_tasks`, then `roles` and `tasks` (roles first), then `post_tasks`.
    pub sections: [Vec<Item>; 3],
    /// Role handlers in role order, then the play's own: definition order.
    pub handlers: Vec<Item>,
    /// Roles of `roles:`, then those of every `import_role` that is not private, in order (`ansible_play_role_names`,
    /// exported defaults and vars). Their dependencies are in [`Role::dependencies`].
    pub roles: Vec<Arc<Role>>,
    /// The `maintenance:` keyword: raw, its keys already checked.
    pub maintenance: Option<Maintenance>,
    /// The file it is in.
    pub file: PathBuf,
    /// Directory of the playbook file on the command line or in `import_playbook`.
    pub directory: PathBuf,
}

/// Index into [`Play::sections`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// `pre_tasks`
    Pre = 0,
    /// `roles` and `tasks`
    Main = 1,
    /// `post_tasks`
    Post = 2,
}

/// `maintenance:` as written. The engine renders and types it when the play starts; the loader has refused unknown keys.
#[derive(Debug)]
pub struct Maintenance {
    /// Where.
    pub place: Place,
    /// Key → raw value, nested as in the file.
    pub options: Map,
}

/// A task or a block.
#[derive(Debug, Clone)]
pub enum Item {
    /// One task.
    Task(Arc<Task>),
    /// Several items with `rescue` and `always`.
    Block(Arc<Block>),
}

/// Items grouped by a block, a role or a static import.
#[derive(Debug)]
pub struct Block {
    /// Its keywords and what encloses it; its kind is [`BlockKind`].
    pub lineage: Arc<Lineage>,
    /// The items.
    pub items: Vec<Item>,
    /// Run if an item fails.
    pub rescue: Vec<Item>,
    /// Run in any case but loss of the host.
    pub always: Vec<Item>,
}

/// One link of the chain from a task up to its play.
#[derive(Debug)]
pub struct Lineage {
    /// Keywords written on this level.
    pub keywords: Keywords,
    /// What this level is.
    pub kind: BlockKind,
    /// The enclosing level; none for a play.
    pub parent: Option<Arc<Lineage>>,
    /// Where this level is written.
    pub place: Place,
    /// Room for what the engine derives once a level (merged variables…).
    pub derived: OnceLock<Arc<dyn std::any::Any + Send + Sync>>,
}

/// What a level of a lineage is.
#[derive(Debug, Clone)]
pub enum BlockKind {
    /// The play itself.
    Play,
    /// A `block:`.
    Block,
    /// A task (of any kind, the include tasks too).
    Task,
    /// The content of a role (from `roles:`, a dependency, `import_role` or `include_role`).
    Role(Arc<Role>),
    /// The content of `import_tasks` (keywords of the import task apply to it).
    Import {
        /// The imported file.
        file: PathBuf,
    },
    /// The content of `include_tasks` for one include: `apply:` keywords, and `vars:` of the include task as include params.
    Include {
        /// The included file.
        file: PathBuf,
    },
}

/// Keywords that plays, roles, blocks and tasks share. Raw: rendered by the engine in the scope of the host.
/// `None` or empty = not written on this level.
#[derive(Debug, Default, Clone)]
pub struct Keywords {
    /// `name`
    pub name: Option<Text>,
    /// `vars` (the loader has turned a list of maps into one map)
    pub vars: Map,
    /// `when`: every element must hold; a bool literal stays a bool
    pub when: Vec<Value>,
    /// `tags`: texts (comma lists already split); may hold templates
    pub tags: Vec<Text>,
    /// `environment`: maps or templates, in order of merging
    pub environment: Vec<Value>,
    /// `module_defaults`: module name → arguments
    pub module_defaults: Vec<Value>,
    /// `notify`: names
    pub notify: Vec<Text>,
    /// Every other shared keyword by its name, raw: `become become_user become_method become_flags become_exe check_mode
    /// diff no_log ignore_errors ignore_unreachable any_errors_fatal max_fail_percentage delegate_to delegate_facts
    /// run_once throttle timeout connection remote_user port collections debugger`.
    pub simple: IndexMap<&'static str, Value>,
    /// Place of each keyword that was written, by name (for errors and carets).
    pub places: IndexMap<&'static str, Place>,
}

/// One task, of any kind.
#[derive(Debug)]
pub struct Task {
    /// Its own keywords (kind [`BlockKind::Task`]) and what encloses it.
    pub lineage: Arc<Lineage>,
    /// What it does.
    pub action: Action,
    /// `loop` or `with_X`.
    pub looped: Option<Loop>,
    /// `loop_control`: `label`, `loop_var`, `index_var`, `pause`, `extended`, `extended_allitems`, `break_when`. Raw.
    pub loop_control: Map,
    /// `register`
    pub register: Option<Value>,
    /// `changed_when`, all must hold
    pub changed_when: Vec<Value>,
    /// `failed_when`, all must hold
    pub failed_when: Vec<Value>,
    /// `until`, all must hold
    pub until: Vec<Value>,
    /// `retries`
    pub retries: Option<Value>,
    /// `delay`
    pub delay: Option<Value>,
    /// `async`
    pub asynchronous: Option<Value>,
    /// `poll`
    pub poll: Option<Value>,
    /// `listen` of a handler: topics, not templates
    pub listen: Vec<Text>,
}

/// `loop:` or `with_X:`.
#[derive(Debug, Clone)]
pub enum Loop {
    /// `loop: EXPRESSION or list`
    List(Value),
    /// `with_X: terms`
    With {
        /// X, a lookup name.
        lookup: String,
        /// Raw terms.
        terms: Value,
    },
}

/// What a task does.
#[derive(Debug, Clone)]
pub enum Action {
    /// A module.
    Module {
        /// As written (`ansible.builtin.copy`), for messages.
        written: String,
        /// Its canonical short name (`copy`) as the module table knows it. `kubernetes.core.k8s_drain` → `k8s_drain`.
        name: String,
        /// Raw arguments. Free-form text is under `_raw_params`; `args:` is merged in, the module's own winning.
        args: Value,
    },
    /// `action: "{{ name }} …"`: the module's name is known only on execution.
    Dynamic {
        /// The raw template or map.
        spec: Value,
        /// `args:`
        args: Value,
    },
    /// `meta: X`
    Meta(Text),
    /// `include_tasks` (with `apply`)
    IncludeTasks {
        /// Raw file name.
        file: Value,
        /// Keywords of `apply:`.
        apply: Box<Keywords>,
    },
    /// `include_role` (with `apply`)
    IncludeRole(Box<RoleInclude>),
}

/// `include_role`'s arguments, raw.
#[derive(Debug, Clone)]
pub struct RoleInclude {
    /// Raw role name.
    pub name: Value,
    /// `tasks_from`, `vars_from`, `defaults_from`, `handlers_from`
    pub from: IndexMap<&'static str, Value>,
    /// Exports the role's vars and defaults to the rest of the play.
    pub public: Value,
    /// May run more than once for the same parameters (default true for includes).
    pub allow_duplicates: Value,
    /// `rolespec_validate`
    pub validate: Value,
    /// Keywords of `apply:`.
    pub apply: Box<Keywords>,
}

/// A role as loaded for one use.
#[derive(Debug)]
pub struct Role {
    /// Its name as used.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// `defaults/main` (or `defaults_from`)
    pub defaults: Map,
    /// `vars/main` (or `vars_from`)
    pub vars: Map,
    /// Role parameters: keys of the role entry that are not keywords (precedence level 20).
    pub params: Map,
    /// `meta/main: allow_duplicates`, or the use's own.
    pub allow_duplicates: bool,
    /// Its dependencies, loaded, outermost first.
    pub dependencies: Vec<Arc<Role>>,
    /// Names of the roles whose `import_role` or `include_role` led here, innermost first (`ansible_parent_role_names`); a
    /// dependency has those of its user.
    pub parents: Vec<String>,
    /// The spec of the entry point from `meta/argument_specs` (or `meta/main: argument_specs`), if there is one.
    pub argument_spec: Option<Map>,
    /// From `import_role`/`include_role`/`roles:`: whether vars and defaults are seen by the rest of the play.
    pub public: bool,
    /// Equal for uses that count as the same: same role, parameters, `when`, `tags`, `vars` and `*_from`. A host that has
    /// run a role to its end does not run another use with the same identity in the play, unless one of them allows
    /// duplicates.
    pub identity: Arc<str>,
}

impl Lineage {
    /// From this level up to the play.
    pub fn levels(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Lineage>> {
        std::iter::successors(Some(self), |level| level.parent.as_ref())
    }

    /// The value of a shared keyword on the nearest level that has it.
    #[must_use]
    pub fn nearest(self: &Arc<Self>, keyword: &str) -> Option<&Value> {
        self.levels().find_map(|level| level.keywords.simple.get(keyword))
    }

    /// Where the nearest level wrote a keyword.
    #[must_use]
    pub fn place_of(self: &Arc<Self>, keyword: &str) -> Option<&Place> {
        self.levels().find_map(|level| level.keywords.places.get(keyword))
    }

    /// The role that this level is in.
    #[must_use]
    pub fn role(self: &Arc<Self>) -> Option<&Arc<Role>> {
        self.levels().find_map(|level| match &level.kind {
            BlockKind::Role(role) => Some(role),
            _ => None,
        })
    }

    /// All tags, own first.
    pub fn tags(self: &Arc<Self>) -> impl Iterator<Item = &Text> {
        self.levels().flat_map(|level| &level.keywords.tags)
    }
}
