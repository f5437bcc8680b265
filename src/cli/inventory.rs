//! `ansible-inventory`: what the inventory says, without connecting to anything.

use super::args::Inventory as Args;
use super::exit;
use super::ground::Ground;
use super::refusal::{Refusal, tell};
use super::terminal::say;
use mainstay_language::diag::Diagnostic;
use mainstay_language::inventory::{ExportVars, Files, Group, Inventory};
use mainstay_language::value::{Map, Value};
use mainstay_language::vars::{HashBehaviour, HostVars, combine};
use mainstay_language::yaml::{EmitOptions, emit};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Prints it and returns the exit code.
#[must_use]
pub(super) fn run(args: &Args) -> u8 {
    inner(args).unwrap_or_else(Refusal::tell)
}

fn inner(args: &Args) -> Result<u8, Refusal> {
    let message = match [args.list, args.graph, args.host.is_some()]
        .iter()
        .filter(|chosen| **chosen)
        .count()
    {
        1 => None,
        0 => Some(
            "No action selected, at least one of --host, --graph or --list needs to be specified.",
        ),
        _ => Some(
            "Conflicting options used, only one of --host, --graph or --list can be used at the same time.",
        ),
    };
    if let Some(message) = message {
        return Err(Refusal::because(exit::BAD_OPTION, message));
    }
    let ground = Ground::lay(&args.sources, &[])?;
    let mut warnings = ground.warnings.clone();
    let directory = ground.directory(args.playbook_dir.as_deref());
    let files = ground.files();
    let merged = HostVars::new(
        &ground.loaded.directories,
        &[directory],
        HashBehaviour::Replace,
        files,
        &mut warnings,
    );
    let inventory = &ground.loaded.inventory;
    let only =
        ground.limit.as_ref().map(|limit| inventory.matching(limit).hosts.into_iter().collect());
    let vars = Exported {
        inventory,
        merged: &merged,
        files,
        extra: &ground.extra,
        only,
        wrong: Mutex::default(),
    };
    let text = shown(args, inventory, &vars);
    warnings.0.extend(merged.take_warnings().0);
    warnings.0.iter().for_each(tell);
    if let Some(wrong) = vars.wrong.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(Refusal::new(exit::GENERAL, wrong));
    }
    write(args, &ground, &text?)?;
    Ok(exit::DONE)
}

fn shown(args: &Args, inventory: &Inventory, vars: &Exported<'_>) -> Result<String, Refusal> {
    let bad = |message: &str, hint: String| {
        Refusal::new(exit::BAD_OPTION, Diagnostic::error(message).hint(hint))
    };
    if let Some(host) = &args.host {
        let no_host = || {
            bad(
                "You must pass a single valid host to --host parameter",
                format!("there is no host {host}"),
            )
        };
        if args.yaml {
            let known = inventory.host(host).ok_or_else(no_host)?;
            return Ok(yaml(&Value::Map(visible(&vars.host(known.name())))));
        }
        return inventory.to_host(host, vars).ok_or_else(no_host);
    }
    if args.graph {
        let group = args.group.as_deref().unwrap_or("all");
        let exported: Option<&dyn ExportVars> = if args.vars { Some(vars) } else { None };
        return inventory.to_graph(group, exported).ok_or_else(|| {
            bad(
                "Pattern must be valid group name when using --graph",
                format!("there is no group {group}"),
            )
        });
    }
    if args.yaml { Ok(yaml(&tree(inventory, vars))) } else { Ok(inventory.to_list(vars)) }
}

fn write(args: &Args, ground: &Ground, text: &str) -> Result<(), Refusal> {
    match &args.output {
        None => say(text).map_err(|e| Refusal::because(exit::JOURNAL, e.to_string())),
        Some(path) => ground
            .outside
            .write(&ground.outside.directory().join(path), format!("{text}\n").as_bytes(), 0o644)
            .map_err(|e| {
                Refusal::because(exit::GENERAL, format!("cannot write {}: {e}", path.display()))
            }),
    }
}

fn yaml(value: &Value) -> String {
    emit(value, &EmitOptions { flow: Some(false), sort_keys: true, ..EmitOptions::default() })
        .trim_end()
        .to_owned()
}

/// Groups as a tree; the variables of a host stand where it comes first.
fn tree(inventory: &Inventory, vars: &Exported<'_>) -> Value {
    let mut told = HashSet::new();
    let mut out = Map::new();
    if let Some(all) = inventory.group("all") {
        out.insert("all", Value::Map(branch(inventory, all, vars, &mut told)));
    }
    Value::Map(out)
}

fn branch(
    inventory: &Inventory,
    group: &Group,
    vars: &Exported<'_>,
    told: &mut HashSet<Arc<str>>,
) -> Map {
    let mut children = Map::new();
    for child in inventory.children(group) {
        let inside = branch(inventory, child, vars, told);
        if !inside.is_empty() {
            children.insert(Arc::clone(child.name()), Value::Map(inside));
        }
    }
    let mut out = Map::new();
    if !children.is_empty() {
        out.insert("children", Value::Map(children));
    }
    let mut hosts = Map::new();
    if &**group.name() != "all" {
        for host in inventory.members(group).filter(|host| vars.shows(host.name())) {
            let first = told.insert(Arc::clone(host.name()));
            let own = if first { visible(&vars.host(host.name())) } else { Map::new() };
            hosts.insert(Arc::clone(host.name()), Value::Map(own));
        }
    }
    if !hosts.is_empty() {
        out.insert("hosts", Value::Map(hosts));
    }
    out
}

/// Without what follows from the inventory itself.
fn visible(vars: &Map) -> Map {
    let hidden = |name: &str| matches!(name, "inventory_file" | "inventory_dir");
    vars.iter()
        .filter(|(k, _)| !k.as_str().is_some_and(hidden))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// Variables as they are merged for a run; the first error is kept.
struct Exported<'a> {
    inventory: &'a Inventory,
    merged: &'a HostVars,
    files: Files<'a>,
    extra: &'a Map,
    only: Option<HashSet<Arc<str>>>,
    wrong: Mutex<Option<Diagnostic>>,
}

impl Exported<'_> {
    fn kept(&self, result: Result<Map, Diagnostic>) -> Map {
        result.unwrap_or_else(|diagnostic| {
            self.wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(diagnostic);
            Map::new()
        })
    }
}

impl ExportVars for Exported<'_> {
    fn host(&self, name: &str) -> Map {
        let mut vars = self.kept(self.merged.get(self.inventory, name, self.files));
        combine(&mut vars, self.extra, HashBehaviour::Replace);
        vars
    }

    fn group(&self, name: &str) -> Map {
        self.kept(self.merged.group(self.inventory, name, self.files))
    }

    fn shows(&self, host: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(host))
    }
}
