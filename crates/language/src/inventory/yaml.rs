//! YAML inventories: groups with `hosts`, `vars` and `children`.

use super::address::expand;
use super::group_names::GroupNames;
use super::model::{Inventory, Origin};
use crate::diag::{Diagnostic, Diagnostics};
use crate::value::{Value, string};
use crate::yaml::{Node, NodeKind};

/// Reads a document into `inventory`. Keys that mean nothing are warned of.
///
/// # Errors
/// The first thing that has the wrong shape, with its place.
pub(super) fn load(
    inventory: &mut Inventory,
    document: &Node,
    origin: &Origin,
    names: &mut GroupNames,
    warnings: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let NodeKind::Map(groups) = &document.kind else {
        return Err(Diagnostic::error(format!(
            "a YAML inventory is a dictionary of groups; this is {}",
            kind(document)
        ))
        .at(&document.place));
    };
    if document.get("plugin").is_some_and(|p| !matches!(p.kind, NodeKind::Map(_))) {
        return Err(Diagnostic::error("this configures an inventory plugin, it is no inventory")
            .at(&document.place));
    }
    let mut yaml = Yaml { inventory, origin, names, warnings };
    for (name, group) in groups {
        yaml.group(name, group, false)?;
    }
    Ok(())
}

struct Yaml<'a> {
    inventory: &'a mut Inventory,
    origin: &'a Origin,
    names: &'a mut GroupNames,
    warnings: &'a mut Diagnostics,
}

/// The entries of a section; a text stands for one key without a value.
type Entries = Vec<(Node, Node)>;

impl Yaml<'_> {
    /// One group; its name. `inner` says that it is written as a child.
    fn group(&mut self, name: &Node, group: &Node, inner: bool) -> Result<String, Diagnostic> {
        let Some(written) = name.as_str() else {
            return Err(Diagnostic::error(format!(
                "the name of a group must be text; this is {}",
                kind(name)
            ))
            .at(&name.place));
        };
        let entries: &[(Node, Node)] = match &group.kind {
            NodeKind::Map(entries) => entries,
            NodeKind::Scalar(Value::Null) => &[],
            _ if inner => {
                return Err(Diagnostic::error(format!(
                    "group \"{written}\" must be a dictionary; this is {}",
                    kind(group)
                ))
                .at(&group.place));
            }
            _ => {
                self.warnings.push(
                    Diagnostic::warning(format!(
                        "\"{written}\" is no group: it is not a dictionary"
                    ))
                    .at(&name.place),
                );
                return Ok(written.to_owned());
            }
        };
        let name = self.names.safe(written, &name.place);
        self.inventory.add_group(&name).map_err(|d| d.at(&group.place))?;
        let sections = entries
            .iter()
            .map(|(key, value)| Ok((key, section(&name, key, value)?)))
            .collect::<Result<Vec<_>, Diagnostic>>()?;
        for (key, entries) in sections {
            self.section(&name, key, entries)?;
        }
        Ok(name)
    }

    fn section(&mut self, group: &str, key: &Node, entries: Section) -> Result<(), Diagnostic> {
        let entries = match entries {
            Section::Nothing => return Ok(()),
            Section::Other(what) => {
                self.warnings.push(
                    Diagnostic::warning(format!(
                        "\"{}\" in group \"{group}\" is skipped: it is {what}",
                        key_text(key)
                    ))
                    .at(&key.place),
                );
                return Ok(());
            }
            Section::Entries(entries) => entries,
        };
        match key.as_str() {
            Some("vars") => {
                for (name, value) in &entries {
                    self.inventory
                        .set_var(group, &key_text(name), value.to_value())
                        .map_err(|d| d.at(&value.place))?;
                }
            }
            Some("children") => {
                for (name, child) in &entries {
                    let child = self.group(name, child, true)?;
                    self.inventory.add_child(group, &child).map_err(|d| d.at(&name.place))?;
                }
            }
            Some("hosts") => {
                for (pattern, vars) in &entries {
                    self.host(group, pattern, vars)?;
                }
            }
            _ => self.warnings.push(
                Diagnostic::warning(format!(
                    "\"{}\" in group \"{group}\" is skipped",
                    key_text(key)
                ))
                .at(&key.place)
                .hint("a group has hosts, vars and children"),
            ),
        }
        Ok(())
    }

    fn host(&mut self, group: &str, pattern: &Node, vars: &Node) -> Result<(), Diagnostic> {
        let NodeKind::Scalar(Value::Text(text)) = &pattern.kind else {
            return Err(Diagnostic::error(format!(
                "Host pattern {} must be a string; this is {}",
                string(&pattern.to_value()),
                kind(pattern)
            ))
            .at(&pattern.place)
            .hint("put it in quotes"));
        };
        let at = |d: Diagnostic| d.at(&pattern.place);
        let (hosts, port) = expand(text.as_str()).map_err(|e| at(Diagnostic::error(e)))?;
        let vars: &[(Node, Node)] = match &vars.kind {
            NodeKind::Map(vars) => vars,
            NodeKind::Scalar(value) if !value.is_true() => &[],
            NodeKind::List(items) if items.is_empty() => &[],
            _ => {
                return Err(Diagnostic::error(format!(
                    "the variables of host \"{}\" must be a dictionary; this is {}",
                    text.as_str(),
                    kind(vars)
                ))
                .at(&vars.place));
            }
        };
        let values: Vec<_> = vars.iter().map(|(k, v)| (key_text(k), v.to_value())).collect();
        for host in hosts {
            let index = self.inventory.add_host(&host, port, Some(self.origin)).map_err(at)?;
            let group = self.inventory.add_group(group).map_err(at)?;
            self.inventory.join_at(index, group);
            for (key, value) in &values {
                self.inventory.set_var(&host, key, value.clone()).map_err(at)?;
            }
        }
        Ok(())
    }
}

enum Section {
    Nothing,
    Entries(Entries),
    Other(&'static str),
}

fn section(group: &str, key: &Node, value: &Node) -> Result<Section, Diagnostic> {
    let known = matches!(key.as_str(), Some("hosts" | "vars" | "children"));
    match &value.kind {
        NodeKind::Map(entries) => Ok(Section::Entries(entries.clone())),
        NodeKind::Scalar(Value::Null) => Ok(Section::Nothing),
        NodeKind::Scalar(Value::Text(_)) if known => {
            let nothing = Node { place: value.place.clone(), kind: NodeKind::Scalar(Value::Null) };
            Ok(Section::Entries(vec![(value.clone(), nothing)]))
        }
        _ if known => {
            let mistake = Diagnostic::error(format!(
                "\"{}\" of group \"{group}\" must be a dictionary; this is {}",
                key_text(key),
                kind(value)
            ))
            .at(&value.place);
            Err(match (&value.kind, key.as_str()) {
                (NodeKind::List(_), Some("hosts" | "children")) => {
                    mistake.hint("write \"name:\" instead of \"- name\"")
                }
                _ => mistake,
            })
        }
        _ => Ok(Section::Other(kind(value))),
    }
}

fn key_text(key: &Node) -> String {
    string(&key.to_value())
}

fn kind(node: &Node) -> &'static str {
    match &node.kind {
        NodeKind::Map(_) => "a dictionary",
        NodeKind::List(_) => "a list",
        NodeKind::Scalar(Value::Null) => "nothing",
        NodeKind::Scalar(Value::Bool(_)) => "true or false",
        NodeKind::Scalar(Value::Int(_) | Value::Float(_)) => "a number",
        NodeKind::Scalar(_) => "text",
    }
}
