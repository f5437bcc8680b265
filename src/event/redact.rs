//! Secrets that passed through a template are taken out where events are made, by value.

use super::{Event, TaskResult};
use mainstay_language::value::{Map, Text, Value};
use std::sync::{Arc, PoisonError, RwLock};

/// What stands in the place of a secret.
const HIDDEN: &str = "********";

/// Shorter secrets would hide half of every message and protect nothing.
const LENGTH_MIN: usize = 4;

/// The secrets of a run, by value. Clones share them.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

impl Redactor {
    /// Hides this from now on. Its lines are hidden each as well.
    pub fn hide(&self, secret: &str) {
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for part in std::iter::once(secret).chain(secret.lines()) {
            if part.len() >= LENGTH_MIN && !secrets.iter().any(|s| s == part) {
                secrets.push(part.to_owned());
            }
        }
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
    }

    /// The text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> Option<String> {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut clean: Option<String> = None;
        for secret in secrets.iter() {
            let now = clean.as_deref().unwrap_or(text);
            if now.contains(secret.as_str()) {
                clean = Some(now.replace(secret.as_str(), HIDDEN));
            }
        }
        clean
    }

    /// The event without secrets.
    #[must_use]
    pub fn clean(&self, mut event: Event) -> Event {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return event;
        }
        match &mut event {
            Event::ItemDone { result } | Event::TaskDone { result } => self.clean_result(result),
            Event::AsyncPoll { result, .. } => *result = self.value(result),
            Event::TaskStarted { name, .. } | Event::PlayStarted { name, .. } => {
                self.clean_text(name);
            }
            Event::Warning { message } => self.clean_text(message),
            _ => {}
        }
        event
    }

    fn clean_text(&self, text: &mut String) {
        if let Some(clean) = self.text(text) {
            *text = clean;
        }
    }

    fn clean_result(&self, result: &mut TaskResult) {
        self.clean_text(&mut result.name);
        if let Some(label) = &mut result.label {
            self.clean_text(label);
        }
        if let Value::Map(fields) = self.value(&Value::Map(result.fields.clone())) {
            result.fields = fields;
        }
        for diff in &mut result.diff {
            *diff = self.value(diff);
        }
        if let Some(diagnostic) = &mut result.diagnostic {
            self.clean_text(&mut diagnostic.message);
        }
    }

    /// The value without secrets; shared if there are none in it.
    #[must_use]
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::Text(text) => match self.text(text.as_str()) {
                Some(clean) => Value::Text(Text::computed(clean)),
                None => value.clone(),
            },
            Value::List(items) => Value::list(items.iter().map(|item| self.value(item)).collect()),
            Value::Map(map) => {
                Value::Map(map.iter().map(|(k, v)| (self.value(k), self.value(v))).collect::<Map>())
            }
            other => other.clone(),
        }
    }
}
