//! Against the real /bin/sh.

use super::LocalTarget;
use crate::transport::{Become, Captured, Command, Output, Status, Target, TransportError};
use std::time::{Duration, Instant};

async fn run(script: &str, stdin: &[u8]) -> Output {
    let command =
        Command { script: script.to_owned(), stdin: stdin.to_vec(), ..Command::default() };
    LocalTarget::new().run(command).await.unwrap()
}

#[tokio::test]
async fn streams_are_apart_and_the_exit_status_is_kept() {
    let done = run("echo out; echo err >&2; exit 7", b"").await;
    assert_eq!(done.status, Status::Exited(7));
    assert_eq!((done.stdout.text(), done.stderr.text()), ("out\n".into(), "err\n".into()));
}

#[tokio::test]
async fn a_signal_is_named() {
    let done = run("kill -TERM $$", b"").await;
    assert_eq!(done.status, Status::Signalled("TERM".into()));
    assert_eq!(done.status.code(), 143);
}

#[tokio::test]
async fn standard_input_is_the_rest_of_the_stream() {
    let input: Vec<u8> = (0..=255u8).cycle().take(300_000).collect();
    let done = run("cat", &input).await;
    assert_eq!(done.stdout.bytes, input);
    assert!(done.ok());
}

#[tokio::test]
async fn long_scripts_keep_their_input() {
    let script = format!("# {}\ncat", "x".repeat(20_000));
    assert_eq!(run(&script, b"input").await.stdout.text(), "input");
}

#[tokio::test]
async fn empty_input_is_the_null_device() {
    assert_eq!(run("cat; readlink /proc/self/fd/0", b"").await.stdout.text(), "/dev/null\n");
    let long = format!("#{}\nreadlink /proc/self/fd/0", "x".repeat(9000));
    assert_eq!(run(&long, b"").await.stdout.text(), "/dev/null\n");
}

#[tokio::test]
async fn nothing_of_the_reader_is_left_for_the_script() {
    let done =
        run("echo \"[$c$l$m$n$s]\"; set -u; echo $#; IFS= read -r x || echo none", b"").await;
    assert_eq!(done.stdout.text(), "[]\n0\nnone\n");
    assert_eq!(done.stderr.text(), "");
}

#[tokio::test]
async fn an_unread_input_is_no_error() {
    assert!(run("exit 0", &vec![b'x'; 1 << 20]).await.ok());
}

#[tokio::test]
async fn a_background_process_does_not_hold_the_task() {
    let start = Instant::now();
    let done = run("echo before; sleep 30 & echo $!", b"").await;
    assert!(start.elapsed() < Duration::from_secs(10));
    let text = done.stdout.text();
    let pid = text.strip_prefix("before\n").unwrap().trim().to_owned();
    assert!(run(&format!("kill {pid}"), b"").await.ok(), "it must still be alive");
}

#[tokio::test]
async fn the_deadline_kills_the_whole_group() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let command = Command {
        script: format!("sleep 300 & echo $! > {}; wait", file.display()),
        timeout: Some(Duration::from_millis(500)),
        ..Command::default()
    };
    let error = LocalTarget::new().run(command).await.unwrap_err();
    assert!(matches!(error, TransportError::TimedOut(limit) if limit.as_millis() == 500));
    let pid = std::fs::read_to_string(&file).unwrap();
    // A killed process may stay a zombie until process 1 reaps it.
    let check = format!("read -r s 2>/dev/null </proc/{}/stat && echo \"${{s##*) }}\"", pid.trim());
    let state = run(&check, b"").await.stdout.text();
    assert!(state.is_empty() || state.starts_with('Z') || state.starts_with('X'), "{state}");
}

#[tokio::test]
async fn a_flood_is_bounded() {
    let done = run("yes | head -c 10000000", b"").await;
    assert_eq!(done.stdout.bytes.len(), Captured::LIMIT);
    assert_eq!(done.stdout.omitted, 10_000_000 - Captured::LIMIT as u64);
}

#[tokio::test]
async fn unknown_become_methods_are_refused_by_name() {
    let rights = Become {
        method: "pbrun".into(),
        user: "root".into(),
        exe: None,
        flags: None,
        password: None,
    };
    let command = Command { script: "id".into(), become_: Some(rights), ..Command::default() };
    let error = LocalTarget::new().run(command).await.unwrap_err();
    assert!(matches!(&error, TransportError::Become(text) if text.contains("pbrun")), "{error}");
}

/// A program in the place of sudo that behaves as sudo does with `-S -p`.
fn fake_sudo(directory: &std::path::Path, body: &str) -> Become {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("sudo");
    std::fs::write(&path, format!("#!/bin/sh\n{body}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Become {
        method: "sudo".into(),
        user: "root".into(),
        exe: Some(path.display().to_string()),
        flags: None,
        password: Some("s3cret".to_owned().into()),
    }
}

const ASKING: &str = r#"
while [ "$1" != /bin/sh ]; do case $1 in -p) prompt=$2;; esac; shift; done
echo "We trust you have received the usual lecture" >&2
tries=0
while [ $tries -lt 3 ]; do
  printf %s "$prompt" >&2
  IFS= read -r word
  [ "$word" = s3cret ] && exec "$@"
  echo "Sorry, try again." >&2
  tries=$((tries+1))
done
exit 1
"#;

async fn with_rights(rights: Become, script: &str) -> Result<Output, TransportError> {
    let command = Command { script: script.into(), become_: Some(rights), ..Command::default() };
    LocalTarget::new().run(command).await
}

#[tokio::test]
async fn the_password_follows_the_prompt_and_is_not_part_of_the_output() {
    let directory = tempfile::tempdir().unwrap();
    let rights = fake_sudo(directory.path(), ASKING);
    let done = with_rights(rights, "echo done; echo err >&2").await.unwrap();
    assert_eq!((done.stdout.text(), done.stderr.text()), ("done\n".into(), "err\n".into()));
}

#[tokio::test]
async fn a_wrong_password_is_a_become_error_after_one_attempt() {
    let directory = tempfile::tempdir().unwrap();
    let mut rights = fake_sudo(directory.path(), ASKING);
    rights.password = Some("wrong".to_owned().into());
    let error = with_rights(rights, "echo done").await.unwrap_err();
    assert!(
        matches!(&error, TransportError::Become(t) if t.contains("refused the password")),
        "{error}"
    );
}

#[tokio::test]
async fn a_rule_without_password_never_feeds_it_to_the_script() {
    let directory = tempfile::tempdir().unwrap();
    let body = "while [ \"$1\" != /bin/sh ]; do shift; done\nexec \"$@\"";
    let rights = fake_sudo(directory.path(), body);
    assert_eq!(with_rights(rights, "cat; echo done").await.unwrap().stdout.text(), "done\n");
}

#[tokio::test]
async fn the_words_of_sudo_are_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let body = "echo 'deploy is not in the sudoers file.' >&2; exit 1";
    let rights = fake_sudo(directory.path(), body);
    let error = with_rights(rights, "true").await.unwrap_err().to_string();
    assert_eq!(error, "sudo to root failed: deploy is not in the sudoers file.");
}

#[tokio::test]
async fn copies_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("a"), directory.path().join("b"));
    std::fs::write(&from, "text").unwrap();
    LocalTarget::new().upload(&from, to.to_str().unwrap()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "text");
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
}

/// A program in the place of su: it asks in another language, and complains in two writes.
const SU: &str = r#"
[ "$1" = nosuch ] && { printf 'su: ' >&2; sleep 0.2; echo 'user nosuch does not exist' >&2; exit 1; }
printf 'Mot de passe : ' >&2
IFS= read -r word
[ "$word" = s3cret ] || { echo >&2; echo 'su: Authentication failure' >&2; exit 1; }
shift 2
exec /bin/sh -c "$1"
"#;

#[tokio::test]
async fn su_gets_its_password_at_its_own_prompt() {
    let directory = tempfile::tempdir().unwrap();
    let su = Become { method: "su".into(), ..fake_sudo(directory.path(), SU) };
    let run = |rights: Become| async move {
        let command = Command {
            script: "cat; echo done".into(),
            stdin: b"input\n".to_vec(),
            become_: Some(rights),
            ..Command::default()
        };
        LocalTarget::new().run(command).await
    };
    assert_eq!(run(su.clone()).await.unwrap().stdout.text(), "input\ndone\n");
    let wrong = Become { password: Some("wrong".to_owned().into()), ..su.clone() };
    let error = run(wrong).await.unwrap_err().to_string();
    assert_eq!(error, "su to root failed: su: Authentication failure");
    let without = Become { password: None, ..su.clone() };
    assert!(run(without).await.unwrap_err().to_string().contains("asks for a password"));
    let nosuch = Become { user: "nosuch".into(), ..su };
    let error = run(nosuch).await.unwrap_err().to_string();
    assert_eq!(error, "su to nosuch failed: su: user nosuch does not exist");
}

#[tokio::test]
async fn a_shell_that_stops_reading_has_run_nothing() {
    let directory = tempfile::tempdir().unwrap();
    // As bash does with TMOUT: the marker was printed, then the shell ends without an error.
    let body = "while [ \"$1\" != /bin/sh ]; do shift; done\n\
                marker=${3#*echo }; echo ${marker%%;*} $$ | sed 's/ \\$\\$//'; exit 0";
    let rights = Become { password: None, ..fake_sudo(directory.path(), body) };
    let error = with_rights(rights, "echo ran").await.unwrap_err().to_string();
    assert!(error.contains("before it had read the script"), "{error}");
}

/// The script runs as soon as it has arrived; its standard error may come in one moment with the marker.
#[tokio::test]
async fn the_first_word_of_standard_error_is_the_scripts() {
    for _ in 0..200 {
        let output = run("echo why >&2; exit 1", b"").await;
        assert_eq!(output.stderr.text(), "why\n");
    }
}
