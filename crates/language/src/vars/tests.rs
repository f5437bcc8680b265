//! Expectations come from ansible-core 2.19.14 over the same files.

use super::{ExtraVars, HashBehaviour, HostVars, Layers, combine, magic};
use crate::diag::Diagnostics;
use crate::inventory::tests::world::World;
use crate::inventory::tests::{inventory, loaded};
use crate::inventory::{ExportVars, Inventory, Loaded};
use crate::value::{Map, Scope, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn host_vars(world: &World, loaded: &Loaded) -> HostVars {
    let mut warnings = Diagnostics::default();
    let playbook = [PathBuf::from("/w")];
    HostVars::new(
        &loaded.directories,
        &playbook,
        HashBehaviour::Replace,
        world.files(),
        &mut warnings,
    )
}

fn precedence() -> World {
    World::new(&[
        (
            "inv/hosts",
            "[g1]\nh1 fromhost=inv\n[g2]\nh1\n[g0:children]\ng1\n[g1:vars]\nv=ini_g1\nu=ini_g1\n[all:vars]\nv=ini_all\n",
        ),
        ("group_vars/all/a.yml", "v: pb_all\nw: pb_all\n"),
        ("inv/group_vars/all.yml", "v: inv_all\nw: inv_all\nx: inv_all\n"),
        ("inv/group_vars/g1/b.yml", "w: inv_g1b"),
        ("inv/group_vars/g1/a.yml", "w: inv_g1a\ny: 1"),
        ("inv/group_vars/g0", "w2: g0"),
        ("group_vars/g1.yaml", "x: pb_g1"),
        ("host_vars/h1.yml", "fromhost: pb_host"),
    ])
}

#[test]
fn variables_of_a_host_are_merged_in_order() {
    let world = precedence();
    let l = loaded(&world, &["inv/hosts"]);
    let vars = host_vars(&world, &l).get(&l.inventory, "h1", world.files()).unwrap();
    for (name, expected) in [
        ("v", "pb_all"),
        ("u", "ini_g1"),
        ("w", "inv_g1b"),
        ("x", "pb_g1"),
        ("w2", "g0"),
        ("fromhost", "pb_host"),
        ("inventory_file", "/w/inv/hosts"),
        ("inventory_dir", "/w/inv"),
    ] {
        assert_eq!(vars.get(name).and_then(Value::as_str), Some(expected), "{name}");
    }
}

#[test]
fn a_host_is_merged_once_until_the_inventory_changes() {
    let world = precedence();
    let mut l = loaded(&world, &["inv/hosts"]);
    let vars = host_vars(&world, &l);
    vars.get(&l.inventory, "h1", world.files()).unwrap();
    let reads = world.reads.load(Ordering::Relaxed);
    vars.get(&l.inventory, "h1", world.files()).unwrap();
    assert_eq!(world.reads.load(Ordering::Relaxed), reads);
    l.inventory.set_host_var("h1", "fromhost", "changed".into()).unwrap();
    l.inventory.set_host_var("h1", "new", 1.into()).unwrap();
    let again = vars.get(&l.inventory, "h1", world.files()).unwrap();
    assert_eq!(again.get("new"), Some(&Value::Int(1)));
    assert_eq!(world.reads.load(Ordering::Relaxed), reads);
}

#[test]
fn the_implicit_localhost_has_the_variables_of_all() {
    let world = precedence();
    let l = loaded(&world, &["inv/hosts"]);
    let vars = host_vars(&world, &l).get(&l.inventory, "localhost", world.files()).unwrap();
    assert_eq!(vars.get("v").unwrap().as_str(), Some("pb_all"));
    assert_eq!(vars.get("x").unwrap().as_str(), Some("inv_all"));
    assert_eq!(vars.get("ansible_connection").unwrap().as_str(), Some("local"));
    assert!(vars.get("y").is_none());
}

#[test]
fn a_mistake_in_group_vars_is_told_for_the_hosts_that_use_it() {
    let world = World::new(&[("h", "[g]\na\n[o]\nb\n"), ("group_vars/g.yml", "- 1")]);
    let l = loaded(&world, &["h"]);
    let vars = host_vars(&world, &l);
    assert!(vars.get(&l.inventory, "a", world.files()).is_err());
    assert!(vars.get(&l.inventory, "b", world.files()).is_ok());
}

#[test]
fn later_inventories_win_over_deeper_groups_of_earlier_ones() {
    let world = World::new(&[
        ("1/h", "[a]\nh\n[p:children]\na\n"),
        ("1/group_vars/a.yml", "x: 1a"),
        ("2/h", "k\n"),
        ("2/group_vars/p.yml", "x: 2p"),
    ]);
    let l = loaded(&world, &["1/h", "2/h"]);
    let vars = host_vars(&world, &l).get(&l.inventory, "h", world.files()).unwrap();
    assert_eq!(vars.get("x").unwrap().as_str(), Some("2p"));
}

#[test]
fn dictionaries_replace_or_merge() {
    let map = |text: &str| match crate::yaml::load_data("t", text).unwrap().pop() {
        Some(Value::Map(map)) => map,
        other => panic!("{other:?}"),
    };
    let over = map("{d: {b: 2, n: {y: 1}}, l: [2]}");
    let combined = |behaviour| {
        let mut base = map("{d: {a: 1, b: 1, n: {x: 1}}, l: [1]}");
        combine(&mut base, &over, behaviour);
        format!("{base:?}")
    };
    assert_eq!(combined(HashBehaviour::Replace), "{'d': {'b': 2, 'n': {'y': 1}}, 'l': [2]}");
    assert_eq!(
        combined(HashBehaviour::Merge),
        "{'d': {'a': 1, 'b': 2, 'n': {'x': 1, 'y': 1}}, 'l': [2]}"
    );
}

#[test]
fn magic_variables() {
    let i = inventory("a.ini", "[g]\nh.example.com\n");
    let vars = magic(&i, "h.example.com");
    assert_eq!(
        format!("{vars:?}"),
        "{'inventory_hostname': 'h.example.com', 'inventory_hostname_short': 'h', 'group_names': ['g'], \
         'groups': {'all': ['h.example.com'], 'ungrouped': [], 'g': ['h.example.com']}}"
    );
}

#[test]
fn layers_ask_the_highest_first_and_the_fallback_last() {
    let map = |entries: &[(&str, i32)]| -> Map {
        entries.iter().map(|(k, v)| (Value::from(*k), Value::from(*v))).collect()
    };
    let below: Arc<dyn Scope> = Arc::new(Layers::new([map(&[("a", 0), ("z", 0)])]));
    let layers = Layers::new([map(&[("a", 1), ("b", 1)]), Map::new()])
        .over(below)
        .with(map(&[("b", 2), ("c", 2)]));
    let get = |name: &str| layers.get(name).map(|v| format!("{v:?}"));
    assert_eq!(get("a").as_deref(), Some("1"));
    assert_eq!(get("b").as_deref(), Some("2"));
    assert_eq!(get("z").as_deref(), Some("0"));
    assert_eq!(get("nothing"), None);
    let mut names: Vec<_> = layers.names().iter().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["a", "b", "c", "z"]);
}

fn extra(texts: &[&str]) -> Result<ExtraVars, crate::diag::Diagnostic> {
    let world = World::new(&[("v.yml", "a: 1\nb: '{{ a }}'\n"), ("l.yml", "- 1\n")]);
    let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
    ExtraVars::parse(&texts, HashBehaviour::Replace, world.files())
}

fn shown(text: &str) -> String {
    format!("{:?}", extra(&[text]).unwrap().vars)
}

#[test]
fn assignments_on_the_command_line_are_text() {
    for (text, expected) in [
        ("a=1 b=\"x y\" c=true", "{'a': '1', 'b': 'x y', 'c': 'true'}"),
        ("a=\"{{ 1+1 }}\" b=x\\ny", "{'a': '{{ 1+1 }}', 'b': 'x\\ny'}"),
        ("a='it''s' b=c=d", "{'a': \"it''s\", 'b': 'c=d'}"),
        ("a=\"q\\tz\" c=\\x41", "{'a': 'q\\tz', 'c': 'A'}"),
        ("a={{ 1 + 2 }} b=3", "{'a': '{{ 1 + 2 }}', 'b': '3'}"),
        ("a= b=2", "{'a': '', 'b': '2'}"),
        ("a=@y", "{'a': '@y'}"),
        ("a=b\\\\nc", "{'a': 'b\\\\nc'}"),
        ("", "{}"),
        ("a=1 foo", "{'a': '1', '_raw_params': 'foo'}"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    assert_eq!(extra(&["a=1 foo"]).unwrap().warnings.0.len(), 1);
}

#[test]
fn dictionaries_and_files_on_the_command_line_are_typed() {
    assert_eq!(shown("{\"a\": 1, \"b\": [true]}"), "{'a': 1, 'b': [True]}");
    assert_eq!(shown("{a: yes}"), "{'a': True}");
    assert_eq!(shown("@v.yml"), "{'a': 1, 'b': '{{ a }}'}");
    let both = extra(&["a=0 c=0", "@v.yml", "c=2"]).unwrap();
    assert_eq!(format!("{:?}", both.vars), "{'a': 1, 'c': '2', 'b': '{{ a }}'}");
}

#[test]
fn command_line_mistakes() {
    for (text, part) in [
        ("[1]", "must be a dictionary"),
        ("/etc/passwd", "write @/etc/passwd"),
        ("./x.yml", "write @./x.yml"),
        ("@missing", "cannot read /w/missing"),
        ("@l.yml", "must be a dictionary"),
        ("a='x", "quote is not closed"),
        ("a={{ x", "template is not closed"),
    ] {
        let why = extra(&[text]).unwrap_err().to_string();
        assert!(why.contains(part), "{text}: {why}");
    }
}

#[test]
fn values_from_the_command_line_are_templates_with_a_place() {
    let vars = extra(&["a=1 b='{{ x }}'"]).unwrap().vars;
    let place = vars.get("b").unwrap().place().unwrap().to_string();
    assert_eq!(place, "<command line>:1:8");
    assert!(vars.get("b").unwrap().needs_rendering());
}

struct Merged<'a>(&'a World, &'a Inventory, HostVars);

impl ExportVars for Merged<'_> {
    fn host(&self, name: &str) -> Map {
        self.2.get(self.1, name, self.0.files()).unwrap()
    }
    fn group(&self, name: &str) -> Map {
        self.2.group(self.1, name, self.0.files()).unwrap()
    }
}

#[test]
fn list_host_and_graph_are_printed_as_the_reference_prints_them() {
    let world = World::new(&[(
        "s.ini",
        "web1:2222 a=1 g=[1,2] f=1.5 u=é q='a\"b'\n[web]\nw[1:2]\n[web:vars]\nx=5\nansible_group_priority=10\n\
         [parent:children]\nweb\nkid\n[kid]\nw1\n[none]\n",
    )]);
    let l = loaded(&world, &["s.ini"]);
    let merged = Merged(&world, &l.inventory, host_vars(&world, &l));
    assert_eq!(l.inventory.to_list(&merged), include_str!("tests/list.json").trim_end());
    assert_eq!(
        l.inventory.to_graph("all", Some(&merged)).unwrap(),
        include_str!("tests/graph.txt").trim_end()
    );
    assert_eq!(
        l.inventory.to_graph("parent", None).unwrap(),
        "@parent:\n  |--@web:\n  |  |--w1\n  |  |--w2\n  |--@kid:\n  |  |--w1"
    );
    assert_eq!(l.inventory.to_host("w1", &merged).unwrap(), "{\n    \"x\": 5\n}");
    assert_eq!(l.inventory.to_host("nobody", &merged), None);
    assert_eq!(l.inventory.to_graph("nobody", None), None);
}

#[test]
fn groups_have_their_files_and_their_priority_when_exported() {
    let world = World::new(&[
        ("h", "[g]\na\n[g:vars]\nansible_group_priority=3\nx=1\n"),
        ("group_vars/g.yml", "y: 2"),
    ]);
    let l = loaded(&world, &["h"]);
    let group = host_vars(&world, &l).group(&l.inventory, "g", world.files()).unwrap();
    assert_eq!(format!("{group:?}"), "{'x': 1, 'y': 2, 'ansible_group_priority': 3}");
}

#[test]
fn hosts_with_the_same_groups_read_their_files_once() {
    let world = World::new(&[("h", "[g]\nn[1:50]\n"), ("group_vars/g.yml", "y: 2")]);
    let l = loaded(&world, &["h"]);
    let vars = host_vars(&world, &l);
    let before = world.reads.load(Ordering::Relaxed);
    for host in l.inventory.hosts() {
        let map = vars.get(&l.inventory, host.name(), world.files()).unwrap();
        assert_eq!(map.get("y"), Some(&Value::Int(2)));
    }
    assert_eq!(world.reads.load(Ordering::Relaxed) - before, 1);
}

#[test]
fn extra_variables_may_come_from_a_vault() {
    let world = World::new(&[]).vault("s.yml", "a: 1\n", "secret");
    let vars = ExtraVars::parse(&["@s.yml".to_owned()], HashBehaviour::Merge, world.files());
    assert_eq!(format!("{:?}", vars.unwrap().vars), "{'a': 1}");
}

#[test]
fn an_empty_layer_hides_nothing() {
    let map: Map = [(Value::from("a"), Value::from(1))].into_iter().collect();
    let layers = Layers::new([map.clone()]).with(Map::new());
    assert_eq!(layers.get("a"), Some(Value::Int(1)));
}

#[test]
fn a_cluster_in_yaml_is_printed_as_the_reference_prints_it() {
    let world = World::new(&[("cluster.yml", include_str!("tests/cluster.yml"))]);
    let l = loaded(&world, &["cluster.yml"]);
    assert_eq!(l.warnings, Diagnostics::default());
    let merged = Merged(&world, &l.inventory, host_vars(&world, &l));
    assert_eq!(l.inventory.to_list(&merged), include_str!("tests/cluster-list.json").trim_end());
    assert_eq!(
        l.inventory.to_graph("all", Some(&merged)).unwrap(),
        include_str!("tests/cluster-graph.txt").trim_end()
    );
}

#[test]
fn values_of_an_ini_file_are_printed_as_the_reference_prints_them() {
    let world = World::new(&[("values.ini", include_str!("tests/values.ini"))]);
    let l = loaded(&world, &["values.ini"]);
    let merged = Merged(&world, &l.inventory, host_vars(&world, &l));
    assert_eq!(l.inventory.to_list(&merged), include_str!("tests/values-list.json").trim_end());
}

#[test]
fn ten_thousand_hosts_read_each_group_file_once() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for host in 0..10_000 {
        writeln!(text, "h{host} x={host}").unwrap();
    }
    let mut files = Vec::new();
    for group in 0..500 {
        writeln!(text, "[g{group}]\nh[{}:{}]", group * 20, group * 20 + 19).unwrap();
        files.push((format!("group_vars/g{group}.yml"), format!("id: {group}\nlist: [1, 2, 3]\n")));
    }
    files.push(("hosts".to_owned(), text));
    let files: Vec<_> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let world = World::new(&files);
    let l = loaded(&world, &["hosts"]);
    let before = world.reads.load(Ordering::Relaxed);
    let vars = host_vars(&world, &l);
    for (i, host) in l.inventory.hosts().enumerate() {
        let map = vars.get(&l.inventory, host.name(), world.files()).unwrap();
        assert_eq!(map.get("id"), Some(&Value::from(i / 20)));
    }
    assert_eq!(world.reads.load(Ordering::Relaxed) - before, 500);
}
