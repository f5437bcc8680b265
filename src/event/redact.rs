//! Secrets that passed through a template are taken out where events are made, by value.

use super::{Event, NodeStep, TaskResult};
use mainstay_language::diag::{Diagnostic, Source};
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
            Event::TaskStarted { name: text, .. }
            | Event::TaskRetry { name: text, .. }
            | Event::PlayStarted { name: text, .. }
            | Event::PlaySkipped { name: text }
            | Event::Meta { message: text, .. }
            | Event::Stopped { reason: text }
            | Event::HostFailed { why: text, .. }
            | Event::Warning { message: text } => self.clean_text(text),
            Event::Included { file, label, .. } => {
                self.clean_text(file);
                if let Some(label) = label {
                    self.clean_text(label);
                }
            }
            Event::Node { step, .. } => self.clean_step(step),
            Event::RunEnded { custom, .. } => self.clean_map(custom),
            Event::RunStarted { .. }
            | Event::PlaybookStarted { .. }
            | Event::BatchStarted { .. }
            | Event::Rescued { .. }
            | Event::NoMoreHosts => {}
        }
        event
    }

    fn clean_step(&self, step: &mut NodeStep) {
        match step {
            NodeStep::Waiting(text)
            | NodeStep::Blocked { why: text, .. }
            | NodeStep::Gate { text, .. }
            | NodeStep::Held { reason: text } => self.clean_text(text),
            NodeStep::NotNeeded
            | NodeStep::Cordoned { .. }
            | NodeStep::Draining { .. }
            | NodeStep::Gone { .. }
            | NodeStep::Drained
            | NodeStep::Ready
            | NodeStep::Uncordoned
            | NodeStep::Released => {}
        }
    }

    fn clean_map(&self, map: &mut Map) {
        if let Value::Map(clean) = self.value(&Value::Map(map.clone())) {
            *map = clean;
        }
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
        self.clean_map(&mut result.fields);
        for diff in &mut result.diff {
            *diff = self.value(diff);
        }
        if let Some(diagnostic) = &mut result.diagnostic {
            self.clean_diagnostic(diagnostic);
        }
    }

    /// Its texts, and the lines of files that would be shown with it.
    fn clean_diagnostic(&self, diagnostic: &mut Diagnostic) {
        self.clean_text(&mut diagnostic.message);
        diagnostic.hint.iter_mut().for_each(|hint| self.clean_text(hint));
        if let Some(place) = &mut diagnostic.place
            && place.line_text().is_some_and(|line| self.text(line).is_some())
        {
            place.source = Source::new(place.source.name.clone(), "");
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

#[cfg(test)]
mod tests {
    use super::{HIDDEN, Redactor};
    use crate::event::{Event, NodeStep, TaskResult, Verdict};
    use mainstay_language::diag::{Diagnostic, Place, Source};
    use mainstay_language::value::{Map, Value};

    const SECRET: &str = "s3cret-value";

    fn redactor() -> Redactor {
        let redactor = Redactor::default();
        redactor.hide(SECRET);
        redactor.hide("abc");
        redactor
    }

    #[test]
    fn every_text_of_an_event_is_clean() {
        let text = || format!("before {SECRET} after");
        let events = [
            Event::Warning { message: text() },
            Event::Stopped { reason: text() },
            Event::HostFailed { host: "h".into(), why: text() },
            Event::PlayStarted { name: text(), hosts: Vec::new() },
            Event::TaskRetry { host: "h".into(), name: text(), left: 1 },
            Event::Included { file: text(), hosts: Vec::new(), label: Some(text()) },
            Event::Node {
                host: "h".into(),
                node: "n".into(),
                step: NodeStep::Held { reason: text() },
            },
            Event::AsyncPoll { host: "h".into(), job: "1".into(), result: Value::text(text()) },
        ];
        for event in events {
            let clean = format!("{:?}", redactor().clean(event));
            assert!(clean.contains(HIDDEN) && !clean.contains(SECRET), "{clean}");
        }
    }

    #[test]
    fn a_result_is_clean_with_its_diagnostic_and_the_line_that_it_shows() {
        let source = Source::new("play.yml", format!("a: 1\nb: {SECRET}\n"));
        let place = Place { source, line: 2, column: 4 };
        let diagnostic = Diagnostic::error(format!("{SECRET} is odd")).at(&place).hint(SECRET);
        let fields: Map =
            [(Value::text(SECRET), Value::list(vec![Value::text(SECRET)]))].into_iter().collect();
        let result = TaskResult {
            host: "h".into(),
            delegate: None,
            name: SECRET.to_owned(),
            action: "debug".to_owned(),
            place: "play.yml:2:4".to_owned(),
            verdict: Verdict::Failed,
            changed: false,
            ignored: false,
            fields,
            label: Some(SECRET.to_owned()),
            diff: vec![Value::text(SECRET)],
            verbose_always: false,
            origin: None,
            diagnostic: Some(Box::new(diagnostic)),
        };
        let Event::TaskDone { result } =
            redactor().clean(Event::TaskDone { result: Box::new(result) })
        else {
            panic!("another event")
        };
        let rendered = result.diagnostic.as_ref().unwrap().render();
        assert!(!rendered.contains(SECRET) && rendered.contains("play.yml:2:4"), "{rendered}");
        let all = format!("{:?}", TaskResult { diagnostic: None, ..*result });
        assert!(!all.contains(SECRET), "{all}");
    }

    #[test]
    fn short_secrets_would_hide_everything() {
        assert_eq!(redactor().text("abc"), None);
    }
}
