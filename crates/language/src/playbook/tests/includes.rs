//! What is kept for the run, and what the run loads.

use super::*;

const DIRECTORY: &str = "/w";

/// An include at this task with these variables.
fn include<'a>(task: &'a Task, apply: &'a Keywords, vars: Map) -> Include<'a> {
    Include {
        parent: task.lineage.parent.as_ref().unwrap(),
        apply,
        vars,
        place: &task.lineage.place,
        handlers: false,
        playbook_directory: Path::new(DIRECTORY),
    }
}

fn first(loader: &Loader) -> Arc<Task> {
    let (book, _) = loader.playbook(Path::new("site.yml")).unwrap();
    Arc::clone(tasks(&book.plays[0].sections[1])[0].task)
}

#[test]
fn include_tasks_keeps_its_name() {
    let found = task("- include_tasks: '{{ item }}.yml'\n  loop: [a]\n  when: x\n  tags: t");
    let Action::IncludeTasks { file, .. } = &found.action else { panic!() };
    assert_eq!(file.as_str(), Some("{{ item }}.yml"));
    assert!(found.looped.is_some());
}

#[test]
fn apply() {
    let found =
        task("- include_tasks:\n    file: a.yml\n    apply: {become: true, tags: [x], when: y}");
    let Action::IncludeTasks { apply, .. } = &found.action else { panic!() };
    assert!(matches!(apply.simple.get("become"), Some(Value::Bool(true))));
    assert_eq!(apply.tags[0].as_str(), "x");
    assert_eq!(
        task_errors("- include_tasks: {file: a, apply: {serial: 1}}"),
        ["site.yml:3:40: \"serial\" is a keyword of plays, not of blocks"]
    );
    assert_eq!(task_errors("- include_tasks: {file: a, apply: {foo: 1}}").len(), 1);
    assert_eq!(task_errors("- include_tasks: {file: a, apply: foo}").len(), 1);
}

#[test]
fn keywords_that_an_include_ignores_are_refused() {
    for keyword in [
        "become: true",
        "delegate_to: x",
        "environment: {a: b}",
        "until: x",
        "notify: h",
        "check_mode: true",
        "async: 5",
    ] {
        for include in ["include_tasks: a.yml", "include_role: {name: r}"] {
            let wrong = task_errors(&format!("- {include}\n  {keyword}"));
            assert_eq!(wrong.len(), 1, "{include} {keyword}");
        }
    }
    for keyword in [
        "run_once: true",
        "ignore_errors: true",
        "no_log: true",
        "register: r",
        "timeout: 3",
        "vars: {a: 1}",
        "debugger: never",
    ] {
        let wrong = task_errors(&format!("- include_tasks: a.yml\n  {keyword}"));
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

#[test]
fn wrong_includes() {
    assert_eq!(task_errors("- include_tasks: {apply: {tags: a}}").len(), 1);
    assert_eq!(
        task_errors("- include_tasks: a.yml x=1"),
        [
            "site.yml:3:22: unknown option \"x\" of include_tasks (pass variables under `vars:` of the task)"
        ]
    );
    assert_eq!(task_errors("- include_role: r").len(), 2);
    assert_eq!(task_errors("- include_role: {name: r, task_from: x}").len(), 1);
}

#[test]
fn include_role_keeps_its_arguments() {
    let found = task(
        "- include_role: {name: '{{ r }}', tasks_from: x, public: true, rolespec_validate: no}",
    );
    let Action::IncludeRole(role) = &found.action else { panic!() };
    assert_eq!(role.name.as_str(), Some("{{ r }}"));
    assert_eq!(role.from.get("tasks_from").unwrap().as_str(), Some("x"));
    assert!(role.public.is_true() && !role.validate.is_true() && role.allow_duplicates.is_true());
}

#[test]
fn tasks_of_a_file() {
    let loader = loader(&[
        (
            "site.yml",
            &play_of(
                "- block:\n    - include_tasks: sub/a.yml\n      tags: own\n      when: own\n  become: true",
            ),
        ),
        ("sub/a.yml", "- include_tasks: b.yml\n- import_role: {name: r}\n"),
        ("sub/b.yml", "- debug:\n"),
        ("roles/r/tasks/main.yml", "[]"),
        ("roles/r/handlers/main.yml", "- name: h\n  debug:\n"),
    ]);
    let task = first(&loader);
    let directory = Path::new(DIRECTORY);
    let parent = task.lineage.parent.clone().unwrap();
    let path = loader.resolve_tasks_file("sub/a.yml", &parent, false, directory).unwrap();
    let apply =
        Keywords { tags: vec![crate::value::Text::computed("applied")], ..Keywords::default() };
    let vars: Map = [(Value::text("v"), Value::Int(1))].into_iter().collect();
    let found = loader.tasks_file(&path, &include(&task, &apply, vars)).unwrap();
    assert!(
        matches!(&found.lineage.kind, BlockKind::Include { file } if file == Path::new("/w/sub/a.yml"))
    );
    assert_eq!(found.lineage.keywords.vars.get("v"), Some(&Value::Int(1)));
    let inner = Arc::clone(tasks(&found.items)[0].task);
    assert_eq!(inner.all_tags(), ["applied"], "tags of the include itself are its own");
    assert!(inner.lineage.levels().all(|level| level.keywords.when.is_empty()));
    assert!(matches!(inner.lineage.nearest("become"), Some(Value::Bool(true))));
    assert_eq!(tasks(&found.handlers)[0].label, "r : h");
    assert_eq!(found.roles.len(), 1);
    let deeper = loader.resolve_tasks_file("b.yml", &inner.lineage, false, directory).unwrap();
    assert_eq!(deeper, Path::new("/w/sub/b.yml"));
}

#[test]
fn errors_of_an_included_file() {
    let loader = loader(&[
        ("site.yml", &play_of("- include_tasks: a.yml")),
        ("a.yml", "- dbug:\n- debug:\n  whn: 1\n"),
    ]);
    let task = first(&loader);
    let none = Keywords::default();
    let wrong =
        loader.tasks_file(Path::new("/w/a.yml"), &include(&task, &none, Map::new())).unwrap_err();
    assert_eq!(wrong.0.len(), 2);
    assert_eq!(wrong.0[0].chain[0].0, "included from");
    let parent = task.lineage.parent.clone().unwrap();
    let missing =
        loader.resolve_tasks_file("nope.yml", &parent, false, Path::new(DIRECTORY)).unwrap_err();
    assert_eq!(missing.to_string(), "there is no file \"nope.yml\" (looked for nope.yml)");
}

#[test]
fn an_included_role() {
    let loader = loader(&[
        ("site.yml", &play_of("- include_role: {name: r}")),
        ("roles/r/tasks/x.yml", "- name: t\n  debug:\n"),
        ("roles/r/handlers/main.yml", "- name: h\n  debug:\n"),
        ("roles/r/defaults/main.yml", "d: 1\n"),
    ]);
    let task = first(&loader);
    let none = Keywords::default();
    let options = RoleOptions {
        name: "r".into(),
        from: [("tasks_from", "x".to_owned())].into_iter().collect(),
        public: true,
        allow_duplicates: true,
        validate: true,
    };
    let (role, found) = loader.role(&options, &include(&task, &none, Map::new())).unwrap();
    assert_eq!(role.defaults.get("d"), Some(&Value::Int(1)));
    assert!(role.public && role.allow_duplicates);
    assert_eq!(tasks(&found.items)[0].label, "r : t");
    assert_eq!(tasks(&found.handlers)[0].label, "r : h");
    assert!(Arc::ptr_eq(&found.roles[0], &role));
    assert!(matches!(&found.lineage.kind, BlockKind::Role(_)));
    let missing = RoleOptions { name: "nope".into(), ..options };
    assert!(loader.role(&missing, &include(&task, &none, Map::new())).is_err());
}

#[test]
fn an_include_may_include_itself() {
    let loader = loader(&[
        ("site.yml", &play_of("- include_tasks: a.yml")),
        ("a.yml", "- include_tasks: a.yml\n"),
    ]);
    let task = first(&loader);
    let none = Keywords::default();
    let found =
        loader.tasks_file(Path::new("/w/a.yml"), &include(&task, &none, Map::new())).unwrap();
    assert_eq!(found.items.len(), 1);
}

#[test]
fn listings_show_the_body_of_a_block() {
    let book = with_tasks(
        "- name: b\n  tags: [t, 'k,l']\n  block: [{name: i, debug: }, {meta: noop}]\n  rescue: [{debug: }]\n  always: [{command: ls}]",
    );
    let entries = tasks(&book.plays[0].sections[1]);
    let shown: Vec<_> = entries.iter().map(|e| (e.label.as_str(), e.tags.join(" "))).collect();
    assert_eq!(shown, [("i", "k,l t".into()), ("meta", "k,l t".to_owned())]);
}

#[test]
fn a_role_may_include_itself() {
    let loader = loader(&[
        ("site.yml", "- hosts: a\n  roles: [r]\n"),
        ("roles/r/tasks/main.yml", "- include_role: {name: r}\n  when: again\n"),
    ]);
    let task = first(&loader);
    let none = Keywords::default();
    let options = RoleOptions { name: "r".into(), validate: true, ..RoleOptions::default() };
    let (_, found) = loader.role(&options, &include(&task, &none, Map::new())).unwrap();
    let inner = Arc::clone(tasks(&found.items)[0].task);
    assert!(loader.role(&options, &include(&inner, &none, Map::new())).is_ok());
}
