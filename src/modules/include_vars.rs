//! `include_vars`: variables of the host from files of the controller.

use super::common::find_local;
use super::copy::local_bytes;
use super::lineinfile::pattern;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ask, Ctx, Failure, Module, Outcome};
use async_trait::async_trait;
use mainstay_language::diag::{Diagnostics, Source};
use mainstay_language::outside::FileKind;
use mainstay_language::value::{Map, Value};
use mainstay_language::yaml;
use std::path::{Path, PathBuf};

pub(super) struct IncludeVars;

static SPEC: Spec = Spec {
    names: &["include_vars"],
    free_form: Some("file"),
    params: &[
        Param::new("file", Kind::Path),
        Param::new("dir", Kind::Path),
        Param::new("name", Kind::Text),
        Param::new("depth", Kind::Int).default("0"),
        Param::new("files_matching", Kind::Text),
        Param::new("ignore_files", Kind::TextList),
        Param::new("extensions", Kind::TextList).default("yaml,yml,json"),
        Param::new("ignore_unknown_extensions", Kind::Bool).default("no"),
        Param::new("hash_behaviour", Kind::Text).choices(&["replace", "merge"]),
    ],
    exclusive: &[&["file", "dir"]],
    controller: true,
    ..BUILTIN
};

/// The variables of one file: templates in it keep their place and are rendered when they are read.
fn load(path: &Path, ctx: &Ctx<'_>, warnings: &mut Vec<String>) -> Result<Map, Failure> {
    let name = path.display().to_string();
    let raw = super::common::read_local(ctx, path)?;
    let encrypted = raw.starts_with(b"$ANSIBLE_VAULT;");
    let text = String::from_utf8(local_bytes(ctx, path, true)?)
        .map_err(|_| Failure::msg(format!("{name} is not UTF-8")))?;
    // What a vault holds is never shown under a caret.
    let source = Source::new(name.clone(), if encrypted { String::new() } else { text.clone() });
    let mut found = Diagnostics::default();
    let documents =
        yaml::load_text(&source, &text, &mut found).map_err(|e| Failure::msg(e.to_string()))?;
    warnings.extend(found.0.iter().map(ToString::to_string));
    let mut map = Map::new();
    for document in documents {
        match document.to_value() {
            Value::Map(part) => map.extend_with(&part),
            Value::Null => {}
            other => {
                return Err(Failure::msg(format!(
                    "{name} must be stored as a dictionary/hash, not {}",
                    other.type_name()
                )));
            }
        }
    }
    Ok(map)
}

fn extension(path: &Path) -> String {
    path.extension().map_or_else(String::new, |e| e.to_string_lossy().into_owned())
}

/// Files below a directory in the order of their names, depth first after the files of the directory itself.
fn files(
    dir: &Path,
    level: i64,
    args: &Args,
    ctx: &Ctx<'_>,
    all: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    let entries =
        ctx.outside.list(dir).map_err(|e| Failure::msg(format!("{}: {e}", dir.display())))?;
    let wanted = args.text("files_matching").map(pattern).transpose()?;
    let ignored =
        args.texts("ignore_files").iter().map(|p| pattern(p)).collect::<Result<Vec<_>, _>>()?;
    let extensions = args.texts("extensions");
    let mut below = Vec::new();
    for entry in entries {
        let name = entry.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        match ctx.outside.status(&entry).map(|s| s.kind) {
            Some(FileKind::Directory) => below.push(entry),
            Some(FileKind::File) => {
                let skipped = wanted.as_ref().is_some_and(|w| !w.is_match(&name))
                    || ignored.iter().any(|i| i.is_match(&name))
                    || name.starts_with('.')
                    || name.ends_with('~');
                if skipped {
                    continue;
                }
                if extensions.contains(&extension(&entry)) {
                    all.push(entry);
                } else if !args.flag("ignore_unknown_extensions") {
                    return Err(Failure::msg(format!(
                        "{} does not have a valid extension: {}",
                        entry.display(),
                        extensions.join(", ")
                    )));
                }
            }
            _ => {}
        }
    }
    let depth = args.int("depth").unwrap_or(0);
    if depth == 0 || level < depth {
        for dir in below {
            files(&dir, level + 1, args, ctx, all)?;
        }
    }
    Ok(())
}

/// Merges dictionaries key by key, all the way down.
fn merge(into: &mut Map, from: &Map) {
    for (key, value) in from.iter() {
        let merged = match (into.get_value(key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let mut both = old.clone();
                merge(&mut both, new);
                Value::Map(both)
            }
            _ => value.clone(),
        };
        into.insert(key.clone(), merged);
    }
}

#[async_trait]
impl Module for IncludeVars {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let mut paths = Vec::new();
        match (args.text("file"), args.text("dir")) {
            (Some(file), _) => paths.push(find_local(ctx, "vars", file.trim())?),
            (None, Some(dir)) => {
                let dir = find_local(ctx, "vars", dir)?;
                files(&dir, 1, &args, ctx, &mut paths)?;
            }
            (None, None) => {
                return Err(Failure::msg("one of the following is required: file, dir"));
            }
        }
        let deep = args.text("hash_behaviour") == Some("merge");
        let mut outcome = Outcome::ok();
        let mut variables = Map::new();
        for path in &paths {
            let part = load(path, ctx, &mut outcome.warnings)?;
            if deep { merge(&mut variables, &part) } else { variables.extend_with(&part) }
        }
        if let Some(name) = args.text("name").filter(|n| !n.is_empty()) {
            let mut named = Map::new();
            named.insert(name, variables);
            variables = named;
        }
        if deep {
            // Merged into what the host has already.
            let names: Vec<Value> = variables.keys().cloned().collect();
            for name in names {
                let old = name.as_str().and_then(|n| ctx.scope.get(n));
                if let (Some(Value::Map(mut old)), Some(Value::Map(new))) =
                    (old, variables.get_value(&name).cloned())
                {
                    merge(&mut old, &new);
                    variables.insert(name, old);
                }
            }
        }
        let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
        let mut outcome = outcome
            .with("ansible_facts", variables.clone())
            .with("ansible_included_var_files", names);
        outcome.asks.push(Ask::IncludeVars(variables));
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::{Bench, Scripted};
    use serde_json::json;

    #[tokio::test]
    async fn includes() {
        let dir = tempfile::tempdir().unwrap();
        let d = dir.path();
        std::fs::create_dir_all(d.join("vars/many/deep")).unwrap();
        for (name, text) in [
            ("vars/main.yml", "v: 1\nh: {a: 1}\n"),
            ("vars/many/1.yml", "a: 1\nh: {x: 1}\n"),
            ("vars/many/2.json", "{\"a\": 2, \"h\": {\"y\": 2}}"),
            ("vars/many/deep/3.yaml", "d: 3\n"),
            ("vars/list.yml", "- 1\n"),
            ("vars/empty.yml", ""),
        ] {
            std::fs::write(d.join(name), text).unwrap();
        }
        let mut bench = Bench::on(Scripted::new([]));
        bench.search = vec![d.to_path_buf()];
        for (args, expected) in [
            (json!({"_raw_params": "main.yml"}), json!({"v": 1, "h": {"a": 1}})),
            (json!({"file": "main.yml", "name": "x"}), json!({"x": {"v": 1, "h": {"a": 1}}})),
            (json!({"file": "empty.yml"}), json!({})),
            (json!({"dir": "many"}), json!({"a": 2, "h": {"y": 2}, "d": 3})),
            (json!({"dir": "many", "depth": 1}), json!({"a": 2, "h": {"y": 2}})),
            (json!({"dir": "many", "files_matching": "^1"}), json!({"a": 1, "h": {"x": 1}})),
            (
                json!({"dir": "many", "ignore_files": ["2"], "depth": 1}),
                json!({"a": 1, "h": {"x": 1}}),
            ),
            (
                json!({"dir": "many", "hash_behaviour": "merge", "depth": 1}),
                json!({"a": 2, "h": {"x": 1, "y": 2}}),
            ),
            (
                json!({"dir": "many", "extensions": ["yml"], "ignore_unknown_extensions": true}),
                json!({"a": 1, "h": {"x": 1}}),
            ),
        ] {
            assert_eq!(
                bench.json("include_vars", args.clone()).await["ansible_facts"],
                expected,
                "{args}"
            );
        }
        for args in [
            json!({}),
            json!({"file": "nope.yml"}),
            json!({"file": "list.yml"}),
            json!({"dir": "many", "extensions": ["yml"]}),
            json!({"file": "a", "dir": "b"}),
        ] {
            assert_eq!(bench.json("include_vars", args.clone()).await["failed"], true, "{args}");
        }
    }
}
