//! Roles from `roles:`, `import_role` and dependencies.

use super::*;

const PLAY: &str = "- hosts: a\n  roles:\n    - r\n";

fn named(name: &str) -> String {
    format!("- name: {name}\n  debug:\n")
}

#[test]
fn a_role_brings_everything() {
    let book = book(&[
        (
            "site.yml",
            "- hosts: a\n  roles: [{role: r, p: 1, when: w, tags: [t], become: true, vars: {v: 2}}]\n  handlers: [{name: own, debug: }]\n",
        ),
        ("roles/r/tasks/main.yml", &named("task")),
        ("roles/r/handlers/main.yml", &named("handler")),
        ("roles/r/defaults/main.yaml", "d: 1\n"),
        ("roles/r/vars/main.json", "{\"e\": 2}\n"),
        ("roles/r/meta/main.yml", "allow_duplicates: yes\ngalaxy_info: {}\n"),
    ]);
    let play = &book.plays[0];
    let role = &play.roles[0];
    assert_eq!((role.name.as_str(), role.path.as_path()), ("r", Path::new("/w/roles/r")));
    assert_eq!(
        format!("{:?} {:?} {:?}", role.defaults, role.vars, role.params),
        "{'d': 1} {'e': 2} {'p': 1}"
    );
    assert!(role.allow_duplicates && role.public);
    let block = only_block(&play.sections[1]);
    assert!(matches!(&block.lineage.kind, BlockKind::Role(found) if Arc::ptr_eq(found, role)));
    let task = only_task(&block.items);
    assert_eq!((task.label().as_str(), task.all_tags()), ("r : task", vec!["t".to_owned()]));
    assert!(matches!(task.lineage.nearest("become"), Some(Value::Bool(true))));
    let handlers: Vec<_> = tasks(&play.handlers).into_iter().map(|e| e.label).collect();
    assert_eq!(handlers, ["r : handler", "own"]);
}

#[test]
fn misplaced_keywords_of_an_entry_are_parameters() {
    let book = book(&[
        ("site.yml", "- hosts: a\n  roles: [{role: r, loop: [1], serial: 2}]\n"),
        ("roles/r/tasks/main.yml", "[]"),
    ]);
    assert_eq!(format!("{:?}", book.plays[0].roles[0].params), "{'loop': [1], 'serial': 2}");
}

#[test]
fn where_roles_are_found() {
    let found = |name: &str, files: &[(&str, &str)]| {
        let site = format!("- hosts: a\n  roles: [{name}]\n");
        let all = [&[("site.yml", site.as_str())], files].concat();
        book(&all).plays[0].roles[0].path.display().to_string()
    };
    let beside = ("roles/r/tasks/main.yml", "[]");
    let shared = ("/shared/roles/r/tasks/main.yml", "[]");
    let plain = ("r/tasks/main.yml", "[]");
    assert_eq!(found("r", &[beside, shared, plain]), "/w/roles/r");
    assert_eq!(found("r", &[shared, plain]), "/shared/roles/r");
    assert_eq!(found("r", &[plain]), "/w/r");
    assert_eq!(found("/else/r", &[("/else/r/tasks/main.yml", "[]")]), "/else/r");
    assert_eq!(found("group/r", &[("roles/group/r/tasks/main.yml", "[]")]), "/w/roles/group/r");
    assert_eq!(
        errors(&[("site.yml", PLAY)]),
        ["site.yml:3:7: there is no role \"r\" (looked in roles, /shared/roles, .)"]
    );
}

#[test]
fn beside_the_role_that_uses_it() {
    let book = book(&[
        ("site.yml", "- hosts: a\n  roles: [/else/r]\n"),
        ("/else/r/meta/main.yml", "dependencies: [s]\n"),
        ("/else/s/tasks/main.yml", &named("s")),
    ]);
    assert_eq!(labels(&book), ["s : s"]);
}

#[test]
fn dependencies_run_first_with_the_keywords_of_their_user() {
    let book = book(&[
        ("site.yml", "- hosts: a\n  roles: [{role: r, tags: t, p: 1}]\n"),
        ("roles/r/tasks/main.yml", &named("r")),
        (
            "roles/r/meta/main.yml",
            "dependencies:\n  - s\n  - {role: u, q: 2, tags: dep, when: w}\n",
        ),
        ("roles/s/tasks/main.yml", &named("s")),
        ("roles/s/meta/main.yml", "dependencies: [u]\n"),
        ("roles/u/tasks/main.yml", &named("u")),
        ("roles/u/handlers/main.yml", &named("hu")),
        ("roles/r/handlers/main.yml", &named("hr")),
    ]);
    assert_eq!(labels(&book), ["u : u", "s : s", "u : u", "r : r"]);
    let play = &book.plays[0];
    let [role] = &play.roles[..] else { panic!("{:?}", play.roles) };
    let names: Vec<_> = role.dependencies.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["s", "u"]);
    assert_eq!(role.dependencies[0].dependencies[0].name, "u");
    assert!(role.dependencies[0].parents.is_empty(), "only imports and includes count");
    let entries = tasks(&play.sections[1]);
    assert_eq!(entries[0].tags, ["t"]);
    assert_eq!(entries[2].tags, ["dep", "t"]);
    let around: Vec<_> = entries[0]
        .task
        .lineage
        .levels()
        .filter_map(|l| match &l.kind {
            BlockKind::Role(role) => Some(role.name.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(around, ["u", "s", "r"]);
    let handlers: Vec<_> = tasks(&play.handlers).into_iter().map(|e| e.label).collect();
    assert_eq!(handlers, ["u : hu", "u : hu", "r : hr"]);
}

#[test]
fn same_use_has_the_same_identity() {
    let book = book(&[
        (
            "site.yml",
            "- hosts: a\n  roles: [r, r, {role: r, p: 1}, {role: r, tags: t}, {role: r, when: x}]\n",
        ),
        ("roles/r/tasks/main.yml", "[]"),
    ]);
    let roles = &book.plays[0].roles;
    assert_eq!(roles[0].identity, roles[1].identity);
    for other in &roles[2..] {
        assert_ne!(roles[0].identity, other.identity);
    }
    assert!(!roles[0].allow_duplicates);
}

#[test]
fn circles() {
    let wrong = errors(&[
        ("site.yml", PLAY),
        ("roles/r/meta/main.yml", "dependencies: [s]\n"),
        ("roles/s/meta/main.yml", "dependencies: [r]\n"),
    ]);
    assert_eq!(
        wrong,
        [
            "roles/s/meta/main.yml:1:16: the role \"r\" leads to itself (it is used by s, which is used by r)"
        ]
    );
}

#[test]
fn directories_of_variables() {
    let book = book(&[
        ("site.yml", PLAY),
        ("roles/r/defaults/main/b.yml", "x: b\n"),
        ("roles/r/defaults/main/a.yml", "x: a\ny: a\n"),
        ("roles/r/defaults/main/sub/c.yml", "z: c\n"),
        ("roles/r/defaults/main/.hidden.yml", "h: 1\n"),
        ("roles/r/defaults/main/old.yml~", "h: 1\n"),
    ]);
    assert_eq!(format!("{:?}", book.plays[0].roles[0].defaults), "{'x': 'b', 'y': 'a', 'z': 'c'}");
}

#[test]
fn import_role() {
    let book = book(&[
        (
            "site.yml",
            &play_of(
                "- import_role: {name: r, tasks_from: other, vars_from: more.yml}\n  tags: t\n  vars: {v: 1}",
            ),
        ),
        ("roles/r/tasks/other.yml", &named("other")),
        ("roles/r/tasks/main.yml", &named("wrong")),
        ("roles/r/vars/more.yml", "m: 1\n"),
        ("roles/r/handlers/main.yml", &named("h")),
    ]);
    let play = &book.plays[0];
    assert_eq!(labels(&book), ["r : other"]);
    assert_eq!(play.roles[0].vars.get("m"), Some(&Value::Int(1)));
    assert!(play.roles[0].public);
    assert_eq!(tasks(&play.handlers)[0].label, "r : h");
    assert_eq!(tasks(&play.sections[1])[0].tags, ["t"]);
}

#[test]
fn spellings_of_import_role() {
    for spelling in [
        "import_role: name=r",
        "import_role: {role: r}",
        "ansible.builtin.import_role: {name: r}",
        "import_role: {name: '{{ x }}'}\n  vars: {x: r}",
    ] {
        let found = errors(&[
            ("site.yml", &play_of(&format!("- {spelling}"))),
            ("roles/r/tasks/main.yml", "[]"),
        ]);
        assert!(found.is_empty(), "{spelling}: {found:?}");
    }
}

#[test]
fn wrong_import_role() {
    let of = |line: &str| {
        errors(&[("site.yml", &play_of(&format!("- {line}"))), ("roles/r/tasks/main.yml", "[]")])
    };
    assert_eq!(of("import_role: {name: r, foo: 1}").len(), 1);
    assert_eq!(of("import_role: {tasks_from: x}").len(), 1);
    assert_eq!(of("import_role: {name: r}\n  loop: [1]").len(), 1);
    assert_eq!(
        of("import_role: {name: r, tasks_from: nope}"),
        ["site.yml:3:27: the role has no file tasks/nope"]
    );
    assert_eq!(of("import_role: {name: r, apply: {tags: a}}").len(), 1);
    assert_eq!(of("import_role: {name: r, public: maybe}").len(), 1);
    assert_eq!(of("import_role: {name: nope}").len(), 1);
}

#[test]
fn wrong_entries() {
    let of = |roles: &str| errors(&[("site.yml", &format!("- hosts: a\n  roles: {roles}\n"))]);
    assert_eq!(of("r").len(), 1);
    assert_eq!(of("{a: b}").len(), 1);
    assert_eq!(of("[1]"), ["site.yml:2:11: a role must be a name or a map, not 1"]);
    assert_eq!(
        of("[{tags: a}]"),
        ["site.yml:2:11: the entry names no role (write it as `- role: name`)"]
    );
    assert!(of("").is_empty());
}

#[test]
fn errors_in_a_role_say_who_uses_it() {
    let result = loader(&[("site.yml", PLAY), ("roles/r/tasks/main.yml", "- dbug:\n")])
        .playbook(Path::new("site.yml"));
    let Err(LoadError::Invalid(wrong)) = result else { panic!() };
    assert!(wrong.render().contains("in role \"r\", used at site.yml:3:7"), "{}", wrong.render());
}

#[test]
fn wrong_files_of_a_role() {
    let of = |path: &str, text: &str| errors(&[("site.yml", PLAY), (path, text)]);
    assert_eq!(of("roles/r/tasks/main.yml", "a: b\n").len(), 1);
    assert_eq!(of("roles/r/vars/main.yml", "- a\n").len(), 1);
    assert_eq!(of("roles/r/meta/main.yml", "- a\n").len(), 1);
    assert_eq!(of("roles/r/meta/main.yml", "dependencies: a\n").len(), 1);
    assert_eq!(of("roles/r/meta/main.yml", "allow_duplicates: maybe\n").len(), 1);
    assert_eq!(of("roles/r/handlers/main.yml", "- block: [{debug: }]\n").len(), 1);
    assert!(of("roles/r/meta/main.yml", "dependencies:\n").is_empty());
    assert!(of("roles/r/tasks/main.yml", "").is_empty());
}

const SPEC: &str = "argument_specs:\n  main:\n    short_description: the main entry\n    options: {listen_port: {type: int}}\n  other: {}\n";

#[test]
fn argument_specs_become_a_first_task() {
    for path in [
        "roles/r/meta/argument_specs.yml",
        "roles/r/meta/main.yml",
        "roles/r/meta/argument_specs.yaml",
    ] {
        let book = book(&[
            ("site.yml", "- hosts: a\n  roles: [{role: r, listen_port: 80}]\n"),
            (path, SPEC),
            ("roles/r/tasks/main.yml", &named("task")),
        ]);
        let entries = tasks(&book.plays[0].sections[1]);
        assert_eq!(
            entries[0].label,
            "r : Validating arguments against arg spec 'main' - the main entry"
        );
        assert_eq!(entries[0].tags, ["always"]);
        let Action::Module { name, args, .. } = &entries[0].task.action else { panic!() };
        assert_eq!(name, "validate_argument_spec");
        assert_eq!(
            format!("{args:?}"),
            "{'argument_spec': {'listen_port': {'type': 'int'}}, 'provided_arguments': {'listen_port': 80}, \
             'validate_args_context': {'type': 'role', 'name': 'r', 'argument_spec_name': 'main', 'path': '/w/roles/r'}}"
        );
        assert_eq!(entries[1].label, "r : task");
    }
}

#[test]
fn the_spec_of_the_entry_point_counts() {
    let of = |options: &str| {
        let book = book(&[
            ("site.yml", &play_of(&format!("- import_role: {{name: r, {options}}}"))),
            ("roles/r/meta/argument_specs.yml", SPEC),
            ("roles/r/tasks/other.yml", "[]"),
            ("roles/r/tasks/third.yml", "[]"),
        ]);
        labels(&book)
    };
    assert_eq!(of("tasks_from: other.yml"), ["r : Validating arguments against arg spec 'other'"]);
    assert!(of("tasks_from: third").is_empty());
    assert!(of("rolespec_validate: false").is_empty());
}

#[test]
fn dependencies_by_source() {
    let book = book(&[
        ("site.yml", PLAY),
        (
            "roles/r/meta/main.yml",
            "dependencies: [{src: 'git+https://host/my-role.git'}, {src: 'x,v1,s'}]\n",
        ),
        ("roles/my-role/tasks/main.yml", "[]"),
        ("roles/s/tasks/main.yml", "[]"),
    ]);
    let names: Vec<_> =
        book.plays[0].roles[0].dependencies.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["my-role", "s"]);
}

#[test]
fn unknown_keys_of_meta() {
    let wrong = errors(&[("site.yml", PLAY), ("roles/r/meta/main.yml", "dependancies: []\n")]);
    assert_eq!(
        wrong,
        [
            "roles/r/meta/main.yml:1:1: unknown key \"dependancies\" of a role's meta (did you mean \"dependencies\"?)"
        ]
    );
}

#[test]
fn other_files_of_the_same_role() {
    let files = |o: &'static str| {
        [
            ("site.yml", PLAY),
            ("roles/r/tasks/main.yml", "- import_role: {name: r, tasks_from: o}\n"),
            ("roles/r/tasks/o.yml", o),
        ]
    };
    assert!(errors(&files("- debug:\n")).is_empty());
    assert_eq!(errors(&files("- import_role: {name: r, tasks_from: o}\n")).len(), 1);
}

#[test]
fn a_missing_file_of_a_missing_directory_is_nothing() {
    let of = |line: &str| {
        errors(&[
            ("site.yml", &play_of(&format!("- import_role: {{name: r, {line}}}"))),
            ("roles/r/tasks/main.yml", "[]"),
            ("roles/r/defaults/main.yml", "{}"),
        ])
    };
    assert!(of("vars_from: nope").is_empty());
    assert_eq!(of("defaults_from: nope").len(), 1);
}

#[test]
fn keywords_that_reach_no_task_are_warned_of() {
    let loader = loader(&[
        ("site.yml", &play_of("- import_role: {name: r}\n  register: x\n  become: true")),
        ("roles/r/tasks/main.yml", "[]"),
    ]);
    let (_, warnings) = loader.playbook(Path::new("site.yml")).unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].message, "\"register\" does nothing on import_role");
}

#[test]
fn vars_of_an_entry_stay_with_it() {
    let book = book(&[
        ("site.yml", "- hosts: a\n  roles: [{role: r, vars: {x: entry}, p: 1}]\n"),
        ("roles/r/meta/main.yml", "dependencies: [d]\n"),
        ("roles/r/tasks/main.yml", "- debug:\n- import_role: {name: e}\n"),
        ("roles/d/tasks/main.yml", "- debug:\n"),
        ("roles/e/tasks/main.yml", "- debug:\n"),
    ]);
    let entries = tasks(&book.plays[0].sections[1]);
    let seen =
        |at: usize| entries[at].task.lineage.levels().any(|l| l.keywords.vars.get("x").is_some());
    assert_eq!((seen(0), seen(1)), (false, true));
    let params = entries[0].task.lineage.levels().filter_map(|l| match &l.kind {
        BlockKind::Role(role) => Some(role.params.len()),
        _ => None,
    });
    assert_eq!(params.sum::<usize>(), 1, "parameters reach dependencies");
    assert_eq!(entries[2].task.lineage.role().unwrap().parents, ["r"]);
}
