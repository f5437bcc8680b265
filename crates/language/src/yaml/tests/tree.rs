//! Structure, places, aliases, merge keys, duplicates.

use super::{error, node, python, value, warnings};
use crate::diag::{Diagnostics, Source};
use crate::value::Value;
use crate::yaml::{NodeKind, load, load_one};

fn place(text: &str, path: &[&str]) -> String {
    let root = node(text);
    let mut at = &root;
    for key in path {
        at = at.get(key).expect("key");
    }
    format!("{}:{}", at.place.line, at.place.column)
}

fn text_place(text: &str, key: &str) -> String {
    let root = node(text);
    let NodeKind::Scalar(value) = &root.get(key).expect("key").kind else { panic!("no scalar") };
    let place = value.place().expect("written");
    format!("{}:{}", place.line, place.column)
}

#[test]
fn an_empty_file_is_null() {
    for text in ["", "\n", "# only a comment\n", "---\n", "---\n...\n"] {
        assert!(node(text).is_null(), "{text:?}");
    }
}

#[test]
fn documents_are_separate() {
    let source = Source::new("t.yml", "a: 1\n---\n- b\n...\n---\n");
    let documents = load(&source, &mut Diagnostics::default()).unwrap();
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[1].place.line, 3);
    let error = load_one(&source, &mut Diagnostics::default()).unwrap_err();
    assert_eq!(error.place.unwrap().line, 3);
}

#[test]
fn nodes_know_where_they_start() {
    let text = "a:\n  bé: x\n  c: [1, 'q']\n";
    assert_eq!(place(text, &["a"]), "2:3");
    assert_eq!(place(text, &["a", "bé"]), "2:7");
    assert_eq!(place(text, &["a", "c"]), "3:6");
}

#[test]
fn texts_know_where_their_first_character_is() {
    assert_eq!(text_place("a: 'x'\n", "a"), "1:5");
    assert_eq!(text_place("a: x\n", "a"), "1:4");
    assert_eq!(text_place("a: |\n  x\n  y\n", "a"), "2:3");
    assert_eq!(text_place("a: |\n\n   x\n", "a"), "2:4");
    assert_eq!(text_place("a: |2\n   x\n", "a"), "2:3");
    assert_eq!(text_place("a: >-\n    x\n    y\n", "a"), "2:5");
}

#[test]
fn an_alias_is_the_value_of_its_anchor() {
    assert_eq!(python("a: &x [1, 2]\nb: *x\n"), "{'a': [1, 2], 'b': [1, 2]}");
    assert!(error("a: *x\n").message.contains("`&x`"));
    assert!(error("a: &x [*x]\n").message.contains("inside the value"));
}

#[test]
fn merge_keys_yield_to_own_keys() {
    let base = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n";
    assert_eq!(
        value(&format!("{base}r: {{<<: *b, y: 9}}\n")).get("r").map(crate::value::repr).unwrap(),
        "{'x': 1, 'y': 9}"
    );
    assert_eq!(
        value(&format!("{base}r: {{q: 0, <<: [*b, *m]}}\n"))
            .get("r")
            .map(crate::value::repr)
            .unwrap(),
        "{'y': 2, 'z': 4, 'x': 1, 'q': 0}"
    );
    assert!(error("a: {<<: 3}\n").message.contains("merges"));
}

#[test]
fn of_equal_keys_the_last_counts_and_the_reader_is_warned() {
    let text = "a: 1\nb: 2\na: 3\n";
    assert_eq!(python(text), "{'a': 3, 'b': 2}");
    let warnings = warnings(text);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].place.as_ref().unwrap().line, 3);
    assert!(warnings[0].message.contains("`a`"));
}

#[test]
fn many_keys_are_found_too() {
    let mut text: String = (0..30).map(|i| format!("k{i}: {i}\n")).collect();
    text.push_str("k3: again\nk29: again\n");
    assert_eq!(warnings(&text).len(), 2);
    assert_eq!(value(&text).get("k3"), Some(&Value::text("again")));
    assert_eq!(value(&text).as_map().unwrap().len(), 30);
}
