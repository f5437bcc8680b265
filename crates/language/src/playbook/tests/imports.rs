//! Static imports of task files, and where files are looked for.

use super::*;

fn named(name: &str) -> String {
    format!("- name: {name}\n  debug:\n")
}

#[test]
fn keywords_reach_every_child() {
    let book = book(&[
        (
            "site.yml",
            &play_of("- import_tasks: a.yml\n  become: true\n  when: x\n  tags: t\n  vars: {v: 1}"),
        ),
        ("a.yml", "- debug:\n  when: y\n- debug:\n"),
    ]);
    let block = only_block(&book.plays[0].sections[1]);
    assert!(
        matches!(&block.lineage.kind, BlockKind::Import { file } if file == Path::new("/w/a.yml"))
    );
    assert_eq!(block.items.len(), 2);
    let Item::Task(first) = &block.items[0] else { panic!() };
    assert!(matches!(first.lineage.nearest("become"), Some(Value::Bool(true))));
    let conditions: Vec<_> = first.lineage.levels().flat_map(|l| l.keywords.when.clone()).collect();
    assert_eq!(format!("{conditions:?}"), "['y', 'x']");
    assert_eq!(first.all_tags(), ["t"]);
}

#[test]
fn spellings() {
    for spelling in [
        "import_tasks: a.yml",
        "import_tasks: {file: a.yml}",
        "import_tasks: file=a.yml",
        "ansible.builtin.import_tasks: a.yml",
        "action: import_tasks a.yml",
    ] {
        let found =
            errors(&[("site.yml", &play_of(&format!("- {spelling}"))), ("a.yml", "- debug:\n")]);
        assert!(found.is_empty(), "{spelling}: {found:?}");
    }
}

#[test]
fn beside_the_including_file_then_the_playbook() {
    let book = book(&[
        ("site.yml", &play_of("- import_tasks: sub/a.yml")),
        ("sub/a.yml", "- import_tasks: b.yml\n- import_tasks: c.yml\n- import_tasks: deep/d.yml\n"),
        ("sub/b.yml", &named("sub b")),
        ("b.yml", &named("wrong b")),
        ("c.yml", &named("playbook c")),
        ("sub/deep/d.yml", "- import_tasks: e.yml\n"),
        ("sub/e.yml", &named("sub e")),
        ("e.yml", &named("wrong e")),
    ]);
    assert_eq!(labels(&book), ["sub b", "playbook c", "sub e"]);
}

#[test]
fn in_a_role() {
    let book = book(&[
        ("site.yml", "- hosts: a\n  roles: [r]\n"),
        (
            "roles/r/tasks/main.yml",
            "- import_tasks: sub/a.yml\n- import_tasks: top.yml\n- import_tasks: books.yml\n",
        ),
        ("roles/r/tasks/sub/a.yml", "- import_tasks: b.yml\n"),
        ("roles/r/tasks/b.yml", &named("role b")),
        ("b.yml", &named("wrong b")),
        ("roles/r/top.yml", &named("role top")),
        ("books.yml", &named("playbook")),
    ]);
    assert_eq!(labels(&book), ["r : role b", "r : role top", "r : playbook"]);
}

#[test]
fn templated_names() {
    let files =
        [("a.yml", "- debug:\n"), ("from_extra.yml", "- debug:\n"), ("v.yml", "which: a\n")];
    let of = |text: &str| errors(&[&[("site.yml", text)], &files[..]].concat());
    assert!(
        of("- hosts: a\n  vars: {which: a}\n  tasks: [{import_tasks: '{{ which }}.yml'}]\n")
            .is_empty()
    );
    assert!(
        of("- hosts: a\n  tasks: [{import_tasks: '{{ which }}.yml', vars: {which: a}}]\n")
            .is_empty()
    );
    assert!(of("- hosts: a\n  tasks: [{import_tasks: '{{ extra }}.yml'}]\n").is_empty());
    assert!(
        of("- hosts: a\n  vars_files: v.yml\n  tasks: [{import_tasks: '{{ which }}.yml'}]\n")
            .is_empty()
    );
    let wrong = of("- hosts: a\n  tasks: [{import_tasks: '{{ nope }}.yml'}]\n");
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].starts_with("site.yml:2:27: 'nope' is undefined"), "{wrong:?}");
}

#[test]
fn wrong_imports() {
    let of = |line: &str| {
        errors(&[
            ("site.yml", &play_of(&format!("- {line}"))),
            ("map.yml", "a: b\n"),
            ("ok.yml", "- debug:\n"),
            ("self.yml", "- import_tasks: self.yml\n"),
        ])
    };
    assert_eq!(
        of("import_tasks: nope.yml"),
        ["site.yml:3:21: there is no file \"nope.yml\" (looked for nope.yml)"]
    );
    assert_eq!(
        of("import_tasks: map.yml"),
        [
            "map.yml:1:1: a file of tasks must be a list of tasks, not a map (start each task with a dash)"
        ]
    );
    assert_eq!(
        of("import_tasks: ok.yml\n  loop: [1]"),
        [
            "site.yml:3:7: import_tasks cannot loop: it is expanded before any host is known (use include_tasks)"
        ]
    );
    assert_eq!(of("import_tasks: {file: ok.yml, apply: {tags: a}}").len(), 1);
    assert_eq!(of("import_tasks: ok.yml a=1").len(), 1);
    assert_eq!(of("import_tasks:").len(), 1);
    assert_eq!(of("import_tasks: self.yml").len(), 1);
    assert_eq!(of("include: ok.yml").len(), 1);
    assert_eq!(of("ansible.builtin.include: ok.yml").len(), 1);
}

#[test]
fn errors_say_how_we_got_there() {
    let result = loader(&[("site.yml", &play_of("- import_tasks: a.yml")), ("a.yml", "- dbug:\n")])
        .playbook(Path::new("site.yml"));
    let Err(LoadError::Invalid(wrong)) = result else { panic!() };
    assert_eq!(
        wrong.render(),
        "error: unknown module \"dbug\"\n  --> a.yml:1:3\n   |\n 1 | - dbug:\n   |   ^\n  \
         imported from site.yml:3:21\n  hint: did you mean \"debug\"?"
    );
}

#[test]
fn empty_files_are_warned_of() {
    let loader =
        loader(&[("site.yml", &play_of("- import_tasks: a.yml")), ("a.yml", "# nothing\n")]);
    let (book, warnings) = loader.playbook(Path::new("site.yml")).unwrap();
    assert_eq!(warnings[0].message, "a.yml holds no tasks");
    assert!(only_block(&book.plays[0].sections[1]).items.is_empty());
}

#[test]
fn in_handlers() {
    let book = book(&[
        ("site.yml", "- hosts: a\n  handlers: [{import_tasks: h.yml}]\n"),
        ("h.yml", "- name: restart\n  debug:\n  listen: topic\n"),
    ]);
    let handler = only_task(&only_block(&book.plays[0].handlers).items);
    assert_eq!(handler.listen[0].as_str(), "topic");
}

#[test]
fn a_file_is_read_once() {
    let world = World::new(&[
        ("site.yml", &play_of("- import_tasks: a.yml\n- import_tasks: a.yml")),
        ("a.yml", "- debug:\n"),
    ])
    .shared();
    loader_of(Arc::clone(&world)).playbook(Path::new("site.yml")).unwrap();
    let reads = world.reads.lock().unwrap();
    assert_eq!(reads.iter().filter(|path| path.ends_with("a.yml")).count(), 1);
}

#[test]
fn vaulted_files() {
    let envelope = crate::vault::encrypt(b"- dbug:\n", b"secret", None, &[7; 32]);
    let result = loader(&[("site.yml", &play_of("- import_tasks: a.yml")), ("a.yml", &envelope)])
        .playbook(Path::new("site.yml"));
    let Err(LoadError::Invalid(wrong)) = result else { panic!() };
    assert_eq!(wrong.0[0].message, "unknown module \"dbug\"");
    assert_eq!(wrong.0[0].place.as_ref().unwrap().line_text(), None, "its text is never shown");
    let other = crate::vault::encrypt(b"- debug:\n", b"other", None, &[7; 32]);
    assert_eq!(
        errors(&[("site.yml", &play_of("- import_tasks: a.yml")), ("a.yml", &other)]).len(),
        1
    );
}
