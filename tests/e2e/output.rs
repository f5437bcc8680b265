//! What people and programs are told, and what a host's output cannot do to a terminal.

use crate::support::{Fleet, ran};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

const MIXED: &str = "- hosts: workers
  name: five hosts
  gather_facts: false
  tasks:
  - name: change
    command: echo {{ inventory_hostname }}
  - name: look
    command: echo same
    changed_when: false
  - name: only some
    shell: printf 'one\\ntwo\\n'; echo oops >&2; exit 3
    when: inventory_hostname in ['w3', 'w4']
  - name: undefined
    debug: {msg: '{{ nothing }}'}
    when: inventory_hostname == 'w5'
  - name: say
    debug: {msg: \"a\\nb\"}
";

/// The times in a report differ from run to run.
fn without_times(text: &str) -> String {
    let time = regex::Regex::new(r"\b[0-9.]+(ms|s)\b").unwrap();
    time.replace_all(text, "TIME").into_owned()
}

#[test]
fn equal_outcomes_are_folded() {
    let fleet = Fleet::start(5);
    fleet.write("play.yml", MIXED);
    let ran = fleet.mainstay(&["run", "-i", "inventory.ini", "play.yml"]).exits(2);
    assert_eq!(
        without_times(&ran.stdout),
        "
play five hosts: w[1-5] (5 hosts)
changed     change: w[1-5] (TIME)
ok          look: w[1-5] (TIME)
skipped     only some: w[1-2,5]
failed      only some: w[3-4] (TIME)
    command: printf 'one\\ntwo\\n'; echo oops >&2; exit 3
    exit status 3
    stdout:
    | one
    | two
    stderr:
    | oops
skipped     undefined: w[1-2]
failed      undefined: w5 (TIME)
    'nothing' is undefined
      --> play.yml:14:22
        |
     14 |     debug: {msg: '{{ nothing }}'}
        |                      ^
ok          say: w[1-2] (TIME)
    | a
    | b

recap: TIME
  w[1-2]  ok 3, changed 1, skipped 2
  w[3-4]  ok 2, changed 1, failed 1
  w5      ok 2, changed 1, failed 1, skipped 1
failed      w[3-4]: only some (play.yml:10:5): exit status 3
failed      w5: undefined (play.yml:13:5): 'nothing' is undefined
"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn events_are_recorded_for_programs() {
    let fleet = Fleet::start(5);
    fleet.write("play.yml", MIXED);
    for arguments in [&["run"][..], &["run", "--check"]] {
        fleet.mainstay(&[arguments, &["-i", "inventory.ini", "play.yml"]].concat());
    }
    for directory in fleet.run_directories() {
        let path = directory.join("events.jsonl");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let text = std::fs::read_to_string(path).unwrap();
        let events: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event["v"], "1.0");
            assert_eq!(event["seq"], index + 1);
            assert!(event["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        }
        let kind = |event: &serde_json::Value| event["event"]["kind"].as_str().unwrap().to_owned();
        assert_eq!(kind(&events[0]), "run_started");
        assert_eq!(kind(events.last().unwrap()), "run_ended");
        assert_eq!(events.last().unwrap()["event"]["hosts"].as_array().unwrap().len(), 5);
        let done = events.iter().filter(|event| kind(event) == "task_done").count();
        assert!(done >= 20, "{text}");
    }
}

#[test]
fn s24_hosts_have_no_power_over_the_terminal() {
    let fleet = Fleet::start(1);
    fleet.write(
        "play.yml",
        "- hosts: workers
  gather_facts: false
  tasks:
  - shell: printf '\\033[2J\\033]0;title\\007\\302\\2332J\\342\\200\\256rtl\\rover\\n'
    register: evil
  - debug: {var: evil.stdout}
  - debug: {msg: '{{ evil.stdout }}'}
  - copy: {content: '{{ evil.stdout }}', dest: evil}
  - command: 'false'
    loop: ['{{ evil.stdout }}']
    ignore_errors: true
  - fail: {msg: '{{ evil.stdout }}'}
",
    );
    let program = fleet.path("bin/ansible-playbook");
    let mut commands = Vec::new();
    for verbosity in ["--diff", "-vvv"] {
        let arguments = ["-i", "inventory.ini", "play.yml", verbosity];
        commands.push(fleet.command(&program, &arguments, &[]));
        let mainstay = std::path::Path::new(env!("CARGO_BIN_EXE_mainstay"));
        commands.push(fleet.command(mainstay, &[&["run"], &arguments[..]].concat(), &[]));
    }
    for mut command in commands {
        let ran = ran(&mut command).exits(2);
        let text = ran.stdout + &ran.stderr;
        assert!(text.contains("rtl"), "{text}");
        let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert_eq!(text.chars().find(|c| bad(*c)), None, "{text:?}");
    }
}

/// Prints more than a pipe holds, then leaves a file.
const LOUD: &str = "- hosts: workers
  gather_facts: false
  tasks:
  - name: loud
    debug: {msg: '{{ \"x\" * 300000 }} {{ inventory_hostname }}'}
  - name: still there
    command: touch after
";

#[test]
fn a_reader_that_waits_holds_nobody_up_and_misses_nothing() {
    let fleet = Fleet::start(2);
    fleet.write("play.yml", LOUD);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_mainstay"));
    let arguments = ["run", "-i", "inventory.ini", "play.yml"];
    let mut child = fleet.command(program, &arguments, &[]).spawn().unwrap();
    let started = Instant::now();
    while fleet.on_host(1, "after").is_none() || fleet.on_host(2, "after").is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "the run waits for its reader");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(text.matches("ok          loud: w").count(), 2);
    assert!(
        text.contains("changed     still there: w[1-2]") && text.contains("recap: "),
        "{}",
        text.len()
    );
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_of_its_own() {
    let fleet = Fleet::start(2);
    fleet.write("play.yml", LOUD);
    let mainstay = std::path::Path::new(env!("CARGO_BIN_EXE_mainstay"));
    let ansible = fleet.path("bin/ansible-playbook");
    for (program, first) in [(mainstay, &["run"][..]), (ansible.as_path(), &[])] {
        let arguments = [first, &["-i", "inventory.ini", "play.yml"]].concat();
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = ran(fleet.command(program, &arguments, &[]).stdout(Stdio::from(full)));
        assert_eq!(ran.code, 13, "{ran}");
        assert!(ran.stderr.contains("the report could not be written"), "{ran}");
        // What was begun is done all the same: a half-written report is no reason to leave hosts half done.
        assert!(fleet.on_host(2, "after").is_some());
        std::fs::remove_file(fleet.host(2).root().join("after")).unwrap();
    }
}

#[test]
fn what_is_not_a_terminal_gets_no_colours() {
    let fleet = Fleet::start(1);
    fleet.write("play.yml", LOUD);
    let mainstay = std::path::Path::new(env!("CARGO_BIN_EXE_mainstay"));
    for (environment, colours) in [
        (&[][..], false),
        (&[("ANSIBLE_FORCE_COLOR", "1")], true),
        // As in Ansible: who forces colours gets them.
        (&[("ANSIBLE_FORCE_COLOR", "1"), ("NO_COLOR", "1")], true),
        (&[("NO_COLOR", "1")], false),
    ] {
        let ran =
            fleet.run(mainstay, &["run", "-i", "inventory.ini", "play.yml"], environment).exits(0);
        assert_eq!(ran.stdout.contains("\x1b["), colours, "{environment:?}");
    }
}

/// What ansible-core 2.19 prints for the same play.
#[test]
fn debug_shows_what_it_was_asked_for_alone() {
    let fleet = Fleet::start(1);
    let ran = fleet
        .play(
            "- hosts: all
  gather_facts: false
  tasks:
  - assert: {that: [true]}
  - debug: {msg: x}
    loop: [1]
    loop_control: {loop_var: y, index_var: z, label: q}
  - debug: {var: inventory_hostname}
    loop: [1]
    loop_control: {loop_var: y, index_var: z}
",
            &[],
        )
        .exits(0);
    let shown = ran.stdout.replace('*', "");
    assert!(
        shown.contains(
            "
TASK [assert] 
ok: [w1] => {
    \"changed\": false,
    \"msg\": \"All assertions passed\"
}

TASK [debug] 
ok: [w1] => (item=q) => {
    \"msg\": \"x\"
}

TASK [debug] 
ok: [w1] => (item=1) => {
    \"inventory_hostname\": \"w1\",
    \"y\": 1,
    \"z\": 0
}
"
        ),
        "{ran}"
    );
}
