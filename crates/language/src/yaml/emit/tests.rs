//! Expectations printed by PyYAML 6.0.3 with libyaml (`CSafeDumper`, `allow_unicode=True`).

use super::{EmitOptions, Style, emit};
use crate::diag::{Diagnostics, Source};
use crate::value::{Map, Value};
use crate::yaml::{load_data, load_one};

const TEXTS: &[(&str, &str)] = &[
    ("a", "- a\n"),
    ("yes", "- 'yes'\n"),
    ("5", "- '5'\n"),
    ("", "- ''\n"),
    ("~", "- '~'\n"),
    ("null", "- 'null'\n"),
    (" a", "- ' a'\n"),
    ("a ", "- 'a '\n"),
    ("a: b", "- 'a: b'\n"),
    ("a #b", "- 'a #b'\n"),
    ("a:b", "- a:b\n"),
    ("a#b", "- a#b\n"),
    ("é", "- é\n"),
    ("🦀", "- \"\\U0001F980\"\n"),
    ("a\nb", "- 'a\n\n  b'\n"),
    ("a\nb\n", "- 'a\n\n  b\n\n  '\n"),
    ("a\tb", "- \"a\\tb\"\n"),
    ("\u{7}", "- \"\\a\"\n"),
    ("#a", "- '#a'\n"),
    ("- a", "- '- a'\n"),
    ("-a", "- -a\n"),
    ("-", "- '-'\n"),
    ("?", "- '?'\n"),
    ("{a}", "- '{a}'\n"),
    ("a{", "- a{\n"),
    ("%a", "- '%a'\n"),
    ("@a", "- '@a'\n"),
    ("`a", "- '`a'\n"),
    ("&a", "- '&a'\n"),
    ("*a", "- '*a'\n"),
    ("!a", "- '!a'\n"),
    ("it's", "- it's\n"),
    ("\"q\"", "- '\"q\"'\n"),
    ("a\\b", "- a\\b\n"),
    ("2001-12-14", "- '2001-12-14'\n"),
    ("1e3", "- 1e3\n"),
    ("0o17", "- 0o17\n"),
    ("0755", "- '0755'\n"),
    ("1:30", "- '1:30'\n"),
    ("=", "- '='\n"),
    ("<<", "- '<<'\n"),
    ("---", "- '---'\n"),
    ("--- a", "- '--- a'\n"),
    ("a ---", "- a ---\n"),
    ("\n", "- '\n\n  '\n"),
    (" \n", "- \" \\n\"\n"),
    ("a\n b", "- \"a\\n b\"\n"),
    ("a \nb", "- \"a \\nb\"\n"),
    ("\u{feff}a", "- \"\\uFEFFa\"\n"),
    ("\u{85}", "- \"\\N\"\n"),
    ("\u{a0}", "- \u{a0}\n"),
    ("{{ x }}", "- '{{ x }}'\n"),
    ("{{ x }} b", "- '{{ x }} b'\n"),
    (
        "word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word ",
        "- 'word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word '\n",
    ),
    (
        "word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \n",
        "- \"word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word \\n\"\n",
    ),
    (
        "it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's it's ",
        "- 'it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s\n  it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s\n  it''s it''s '\n",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "- xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
    ),
];
/// JSON, options, YAML.
const VALUES: &[(&str, &str, &str)] = &[
    (
        "{\"b\": 1, \"a\": [1, {\"c\": []}]}",
        "{\"indent\": 4, \"default_flow_style\": false}",
        "a:\n- 1\n-   c: []\nb: 1\n",
    ),
    (
        "{\"b\": 1, \"a\": [1, {\"c\": []}]}",
        "{\"default_flow_style\": null}",
        "a:\n- 1\n- c: []\nb: 1\n",
    ),
    (
        "[{\"a\": 1, \"b\": {\"c\": \"d\"}}, [[1], 2]]",
        "{\"indent\": 4, \"default_flow_style\": false}",
        "-   a: 1\n    b:\n        c: d\n-   -   - 1\n    - 2\n",
    ),
    (
        "[{\"a\": 1, \"b\": {\"c\": \"d\"}}, [[1], 2]]",
        "{\"default_flow_style\": null}",
        "- a: 1\n  b: {c: d}\n- - [1]\n  - 2\n",
    ),
    ("{}", "{\"indent\": 4, \"default_flow_style\": false}", "{}\n"),
    ("{}", "{\"default_flow_style\": null}", "{}\n"),
    ("[]", "{\"indent\": 4, \"default_flow_style\": false}", "[]\n"),
    ("[]", "{\"default_flow_style\": null}", "[]\n"),
    ("null", "{\"indent\": 4, \"default_flow_style\": false}", "null\n"),
    ("null", "{\"default_flow_style\": null}", "null\n"),
    ("\"x\"", "{\"indent\": 4, \"default_flow_style\": false}", "x\n"),
    ("\"x\"", "{\"default_flow_style\": null}", "x\n"),
    ("5", "{\"indent\": 4, \"default_flow_style\": false}", "5\n"),
    ("5", "{\"default_flow_style\": null}", "5\n"),
    (
        "{\"a\": {}, \"n\": null}",
        "{\"indent\": 4, \"default_flow_style\": false}",
        "a: {}\nn: null\n",
    ),
    ("{\"a\": {}, \"n\": null}", "{\"default_flow_style\": null}", "a: {}\nn: null\n"),
    ("{\"a\\nb\": 1}", "{\"indent\": 4, \"default_flow_style\": false}", "? 'a\n\n    b'\n: 1\n"),
    ("{\"a\\nb\": 1}", "{\"default_flow_style\": null}", "{? 'a\n\n    b' : 1}\n"),
    (
        "{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\": 1}",
        "{\"indent\": 4, \"default_flow_style\": false}",
        "? xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n: 1\n",
    ),
    (
        "{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\": 1}",
        "{\"default_flow_style\": null}",
        "{? xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n  : 1}\n",
    ),
    (
        "{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\": 1}",
        "{\"indent\": 4, \"default_flow_style\": false}",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: 1\n",
    ),
    (
        "{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\": 1}",
        "{\"default_flow_style\": null}",
        "{xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: 1}\n",
    ),
    ("{\"\": 1}", "{\"indent\": 4, \"default_flow_style\": false}", "'': 1\n"),
    ("{\"\": 1}", "{\"default_flow_style\": null}", "{'': 1}\n"),
    (
        "{\"a\": \"x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x \"}",
        "{\"indent\": 4, \"default_flow_style\": false}",
        "a: 'x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x\n    x x x x x x x x x x x x x x x x x x x x x '\n",
    ),
    (
        "{\"a\": \"x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x \"}",
        "{\"default_flow_style\": null}",
        "{a: 'x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x\n    x x x x x x x x x x x x x x x x x x x x x '}\n",
    ),
    (
        "[1.0, 1e+20, 1e-05, -0.0, true, false]",
        "{\"indent\": 4, \"default_flow_style\": false}",
        "- 1.0\n- 1.0e+20\n- 1.0e-05\n- -0.0\n- true\n- false\n",
    ),
    (
        "[1.0, 1e+20, 1e-05, -0.0, true, false]",
        "{\"default_flow_style\": null}",
        "[1.0, 1.0e+20, 1.0e-05, -0.0, true, false]\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"default_flow_style\": true}",
        "{a: 'x y x y x y x y x y x y x y x y x y ', b: [1, 2, {c: d e}]}\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"width\": 20, \"default_flow_style\": null}",
        "a: 'x y x y x y x y x\n  y x y x y x y x y '\nb:\n- 1\n- 2\n- {c: d e}\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"sort_keys\": false, \"default_flow_style\": null}",
        "b:\n- 1\n- 2\n- {c: d e}\na: 'x y x y x y x y x y x y x y x y x y '\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"explicit_start\": true, \"explicit_end\": true, \"default_flow_style\": null}",
        "---\na: 'x y x y x y x y x y x y x y x y x y '\nb:\n- 1\n- 2\n- {c: d e}\n...\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"default_style\": \"\\\"\", \"default_flow_style\": null}",
        "\"a\": \"x y x y x y x y x y x y x y x y x y \"\n\"b\":\n- ! \"1\"\n- ! \"2\"\n- \"c\": \"d e\"\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"default_style\": \"'\", \"default_flow_style\": null}",
        "'a': 'x y x y x y x y x y x y x y x y x y '\n'b':\n- ! '1'\n- ! '2'\n- 'c': 'd e'\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"default_style\": \"|\", \"default_flow_style\": null}",
        "\"a\": \"x y x y x y x y x y x y x y x y x y \"\n\"b\":\n- ! |-\n  1\n- ! |-\n  2\n- \"c\": |-\n    d e\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"default_style\": \">\", \"width\": 20, \"default_flow_style\": null}",
        "\"a\": \"x y x y x y x y\n  x y x y x y x y x y \"\n\"b\":\n- ! >-\n  1\n- ! >-\n  2\n- \"c\": >-\n    d e\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"indent\": 8, \"default_flow_style\": null}",
        "a: 'x y x y x y x y x y x y x y x y x y '\nb:\n- 1\n- 2\n- {c: d e}\n",
    ),
    (
        "{\"b\": [1, 2, {\"c\": \"d e\"}], \"a\": \"x y x y x y x y x y x y x y x y x y \"}",
        "{\"indent\": 1, \"default_flow_style\": null}",
        "a: 'x y x y x y x y x y x y x y x y x y '\nb:\n- 1\n- 2\n- {c: d e}\n",
    ),
];

fn options(json: &str) -> EmitOptions {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let number = |name: &str| json[name].as_u64().and_then(|n| usize::try_from(n).ok());
    EmitOptions {
        indent: number("indent").unwrap_or(2),
        width: Some(number("width").unwrap_or(80)),
        sort_keys: json["sort_keys"].as_bool().unwrap_or(true),
        flow: json["default_flow_style"].as_bool(),
        explicit_start: json["explicit_start"].as_bool().unwrap_or(false),
        explicit_end: json["explicit_end"].as_bool().unwrap_or(false),
        style: match json["default_style"].as_str() {
            Some("'") => Some(Style::Single),
            Some("\"") => Some(Style::Double),
            Some("|") => Some(Style::Literal),
            Some(">") => Some(Style::Folded),
            _ => None,
        },
    }
}

#[test]
fn texts_are_quoted_and_folded_as_by_pyyaml() {
    for (text, yaml) in TEXTS {
        let value = Value::list(vec![Value::text(*text)]);
        assert_eq!(emit(&value, &options("{\"default_flow_style\": false}")), *yaml, "{text:?}");
    }
}

#[test]
fn values_and_options_give_what_pyyaml_gives() {
    for (json, option, yaml) in VALUES {
        let value = Value::from(serde_json::from_str::<serde_json::Value>(json).unwrap());
        assert_eq!(emit(&value, &options(option)), *yaml, "{json} {option}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    for (text, yaml) in TEXTS {
        let back = load_data("t", yaml).unwrap();
        assert_eq!(back, [Value::list(vec![Value::text(*text)])], "{text:?}");
    }
}

#[test]
fn floats_without_a_number_have_their_words() {
    let value = Value::list(vec![f64::NAN.into(), f64::INFINITY.into(), f64::NEG_INFINITY.into()]);
    assert_eq!(emit(&value, &EmitOptions::default()), "[.nan, .inf, -.inf]\n");
}

#[test]
fn keys_that_python_cannot_compare_keep_their_order() {
    let map: Map =
        [(Value::text("b"), Value::Int(1)), (Value::Int(2), Value::Int(1))].into_iter().collect();
    assert_eq!(emit(&Value::Map(map), &EmitOptions::nice()), "b: 1\n2: 1\n");
    let map: Map =
        [(Value::Int(3), Value::Int(1)), (Value::Float(2.5), Value::Int(1))].into_iter().collect();
    assert_eq!(emit(&Value::Map(map), &EmitOptions::nice()), "2.5: 1\n3: 1\n");
}

#[test]
fn a_vault_is_written_as_its_envelope() {
    let source = Source::new("t", "v: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3730\n");
    let value = load_one(&source, &mut Diagnostics::default()).unwrap().to_value();
    let expected = "v: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    3730\n";
    assert_eq!(emit(&value, &EmitOptions::nice()), expected);
    assert_eq!(emit(&value, &EmitOptions::default()), expected.replace("    ", "  "));
}
