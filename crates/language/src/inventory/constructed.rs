//! The `constructed` plugin: variables and groups computed from the variables of hosts.

use super::group_names::{GroupNames, InvalidGroupNames};
use super::load::Configured;
use super::model::Inventory;
use crate::diag::Diagnostic;
use crate::template::{Site, Templar};
use crate::value::{Map, Scope, Text, Value, string};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

/// Runs `plugin: constructed` with this renderer. Its options `compose`, `groups`, `keyed_groups`, `strict` and
/// `leading_separator` are known; `use_vars_plugins` and `use_extra_vars` are refused.
pub struct Constructed<'a>(pub &'a Templar);

impl Configured for Constructed<'_> {
    fn run(
        &self,
        name: &str,
        configuration: &Node,
        inventory: &mut Inventory,
    ) -> Option<Result<(), Diagnostic>> {
        matches!(name, "constructed" | "ansible.builtin.constructed")
            .then(|| Plugin::new(self.0, configuration)?.run(inventory))
    }
}

struct Plugin<'a> {
    templar: &'a Templar,
    strict: bool,
    leading_separator: bool,
    compose: &'a [(Node, Node)],
    groups: &'a [(Node, Node)],
    keyed: &'a [Node],
    names: GroupNames,
}

/// The variables of one host.
struct Vars(Map);

impl Scope for Vars {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().filter_map(|k| Some(k.as_str()?.into())).collect()
    }
}

impl<'a> Plugin<'a> {
    fn new(templar: &'a Templar, configuration: &'a Node) -> Result<Self, Diagnostic> {
        for key in ["use_vars_plugins", "use_extra_vars"] {
            if let Some(node) = configuration.get(key).filter(|n| n.to_value().is_true()) {
                return Err(
                    Diagnostic::error(format!("\"{key}\" is not supported")).at(&node.place)
                );
            }
        }
        Ok(Self {
            templar,
            strict: flag(configuration, "strict", false)?,
            leading_separator: flag(configuration, "leading_separator", true)?,
            compose: entries(configuration, "compose")?,
            groups: entries(configuration, "groups")?,
            keyed: match configuration.get("keyed_groups").map(|node| (&node.kind, node)) {
                None | Some((NodeKind::Scalar(Value::Null), _)) => &[],
                Some((NodeKind::List(items), _)) => items,
                Some((_, node)) => {
                    let why = Diagnostic::error("\"keyed_groups\" must be a list");
                    return Err(why.at(&node.place));
                }
            },
            names: GroupNames::new(InvalidGroupNames::Silently),
        })
    }

    fn run(mut self, inventory: &mut Inventory) -> Result<(), Diagnostic> {
        // All scopes first: groups made for one host must not make those of the next be computed again.
        let hosts: Vec<(Arc<str>, Map)> =
            inventory.hosts().map(|h| (Arc::clone(h.name()), scope(inventory, h.name()))).collect();
        for (host, mut vars) in hosts {
            let mut before: Arc<dyn Scope> = Arc::new(Vars(vars.clone()));
            for (name, expression) in self.compose {
                let name = string(&name.to_value());
                if let Some(value) = self.evaluate(expression, &before)? {
                    inventory.set_host_var(&host, &name, value.clone())?;
                    vars.insert(name, value);
                }
            }
            before = Arc::new(Vars(vars));
            for (name, condition) in self.groups {
                if self.evaluate(condition, &before)?.is_some_and(|value| value.is_true()) {
                    let group = self.names.safe(&string(&name.to_value()), &name.place);
                    inventory.add_group(&group)?;
                    inventory.join(&host, &group)?;
                }
            }
            for keyed in self.keyed {
                self.keyed_group(keyed, &host, &before, inventory)?;
            }
        }
        Ok(())
    }

    /// The value of an expression; none if it fails and nobody is strict.
    fn evaluate(
        &self,
        expression: &Node,
        vars: &Arc<dyn Scope>,
    ) -> Result<Option<Value>, Diagnostic> {
        let text = match &expression.kind {
            NodeKind::Scalar(Value::Text(text)) => text.clone(),
            NodeKind::Scalar(value) => Text::written(string(value), expression.place.clone()),
            _ => {
                let why = Diagnostic::error("an expression must be text");
                return Err(why.at(&expression.place));
            }
        };
        match self.templar.expression(&text, vars, &Site::default()) {
            Ok(value) => Ok(Some(value)),
            Err(error) if self.strict => Err(error.diagnostic.at(&expression.place)),
            Err(_) => Ok(None),
        }
    }

    fn keyed_group(
        &mut self,
        keyed: &Node,
        host: &str,
        vars: &Arc<dyn Scope>,
        inventory: &mut Inventory,
    ) -> Result<(), Diagnostic> {
        let NodeKind::Map(_) = keyed.kind else {
            return Err(Diagnostic::error("a keyed group must be a dictionary").at(&keyed.place));
        };
        let option =
            |name: &str| keyed.get(name).map(Node::to_value).filter(|v| !matches!(v, Value::Null));
        let default = option("default_value").map(|v| string(&v));
        let trailing = option("trailing_separator").map(|v| v.is_true());
        if default.is_some() && trailing.is_some() {
            return Err(Diagnostic::error(
                "\"default_value\" and \"trailing_separator\" exclude each other",
            )
            .at(&keyed.place));
        }
        let key = match keyed.get("key") {
            Some(key) => self.evaluate(key, vars)?,
            None if self.strict => {
                return Err(Diagnostic::error("a keyed group needs a \"key\"").at(&keyed.place));
            }
            None => None,
        };
        let Some(key) = key else { return Ok(()) };
        let named = key.is_true() || (is_empty(&key) && default.is_some());
        if !named {
            if self.strict && default.is_none() {
                let why = format!("the key of this group is empty for host \"{host}\"");
                return Err(Diagnostic::error(why).at(&keyed.place));
            }
            return Ok(());
        }
        let separator = option("separator").map_or("_".to_owned(), |v| string(&v));
        let prefix = option("prefix").map_or(String::new(), |v| string(&v));
        let parent = match keyed.get("parent_group").filter(|node| node.to_value().is_true()) {
            None => None,
            Some(node) => match self.templar.render(&node.to_value(), vars, &Site::default()) {
                Ok(name) => Some(self.names.safe(&string(&name), &node.place)),
                Err(error) if self.strict => return Err(error.diagnostic.at(&node.place)),
                Err(_) => return Ok(()),
            },
        };
        let names = raw_names(&key, &separator, default.as_deref(), trailing)
            .map_err(|d| d.at(&keyed.place))?;
        let glue = if prefix.is_empty() && !self.leading_separator { "" } else { &separator };
        for name in names {
            let group = self.names.safe(&format!("{prefix}{glue}{name}"), &keyed.place);
            inventory.add_group(&group)?;
            inventory.join(host, &group)?;
            if let Some(parent) = &parent {
                inventory.add_group(parent)?;
                inventory.add_child(parent, &group).map_err(|d| d.at(&keyed.place))?;
            }
        }
        Ok(())
    }
}

/// Whether the default stands for it.
fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Null) || value.as_str() == Some("")
}

/// The names a key stands for: text, the items of a list, the pairs of a dictionary.
fn raw_names(
    key: &Value,
    separator: &str,
    default: Option<&str>,
    trailing: Option<bool>,
) -> Result<Vec<String>, Diagnostic> {
    let or_default = |value: &Value| match default {
        Some(default) if is_empty(value) => default.to_owned(),
        _ => string(value),
    };
    match key {
        Value::Text(_) | Value::Null => Ok(vec![or_default(key)]),
        Value::List(items) => Ok(items.iter().map(or_default).collect()),
        Value::Map(map) => Ok(map
            .iter()
            .map(|(name, value)| {
                let name = string(name);
                if is_empty(value) && trailing == Some(false) {
                    name
                } else {
                    format!("{name}{separator}{}", or_default(value))
                }
            })
            .collect()),
        other => Err(Diagnostic::error(format!(
            "the key of a group must be text, a list or a dictionary; this is {}",
            other.type_name()
        ))),
    }
}

/// What inventory sources say of a host, and its names.
fn scope(inventory: &Inventory, host: &str) -> Map {
    let groups = inventory.host_groups(host);
    let mut vars = inventory.group("all").map(|all| all.vars().clone()).unwrap_or_default();
    for group in groups.merge_order.iter().filter_map(|name| inventory.group(name)) {
        vars.extend_with(group.vars());
    }
    if let Some(known) = inventory.host(host) {
        if let Some(origin) = known.origin() {
            vars.insert("inventory_file", Arc::clone(&origin.file));
            vars.insert("inventory_dir", origin.dir.clone());
        }
        vars.extend_with(known.vars());
        vars.insert("inventory_hostname", Arc::clone(known.name()));
        vars.insert("inventory_hostname_short", known.short_name());
    }
    vars.insert("group_names", groups.names);
    vars
}

fn flag(configuration: &Node, key: &str, default: bool) -> Result<bool, Diagnostic> {
    match configuration.get(key).map(|node| (node.to_value(), node)) {
        None | Some((Value::Null, _)) => Ok(default),
        Some((Value::Bool(b), _)) => Ok(b),
        Some((_, node)) => {
            Err(Diagnostic::error(format!("\"{key}\" must be true or false")).at(&node.place))
        }
    }
}

fn entries<'n>(configuration: &'n Node, key: &str) -> Result<&'n [(Node, Node)], Diagnostic> {
    match configuration.get(key).map(|node| (&node.kind, node)) {
        None | Some((NodeKind::Scalar(Value::Null), _)) => Ok(&[]),
        Some((NodeKind::Map(entries), _)) => Ok(entries),
        Some((_, node)) => {
            Err(Diagnostic::error(format!("\"{key}\" must be a dictionary")).at(&node.place))
        }
    }
}
