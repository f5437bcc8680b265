//! Keywords of a task as they hold for one host: nearest level first, rendered, coerced.

use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::{Lineage, Task};
use mainstay_language::template::{Site, Templar, TemplateError};
use mainstay_language::value::{Scope, Text, Value, repr, string};
use std::sync::Arc;
use std::time::Duration;

/// Renders the keywords of one task in one scope.
pub struct Reader<'a> {
    /// Renders.
    pub templar: &'a Templar,
    /// The host's variables.
    pub scope: &'a Arc<dyn Scope>,
    /// Search paths of lookups.
    pub site: &'a Site,
}

impl Reader<'_> {
    /// The rendered value of the nearest level that has the keyword; `None` if no level has it or it is `omit`.
    ///
    /// # Errors
    /// It cannot be rendered.
    pub fn value(
        &self,
        lineage: &Arc<Lineage>,
        keyword: &str,
    ) -> Result<Option<Value>, TemplateError> {
        let Some(raw) = lineage.nearest(keyword) else { return Ok(None) };
        let value = self.templar.render(raw, self.scope, self.site)?;
        Ok(Some(value).filter(|v| !matches!(v, Value::Omit | Value::Null)))
    }

    /// A yes-or-no keyword.
    ///
    /// # Errors
    /// It cannot be rendered or is no boolean.
    pub fn flag(&self, lineage: &Arc<Lineage>, keyword: &str) -> Result<Option<bool>, Problem> {
        let Some(value) = self.value(lineage, keyword)? else { return Ok(None) };
        as_bool(&value)
            .map(Some)
            .ok_or_else(|| wrong(lineage, keyword, &value, "a boolean (true or false)"))
    }

    /// A text keyword.
    ///
    /// # Errors
    /// It cannot be rendered.
    pub fn text(&self, lineage: &Arc<Lineage>, keyword: &str) -> Result<Option<String>, Problem> {
        Ok(self.value(lineage, keyword)?.map(|value| string(&value)))
    }

    /// A number of seconds, 0 or less meaning none.
    ///
    /// # Errors
    /// It cannot be rendered or is no number.
    pub fn seconds(
        &self,
        lineage: &Arc<Lineage>,
        keyword: &str,
    ) -> Result<Option<Duration>, Problem> {
        let Some(value) = self.value(lineage, keyword)? else { return Ok(None) };
        let number = as_number(&value)
            .ok_or_else(|| wrong(lineage, keyword, &value, "a number of seconds"))?;
        Ok(Some(number).filter(|n| *n > 0.0).map(Duration::from_secs_f64))
    }

    /// `environment` of all levels, outer first.
    ///
    /// # Errors
    /// It cannot be rendered or is no dictionary.
    pub fn environment(&self, lineage: &Arc<Lineage>) -> Result<Vec<(String, String)>, Problem> {
        let mut levels: Vec<_> = lineage.levels().collect();
        levels.reverse();
        let mut all: Vec<(String, String)> = Vec::new();
        for level in levels {
            for raw in &level.keywords.environment {
                self.add_environment(level, raw, &mut all)?;
            }
        }
        Ok(all)
    }

    fn add_environment(
        &self,
        level: &Arc<Lineage>,
        raw: &Value,
        all: &mut Vec<(String, String)>,
    ) -> Result<(), Problem> {
        let value = self.templar.render(raw, self.scope, self.site)?;
        let maps: Vec<&Value> = match &value {
            Value::List(list) => list.iter().collect(),
            Value::Null | Value::Omit => vec![],
            one => vec![one],
        };
        for map in maps {
            let Some(map) = map.as_map() else {
                return Err(wrong(level, "environment", map, "a dictionary"));
            };
            for (key, value) in map.iter() {
                let (name, value) = (string(key), string(value));
                if !is_variable_name(&name) {
                    let message =
                        format!("environment: {} cannot be the name of a variable", repr(key));
                    return Err(Diagnostic::error(message).at(&level.place).into());
                }
                all.retain(|(n, _)| *n != name);
                all.push((name, value));
            }
        }
        Ok(())
    }
}

/// POSIX names: a shell can export them.
fn is_variable_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Why a task cannot run as written: it counts as failed on the host.
#[derive(Debug)]
pub struct Problem(pub Box<Diagnostic>);

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Self {
        Self(error.diagnostic)
    }
}

impl From<Diagnostic> for Problem {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(Box::new(diagnostic))
    }
}

fn wrong(lineage: &Arc<Lineage>, keyword: &str, value: &Value, wanted: &str) -> Problem {
    let message = format!("{keyword}: {} is not {wanted}", repr(value));
    Diagnostic::error(message).at_opt(lineage.place_of(keyword)).into()
}

/// Ansible's booleans: true, yes, on, 1, y, t and their opposites, in any case.
#[must_use]
pub fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Text(text) => match text.as_str().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "y" | "t" => Some(true),
            "false" | "no" | "off" | "0" | "n" | "f" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number, or text that reads as one.
#[must_use]
pub fn as_number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "seconds, counts and percents")]
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        Value::Text(text) => text.as_str().trim().parse().ok(),
        _ => None,
    }
}

/// A whole number, or text that reads as one.
#[must_use]
pub fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(i) => i64::try_from(*i).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "Python's int() truncates")]
        Value::Float(f) => Some(*f as i64),
        Value::Text(text) => text.as_str().trim().parse().ok(),
        _ => None,
    }
}

/// The conditions of a task, outermost level first, in the order in which they are tested.
pub fn conditions(task: &Task) -> impl Iterator<Item = &Value> {
    let mut levels: Vec<_> = task.lineage.levels().collect();
    levels.reverse();
    levels.into_iter().flat_map(|level| &level.keywords.when)
}

/// The name of a task as shown: `role : name`, rendered where that is possible.
#[must_use]
pub fn shown_name(task: &Task, reader: &Reader<'_>) -> String {
    let own = match &task.lineage.keywords.name {
        Some(name) => reader
            .templar
            .render(&Value::Text(name.clone()), reader.scope, reader.site)
            .map_or_else(|_| name.as_str().to_owned(), |value| string(&value)),
        None => action_name(task),
    };
    match task.lineage.role() {
        Some(role) => format!("{} : {own}", role.name),
        None => own,
    }
}

/// The action as written.
#[must_use]
pub fn action_name(task: &Task) -> String {
    use mainstay_language::playbook::Action;
    match &task.action {
        Action::Module { written, .. } => written.clone(),
        Action::Dynamic { spec, .. } => string(spec),
        Action::Meta(_) => "meta".to_owned(),
        Action::IncludeTasks { .. } => "include_tasks".to_owned(),
        Action::IncludeRole(_) => "include_role".to_owned(),
    }
}

/// `file:line` of a task.
#[must_use]
pub fn shown_place(task: &Task) -> String {
    task.lineage.place.to_string()
}

/// A text as a value with its place.
#[must_use]
pub fn written(text: &Text) -> Value {
    Value::Text(text.clone())
}
