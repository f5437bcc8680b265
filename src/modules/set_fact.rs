//! `set_fact`: variables of the host.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ask, Ctx, Failure, Module, Outcome};
use async_trait::async_trait;
use mainstay_language::value::string;

pub(super) struct SetFact;

static SPEC: Spec = Spec {
    names: &["set_fact"],
    params: &[Param::new("cacheable", Kind::Bool).default("false")],
    any: true,
    controller: true,
    ..BUILTIN
};

/// Whether a name can be used in an expression.
pub(super) fn is_identifier(name: &str) -> bool {
    const KEYWORDS: [&str; 38] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield", "true", "false", "none",
    ];
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&name)
}

#[async_trait]
impl Module for SetFact {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, _ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let cacheable = args.flag("cacheable");
        let mut variables = args.0;
        variables.remove("cacheable");
        if variables.is_empty() {
            return Err(Failure::msg(
                "No key/value pairs provided, at least one is required for this action to succeed",
            ));
        }
        if let Some(key) = variables.keys().find(|key| !key.as_str().is_some_and(is_identifier)) {
            let name = string(key);
            let of = if key.as_str().is_some() {
                String::new()
            } else {
                format!(" of type '{}'", key.type_name())
            };
            return Err(Failure::msg(format!(
                "Invalid variable name '{name}'{of}: it must start with a letter or underscore, contain only \
                 letters, digits and underscores, and not be a keyword"
            )));
        }
        let mut outcome = Outcome::ok()
            .with("ansible_facts", variables.clone())
            .with("_ansible_facts_cacheable", cacheable);
        outcome.asks.push(Ask::SetFact { variables, cacheable });
        Ok(outcome)
    }
}
