//! What fails: tasks, hosts, rights; and what is recorded of it.

use crate::support::{Cut, Fleet};
use crate::working::figures;

#[test]
fn a_failure_is_rescued_or_ends_its_host_alone() {
    let fleet = Fleet::start(5);
    let ran = fleet
        .play(
            "- hosts: workers
  gather_facts: false
  tasks:
  - block:
    - shell: echo out; echo why >&2; exit 3
      when: inventory_hostname == 'w1'
    - command: touch not-on-w1
    rescue:
    - copy: {content: '{{ ansible_failed_result.rc }} {{ ansible_failed_result.stderr }}', dest: rescued}
    always:
    - command: touch always
  - command: 'false'
    when: inventory_hostname == 'w2'
  - command: touch last
",
            &[],
        )
        .exits(2);
    assert_eq!(fleet.on_host(1, "rescued").as_deref(), Some("3 why"));
    assert_eq!(fleet.on_host(1, "not-on-w1"), None);
    assert_eq!(figures(&ran, "w1"), "ok=3 changed=3 skipped=1 rescued=1");
    assert_eq!(figures(&ran, "w2"), "ok=2 changed=2 failed=1 skipped=1");
    assert_eq!(figures(&ran, "w3"), "ok=3 changed=3 skipped=2");
    let last: Vec<bool> = (1..=5).map(|nth| fleet.on_host(nth, "last").is_some()).collect();
    assert_eq!(last, [true, false, true, true, true]);
    assert!((1..=5).all(|nth| fleet.on_host(nth, "always").is_some()));
}

const THREE: &str = "- hosts: workers
  gather_facts: false
  tasks:
  - command: touch first
  - shell: touch second; sleep 0.2
  - command: touch third
";

#[test]
fn a_host_that_is_lost_in_the_middle_does_not_stop_the_others() {
    // Before the script of its second task, in the middle of it, and after so many bytes.
    for cut in [Cut::Script(2), Cut::Text("touch second".to_owned())] {
        let fleet = Fleet::start(5);
        fleet.host(3).cut_at(cut.clone());
        let ran = fleet.play(THREE, &[]).exits(4);
        assert_eq!(figures(&ran, "w3"), "ok=1 changed=1 unreachable=1", "{cut:?}\n{ran}");
        assert!(ran.stdout.contains("fatal: [w3]: UNREACHABLE! => "), "{ran}");
        assert_eq!(fleet.on_host(3, "third"), None);
        for nth in [1, 2, 4, 5] {
            assert!(fleet.on_host(nth, "third").is_some(), "{ran}");
        }
    }
}

#[test]
fn a_host_that_never_answers_is_unreachable() {
    let fleet = Fleet::start(3);
    fleet.host(1).down();
    fleet.host(2).refuse_logins();
    fleet.host(3).change_host_key();
    let ran = fleet.play(THREE, &[]).exits(4);
    for nth in 1..=3 {
        assert_eq!(figures(&ran, &format!("w{nth}")), "unreachable=1");
        assert_eq!(fleet.on_host(nth, "first"), None);
    }
    fleet.host(1).up();
    fleet.record_host_keys();
    let ran = fleet.play(THREE, &["--limit", "w1,w3"]).exits(0);
    assert_eq!(figures(&ran, "w3"), "ok=3 changed=3");
}

#[test]
fn rights_that_are_refused_fail_the_host() {
    let fleet = Fleet::start(3);
    let granting = "while [ $# -gt 0 ] && [ \"$1\" != /bin/sh ]; do shift; done; exec \"$@\"";
    fleet.host(1).install("sudo", "echo 'sudo: a password is required' >&2; exit 1");
    fleet.host(2).install("sudo", granting);
    fleet.host(3).install("sudo", "echo 'tester is not in the sudoers file.' >&2; exit 1");
    let playbook = "- hosts: workers
  gather_facts: false
  tasks:
  - command: touch plain
  - command: touch as-root
    become: true
";
    let ran = fleet.play(playbook, &[]).exits(2);
    for (nth, wanted) in
        [(1, "ok=1 changed=1 failed=1"), (2, "ok=2 changed=2"), (3, "ok=1 changed=1 failed=1")]
    {
        assert_eq!(figures(&ran, &format!("w{nth}")), wanted, "{ran}");
        assert_eq!(fleet.on_host(nth, "as-root").is_some(), nth == 2);
    }
}

#[test]
fn the_journal_of_a_run_can_be_read_afterwards() {
    let fleet = Fleet::start(2);
    fleet.host(2).cut_at(Cut::Text("touch second".to_owned()));
    fleet.play(THREE, &[]).exits(4);
    let directories = fleet.run_directories();
    let [directory] = directories.as_slice() else { panic!("{directories:?}") };
    let contents = mainstay::journal::read(&directory.join("journal")).unwrap();
    assert_eq!(contents.end, mainstay::journal::End::Clean);
    let state = mainstay::journal::fold(&contents.records);
    assert_eq!(state.run, directory.file_name().unwrap().to_str().unwrap());
    assert_eq!(state.exit, Some(4));
    assert!(state.held.is_empty());
    let listed = fleet.mainstay(&["runs"]).exits(0);
    assert!(listed.stdout.contains(&state.run) && listed.stdout.contains("exit 4"), "{listed}");
}

#[test]
fn a_run_that_is_refused_has_ended() {
    let fleet = Fleet::start(1);
    let upgrade = ["upgrade", "--to", "1.37.2", "-i", "inventory.ini", "--yes"];
    fleet.mainstay(&upgrade).exits(10);
    fleet.mainstay(&["drain", "n1", "-i", "inventory.ini", "--yes"]).exits(10);
    fleet.write("play.yml", "- hosts: workers\n  tasks: [{command: x}]\n");
    fleet.mainstay(&["run", "-i", "inventory.ini", "play.yml", "--list-tasks"]).exits(0);
    let listed = fleet.mainstay(&["runs"]).exits(0);
    assert_eq!(listed.stdout.matches("exit 10").count(), 2, "{listed}");
    assert!(!listed.stdout.contains("stopped"), "{listed}");
}
