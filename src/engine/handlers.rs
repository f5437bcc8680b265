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
    by_name: HashMap<String, usize>,
    by_topic: HashMap<String, Vec<usize>>,
}

impl Handlers {
    /// An index of these. `name_of` renders a handler's name with the play's variables; `None` if it cannot.
    pub fn new(items: Vec<Item>, name_of: &dyn Fn(&Task) -> Option<String>) -> Self {
        let mut handlers = Self::default();
        for item in &items {
            handlers.add(item, name_of);
        }
        handlers.items = Arc::new(items);
        handlers
    }

    /// A later handler of the same name wins; all listeners of a topic run.
    fn add(&mut self, item: &Item, name_of: &dyn Fn(&Task) -> Option<String>) {
        match item {
            Item::Block(block) => block.items.iter().for_each(|item| self.add(item, name_of)),
            Item::Task(task) => {
                let id = identity(task);
                if let Some(name) = name_of(task) {
                    if let Some(role) = task.lineage.role() {
                        self.by_name.insert(format!("{} : {name}", role.name), id);
                    }
                    self.by_name.insert(name, id);
                }
                for topic in &task.listen {
                    self.by_topic.entry(topic.as_str().to_owned()).or_default().push(id);
                }
            }
        }
    }

    /// The handlers that a notification reaches.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<usize> {
        let listeners = self.by_topic.get(name).into_iter().flatten().copied();
        self.by_name.get(name).copied().into_iter().chain(listeners).collect()
    }
}
