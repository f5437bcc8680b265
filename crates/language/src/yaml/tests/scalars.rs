//! What scalars mean: expectations printed by PyYAML 6.0.3.

use super::{node, python, value};
use crate::value::Value;
use crate::yaml::{NodeKind, load_data};

fn table(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert_eq!(python(&format!("- {text}\n")), format!("[{expected}]"), "{text}");
    }
}

#[test]
fn truth_values() {
    for word in ["yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
        table(&[(word, "True")]);
    }
    for word in ["no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
        table(&[(word, "False")]);
    }
    table(&[("y", "'y'"), ("N", "'N'"), ("yEs", "'yEs'"), ("'yes'", "'yes'"), ("tRUE", "'tRUE'")]);
}

#[test]
fn nulls() {
    table(&[("", "None"), ("~", "None"), ("null", "None"), ("Null", "None"), ("NULL", "None")]);
    table(&[("nULL", "'nULL'"), ("None", "'None'"), ("''", "''"), ("~x", "'~x'")]);
}

#[test]
fn whole_numbers() {
    table(&[
        ("0", "0"),
        ("-0", "0"),
        ("+12", "12"),
        ("-7", "-7"),
        ("0755", "493"),
        ("0o17", "'0o17'"),
        ("0x1F", "31"),
        ("-0x1f", "-31"),
        ("0b101", "5"),
        ("0b2", "'0b2'"),
        ("1_000", "1000"),
        ("1__0_", "10"),
        ("08", "'08'"),
        ("09", "'09'"),
        ("00", "0"),
        ("0_7", "7"),
        ("0_", "0"),
        ("_1", "'_1'"),
        ("12:30:45", "45045"),
        ("1:60", "'1:60'"),
        ("-1:30", "-90"),
        ("01:30", "'01:30'"),
        ("190:20:30", "685230"),
        ("1,000", "'1,000'"),
        ("0xg", "'0xg'"),
        ("170141183460469231731687303715884105727", "170141183460469231731687303715884105727"),
    ]);
}

#[test]
fn a_number_beyond_128_bits_stays_its_digits() {
    let digits = "9".repeat(60);
    assert_eq!(value(&digits), Value::text(digits.as_str()));
}

#[test]
fn numbers_with_a_point() {
    table(&[
        ("1.5", "1.5"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("-.5", "'-.5'"),
        ("+.5", "'+.5'"),
        ("1e3", "'1e3'"),
        ("1.0e3", "'1.0e3'"),
        ("1.0e+3", "1000.0"),
        ("1.e-2", "0.01"),
        (".5e+1", "5.0"),
        ("1_000.5", "1000.5"),
        ("1:30.5", "90.5"),
        ("1:30.5e+1", "'1:30.5e+1'"),
        (".inf", "inf"),
        ("-.INF", "-inf"),
        ("+.Inf", "inf"),
        (".nan", "nan"),
        (".NaN", "nan"),
        ("-.nan", "'-.nan'"),
        (".iNF", "'.iNF'"),
        ("1.2.3", "'1.2.3'"),
        ("._5", "'._5'"),
        (".", "'.'"),
        ("1._", "1.0"),
        ("1.5_0", "1.5"),
        ("1.0E-3", "0.001"),
    ]);
}

#[test]
fn dates_are_text_as_python_prints_them() {
    table(&[
        ("2001-12-14", "'2001-12-14'"),
        ("2001-12-14t21:59:43.10-05:00", "'2001-12-14 21:59:43.100000-05:00'"),
        ("2001-12-14 21:59:43", "'2001-12-14 21:59:43'"),
        ("2001-1-4 1:59:43 Z", "'2001-01-04 01:59:43+00:00'"),
        ("2001-12-14T21:59:43.0 +5", "'2001-12-14 21:59:43+05:00'"),
        ("2001-12-14 21:59:43.1234567", "'2001-12-14 21:59:43.123456'"),
        ("2001-1-4", "'2001-1-4'"),
        ("2001-12-14x", "'2001-12-14x'"),
    ]);
    assert!(value("2001-12-14").place().is_some());
}

#[test]
fn explicit_tags() {
    table(&[
        ("!!str 5", "'5'"),
        ("!!str yes", "'yes'"),
        ("!!str", "''"),
        ("!!int \"5\"", "5"),
        ("!!int 0x10", "16"),
        ("!!float 5", "5.0"),
        ("!!float \"1_0\"", "10.0"),
        ("!!bool \"yes\"", "True"),
        ("!!bool oFF", "False"),
        ("!!null x", "None"),
        ("! \"5\"", "5"),
        ("! x", "'x'"),
        ("!!binary aGVsbG8=", "'hello'"),
        ("!!timestamp \"2001-12-14\"", "'2001-12-14'"),
        ("!<tag:yaml.org,2002:str> 5", "'5'"),
        ("!!seq [1]", "[1]"),
        ("!!map {a: 1}", "{'a': 1}"),
        ("!!set {a, b}", "['a', 'b']"),
        ("!!omap [{a: 1}, {b: 2}]", "[['a', 1], ['b', 2]]"),
        ("!!pairs [{a: 1}, {a: 2}]", "[['a', 1], ['a', 2]]"),
    ]);
}

#[test]
fn unsafe_text_has_no_place_and_keeps_its_type() {
    for text in ["!unsafe '{{ x }}'", "!unsafe {{a}}x", "!unsafe |\n {{ x }}\n"] {
        if let Ok(node) = crate::yaml::load_one(
            &crate::diag::Source::new("t", text),
            &mut crate::diag::Diagnostics::default(),
        ) {
            assert!(node.to_value().place().is_none(), "{text}");
        }
    }
    assert_eq!(python("!unsafe 5"), "5");
    assert_eq!(python("!unsafe '5'"), "'5'");
}

#[test]
fn everything_inside_an_unsafe_collection_has_no_place() {
    let value = value("a: !unsafe {b: ['{{ x }}', {c: d}], e: f}\ng: h\n");
    let inside = value.get("a").unwrap();
    assert!(inside.get("e").unwrap().place().is_none());
    let list = inside.get("b").unwrap().as_list().unwrap();
    assert!(list[0].place().is_none() && list[1].get("c").unwrap().place().is_none());
    assert!(value.get("g").unwrap().place().is_some());
}

#[test]
fn vault_values_keep_their_envelope() {
    for tag in ["!vault", "!vault-encrypted"] {
        let root = node(&format!("a: {tag} |\n  $ANSIBLE_VAULT;1.1;AES256\n  00\n"));
        let NodeKind::Scalar(Value::Encrypted(vault)) = &root.get("a").unwrap().kind else {
            panic!("no vault");
        };
        assert_eq!(vault.envelope, "$ANSIBLE_VAULT;1.1;AES256\n00\n");
        assert_eq!(vault.place.as_ref().unwrap().line, 2);
    }
}

#[test]
fn block_scalars() {
    for (text, expected) in [
        ("|\n  a\n  b\n", "'a\\nb\\n'"),
        ("|-\n  a\n", "'a'"),
        ("|+\n  a\n\n", "'a\\n\\n'"),
        (">\n  a\n  b\n\n  c\n", "'a b\\nc\\n'"),
        (">-\n  a\n   b\n  c\n", "'a\\n b\\nc'"),
        ("|2\n    a\n", "'  a\\n'"),
        ("|\n  a", "'a'"),
        ("|\n\n\n  a\n", "'\\n\\na\\n'"),
    ] {
        assert_eq!(python(text), expected, "{text:?}");
    }
}

#[test]
fn quoted_scalars() {
    for (text, expected) in [
        (r#""a\tb\x41\u00e9\n""#, r"'a\tbAé\n'"),
        ("'it''s'", "\"it's\""),
        ("\"a\n  b\"", "'a b'"),
        ("'a\n\n  b'", "'a\\nb'"),
        (
            r#""a\
   b""#,
            "'ab'",
        ),
        (r#""\/""#, "'/'"),
    ] {
        assert_eq!(python(text), expected, "{text:?}");
    }
}

#[test]
fn plain_scalars_with_signs_in_them() {
    table(&[
        ("a:b", "'a:b'"),
        ("http://x/y#z", "'http://x/y#z'"),
        ("a #b", "'a'"),
        ("-a", "'-a'"),
        ("?a", "'?a'"),
        (":a", "':a'"),
        ("a, b", "'a, b'"),
        ("[a:b, c]", "['a:b', 'c']"),
        ("{a: b, c}", "{'a': 'b', 'c': None}"),
        ("[a: b]", "[{'a': 'b'}]"),
        ("=", "'='"),
        ("<<", "'<<'"),
        ("{\"a\":1}", "{'a': 1}"),
        ("[a, b,]", "['a', 'b']"),
    ]);
}

#[test]
fn keys_are_resolved_too() {
    assert_eq!(python("yes: 1\n12: 2\n~: 3\n1.5: 4\n"), "{True: 1, 12: 2, None: 3, 1.5: 4}");
    assert_eq!(python("1: a\ntrue: b\n"), "{1: 'b'}");
}

#[test]
fn data_has_no_places_at_all() {
    let values = load_data("<from_yaml>", "- '{{ x }}'\n- {a: b}\n---\n2\n").unwrap();
    let list = values[0].as_list().unwrap();
    assert!(list[0].place().is_none() && list[1].get("a").unwrap().place().is_none());
    assert_eq!(values[1], Value::Int(2));
    assert!(
        load_data("<from_yaml>", "a: b: c").unwrap_err().to_string().starts_with("<from_yaml>:1")
    );
}

#[test]
fn a_json_file_has_the_numbers_of_json() {
    let text = "{\n\t\"a\": 1e3, \"b\": -1.5E-3, \"c\": \"1e3\", \"d\": \"x\\/y\", \"e\": 1E5, \"f\": 12\n}\n";
    assert_eq!(
        python(text),
        "{'a': 1000.0, 'b': -0.0015, 'c': '1e3', 'd': 'x/y', 'e': 100000.0, 'f': 12}"
    );
    assert!(value(text).get("d").unwrap().place().is_some());
    assert_eq!(python("{a: 1e3}"), "{'a': '1e3'}", "no JSON");
    assert_eq!(load_data("t", "[1e3]").unwrap(), [Value::list(vec![Value::text("1e3")])]);
}
