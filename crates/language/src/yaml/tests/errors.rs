//! What an author is told, and where the caret stands.

use super::error;

/// Text, line, column, part of the message.
const TABLE: &[(&str, u32, u32, &str)] = &[
    // Templates without quotes, in every way YAML trips over them.
    ("a:\n  b: {{ x }}\n", 2, 6, "template must be quoted"),
    ("a:\n  b: {{ x }} foo\n", 2, 6, "template must be quoted"),
    ("a:\n  b: {{ x | d(\"a\") }}/foo\n", 2, 6, "template must be quoted"),
    ("a:\n  - {{ x.y }}\n", 2, 5, "template must be quoted"),
    ("when: {{ a == \"b\" }}\nc: d\n", 1, 7, "template must be quoted"),
    ("b: {{ x[\"y\"] }}\n", 1, 4, "template must be quoted"),
    ("b: {% if x %}a{% endif %}\n", 1, 4, "template must be quoted"),
    ("- {{ x }}: 1\n", 1, 3, "template must be quoted"),
    ("b: {{ x,\n  y }}\n", 1, 4, "template must be quoted"),
    // A second colon.
    ("a: 1\nname: foo: bar\n", 2, 10, "`: ` in it must be quoted"),
    ("- name: install: x\n  b: 1\n", 1, 16, "`: ` in it must be quoted"),
    ("- name: \"a\": b\n", 1, 12, "`: ` in it must be quoted"),
    ("a: 1\n  b: 2\n", 2, 4, "a key cannot stand here"),
    // Indentation.
    ("a:\n\tb: 1\n", 2, 2, "tab"),
    ("a:\n  b: 1\n\tc: 2\n", 3, 1, "tab"),
    ("\ta: 1\n", 1, 1, "tab"),
    ("- \ta: 1\n", 1, 3, "tab"),
    ("a:\n  \tb\n", 2, 3, "tab"),
    ("a:\n  b: 1\n c: 2\n", 3, 2, "same column"),
    ("a:\n  - 1\n  b: 2\n", 3, 3, "`- `"),
    ("- a\nb: 1\n", 2, 1, "`- `"),
    ("a: - b\n", 1, 4, "list entry cannot start"),
    ("a: 1\nfoo\nb: 2\n", 2, 1, "expected `:`"),
    // Values.
    ("a: @foo\n", 1, 4, "cannot start with `@`"),
    ("a: `foo`\n", 1, 4, "cannot start with ```"),
    ("a: %foo\n", 1, 4, "cannot start with `%`"),
    ("a: \"\\d\"\n", 1, 4, "escape"),
    ("a: \"foo\" bar\n", 1, 10, "after the closing quote"),
    ("a: \"foo\nb: 3\n", 1, 4, "not closed"),
    ("a: [1, 2\n", 1, 4, "not closed"),
    ("a: ]\n", 1, 4, "nothing to close"),
    ("a: |foo\n", 1, 4, "after the `|`"),
    ("a: *.log\n", 1, 4, "anchor"),
    ("a: !foo bar\n", 1, 4, "unknown tag `!foo`"),
    ("a: !!python/none x\n", 1, 4, "unknown tag `!!python/none`"),
    ("a: 2024-02-30\n", 1, 4, "date"),
    ("a: 0b_\n", 1, 4, "whole number"),
    ("a: !!int x\n", 1, 10, "not a whole number"),
    ("a: !!seq x\n", 1, 10, "list or a map"),
    ("a: !!seq {b: c}\n", 1, 10, "before a map"),
    ("a: !!map [b]\n", 1, 10, "before a list"),
    ("a: !vault [b]\n", 1, 11, "encrypted text"),
    ("a: !!omap [b]\n", 1, 12, "exactly one entry"),
    ("a: !!binary \"?\"\n", 1, 13, "base64"),
    ("? [a]\n: b\n", 1, 3, "list cannot be the key"),
    ("? {a: b}\n: b\n", 1, 3, "map cannot be the key"),
];

#[test]
fn errors_name_the_place_and_the_mistake() {
    for (text, line, column, message) in TABLE {
        let error = error(text);
        let place = error.place.as_ref().expect("place");
        assert_eq!((place.line, place.column), (*line, *column), "{text:?} {error}");
        assert!(error.message.contains(message), "{text:?} {error}");
        let first = error.message.chars().next().expect("message");
        assert!(!first.is_uppercase() && !error.message.ends_with('.'), "{error}");
    }
}

#[test]
fn syntax_errors_come_with_a_hint() {
    for (text, ..) in TABLE.iter().take_while(|row| row.3 != "date") {
        let error = error(text);
        assert!(error.hint.is_some(), "{error}");
    }
}

#[test]
fn an_open_bracket_of_an_earlier_line_is_named() {
    let error = error("a: {b: 1\nc: 2\n");
    assert_eq!(error.chain[0].1.to_string(), "t.yml:1:4");
    assert!(error.render().contains("opened at t.yml:1:4"));
}

#[test]
fn tabs_elsewhere_are_space() {
    use super::python;
    assert_eq!(
        python("a:\tb\nc: [\t1,\n\t2]\t# d\ne: x\ty\n"),
        "{'a': 'b', 'c': [1, 2], 'e': 'x\\ty'}"
    );
    assert_eq!(python("--- \ta\n"), "'a'");
    assert_eq!(python("a: |\n  \tx\n"), "{'a': '\\tx\\n'}");
}
