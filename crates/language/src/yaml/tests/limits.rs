//! Hostile files are refused quickly and without exhausting the stack.

use super::{error, python};
use std::time::{Duration, Instant};

fn refused(text: &str, message: &str) {
    let start = Instant::now();
    let error = error(text);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(error.message.contains(message), "{error}");
    assert!(error.place.is_some());
}

#[test]
fn deep_nesting() {
    refused(&"[".repeat(100_000), "256 levels");
    refused(&"{a: ".repeat(100_000), "256 levels");
    refused(&"- ".repeat(100_000), "256 levels");
    let mixed = "- [".to_owned() + &"[".repeat(200) + &"{a: ".repeat(200);
    refused(&mixed, "256 levels");
}

#[test]
fn nesting_within_the_limit() {
    let text = format!("{}{}", "[".repeat(256), "]".repeat(256));
    assert_eq!(python(&text), text);
}

#[test]
fn deep_aliases() {
    let mut text = String::from("a0: &a0 x\n");
    for i in 1..400 {
        text.push_str(&format!("a{i}: &a{i} [*a{}]\n", i - 1));
    }
    refused(&text, "256 levels");
}

#[test]
fn many_aliases() {
    let mut text = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    let mut last = 'a';
    for name in 'b'..='i' {
        let ten = format!("*{last},").repeat(10);
        text.push_str(&format!("{name}: &{name} [{ten}]\n"));
        last = name;
    }
    refused(&text, "aliases");
}

#[test]
fn many_merges() {
    let keys: String = (0..1000).map(|i| format!("k{i}: 1, ")).collect();
    let mut text = format!("base: &b {{{keys}}}\nuses:\n");
    text.push_str(&"- <<: *b\n".repeat(1000));
    refused(&text, "aliases");
}

#[test]
fn ordinary_use_of_aliases_is_no_attack() {
    let mut text = String::from("base: &b {x: 1, y: 2}\nuses:\n");
    text.push_str(&"- <<: *b\n".repeat(5_000));
    assert_eq!(super::value(&text).get("uses").unwrap().as_list().unwrap().len(), 5_000);
}

#[test]
fn columns_are_not_counted_from_the_start_of_a_long_line_for_each_node() {
    let text = format!("[{}]", "é, ".repeat(200_000));
    let start = Instant::now();
    assert_eq!(super::value(&text).as_list().unwrap().len(), 200_000);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
