//! `--start-at-task`, as ansible-playbook 2.19 was seen to take it: which tasks run for which name.

use crate::support::Fleet;

const PLAY: &str = "- hosts: w1
  gather_facts: false
  handlers: [{name: hand, ping: }]
  pre_tasks: [{name: pre, ping: }]
  roles: [r]
  tasks:
  - block:
    - {name: b1, ping: }
    - {name: \"b2 {{ inventory_hostname }}\", fail: }
    rescue: [{name: resc, ping: }]
    always: [{name: alw, ping: }]
  - import_tasks: inc.yml
  - {name: dyn, include_tasks: inc.yml}
- hosts: w1,w2
  serial: 1
  gather_facts: false
  tasks: [{name: t2a, ping: }, {name: t2b, ping: }]
";

/// The names of the tasks that ran, batch after batch.
fn ran(fleet: &Fleet, name: &str) -> Vec<String> {
    let ran = fleet.play(PLAY, &["--start-at-task", name]).exits(0);
    let tasks = ran.stdout.lines().filter_map(|line| line.strip_prefix("TASK ["));
    tasks.filter_map(|line| Some(line.split_once(']')?.0.to_owned())).collect()
}

#[test]
fn what_stands_before_is_passed_over_until_the_task_is_found_once() {
    let fleet = Fleet::start(2);
    fleet.write("roles/r/tasks/main.yml", "- {name: in role, ping: }\n- shell: 'true'\n");
    fleet.write("inc.yml", "- {name: inside, ping: }\n");
    let last = ["t2a", "t2b", "t2a", "t2b"];
    let from_alw = ["alw", "inside", "dyn", "inside"];
    let from_b1 = [&["b1", "b2 w1", "resc"][..], &from_alw, &last].concat();
    assert_eq!(ran(&fleet, "b1"), from_b1);
    let roles = [&["r : in role", "r : shell"][..], &from_b1].concat();
    assert_eq!(ran(&fleet, "in role"), roles);
    assert_eq!(ran(&fleet, "r : in*"), roles);
    assert_eq!(ran(&fleet, "r : shell"), roles[1..]);
    assert_eq!(ran(&fleet, "b2 {{ inventory_hostname }}"), from_b1[1..]);
    assert_eq!(ran(&fleet, "alw"), [&from_alw[..], &last].concat());
    assert_eq!(ran(&fleet, "[it]nside"), [&from_alw[1..], &last].concat());
    assert_eq!(ran(&fleet, "t2b"), ["t2b", "t2a", "t2b"]);
    for name in ["hand", "resc", "nope"] {
        assert_eq!(ran(&fleet, name), Vec::<String>::new(), "{name}");
    }
    let lost = fleet.play(PLAY, &["--start-at-task", "nope"]);
    assert!(lost.stderr.contains("No matching task \"nope\" found."), "{lost}");
    fleet.mainstay(&["run", "-i", "inventory.ini", "play.yml", "--start-at-task", "nope"]).exits(1);
}
