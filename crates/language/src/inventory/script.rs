//! What inventory scripts print: `--list`, and `--host` for each host where `_meta` is missing.

use super::group_names::GroupNames;
use super::model::{Inventory, Origin};
use crate::diag::{Diagnostic, Place, Source};
use crate::outside::Outside;
use crate::value::{Map, Text, Value};
use indexmap::IndexSet;
use serde_json::{Map as JsonMap, Value as Json};
use std::path::Path;

/// Runs a script and reads what it prints into `inventory`.
///
/// # Errors
/// It cannot be run, fails, or prints something that is no inventory.
pub(super) fn load(
    inventory: &mut Inventory,
    path: &Path,
    outside: &dyn Outside,
    origin: &Origin,
    names: &mut GroupNames,
) -> Result<(), Diagnostic> {
    let name = path.display().to_string();
    let place = Source::new(name.clone(), "").start();
    let groups = run(outside, &[&name, "--list"], &place)?;
    let mut script = Script { inventory, origin, names, place: &place, hosts: IndexSet::new() };
    let mut meta = None;
    for (group, data) in &groups {
        if group == "_meta" {
            meta = data.get("hostvars");
        } else {
            script.group(group, data)?;
        }
    }
    let hosts = std::mem::take(&mut script.hosts);
    for host in &hosts {
        let asked;
        let vars = if let Some(all) = meta {
            all.get(host)
        } else {
            asked = Json::Object(run(outside, &[&name, "--host", host], &place)?);
            Some(&asked)
        };
        match vars {
            None => {}
            Some(Json::Object(vars)) => {
                for (key, value) in vars {
                    script.inventory.set_var(host, key, written(value, &place))?;
                }
            }
            Some(_) => {
                return Err(script.wrong(format!("the variables of host \"{host}\" are no object")));
            }
        }
    }
    Ok(())
}

fn run(
    outside: &dyn Outside,
    argv: &[&str],
    place: &Place,
) -> Result<JsonMap<String, Json>, Diagnostic> {
    let shown = argv.join(" ");
    let ran = outside
        .run(argv, None)
        .map_err(|e| Diagnostic::error(format!("cannot run {shown}: {e}")).at(place))?;
    let stderr = String::from_utf8_lossy(&ran.stderr);
    if ran.status != 0 {
        return Err(Diagnostic::error(format!(
            "{shown} ended with status {}: {}",
            ran.status,
            stderr.trim()
        ))
        .at(place));
    }
    let is_host = argv.contains(&"--host");
    if is_host && ran.stdout.iter().all(u8::is_ascii_whitespace) {
        return Ok(JsonMap::new());
    }
    match serde_json::from_slice(&ran.stdout) {
        Ok(Json::Object(groups)) => Ok(groups),
        Ok(_) => Err(Diagnostic::error(format!("{shown} must print a JSON object")).at(place)),
        Err(e) => Err(Diagnostic::error(format!("{shown} printed no JSON: {e}")).at(place)),
    }
}

struct Script<'a> {
    inventory: &'a mut Inventory,
    origin: &'a Origin,
    names: &'a mut GroupNames,
    place: &'a Place,
    hosts: IndexSet<String>,
}

impl Script<'_> {
    fn wrong(&self, message: String) -> Diagnostic {
        Diagnostic::error(message).at(self.place)
    }

    fn group(&mut self, written_name: &str, data: &Json) -> Result<(), Diagnostic> {
        let group = self.names.safe(written_name, self.place);
        self.inventory.add_group(&group)?;
        let Json::Object(data) = data else { return self.hosts(&group, data) };
        if !["hosts", "vars", "children"].iter().any(|key| data.contains_key(*key)) {
            // An old form: the group is a host, the data its variables.
            self.hosts(&group, &Json::Array(vec![Json::String(group.clone())]))?;
            return self.vars(&group, data);
        }
        if let Some(hosts) = data.get("hosts") {
            self.hosts(&group, hosts)?;
        }
        match data.get("vars") {
            None => {}
            Some(Json::Object(vars)) => self.vars(&group, vars)?,
            Some(_) => {
                return Err(self.wrong(format!("\"vars\" of group \"{group}\" is no object")));
            }
        }
        match data.get("children") {
            None => {}
            Some(Json::Array(children)) => {
                for child in children {
                    let Json::String(child) = child else {
                        return Err(self.wrong(format!("a child of group \"{group}\" is no text")));
                    };
                    let child = self.names.safe(child, self.place);
                    self.inventory.add_group(&child)?;
                    self.inventory.add_child(&group, &child).map_err(|d| d.at(self.place))?;
                }
            }
            Some(_) => {
                return Err(self.wrong(format!("\"children\" of group \"{group}\" is no list")));
            }
        }
        Ok(())
    }

    fn vars(&mut self, group: &str, vars: &JsonMap<String, Json>) -> Result<(), Diagnostic> {
        for (key, value) in vars {
            let value = written(value, self.place);
            self.inventory.set_var(group, key, value).map_err(|d| d.at(self.place))?;
        }
        Ok(())
    }

    fn hosts(&mut self, group: &str, hosts: &Json) -> Result<(), Diagnostic> {
        let Json::Array(hosts) = hosts else {
            return Err(self.wrong(format!("\"hosts\" of group \"{group}\" is no list")));
        };
        for host in hosts {
            let Json::String(host) = host else {
                return Err(self.wrong(format!("a host of group \"{group}\" is no text")));
            };
            self.hosts.insert(host.clone());
            let index = self.inventory.add_host(host, None, Some(self.origin))?;
            let group = self.inventory.add_group(group)?;
            self.inventory.join_at(index, group);
        }
        Ok(())
    }
}

/// A value whose texts are templates: whoever may write the script may write the inventory.
fn written(json: &Json, place: &Place) -> Value {
    match json {
        Json::String(text) => Value::Text(Text::written(text.as_str(), place.clone())),
        Json::Array(items) => Value::list(items.iter().map(|i| written(i, place)).collect()),
        Json::Object(entries) => Value::Map(
            entries
                .iter()
                .map(|(k, v)| (Value::text(k.as_str()), written(v, place)))
                .collect::<Map>(),
        ),
        other => Value::from(other.clone()),
    }
}
