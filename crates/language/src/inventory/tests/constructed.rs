use crate::inventory::tests::world::World;
use crate::inventory::{Constructed, LoadOptions, Loaded, load};
use crate::template::Templar;
use std::sync::Arc;

const HOSTS: &str = "[web]\nw1 os=debian ver=12 tags='[\"a\",\"b\"]'\nw2 os=rhel ver=9 m=\"{'x':'1','y':''}\"\n[db]\nd1\n";

fn constructed(configuration: &str) -> Loaded {
    let world = World::new(&[("1.ini", HOSTS), ("2.yml", configuration)]);
    let templar = Templar::new(Arc::new(World::new(&[])));
    let sources = ["1.ini".to_owned(), "2.yml".to_owned()];
    load(&sources, &LoadOptions::default(), world.files(), &Constructed(&templar)).unwrap()
}

/// The graph without the groups of the INI file.
fn graph(configuration: &str) -> String {
    let loaded = constructed(configuration);
    assert_eq!(loaded.warnings.0, []);
    let graph = loaded.inventory.to_graph("all", None).unwrap();
    graph.split_once("|  |--d1\n").map_or("", |(_, rest)| rest).replace("  |", "").replace("--", "")
}

#[test]
fn compose_sets_variables_and_skips_what_fails() {
    let loaded = constructed(
        "plugin: ansible.builtin.constructed\ncompose:\n  label: os ~ \"-\" ~ ver\n  bad: undefinedvar + 1\n  \
         grp: group_names\n  const: \"'lit'\"\n",
    );
    assert_eq!(loaded.warnings.0, []);
    let vars = loaded.inventory.host("w1").unwrap().vars().clone();
    assert_eq!(
        format!("{vars:?}"),
        "{'os': 'debian', 'ver': 12, 'tags': ['a', 'b'], 'label': 'debian-12', 'grp': ['web'], 'const': 'lit'}"
    );
    assert!(vars.get("label").unwrap().place().is_none());
    let d1 = loaded.inventory.host("d1").unwrap().vars();
    assert_eq!(format!("{d1:?}"), "{'grp': ['db'], 'const': 'lit'}");
}

#[test]
fn groups_by_condition_and_by_key() {
    assert_eq!(
        graph(
            "plugin: constructed\ncompose:\n  label: os ~ \"-\" ~ ver\ngroups:\n  deb: os == \"debian\"\n  \
             webby: \"'web' in group_names\"\n  usescompose: label is defined and label == \"rhel-9\"\n\
             keyed_groups:\n  - {key: os, prefix: os}\n  - {key: ver|string, prefix: v, separator: ''}\n  \
             - {key: tags, prefix: tag, parent_group: tagged}\n  - {key: m, prefix: m}\n  - key: os\n  \
             - {key: \"'with-dash'\", prefix: x y}\n  - {key: nope, prefix: nope}\n  \
             - {key: os, parent_group: '{{ os }}_parent', prefix: pp}\n"
        ),
        "@deb:\nw1\n@webby:\nw1\nw2\n@os_debian:\nw1\n@v12:\nw1\n@tagged:\n@tag_a:\nw1\n@tag_b:\nw1\n@_debian:\nw1\n\
         @x_y_with_dash:\nw1\nw2\nd1\n@debian_parent:\n@pp_debian:\nw1\n@usescompose:\nw2\n@os_rhel:\nw2\n@v9:\nw2\n\
         @m_x_1:\nw2\n@m_y_:\nw2\n@_rhel:\nw2\n@rhel_parent:\n@pp_rhel:\nw2"
    );
}

#[test]
fn separators_and_defaults() {
    assert_eq!(
        graph(
            "plugin: constructed\nleading_separator: false\nkeyed_groups:\n  - key: m\n  \
             - {key: os, default_value: none}\n  - {key: m2, trailing_separator: false, prefix: t}\n  \
             - {key: m.y, default_value: dflt, prefix: e}\n  - {key: m, trailing_separator: false, prefix: q}\n"
        ),
        "@debian:\nw1\n@x_1:\nw2\n@y_:\nw2\n@rhel:\nw2\n@e_dflt:\nw2\n@q_x_1:\nw2\n@q_y:\nw2"
    );
}

/// As ansible-inventory 2.19 draws it.
#[test]
fn null_is_as_empty_as_empty_text() {
    let world = World::new(&[
        ("1.ini", "[web]\nw2 m=\"{'x':'1','y':'','z':None}\"\n"),
        (
            "2.yml",
            "plugin: constructed\nkeyed_groups:\n  - {key: m, default_value: d, prefix: a}\n  \
             - {key: m, trailing_separator: false, prefix: b}\n  - {key: m, prefix: c}\n  \
             - {key: m.z, prefix: e, default_value: d}\n  - {key: \"[none, '', 'q']\", prefix: f, default_value: d}\n  \
             - {key: \"[none, 'q']\", prefix: g}\n",
        ),
    ]);
    let templar = Templar::new(Arc::new(World::new(&[])));
    let sources = ["1.ini".to_owned(), "2.yml".to_owned()];
    let loaded =
        load(&sources, &LoadOptions::default(), world.files(), &Constructed(&templar)).unwrap();
    let mut names: Vec<&str> =
        loaded.inventory.groups().skip(3).map(|group| &**group.name()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "a_x_1", "a_y_d", "a_z_d", "b_x_1", "b_y", "b_z", "c_x_1", "c_y_", "c_z_None", "e_d",
            "f_d", "f_q", "g_None", "g_q"
        ]
    );
}

#[test]
fn a_strict_configuration_fails_and_leaves_nothing_behind() {
    let loaded =
        constructed("plugin: constructed\nstrict: true\ngroups:\n  a: 1 == 1\n  b: nope == 1\n");
    let text = loaded.warnings.to_string();
    assert!(text.contains("2.yml:5:6") && text.contains("nope"), "{text}");
    assert!(loaded.inventory.group("a").is_none());
}

#[test]
fn wrong_configurations() {
    let failure = |text: &str| constructed(text).warnings.to_string();
    assert!(
        failure("plugin: constructed\nkeyed_groups:\n  - {key: m.y, default_value: d, trailing_separator: false}\n")
            .contains("exclude each other")
    );
    assert!(
        failure("plugin: constructed\nkeyed_groups:\n  - {key: ver}\n").contains("this is int")
    );
    assert!(failure("plugin: constructed\nkeyed_groups: 5\n").contains("must be a list"));
    assert!(failure("plugin: constructed\ncompose: []\n").contains("must be a dictionary"));
    assert!(failure("plugin: constructed\nstrict: 5\n").contains("true or false"));
    assert!(failure("plugin: constructed\nuse_vars_plugins: true\n").contains("not supported"));
    assert!(
        failure("plugin: amazon.aws.aws_ec2\n").contains("\"amazon.aws.aws_ec2\" is not supported")
    );
}
