//! Plays, blocks, handlers, playbooks in playbooks.

use super::*;

#[test]
fn missing_playbook_is_told_apart() {
    assert_eq!(errors(&[("other.yml", "")]), ["missing: there is no playbook site.yml"]);
    let result = loader(&[("site.yml/a", "")]).playbook(Path::new("site.yml"));
    assert!(matches!(result, Err(LoadError::Missing(_))));
    let result = loader(&[("site.yml", "- [")]).playbook(Path::new("site.yml"));
    assert!(matches!(result, Err(LoadError::Invalid(_))));
}

#[test]
fn shapes_of_playbooks() {
    let of = |text: &str| errors(&[("site.yml", text)]);
    assert_eq!(of("").len(), 1);
    assert_eq!(of("[]").len(), 1);
    assert_eq!(
        of("hosts: all"),
        [
            "site.yml:1:1: a playbook must be a list of plays, not a map (start each play with a dash)"
        ]
    );
    assert_eq!(of("- text"), ["site.yml:1:3: a play must be a map, not \"text\""]);
    assert_eq!(of("- hosts: a\n---\n- hosts: b\n").len(), 1);
}

#[test]
fn hosts() {
    let of = |text: &str| errors(&[("site.yml", text)]);
    assert_eq!(
        of("- tasks: []"),
        [
            "site.yml:1:3: the play has no \"hosts\" (say on which hosts it runs, as in `hosts: all`)"
        ]
    );
    assert_eq!(of("- hosts:"), ["site.yml:1:3: \"hosts\" is empty"]);
    assert_eq!(of("- hosts: []"), ["site.yml:1:10: \"hosts\" is empty"]);
    assert_eq!(of("- hosts: [a, 1]"), ["site.yml:1:14: a pattern of hosts must be text, not 1"]);
    assert_eq!(of("- hosts: {a: b}").len(), 1);
    assert!(of("- hosts: [a, 'b:!c', '{{ x }}']").is_empty());
}

#[test]
fn keywords_of_a_play() {
    let text = "- name: n\n  hosts: all\n  serial: [1, 20%]\n  gather_facts: no\n  strategy: free\n  \
                become: true\n  vars: {a: 1}\n  vars_files: [v.yml]\n  user: joe\n  tags: x\n";
    let book = book(&[("site.yml", text)]);
    let play = &book.plays[0];
    assert_eq!(play.label(), "n");
    assert!(matches!(play.only.get("gather_facts"), Some(Value::Bool(false))));
    assert_eq!(format!("{:?}", play.only.get("serial").unwrap()), "[1, '20%']");
    assert_eq!(play.only.get("strategy").unwrap().as_str(), Some("free"));
    assert!(matches!(play.lineage.keywords.simple.get("become"), Some(Value::Bool(true))));
    assert_eq!(play.lineage.keywords.simple.get("remote_user").unwrap().as_str(), Some("joe"));
    assert_eq!(play.directory, Path::new("/w"));
    assert_eq!(play.file, Path::new("/w/site.yml"));
}

#[test]
fn wrong_keywords_of_a_play() {
    let of = |line: &str| errors(&[("site.yml", &format!("- hosts: all\n  {line}\n"))]);
    assert_eq!(of("serial: abc").len(), 1);
    assert_eq!(of("serial: [1, x]").len(), 1);
    assert_eq!(of("order: backwards").len(), 1);
    assert_eq!(of("gather_facts: perhaps").len(), 1);
    assert_eq!(
        of("when: true"),
        ["site.yml:2:3: \"when\" is a keyword of role entries, blocks and tasks, not of plays \
          (put it on each task, or on a block around them)"]
    );
    assert_eq!(
        of("taks: []"),
        ["site.yml:2:3: 'taks' is not a valid attribute for a Play (did you mean \"tasks\"?)"]
    );
    assert_eq!(
        of("tasks: {debug: {}}"),
        [
            "site.yml:2:10: \"tasks\" must be a list of tasks, not a map (start each task with a dash)"
        ]
    );
    assert_eq!(of("user: a\n  remote_user: b").len(), 1);
    assert_eq!(of("vars_files: {a: b}").len(), 1);
    assert!(of("vars_files: [a, [b, c]]").is_empty());
    assert!(of("tasks:").is_empty());
    assert!(of("serial: '{{ n }}'").is_empty());
}

#[test]
fn prompts() {
    let of =
        |line: &str| errors(&[("site.yml", &format!("- hosts: all\n  vars_prompt: {line}\n"))]);
    assert!(of("[{name: a, prompt: b, private: no}]").is_empty());
    assert!(of("{name: a}").is_empty());
    assert_eq!(of("[{prompt: b}]").len(), 1);
    assert_eq!(of("[{name: a, secret: b}]").len(), 1);
}

#[test]
fn blocks() {
    let book = with_tasks(
        "- name: outer\n  become: true\n  block:\n    - debug:\n  rescue:\n    - debug:\n    - debug:\n  always:\n    - block: [{debug: }]",
    );
    let block = only_block(&book.plays[0].sections[1]);
    assert_eq!((block.items.len(), block.rescue.len(), block.always.len()), (1, 2, 1));
    let inner = only_task(&only_block(&block.always).items);
    assert_eq!(inner.lineage.levels().count(), 4);
    assert!(matches!(inner.lineage.nearest("become"), Some(Value::Bool(true))));
}

#[test]
fn wrong_blocks() {
    assert_eq!(
        task_errors("- rescue: [{debug: }]"),
        ["site.yml:3:7: \"rescue\" without \"block\" \
          (put the tasks it belongs to under `block:` on the same level)"]
    );
    assert_eq!(task_errors("- block: {debug: {}}").len(), 1);
    assert_eq!(task_errors("- block:").len(), 1);
    assert_eq!(
        task_errors("- block: [{debug: }]\n  debug:"),
        ["site.yml:4:7: 'debug' is not a valid attribute for a Block"]
    );
    assert_eq!(
        task_errors("- block: []\n  always:"),
        ["site.yml:3:7: \"always\" has no tasks (an empty list is written as `[]`)"]
    );
    assert!(task_errors("- block: []\n  always: []").is_empty());
}

#[test]
fn handlers() {
    let text = "- hosts: all\n  handlers:\n    - name: a\n      debug:\n      listen: [b, c]\n";
    let book = book(&[("site.yml", text)]);
    let topics: Vec<_> =
        only_task(&book.plays[0].handlers).listen.iter().map(ToString::to_string).collect();
    assert_eq!(topics, ["b", "c"]);
}

#[test]
fn no_blocks_and_roles_as_handlers() {
    let of =
        |line: &str| errors(&[("site.yml", &format!("- hosts: all\n  handlers:\n    - {line}\n"))]);
    assert_eq!(of("block: [{debug: }]").len(), 1);
    assert_eq!(
        of("include_role: {name: r}"),
        ["site.yml:3:7: Using 'include_role' as a handler is not supported."]
    );
    assert_eq!(of("import_role: {name: r}").len(), 1);
    assert!(of("include_tasks: a.yml").is_empty());
}

#[test]
fn sections() {
    let text = "- hosts: all\n  post_tasks: [{debug: }]\n  pre_tasks: [{debug: }, {debug: }]\n";
    let book = book(&[("site.yml", text)]);
    let lengths: Vec<_> = book.plays[0].sections.iter().map(Vec::len).collect();
    assert_eq!(lengths, [2, 0, 1]);
}

#[test]
fn imported_playbooks() {
    let book = book(&[
        ("site.yml", "- import_playbook: sub/a.yml\n- hosts: last\n"),
        ("sub/a.yml", "- import_playbook: b.yml\n- hosts: a\n"),
        ("sub/b.yml", "- hosts: b\n"),
    ]);
    let hosts: Vec<_> = book.plays.iter().map(|play| play.label()).collect();
    assert_eq!(hosts, ["b", "a", "last"]);
    assert_eq!(book.plays[0].directory, Path::new("/w/sub"));
    assert_eq!(book.plays[2].directory, Path::new("/w"));
}

#[test]
fn keywords_of_an_import() {
    let book = book(&[
        (
            "site.yml",
            "- import_playbook: '{{ which }}.yml'\n  vars: {which: a, v: import}\n  when: cond\n  tags: t\n",
        ),
        ("a.yml", "- hosts: a\n  vars: {v: play, w: play}\n  tags: u\n  tasks: [{debug: }]\n"),
    ]);
    let play = &book.plays[0];
    assert_eq!(play.lineage.keywords.vars.get("v").unwrap().as_str(), Some("import"));
    assert_eq!(play.lineage.keywords.vars.get("w").unwrap().as_str(), Some("play"));
    let task = only_task(&only_block(&play.sections[1]).items);
    assert_eq!(task.all_tags(), ["t", "u"]);
    let conditions: Vec<_> = task.lineage.levels().flat_map(|l| l.keywords.when.clone()).collect();
    assert_eq!(format!("{conditions:?}"), "['cond']");
    assert!(play.lineage.keywords.when.is_empty(), "the fact step has no condition");
}

#[test]
fn wrong_imports_of_playbooks() {
    let of = |text: &str| errors(&[("site.yml", text), ("ok.yml", "- hosts: a\n")]);
    assert_eq!(of("- import_playbook: nope.yml").len(), 1);
    assert_eq!(of("- import_playbook:").len(), 1);
    assert_eq!(of("- import_playbook: site.yml"), ["site.yml:1:20: site.yml imports itself"]);
    assert_eq!(of("- import_playbook: ok.yml\n  hosts: x").len(), 1);
    assert_eq!(of("- include: ok.yml").len(), 1);
    assert_eq!(of("- import_playbook: '{{ nope }}.yml'").len(), 1);
}

#[test]
fn idle_keywords_of_an_import_are_warned_of() {
    let loader = loader(&[
        ("site.yml", "- import_playbook: ok.yml\n  become: true\n"),
        ("ok.yml", "- hosts: a\n"),
    ]);
    let (_, warnings) = loader.playbook(Path::new("site.yml")).unwrap();
    assert_eq!(warnings[0].message, "\"become\" does nothing on import_playbook");
}

#[test]
fn duplicate_keys_are_warned_of() {
    let loader = loader(&[("site.yml", "- hosts: a\n  gather_facts: no\n  gather_facts: yes\n")]);
    let (book, warnings) = loader.playbook(Path::new("site.yml")).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(matches!(book.plays[0].only.get("gather_facts"), Some(Value::Bool(true))));
}

#[test]
fn maintenance() {
    let text = "- hosts: all\n  maintenance:\n    needed: '{{ a != b }}'\n    max_unavailable: 10%\n    soak: 0s\n    \
                drain: {timeout: 15m, on_timeout: skip, grace: null, order: [{selector: a=b, priority: 1}]}\n    \
                ready: {stable: 1m30s, daemonsets: true}\n    gates:\n      - workloads: no_worse\n      \
                - {command: ceph health, on: a, timeout: 15m}\n    on_failure: hold\n    node: '{{ n }}'\n";
    let book = book(&[("site.yml", text)]);
    let found = book.plays[0].maintenance.as_ref().unwrap();
    assert_eq!(found.options.get("max_unavailable").unwrap().as_str(), Some("10%"));
    assert_eq!(found.place.line, 3);
    let gates = found.options.get("gates").unwrap().as_list().unwrap();
    assert_eq!(gates[1].get("on").unwrap().as_str(), Some("a"), "YAML reads a bare `on` as true");
}

#[test]
fn wrong_maintenance() {
    let of = |line: &str| {
        errors(&[("site.yml", &format!("- hosts: all\n  maintenance:\n    {line}\n"))])
    };
    assert_eq!(
        of("max_unavailble: 1"),
        [
            "site.yml:3:5: unknown key \"max_unavailble\" of maintenance (did you mean \"max_unavailable\"?)"
        ]
    );
    assert_eq!(
        of("window: {days: [sat]}"),
        ["site.yml:3:5: \"window\" of maintenance is not supported yet"]
    );
    assert_eq!(
        of("gates: [{prometheus: {url: x}}]"),
        ["site.yml:3:14: \"prometheus\" of gates is not supported yet"]
    );
    assert_eq!(
        of("drain: {timeout: 15x}"),
        ["site.yml:3:22: \"timeout\" must be a duration such as 30s or 15m, not \"15x\""]
    );
    assert_eq!(of("drain: {on_timeout: retry}").len(), 1);
    assert_eq!(of("on_failure: ignore").len(), 1);
    assert_eq!(of("gates: [{on: a}]").len(), 1);
    assert_eq!(of("gates: {workloads: no_worse}").len(), 1);
    assert_eq!(of("max_failures: -1").len(), 1);
    assert_eq!(of("drain: {order: [{priority: 1}]}").len(), 1);
    assert_eq!(of("ready: 5m").len(), 1);
    assert_eq!(of("soak: 500ms\n    canary: '1'").len(), 0);
    assert_eq!(
        errors(&[("site.yml", "- hosts: all\n  maintenance: true\n")]),
        ["site.yml:2:16: \"maintenance\" must be a map, not true"]
    );
}

#[test]
fn maintenance_without_batches() {
    let text = "- hosts: all\n  any_errors_fatal: true\n  maintenance: {}\n  tasks:\n    - block:\n      - debug:\n        run_once: true\n";
    assert_eq!(errors(&[("site.yml", text)]).len(), 2);
    assert!(
        errors(&[("site.yml", &text.replace("maintenance", "serial: 1\n  maintenance"))])
            .is_empty()
    );
}

#[test]
fn near_words() {
    use keyword::nearest;
    assert_eq!(nearest("whne", ["when", "hosts"]), Some("when"));
    assert_eq!(nearest("become_usr", ["become", "become_user"]), Some("become_user"));
    assert_eq!(nearest("completely", ["when", "hosts"]), None);
    assert_eq!(nearest("x", ["y"]), None);
}

#[test]
fn names_given_elsewhere() {
    let map = |name: &str| [(Value::text(name), Value::Null)].into_iter().collect::<Map>();
    assert!(check_names(&map("a_b")).is_ok());
    assert!(check_names(&map("a-b")).is_err());
}
