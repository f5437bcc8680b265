//! One play while it runs: what its variables and magic variables need to know.

use super::handlers::Handlers;
use super::levels::Levels;
use super::run::Run;
use super::scope::HostScope;
use super::scope::path_text;
use super::start_at::Start;
use super::world::World;
use mainstay_language::playbook::{BlockKind, Item, Play, Role};
use mainstay_language::template::Site;
use mainstay_language::value::{Map, Scope, Value};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A play that runs.
pub struct Playing {
    /// As loaded.
    pub play: Arc<Play>,
    /// Which play of the run, from 1.
    pub number: usize,
    /// Its name as shown.
    pub name: String,
    /// Levels 12 and 13: `vars` and `vars_prompt`.
    pub vars: Map,
    /// The playbook's directory.
    pub directory: PathBuf,
    /// Hosts of the play after `--limit`.
    pub all: Vec<Arc<str>>,
    moving: Mutex<Moving>,
}

/// What changes while the play runs.
#[derive(Default)]
struct Moving {
    batch: Vec<Arc<str>>,
    /// Where it starts, if not at the beginning.
    start: Option<Start>,
    /// A meta task ended the batch.
    ended: bool,
    gone: HashSet<Arc<str>>,
    files: HashMap<Arc<str>, Map>,
    exported: Arc<Levels>,
    handlers: Arc<Handlers>,
}

impl Playing {
    /// Magic variables of a play.
    pub const MAGIC: [&str; 8] = [
        "playbook_dir",
        "ansible_play_name",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_batch",
        "play_hosts",
        "ansible_role_names",
        "ansible_play_role_names",
    ];

    /// A play about to run on these hosts.
    #[must_use]
    pub fn new(
        play: &Arc<Play>,
        number: usize,
        name: String,
        vars: Map,
        all: Vec<Arc<str>>,
    ) -> Arc<Self> {
        let mut exported = Levels::default();
        for role in static_roles(play).iter().filter(|role| role.public) {
            exported.export(role);
        }
        let moving = Moving { exported: Arc::new(exported), ..Moving::default() };
        Arc::new(Self {
            play: Arc::clone(play),
            number,
            name,
            vars,
            directory: play.directory.clone(),
            all,
            moving: Mutex::new(moving),
        })
    }

    fn moving(&self) -> MutexGuard<'_, Moving> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a batch, perhaps not at the beginning.
    pub(super) fn begin_batch(&self, hosts: &[Arc<str>], start: Option<Start>) {
        let mut moving = self.moving();
        moving.start = start;
        moving.batch = hosts.to_vec();
        moving.ended = false;
    }

    /// Where the batch starts, if not at the beginning.
    pub(super) fn start(&self) -> Option<Start> {
        self.moving().start.clone()
    }

    /// Ends the batch: no host takes another step in it.
    pub fn end_batch(&self) {
        self.moving().ended = true;
    }

    /// Whether the batch was ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.moving().ended
    }

    /// A host has left the play.
    pub fn leave(&self, host: &Arc<str>) {
        self.moving().gone.insert(Arc::clone(host));
    }

    /// A host is back (`clear_host_errors`).
    pub fn come_back(&self, host: &Arc<str>) {
        self.moving().gone.remove(host);
    }

    /// Level 14 of a host: its `vars_files`.
    #[must_use]
    pub fn files_of(&self, host: &str) -> Map {
        self.moving().files.get(host).cloned().unwrap_or_default()
    }

    /// Sets level 14 of a host.
    pub fn set_files(&self, host: &Arc<str>, vars: Map) {
        self.moving().files.insert(Arc::clone(host), vars);
    }

    /// Defaults and vars that roles of the play export to all of it.
    #[must_use]
    pub fn exported(&self) -> Arc<Levels> {
        Arc::clone(&self.moving().exported)
    }

    /// A public `include_role` exports as well.
    pub fn export(&self, role: &Arc<Role>) {
        let mut moving = self.moving();
        let old = &moving.exported;
        let mut new = Levels {
            role_defaults: old.role_defaults.clone(),
            role_vars: old.role_vars.clone(),
            ..Levels::default()
        };
        new.export(role);
        moving.exported = Arc::new(new);
    }

    /// Hosts of the batch that are still in the play.
    #[must_use]
    pub fn batch(&self) -> Vec<Arc<str>> {
        let moving = self.moving();
        moving.batch.iter().filter(|host| !moving.gone.contains(*host)).cloned().collect()
    }

    /// Variables of the play without a host: for its own keywords, for tags and names of handlers.
    #[must_use]
    pub fn scope(self: &Arc<Self>, world: &Arc<World>) -> Arc<dyn Scope> {
        HostScope::of_play(world, self, &Arc::from(""))
    }

    /// Where the play's own lookups look.
    #[must_use]
    pub fn site(&self) -> Site {
        Site { search: vec![self.directory.clone()].into() }
    }

    /// The handlers at this moment.
    #[must_use]
    pub fn handlers(&self) -> Arc<Handlers> {
        Arc::clone(&self.moving().handlers)
    }

    /// More handlers, after those that there are (all of the play's when it begins, a role's when it is included).
    pub fn add_handlers(self: &Arc<Self>, run: &Run, more: Vec<Item>) {
        if more.is_empty() {
            return;
        }
        let scope = self.scope(&run.world);
        let site = self.site();
        let name_of = |task: &mainstay_language::playbook::Task| {
            let name = Value::Text(task.lineage.keywords.name.clone()?);
            Some(match run.templar.render(&name, &scope, &site) {
                Ok(rendered) => Ok(mainstay_language::value::string(&rendered)),
                Err(error) => Err(format!(
                    "Handler '{}' is unusable because it has no listen topics and its name cannot be rendered: {}",
                    mainstay_language::value::string(&name),
                    error.diagnostic.message
                )),
            })
        };
        let mut items: Vec<Item> = self.handlers().items.to_vec();
        items.extend(more);
        let handlers = Arc::new(Handlers::new(items, &name_of));
        self.moving().handlers = handlers;
    }

    fn live(&self) -> Vec<Arc<str>> {
        let moving = self.moving();
        self.all.iter().filter(|host| !moving.gone.contains(*host)).cloned().collect()
    }

    /// A magic variable of the play.
    #[must_use]
    pub fn magic(&self, name: &str) -> Option<Value> {
        match name {
            "playbook_dir" => Some(path_text(&self.directory)),
            "ansible_play_name" => Some(Value::text(self.name.as_str())),
            "ansible_play_hosts" | "play_hosts" => Some(Value::from(self.live())),
            "ansible_play_hosts_all" => Some(Value::from(self.all.clone())),
            "ansible_play_batch" => Some(Value::from(self.batch())),
            "ansible_play_role_names" => Some(names(&self.play.roles)),
            "ansible_role_names" => Some(names(&with_dependencies(&self.play.roles))),
            "ansible_dependent_role_names" => {
                let own: Vec<_> = self.play.roles.iter().map(|r| r.name.clone()).collect();
                let all = with_dependencies(&self.play.roles);
                let only: Vec<_> = all.iter().filter(|r| !own.contains(&r.name)).cloned().collect();
                Some(names(&only))
            }
            _ => None,
        }
    }
}

fn names(roles: &[Arc<Role>]) -> Value {
    let mut names: Vec<String> = Vec::new();
    for role in roles {
        if !names.contains(&role.name) {
            names.push(role.name.clone());
        }
    }
    Value::from(names)
}

fn with_dependencies(roles: &[Arc<Role>]) -> Vec<Arc<Role>> {
    let mut all = Vec::new();
    for role in roles {
        all.extend(with_dependencies(&role.dependencies));
        all.push(Arc::clone(role));
    }
    all
}

/// Roles of `roles:` and of every `import_role`, in order; what a role uses is before it and gives way to it.
fn static_roles(play: &Play) -> Vec<Arc<Role>> {
    fn walk(items: &[Item], found: &mut Vec<Arc<Role>>) {
        for item in items {
            if let Item::Block(block) = item {
                walk(&block.items, found);
                walk(&block.rescue, found);
                walk(&block.always, found);
                if let BlockKind::Role(role) = &block.lineage.kind {
                    found.push(Arc::clone(role));
                }
            }
        }
    }
    let mut found = Vec::new();
    for section in &play.sections {
        walk(section, &mut found);
    }
    walk(&play.handlers, &mut found);
    found
}
