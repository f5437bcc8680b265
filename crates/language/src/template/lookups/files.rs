//! `file`, `unvault`, `template`, `fileglob`.

use super::call::Call;
use super::glob;
use crate::diag::Source;
use crate::template::filters::call::{fail, is_mapping};
use crate::template::filters::python;
use crate::template::{FileOptions, error, file as template_file};
use crate::value::{Map, Scope, Text, Value as Ours};
use minijinja::{Error, Value};
use std::sync::Arc;

pub(super) fn file(call: &mut Call) -> Result<Vec<Value>, Error> {
    let strip_end = call.options.keyword("rstrip")?.is_none_or(|v| v.is_true());
    let strip_start = call.options.keyword("lstrip")?.is_some_and(|v| v.is_true());
    let mut found = Vec::new();
    for name in call.texts()? {
        let text = call.read(&call.find_file(&name, "files")?)?;
        let text = if strip_start { text.trim_start() } else { &text };
        found.push(Value::from(if strip_end { text.trim_end() } else { text }));
    }
    Ok(found)
}

pub(super) fn unvault(call: &mut Call) -> Result<Vec<Value>, Error> {
    let names = call.texts()?;
    names.iter().map(|name| Ok(Value::from(call.read(&call.find_file(name, "files")?)?))).collect()
}

pub(super) fn fileglob(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for pattern in call.texts()? {
        for candidate in call.candidates(&pattern, "files") {
            let full = candidate.to_string_lossy();
            let files = glob::files(call.world.outside().as_ref(), &full)?;
            if !files.is_empty() {
                found.extend(files);
                break;
            }
        }
    }
    Ok(found)
}

/// Variables over those of the scope.
struct Overlay {
    over: Map,
    under: Arc<dyn Scope>,
}

impl Scope for Overlay {
    fn get(&self, name: &str) -> Option<Ours> {
        self.over.get(name).cloned().or_else(|| self.under.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.under.names();
        for name in self.over.keys().filter_map(Ours::as_str) {
            if !names.iter().any(|known| &**known == name) {
                names.push(Arc::from(name));
            }
        }
        names
    }
}

fn delimiters(call: &mut Call) -> Result<Option<[String; 6]>, Error> {
    let defaults = [
        ("block_start_string", "{%"),
        ("block_end_string", "%}"),
        ("variable_start_string", "{{"),
        ("variable_end_string", "}}"),
        ("comment_start_string", "{#"),
        ("comment_end_string", "#}"),
    ];
    let mut changed = false;
    let mut values: [String; 6] = Default::default();
    for (value, (name, default)) in values.iter_mut().zip(defaults) {
        *value = call.text(name, default)?;
        changed |= value != default;
    }
    Ok(changed.then_some(values))
}

pub(super) fn template(call: &mut Call) -> Result<Vec<Value>, Error> {
    let options = FileOptions {
        trim_blocks: call.options.keyword("trim_blocks")?.is_none_or(|v| v.is_true()),
        lstrip_blocks: call.options.keyword("lstrip_blocks")?.is_some_and(|v| v.is_true()),
        newline: "\n".to_owned(),
        delimiters: delimiters(call)?,
    };
    let world = match call.options.keyword("template_vars")?.filter(|vars| !vars.is_none()) {
        None => Arc::clone(&call.world),
        Some(vars) if is_mapping(&vars) => {
            let over = match python::to_language(&vars)? {
                Ours::Map(map) => map,
                _ => Map::new(),
            };
            call.world.with_scope(Arc::new(Overlay { over, under: Arc::clone(call.world.scope()) }))
        }
        Some(_) => return Err(fail("'template_vars' must be a dictionary")),
    };
    let mut found = Vec::new();
    for name in call.texts()? {
        let path = call.find_file(&name, "templates")?;
        let content = call.read(&path)?;
        let source = Source::new(path.display().to_string(), content.clone());
        let text = Text::written(content, source.start());
        let rendered = template_file::render(&world.engine, &text, &world, &options)
            .map_err(|failure| error::into_jinja(failure, None))?;
        found.push(Value::from(rendered));
    }
    Ok(found)
}
