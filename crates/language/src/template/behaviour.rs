//! What the table cannot say: laziness, scopes, injection, places of errors, files, vaults, limits.

use super::conformance::{Desk, Vars, scope, templar, value, written};
use super::{
    Decrypt, FileOptions, Site, Templar, TemplarOptions, TemplateError, TemplateErrorKind,
};
use crate::diag::Source;
use crate::value::{Encrypted, Map, Scope, Text, Value, repr};
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) fn render(text: &str, scope: &Arc<dyn Scope>) -> Result<Value, TemplateError> {
    templar().render(&Value::Text(written(text)), scope, &Site::default())
}

fn shown(text: &str, scope: &Arc<dyn Scope>) -> String {
    match render(text, scope) {
        Ok(value) => repr(&value),
        Err(e) => format!("! {e}"),
    }
}

#[test]
fn variables_are_rendered_when_they_are_read_and_only_then() {
    struct Counting(AtomicUsize, Vars);
    impl Scope for Counting {
        fn get(&self, name: &str) -> Option<Value> {
            if name == "costly" {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
            self.1.get(name)
        }
        fn names(&self) -> Vec<Arc<str>> {
            self.1.names()
        }
    }
    let Value::Map(map) = value(json!({
        "costly": "{{ missing }}", "lazy": ["{{ costly }}", 2], "d": {"bad": "{{ missing }}", "good": 1},
    })) else {
        panic!("a dictionary")
    };
    let counting = Arc::new(Counting(AtomicUsize::new(0), Vars(map)));
    let scope: Arc<dyn Scope> = counting.clone();
    assert_eq!(
        shown("{{ lazy[1] }} {{ lazy | length }} {{ d.good }} {{ 1 if true else costly }}", &scope),
        "'2 2 1 1'"
    );
    assert_eq!(counting.0.load(Ordering::Relaxed), 0);
    assert!(render("{{ lazy }}", &scope).is_err());
    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_scope_renders_in_itself() {
    let other = scope(json!({"name": "b", "text": "I am {{ name }}", "self": "{{ text }}!"}));
    let mut map = Map::new();
    map.insert("name", "a");
    map.insert("other", Value::Scope(other));
    let scope: Arc<dyn Scope> = Arc::new(Vars(map));
    assert_eq!(shown("{{ name }}: {{ other.self }}", &scope), "'a: I am b!'");
    assert_eq!(shown("{{ other }}", &scope), "{'name': 'b', 'text': 'I am b', 'self': 'I am b!'}");
    assert_eq!(
        shown("{{ 'name' in other }} {{ other.missing | default('-') }}", &scope),
        "'True -'"
    );
}

#[test]
fn omit_removes_what_holds_it() {
    let scope = scope(json!({}));
    let args = value(
        json!({"a": "{{ x | default(omit) }}", "b": [1, "{{ omit }}"], "c": {"d": "{{ omit }}"}}),
    );
    let rendered = templar().render(&args, &scope, &Site::default()).expect("it renders");
    assert_eq!(repr(&rendered), "{'b': [1], 'c': {}}");
    assert!(matches!(render("{{ omit }}", &scope), Ok(Value::Omit)));
}

#[test]
fn errors_name_what_is_undefined_and_where() {
    let scope = scope(json!({
        "app": {"port": 1, "hosts": ["a"]}, "outer": "{{ inner }}", "inner": "x{{ gone.y }}",
    }));
    for (text, message) in [
        ("{{ ap }}", "test.yml:1:4: 'ap' is undefined (did you mean \"app\"?)"),
        (
            "ab {{ app.prt }}",
            "test.yml:1:7: 'app.prt' is undefined: the dictionary has no attribute 'prt' (did you mean \"port\"?)",
        ),
        ("{{ 1 + nothere_at_all }}", "test.yml:1:8: 'nothere_at_all' is undefined"),
        (
            "{{ app.hosts[3] }}",
            "test.yml:1:4: 'app.hosts[3]' is undefined: the list has no element 3",
        ),
        (
            "{{ app.port.x }}",
            "test.yml:1:4: 'app.port.x' is undefined: a value of type int has no attribute 'x'",
        ),
        ("{% if zzz == 1 %}{% endif %}", "test.yml:1:7: 'zzz' is undefined"),
        ("a\n  {{ zzz }}\n", "test.yml:2:6: 'zzz' is undefined"),
        ("{% for i in app.hosts %}{{ i.foo }}{% endfor %}", "test.yml:1:28: 'i.foo' is undefined"),
        ("{{ zzz | upper }}", "test.yml:1:4: 'zzz' is undefined"),
        ("{{ 'a\\.b' ~ zzz }}", "test.yml:1:13: 'zzz' is undefined"),
    ] {
        let e = render(text, &scope).expect_err("undefined");
        assert_eq!(e.kind, TemplateErrorKind::Undefined, "{e}");
        assert_eq!(e.to_string(), message);
    }
    let e = render("{{ outer }}", &scope).expect_err("undefined");
    let chain: Vec<_> = e.diagnostic.chain.iter().map(|(how, at)| format!("{how} {at}")).collect();
    assert_eq!(e.to_string(), "test.yml:1:5: 'gone' is undefined");
    assert_eq!(
        chain,
        [
            "in the variable inner, needed at test.yml:1:4",
            "in the variable outer, needed at test.yml:1:4"
        ]
    );
}

#[test]
fn errors_in_block_scalars_point_into_the_file() {
    let file = "- shell: |\n    echo hi\n    echo {{ port }}\n";
    let source = Source::new("site.yml", file);
    let mut place = source.start();
    place.column = 10;
    let text = Text::written("echo hi\necho {{ port }}\n", place);
    let e = templar()
        .render(&Value::Text(text), &scope(json!({})), &Site::default())
        .expect_err("undefined");
    assert_eq!(e.to_string(), "site.yml:3:13: 'port' is undefined");
}

#[test]
fn conditions_say_what_they_are() {
    let scope = scope(json!({"s": "yes", "port": 0}));
    let condition =
        |text: &str| templar().condition(&Value::Text(written(text)), &scope, &Site::default());
    let e = condition("s").expect_err("text");
    assert_eq!(e.kind, TemplateErrorKind::NotBoolean);
    assert!(
        e.to_string().starts_with(
            "test.yml:1:1: a condition must be true or false, and this one is a str (yes)"
        ) || e.to_string().contains("'yes'"),
        "{e}"
    );
    assert_eq!(condition("s == 'yes'").ok(), Some(true));
    let options = TemplarOptions {
        secrets: Arc::new(super::NoSecrets),
        broken_conditionals: true,
        settings: crate::value::Map::new(),
    };
    let lax = Templar::with_options(Arc::new(Desk::default()), options);
    let condition =
        |text: &str| lax.condition(&Value::Text(written(text)), &scope, &Site::default());
    assert_eq!(condition("s").ok(), Some(true));
    assert_eq!(condition("port").ok(), Some(false));
    assert!(condition("missing").is_err());
}

struct Rot;

impl Decrypt for Rot {
    fn decrypt(&self, vault: &Encrypted) -> Result<String, String> {
        vault
            .envelope
            .strip_prefix("$V;")
            .map(str::to_owned)
            .ok_or_else(|| "no secret fits".to_owned())
    }
}

#[test]
fn vaults_are_decrypted_when_they_are_read() {
    let options = TemplarOptions {
        secrets: Arc::new(Rot),
        broken_conditionals: false,
        settings: crate::value::Map::new(),
    };
    let templar = Templar::with_options(Arc::new(Desk::default()), options);
    let vault = |envelope: &str| {
        let place = Some(Source::new("vault.yml", "v: !vault").start());
        Value::Encrypted(Arc::new(Encrypted { envelope: envelope.to_owned(), place }))
    };
    let mut map = Map::new();
    map.insert("secret", vault("$V;pass"));
    map.insert("templated", vault("$V;{{ secret }}word"));
    map.insert("damaged", vault("?"));
    let scope: Arc<dyn Scope> = Arc::new(Vars(map));
    let render = |text: &str| templar.render(&Value::Text(written(text)), &scope, &Site::default());
    assert_eq!(render("{{ secret }}").ok(), Some(Value::text("pass")));
    assert_eq!(render("{{ templated }}").ok(), Some(Value::text("{{ secret }}word")));
    let e = render("{{ damaged }}").expect_err("damaged");
    assert_eq!(e.to_string(), "vault.yml:1:1: no secret fits");
}

fn options() -> FileOptions {
    FileOptions {
        trim_blocks: true,
        lstrip_blocks: false,
        newline: "\n".to_owned(),
        delimiters: None,
    }
}

#[test]
fn template_files_are_text() {
    let files = [
        ("/r/templates/part.j2", "part {{ name }} {{ missing.deep | default('-') }}\n"),
        ("/r/templates/lib.j2", "{% macro hi(x) %}hi {{ x }}{% endmacro %}"),
        ("/r/templates/base.j2", "<{% block body %}base{% endblock %}>\n"),
        ("/r/bad.j2", "one\n  {{ gone }}\n"),
        ("/r/outer.j2", "{% include 'part.j2' %}"),
    ];
    let desk = Desk(
        files.iter().map(|(p, t)| (PathBuf::from(p), (*t).to_owned())).collect::<HashMap<_, _>>(),
    );
    let templar = Templar::new(Arc::new(desk));
    let site = Site { search: vec![PathBuf::from("/r")].into() };
    let scope = scope(json!({"name": "n", "l": [1, 2], "t": true}));
    let render = |text: &str, options: &FileOptions| {
        templar.file(&written(text), &scope, &site, options).unwrap_or_else(|e| format!("! {e}"))
    };
    for (text, expected) in [
        ("{{ l }}", "[1, 2]"),
        ("{{ l }}\n", "[1, 2]\n"),
        ("{% if t %}\nx\n{% endif %}\ny\n", "x\ny\n"),
        ("{{ 'a\\tb' }}\n", "a\tb\n"),
        ("{% include 'part.j2' %}", "part n -"),
        ("{% include 'outer.j2' %}", "part n -"),
        ("{% include 'none.j2' ignore missing %}x", "x"),
        ("{% import 'lib.j2' as lib %}{{ lib.hi(name) }}", "hi n"),
        ("{% from 'lib.j2' import hi %}{{ hi(1) }}", "hi 1"),
        ("{% extends 'base.j2' %}{% block body %}mine{% endblock %}", "<mine>"),
        ("#jinja2: trim_blocks: False\n{% if t %}\nx\n{% endif %}\n", "\nx\n"),
        (
            "#jinja2: variable_start_string: '[[', variable_end_string: ']]'\n[[ name ]] {{ name }}",
            "n {{ name }}",
        ),
        ("a\r\nb\n", "a\nb\n"),
        ("a\n{% include 'part.j2' %}\nb\n", "a\npart n -b\n"),
        ("{% set y = 5 %}{% macro m() %}{{ y | default('no') }}{% endmacro %}{{ m() }}", "5"),
        ("{{ omit }}{{ none }}{{ [1, none] }}{{ 'x' if false }}\n", "[1, None]\n"),
        ("{% extends 'base.j2' %}{% block body %}mine{% endblock %}\n", "<mine>\n"),
        ("{% if t %}x{% endif %}\n", "x\n"),
        ("{{ gone | ansible.builtin.default('d') }}", "d"),
        ("x\n\n{{ gone }}\n", "! test.yml:3:4: 'gone' is undefined"),
        (
            "#jinja2: lstrip_blocks: True\n  {% if gone %}{% endif %}\n",
            "! test.yml:2:9: 'gone' is undefined",
        ),
        (
            "{% include 'none.j2' %}",
            "! test.yml:1:12: there is no template \"none.j2\" in the search path",
        ),
    ] {
        assert_eq!(render(text, &options()), expected, "{text}");
    }
    let crlf = FileOptions { newline: "\r\n".to_owned(), ..options() };
    assert_eq!(render("a\nb\n", &crlf), "a\r\nb\r\n");
    let strip = FileOptions { lstrip_blocks: true, ..options() };
    assert_eq!(render("  {% if t %}\n  x\n  {% endif %}\n", &strip), "  x\n");
}

#[test]
fn bare_paths_lead_to_what_was_written() {
    let scope = scope(json!({"checks": ["a == 1"], "d": {"c": "x == 2"}, "t": "{{ checks }}"}));
    for (text, expected) in
        [("{{ checks }}", "['a == 1']"), ("d.c", "'x == 2'"), ("d['c']", "'x == 2'")]
    {
        let value = templar().written(&written(text), &scope).expect("a path");
        assert_eq!(repr(&value), expected);
    }
    assert!(templar().written(&written("a + b"), &scope).is_none());
}

#[test]
fn keys_of_any_type_survive() {
    let mut map = Map::new();
    map.make_mut().insert(Value::from(1), Value::Text(written("{{ 2 }}")));
    map.make_mut().insert(Value::Null, Value::from(true));
    map.make_mut().insert(Value::from(false), Value::from(1.5));
    let rendered = templar().render(&Value::Map(map), &scope(json!({})), &Site::default());
    assert_eq!(repr(&rendered.expect("it renders")), "{1: 2, None: True, False: 1.5}");
}

#[test]
fn lists_of_the_playbook_cannot_be_changed_by_a_template() {
    let scope = scope(json!({"l": [1]}));
    assert!(
        shown("{{ l.append(2) }}", &scope).contains("changes its value"),
        "{}",
        shown("{{ l.append(2) }}", &scope)
    );
    assert_eq!(
        shown("{% set x = l %}{% set _ = x.append(2) %}{{ x }}{{ l }}", &scope),
        "'[1, 2][1]'"
    );
    assert_eq!(
        shown(
            "{% set ns = namespace(l=[]) %}{% for i in [1,2] %}{% set _ = ns.l.append(i) %}{% endfor %}{{ ns.l }}",
            &scope
        ),
        "[1, 2]"
    );
    assert_eq!(
        shown("{% set d = {} %}{% set _ = d.update({'a': [1]}) %}{{ d }}", &scope),
        "{'a': [1]}"
    );
}

#[test]
fn now_is_a_time() {
    let scope = scope(json!({}));
    for (text, expected) in [
        ("{{ now(utc=true) }}", "'1970-01-01 00:00:00'"),
        ("{{ now(utc=true, fmt='%Y%m%d') }}", "'19700101'"),
        ("{{ now(true).strftime('%H:%M') }}", "'00:00'"),
        ("{{ now(utc=true).year + 1 }}", "1971"),
        ("{{ now(utc=true).timestamp() }}", "0.0"),
        ("at {{ now(utc=true).isoformat() }}", "'at 1970-01-01T00:00:00'"),
        ("{{ now() >= now() }}", "True"),
    ] {
        assert_eq!(shown(text, &scope), expected, "{text}");
    }
}

#[test]
fn undefined_needs_no_end_of_a_chain() {
    let scope = scope(json!({"a": {"l": [{"n": 1}]}}));
    let files = [(
        "/r/inc.j2",
        "{{ a.l[5].n | default('-') }}{{ b.c['d'] is defined }}{{ a.l[0].n | default(b.c.d) }}",
    )];
    let desk = Desk(files.iter().map(|(p, t)| (PathBuf::from(p), (*t).to_owned())).collect());
    let site = Site { search: vec![PathBuf::from("/r")].into() };
    let text = Templar::new(Arc::new(desk)).file(
        &written("{% include 'inc.j2' %}"),
        &scope,
        &site,
        &options(),
    );
    assert_eq!(text.expect("it renders"), "-False1");
}

/// `cargo test --release -- --ignored --nocapture speed` prints what one evaluation costs.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let scope = scope(json!({
        "inventory_hostname": "x", "d": {"y": {"z": [1, 2]}}, "l": [1, 2, 3], "v": "{{ d.y.z[1] }}",
    }));
    let (templar, site) = (templar(), Site::default());
    let measure = |name: &str, run: &dyn Fn()| {
        run();
        let start = std::time::Instant::now();
        for _ in 0..100_000 {
            run();
        }
        println!("{name}: {:.2} µs", start.elapsed().as_secs_f64() * 10.0);
    };
    for text in [
        "inventory_hostname == 'x'",
        "inventory_hostname in ['a', 'x']",
        "d.y is defined and l | length > 2",
        "missing.x | default(true)",
    ] {
        let text = Value::Text(written(text));
        measure(text.as_str().unwrap_or_default(), &|| {
            drop(std::hint::black_box(templar.condition(&text, &scope, &site)));
        });
    }
    for text in ["static", "{{ inventory_hostname }}", "{{ v }}", "a {{ l | join(',') }} b"] {
        let text = Value::Text(written(text));
        measure(text.as_str().unwrap_or_default(), &|| {
            drop(std::hint::black_box(templar.render(&text, &scope, &site)));
        });
    }
}

#[test]
fn a_failure_while_printing_is_not_lost_and_not_kept() {
    let scope = scope(json!({"l": ["{{ gone }}"]}));
    for text in
        ["{{ l ~ '' }}", "a{{ l }}", "{{ l | string }}", "{{ l | join('') }}", "{{ '%s' % l }}"]
    {
        let e = render(text, &scope).expect_err("undefined");
        assert!(e.to_string().contains("'gone' is undefined"), "{text}: {e}");
        assert_eq!(shown("{{ 1 }}", &scope), "1");
    }
    assert!(render("{{ l ~ '' ~ other }}", &scope).is_err());
    assert_eq!(shown("{{ 1 }}", &scope), "1");
}
