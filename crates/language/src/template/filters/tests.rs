//! Tables of expressions with what ansible-core 2.19.14 makes of them (`!` is an error), and what we make of them.

use super::python;
use minijinja::{Environment, UndefinedBehavior, Value};

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    super::add_filters(&mut env);
    crate::template::add_tests(&mut env);
    env
}

fn outcome(env: &Environment<'static>, expression: &str, variables: &Value) -> String {
    let value = env.compile_expression(expression).and_then(|e| e.eval(variables));
    match value.and_then(|value| python::to_language(&value)) {
        Ok(value) => crate::value::repr(&value),
        Err(error) => format!("! {error}"),
    }
}

fn compare(table: &str, at_least: usize) {
    let env = environment();
    let variables = super::json::parse(include_str!("reference/variables.json")).unwrap();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with("##")) {
        let (expression, expected) = line.split_once('\t').expect("a tab in each row");
        rows += 1;
        let found = outcome(&env, expression, &variables);
        let same =
            if expected.starts_with('!') { found.starts_with('!') } else { found == expected };
        if !same {
            wrong.push(format!("{expression}\n    expected {expected}\n    found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} rows differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(rows >= at_least, "only {rows} rows");
}

macro_rules! tables {
    ($($name:ident $rows:literal),* $(,)?) => { $(
        #[test]
        fn $name() {
            compare(include_str!(concat!("reference/", stringify!($name), ".tsv")), $rows);
        }
    )* };
}

tables! { convert 60, numbers 55, json 35, regex 60, hashing 20, text 90, paths 40, dicts 45, sets 90, tests 150, misc 25, yaml 30, vault 4 }
