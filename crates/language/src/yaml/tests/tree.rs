//! Structure, places, aliases, merge keys, duplicates.

use super::{error, node, python, value, warnings};
use crate::diag::{Diagnostics, Source};
use crate::value::Value;
use crate::yaml::{NodeKind, load, load_one, load_text};
use std::sync::Arc;

/// The value under a key, as Python prints it.
fn repr_of(text: &str, key: &str) -> String {
    crate::value::repr(value(text).get(key).expect("key"))
}

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

#[test]
fn windows_lines_and_byte_order_marks_do_not_show() {
    let text = "\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 'z'\r\n";
    assert_eq!(python(text), "{'a': 1, 'b': 'x\\ny\\n', 'c': 'z'}");
    assert_eq!(text_place(text, "b"), "3:3");
    assert_eq!(text_place(text, "c"), "5:5");
}

#[test]
fn columns_count_characters() {
    assert_eq!(text_place("{é🦀: 'ü', b: x}\n", "b"), "1:14");
    let place = node("a:   🦀x\n").get("a").unwrap().place.clone();
    assert_eq!((place.line, place.column, place.line_text()), (1, 6, Some("a:   🦀x")));
}

#[test]
fn an_alias_keeps_the_places_of_its_anchor() {
    let root = node("a: &x\n  k: v\nb: *x\n");
    let inside = root.get("b").unwrap().get("k").unwrap();
    assert_eq!((inside.place.line, inside.place.column), (2, 6));
}

#[test]
fn a_merged_map_can_be_merged_again() {
    let text = "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n";
    assert_eq!(repr_of(text, "c"), "{'x': 1, 'y': 2, 'z': 3}");
}

#[test]
fn several_merge_keys_add_up() {
    let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2}\nc:\n  <<: *a\n  <<: *b\n";
    assert_eq!(repr_of(text, "c"), "{'x': 1, 'y': 2}");
    assert_eq!(warnings(text).len(), 0);
}

#[test]
fn a_quoted_merge_key_is_an_ordinary_key() {
    assert_eq!(python("{'<<': {a: 1}}"), "{'<<': {'a': 1}}");
    assert_eq!(python("{!!merge x: {a: 1}}"), "{'a': 1}");
}

#[test]
fn an_own_key_over_a_merged_one_is_no_duplicate() {
    assert!(warnings("a: &a {x: 1}\nb: {<<: *a, x: 2}\n").is_empty());
}

#[test]
fn anchors_end_with_their_document() {
    let source = Source::new("t.yml", "a: &x 1\n---\nb: *x\n");
    let error = load(&source, &mut Diagnostics::default()).unwrap_err();
    assert_eq!(error.place.unwrap().line, 3);
}

#[test]
fn an_anchor_may_be_set_again() {
    assert_eq!(python("[&a 1, *a, &a 2, *a]"), "[1, 1, 2, 2]");
}

#[test]
fn a_text_that_its_source_hides_is_parsed_with_places() {
    let source = Source::new("hidden.yml", "");
    let mut warnings = Diagnostics::default();
    let nodes = load_text(&source, "a:\n  b: c\n", &mut warnings).unwrap();
    let place = nodes[0].get("a").unwrap().get("b").unwrap().place.clone();
    assert_eq!((place.line, place.column, place.line_text()), (2, 6, None));
    let error = load_text(&source, "a: 5\npassword: geheim: x\n", &mut warnings).unwrap_err();
    assert_eq!(error.place.as_ref().unwrap().line, 2);
    assert!(!error.render().contains("geheim"));
}

#[test]
fn sources_are_shared() {
    let source = Source::new("t.yml", "a: b\n");
    let node = load_one(&source, &mut Diagnostics::default()).unwrap();
    let value = node.to_value();
    assert!(Arc::ptr_eq(&value.get("a").unwrap().place().unwrap().source, &source));
}

#[test]
fn nodes_answer_questions() {
    let root = node("a: x\nb: [1]\nc:\n");
    assert_eq!(root.get("a").unwrap().as_str(), Some("x"));
    assert!(root.get("c").unwrap().is_null() && !root.is_null());
    assert!(root.get("d").is_none() && root.get("b").unwrap().get("a").is_none());
}
