//! `become`: whose rights a task has, and when they are asked for. What ansible-core 2.19 does was seen with its `sudo`
//! over OpenSSH and on the controller.

use crate::support::Fleet;

/// Says that it was asked, and runs the command as `sudo` gives it over: after `-i` by a shell, with a backslash before
/// everything but letters, digits, `_`, `-` and `$`.
const SUDO: &str = r#"
echo "$*" >> "$HOME/asked"
shell=
while :; do case $1 in
    -p|-u) shift 2 ;;
    -*i) shell=1; shift ;;
    -*) shift ;;
    *) break ;;
esac; done
[ "$shell" ] || exec "$@"
line=
for word; do line="$line $(printf %s "$word" | sed 's/[^A-Za-z0-9_$-]/\\&/g')"; done
exec sh -c "$line""#;

const PLAY: &str = "- hosts: all
  gather_facts: false
  become: true
  tasks:
  - shell: printf %s \"it's $((1 + 1))\" > said
";

#[test]
fn who_is_that_user_already_asks_for_nothing_unless_told_to() {
    let fleet = Fleet::start(1);
    fleet.host(1).install("sudo", SUDO);
    let same = "ansible_user=tester ansible_become_user=tester";
    let flags = "ansible_user=tester ansible_become_user=tester ansible_become_flags=-i";
    let always = [("ANSIBLE_BECOME_ALLOW_SAME_USER", "true")];
    fleet.write("play.yml", PLAY);
    for (variables, environment, asked) in [
        (same, &always[..0], false),
        (flags, &always[..0], false),
        (same, &always[..], true),
        ("ansible_user=tester", &always[..0], true),
        ("ansible_user=root ansible_become_user=tester", &always[..0], true),
        // Whom ssh logs in as is not known here.
        ("ansible_become_user=tester", &always[..0], true),
    ] {
        let arguments = ["-i", "inventory.ini", "play.yml", "-e", variables];
        let ran = fleet.run(&fleet.path("bin/ansible-playbook"), &arguments, environment).exits(0);
        assert_eq!(fleet.on_host(1, "asked").is_some(), asked, "{variables} {environment:?} {ran}");
        assert_eq!(fleet.on_host(1, "said").as_deref(), Some("it's 2"));
        std::fs::remove_file(fleet.host(1).root().join("said")).unwrap();
        std::fs::remove_file(fleet.host(1).root().join("asked")).ok();
    }
}

#[test]
fn the_controller_asks_for_no_rights_that_it_has() {
    let fleet = Fleet::start(0);
    let me = std::process::Command::new("id").arg("-un").output().unwrap();
    let me = String::from_utf8(me.stdout).unwrap();
    fleet.write(
        "play.yml",
        &PLAY.replace("- hosts: all", "- hosts: localhost\n  connection: local"),
    );
    let exe = fleet.path("nosuchsudo").display().to_string();
    let run = |user: &str| {
        let variables = format!("ansible_become_user={user} ansible_become_exe={exe}");
        let arguments = ["play.yml", "-e", &variables];
        fleet.run(&fleet.path("bin/ansible-playbook"), &arguments, &[])
    };
    run(me.trim()).exits(0);
    assert_eq!(std::fs::read_to_string(fleet.path("said")).unwrap(), "it's 2");
    run("nobody-of-this-name").exits(2);
}

/// `sudo -i` has the text of the command read by the user's own shell once more.
#[test]
fn a_login_shell_in_between_changes_nothing() {
    let fleet = Fleet::start(1);
    fleet.host(1).install("sudo", SUDO);
    for flags in ["-i", "-Hi", "-H"] {
        let variables = format!("ansible_become_flags={flags}");
        fleet.play(PLAY, &["-e", &variables]).exits(0);
        assert!(fleet.on_host(1, "asked").unwrap().contains(flags));
        assert_eq!(fleet.on_host(1, "said").as_deref(), Some("it's 2"), "{flags}");
        std::fs::remove_file(fleet.host(1).root().join("said")).unwrap();
    }
}
