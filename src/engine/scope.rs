//! What a template sees on a host: layers of variables from low to high, and the magic ones above all.

use super::levels::Levels;
use super::playing::Playing;
use super::world::World;
use mainstay_language::playbook::{BlockKind, Task};
use mainstay_language::value::{Map, Scope, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The variables of a host: in a task, in a play, or outside of both (`hostvars`).
pub struct HostScope {
    world: Arc<World>,
    host: Arc<str>,
    playing: Option<Arc<Playing>>,
    task: Option<Arc<Task>>,
    /// Low to high.
    layers: Vec<Map>,
    /// Above everything: loop variables, `ansible_failed_task`, `ansible_delegated_vars`.
    locals: Map,
}

impl HostScope {
    /// As `hostvars` shows a host: without play and task.
    #[must_use]
    pub fn bare(world: &Arc<World>, host: &Arc<str>) -> Arc<Self> {
        let known = world.host(host);
        let layers = vec![
            world.inventory_vars(host),
            known.fact_vars,
            known.included,
            known.set,
            world.extra(),
        ];
        Arc::new(Self {
            world: Arc::clone(world),
            host: Arc::clone(host),
            playing: None,
            task: None,
            layers: without_empty(layers),
            locals: Map::new(),
        })
    }

    /// On a host in a play, for the keywords of the play and of the run.
    #[must_use]
    pub fn of_play(world: &Arc<World>, playing: &Arc<Playing>, host: &Arc<str>) -> Arc<Self> {
        let known = world.host(host);
        let exported = playing.exported();
        let layers = vec![
            exported.role_defaults.clone(),
            world.inventory_vars(host),
            known.fact_vars,
            playing.vars.clone(),
            playing.files_of(host),
            exported.role_vars.clone(),
            known.included,
            known.set,
            world.extra(),
        ];
        Arc::new(Self {
            world: Arc::clone(world),
            host: Arc::clone(host),
            playing: Some(Arc::clone(playing)),
            task: None,
            layers: without_empty(layers),
            locals: Map::new(),
        })
    }

    /// On a host in a task.
    #[must_use]
    pub fn of_task(
        world: &Arc<World>,
        playing: &Arc<Playing>,
        host: &Arc<str>,
        task: &Arc<Task>,
        locals: Map,
    ) -> Arc<Self> {
        let known = world.host(host);
        let exported = playing.exported();
        let levels = Levels::of(&task.lineage);
        let layers = vec![
            exported.role_defaults.clone(),
            levels.role_defaults.clone(),
            world.inventory_vars(host),
            known.fact_vars,
            playing.vars.clone(),
            playing.files_of(host),
            exported.role_vars.clone(),
            levels.role_vars.clone(),
            levels.vars.clone(),
            known.included,
            known.set,
            levels.role_params.clone(),
            levels.include_params.clone(),
            world.extra(),
        ];
        Arc::new(Self {
            world: Arc::clone(world),
            host: Arc::clone(host),
            playing: Some(Arc::clone(playing)),
            task: Some(Arc::clone(task)),
            layers: without_empty(layers),
            locals,
        })
    }

    /// The same with more variables on top.
    #[must_use]
    pub fn with(&self, locals: Map) -> Arc<Self> {
        let mut all = self.locals.clone();
        all.extend_with(&locals);
        Arc::new(Self {
            world: Arc::clone(&self.world),
            host: Arc::clone(&self.host),
            playing: self.playing.clone(),
            task: self.task.clone(),
            layers: self.layers.clone(),
            locals: all,
        })
    }

    fn magic(&self, name: &str) -> Option<Value> {
        match name {
            "inventory_hostname"
            | "inventory_hostname_short"
            | "group_names"
            | "ansible_facts"
            | "inventory_file"
            | "inventory_dir"
                if self.host.is_empty() =>
            {
                None
            }
            "inventory_hostname" => Some(Value::Text(self.host_text())),
            "inventory_hostname_short" => {
                Some(Value::text(self.host.split('.').next().unwrap_or(&self.host)))
            }
            "hostvars" => Some(Value::Scope(Arc::new(AllHosts { world: Arc::clone(&self.world) }))),
            "vars" => Some(Value::Scope(self.with(Map::new()))),
            "groups" => Some(self.world.inventory().groups_value()),
            "group_names" => Some(self.world.group_names(&self.host)),
            "inventory_file" => Some(Value::text(Arc::clone(&self.world.origin(&self.host)?.file))),
            "inventory_dir" => Some(Value::text(self.world.origin(&self.host)?.dir?)),
            "ansible_facts" => Some(Value::Map(self.world.host(&self.host).facts)),
            "omit" => Some(Value::Omit),
            "environment" => self.task.as_ref().map(|task| environment(task)),
            _ => self
                .role_magic(name)
                .or_else(|| self.playing.as_ref()?.magic(name))
                .or_else(|| self.world.constants.get(name).cloned()),
        }
    }

    fn host_text(&self) -> mainstay_language::value::Text {
        mainstay_language::value::Text::computed(Arc::clone(&self.host))
    }

    fn role_magic(&self, name: &str) -> Option<Value> {
        let task = self.task.as_ref()?;
        if name == "ansible_search_path" {
            let paths = search_path(task, self.playing.as_ref().map(|p| p.directory.as_path()));
            return Some(Value::from(paths.iter().map(|p| path_text(p)).collect::<Vec<_>>()));
        }
        if !matches!(
            name,
            "role_name"
                | "role_path"
                | "role_uuid"
                | "ansible_role_name"
                | "ansible_parent_role_names"
                | "ansible_parent_role_paths"
                | "ansible_collection_name"
        ) {
            return None;
        }
        let role = task.lineage.role()?;
        match name {
            "role_name" | "ansible_role_name" => Some(Value::text(role.name.as_str())),
            "role_path" => Some(path_text(&role.path)),
            "ansible_parent_role_names" if !role.parents.is_empty() => {
                Some(Value::from(role.parents.clone()))
            }
            _ => None,
        }
    }
}

impl Scope for HostScope {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.locals.get(name) {
            return Some(value.clone());
        }
        if let Some(value) = self.magic(name) {
            return Some(value);
        }
        self.layers.iter().rev().find_map(|layer| layer.get(name)).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        const MAGIC: [&str; 9] = [
            "inventory_hostname",
            "inventory_hostname_short",
            "hostvars",
            "groups",
            "group_names",
            "inventory_file",
            "inventory_dir",
            "ansible_facts",
            "omit",
        ];
        let mut names: Vec<Arc<str>> = Vec::new();
        let keys = self.layers.iter().chain([&self.locals, &self.world.constants]);
        names.extend(keys.flat_map(|map| map.keys()).filter_map(|key| key.as_str().map(Arc::from)));
        names.extend(MAGIC.into_iter().filter(|name| self.magic(name).is_some()).map(Arc::from));
        if self.playing.is_some() {
            names.extend(Playing::MAGIC.into_iter().map(Arc::from));
        }
        names.sort();
        names.dedup();
        names
    }
}

fn without_empty(mut layers: Vec<Map>) -> Vec<Map> {
    layers.retain(|layer| !layer.is_empty());
    layers
}

fn environment(task: &Arc<Task>) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for level in task.lineage.levels() {
        all.extend(level.keywords.environment.iter().cloned());
    }
    Value::list(all)
}

/// A path as a computed text value.
#[must_use]
pub fn path_text(path: &Path) -> Value {
    Value::text(path.to_string_lossy().as_ref())
}

/// Where a task's relative files are looked for, in order: its roles inside out, the directory of the file that it is
/// written in, the playbook's directory.
#[must_use]
pub fn search_path(task: &Arc<Task>, playbook: Option<&Path>) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut add = |path: PathBuf| {
        if !paths.contains(&path) {
            paths.push(path);
        }
    };
    for level in task.lineage.levels() {
        match &level.kind {
            BlockKind::Role(role) => add(role.path.clone()),
            BlockKind::Import { file } | BlockKind::Include { file } => {
                if let Some(parent) = file.parent() {
                    add(parent.to_path_buf());
                }
            }
            _ => {}
        }
    }
    let file = Path::new(&task.lineage.place.source.name);
    if let Some(parent) = file.parent() {
        add(parent.to_path_buf());
    }
    if let Some(playbook) = playbook {
        add(playbook.to_path_buf());
    }
    paths
}

/// `hostvars`
struct AllHosts {
    world: Arc<World>,
}

impl Scope for AllHosts {
    fn get(&self, name: &str) -> Option<Value> {
        let host = Arc::clone(self.world.inventory().host(name)?.name());
        Some(Value::Scope(HostScope::bare(&self.world, &host)))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.world.inventory().hosts().map(|h| Arc::clone(h.name())).collect()
    }
}
