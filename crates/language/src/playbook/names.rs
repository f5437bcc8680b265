//! [`Names`] by the renderer of templates.

use super::loader::Names;
use crate::diag::Diagnostic;
use crate::template::{Site, Templar};
use crate::value::{Map, Scope, Value};
use std::sync::Arc;

/// Renders names of static imports with the renderer of the run.
pub struct TemplarNames {
    templar: Arc<Templar>,
    site: Site,
}

impl TemplarNames {
    /// Lookups in names search the directories of `site`.
    #[must_use]
    pub fn new(templar: Arc<Templar>, site: Site) -> Self {
        Self { templar, site }
    }
}

impl Names for TemplarNames {
    fn render(&self, value: &Value, vars: &Map) -> Result<Value, Diagnostic> {
        let scope: Arc<dyn Scope> = Arc::new(Variables(vars.clone()));
        self.templar.render(value, &scope, &self.site).map_err(|error| *error.diagnostic)
    }
}

struct Variables(Map);

impl Scope for Variables {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().filter_map(Value::as_str).map(Arc::from).collect()
    }
}
