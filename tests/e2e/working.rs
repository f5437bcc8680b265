//! What works: batches, handlers, delegation, limits, files, check mode.

use crate::support::{Fleet, Ran};

/// `ok=1 changed=1 unreachable=0 …` of a host, only what is not 0.
pub fn figures(ran: &Ran, host: &str) -> String {
    let line = ran.recap(host);
    let counts = line.split_whitespace().skip(2).filter(|count| !count.ends_with("=0"));
    counts.collect::<Vec<_>>().join(" ")
}

fn lines(text: Option<String>) -> Vec<String> {
    text.unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn a_command_runs_on_every_host_over_one_connection_each() {
    let fleet = Fleet::start(5);
    let ran = fleet
        .play(
            "- hosts: workers
  gather_facts: false
  tasks:
  - command: touch {{ inventory_hostname }}
  - shell: cat; echo done >> log
    args: {stdin: 'one two'}
    register: said
  - assert: {that: said.stdout == 'one two'}
",
            &[],
        )
        .exits(0);
    for nth in 1..=5 {
        let name = format!("w{nth}");
        assert_eq!(fleet.on_host(nth, &name).as_deref(), Some(""));
        assert_eq!(fleet.on_host(nth, "log").as_deref(), Some("done\n"));
        assert_eq!(figures(&ran, &name), "ok=3 changed=2");
        assert_eq!(fleet.host(nth).connections(), 1);
    }
}

#[test]
fn batches_follow_each_other_and_handlers_run_in_each() {
    let fleet = Fleet::start(5);
    let log = fleet.path("log");
    let playbook = format!(
        "- hosts: workers
  gather_facts: false
  serial: [1, 2]
  tasks:
  - shell: echo task {{{{ inventory_hostname }}}} >> {log}
    notify: tell
  - shell: echo never {{{{ inventory_hostname }}}} >> {log}
    changed_when: false
    notify: never
  handlers:
  - name: tell
    shell: echo handler {{{{ inventory_hostname }}}} >> {log}
  - name: never
    shell: echo wrong >> {log}
",
        log = log.display()
    );
    let ran = fleet.play(&playbook, &[]).exits(0);
    let mut log = lines(std::fs::read_to_string(log).ok());
    // Within a step of a batch hosts run side by side.
    for range in [0..1, 1..2, 2..3, 3..5, 5..7, 7..9, 9..11, 11..13, 13..15] {
        log[range].sort();
    }
    let batch = |hosts: &[u32]| {
        ["task", "never", "handler"]
            .iter()
            .flat_map(|step| hosts.iter().map(move |host| format!("{step} w{host}")))
            .collect::<Vec<_>>()
    };
    assert_eq!(log, [batch(&[1]), batch(&[2, 3]), batch(&[4, 5])].concat());
    assert_eq!(ran.stdout.matches("PLAY [workers]").count(), 3);
    assert_eq!(figures(&ran, "w5"), "ok=3 changed=2");
}

#[test]
fn tasks_are_delegated_and_run_once() {
    let fleet = Fleet::start(5);
    let ran = fleet
        .play(
            "- hosts: workers
  gather_facts: false
  tasks:
  - command: touch for-{{ inventory_hostname }}
    delegate_to: w1
  - command: echo first on {{ inventory_hostname }}
    run_once: true
    register: first
  - command: touch once
    run_once: true
    delegate_to: w4
  - copy: {content: '{{ first.stdout }}', dest: shared}
",
            &[],
        )
        .exits(0);
    for nth in 1..=5 {
        assert!(fleet.on_host(1, &format!("for-w{nth}")).is_some(), "{ran}");
        assert_eq!(fleet.on_host(nth, "once").is_some(), nth == 4);
        assert_eq!(fleet.on_host(nth, "shared").as_deref(), Some("first on w1"));
    }
    assert_eq!(fleet.on_host(2, "for-w2"), None);
    assert!(ran.stdout.contains("changed: [w3 -> w1"), "{ran}");
    assert_eq!(figures(&ran, "w1"), "ok=4 changed=4");
    assert_eq!(figures(&ran, "w2"), "ok=2 changed=2");
}

#[test]
fn a_limit_leaves_the_others_alone() {
    let fleet = Fleet::start(5);
    let playbook = "- hosts: workers\n  gather_facts: false\n  tasks: [{command: touch here}]\n";
    let ran = fleet.play(playbook, &["--limit", "workers[1:2],!w2"]).exits(0);
    let touched: Vec<bool> = (1..=5).map(|nth| fleet.on_host(nth, "here").is_some()).collect();
    assert_eq!(touched, [false, false, true, false, false], "{ran}");
    assert_eq!(fleet.host(1).connections(), 0);
    assert!(!ran.stdout.contains("w1"), "{ran}");
}

const FILES: &str = "- hosts: workers
  gather_facts: false
  vars: {greeting: hello}
  tasks:
  - file: {path: '{{ root }}/etc/app', state: directory, mode: '0750'}
  - copy: {src: app.conf, dest: '{{ root }}/etc/app/app.conf', mode: '0640'}
  - template: {src: motd.j2, dest: '{{ root }}/etc/motd'}
    notify: reload
  - lineinfile: {path: '{{ root }}/etc/motd', line: 'last line'}
  - file: {src: motd, dest: '{{ root }}/etc/link', state: link}
  handlers:
  - name: reload
    command: touch reloaded
";

#[test]
fn files_are_as_wanted_and_a_second_run_changes_nothing() {
    let fleet = Fleet::start(5);
    fleet.write("app.conf", "a = 1\n");
    fleet.write("motd.j2", "{{ greeting }} {{ inventory_hostname }}\n");
    let ran = fleet.play(FILES, &[]).exits(0);
    for nth in 1..=5 {
        let motd = format!("hello w{nth}\nlast line\n");
        assert_eq!(fleet.on_host(nth, "etc/link").as_deref(), Some(motd.as_str()));
        assert_eq!(fleet.on_host(nth, "etc/app/app.conf").as_deref(), Some("a = 1\n"));
        assert!(fleet.on_host(nth, "reloaded").is_some());
        assert_eq!(figures(&ran, &format!("w{nth}")), "ok=6 changed=6");
    }
    // The template and the line disagree for ever unless the template has the line.
    fleet.write("motd.j2", "{{ greeting }} {{ inventory_hostname }}\nlast line\n");
    let before = fleet.snapshot("hosts");
    let again = fleet.ansible_playbook(&["play.yml"]).exits(0);
    for nth in 1..=5 {
        assert_eq!(figures(&again, &format!("w{nth}")), "ok=5");
    }
    assert_eq!(fleet.snapshot("hosts"), before);
}

#[test]
fn check_mode_changes_nothing_and_shows_what_would_change() {
    let fleet = Fleet::start(2);
    fleet.write("app.conf", "a = 1\n");
    fleet.write("motd.j2", "{{ greeting }} {{ inventory_hostname }}\n");
    fleet.play(FILES, &[]).exits(0);
    fleet.write("app.conf", "a = 2\n");
    let before = fleet.snapshot("hosts");
    let more = format!("{FILES}\n  post_tasks:\n  - command: touch never\n");
    let ran = fleet.play(&more, &["--check", "--diff"]).exits(0);
    assert_eq!(fleet.snapshot("hosts"), before, "{ran}");
    assert!(ran.stdout.contains("-a = 1\n+a = 2\n"), "{ran}");
    assert!(ran.stdout.contains("skipping: [w1]"), "{ran}");
    // Told in the same way by both names.
    let ran =
        fleet.mainstay(&["run", "-i", "inventory.ini", "play.yml", "--check", "--diff"]).exits(0);
    assert_eq!(fleet.snapshot("hosts"), before, "{ran}");
    assert!(ran.stdout.contains("    -a = 1\n    +a = 2\n"), "{ran}");
    assert!(ran.stdout.contains("nothing was changed (check mode)"), "{ran}");
}

/// More than a script's output keeps, of every byte, read with the rights of the task.
#[test]
fn large_files_come_whole() {
    let fleet = Fleet::start(1);
    let granting = "while [ \"$1\" != /bin/sh ]; do shift; done; chmod 600 big; exec \"$@\"";
    fleet.host(1).install("sudo", granting);
    let big: Vec<u8> = (0..=250u8).cycle().take(9_000_001).collect();
    let there = fleet.host(1).root().join("big");
    std::fs::write(&there, &big).unwrap();
    fleet
        .play(
            "- hosts: workers
  gather_facts: false
  become: true
  tasks:
  - fetch: {src: '{{ root }}/big', dest: here/, flat: true}
    register: first
  - fetch: {src: '{{ root }}/big', dest: here/, flat: true}
    register: again
  - stat: {path: big}
    register: there
  - slurp: {src: big}
    register: slurped
  - assert:
      that:
      - first is changed and again is not changed
      - first.checksum == there.stat.checksum and again.checksum == first.checksum
      - slurped.content | length == 12000004
",
            &[],
        )
        .exits(0);
    assert!(std::fs::read(fleet.path("here/big")).unwrap() == big);
    assert_eq!(std::fs::read_dir(fleet.path("here")).unwrap().count(), 1);
}
