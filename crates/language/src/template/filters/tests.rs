//! Tables of expressions with what ansible-core 2.19.14 makes of them (`!` is an error), and what we make of them.

use crate::template::controller::{Bench, Controller, Entry};
use crate::value::Value;
use std::sync::Arc;

fn compare(table: &str, at_least: usize) {
    let outside = Controller::default()
        .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        .file("/usr/lib/x", "")
        .file("/site/secret", "$ANSIBLE_VAULT;1.1;AES256\n6161\n")
        .entry("/proc", Entry::Mount)
        .file("/proc/4242/stat", "")
        .entry("/proc/self", Entry::Link("/proc/4242".into()));
    let json: serde_json::Value =
        serde_json::from_str(include_str!("reference/variables.json")).unwrap();
    let Value::Map(variables) = Value::from(json) else { panic!("variables are a dictionary") };
    Bench::new(Arc::new(outside), variables, &["/site"]).compare(table, at_least);
}

macro_rules! tables {
    ($($name:ident $rows:literal),* $(,)?) => { $(
        #[test]
        fn $name() {
            compare(include_str!(concat!("reference/", stringify!($name), ".tsv")), $rows);
        }
    )* };
}

tables! {
    convert 60, numbers 55, text 90, json 35, regex 60, hashing 20, paths 40, dicts 45, sets 90,
    tests 150, controller 15, misc 25, yaml 30, vault 4, chains 80, names 190,
}

#[test]
fn numbers_at_the_edge_are_answers_or_errors_never_panics() {
    let bench = Bench::new(Arc::new(Controller::default()), crate::value::Map::new(), &["/site"]);
    let largest = "'170141183460469231731687303715884105727' | int";
    let least = format!("(-({largest}) - 1)");
    for expression in [
        "1.5 | round(60000)".to_owned(),
        "1.5 | round(-2147483648)".to_owned(),
        format!("({largest}) | round(-38)"),
        format!("{least} | abs"),
        format!("{least} is divisibleby(-1)"),
        format!("({largest}) | random(start={least})"),
        format!("5 | random(step={least})"),
        format!("query('sequence', 'count={largest}')").replace("' | int'", "'").replace("='1", "=1"),
        "query('sequence', 'start=-170141183460469231731687303715884105727 end=170141183460469231731687303715884105727')".to_owned(),
        "'a' | comment(prefix_count=9999999999999)".to_owned(),
        "'a' | center(99999999999999999)".to_owned(),
        "[1] | batch(99999999999, 0)".to_owned(),
        "range(40) | list | permutations".to_owned(),
        "'a' | regex_replace('((a*)*)*b', '')".to_owned(),
        "'\\u00e9' | indent(99999999999)".to_owned(),
    ] {
        // Whatever it is: it comes back.
        drop(bench.evaluate(&expression));
    }
}
