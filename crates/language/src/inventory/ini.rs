//! INI inventories: `[group]`, `[group:children]`, `[group:vars]`.

use super::address::expand;
use super::group_names::GroupNames;
use super::literal::python_literal;
use super::model::{Inventory, Origin};
use super::words::words;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::value::Value;
use crate::vault::Opened;
use indexmap::IndexMap;
use std::sync::Arc;

/// Reads an INI inventory into `inventory`. What was read before an error stays.
///
/// # Errors
/// Every line that cannot be read, with its place.
pub(super) fn load(
    inventory: &mut Inventory,
    content: &Opened,
    origin: &Origin,
    names: &mut GroupNames,
) -> Result<(), Diagnostics> {
    let mut ini = Ini {
        inventory,
        origin,
        names,
        group: "ungrouped".to_owned(),
        section: Section::Hosts,
        pending: IndexMap::new(),
    };
    let mut wrong = Diagnostics::default();
    for (index, raw) in content.text().lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let indent = raw.chars().take_while(|c| c.is_whitespace()).count();
        let start = Place {
            source: Arc::clone(&content.source),
            line: u32::try_from(index + 1).unwrap_or(u32::MAX),
            column: column(indent),
        };
        if let Err(diagnostic) = ini.line(line, &start) {
            wrong.push(diagnostic.at(&start));
        }
    }
    ini.check_pending(&mut wrong);
    if wrong.0.is_empty() { Ok(()) } else { Err(wrong) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Children,
    Vars,
}

/// A group that is used before it is declared.
enum Pending {
    /// `[group:vars]`, where.
    Vars(Place),
    /// A child of these groups; where it was first named.
    Child(Vec<String>, Place),
}

struct Ini<'a> {
    inventory: &'a mut Inventory,
    origin: &'a Origin,
    names: &'a mut GroupNames,
    group: String,
    section: Section,
    pending: IndexMap<String, Pending>,
}

impl Ini<'_> {
    fn line(&mut self, line: &str, start: &Place) -> Result<(), Diagnostic> {
        if let Some((group, section)) = section_header(line) {
            return self.header(group, section, start);
        }
        if line.starts_with('[') && line.ends_with(']') {
            return Err(Diagnostic::error(format!("\"{line}\" is not a section"))
                .hint("a section is [group], [group:children] or [group:vars], without spaces"));
        }
        match self.section {
            Section::Hosts => self.host(line, start),
            Section::Vars => self.variable(line, start),
            Section::Children => self.child(line, start),
        }
    }

    fn header(
        &mut self,
        group: &str,
        section: Option<&str>,
        start: &Place,
    ) -> Result<(), Diagnostic> {
        let group = self.names.safe(group, start);
        let section = match section {
            None | Some("hosts") => Section::Hosts,
            Some("children") => Section::Children,
            Some("vars") => Section::Vars,
            Some(other) => {
                return Err(Diagnostic::error(format!(
                    "section [{group}:{other}] is of an unknown kind"
                ))
                .hint("the kinds are hosts, children and vars"));
            }
        };
        if self.inventory.group(&group).is_none() {
            if section == Section::Vars && !self.pending.contains_key(&group) {
                self.pending.insert(group.clone(), Pending::Vars(start.clone()));
            }
            self.inventory.add_group(&group)?;
        }
        self.group.clone_from(&group);
        self.section = section;
        if section != Section::Vars {
            self.declared(&group)?;
        }
        Ok(())
    }

    /// The group exists now: those who waited for it get it.
    fn declared(&mut self, group: &str) -> Result<(), Diagnostic> {
        let mut ready = vec![group.to_owned()];
        while let Some(group) = ready.pop() {
            if let Some(Pending::Child(parents, place)) = self.pending.shift_remove(&group) {
                for parent in parents {
                    self.inventory.add_child(&parent, &group).map_err(|d| d.at(&place))?;
                    if matches!(self.pending.get(&parent), Some(Pending::Child(..))) {
                        ready.push(parent);
                    }
                }
            }
        }
        Ok(())
    }

    fn host(&mut self, line: &str, start: &Place) -> Result<(), Diagnostic> {
        let words = words(line).map_err(|why| Diagnostic::error(why).at(start))?;
        let Some((name, assignments)) = words.split_first() else { return Ok(()) };
        let (hosts, port) = expand(&name.text).map_err(Diagnostic::error)?;
        if name.text.trim().ends_with(':') && port.is_none() {
            return Err(Diagnostic::error(format!(
                "host \"{}\" has no port after \":\"",
                name.text
            )));
        }
        if hosts.iter().any(|host| host.trim() == "---") {
            return Err(Diagnostic::error("\"---\" is not a host name: is this a YAML file?"));
        }
        let mut values = Vec::with_capacity(assignments.len());
        for word in assignments {
            let Some((key, value)) = word.text.split_once('=') else {
                return Err(Diagnostic::error(format!(
                    "expected key=value, found \"{}\"",
                    word.text
                ))
                .at(&shifted(start, word.column)));
            };
            values.push((key, python_literal(value, &shifted(start, word.value_column))));
        }
        for host in hosts {
            let index = self.inventory.add_host(&host, port, Some(self.origin))?;
            if let Some(group) = self.inventory.groups.get_index_of(self.group.as_str()) {
                self.inventory.join_at(index, group);
            }
            for (key, value) in &values {
                self.inventory.set_var(&host, key, value.clone())?;
            }
        }
        Ok(())
    }

    fn variable(&mut self, line: &str, start: &Place) -> Result<(), Diagnostic> {
        let Some((key, value)) = line.split_once('=') else {
            return Err(Diagnostic::error(format!("expected key=value, found \"{line}\"")));
        };
        let blanks = value.chars().take_while(|c| c.is_whitespace()).count();
        let place = shifted(start, key.chars().count() + 1 + blanks);
        let value: Value = python_literal(value.trim(), &place);
        let group = self.group.clone();
        self.inventory.set_group_var(&group, key.trim(), value).map_err(|d| d.at(&place))
    }

    fn child(&mut self, line: &str, start: &Place) -> Result<(), Diagnostic> {
        let end = line.find(|c: char| c.is_whitespace() || c == ':' || c == ']');
        let (child, rest) = line.split_at(end.unwrap_or(line.len()));
        let rest = rest.trim_start();
        if child.is_empty() || !(rest.is_empty() || rest.starts_with('#')) {
            return Err(Diagnostic::error(format!(
                "expected the name of a group, found \"{line}\""
            )));
        }
        if self.inventory.group(child).is_some() {
            return self.inventory.add_child(&self.group, child).map(drop);
        }
        if let Some(Pending::Child(parents, _)) = self.pending.get_mut(child) {
            parents.push(self.group.clone());
        } else {
            let parents = vec![self.group.clone()];
            self.pending.insert(child.to_owned(), Pending::Child(parents, start.clone()));
        }
        Ok(())
    }

    fn check_pending(&self, wrong: &mut Diagnostics) {
        for (name, pending) in &self.pending {
            wrong.push(match pending {
                Pending::Vars(place) => Diagnostic::error(format!(
                    "[{name}:vars] sets variables of a group that is not defined"
                ))
                .at(place)
                .hint(format!("add [{name}] or [{name}:children]")),
                Pending::Child(parents, place) => Diagnostic::error(format!(
                    "[{}:children] names \"{name}\", which is not defined as a group",
                    parents.last().map_or("", String::as_str)
                ))
                .at(place)
                .hint(format!("add [{name}]")),
            });
        }
    }
}

/// `[group]` or `[group:kind]`, perhaps with a comment after it.
fn section_header(line: &str) -> Option<(&str, Option<&str>)> {
    let (title, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    if !(rest.is_empty() || rest.starts_with('#')) {
        return None;
    }
    let (group, kind) = match title.split_once(':') {
        Some((group, kind)) => (group, Some(kind)),
        None => (title, None),
    };
    let word = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_alphanumeric() || c == '_');
    let fits = !group.is_empty() && !group.contains(char::is_whitespace) && kind.is_none_or(word);
    fits.then_some((group, kind))
}

fn column(offset: usize) -> u32 {
    u32::try_from(offset + 1).unwrap_or(u32::MAX)
}

fn shifted(start: &Place, offset: usize) -> Place {
    let mut place = start.clone();
    place.column += u32::try_from(offset).unwrap_or(0);
    place
}
