//! Facts that outlive a run (`fact_caching = jsonfile`), and when they are gathered again.

use crate::support::{Fleet, Ran};

const SETTINGS: &str = "[defaults]
fact_caching = jsonfile
fact_caching_connection = kept
fact_caching_prefix = p_
fact_caching_timeout = 100
gathering = smart
";

const SHOW: &str = "- hosts: w1
  tasks:
  - debug: {msg: \"{{ role | default('none') }} {{ ansible_facts.zone | default('none') }} {{ ansible_zone | default('none') }}\"}
";

const SET: &str = "- hosts: w1
  gather_facts: false
  tasks:
  - set_fact: {role: worker, ansible_zone: north, cacheable: true}
  - set_fact: {gone: true}
";

fn fleet() -> Fleet {
    let fleet = Fleet::start(1);
    fleet.write("ansible.cfg", SETTINGS);
    fleet
}

/// What the task of [`SHOW`] said, and whether facts were gathered before it.
fn said(ran: &Ran) -> (bool, String) {
    let message = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("\"msg\": "));
    (ran.stdout.contains("Gathering Facts"), message.unwrap_or_default().to_owned())
}

fn kept(fleet: &Fleet) -> Vec<String> {
    let files = fleet.snapshot("kept");
    files.iter().map(|(path, _)| path.file_name().unwrap().to_string_lossy().into()).collect()
}

#[test]
fn cacheable_facts_and_what_was_gathered_are_there_in_the_next_run() {
    let fleet = fleet();
    fleet.play(SET, &[]).exits(0);
    assert_eq!(kept(&fleet), ["p_s1_w1"]);
    // Nothing was gathered yet, so `smart` gathers; the second time it does not.
    let expected = "\"worker north north\"".to_owned();
    assert_eq!(said(&fleet.play(SHOW, &[]).exits(0)), (true, expected.clone()));
    assert_eq!(said(&fleet.play(SHOW, &[]).exits(0)), (false, expected));
    let ran = fleet.play(SHOW, &["--flush-cache"]).exits(0);
    assert_eq!(said(&ran), (true, "\"none none none\"".to_owned()));
}

#[test]
fn cleared_facts_and_old_ones_are_gone() {
    let fleet = fleet();
    fleet.play(SET, &[]).exits(0);
    let file = fleet.path("kept/p_s1_w1");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(101);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    assert_eq!(said(&fleet.play(SHOW, &[]).exits(0)), (true, "\"none none none\"".to_owned()));
    fleet
        .play("- hosts: w1\n  gather_facts: false\n  tasks: [{meta: clear_facts}]\n", &[])
        .exits(0);
    assert!(kept(&fleet).is_empty());
}

#[test]
fn a_record_that_cannot_be_read_is_a_warning() {
    let fleet = fleet();
    fleet.write("kept/p_s1_w1", "no json");
    let ran = fleet.play(SHOW, &[]).exits(0);
    assert!(ran.stderr.contains("cannot read the cached facts of w1"), "{ran}");
    assert!(said(&ran).0);
}

#[test]
fn other_caches_are_refused_by_name() {
    let fleet = fleet();
    fleet.write("ansible.cfg", "[defaults]\nfact_caching = redis\n");
    let ran = fleet.play(SHOW, &[]).exits(5);
    assert!(ran.stderr.contains("\"redis\" is not supported"), "{ran}");
    fleet.write("ansible.cfg", "[defaults]\nfact_caching = jsonfile\n");
    let ran = fleet.play(SHOW, &[]).exits(5);
    assert!(ran.stderr.contains("needs a directory"), "{ran}");
}

#[test]
fn what_a_lookup_makes_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let fleet = Fleet::start(1);
    let play = "- hosts: w1\n  gather_facts: false\n  tasks:\n  - debug: {msg: \"{{ lookup('password', 'new/word') | length }}\"}\n";
    fleet.play(play, &[]).exits(0);
    let mode =
        |name: &str| std::fs::metadata(fleet.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("new"), mode("new/word")), (0o700, 0o600));
}
