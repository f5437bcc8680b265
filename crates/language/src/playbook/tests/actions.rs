//! What a task calls, in every spelling.

use super::*;

/// Canonical name and arguments as Python prints them.
fn call(lines: &str) -> (String, String) {
    match &task(lines).action {
        Action::Module { name, args, .. } => (name.clone(), format!("{args:?}")),
        other => panic!("{other:?}"),
    }
}

fn shown(name: &str, args: &str) -> (String, String) {
    (name.to_owned(), args.to_owned())
}

#[test]
fn map() {
    assert_eq!(call("- copy: {src: a, dest: b}"), shown("copy", "{'src': 'a', 'dest': 'b'}"));
}

#[test]
fn key_values() {
    assert_eq!(call("- copy: src=a dest='b c'"), shown("copy", "{'src': 'a', 'dest': 'b c'}"));
}

#[test]
fn nothing() {
    assert_eq!(call("- debug:"), shown("debug", "{}"));
}

#[test]
fn free_form() {
    assert_eq!(
        call("- command: ls -l a=b chdir=/tmp creates=/x"),
        shown("command", "{'chdir': '/tmp', 'creates': '/x', '_raw_params': 'ls -l a=b'}")
    );
}

#[test]
fn cmd_stays_an_argument_of_its_own() {
    assert_eq!(call("- shell: {cmd: ls, chdir: /}"), shown("shell", "{'cmd': 'ls', 'chdir': '/'}"));
}

#[test]
fn qualified_names() {
    assert_eq!(call("- ansible.builtin.debug: msg=a").0, "debug");
    assert_eq!(call("- ansible.legacy.command: ls").0, "command");
    assert_eq!(call("- kubernetes.core.k8s_drain: {name: a}").0, "k8s_drain");
    assert_eq!(call("- ansible.builtin.systemd_service: {name: a}").0, "systemd");
}

#[test]
fn collections_give_short_names() {
    assert_eq!(call("- k8s_drain: {name: a}\n  collections: [kubernetes.core]").0, "k8s_drain");
    let on_play = "- hosts: all\n  collections: [kubernetes.core]\n  tasks: [{k8s_drain: {}}]\n";
    let book = book(&[("site.yml", on_play)]);
    assert!(matches!(&only_task(&book.plays[0].sections[1]).action, Action::Module { .. }));
    assert_eq!(
        task_errors("- k8s_drain: {name: a}"),
        ["site.yml:3:7: unknown module \"k8s_drain\""]
    );
}

#[test]
fn written_name_is_kept() {
    match &task("- ansible.builtin.debug: msg=a").action {
        Action::Module { written, .. } => assert_eq!(written, "ansible.builtin.debug"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn action_text() {
    assert_eq!(
        call("- action: command ls -l chdir=/"),
        shown("command", "{'chdir': '/', '_raw_params': 'ls -l'}")
    );
}

#[test]
fn action_map() {
    assert_eq!(call("- action: {module: copy, src: a}"), shown("copy", "{'src': 'a'}"));
    assert_eq!(
        call("- action: {module: copy src=a, dest: b}"),
        shown("copy", "{'dest': 'b', 'src': 'a'}")
    );
}

#[test]
fn action_template() {
    let found = task("- action: '{{ tool }} name=a'\n  args: {b: c}");
    match &found.action {
        Action::Dynamic { spec, args } => {
            assert_eq!(spec.as_str(), Some("{{ tool }} name=a"));
            assert_eq!(format!("{args:?}"), "{'b': 'c'}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn local_action_is_delegated() {
    let found = task("- local_action: command ls\n  delegate_to: other");
    let to = found.lineage.keywords.simple.get("delegate_to").unwrap();
    assert_eq!(to.as_str(), Some("localhost"));
    assert!(matches!(&found.action, Action::Module { name, .. } if name == "command"));
}

#[test]
fn args_give_way_to_own() {
    assert_eq!(
        call("- copy: {src: a}\n  args: {src: b, dest: c}"),
        shown("copy", "{'src': 'a', 'dest': 'c'}")
    );
}

#[test]
fn args_of_a_command() {
    assert_eq!(
        call("- command: ls\n  args:\n    chdir: /tmp"),
        shown("command", "{'chdir': '/tmp', '_raw_params': 'ls'}")
    );
}

#[test]
fn whole_arguments_from_a_variable() {
    let expected = shown("copy", "{'_variable_params': '{{ all_of_it }}'}");
    assert_eq!(call("- copy: '{{ all_of_it }}'"), expected);
    assert_eq!(call("- copy:\n  args: '{{ all_of_it }}'"), expected);
}

#[test]
fn free_text_where_none_is_taken() {
    assert_eq!(
        task_errors("- copy: foo dest=/x"),
        [
            "site.yml:3:13: \"copy\" takes `key=value` arguments, and this is something else: \"foo\""
        ]
    );
    assert!(task_errors("- copy: src=a  dest=/x").is_empty());
}

#[test]
fn two_actions() {
    let wrong = task_errors("- debug: msg=a\n  command: ls");
    assert_eq!(
        wrong,
        ["site.yml:4:7: a task has one action; \"command\" is a second one after \"debug\""]
    );
    assert_eq!(task_errors("- action: command ls\n  debug:").len(), 1);
    assert_eq!(
        task_errors("- action: command ls\n  local_action: command ls"),
        ["site.yml:4:7: a task has one action; \"local_action\" is a second one"]
    );
}

#[test]
fn no_action() {
    assert_eq!(
        task_errors("- name: a"),
        ["site.yml:3:7: the task has no action (name a module, as in `command: uptime`)"]
    );
}

#[test]
fn unknown_names() {
    assert_eq!(
        task_errors("- dbug: msg=a"),
        ["site.yml:3:7: unknown module \"dbug\" (did you mean \"debug\"?)"]
    );
    assert_eq!(
        task_errors("- debug:\n  whn: true"),
        ["site.yml:4:7: 'whn' is not a valid attribute for a Task (did you mean \"when\"?)"]
    );
    assert_eq!(
        task_errors("- debug:\n  with_nothing: [1]"),
        ["site.yml:4:7: unknown lookup \"nothing\" in \"with_nothing\""]
    );
    assert_eq!(
        task_errors("- action: comand ls"),
        ["site.yml:3:15: unknown module \"comand\" (did you mean \"command\"?)"]
    );
}

#[test]
fn wrong_shapes_of_arguments() {
    assert_eq!(
        task_errors("- copy: [a]"),
        ["site.yml:3:13: arguments must be a map or `key=value` text, not a list"]
    );
    assert_eq!(
        task_errors("- command: 1"),
        ["site.yml:3:16: arguments must be a map or `key=value` text, not 1"]
    );
    assert_eq!(
        task_errors("- copy:\n  args: text"),
        ["site.yml:4:13: \"args\" must be a map of arguments, not \"text\""]
    );
    assert_eq!(
        task_errors("- command: echo 'a"),
        ["site.yml:3:16: quotes or template braces are not closed"]
    );
}

#[test]
fn reserved_arguments() {
    assert_eq!(task_errors("- copy: {_ansible_x: 1}").len(), 1);
}

#[test]
fn loops() {
    let list = task("- debug:\n  loop: [1, 2]");
    assert!(matches!(&list.looped, Some(Loop::List(v)) if v.as_list().unwrap().len() == 2));
    let with = task("- debug:\n  with_dict: '{{ d }}'");
    assert!(matches!(&with.looped, Some(Loop::With { lookup, .. }) if lookup == "dict"));
    assert!(task("- debug:\n  loop:").looped.is_none());
}

#[test]
fn second_loop() {
    assert_eq!(
        task_errors("- debug:\n  loop: [1]\n  with_items: [2]"),
        ["site.yml:5:7: a task has one loop; \"with_items\" is a second one"]
    );
    assert_eq!(
        task_errors("- debug:\n  with_items:"),
        ["site.yml:4:7: \"with_items\" needs a value"]
    );
}

#[test]
fn loop_control() {
    let found = task("- debug:\n  loop: [1]\n  loop_control: {loop_var: x, label: '{{ x }}'}");
    assert_eq!(found.loop_control.get("loop_var").unwrap().as_str(), Some("x"));
    assert_eq!(
        task_errors("- debug:\n  loop: [1]\n  loop_control: {lable: x}"),
        [
            "site.yml:5:22: 'lable' is not a valid attribute for a LoopControl (did you mean \"label\"?)"
        ]
    );
    assert_eq!(task_errors("- debug:\n  loop: [1]\n  loop_control: x").len(), 1);
    assert_eq!(task_errors("- debug:\n  loop: [1]\n  loop_control: {loop_var: a-b}").len(), 1);
}

#[test]
fn names_of_variables() {
    for name in ["a-b", "1a", "'{{ x }}'", "for", "a.b"] {
        assert_eq!(task_errors(&format!("- debug:\n  register: {name}")).len(), 1, "{name}");
    }
    assert!(task_errors("- debug:\n  register: _a1").is_empty());
    assert_eq!(task_errors("- debug:\n  vars: {a-b: 1}").len(), 1);
    assert_eq!(
        task_errors("- debug:\n  vars: [{a: 1}]"),
        ["site.yml:4:13: \"vars\" must be a map, not a list \
          (write the variables without dashes, one name a line)"]
    );
}

#[test]
fn literal_types() {
    let bad = [
        ("become", "banana"),
        ("retries", "abc"),
        ("delay", "soon"),
        ("async", "abc"),
        ("poll", "[1]"),
        ("throttle", "1.5"),
        ("when", "{a: b}"),
        ("tags", "{a: 1}"),
        ("tags", "1"),
        ("tags", ""),
        ("name", "[a]"),
        ("notify", "{a: 1}"),
        ("environment", "text"),
        ("module_defaults", "[a]"),
        ("debugger", "sometimes"),
        ("port", "ssh"),
    ];
    for (keyword, value) in bad {
        let wrong = task_errors(&format!("- debug:\n  {keyword}: {value}"));
        assert_eq!(wrong.len(), 1, "{keyword}: {value}: {wrong:?}");
        assert!(wrong[0].starts_with("site.yml:4:"), "{wrong:?}");
        assert!(wrong[0].contains(&format!(": {keyword:?} must be")), "{wrong:?}");
    }
    let good = [
        ("become", "'yes'"),
        ("become", "1"),
        ("retries", "'3'"),
        ("delay", "0.5"),
        ("become", "'{{ x }}'"),
        ("retries", "'{{ x }}'"),
        ("when", "false"),
        ("when", "[a, true]"),
        ("when", ""),
        ("tags", "[1, a]"),
        ("environment", "'{{ env }}'"),
        ("environment", "[{a: b}, '{{ env }}']"),
        ("delegate_to", ""),
    ];
    for (keyword, value) in good {
        let wrong = task_errors(&format!("- debug:\n  {keyword}: {value}"));
        assert!(wrong.is_empty(), "{keyword}: {value}: {wrong:?}");
    }
}

#[test]
fn keywords_keep_their_raw_values() {
    let found = task(
        "- name: a\n  shell: x\n  become: yes\n  when: [x, false]\n  tags: 'a, b,c'\n  notify: h\n  until: y\n  retries: 3\n  async: 10\n  poll: 0",
    );
    let keywords = &found.lineage.keywords;
    assert_eq!(keywords.name.as_ref().unwrap().as_str(), "a");
    assert!(matches!(keywords.simple.get("become"), Some(Value::Bool(true))));
    assert_eq!(format!("{:?}", keywords.when), "['x', False]");
    assert_eq!(found.all_tags(), ["a", "b", "c"]);
    assert_eq!(keywords.notify[0].as_str(), "h");
    assert_eq!(format!("{:?}", found.until), "['y']");
    assert!(matches!(found.retries, Some(Value::Int(3))));
    assert!(matches!(found.asynchronous, Some(Value::Int(10))));
    assert!(matches!(found.poll, Some(Value::Int(0))));
    assert_eq!(keywords.places.get("when").unwrap().line, 6);
}

/// A template is judged when the task runs.
#[test]
fn what_cannot_be_left_alone_is_refused() {
    let of = |module: &str, limit: &str, poll: &str| {
        task_errors(&format!("- {module}:\n  async: {limit}\n  poll: {poll}"))
    };
    for poll in ["0", "'0'"] {
        assert_eq!(
            of("ansible.builtin.file", "10", poll),
            [
                "site.yml:5:13: async with poll: 0 is not supported for ansible.builtin.file (it is for command and \
                 shell; with poll above 0 the task is waited for)"
            ]
        );
    }
    for (module, limit, poll) in [
        ("file", "0", "0"),
        ("file", "10", "5"),
        ("file", "10", "'{{ x }}'"),
        ("shell: x\n  vars", "10", "0"),
    ] {
        assert!(of(module, limit, poll).is_empty(), "{module} {limit} {poll}");
    }
}

#[test]
fn meta() {
    assert!(
        matches!(&task("- meta: end_host").action, Action::Meta(t) if t.as_str() == "end_host")
    );
    assert_eq!(
        task_errors("- meta: flush_handler"),
        ["site.yml:3:13: unknown meta action \"flush_handler\" (did you mean \"flush_handlers\"?)"]
    );
    assert_eq!(task_errors("- meta: {a: b}").len(), 1);
    assert_eq!(task_errors("- meta:").len(), 1);
}

#[test]
fn misplaced_keywords() {
    assert_eq!(
        task_errors("- debug:\n  serial: 1"),
        ["site.yml:4:7: \"serial\" is a keyword of plays, not of tasks"]
    );
    assert_eq!(
        task_errors("- debug:\n  listen: a"),
        ["site.yml:4:7: \"listen\" is a keyword of handlers, not of tasks"]
    );
    assert_eq!(
        task_errors("- block: [{debug: {}}]\n  loop: [1]"),
        ["site.yml:4:7: \"loop\" is a keyword of tasks, not of blocks \
          (put it on the tasks, or on an include_tasks of them)"]
    );
    assert_eq!(task_errors("- block: [{debug: {}}]\n  register: a").len(), 1);
}

#[test]
fn shapes_of_tasks() {
    assert!(task_errors("- debug:\n-").is_empty());
    assert_eq!(
        task_errors("- text"),
        ["site.yml:3:7: a task must be a map, not \"text\" (write it as `- module: arguments`)"]
    );
    assert_eq!(
        task_errors("- - debug:"),
        ["site.yml:3:7: a task must be a map, not a list (remove one dash)"]
    );
}

#[test]
fn every_error_is_collected() {
    let wrong = task_errors("- dbug:\n- debug:\n  whn: 1\n  become: banana\n- name: x");
    assert_eq!(wrong.len(), 4, "{wrong:?}");
}

#[test]
fn defaults_for_unknown_modules_are_warned_of() {
    let text = "- hosts: all\n  module_defaults: {copy: {mode: a}, group/aws: {}, nope: {}}\n";
    let loader = loader(&[("site.yml", text)]);
    let (_, warnings) = loader.playbook(Path::new("site.yml")).unwrap();
    let shown: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["site.yml:2:53: defaults for the unknown module \"nope\" do nothing"]);
}

#[test]
fn groups_of_modules_that_do_not_exist_are_refused() {
    for (group, known) in [
        ("k8s", true),
        ("ansible.builtin.aws", true),
        ("kubernetes.core.k8s", true),
        ("nope", false),
        ("a.b.c", false),
        ("ansible.builtin.nope", false),
    ] {
        let text = format!("- hosts: all\n  module_defaults: {{group/{group}: {{}}}}\n");
        let loaded = loader(&[("site.yml", &text)]).playbook(Path::new("site.yml"));
        assert_eq!(loaded.is_ok(), known, "{group}");
    }
}
