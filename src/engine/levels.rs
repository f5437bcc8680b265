//! The variables that a task's place in the tree gives it, merged once a task: role defaults and vars, block and task
//! vars, role and include parameters (levels 2, 15, 16, 17, 20, 21).

use mainstay_language::playbook::{BlockKind, Lineage, Role};
use mainstay_language::value::Map;
use std::sync::Arc;

/// Levels of one lineage, low to high inside each.
#[derive(Debug, Default)]
pub struct Levels {
    /// Level 2.
    pub role_defaults: Map,
    /// Level 15.
    pub role_vars: Map,
    /// Levels 16 and 17.
    pub vars: Map,
    /// Level 20.
    pub role_params: Map,
    /// Level 21.
    pub include_params: Map,
}

impl Levels {
    /// Of this lineage; kept in it.
    #[must_use]
    pub fn of(lineage: &Arc<Lineage>) -> Arc<Self> {
        let derived = lineage.derived.get_or_init(|| Arc::new(Self::merge(lineage)));
        match Arc::clone(derived).downcast::<Self>() {
            Ok(levels) => levels,
            Err(_) => Arc::new(Self::merge(lineage)),
        }
    }

    fn merge(lineage: &Arc<Lineage>) -> Self {
        let mut levels = Self::default();
        let mut chain: Vec<_> = lineage.levels().collect();
        chain.reverse();
        for level in chain {
            let vars = &level.keywords.vars;
            match &level.kind {
                BlockKind::Play => {}
                BlockKind::Role(role) => {
                    levels.enter(role);
                    levels.vars.extend_with(vars);
                }
                BlockKind::Include { .. } => levels.include_params.extend_with(vars),
                BlockKind::Block | BlockKind::Import { .. } | BlockKind::Task => {
                    levels.vars.extend_with(vars);
                }
            }
        }
        levels
    }

    fn enter(&mut self, role: &Arc<Role>) {
        for dependency in &role.dependencies {
            self.enter_dependency(dependency);
        }
        self.role_defaults.extend_with(&role.defaults);
        self.role_vars.extend_with(&role.vars);
        self.role_params.extend_with(&role.params);
    }

    /// A role sees the defaults and vars of its dependencies, not their parameters.
    fn enter_dependency(&mut self, role: &Arc<Role>) {
        for dependency in &role.dependencies {
            self.enter_dependency(dependency);
        }
        self.role_defaults.extend_with(&role.defaults);
        self.role_vars.extend_with(&role.vars);
    }

    /// Exported by a role to the rest of its play.
    pub fn export(&mut self, role: &Arc<Role>) {
        self.enter_dependency(role);
    }
}
