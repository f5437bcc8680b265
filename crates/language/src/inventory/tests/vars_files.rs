use crate::diag::Diagnostics;
use crate::inventory::tests::world::World;
use crate::inventory::{Entity, VarsFiles};
use std::path::Path;
use std::sync::atomic::Ordering;

fn open(world: &World) -> VarsFiles {
    VarsFiles::new(Path::new("/w"), world.files(), &mut Diagnostics::default())
}

fn shown(world: &World, entity: Entity, name: &str) -> String {
    match open(world).get(entity, name, world.files()) {
        Ok(map) => format!("{map:?}"),
        Err(d) => d.to_string(),
    }
}

#[test]
fn the_first_of_bare_yml_yaml_json_is_taken() {
    let world = World::new(&[
        ("group_vars/a", "x: bare"),
        ("group_vars/a.yml", "x: hidden"),
        ("group_vars/b.yml", "x: yml"),
        ("group_vars/b.yaml", "x: hidden"),
        ("group_vars/c.yaml", "x: yaml"),
        ("group_vars/c.json", "{}"),
        ("group_vars/d.json", "{\"x\": \"json\"}"),
        ("host_vars/a.yml", "x: host"),
    ]);
    assert_eq!(shown(&world, Entity::Group, "a"), "{'x': 'bare'}");
    assert_eq!(shown(&world, Entity::Group, "b"), "{'x': 'yml'}");
    assert_eq!(shown(&world, Entity::Group, "c"), "{'x': 'yaml'}");
    assert_eq!(shown(&world, Entity::Group, "d"), "{'x': 'json'}");
    assert_eq!(shown(&world, Entity::Host, "a"), "{'x': 'host'}");
    assert_eq!(shown(&world, Entity::Host, "nobody"), "{}");
    assert_eq!(shown(&world, Entity::Group, "/etc/passwd"), "{}");
}

#[test]
fn a_directory_hides_a_file_and_is_read_sorted_and_below() {
    let world = World::new(&[
        ("group_vars/all.yml", "hidden: 1"),
        ("group_vars/all/b.yml", "w: b"),
        ("group_vars/all/a.yml", "w: a\ny: 1"),
        ("group_vars/all/sub/q.json", "{\"z\": 1}"),
        ("group_vars/all/x.d/q.yml", "no: 1"),
        ("group_vars/all/k.txt", "no: 1"),
        ("group_vars/all/.h.yml", "no: 1"),
        ("group_vars/all/old.yml~", "no: 1"),
        ("group_vars/all/k", "noext: 1"),
    ]);
    assert_eq!(shown(&world, Entity::Group, "all"), "{'w': 'b', 'y': 1, 'noext': 1, 'z': 1}");
}

#[test]
fn mistakes_have_a_place() {
    let world = World::new(&[
        ("group_vars/l.yml", "- 1\n"),
        ("group_vars/s.yml", "a: [\n"),
        ("group_vars/e.yml", "---\n"),
    ])
    .vault("group_vars/v.yml", "x: opened\n", "secret")
    .vault("group_vars/w.yml", "x: 1\n", "other")
    .vault("group_vars/none.yml", "", "secret");
    assert_eq!(shown(&world, Entity::Group, "none"), "{}");
    assert!(
        shown(&world, Entity::Group, "l")
            .starts_with("/w/group_vars/l.yml:1:1: a file of variables")
    );
    assert!(shown(&world, Entity::Group, "s").starts_with("/w/group_vars/s.yml:"));
    assert_eq!(shown(&world, Entity::Group, "e"), "{}");
    assert_eq!(shown(&world, Entity::Group, "v"), "{'x': 'opened'}");
    assert!(shown(&world, Entity::Group, "w").starts_with("/w/group_vars/w.yml:1:1: "));
}

#[test]
fn a_file_is_read_once_and_only_when_asked_for() {
    let world = World::new(&[("group_vars/a.yml", "x: 1"), ("group_vars/b.yml", "x: 1")]);
    let files = open(&world);
    assert_eq!(world.reads.load(Ordering::Relaxed), 0);
    files.get(Entity::Group, "a", world.files()).unwrap();
    files.get(Entity::Group, "a", world.files()).unwrap();
    assert_eq!(world.reads.load(Ordering::Relaxed), 1);
}

#[test]
fn a_file_in_place_of_the_directory_is_warned_of() {
    let world = World::new(&[("group_vars", "x: 1")]);
    let mut warnings = Diagnostics::default();
    assert!(VarsFiles::new(Path::new("/w"), world.files(), &mut warnings).is_empty());
    assert_eq!(warnings.0.len(), 1);
}

#[test]
fn duplicate_keys_are_warned_of() {
    let world = World::new(&[("host_vars/h.yml", "x: 1\nx: 2\n")]);
    let files = open(&world);
    let vars = files.get(Entity::Host, "h", world.files()).unwrap();
    assert_eq!(format!("{vars:?}"), "{'x': 2}");
    assert_eq!(files.take_warnings().0.len(), 1);
    assert_eq!(files.take_warnings().0.len(), 0);
}

#[test]
fn a_name_cannot_lead_out_of_the_directory() {
    let world = World::new(&[("host_vars/h.yml", "x: 1"), ("secret.yml", "x: 2")]);
    assert_eq!(shown(&world, Entity::Host, "../secret"), "{}");
}
