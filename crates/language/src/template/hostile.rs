//! Texts that want to be evaluated and must not be, and texts that want to bring the renderer down.

use super::behaviour::render;
use super::conformance::{Vars, scope, templar, written};
use super::{Site, TemplateErrorKind};
use crate::value::{Map, Scope, Value, repr};
use serde_json::json;
use std::sync::Arc;

const ATTACK: &str = "{{ 7 * 191 }}{% set x = 1 %}";

/// Variables with computed text (a module's result) in every shape.
fn attacked() -> Arc<dyn Scope> {
    let evil = || Value::text(ATTACK);
    let mut inner = Map::new();
    inner.insert("k", evil());
    inner.insert(evil(), "key");
    let mut map = Map::new();
    map.insert("evil", evil());
    map.insert("list", Value::list(vec![evil(), Value::list(vec![evil()])]));
    map.insert("map", Value::Map(inner.clone()));
    map.insert("alias", Value::Text(written("{{ evil }}")));
    map.insert("alias2", Value::Text(written("{{ alias }}")));
    map.insert("around", Value::Text(written("<{{ evil }}>")));
    map.insert("written_list", Value::list(vec![Value::Text(written("{{ evil }}"))]));
    let mut host = Map::new();
    host.insert("fact", evil());
    host.insert("deep", Value::Map(inner));
    let mut hostvars = Map::new();
    hostvars.insert("h", Value::Scope(Arc::new(Vars(host))));
    map.insert("hostvars", Value::Map(hostvars));
    Arc::new(Vars(map))
}

#[test]
fn computed_text_is_never_evaluated() {
    let scope = attacked();
    for text in [
        "{{ evil }}",
        "x{{ evil }}",
        "{{ alias }}",
        "{{ alias2 }}",
        "{{ around }}",
        "{{ list }}",
        "{{ list[0] }}",
        "{{ list[1][0] }}",
        "{{ list | first }}",
        "{{ list | join('-') }}",
        "{{ map }}",
        "{{ map.k }}",
        "{{ map['k'] }}",
        "{{ map.items() | list }}",
        "{{ map.keys() | list }}",
        "{{ written_list }}",
        "{{ written_list[0] }}",
        "{{ hostvars.h.fact }}",
        "{{ hostvars['h']['fact'] }}",
        "{{ hostvars['h'].deep.k }}",
        "{{ hostvars.h }}",
        "{{ hostvars }}",
        "{% for x in list %}{{ x }}{% endfor %}",
        "{% set y = evil %}{{ y }}",
        "{% set y = [] %}{% set _ = y.append(evil) %}{{ y }}",
        "{{ evil ~ '' }}",
        "{{ evil | upper | lower | replace('SET', 'set') }}",
        "{{ [evil] + [evil] }}",
        "{{ {'a': evil}.a }}",
        "{{ '{{' ~ ' 7 * 191 }}{% set x = 1 %}' }}",
        "{{ '%s' % evil }}",
        "{{ '{}'.format(evil) }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(evil) }}",
        "{{ evil | default('x') }}",
        "{{ missing | default(evil) }}",
        "{{ evil if evil is defined else '' }}",
        "{{ namespace(a=evil).a }}",
        "{{ dict(a=evil).a }}",
    ] {
        let result = render(text, &scope);
        let shown = result.as_ref().map(repr).unwrap_or_default();
        assert!(shown.contains("7 * 191"), "{text} was evaluated or failed: {result:?}");
        let again = templar().render(&result.expect("checked"), &scope, &Site::default());
        assert!(repr(&again.expect("it is data")).contains("7 * 191"), "{text} twice");
    }
}

#[test]
fn data_is_refused_as_a_condition() {
    let scope = attacked();
    for condition in [Value::text("1 == 1"), Value::Text(written("{{ evil }}")), Value::text("")] {
        let e = templar().condition(&condition, &scope, &Site::default()).expect_err("refused");
        assert_eq!(e.kind, TemplateErrorKind::NotBoolean, "{e}");
    }
}

#[test]
fn what_is_computed_has_no_place() {
    let scope = scope(json!({"w": "written", "l": ["{{ w }}", "plain"]}));
    for text in ["{{ w }}", "{{ l }}", "a{{ w }}", "{{ l[1] }}"] {
        fn placed(value: &Value) -> bool {
            match value {
                Value::List(items) => items.iter().any(placed),
                other => other.place().is_some(),
            }
        }
        // Text that was written without a template may keep its place inside a list.
        let result = render(text, &scope).expect("it renders");
        assert!(text == "{{ l }}" || !placed(&result), "{text}");
    }
}

#[test]
fn recursion_ends_with_an_error() {
    let scope = scope(json!({
        "a": "{{ b }}", "b": "{{ c }}", "c": "{{ a }}", "l": ["{{ l }}"], "d": {"x": "{{ d }}"},
        "m": "{{ m | default('x') }}",
    }));
    for text in ["{{ a }}", "{{ l }}", "{{ d }}", "{{ d.x.x.x }}", "{{ m }}", "{{ a is defined }}"]
    {
        match render(text, &scope) {
            Err(e) => assert!(e.to_string().contains("recursive"), "{text}: {e}"),
            Ok(value) => assert_eq!(text, "{{ d.x.x.x }}", "{}", repr(&value)),
        }
    }
}

#[test]
fn deep_values_do_not_overflow_the_stack() {
    let mut deep = Value::Text(written("{{ 1 }}"));
    for _ in 0..60 {
        deep = Value::list(vec![deep]);
    }
    assert!(templar().render(&deep, &scope(json!({})), &Site::default()).is_ok());
}

#[test]
fn one_renderer_serves_many_threads() {
    let (templar, scope) = (Arc::new(templar()), scope(json!({"a": "{{ b }}", "b": 1})));
    std::thread::scope(|threads| {
        for i in 0..4 {
            let (templar, scope) = (Arc::clone(&templar), Arc::clone(&scope));
            threads.spawn(move || {
                let text = Value::Text(written(&format!("{{{{ a + {i} }}}}")));
                let sum = templar.render(&text, &scope, &Site::default());
                assert_eq!(sum.expect("it renders"), Value::from(1 + i));
            });
        }
    });
}

#[test]
fn an_endless_loop_ends() {
    let scope = scope(json!({"big": (0..1000).collect::<Vec<_>>()}));
    let e = render(
        "{% for a in range(1000000) %}{% for b in range(1000) %}{% for c in big %}{% endfor %}{% endfor %}{% endfor %}",
        &scope,
    );
    assert!(e.is_err_and(|e| e.to_string().contains("takes too long")));
}

proptest::proptest! {
    /// Whatever a person writes: a value or an error with a place, never a panic.
    #[test]
    fn no_text_brings_it_down(pieces in proptest::collection::vec(0_usize..PIECES.len(), 0..14)) {
        let text: String = pieces.iter().map(|i| PIECES[*i]).collect();
        let scope = scope(json!({"a": {"b": [1, "x"]}, "l": [1, 2]}));
        for result in [
            render(&text, &scope),
            templar().condition(&Value::Text(written(&text)), &scope, &Site::default()).map(Value::Bool),
            templar().expression(&written(&text), &scope, &Site::default()),
        ] {
            if let Err(e) = result {
                assert!(e.diagnostic.place.is_some(), "{text}: {e}");
            }
        }
    }
}

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    " ",
    "a",
    ".b",
    "[0]",
    "['x']",
    "|",
    "default",
    "(",
    ")",
    "'x'",
    "\"",
    "\\",
    "\n",
    "if ",
    "else ",
    "for ",
    "in ",
    "set ",
    "=",
    "endif ",
    "endfor ",
    "is defined",
    "not ",
    "and ",
    "1",
    "+",
    "%",
    "~",
    "<",
    "==",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "é",
    "macro m()",
    "endmacro ",
    "raw ",
    "endraw ",
    "l",
    "ns.x",
    "append",
    "include ",
    "-",
    "upper",
    "loop",
    "call ",
    "filter ",
    "endset ",
    "block x ",
    "extends ",
    "import ",
];
