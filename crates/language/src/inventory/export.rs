//! An inventory as `ansible-inventory` prints it.

use super::model::{Group, Inventory};
use crate::value::{Map, Value, string};
use serde_json::{Map as JsonMap, Value as Json, json};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// Variables of hosts and groups by name, as far as they are to be printed.
pub trait ExportVars {
    /// All variables of a host.
    fn host(&self, name: &str) -> Map;
    /// The variables of a group.
    fn group(&self, name: &str) -> Map;
    /// Whether a host is listed (`--limit`); by default all are.
    fn shows(&self, host: &str) -> bool {
        let _ = host;
        true
    }
}

/// Never printed: they follow from the inventory.
const MAGIC: [&str; 6] = [
    "inventory_file",
    "inventory_dir",
    "inventory_hostname",
    "inventory_hostname_short",
    "group_names",
    "groups",
];

fn printed(vars: &Map) -> Map {
    vars.iter()
        .filter(|(key, _)| !key.as_str().is_some_and(|key| MAGIC.contains(&key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

impl Inventory {
    /// `ansible-inventory --list`: indented JSON with sorted keys, without a final newline. Templates are not rendered.
    #[must_use]
    pub fn to_list(&self, vars: &dyn ExportVars) -> String {
        let mut out = JsonMap::new();
        if let Some(all) = self.group("all") {
            self.list_group(all, vars, &mut out);
        }
        let mut hostvars = JsonMap::new();
        for host in self.hosts().filter(|host| vars.shows(host.name())) {
            let map = printed(&vars.host(host.name()));
            if !map.is_empty() {
                hostvars.insert(host.name().to_string(), Value::Map(map).to_json());
            }
        }
        out.insert(
            "_meta".to_owned(),
            json!({"hostvars": hostvars, "profile": "inventory_legacy"}),
        );
        pretty(&Json::Object(out))
    }

    fn list_group(&self, group: &Group, vars: &dyn ExportVars, out: &mut JsonMap<String, Json>) {
        if out.contains_key(&**group.name()) {
            return;
        }
        let mut entry = JsonMap::new();
        let children: Vec<&Group> = self.children(group).collect();
        let hosts: Vec<Json> = self
            .members(group)
            .filter(|h| vars.shows(h.name()))
            .map(|h| json!(&**h.name()))
            .collect();
        if &**group.name() != "all" && !hosts.is_empty() {
            entry.insert("hosts".to_owned(), Json::Array(hosts));
        }
        if !children.is_empty() {
            let names: Vec<Json> = children.iter().map(|g| json!(&**g.name())).collect();
            entry.insert("children".to_owned(), Json::Array(names));
        }
        if entry.is_empty() {
            return;
        }
        out.insert(group.name().to_string(), Json::Object(entry));
        for child in children {
            self.list_group(child, vars, out);
        }
    }

    /// `ansible-inventory --host`: the variables of one host as indented JSON with sorted keys; `None` if there is no
    /// such host.
    #[must_use]
    pub fn to_host(&self, host: &str, vars: &dyn ExportVars) -> Option<String> {
        let host = self.host(host)?;
        Some(pretty(&Value::Map(printed(&vars.host(host.name()))).to_json()))
    }

    /// `ansible-inventory --graph` from a group on; with `vars` also the variables. `None` if there is no such group.
    /// Ends without a newline.
    #[must_use]
    pub fn to_graph(&self, group: &str, vars: Option<&dyn ExportVars>) -> Option<String> {
        let group = self.group(group)?;
        let mut lines = vec![format!("@{}:", group.name())];
        self.graph_children(group, 1, vars, &mut lines, &mut HashSet::new());
        Some(lines.join("\n"))
    }

    fn graph_children(
        &self,
        group: &Group,
        depth: usize,
        vars: Option<&dyn ExportVars>,
        lines: &mut Vec<String>,
        inside: &mut HashSet<Arc<str>>,
    ) {
        for child in self.children(group) {
            lines.push(line(depth, &format!("@{}:", child.name())));
            if inside.insert(Arc::clone(child.name())) {
                self.graph_children(child, depth + 1, vars, lines, inside);
                inside.remove(child.name());
            }
        }
        if &**group.name() != "all" {
            for host in self.members(group) {
                lines.push(line(depth, host.name()));
                if let Some(vars) = vars {
                    variables(&printed(&vars.host(host.name())), depth + 1, lines);
                }
            }
        }
        if let Some(vars) = vars {
            variables(&printed(&vars.group(group.name())), depth, lines);
        }
    }
}

fn variables(vars: &Map, depth: usize, lines: &mut Vec<String>) {
    let mut entries: Vec<_> = vars.iter().map(|(k, v)| (string(k), string(v))).collect();
    entries.sort();
    for (key, value) in entries {
        lines.push(line(depth, &format!("{{{key} = {value}}}")));
    }
}

fn line(depth: usize, text: &str) -> String {
    format!("{}--{text}", "  |".repeat(depth))
}

/// JSON as Python prints it with four blanks of indentation and sorted keys.
fn pretty(json: &Json) -> String {
    let mut out = String::new();
    write(json, 0, &mut out);
    out
}

fn write(json: &Json, depth: usize, out: &mut String) {
    let indent = |depth: usize| " ".repeat(depth * 4);
    match json {
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ",\n" } else { "\n" });
                out.push_str(&indent(depth + 1));
                write(item, depth + 1, out);
            }
            let _ = write!(out, "\n{}]", indent(depth));
        }
        Json::Object(entries) if !entries.is_empty() => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if i > 0 { ",\n" } else { "\n" });
                out.push_str(&indent(depth + 1));
                text(key, out);
                out.push_str(": ");
                write(value, depth + 1, out);
            }
            let _ = write!(out, "\n{}}}", indent(depth));
        }
        Json::String(s) => text(s, out),
        Json::Number(n) => match n.as_f64().filter(|_| n.is_f64()) {
            Some(f) => out.push_str(&string(&Value::Float(f))),
            None => out.push_str(&n.to_string()),
        },
        other => out.push_str(&other.to_string()),
    }
}

fn text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
