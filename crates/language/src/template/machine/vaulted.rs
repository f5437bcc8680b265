//! Tests asked of a variable as it is written, because reading it changes it: `is vault_encrypted`, for reading decrypts,
//! and `is ansible._protomatter.tagged_with("TrustedAsTemplate")`, for what a template has read has no place any more.
//!
//! Of anything but a variable (and what it names, if it is nothing but another variable) they are refused.

use super::super::{World, convert};
use super::rewrite::{constant, text};
use crate::value::{Scope, Value};
use minijinja::machinery::Span;
use minijinja::machinery::ast::{CallArg, Expr};
use minijinja::{Error, ErrorKind, State, Value as Jinja};

/// Variables that name variables, at most.
const STEPS_MAX: usize = 50;

/// The name of a variable and the constant keys below it, as arguments; `None` of any other expression.
pub(super) fn chain<'a>(expr: &Expr<'a>, span: Span) -> Option<Vec<CallArg<'a>>> {
    match expr {
        Expr::Var(e) => Some(vec![text(e.id, span)]),
        Expr::GetAttr(e) => {
            let mut args = chain(&e.expr, span)?;
            args.push(text(e.name, span));
            Some(args)
        }
        Expr::GetItem(e) => {
            let mut args = chain(&e.expr, span)?;
            args.push(CallArg::Pos(constant(e.subscript_expr.as_const()?, span)));
            Some(args)
        }
        _ => None,
    }
}

/// Whether a variable (its name, then keys) is an inline vault.
pub(super) fn vaulted(state: &State<'_, '_>, name: &str, keys: &[Jinja]) -> Result<bool, Error> {
    match as_written(state, name, keys, VAULTED)? {
        Value::Encrypted(_) => Ok(true),
        // It may have been read from a vault.
        Value::Text(text) if text.place().is_none() => Err(refused(VAULTED)),
        _ => Ok(false),
    }
}

/// Whether a variable is text that Ansible would take for a template: text with a place is.
pub(super) fn tagged(
    state: &State<'_, '_>,
    tag: &str,
    name: &str,
    keys: &[Jinja],
) -> Result<bool, Error> {
    if tag != "TrustedAsTemplate" {
        let message = format!("{TAGGED}: the tag {tag:?} is not supported, TrustedAsTemplate is");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    let value = as_written(state, name, keys, TAGGED)?;
    Ok(matches!(value, Value::Text(text) if text.place().is_some()))
}

/// Names of the tests.
const VAULTED: &str = "vault_encrypted";
/// Of ansible-core's own test targets.
pub(super) const TAGGED: &str = "ansible._protomatter.tagged_with";

fn as_written(
    state: &State<'_, '_>,
    name: &str,
    keys: &[Jinja],
    test: &'static str,
) -> Result<Value, Error> {
    let keys = keys.iter().map(convert::lower).collect::<Result<Vec<_>, _>>()?;
    of_variable(&*World::of(state)?.scope, name, &keys, 0).ok_or_else(|| refused(test))?
}

/// `None`: it is computed from something else.
fn of_variable(
    scope: &dyn Scope,
    name: &str,
    keys: &[Value],
    steps: usize,
) -> Option<Result<Value, Error>> {
    let missing = || Some(Err(Error::new(ErrorKind::UndefinedError, name.to_owned())));
    let Some(mut value) = scope.get(name) else { return missing() };
    for (nth, key) in keys.iter().enumerate() {
        let below = match &value {
            Value::Text(text) if text.is_template() => {
                return of_text(scope, text.as_str(), keys.get(nth..)?, steps);
            }
            Value::Map(map) => map.get_value(key).cloned(),
            Value::List(items) => match key {
                Value::Int(at) => usize::try_from(*at).ok().and_then(|at| items.get(at)).cloned(),
                _ => None,
            },
            _ => return None,
        };
        let Some(below) = below else { return missing() };
        value = below;
    }
    match &value {
        Value::Text(text) if text.is_template() => of_text(scope, text.as_str(), &[], steps),
        _ => Some(Ok(value)),
    }
}

/// Of `{{ name.key }}` the variable is asked; text with something around a template is what it is.
fn of_text(
    scope: &dyn Scope,
    text: &str,
    keys: &[Value],
    steps: usize,
) -> Option<Result<Value, Error>> {
    let lone = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let Some(inner) = lone.map(str::trim) else {
        let plain = keys.is_empty() && !text.starts_with("{{");
        return plain.then(|| Ok(Value::Bool(false)));
    };
    let words: Vec<&str> = inner.split('.').collect();
    let is_name = |word: &&str| {
        !word.is_empty()
            && !word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let (name, below) = words.split_first()?;
    if !words.iter().all(is_name) || steps >= STEPS_MAX {
        return None;
    }
    let below: Vec<Value> = below.iter().map(|word| Value::text(*word)).collect();
    of_variable(scope, name, &[&below, keys].concat(), steps + 1)
}

pub(in crate::template) fn refused(test: &str) -> Error {
    let message = format!("{test} can be asked only of a variable that is written in a file");
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use crate::template::Site;
    use crate::template::conformance::{Vars, templar, value, written};
    use crate::value::{Encrypted, Scope, Value};
    use std::sync::Arc;

    /// The answers of ansible-core 2.19; `None` where it knows what we do not.
    #[test]
    fn variables_are_asked_as_they_are_written() {
        let vault = Value::Encrypted(Arc::new(Encrypted {
            envelope: "$ANSIBLE_VAULT;1.1;AES256\n00".to_owned(),
            place: None,
        }));
        let mut map = value(serde_json::json!({
            "x": "{{ v }}", "xk": "{{ d.k }}", "p": "$ANSIBLE_VAULT;1.1;AES256", "five": 5,
            "l": ["{{ v }}", "plain"], "mixed": "a{{ v }}", "up": "{{ v | upper }}", "loop_": "{{ loop_ }}",
        }))
        .as_map()
        .unwrap()
        .clone();
        map.insert("d", Value::Map([(Value::text("k"), vault.clone())].into_iter().collect()));
        map.insert("v", vault);
        map.insert("computed", Value::text("perhaps it was"));
        let scope: Arc<dyn Scope> = Arc::new(Vars(map));
        for (asked, expected) in [
            ("v", Some(true)),
            ("x", Some(true)),
            ("xk", Some(true)),
            ("p", Some(false)),
            ("d.k", Some(true)),
            ("d['k']", Some(true)),
            ("l[0]", Some(true)),
            ("l[1]", Some(false)),
            ("l", Some(false)),
            ("d", Some(false)),
            ("five", Some(false)),
            ("mixed", Some(false)),
            ("up", None),
            ("computed", None),
            ("loop_", None),
            ("(p ~ '')", None),
            ("nope", None),
            ("d.nope", None),
        ] {
            for (test, turn) in [("is", false), ("is not", true)] {
                let text = written(&format!("{{{{ {asked} {test} vault_encrypted }}}}"));
                let got = templar().render(&Value::Text(text), &scope, &Site::default()).ok();
                assert_eq!(got, expected.map(|e| Value::Bool(e != turn)), "{asked} {test}");
            }
        }
    }

    /// The answers of ansible-core 2.19.
    #[test]
    fn text_that_was_written_is_trusted() {
        let mut map = value(serde_json::json!({"five": 5})).as_map().unwrap().clone();
        map.insert("said", Value::text("by a host"));
        map.insert("plain", Value::Text(written("bar")));
        map.insert("through", Value::Text(written("{{ plain }}")));
        let scope: Arc<dyn Scope> = Arc::new(Vars(map));
        let ask = |name: &str, tag: &str| {
            let text = format!("{{{{ {name} is ansible._protomatter.tagged_with('{tag}') }}}}");
            templar().render(&Value::Text(written(&text)), &scope, &Site::default()).ok()
        };
        for (name, trusted) in
            [("plain", true), ("through", true), ("said", false), ("five", false)]
        {
            assert_eq!(ask(name, "TrustedAsTemplate"), Some(Value::Bool(trusted)), "{name}");
        }
        assert_eq!(ask("plain", "Origin"), None, "refused by name");
    }
}
