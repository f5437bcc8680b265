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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::outside::testing::World;
    use crate::value::Text;

    fn rendered(text: &str, vars: &Map) -> Result<Value, Diagnostic> {
        let templar = Arc::new(Templar::new(World::new(&[]).shared()));
        let names = TemplarNames::new(templar, Site::default());
        let place = Source::new("site.yml", text).start();
        names.render(&Value::Text(Text::written(text, place)), vars)
    }

    #[test]
    fn names_are_templates() {
        let mut vars = Map::new();
        vars.insert("os", "debian");
        let found = rendered("{{ os | upper }}-{{ version | default(12) }}.yml", &vars);
        assert_eq!(found.unwrap().as_str(), Some("DEBIAN-12.yml"));
    }

    #[test]
    fn undefined_variables_are_named() {
        let wrong = rendered("{{ nope }}.yml", &Map::new()).unwrap_err();
        assert!(wrong.message.contains("nope"), "{}", wrong.message);
        assert!(wrong.place.is_some());
    }
}
