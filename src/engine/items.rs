//! `loop`, `with_X` and `loop_control`.

use super::keywords::{Problem, as_bool, as_number};
use super::task::Doing;
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::Loop;
use mainstay_language::value::{Map, Scope, Value, repr, string};
use std::sync::Arc;
use std::time::Duration;

/// A loop about to run.
pub(super) struct Looping {
    /// The items.
    pub items: Vec<Value>,
    /// Between items.
    pub pause: Option<Duration>,
    variable: String,
    index_variable: Option<String>,
    extended: bool,
    all_items: bool,
    label: Option<Value>,
    break_when: Vec<Value>,
}

impl Looping {
    /// The loop of a task; `None` if it has none.
    ///
    /// # Errors
    /// The list cannot be rendered or is none; `loop_control` is wrong.
    pub(super) fn of(doing: &Doing<'_>, scope: &Arc<dyn Scope>) -> Result<Option<Self>, Problem> {
        let Some(looped) = &doing.task.looped else { return Ok(None) };
        let templar = &doing.run.templar;
        let items = match looped {
            Loop::List(raw) => match templar.render(raw, scope, &doing.site)? {
                Value::List(list) => list.to_vec(),
                other => {
                    let message =
                        format!("loop: {} is a {}, not a list", repr(&other), other.type_name());
                    let place = raw.place().unwrap_or(&doing.task.lineage.place);
                    return Err(Diagnostic::error(message)
                        .at(place)
                        .hint("a dictionary becomes a list with `| dict2items`, a generator with `| list`")
                        .into());
                }
            },
            Loop::With { lookup, terms } => {
                let terms = templar.render(terms, scope, &doing.site)?;
                templar.lookup(lookup, &terms, scope, &doing.site)?
            }
        };
        Self::control(doing, scope, items).map(Some)
    }

    fn control(
        doing: &Doing<'_>,
        scope: &Arc<dyn Scope>,
        items: Vec<Value>,
    ) -> Result<Self, Problem> {
        let control = &doing.task.loop_control;
        let value = |key: &str| -> Result<Option<Value>, Problem> {
            let Some(raw) = control.get(key) else { return Ok(None) };
            let value = doing.run.templar.render(raw, scope, &doing.site)?;
            Ok(Some(value).filter(|v| !matches!(v, Value::Null | Value::Omit)))
        };
        let flag = |key: &str, default: bool| -> Result<bool, Problem> {
            Ok(value(key)?.as_ref().and_then(as_bool).unwrap_or(default))
        };
        let break_when = match control.get("break_when") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::List(list)) => list.to_vec(),
            Some(one) => vec![one.clone()],
        };
        Ok(Self {
            items,
            pause: value("pause")?
                .as_ref()
                .and_then(as_number)
                .filter(|s| *s > 0.0)
                .map(Duration::from_secs_f64),
            variable: value("loop_var")?.map_or_else(|| "item".to_owned(), |v| string(&v)),
            index_variable: value("index_var")?.map(|v| string(&v)),
            extended: flag("extended", false)?,
            all_items: flag("extended_allitems", true)?,
            label: control.get("label").cloned(),
            break_when,
        })
    }

    /// Variables of one item.
    #[must_use]
    pub(super) fn locals(&self, index: usize) -> Map {
        let mut locals = Map::new();
        locals
            .insert(self.variable.as_str(), self.items.get(index).cloned().unwrap_or(Value::Null));
        locals.insert("ansible_loop_var", self.variable.as_str());
        if let Some(name) = &self.index_variable {
            locals.insert(name.as_str(), index);
            locals.insert("ansible_index_var", name.as_str());
        }
        if self.extended {
            locals.insert("ansible_loop", Value::Map(self.extended_at(index)));
        }
        locals
    }

    fn extended_at(&self, index: usize) -> Map {
        let length = self.items.len();
        let mut at = Map::new();
        if self.all_items {
            at.insert("allitems", Value::list(self.items.clone()));
        }
        at.insert("index", index + 1);
        at.insert("index0", index);
        at.insert("first", index == 0);
        at.insert("last", index + 1 == length);
        at.insert("length", length);
        at.insert("revindex", length - index);
        at.insert("revindex0", length - index - 1);
        if let Some(next) = self.items.get(index + 1) {
            at.insert("nextitem", next.clone());
        }
        if let Some(previous) = index.checked_sub(1).and_then(|i| self.items.get(i)) {
            at.insert("previtem", previous.clone());
        }
        at
    }

    /// Puts the item into its result.
    pub(super) fn mark(&self, index: usize, result: &mut Map) {
        for (key, value) in self.locals(index).iter() {
            result.insert(key.clone(), value.clone());
        }
    }

    /// The label of an item as shown.
    ///
    /// # Errors
    /// `label` cannot be rendered.
    pub(super) fn label(
        &self,
        doing: &Doing<'_>,
        index: usize,
        scope: &Arc<dyn Scope>,
    ) -> Result<String, Problem> {
        let Some(raw) = &self.label else { return Ok(self.plain_label(index)) };
        Ok(string(&doing.run.templar.render(raw, scope, &doing.site)?))
    }

    /// The item itself as its label.
    pub(super) fn plain_label(&self, index: usize) -> String {
        self.items.get(index).map(string).unwrap_or_default()
    }

    /// Whether `break_when` ends the loop after this result.
    ///
    /// # Errors
    /// A condition cannot be evaluated.
    pub(super) fn breaks(
        &self,
        doing: &Doing<'_>,
        scope: &Arc<dyn Scope>,
        result: &Map,
    ) -> Result<bool, Problem> {
        if self.break_when.is_empty() {
            return Ok(false);
        }
        let mut top = Map::new();
        if let Some(Value::Text(name)) = &doing.task.register {
            top.insert(name.as_str(), Value::Map(result.clone()));
        }
        let scope: Arc<dyn Scope> =
            Arc::new(super::task::Overlay { top, below: Arc::clone(scope) });
        for condition in &self.break_when {
            if !doing.run.templar.condition(condition, &scope, &doing.site)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
