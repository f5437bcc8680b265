//! Handlers of a play, by the names that reach them.

use super::party::identity;
use mainstay_language::playbook::{Item, Task};
use std::collections::HashMap;
use std::sync::Arc;

/// The handlers of a play in definition order, with an index of names. Replaced as a whole when a role adds some.
#[derive(Debug, Default)]
pub struct Handlers {
    /// In the order in which they run.
    pub items: Arc<Vec<Item>>,
    /// Warnings about handlers that no notification can reach, as their names cannot be rendered.
    pub unusable: Vec<String>,
    by_name: HashMap<String, Named>,
    by_topic: HashMap<String, Vec<(Option<String>, Named)>>,
}

/// A handler that a name means. In one list the first handler of a name counts; among lists (the play's own, each
/// role's) the one that came last.
#[derive(Debug, Clone)]
struct Named {
    id: usize,
    list: Arc<str>,
}

/// The rendered name of a handler, or why it cannot be rendered; `None` if it has none.
pub(super) type NameOf<'a> = dyn Fn(&Task) -> Option<Result<String, String>> + 'a;

impl Handlers {
    /// An index of these. `name_of` renders a handler's name with the play's variables.
    pub fn new(items: Vec<Item>, name_of: &NameOf<'_>) -> Self {
        let mut handlers = Self::default();
        for item in &items {
            handlers.add(item, name_of);
        }
        handlers.items = Arc::new(items);
        handlers
    }

    fn add(&mut self, item: &Item, name_of: &NameOf<'_>) {
        let task = match item {
            Item::Block(block) => {
                return block.items.iter().for_each(|item| self.add(item, name_of));
            }
            Item::Task(task) => task,
        };
        let role = task.lineage.role();
        let source = task.lineage.place.source.name.as_str();
        let list = Arc::from(format!("{source} {}", role.map_or("", |role| &role.identity)));
        let named = Named { id: identity(task), list };
        let name = match name_of(task) {
            None => None,
            Some(Ok(name)) => Some(name),
            Some(Err(warning)) => {
                if task.listen.is_empty() {
                    self.unusable.push(warning);
                }
                None
            }
        };
        if let Some(name) = &name {
            if let Some(role) = role {
                self.name(format!("{} : {name}", role.name), &named);
                self.name(format!("{} : {name}", short(&role.name)), &named);
            }
            self.name(name.clone(), &named);
        }
        for topic in &task.listen {
            let prefixes =
                role.into_iter().flat_map(|role| [role.name.as_str(), short(&role.name)]);
            let prefixed = prefixes.map(|prefix| format!("{prefix} : {topic}"));
            for topic in std::iter::once(topic.as_str().to_owned()).chain(prefixed) {
                self.listen(topic, name.as_ref(), &named);
            }
        }
    }

    fn listen(&mut self, topic: String, name: Option<&String>, named: &Named) {
        let listeners = self.by_topic.entry(topic).or_default();
        let same = |other: &Option<String>, id: usize| {
            id == named.id || name.is_some() && other.as_ref() == name
        };
        match listeners.iter_mut().find(|(other, n)| same(other, n.id)) {
            Some((_, other)) if other.list == named.list => {}
            Some((_, other)) => *other = named.clone(),
            None => listeners.push((name.cloned(), named.clone())),
        }
    }

    fn name(&mut self, name: String, named: &Named) {
        match self.by_name.get_mut(&name) {
            Some(other) if other.list == named.list => {}
            Some(other) => *other = named.clone(),
            None => {
                self.by_name.insert(name, named.clone());
            }
        }
    }

    /// The handlers that a notification reaches.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<usize> {
        let listeners = self.by_topic.get(name).into_iter().flatten().map(|(_, named)| named.id);
        self.by_name.get(name).map(|named| named.id).into_iter().chain(listeners).collect()
    }
}

/// The name of a role without its collection.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
