//! Lookups against ansible-core 2.19.14, with the same files in memory.

use crate::diag::Source;
use crate::template::Templar;
use crate::template::controller::{Bench, Controller};
use crate::value::{Map, Text, Value};
use std::path::Path;
use std::sync::Arc;

fn controller() -> Controller {
    Controller::default()
        .file("/site/files/a.txt", "hello\nworld\n\n")
        .file("/site/b.txt", "  spaced  \n")
        .file("/site/templates/x.j2", "n={{ n }}\n{% if t %}\nyes\n{% endif %}\n")
        .file(
            "/site/users.ini",
            "# c\n[global]\nuser=bob\npath = /x\nempty=\n[other]\nuser: al\nkey.a=1\nkey.b=2\n",
        )
        .file("/site/p.properties", "k1=v1\nk2 = v 2\n")
        .file("/site/e.csv", "Symbol,Number,Mass\nH,1,1.008\nHe,2,4.0026\n")
        .file("/site/ansible.csv", "a\tb\nc\td\n")
        .file("/site/sub/1.conf", "x1")
        .file("/site/sub/2.conf", "x2")
        .file("/site/sub/.hid", "h")
        .program("/bin/sh -c echo hi; echo there", 0, "hi\nthere\n")
        .program("/bin/sh -c exit 3", 3, "")
        .variable("MY_ENV", "val")
}

fn bench(outside: Arc<Controller>) -> Bench {
    let json = serde_json::json!({
        "n": 7, "f": 2.5, "t": true, "va_x": 1, "va_y": 2, "other": 3,
        "users": [{"name": "a", "keys": [1, 2]}, {"name": "b", "keys": [3]}],
        "groups": {
            "all": ["n1", "n2", "n3"], "ungrouped": [], "masters": ["n1"], "nodes": ["n2", "n3"]
        },
    });
    let Value::Map(mut variables) = Value::from(json) else { panic!("variables are a dictionary") };
    let source = Source::new("vars.yml", "{{ n }}");
    variables.insert("tmpl", Text::written("{{ n }}", source.start()));
    Bench::new(outside, variables, &["/site"])
}

#[test]
fn table() {
    bench(Arc::new(controller())).compare(include_str!("reference/lookups.tsv"), 80);
}

#[test]
fn files_of_a_pattern_are_sorted_and_hidden_ones_are_left_out() {
    bench(Arc::new(controller())).compare(
        "query('fileglob', 'sub/*.conf')\t['/site/sub/1.conf', '/site/sub/2.conf']\n\
         query('fileglob', '/site/sub/*')\t['/site/sub/1.conf', '/site/sub/2.conf']\n\
         '/site/sub/*' | fileglob | sort\t['/site/sub/1.conf', '/site/sub/2.conf']\n\
         lookup('ansible.builtin.file', 'b.txt')\t'  spaced'\n",
        4,
    );
}

#[test]
fn hosts_by_pattern() {
    bench(Arc::new(controller())).compare(
        "query('inventory_hostnames', 'all')\t['n1', 'n2', 'n3']\n\
         query('inventory_hostnames', 'all:!masters')\t['n2', 'n3']\n\
         query('inventory_hostnames', 'nodes:&n3')\t['n3']\n\
         query('inventory_hostnames', 'n1,n3')\t['n1', 'n3']\n\
         query('inventory_hostnames', 'no*')\t['n2', 'n3']\n\
         query('inventory_hostnames', '~n[13]')\t['n1', 'n3']\n\
         query('inventory_hostnames', 'zz')\t[]\n",
        7,
    );
}

#[test]
fn what_is_missing_is_refused_by_name() {
    let bench = bench(Arc::new(controller()));
    for (expression, part) in [
        ("lookup('nosuch', 1)", "'nosuch'"),
        ("lookup('url', 'http://x/')", "'url' is not supported"),
        ("lookup('config', 'X')", "the setting X is not known"),
        ("lookup('file', 'b.txt', bogus=1)", "bogus"),
        ("lookup('file', 'gone.txt')", "/site/files/gone.txt, /site/gone.txt"),
    ] {
        let message = bench.evaluate(expression).unwrap_err().diagnostic.message.clone();
        assert!(message.contains(part), "{expression}: {message}");
    }
    assert!(!Templar::has_lookup("nosuch"));
    assert!(Templar::has_lookup("ansible.builtin.items"));
}

#[test]
fn a_password_is_made_once_and_kept_for_its_owner_alone() {
    let outside = Arc::new(controller());
    let bench = bench(Arc::clone(&outside));
    let first = bench.evaluate("lookup('password', 'credentials/p length=12')").unwrap();
    let again = bench.evaluate("lookup('password', 'credentials/p', length=30)").unwrap();
    assert_eq!(first, again);
    assert_eq!(first.as_str().map(str::len), Some(12));
    let modes = outside.modes.lock().unwrap();
    assert_eq!(modes.get(Path::new("/site/credentials/p")), Some(&0o600));
}

#[test]
fn with_loops_take_their_terms_as_a_list() {
    let bench = bench(Arc::new(controller()));
    let run = |name: &str, expression: &str| {
        let terms = bench.evaluate(expression).unwrap();
        format!("{:?}", Value::list(bench.lookup(name, &terms).unwrap()))
    };
    assert_eq!(run("items", "[1, [2, 3], 'x']"), "[1, 2, 3, 'x']");
    assert_eq!(run("items", "'x'"), "['x']");
    assert_eq!(run("dict", "{'a': 1}"), "[{'key': 'a', 'value': 1}]");
    assert_eq!(run("nested", "[['a', 'b'], [1]]"), "[['a', 1], ['b', 1]]");
    assert_eq!(run("nested", "[[['a', 'b'], 'c'], [1]]"), "[['a', 'b', 1], ['c', 1]]");
    assert_eq!(run("together", "[['a', 'b'], [1, 2]]"), "[['a', 1], ['b', 2]]");
    assert_eq!(run("subelements", "[users, 'keys']").matches("'name'").count(), 3);
    assert_eq!(run("sequence", "'end=3 format=n%02d'"), "['n01', 'n02', 'n03']");
    assert_eq!(run("indexed_items", "['a', 'b']"), "[[0, 'a'], [1, 'b']]");
    assert_eq!(run("first_found", "['zz', 'b.txt']"), "['/site/b.txt']");
    assert_eq!(
        run("first_found", "[{'files': ['2.conf'], 'paths': ['nowhere', 'sub']}]"),
        "['/site/sub/2.conf']"
    );
}

#[test]
fn templates_of_files_see_other_variables_first() {
    let mut variables = Map::new();
    variables.insert("n", 1);
    variables.insert("t", false);
    let bench = Bench::new(Arc::new(controller()), variables, &["/site"]);
    let found = bench.evaluate("lookup('template', 'x.j2', template_vars={'t': true})").unwrap();
    assert_eq!(found.as_str(), Some("n=1\nyes\n"));
}
