use super::{inventory, loaded, names, try_load};
use crate::inventory::tests::world::World;
use crate::inventory::{InvalidGroupNames, LoadOptions};
use crate::value::Value;

fn failure(text: &str) -> String {
    let world = World::new(&[("hosts.ini", text)]);
    let options = LoadOptions { any_unparsed_is_failed: true, ..LoadOptions::default() };
    try_load(&world, &["hosts.ini"], &options).unwrap_err().to_string()
}

#[test]
fn hosts_groups_and_variables() {
    let i = inventory(
        "a.ini",
        "lone ansible_user=joe\nweb1:2222 a=1 b=\"x y\" c='\"5\"' d=True e=true h={'a':1} l=abc#def\n\
         [web]\nweb[01:02].example.com v=1\n[web:vars]\nx = 5 # comment\ny = foo # comment\n\
         [parent:children]\nweb\nkid # c\n[kid]\nlone\n",
    );
    let web1 = i.host("web1").unwrap();
    assert_eq!(
        format!("{:?}", web1.vars()),
        "{'ansible_port': 2222, 'a': 1, 'b': 'x y', 'c': '5', 'd': True, 'e': 'true', 'h': '{a:1}', 'l': 'abc'}"
    );
    assert_eq!(format!("{:?}", i.group("web").unwrap().vars()), "{'x': 5, 'y': 'foo # comment'}");
    let all = i.group("all").unwrap();
    let children: Vec<_> = i.children(all).map(|g| &**g.name()).collect();
    assert_eq!(children, ["ungrouped", "parent"]);
    assert_eq!(names(&i.group_hosts("ungrouped")), ["web1"]);
    assert_eq!(
        names(&i.group_hosts("all")),
        ["web1", "web01.example.com", "web02.example.com", "lone"]
    );
    assert_eq!(names(&i.group_hosts("parent")), ["web01.example.com", "web02.example.com", "lone"]);
}

#[test]
fn the_first_port_of_a_host_stays() {
    let i = inventory("a.ini", "w:1\nw:2\n");
    assert_eq!(i.host("w").unwrap().vars().get("ansible_port"), Some(&Value::Int(1)));
}

#[test]
fn values_know_their_column() {
    let i = inventory("a.ini", "h a=1 b='{{ x }}'\n[all:vars]\n  k =  {{ y }}\n");
    let b = i.host("h").unwrap().vars().get("b").unwrap().place().unwrap();
    assert_eq!(b.to_string(), "/w/a.ini:1:9");
    let k = i.group("all").unwrap().vars().get("k").unwrap().place().unwrap();
    assert_eq!(k.to_string(), "/w/a.ini:3:8");
}

#[test]
fn children_may_be_declared_later_and_nested() {
    let i = inventory("a.ini", "[a:children]\nb\n[b:children]\nc\n[c]\nh\n");
    assert_eq!(names(&i.group_hosts("a")), ["h"]);
    assert_eq!(names(&i.host_groups("h").merge_order), ["a", "b", "c"]);
}

#[test]
fn variables_may_come_before_their_group() {
    let i = inventory("a.ini", "[a:vars]\nx=1\n[a]\nh\n");
    assert_eq!(i.group("a").unwrap().vars().get("x"), Some(&Value::Int(1)));
}

#[test]
fn comments_and_blank_lines() {
    let i = inventory("a.ini", "; c\n# c\n\n  [g]   # c\n  h  # c\n");
    assert_eq!(names(&i.group_hosts("g")), ["h"]);
}

#[test]
fn a_section_may_say_hosts() {
    let i = inventory("a.ini", "[g:hosts]\nh\n");
    assert_eq!(names(&i.group_hosts("g")), ["h"]);
}

#[test]
fn a_group_comes_before_a_host_of_the_same_name_when_variables_are_set() {
    let world = World::new(&[("a.ini", "[web]\nh\n[other]\nweb x=1\n")]);
    let loaded = loaded(&world, &["a.ini"]);
    assert_eq!(loaded.inventory.group("web").unwrap().vars().get("x"), Some(&Value::Int(1)));
    assert!(loaded.inventory.host("web").unwrap().vars().is_empty());
    assert!(loaded.warnings.to_string().contains("\"web\" is the name of a group and of a host"));
}

#[test]
fn mistakes_are_shown_at_their_place_all_of_them() {
    let all = failure("[a]\nh1\nh2 x\n[b c]\n[d:nope]\n");
    assert!(all.contains("/w/hosts.ini:3:4: expected key=value, found \"x\""), "{all}");
    assert!(all.contains("/w/hosts.ini:4:1: \"[b c]\" is not a section"), "{all}");
    assert!(all.contains("/w/hosts.ini:5:1: section [d:nope] is of an unknown kind"), "{all}");
}

#[test]
fn undefined_groups_are_mistakes() {
    assert!(failure("[a:children]\nb\n").contains(":2:1: [a:children] names \"b\""));
    assert!(failure("h\n[a:vars]\nx=1\n").contains(":2:1: [a:vars] sets variables"));
}

#[test]
fn a_group_inside_itself_is_a_mistake() {
    assert!(failure("[a:children]\na\n").contains("cannot be its own child"));
    assert!(failure("[a:children]\nb\n[b:children]\na\n").contains("inside"));
    assert!(failure("[a:children]\nb\n[b:children]\nc\n[c:children]\na\n").contains("inside"));
}

#[test]
fn other_mistakes() {
    assert!(failure("h:\n").contains("no port"));
    assert!(failure("---\n").contains("YAML"));
    assert!(failure("h 'a\n").contains("quote is not closed"));
    assert!(failure("[g]\n[g:vars]\nx\n").contains("expected key=value"));
    assert!(failure("[g:children]\na b\n").contains("expected the name of a group"));
    assert!(failure("[g]\n[g:vars]\nansible_group_priority=x\n").contains("whole number"));
}

#[test]
fn a_file_with_a_mistake_leaves_nothing_behind() {
    let world = World::new(&[("a.ini", "[a]\nh1\nh2 x\n"), ("b.ini", "k\n")]);
    let loaded = loaded(&world, &["a.ini", "b.ini"]);
    assert_eq!(names(&loaded.inventory.group_hosts("all")), ["k"]);
    assert!(loaded.inventory.group("a").is_none());
    assert!(loaded.warnings.to_string().contains("\"a.ini\" cannot be read as an inventory"));
}

#[test]
fn group_names_that_are_no_variable_names() {
    let world = World::new(&[("a.ini", "[b:children]\na-b\n[a-b]\nh\n[1x]\nh\n")]);
    let with = |rule| {
        let options = LoadOptions { invalid_group_names: rule, ..LoadOptions::default() };
        try_load(&world, &["a.ini"], &options).unwrap()
    };
    let never = with(InvalidGroupNames::Never);
    assert!(never.inventory.group("a-b").is_some());
    assert_eq!(never.warnings.0.len(), 1);
    assert_eq!(with(InvalidGroupNames::Ignore).warnings.0.len(), 0);
    let world = World::new(&[("a.ini", "[a-b]\nh\n[1x]\nh\n")]);
    let options =
        LoadOptions { invalid_group_names: InvalidGroupNames::Silently, ..LoadOptions::default() };
    let changed = try_load(&world, &["a.ini"], &options).unwrap();
    assert_eq!(names(&changed.inventory.host_groups("h").merge_order), ["_x", "a_b"]);
    assert_eq!(changed.warnings.0.len(), 0);
}

#[test]
fn comments_need_not_be_utf_8() {
    let mut world = World::new(&[("a.ini", "")]);
    world.put("a.ini", b"# caf\xe9\nh x=1\n");
    assert_eq!(names(&loaded(&world, &["a.ini"]).inventory.group_hosts("all")), ["h"]);
    world.put("a.ini", b"h x=caf\xe9\n");
    assert!(loaded(&world, &["a.ini"]).warnings.to_string().contains("UTF-8"));
}

#[test]
fn a_whole_file_may_be_a_vault_and_its_errors_do_not_show_it() {
    let world = World::new(&[]).vault("a.ini", "h x='{{ y }}'\n", "secret");
    let i = loaded(&world, &["a.ini"]).inventory;
    let place = i.host("h").unwrap().vars().get("x").unwrap().place().unwrap().clone();
    assert_eq!(place.line_text(), None);
    let world = World::new(&[]).vault("a.ini", "h\n", "other");
    let l = loaded(&world, &["a.ini"]);
    assert_eq!(l.inventory.hosts().len(), 0);
    assert!(l.warnings.to_string().contains("vault"), "{}", l.warnings);
}
