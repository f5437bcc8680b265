use crate::diag::Source;
use crate::inventory::address::{expand, parse_address};
use crate::inventory::python_literal;
use crate::inventory::words::words;
use crate::value::{Value, repr};

fn typed(text: &str) -> String {
    repr(&python_literal(text, &Source::new("t", "").start()))
}

/// What Ansible makes of `key=TEXT` in an INI inventory, printed as Python prints it.
#[test]
fn values_are_python_literals_else_text() {
    for (text, expected) in [
        ("5", "5"),
        ("-5", "-5"),
        ("- 5", "-5"),
        ("+5", "5"),
        ("0755", "'0755'"),
        ("00", "0"),
        ("0_7", "'0_7'"),
        ("1_000", "1000"),
        ("1__0", "'1__0'"),
        ("0x_1f", "31"),
        ("0xg", "'0xg'"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("0b12", "'0b12'"),
        ("1.5", "1.5"),
        ("1.5e3", "1500.0"),
        ("5.e3", "5000.0"),
        ("1e400", "inf"),
        ("1e+5", "100000.0"),
        ("1e", "'1e'"),
        (".5", "0.5"),
        ("5.", "5.0"),
        (".", "'.'"),
        ("1._0", "'1._0'"),
        ("1_0.0_1", "10.01"),
        ("1.2.3", "'1.2.3'"),
        ("10.0.0.1", "'10.0.0.1'"),
        ("10-20", "'10-20'"),
        ("1+2", "'1+2'"),
        ("10L", "'10L'"),
        ("--5", "'--5'"),
        ("-True", "'-True'"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("1+2j", "'(1+2j)'"),
        ("-1-2.5j", "'(-1-2.5j)'"),
        ("1j", "'1j'"),
        ("017j", "'17j'"),
        ("...", "'...'"),
        ("١", "'١'"),
    ] {
        assert_eq!(typed(text), expected, "{text}");
    }
}

#[test]
fn words_and_quoted_text() {
    for (text, expected) in [
        ("True", "True"),
        ("False", "False"),
        ("None", "None"),
        ("true", "'true'"),
        ("yes", "'yes'"),
        ("Trueish", "'Trueish'"),
        ("", "''"),
        ("foo bar", "'foo bar'"),
        ("\"5\"", "'5'"),
        ("''", "''"),
        ("'", r#""'""#),
        ("'a' 'b'", "'ab'"),
        ("'a' b'b'", r#""'a' b'b'""#),
        ("b'a'", "'a'"),
        ("u'x'", "'x'"),
        ("f'x'", r#""f'x'""#),
        (r"r'a\n'", r"'a\\n'"),
        (r"'a\x41\n\101\q'", r"'aA\nA\\q'"),
        ("'''a'b'''", r#""a'b""#),
        ("'a'.b", r#""'a'.b""#),
        ("-'a'", r#""-'a'""#),
        ("'a'#c", "'a'"),
        ("5 # c", "5"),
        ("foo # c", "'foo # c'"),
        ("5 5", "'5 5'"),
        ("\t5", "5"),
    ] {
        assert_eq!(typed(text), expected, "{text}");
    }
}

#[test]
fn collections() {
    for (text, expected) in [
        ("[1,2]", "[1, 2]"),
        ("[1,]", "[1]"),
        ("[,]", "'[,]'"),
        ("[1 2]", "'[1 2]'"),
        ("[true]", "'[true]'"),
        ("1,2", "[1, 2]"),
        ("1,", "[1]"),
        ("1,,2", "'1,,2'"),
        ("()", "[]"),
        ("(1)", "1"),
        ("(1,)", "[1]"),
        ("(1", "'(1'"),
        ("{1,}", "[1]"),
        ("{}", "{}"),
        ("{1:2}", "{1: 2}"),
        ("{'a':1,'a':2}", "{'a': 2}"),
        ("{**{}}", "'{**{}}'"),
        ("set()", "[]"),
        ("[...]", "['...']"),
        ("[[1],{'a':(1,2)}]", "[[1], {'a': [1, 2]}]"),
        ("[*[1]]", "'[*[1]]'"),
        ("[1]#x", "[1]"),
        ("1 if True else 2", "'1 if True else 2'"),
    ] {
        assert_eq!(typed(text), expected, "{text}");
    }
}

#[test]
fn a_very_deep_literal_stays_text() {
    let deep = "[".repeat(5000);
    assert_eq!(typed(&deep), format!("'{deep}'"));
}

#[test]
fn texts_inside_a_literal_keep_their_place_and_keys_have_none() {
    let value = python_literal("{'k': ['{{ x }}']}", &Source::new("t", "").start());
    let Value::Map(map) = &value else { panic!("{value:?}") };
    let (key, list) = map.first().unwrap();
    assert!(key.place().is_none());
    assert!(list.needs_rendering());
}

fn split(line: &str) -> Result<Vec<String>, &'static str> {
    words(line).map(|w| w.into_iter().map(|w| w.text).collect())
}

#[test]
fn words_are_split_as_shlex_does() {
    for (line, expected) in [
        ("a b#c d", vec!["a", "b"]),
        ("a 'b#c' d", vec!["a", "b#c", "d"]),
        (r#"a "b\"c\d" e\ f"#, vec!["a", r#"b"c\d"#, "e f"]),
        ("a ''", vec!["a", ""]),
        ("'' a", vec!["", "a"]),
        ("a x''y", vec!["a", "xy"]),
        (r#"a="b c"'d e'"#, vec!["a=b cd e"]),
        ("#x", vec![]),
        ("a #x", vec!["a"]),
    ] {
        assert_eq!(split(line).unwrap(), expected, "{line}");
    }
    assert!(split("a 'x").is_err());
    assert!(split("a\\").is_err());
    assert!(split("a \"b\\").is_err());
}

#[test]
fn addresses() {
    for (text, with_ranges, without) in [
        ("web:22", Some(("web", Some(22))), Some(("web", Some(22)))),
        ("web", Some(("web", None)), Some(("web", None))),
        ("web:db", None, None),
        ("a_b", Some(("a_b", None)), Some(("a_b", None))),
        ("_x", Some(("_x", None)), Some(("_x", None))),
        ("x_", None, None),
        ("-a", None, None),
        ("a-", None, None),
        ("a..b", None, None),
        ("a.b.", None, None),
        ("10.0.0.[1:5]:22", Some(("10.0.0.[1:5]", Some(22))), None),
        ("::1", Some(("::1", None)), Some(("::1", None))),
        ("[::1]", None, None),
        ("[::1]:22", Some(("::1", Some(22))), Some(("::1", Some(22)))),
        ("fe80::1%eth0", None, None),
        ("[h[1:3]]:22", Some(("h[1:3]", Some(22))), None),
        ("h[1:3:2]", Some(("h[1:3:2]", None)), None),
        ("h[a:1]", None, None),
        ("h[1-3]", None, None),
        ("h[:3]", None, None),
        ("[1:3]-h", Some(("[1:3]-h", None)), None),
        ("1::[1:5]", Some(("1::[1:5]", None)), None),
        ("é.fr", Some(("é.fr", None)), Some(("é.fr", None))),
        ("1:2", Some(("1", Some(2))), Some(("1", Some(2)))),
        ("web:", None, None),
        ("a b", None, None),
        ("a/b", None, None),
    ] {
        assert_eq!(parse_address(text, true), with_ranges, "{text}");
        assert_eq!(parse_address(text, false), without, "{text}");
    }
}

#[test]
fn ranges_expand() {
    let hosts = |t: &str| expand(t).unwrap().0.join(" ");
    assert_eq!(hosts("web[01:03].x"), "web01.x web02.x web03.x");
    assert_eq!(hosts("db-[a:e:2]"), "db-a db-c db-e");
    assert_eq!(hosts("n[0:10:5]"), "n0 n5 n10");
    assert_eq!(hosts("[1:2]-[a:b]"), "1-a 1-b 2-a 2-b");
    assert_eq!(hosts("h[:2]"), "h0 h1 h2");
    assert_eq!(hosts("h[098:101]"), "h098 h099 h100 h101");
    assert_eq!(expand("h[1:2]:22").unwrap().1, Some(22));
}

#[test]
fn wrong_ranges_say_why() {
    for (text, part) in [
        ("h[1:]", "where it ends"),
        ("h[01:100]", "same length"),
        ("h[1]", "[begin:end]"),
        ("h[1:2", "no \"]\""),
        ("h[1:3:0]", "step"),
        ("h[c:a]", "ends before"),
        ("h[x1:y2]", "neither a number"),
        ("h[1:99999999]", "more than"),
    ] {
        let why = expand(text).unwrap_err();
        assert!(why.contains(part), "{text}: {why}");
    }
}
