use super::{inventory, loaded, names, try_load};
use crate::inventory::tests::world::World;
use crate::inventory::{LoadOptions, Plugin};
use crate::value::{Map, Value};

#[test]
fn yaml_groups_hosts_and_variables() {
    let world = World::new(&[(
        "a.yml",
        "all:\n  hosts:\n    top: {v: 1}\n    'r[1:2].x:99': {k: a}\n  vars: {x: 1, ansible_group_priority: 3}\n  \
         children:\n    g1:\n      hosts: solo\n      bogus: {a: 1}\n      other: 5\n      children:\n        g2:\n\
         g4:\n  hosts:\n    top: {v: 2}\nstr: hello\n",
    )]);
    let loaded = loaded(&world, &["a.yml"]);
    let i = &loaded.inventory;
    assert_eq!(names(&i.group_hosts("all")), ["top", "r1.x", "r2.x", "solo"]);
    assert_eq!(names(&i.group_hosts("ungrouped")), ["r1.x", "r2.x"]);
    assert_eq!(i.host("top").unwrap().vars().get("v"), Some(&Value::Int(2)));
    assert_eq!(i.host("r2.x").unwrap().vars().get("ansible_port"), Some(&Value::Int(99)));
    assert_eq!(i.group("all").unwrap().priority(), 3);
    assert_eq!(format!("{:?}", i.group("all").unwrap().vars()), "{'x': 1}");
    assert!(i.group("g2").is_some());
    let warnings = loaded.warnings.to_string();
    assert!(warnings.contains("a.yml:9:7: \"bogus\" in group \"g1\" is skipped"), "{warnings}");
    assert!(
        warnings.contains("\"other\" in group \"g1\" is skipped: it is a number"),
        "{warnings}"
    );
    assert!(warnings.contains("\"str\" is no group"), "{warnings}");
    assert_eq!(loaded.warnings.0.len(), 3);
}

fn yaml_failure(text: &str) -> String {
    let world = World::new(&[("a.yml", text)]);
    loaded(&world, &["a.yml"]).warnings.to_string()
}

#[test]
fn yaml_mistakes() {
    let hosts = yaml_failure("all:\n  hosts:\n    - l\n");
    assert!(
        hosts.contains("a.yml:3:5: \"hosts\" of group \"all\" must be a dictionary"),
        "{hosts}"
    );
    assert!(hosts.contains("write \"name:\""));
    assert!(yaml_failure("- a\n").contains("this is a list"));
    assert!(yaml_failure("5: {}\n").contains("name of a group must be text"));
    assert!(yaml_failure("all: {hosts: {5: }}\n").contains("put it in quotes"));
    assert!(yaml_failure("all: {hosts: {h: 5}}\n").contains("the variables of host \"h\""));
    assert!(yaml_failure("all: {children: {b: 5}}\n").contains("group \"b\" must be a dictionary"));
    assert!(yaml_failure("a: {children: {b: {children: {a: }}}}\n").contains("inside"));
    assert!(yaml_failure("plugin: foo.bar\n").contains("\"foo.bar\" is not supported"));
}

#[test]
fn json_and_names_without_extension() {
    let i = inventory("a.json", "{\"g\": {\"hosts\": {\"h\": {\"x\": [1]}}}}");
    assert_eq!(names(&i.group_hosts("g")), ["h"]);
    let i = inventory("hosts", "g:\n  hosts:\n    h:\n");
    assert_eq!(names(&i.group_hosts("g")), ["h"]);
    let i = inventory("hosts", "[g]\nh\n");
    assert_eq!(names(&i.group_hosts("g")), ["h"]);
}

#[test]
fn an_empty_file_is_an_empty_inventory() {
    assert_eq!(inventory("hosts", "").hosts().len(), 0);
    assert_eq!(inventory("hosts.yml", "").hosts().len(), 0);
}

#[test]
fn host_lists() {
    let world = World::new(&[]);
    let l = loaded(&world, &["a,b:22,c[1:2],::1,[::2]:5,x y,"]);
    assert_eq!(
        names(&l.inventory.group_hosts("ungrouped")),
        ["a", "b", "c[1:2]", "::1", "::2", "x y"]
    );
    assert_eq!(l.inventory.host("b").unwrap().vars().get("ansible_port"), Some(&Value::Int(22)));
    let origin = l.inventory.host("a").unwrap().origin().unwrap();
    assert_eq!((&*origin.file, &origin.dir), ("a,b:22,c[1:2],::1,[::2]:5,x y,", &None));
    assert!(l.directories.is_empty());
    let options = LoadOptions { plugins: vec![Plugin::AdvancedHostList], ..LoadOptions::default() };
    let l = try_load(&world, &["c[1:3],"], &options).unwrap();
    assert_eq!(names(&l.inventory.group_hosts("all")), ["c1", "c2", "c3"]);
}

#[test]
fn a_missing_file_is_a_warning_or_an_error_by_setting() {
    let world = World::new(&[]);
    let l = loaded(&world, &["missing"]);
    let text = l.warnings.to_string();
    assert!(
        text.contains("\"missing\" cannot be read") && text.contains("only localhost"),
        "{text}"
    );
    let any = LoadOptions { any_unparsed_is_failed: true, ..LoadOptions::default() };
    assert!(try_load(&world, &["missing"], &any).is_err());
    assert!(try_load(&world, &["h,", "missing"], &any).is_err());
    let none = LoadOptions { unparsed_is_failed: true, ..LoadOptions::default() };
    assert!(try_load(&world, &["missing"], &none).is_err());
    assert!(try_load(&world, &["h,", "missing"], &none).is_ok());
    let quiet = LoadOptions { unparsed_warning: false, ..LoadOptions::default() };
    assert_eq!(try_load(&world, &[], &quiet).unwrap().warnings.0.len(), 0);
}

#[test]
fn directories_are_read_in_order_of_names() {
    let world = World::new(&[
        ("inv/20.ini", "h x=20\nb\n"),
        ("inv/10.yml", "all: {hosts: {a: , h: {x: 10}}}"),
        ("inv/sub/30", "c\n"),
        ("inv/old.bak", "no1\n"),
        ("inv/a.cfg", "no2\n"),
        ("inv/.hidden", "no3\n"),
        ("inv/group_vars/all.yml", "x: 1\n"),
        ("inv/host_vars/h.yml", "x: 1\n"),
    ]);
    let l = loaded(&world, &["inv"]);
    assert_eq!(names(&l.inventory.group_hosts("all")), ["a", "h", "b", "c"]);
    assert_eq!(names(&l.inventory.group_hosts("ungrouped")), ["h", "b", "c", "a"]);
    assert_eq!(l.inventory.host("h").unwrap().vars().get("x"), Some(&Value::Int(20)));
    assert_eq!(l.directories, [std::path::PathBuf::from("/w/inv")]);
    let origin = l.inventory.host("c").unwrap().origin().unwrap();
    assert_eq!((&*origin.file, origin.dir.as_deref()), ("/w/inv/sub/30", Some("/w/inv/sub")));
    let options = LoadOptions {
        ignored_patterns: vec![regex::Regex::new("^2").unwrap()],
        ..LoadOptions::default()
    };
    let l = try_load(&world, &["inv"], &options).unwrap();
    assert_eq!(names(&l.inventory.group_hosts("all")), ["a", "h", "c"]);
}

#[test]
fn later_sources_win() {
    let world = World::new(&[("1/a.ini", "[g]\nh x=1 y=1\n"), ("2/b.ini", "[g]\nh x=2\nk\n")]);
    let l = loaded(&world, &["1/a.ini", "2/b.ini"]);
    assert_eq!(format!("{:?}", l.inventory.host("h").unwrap().vars()), "{'x': 2, 'y': 1}");
    assert_eq!(names(&l.inventory.group_hosts("g")), ["h", "k"]);
    assert_eq!(l.directories.len(), 2);
}

#[test]
fn scripts_with_meta() {
    let world = World::new(&[("s.sh", "#!/bin/sh\n")]).script(
        "/w/s.sh --list",
        0,
        r#"{"g": {"hosts": ["s1", "s2:22"], "vars": {"a": "{{ 1 }}"}, "children": ["k"]}, "l": ["s3"],
            "_meta": {"hostvars": {"s1": {"n": 1}}}}"#,
    );
    let i = loaded(&world, &["s.sh"]).inventory;
    assert_eq!(names(&i.group_hosts("g")), ["s1", "s2:22"]);
    assert_eq!(names(&i.group_hosts("l")), ["s3"]);
    assert_eq!(i.host("s1").unwrap().vars().get("n"), Some(&Value::Int(1)));
    assert!(i.group("g").unwrap().vars().get("a").unwrap().needs_rendering());
    assert!(i.group("k").is_some());
}

#[test]
fn scripts_without_meta_are_asked_for_each_host() {
    let world = World::new(&[("s.sh", "#!/bin/sh\n")])
        .script("/w/s.sh --list", 0, r#"{"l": ["s3"], "old": {"k": 1}}"#)
        .script("/w/s.sh --host s3", 0, r#"{"me": "s3"}"#)
        .script("/w/s.sh --host old", 0, "\n");
    let i = loaded(&world, &["s.sh"]).inventory;
    assert_eq!(i.host("s3").unwrap().vars().get("me").unwrap().as_str(), Some("s3"));
    assert_eq!(names(&i.group_hosts("old")), ["old"]);
}

#[test]
fn scripts_that_fail_say_why_and_an_executable_ini_file_is_read() {
    let world = World::new(&[("s.sh", "#!/bin/sh\necho {}\n")]).script("/w/s.sh --list", 3, "");
    let text = loaded(&world, &["s.sh"]).warnings.to_string();
    assert!(text.contains("ended with status 3: oops"), "{text}");
    let world = World::new(&[("hosts", "[g]\nh\n")]).script("/w/hosts --other", 0, "");
    assert_eq!(names(&loaded(&world, &["hosts"]).inventory.group_hosts("g")), ["h"]);
}

#[test]
fn toml_is_refused_by_name() {
    let world = World::new(&[("a.toml", "[g]\nhosts = 1\n")]);
    assert!(loaded(&world, &["a.toml"]).warnings.to_string().contains("TOML inventories"));
}

#[test]
fn hosts_are_added_at_run_time() {
    let mut i = inventory("a.ini", "[g]\nh\n");
    let vars: Map = [(Value::from("x"), Value::from(1))].into_iter().collect();
    let version = i.version();
    assert!(i.add_host_at_run_time("new", Some(22), &["g", "n"], &vars).unwrap());
    assert!(i.version() > version);
    assert!(!i.add_host_at_run_time("new", Some(22), &["g", "n"], &vars).unwrap());
    assert_eq!(names(&i.group_hosts("g")), ["h", "new"]);
    assert_eq!(names(&i.group_hosts("n")), ["new"]);
    assert_eq!(names(&i.group_hosts("all")), ["new", "h"]);
    assert_eq!(i.host("new").unwrap().origin(), None);
    assert!(i.add_host_at_run_time("lonely", None, &[], &Map::new()).unwrap());
    assert_eq!(names(&i.group_hosts("ungrouped")), ["lonely"]);
}

#[test]
fn hosts_are_grouped_at_run_time() {
    let mut i = inventory("a.ini", "[g]\nh\nk\n");
    assert!(i.group_by_at_run_time("h", "os_debian", &["all"]).unwrap());
    assert!(!i.group_by_at_run_time("h", "os_debian", &["all"]).unwrap());
    assert!(i.group_by_at_run_time("k", "os_debian", &["linux"]).unwrap());
    assert_eq!(names(&i.group_hosts("linux")), ["h", "k"]);
    assert_eq!(format!("{:?}", i.host_groups("h").names), "['g', 'linux', 'os_debian']");
    assert!(i.group_by_at_run_time("nobody", "x", &["all"]).is_err());
}

/// As ansible-core 2.19 shows it after `group_by` on the implicit localhost.
#[test]
fn the_implicit_localhost_joins_groups_but_not_all() {
    let mut i = inventory("a.ini", "a\n");
    assert!(i.group_by_at_run_time("localhost", "grp", &["par"]).unwrap());
    assert!(!i.group_by_at_run_time("localhost", "grp", &["par"]).unwrap());
    assert_eq!(
        format!("{:?}", i.groups_value()),
        "{'all': ['a'], 'ungrouped': ['a'], 'grp': ['localhost'], 'par': ['localhost']}"
    );
    assert_eq!(format!("{:?}", i.host_groups("localhost").names), "['grp', 'par']");
    assert_eq!(i.hosts().len(), 1);
    assert!(i.host("localhost").unwrap().is_implicit());
    i.add_host_at_run_time("localhost", None, &[], &crate::value::Map::new()).unwrap();
    assert_eq!(i.group_hosts("all").len(), 2);
    assert_eq!(names(&i.group_hosts("par")), ["localhost"]);
}

#[test]
fn groups_are_merged_by_depth_then_priority_then_name() {
    let i = inventory(
        "a.ini",
        "[z]\nh\n[b]\nh\n[a]\nh\n[deep]\nh\n[a0:children]\ndeep\n[b:vars]\nansible_group_priority=10\n",
    );
    assert_eq!(names(&i.host_groups("h").merge_order), ["a", "a0", "z", "b", "deep"]);
    assert_eq!(format!("{:?}", i.host_groups("h").names), "['a', 'a0', 'b', 'deep', 'z']");
    assert_eq!(i.host_groups("localhost").merge_order.len(), 0);
}

#[test]
fn the_magic_groups() {
    let i = inventory("a.ini", "u\n[g]\nh\n");
    assert_eq!(
        format!("{:?}", i.groups_value()),
        "{'all': ['u', 'h'], 'ungrouped': ['u'], 'g': ['h']}"
    );
}

/// 10,000 hosts in 500 groups of 100, every host in 5 groups, all groups below 10 others.
#[test]
fn a_large_inventory_has_all_memberships() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for g in 0..500 {
        writeln!(text, "[g{g}]").unwrap();
        for k in 0..100 {
            writeln!(text, "h{} x={k}", (g * 20 + k) % 10_000).unwrap();
        }
        writeln!(text, "[p{}:children]\ng{g}", g % 10).unwrap();
    }
    let i = inventory("a.ini", &text);
    assert_eq!(i.hosts().len(), 10_000);
    assert_eq!(i.group_hosts("all").len(), 10_000);
    assert_eq!(i.group_hosts("p3").len(), 5_000);
    assert_eq!(i.host_groups("h4321").merge_order.len(), 10);
    assert_eq!(i.groups_value().as_map().unwrap().len(), 512);
}

#[test]
fn a_host_in_all_alone_is_ungrouped_too() {
    let i = inventory("a.yml", "all: {hosts: {h: }}");
    assert_eq!(names(&i.group_hosts("ungrouped")), ["h"]);
    assert_eq!(format!("{:?}", i.host_groups("h").names), "['ungrouped']");
}

#[test]
fn a_home_directory_and_dots_in_paths() {
    let world = World::new(&[("home/hosts", "h\n")]);
    let origin = |source: &str| {
        let l = loaded(&world, &[source]);
        l.inventory.host("h").unwrap().origin().unwrap().file.to_string()
    };
    assert_eq!(origin("~/hosts"), "/w/home/hosts");
    assert_eq!(origin("./home/../home/hosts"), "/w/home/hosts");
}

#[test]
fn an_empty_directory_is_warned_of() {
    let world = World::new(&[("inv/x.cfg", "")]);
    assert!(loaded(&world, &["inv"]).warnings.to_string().contains("\"inv\" cannot be read"));
}

#[test]
fn runtime_names_must_exist_and_not_be_empty() {
    let mut i = inventory("a.ini", "h\n");
    assert!(i.add_host("", None, None).is_err());
    assert!(i.add_group("").is_err());
    assert!(i.join("nobody", "all").is_err());
    assert!(i.join("h", "nothing").is_err());
    assert!(i.add_child("all", "nothing").is_err());
    assert!(i.add_child("ungrouped", "all").is_err());
    assert!(i.set_host_var("nobody", "x", 1.into()).is_err());
}

#[test]
fn two_names_of_this_machine_are_warned_of() {
    let world = World::new(&[("a.ini", "127.0.0.1\nlocalhost\n")]);
    let l = loaded(&world, &["a.ini"]);
    assert_eq!(l.warnings.0.len(), 1);
    assert_eq!(&**l.inventory.host("localhost").unwrap().name(), "localhost");
    assert_eq!(&**l.inventory.host("::1").unwrap().name(), "127.0.0.1");
}
