//! `env`, `vars`, `varnames`.

use super::call::Call;
use crate::template::filters::call::fail;
use crate::template::filters::pattern::{self, Flags};
use crate::template::filters::python;
use minijinja::{Error, Value};

pub(super) fn env(call: &mut Call) -> Result<Vec<Value>, Error> {
    let default = call.options.keyword("default")?;
    let found = call.texts()?.into_iter().map(|term| {
        // `lookup('env', 'HOME anything')` means HOME.
        let name = term.split_whitespace().next().unwrap_or_default().to_owned();
        match call.world.outside().env(&name) {
            Some(value) => Value::from(value),
            None => default.clone().unwrap_or(Value::from("")),
        }
    });
    Ok(found.collect())
}

pub(super) fn vars(call: &mut Call) -> Result<Vec<Value>, Error> {
    let default = call.options.keyword("default")?;
    let mut found = Vec::with_capacity(call.terms.len());
    for term in &call.terms {
        let Some(name) = term.as_str() else {
            let kind = python::type_name(term);
            return Err(fail(format!("the name of a variable is text, not '{kind}'")));
        };
        found.push(match (call.world.scope().get(name), &default) {
            (Some(raw), _) => call.world.lift(&raw)?,
            (None, Some(default)) => default.clone(),
            (None, None) => return Err(fail(format!("there is no variable '{name}'"))),
        });
    }
    Ok(found)
}

pub(super) fn varnames(call: &mut Call) -> Result<Vec<Value>, Error> {
    let names = call.world.scope().names();
    let mut found = Vec::new();
    for term in &call.terms {
        let Some(text) = term.as_str() else {
            let kind = python::type_name(term);
            return Err(fail(format!("a regular expression is text, not '{kind}'")));
        };
        let regex = pattern::compile(text, Flags::default())?;
        for name in &names {
            if pattern::search(&regex, name)?.is_some() {
                found.push(Value::from(&**name));
            }
        }
    }
    Ok(found)
}
