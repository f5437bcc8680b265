use super::{inventory, names};
use crate::diag::Diagnostics;
use crate::inventory::tests::world::World;
use crate::inventory::{Inventory, Order, Pattern, Shuffle};
use std::sync::Arc;

const HOSTS: &str = "[web]\nw1\nw2\nw3\n[db]\nd1\nw3\na.x\n[sub:children]\ndb\n";

fn chosen(inventory: &Inventory, pattern: &str) -> (String, Vec<String>) {
    let pattern = Pattern::parse(pattern, None, &mut Diagnostics::default()).unwrap();
    let matched = inventory.matching(&pattern);
    (names(&matched.hosts).join(" "), matched.unmatched)
}

/// As `ansible PATTERN --list-hosts` prints them.
#[test]
fn patterns_choose_as_ansible_does() {
    let i = inventory("p.ini", HOSTS);
    for (pattern, expected) in [
        ("web[0]", "w1"),
        ("web[7]", ""),
        ("web[-1]", "w3"),
        ("web[-9]", ""),
        ("web[1:]", "w2 w3"),
        ("web[0-1]", "w1 w2"),
        ("web[2:0]", "w3"),
        ("d1:w1", "d1 w1"),
        ("w2,w1", "w2 w1"),
        ("web:!w2", "w1 w3"),
        ("!w2", "w1 w3 d1 a.x"),
        ("&db:web", "w3"),
        ("web:&db:!w3", ""),
        ("!web[0],web", "w2 w3"),
        ("~w[12]", "w1 w2"),
        ("~^(d|w)1", "w1 d1"),
        ("w?", "w1 w2 w3"),
        ("w*", "w1 w2 w3"),
        ("*", "w1 w2 w3 d1 a.x"),
        ("w1,w1,web", "w1 w2 w3"),
        ("nope,w1", "w1"),
        ("a.x", "a.x"),
        ("a*x", "a.x"),
        ("d*", "d1 w3 a.x"),
        ("sub", "d1 w3 a.x"),
        ("web db", "w1 w2 w3 d1 a.x"),
        ("all[0:2]", "w1 w2 w3"),
        ("w1 , w2", "w1 w2"),
        ("ungrouped", ""),
        ("", "w1 w2 w3 d1 a.x"),
        ("web[0]:db[0]", "w1 d1"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost,w1", "localhost w1"),
        ("all,localhost", "w1 w2 w3 d1 a.x localhost"),
    ] {
        assert_eq!(chosen(&i, pattern).0, expected, "{pattern}");
    }
}

#[test]
fn what_matches_nothing_is_told() {
    let i = inventory("p.ini", HOSTS);
    for (pattern, expected) in [
        ("nope", vec!["nope"]),
        ("w1:22", vec!["w1:22"]),
        ("d1:w1,w2", vec!["d1:w1"]),
        ("w[12]", vec!["w"]),
        ("web[x]", vec!["web[x]"]),
        ("web[-2:]", vec!["web[-2:]"]),
        ("~b", vec!["~b"]),
        ("!nope,w1", vec!["nope"]),
        ("ungrouped", vec![]),
        ("web[7]", vec![]),
        ("all", vec![]),
    ] {
        assert_eq!(chosen(&i, pattern).1, expected, "{pattern}");
    }
}

#[test]
fn the_old_subscript_is_warned_of() {
    let mut warnings = Diagnostics::default();
    Pattern::parse("web[0-1]", None, &mut warnings).unwrap();
    assert_eq!(warnings.0.len(), 1);
    Pattern::parse("web[0:1]", None, &mut warnings).unwrap();
    assert_eq!(warnings.0.len(), 1);
}

#[test]
fn a_wrong_regular_expression_is_a_mistake() {
    let error = Pattern::parse("~(", None, &mut Diagnostics::default()).unwrap_err();
    assert!(error.message.contains("regular expression"));
}

#[test]
fn globs_are_pythons() {
    let i = inventory("p.ini", "zXb\nz{1}b\nzb\n");
    assert_eq!(chosen(&i, "z{1}b").0, "z{1}b");
    assert_eq!(chosen(&i, "z{*").0, "z{1}b");
    assert_eq!(chosen(&i, "z[!X]*").0, "z{1}b zb");
    assert_eq!(chosen(&i, "Z*").0, "");
}

#[test]
fn addresses_with_colons_are_one_term() {
    let i = inventory("p.yml", "all: {hosts: {'::1': , 'fe80::1': }}");
    assert_eq!(chosen(&i, "fe80::1").0, "fe80::1");
}

#[test]
fn localhost_is_the_first_host_that_is_called_so() {
    let i = inventory("p.ini", "127.0.0.1 x=1\nh\n");
    assert_eq!(chosen(&i, "localhost").0, "127.0.0.1");
    assert!(!i.host("localhost").unwrap().is_implicit());
    let i = inventory("p.ini", "h\n");
    let local = i.host("localhost").unwrap();
    assert!(local.is_implicit());
    assert_eq!(local.vars().get("ansible_connection").unwrap().as_str(), Some("local"));
    assert!(i.host("nowhere").is_none());
}

#[test]
fn a_limit_may_name_a_file() {
    let world = World::new(&[("failed.retry", "w2\n\nd1  \n")]);
    let i = inventory("p.ini", HOSTS);
    let mut warnings = Diagnostics::default();
    let all = Pattern::all();
    let mut limit = |text: &str| Pattern::parse_limit(text, world.files(), &mut warnings);
    let within = |limit: &Pattern| names(&i.matching_within(&all, limit).hosts).join(" ");
    assert_eq!(within(&limit("@failed.retry").unwrap()), "w2 d1");
    assert_eq!(within(&limit("@failed.retry:!w2").unwrap()), "d1");
    assert_eq!(within(&limit("!web").unwrap()), "d1 a.x");
    assert!(limit("@missing").unwrap_err().message.contains("does not exist"));
}

struct Last;

impl Shuffle for Last {
    fn up_to(&mut self, _: usize) -> usize {
        0
    }
}

#[test]
fn orders() {
    let order = |name: &str| {
        let mut hosts: Vec<Arc<str>> = ["b", "c", "a"].map(Arc::from).to_vec();
        Order::by_name(name).unwrap().apply(&mut hosts, &mut Last);
        names(&hosts).join("")
    };
    assert_eq!(order("inventory"), "bca");
    assert_eq!(order("reverse_inventory"), "acb");
    assert_eq!(order("sorted"), "abc");
    assert_eq!(order("reverse_sorted"), "cba");
    assert_eq!(order("shuffle"), "cab");
    assert_eq!(Order::by_name("random"), None);
}
