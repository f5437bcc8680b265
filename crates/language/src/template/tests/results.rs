//! Tests on the results of tasks: `failed`, `changed`, `skipped`, `started`, `reachable`…

use crate::template::filters::call::{Args, Entry, entry, fail, is_mapping};
use crate::template::filters::python;
use minijinja::{Error, Value};

pub(super) static ENTRIES: &[Entry] = &[
    entry("failed", |_, args| member(args, "failed", false)),
    entry("failure", |_, args| member(args, "failed", false)),
    entry("succeeded", |_, args| negated(member(args, "failed", false))),
    entry("success", |_, args| negated(member(args, "failed", false))),
    entry("successful", |_, args| negated(member(args, "failed", false))),
    entry("reachable", |_, args| negated(member(args, "unreachable", false))),
    entry("unreachable", |_, args| member(args, "unreachable", false)),
    entry("timedout", |_, args| timed_out(args)),
    entry("changed", |_, args| changed(args)),
    entry("change", |_, args| changed(args)),
    entry("skipped", |_, args| member(args, "skipped", false)),
    entry("skip", |_, args| member(args, "skipped", false)),
    entry("started", |_, args| member(args, "started", true)),
    entry("finished", |_, args| member(args, "finished", true)),
];

fn result(args: &mut Args) -> Result<Value, Error> {
    let value = args.value("result")?;
    if is_mapping(&value) {
        return Ok(value);
    }
    Err(fail(format!(
        "the result of a task is needed, not a value of type '{}'",
        python::type_name(&value)
    )))
}

fn get(result: &Value, name: &str) -> Result<Value, Error> {
    python::get(result, &Value::from(name))
}

fn member(args: &mut Args, name: &str, default: bool) -> Result<Value, Error> {
    let found = get(&result(args)?, name)?;
    Ok(Value::from(if found.is_undefined() { default } else { found.is_true() }))
}

fn negated(answer: Result<Value, Error>) -> Result<Value, Error> {
    answer.map(|answer| Value::from(!answer.is_true()))
}

fn timed_out(args: &mut Args) -> Result<Value, Error> {
    let found = get(&result(args)?, "timedout")?;
    if !is_mapping(&found) {
        return Ok(Value::from(!found.is_undefined() && found.is_true()));
    }
    Ok(Value::from(get(&found, "period")?.is_true()))
}

/// Its own word, or that of any item of a loop.
fn changed(args: &mut Args) -> Result<Value, Error> {
    let result = result(args)?;
    let own = get(&result, "changed")?;
    if !own.is_undefined() {
        return Ok(Value::from(own.is_true()));
    }
    let items = get(&result, "results")?;
    if items.is_undefined() {
        return Ok(Value::from(false));
    }
    for item in python::items(&items)? {
        if is_mapping(&item) && get(&item, "changed")?.is_true() {
            return Ok(Value::from(true));
        }
    }
    Ok(Value::from(false))
}
