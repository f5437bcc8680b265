//! From the texts after `-i` to one inventory.

use super::files::{Files, document};
use super::group_names::{GroupNames, InvalidGroupNames};
use super::model::{Inventory, Origin};
use super::{address, ini, script, yaml};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::outside::FileKind;
use crate::yaml::{Node, NodeKind};
use regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A way of reading a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// `a,b,`: names with commas that are no file.
    HostList,
    /// The same with ranges.
    AdvancedHostList,
    /// An executable that prints JSON.
    Script,
    /// A YAML file that names its plugin.
    Auto,
    /// A YAML or JSON file.
    Yaml,
    /// An INI file.
    Ini,
    /// A TOML file: refused by name.
    Toml,
}

impl Plugin {
    /// By its name in `inventory.enable_plugins`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "host_list" => Self::HostList,
            "advanced_host_list" => Self::AdvancedHostList,
            "script" => Self::Script,
            "auto" => Self::Auto,
            "yaml" => Self::Yaml,
            "ini" => Self::Ini,
            "toml" => Self::Toml,
            _ => return None,
        })
    }
}

/// Settings of the loading of inventories; the defaults are Ansible's.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// What is tried with each source, in order (`enable_plugins`).
    pub plugins: Vec<Plugin>,
    /// Ends of the names of files in directories that are passed over (`ignore_extensions`).
    pub ignored_extensions: Vec<String>,
    /// Names of files in directories that are passed over: matched anywhere in the name (`ignore_patterns`).
    pub ignored_patterns: Vec<Regex>,
    /// What is done about group names that are no variable names (`force_valid_group_names`).
    pub invalid_group_names: InvalidGroupNames,
    /// A source that nothing can read is an error, not a warning (`any_unparsed_is_failed`).
    pub any_unparsed_is_failed: bool,
    /// It is an error if no source at all can be read (`unparsed_is_failed`).
    pub unparsed_is_failed: bool,
    /// It is at least a warning if no source can be read (`inventory_unparsed_warning`).
    pub unparsed_warning: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        use Plugin::{Auto, HostList, Ini, Script, Toml, Yaml};
        let ignored = [
            ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg",
            ".retry",
        ];
        Self {
            plugins: vec![HostList, Script, Auto, Yaml, Ini, Toml],
            ignored_extensions: ignored.map(str::to_owned).to_vec(),
            ignored_patterns: Vec::new(),
            invalid_group_names: InvalidGroupNames::Never,
            any_unparsed_is_failed: false,
            unparsed_is_failed: false,
            unparsed_warning: true,
        }
    }
}

/// What `plugin:` files ask for: plugins that need what this room has not (templates). `None` means: no such plugin.
pub trait Configured {
    /// Runs the plugin with this name and configuration over the inventory read so far. `None` if it is unknown.
    fn run(
        &self,
        name: &str,
        configuration: &Node,
        inventory: &mut Inventory,
    ) -> Option<Result<(), Diagnostic>>;
}

/// Knows no plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPlugins;

impl Configured for NoPlugins {
    fn run(&self, _: &str, _: &Node, _: &mut Inventory) -> Option<Result<(), Diagnostic>> {
        None
    }
}

/// An inventory and what should be known about how it was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The hosts and groups.
    pub inventory: Inventory,
    /// The directories of the sources, in order: where `group_vars` and `host_vars` are looked for.
    pub directories: Vec<PathBuf>,
    /// What the reader should know; warnings only.
    pub warnings: Diagnostics,
}

/// Reads all sources into one inventory; later ones win. A source that nothing can read is a warning with the reasons,
/// and leaves nothing behind.
///
/// # Errors
/// Where the options make errors of warnings.
pub fn load(
    sources: &[String],
    options: &LoadOptions,
    files: Files<'_>,
    configured: &dyn Configured,
) -> Result<Loaded, Diagnostics> {
    let mut loader = Loader {
        options,
        files,
        configured,
        inventory: Inventory::new(),
        names: GroupNames::new(options.invalid_group_names),
        diagnostics: Diagnostics::default(),
    };
    let mut any = false;
    let mut directories = Vec::new();
    for source in sources.iter().filter(|s| !s.is_empty()) {
        let path = files.absolute(source);
        let status = files.status(&path);
        if source.contains(',') && status.is_none() {
            any |= loader.host_list(source);
            continue;
        }
        let is_directory = status.is_some_and(|s| s.kind == FileKind::Directory);
        let directory = if is_directory { Some(path.as_path()) } else { path.parent() };
        directories.extend(directory.map(Path::to_path_buf));
        any |= loader.path(source, &path);
    }
    if !any && options.unparsed_is_failed {
        loader.diagnostics.push(Diagnostic::error("no inventory source could be read"));
    } else if !any && options.unparsed_warning {
        loader.diagnostics.push(
            Diagnostic::warning("no inventory source could be read: there is only localhost")
                .hint("give an inventory with -i"),
        );
    }
    let conflicts = loader.inventory.reconcile();
    loader.diagnostics.0.extend(conflicts);
    loader.diagnostics.0.extend(loader.names.warning());
    if loader.diagnostics.has_errors() {
        return Err(loader.diagnostics);
    }
    Ok(Loaded { inventory: loader.inventory, directories, warnings: loader.diagnostics })
}

struct Loader<'a> {
    options: &'a LoadOptions,
    files: Files<'a>,
    configured: &'a dyn Configured,
    inventory: Inventory,
    names: GroupNames,
    diagnostics: Diagnostics,
}

/// Why a plugin could not read a file.
type Refused = Diagnostics;

impl Loader<'_> {
    /// A file or a directory; whether anything in it could be read.
    fn path(&mut self, shown: &str, path: &Path) -> bool {
        match self.files.status(path).map(|s| s.kind) {
            Some(FileKind::Directory) => self.directory(shown, path),
            Some(_) => self.file(shown, path),
            None => self.unreadable(shown, vec![Diagnostic::error("there is no such file").into()]),
        }
    }

    fn directory(&mut self, shown: &str, path: &Path) -> bool {
        let entries = match self.files.outside.list(path) {
            Ok(entries) => entries,
            Err(e) => {
                let why = Diagnostic::error(format!("cannot list {shown}: {e}"));
                return self.unreadable(shown, vec![why.into()]);
            }
        };
        let mut any = false;
        for entry in entries {
            let Some(name) = entry.file_name().map(|n| n.to_string_lossy().into_owned()) else {
                continue;
            };
            if !self.is_ignored(&name) {
                let shown = format!("{}/{name}", shown.trim_end_matches('/'));
                any |= self.path(&shown, &entry);
            }
        }
        any || self.unreadable(shown, Vec::new())
    }

    fn is_ignored(&self, name: &str) -> bool {
        name.starts_with('.')
            || ["host_vars", "group_vars", "vars_plugins"].contains(&name)
            || self.options.ignored_extensions.iter().any(|end| name.ends_with(end.as_str()))
            || self.options.ignored_patterns.iter().any(|pattern| pattern.is_match(name))
    }

    fn file(&mut self, shown: &str, path: &Path) -> bool {
        let origin = Origin {
            file: path.display().to_string().into(),
            dir: path.parent().map(|d| d.display().to_string().into()),
        };
        let mut refused = Vec::new();
        let mut content = None;
        for plugin in &self.options.plugins {
            if let Some(result) = self.attempt(*plugin, path, &origin, &mut content) {
                match result {
                    Ok(()) => return true,
                    Err(why) => refused.push((*plugin, why)),
                }
            }
        }
        let is_yaml = path.extension().is_some_and(|e| e == "yml" || e == "yaml" || e == "json");
        // What a file looks like says whose reasons help: INI reads every line of YAML as a host, and the reverse.
        let helps = |plugin: Plugin| plugin == Plugin::Script || (plugin == Plugin::Ini) != is_yaml;
        if refused.iter().any(|(plugin, _)| helps(*plugin)) {
            refused.retain(|(plugin, _)| helps(*plugin));
        }
        self.unreadable(shown, refused.into_iter().map(|(_, why)| why).collect())
    }

    /// Tries a plugin; `None` if it is not made for such a file.
    fn attempt(
        &mut self,
        plugin: Plugin,
        path: &Path,
        origin: &Origin,
        read: &mut Option<Result<Node, Diagnostic>>,
    ) -> Option<Result<(), Refused>> {
        let extension = path.extension().map(|e| e.to_string_lossy().into_owned());
        let extension = extension.as_deref();
        match plugin {
            Plugin::HostList | Plugin::AdvancedHostList => None,
            Plugin::Script => {
                let executable = self.files.status(path).is_some_and(|s| s.executable);
                executable.then(|| {
                    let outside = self.files.outside;
                    self.try_on_copy(|inventory, names| {
                        script::load(inventory, path, outside, origin, names).map_err(Into::into)
                    })
                })
            }
            Plugin::Auto => self.auto(path, extension, read),
            Plugin::Yaml => self.yaml(path, origin, extension, read),
            Plugin::Ini => {
                if extension == Some("toml") {
                    return None;
                }
                let content = match self.files.read(path) {
                    Ok(content) => content,
                    Err(d) => return Some(Err(d.into())),
                };
                Some(
                    self.try_on_copy(|inventory, names| {
                        ini::load(inventory, &content, origin, names)
                    }),
                )
            }
            Plugin::Toml => (extension == Some("toml")).then(|| {
                Err(Diagnostic::error("TOML inventories are not supported")
                    .hint("write it as YAML or INI")
                    .into())
            }),
        }
    }

    /// A YAML file that names its plugin.
    fn auto(
        &mut self,
        path: &Path,
        extension: Option<&str>,
        read: &mut Option<Result<Node, Diagnostic>>,
    ) -> Option<Result<(), Refused>> {
        if !matches!(extension, Some("yml" | "yaml")) {
            return None;
        }
        let Ok(node) = self.document(path, read) else { return None };
        let plugin = node.get("plugin")?;
        let name = plugin.as_str().map(str::to_owned)?;
        let (place, node) = (plugin.place.clone(), node.clone());
        let configured = self.configured;
        Some(self.try_on_copy(|inventory, _| {
            configured
                .run(&name, &node, inventory)
                .unwrap_or_else(|| {
                    Err(Diagnostic::error(format!("inventory plugin \"{name}\" is not supported")))
                })
                .map_err(|d| d.at(&place).into())
        }))
    }

    /// A YAML file that is itself the inventory.
    fn yaml(
        &mut self,
        path: &Path,
        origin: &Origin,
        extension: Option<&str>,
        read: &mut Option<Result<Node, Diagnostic>>,
    ) -> Option<Result<(), Refused>> {
        if !matches!(extension, None | Some("yml" | "yaml" | "json")) {
            return None;
        }
        let node = match self.document(path, read) {
            Ok(node) => node.clone(),
            Err(d) => return Some(Err(d.clone().into())),
        };
        if matches!(&node.kind, NodeKind::Map(_))
            && node.get("plugin").is_some_and(|p| p.as_str().is_some())
        {
            return None;
        }
        if node.is_null() {
            return Some(Err(Diagnostic::error("the file is empty").into()));
        }
        let mut warnings = Diagnostics::default();
        let result = self.try_on_copy(|inventory, names| {
            yaml::load(inventory, &node, origin, names, &mut warnings).map_err(Into::into)
        });
        self.diagnostics.0.append(&mut warnings.0);
        Some(result)
    }

    /// The file as YAML, read once.
    fn document<'n>(
        &mut self,
        path: &Path,
        cell: &'n mut Option<Result<Node, Diagnostic>>,
    ) -> Result<&'n Node, &'n Diagnostic> {
        cell.get_or_insert_with(|| {
            let mut warnings = Diagnostics::default();
            let node = document(&self.files.read(path)?, &mut warnings)?;
            if matches!(node.kind, NodeKind::Map(_)) {
                self.diagnostics.0.append(&mut warnings.0);
            }
            Ok(node)
        })
        .as_ref()
    }

    /// Lets something read into a copy and keeps the copy if it could.
    fn try_on_copy(
        &mut self,
        read: impl FnOnce(&mut Inventory, &mut GroupNames) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let mut copy = self.inventory.clone();
        read(&mut copy, &mut self.names)?;
        self.inventory = copy;
        Ok(())
    }

    /// `a,b:22,`; with the advanced plugin also ranges.
    fn host_list(&mut self, source: &str) -> bool {
        let ranges = self.options.plugins.iter().find_map(|plugin| match plugin {
            Plugin::HostList => Some(false),
            Plugin::AdvancedHostList => Some(true),
            _ => None,
        });
        let Some(ranges) = ranges else { return self.unreadable(source, Vec::new()) };
        let origin = Origin { file: Arc::from(source), dir: None };
        let result = self.try_on_copy(|inventory, _| {
            for name in source.split(',').map(str::trim).filter(|n| !n.is_empty()) {
                let (hosts, port) = if ranges {
                    address::expand(name).map_err(|e| Diagnostics::from(Diagnostic::error(e)))?
                } else {
                    let (host, port) = address::parse_address(name, false).unwrap_or((name, None));
                    (vec![host.to_owned()], port)
                };
                for host in hosts {
                    let host = inventory.add_host(&host, port, Some(&origin))?;
                    inventory.join_at(host, super::model::UNGROUPED);
                }
            }
            Ok(())
        });
        match result {
            Ok(()) => true,
            Err(why) => self.unreadable(source, vec![why]),
        }
    }

    /// Says that and why a source could not be read; always false.
    fn unreadable(&mut self, shown: &str, refused: Vec<Refused>) -> bool {
        let severity =
            if self.options.any_unparsed_is_failed { Severity::Error } else { Severity::Warning };
        let said = format!("\"{shown}\" cannot be read as an inventory");
        let mut reasons: Vec<Diagnostic> = refused.into_iter().flat_map(|d| d.0).collect();
        match reasons.first_mut() {
            Some(first) if first.place.is_some() => {
                first.message = format!("{}; {said}", first.message);
            }
            Some(first) => first.message = format!("{said}: {}", first.message),
            None => reasons.push(Diagnostic::error(said)),
        }
        for mut why in reasons {
            why.severity = severity;
            if !self.diagnostics.0.contains(&why) {
                self.diagnostics.push(why);
            }
        }
        false
    }
}
