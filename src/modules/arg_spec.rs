//! `validate_argument_spec`: variables against a spec that a role (or a task) gives as data.
//!
//! The spec of our own modules is checked in `check.rs` and stops at the first error; here every error is told, in the
//! order in which ansible-core finds them. Types are coerced by the same code.

use super::arg_spec_rules::{
    choices, entries, exclusive, flag, one_of, options, required, required_by, required_if,
    resolve_aliases, set, set_defaults, text, texts, together, typed,
};
use super::check::{class, coerce};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use async_trait::async_trait;
use mainstay_language::template::Site;
use mainstay_language::value::{Map, Value, string};
use std::collections::BTreeSet;

pub(super) struct ValidateArgumentSpec;

static SPEC: Spec = Spec {
    names: &["validate_argument_spec"],
    params: &[
        Param::new("argument_spec", Kind::Raw).required(),
        Param::new("provided_arguments", Kind::Raw),
        Param::new("validate_args_context", Kind::Raw),
    ],
    controller: true,
    ..BUILTIN
};

#[async_trait]
impl Module for ValidateArgumentSpec {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let spec = dictionary(&args, "argument_spec")?;
        let mut given = variables(&spec, ctx)?;
        given.extend_with(&dictionary(&args, "provided_arguments")?);
        let context =
            args.get("validate_args_context").cloned().unwrap_or_else(|| Map::new().into());
        let errors = errors(&spec, given);
        let outcome = Outcome::ok().with("validate_args_context", context);
        if errors.is_empty() {
            return Ok(outcome.with("msg", "The arg spec validation passed"));
        }
        let outcome = outcome
            .with("msg", format!("Validation of arguments failed:\n{}", errors.join("\n")))
            .with("argument_spec_data", spec)
            .with("argument_errors", errors);
        Err(Failure::Failed(Box::new(outcome)))
    }
}

fn dictionary(args: &Args, name: &str) -> Result<Map, Failure> {
    match args.0.get(name) {
        Some(Value::Map(map)) => Ok(map.clone()),
        None => Ok(Map::new()),
        Some(other) => {
            let class = class(other);
            Err(Failure::msg(format!("Incorrect type for {name}, expected dict and got {class}")))
        }
    }
}

/// The variables that have a name of the spec.
fn variables(spec: &Map, ctx: &Ctx<'_>) -> Result<Map, Failure> {
    let site = Site { search: ctx.search.into() };
    let mut found = Map::new();
    for (name, _) in spec.iter() {
        if let Some(raw) = ctx.scope.get(&string(name)) {
            let value = ctx
                .templar
                .render(&raw, &ctx.scope, &site)
                .map_err(|error| Failure::msg(error.diagnostic.to_string()))?;
            found.insert(name.clone(), value);
        }
    }
    Ok(found)
}

/// All that is wrong with arguments, in the order of ansible-core 2.19.
fn errors(spec: &Map, mut given: Map) -> Vec<String> {
    let mut checker = Checker::default();
    if let Err(error) = readable(spec, &given) {
        checker.errors.push(error);
    }
    checker.level(spec, None, &mut given, &[]);
    if let Some(unsupported) = checker.unsupported() {
        checker.errors.push(unsupported);
    }
    checker.errors
}

#[derive(Default)]
struct Checker {
    errors: Vec<String>,
    /// Dotted names, each with the names and aliases that could stand there.
    unsupported: BTreeSet<(String, String)>,
}

impl Checker {
    /// One level of arguments; `rules` are the entry of the spec that holds it.
    fn level(&mut self, spec: &Map, rules: Option<&Map>, given: &mut Map, path: &[&str]) {
        let found = match path {
            [] => String::new(),
            _ => format!(" found in {}", path.join(" -> ")),
        };
        resolve_aliases(spec, given);
        self.check_defaults(spec);
        self.find_unsupported(spec, given, path);
        self.tell(exclusive(rules, given), &found);
        set_defaults(spec, given);
        self.tell(required(spec, given), &found);
        for (param, entry) in entries(spec) {
            self.convert(param, entry, given, path);
        }
        for (param, entry) in entries(spec) {
            self.tell(choices(param, entry, given), &found);
        }
        for rule in [together, one_of, required_if, required_by] {
            self.tell(rule(rules, given), &found);
        }
        for (param, entry) in entries(spec) {
            self.nested(param, entry, given, path);
        }
    }

    fn tell(&mut self, error: Option<String>, found: &str) {
        self.errors.extend(error.map(|error| format!("{error}{found}")));
    }

    fn check_defaults(&mut self, spec: &Map) {
        let wrong =
            entries(spec).find(|(_, entry)| flag(entry, "required") && set(entry, "default"));
        self.errors.extend(wrong.map(|(param, _)| {
            format!("internal error: required and default are mutually exclusive for {param}")
        }));
    }

    fn find_unsupported(&mut self, spec: &Map, given: &Map, path: &[&str]) {
        let mut names: Vec<&str> = entries(spec).map(|(param, _)| param).collect();
        let mut aliases: Vec<String> =
            entries(spec).flat_map(|(_, e)| texts(e, "aliases")).collect();
        names.sort_unstable();
        aliases.sort_unstable();
        let mut supported = names.join(", ");
        if !aliases.is_empty() {
            supported = format!("{supported} ({})", aliases.join(", "));
        }
        for key in given.iter().map(|(key, _)| string(key)) {
            if !names.contains(&key.as_str()) && !aliases.contains(&key) {
                let dotted: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
                self.unsupported.insert((dotted.join("."), supported.clone()));
            }
        }
    }

    fn unsupported(&self) -> Option<String> {
        let (_, supported) = self.unsupported.last()?;
        let names: Vec<&str> = self.unsupported.iter().map(|(name, _)| name.as_str()).collect();
        Some(format!("{}. Supported parameters include: {supported}.", names.join(", ")))
    }

    /// Replaces a value by what its type makes of it.
    fn convert(&mut self, param: &str, entry: &Map, given: &mut Map, path: &[&str]) {
        let Some(value) = given.get(param).cloned() else { return };
        if matches!(value, Value::Null) && !flag(entry, "required") && !set(entry, "default") {
            return;
        }
        let wanted = text(entry, "type").unwrap_or_else(|| "str".to_owned());
        let found = match path {
            [] => String::new(),
            _ => format!(" found in '{}'.", path.join(" -> ")),
        };
        let kind = value.type_name();
        match typed(&wanted, &value) {
            Err(why) => self.errors.push(format!(
                "argument '{param}' is of type {kind}{found} and we were unable to convert to {wanted}: {why}"
            )),
            Ok(typed) => {
                let elements = text(entry, "elements");
                let typed = match elements {
                    Some(wanted) => self.elements(param, &wanted, typed, &found, entry),
                    None => typed,
                };
                given.insert(param, typed);
            }
        }
    }

    fn elements(
        &mut self,
        param: &str,
        wanted: &str,
        list: Value,
        found: &str,
        entry: &Map,
    ) -> Value {
        let Value::List(items) = &list else {
            let kind = text(entry, "type").unwrap_or_else(|| "str".to_owned());
            self.errors.push(format!(
                "Invalid type {kind} for option '{}'{found}, elements value check is supported only with 'list' type",
                string(&list)
            ));
            return list;
        };
        let mut converted = Vec::new();
        for item in items.iter() {
            match typed(wanted, item) {
                Ok(item) => converted.push(item),
                Err(why) => {
                    let kind = item.type_name();
                    self.errors.push(format!(
                        "Elements value for option '{param}'{found} is of type {kind} and we were unable to convert \
                         to {wanted}: {why}"
                    ));
                }
            }
        }
        Value::list(converted)
    }

    /// The options inside a dictionary, or inside each of a list of them.
    fn nested(&mut self, param: &str, entry: &Map, given: &mut Map, path: &[&str]) {
        let Some(spec) = options(entry) else { return };
        if flag(entry, "apply_defaults") && matches!(given.get(param), None | Some(Value::Null)) {
            given.insert(param, Map::new());
        }
        let inner = [path, &[param]].concat();
        let elements = match given.get(param) {
            None | Some(Value::Null) => return,
            Some(Value::List(items)) => items.to_vec(),
            Some(one) => vec![one.clone()],
        };
        for element in elements {
            match element {
                Value::Map(mut map) => self.level(spec, Some(entry), &mut map, &inner),
                _ => self
                    .errors
                    .push(format!("value of '{param}' must be of type dict or list of dicts")),
            }
        }
    }
}

/// Whether texts that stand for dictionaries with options can be read; ansible-core looks for secrets there first.
fn readable(spec: &Map, given: &Map) -> Result<(), String> {
    for (param, entry) in entries(spec) {
        let Some(inner) = options(entry) else { continue };
        let elements = match given.get(param) {
            None | Some(Value::Null) => continue,
            Some(Value::List(items)) => items.to_vec(),
            Some(one) => vec![one.clone()],
        };
        for element in elements {
            let element = match element {
                Value::Text(_) => coerce(Kind::Dict, &element)?,
                other => other,
            };
            let Value::Map(map) = &element else {
                return Err(format!(
                    "Value '{}' in the sub parameter field '{param}' must be a dict, not '{}'",
                    string(&element),
                    element.type_name()
                ));
            };
            readable(inner, map)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Map, Value, errors};

    fn map(json: &str) -> Map {
        Value::from(serde_json::from_str::<serde_json::Value>(json).unwrap())
            .as_map()
            .unwrap()
            .clone()
    }

    #[test]
    fn every_spec_finds_the_errors_that_ansible_finds() {
        let rows = include_str!("arg_spec.tsv").lines().filter(|line| !line.starts_with('#'));
        let mut wrong = Vec::new();
        for row in rows {
            let [spec, given, expected] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{row}")
            };
            let expected: Vec<String> = serde_json::from_str(expected).unwrap();
            let got = errors(&map(spec), map(given));
            // The list of words for truth has no order there.
            let got: Vec<&str> =
                got.iter().map(|e| e.split(" Valid booleans").next().unwrap()).collect();
            if got != expected {
                wrong.push(format!("{spec} {given}\n  {got:?}\n  {expected:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
