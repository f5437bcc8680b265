//! What the reference makes of `k=v` texts. Each row: text, its arguments, its arguments for a command. `None`: refused.

use super::key_values;
use crate::value::{Text, Value};

type Row = (
    &'static str,
    Option<&'static [(&'static str, &'static str)]>,
    Option<&'static [(&'static str, &'static str)]>,
);

const ROWS: &[Row] = &[
    ("a=b c=d", Some(&[("a", "b"), ("c", "d")]), Some(&[("_raw_params", "a=b c=d")])),
    (
        "echo  a   b",
        Some(&[("_raw_params", "echo  a   b")]),
        Some(&[("_raw_params", "echo  a   b")]),
    ),
    ("  echo a  ", Some(&[("_raw_params", "  echo a  ")]), Some(&[("_raw_params", "  echo a  ")])),
    (
        "echo 'a  b' c=d chdir=/tmp",
        Some(&[("c", "d"), ("chdir", "/tmp"), ("_raw_params", "echo 'a  b'")]),
        Some(&[("chdir", "/tmp"), ("_raw_params", "echo 'a  b' c=d")]),
    ),
    (
        "creates=/x touch /x",
        Some(&[("creates", "/x"), ("_raw_params", "touch /x")]),
        Some(&[("creates", "/x"), ("_raw_params", "touch /x")]),
    ),
    (
        "msg='hello world' x=\"a b\"",
        Some(&[("msg", "hello world"), ("x", "a b")]),
        Some(&[("_raw_params", "msg='hello world' x=\"a b\"")]),
    ),
    (
        "msg=\"{{ a | default('x y') }}\" b={{ c d }}",
        Some(&[("msg", "{{ a | default('x y') }}"), ("b", "{{ c d }}")]),
        Some(&[("_raw_params", "msg=\"{{ a | default('x y') }}\" b={{ c d }}")]),
    ),
    (
        "line one\nline two\n  three",
        Some(&[("_raw_params", "line one\nline two\n  three")]),
        Some(&[("_raw_params", "line one\nline two\n  three")]),
    ),
    ("a \\\n  b", Some(&[("_raw_params", "a  b")]), Some(&[("_raw_params", "a  b")])),
    ("foo\\=bar", Some(&[("_raw_params", "foo=bar")]), Some(&[("_raw_params", "foo=bar")])),
    ("a=b\\=c", Some(&[("a", "b\\=c")]), Some(&[("_raw_params", "a=b\\=c")])),
    ("msg='it\\'s'", Some(&[("msg", "it's")]), Some(&[("_raw_params", "msg='it\\'s'")])),
    (
        "echo \\n x=\\n",
        Some(&[("x", ""), ("_raw_params", "echo \\n")]),
        Some(&[("_raw_params", "echo \\n x=\\n")]),
    ),
    ("msg=a\\tb", Some(&[("msg", "a\tb")]), Some(&[("_raw_params", "msg=a\\tb")])),
    ("x= y", Some(&[("x", ""), ("_raw_params", "y")]), Some(&[("_raw_params", "x= y")])),
    ("x = y", Some(&[("_raw_params", "x = y")]), Some(&[("_raw_params", "x = y")])),
    ("=x", Some(&[("_raw_params", "=x")]), Some(&[("_raw_params", "=x")])),
    ("a=b=c", Some(&[("a", "b=c")]), Some(&[("_raw_params", "a=b=c")])),
    (
        "echo {% if a %} b {% endif %}c",
        Some(&[("_raw_params", "echo {% if a %} b {% endif %}c")]),
        Some(&[("_raw_params", "echo {% if a %} b {% endif %}c")]),
    ),
    (
        "echo \"a=b\"",
        Some(&[("\"a", "b\""), ("_raw_params", "echo")]),
        Some(&[("_raw_params", "echo \"a=b\"")]),
    ),
    (
        "chdir='/a b' ls -l \"x y\"",
        Some(&[("chdir", "/a b"), ("_raw_params", "ls -l \"x y\"")]),
        Some(&[("chdir", "/a b"), ("_raw_params", "ls -l \"x y\"")]),
    ),
    ("echo '", None, None),
    ("echo {{ a", None, None),
    ("a='b' 'c=d'", Some(&[("a", "b"), ("'c", "d'")]), Some(&[("_raw_params", "a='b' 'c=d'")])),
    (
        "echo $(date +%s) chdir=/tmp\nls",
        Some(&[("chdir", "/tmp"), ("_raw_params", "echo $(date +%s) ls")]),
        Some(&[("chdir", "/tmp"), ("_raw_params", "echo $(date +%s) ls")]),
    ),
    ("msg=\"a\\nb\"", Some(&[("msg", "a\nb")]), Some(&[("_raw_params", "msg=\"a\\nb\"")])),
    (
        "\n\necho a\n\n",
        Some(&[("_raw_params", "\n\necho a\n\n")]),
        Some(&[("_raw_params", "\n\necho a\n\n")]),
    ),
    (
        "key='a\nb' c=d",
        Some(&[("key", "a\nb"), ("c", "d")]),
        Some(&[("_raw_params", "key='a\nb' c=d")]),
    ),
    (
        "echo \\u0041 m=\\u0041",
        Some(&[("m", "A"), ("_raw_params", "echo \\u0041")]),
        Some(&[("_raw_params", "echo \\u0041 m=\\u0041")]),
    ),
    (
        "msg='a' 'b'",
        Some(&[("msg", "a"), ("_raw_params", "'b'")]),
        Some(&[("_raw_params", "msg='a' 'b'")]),
    ),
    ("msg=", Some(&[("msg", "")]), Some(&[("_raw_params", "msg=")])),
    ("a\tb\tc=d", Some(&[("a\tb\tc", "d")]), Some(&[("_raw_params", "a\tb\tc=d")])),
    (
        "executable=/bin/bash echo a",
        Some(&[("executable", "/bin/bash"), ("_raw_params", "echo a")]),
        Some(&[("executable", "/bin/bash"), ("_raw_params", "echo a")]),
    ),
    (
        "echo a; b=c d",
        Some(&[("b", "c"), ("_raw_params", "echo a; d")]),
        Some(&[("_raw_params", "echo a; b=c d")]),
    ),
    (
        "name={{ 'a b' }}-x y=1",
        Some(&[("name", "{{ 'a b' }}-x"), ("y", "1")]),
        Some(&[("_raw_params", "name={{ 'a b' }}-x y=1")]),
    ),
    (
        "m='{{ a }}' n=\"it's\"",
        Some(&[("m", "{{ a }}"), ("n", "it's")]),
        Some(&[("_raw_params", "m='{{ a }}' n=\"it's\"")]),
    ),
    ("pre'a b'=c", Some(&[("pre'a b'", "c")]), Some(&[("_raw_params", "pre'a b'=c")])),
    (
        "warn=false ls",
        Some(&[("warn", "false"), ("_raw_params", "ls")]),
        Some(&[("warn", "false"), ("_raw_params", "ls")]),
    ),
    (
        "stdin='x y' cat",
        Some(&[("stdin", "x y"), ("_raw_params", "cat")]),
        Some(&[("stdin", "x y"), ("_raw_params", "cat")]),
    ),
    (
        "a=\"b\" # c",
        Some(&[("a", "b"), ("_raw_params", "# c")]),
        Some(&[("_raw_params", "a=\"b\" # c")]),
    ),
    (
        "echo {# c d #} e",
        Some(&[("_raw_params", "echo {# c d #} e")]),
        Some(&[("_raw_params", "echo {# c d #} e")]),
    ),
    (
        "a={{ {'x': 'y z'} }} q",
        Some(&[("a", "{{ {'x': 'y z'} }}"), ("_raw_params", "q")]),
        Some(&[("_raw_params", "a={{ {'x': 'y z'} }} q")]),
    ),
    (
        "echo 'a' \\\n 'b'",
        Some(&[("_raw_params", "echo 'a' 'b'")]),
        Some(&[("_raw_params", "echo 'a' 'b'")]),
    ),
    ("x='a\\\\b'", Some(&[("x", "a\\b")]), Some(&[("_raw_params", "x='a\\\\b'")])),
    ("x=\"q\"r", Some(&[("x", "\"q\"r")]), Some(&[("_raw_params", "x=\"q\"r")])),
    (
        "creates=\"{{ a }}/b c\" run it",
        Some(&[("creates", "{{ a }}/b c"), ("_raw_params", "run it")]),
        Some(&[("creates", "{{ a }}/b c"), ("_raw_params", "run it")]),
    ),
];

#[test]
fn as_the_reference() {
    let mut wrong = Vec::new();
    for (text, plain, command) in ROWS {
        for (expected, is_command) in [(plain, false), (command, true)] {
            let found = key_values(&Text::computed(*text), is_command).ok();
            let expected = expected.map(|pairs| {
                pairs.iter().map(|(k, v)| (Value::text(*k), Value::text(*v))).collect()
            });
            if found != expected {
                wrong.push(format!("{text:?} {is_command}: {found:?} instead of {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_keep_the_place_of_the_text() {
    let source = crate::diag::Source::new("a.yml", "x");
    let text = Text::written("src={{ a }} echo", source.start());
    let map = key_values(&text, false).unwrap();
    assert!(map.get("src").unwrap().needs_rendering());
    assert_eq!(map.get("_raw_params").unwrap().place().unwrap().line, 1);
    let data = key_values(&Text::computed("src={{ a }}"), false).unwrap();
    assert!(!data.get("src").unwrap().needs_rendering());
}
