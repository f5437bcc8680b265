//! Programs of others against a node's SSH server: OpenSSH's `ssh`, `sftp` and `scp`, and ansible-core. They must be
//! there: `tests/real/run lab`.

#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use support::ssh::Host;
use tokio::process::Command;

/// The client's side: its key, what it knows of hosts.
struct Client {
    host: Host,
    dir: PathBuf,
}

impl Client {
    async fn new() -> Self {
        let host = Host::new("w1").await;
        let dir = host.bench.dir.path().join("client");
        fs::create_dir(&dir).unwrap();
        support::write_private(&dir.join("key"), &host.key_file());
        fs::write(dir.join("known_hosts"), host.known_hosts()).unwrap();
        let config = format!(
            "Host *\n IdentityFile {0}/key\n IdentitiesOnly yes\n UserKnownHostsFile {0}/known_hosts\n \
             GlobalKnownHostsFile /dev/null\n StrictHostKeyChecking yes\n BatchMode yes\n LogLevel ERROR\n \
             Port {1}\n User root\nHost w1\n HostName 127.0.0.1\n HostKeyAlias w1\nHost inner\n HostName 127.0.0.1\n \
             HostKeyAlias w1\n ProxyJump w1\n",
            dir.display(),
            host.server.address().port()
        );
        fs::write(dir.join("config"), config).unwrap();
        Self { host, dir }
    }

    async fn run(&self, line: &str) -> Output {
        self.feed(line, "").await
    }

    /// Runs a line of `sh` with this input; `$F` is the option that names the configuration.
    async fn feed(&self, line: &str, input: &str) -> Output {
        use tokio::io::AsyncWriteExt;
        let mut child = Command::new("sh")
            .args(["-c", line])
            .current_dir(&self.dir)
            .env("F", format!("-F{}/config", self.dir.display()))
            .env("ANSIBLE_SSH_ARGS", format!("-F {}/config", self.dir.display()))
            .env("ANSIBLE_LOCAL_TEMP", self.dir.join("ansible"))
            .env("ANSIBLE_HOME", self.dir.join("home"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let done =
            tokio::time::timeout(std::time::Duration::from_secs(60), child.wait_with_output());
        done.await.expect("it hangs").unwrap()
    }

    async fn expect(&self, line: &str, stdout: &str) {
        let output = self.run(line).await;
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown == stdout, "{line}\n{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
#[ignore = "needs OpenSSH: tests/real/run lab"]
async fn ssh_runs_commands() {
    let client = Client::new().await;
    client
        .expect(
            "ssh $F w1 'hostname; id -u; pwd; echo $SSH_CONNECTION | cut -d\" \" -f1'",
            "w1\n0\n/root\n127.0.0.1\n",
        )
        .await;
    client
        .expect("ssh $F w1 'echo out; echo err >&2; exit 42' 2>&1; echo $?", "out\nerr\n42\n")
        .await;
    client.expect("ssh $F w1 'kill -TERM $$'; echo $?", "255\n").await;
    client.expect("ssh $F -o SetEnv='LC_X=ü FOO=1' w1 'echo $LC_X-$FOO'", "ü-\n").await;
    client
        .expect(
            "head -c 5242880 /dev/urandom > big; ssh $F w1 cat < big | cmp - big && echo same",
            "same\n",
        )
        .await;
    client.expect("ssh $F w1 'head -c 3 >/dev/null; echo early' < big", "early\n").await;
    client
        .expect("ssh $F w1 'sleep 1000 >/dev/null 2>&1 </dev/null & echo started'", "started\n")
        .await;
    client.expect("echo 'echo $0; exit 3' | ssh $F w1; echo $?", "-bash\n3\n").await;
    client.expect("ssh $F -o ServerAliveInterval=1 w1 'sleep 3; echo alive'", "alive\n").await;
    client
        .expect(
            "ssh $F nobody-here@w1 true 2>&1 | tr -d '\\r'",
            "nobody-here@127.0.0.1: Permission denied (publickey,password).\n",
        )
        .await;
    client.host.finish().await;
}

#[tokio::test]
#[ignore = "needs OpenSSH: tests/real/run lab"]
async fn ssh_has_terminals_and_jumps() {
    let client = Client::new().await;
    client
        .expect(
            "ssh $F -tt w1 'tty; test -n \"$SSH_TTY\" && echo set; exit 5' </dev/null; echo $?",
            "/dev/pts/0\r\nset\r\n5\n",
        )
        .await;
    client.expect("TERM=vt100 ssh $F -tt w1 'echo $TERM' </dev/null", "vt100\r\n").await;
    client
        .expect("ssh $F -tt w1 'read x; echo got $x' <<E\nhello\nE\n", "hello\r\ngot hello\r\n")
        .await;
    client
        .expect("ssh $F inner 'hostname; head -c 5242880 | wc -c' < /dev/zero", "w1\n5242880\n")
        .await;
    client.expect("ssh $F -W 127.0.0.1:1 w1 2>&1 | tr -d '\\r'", "stdio forwarding failed\n").await;
    client.host.finish().await;
}

#[tokio::test]
#[ignore = "needs OpenSSH: tests/real/run lab"]
async fn one_connection_carries_many_sessions() {
    let client = Client::new().await;
    let master = "ssh $F -o ControlPath=ctl -o ControlMaster=yes -o ControlPersist=no -N -f w1 </dev/null >/dev/null 2>&1";
    let line = format!(
        "{master}; for i in 1 2 3 4 5; do ssh $F -o ControlPath=ctl w1 \"head -c 1000000 /dev/zero | wc -c\" & done; wait; ssh $F -o ControlPath=ctl -O exit w1 2>/dev/null"
    );
    client.expect(&line, &"1000000\n".repeat(5)).await;
    assert_eq!(client.host.server.connections(), 1);
    client.host.finish().await;
}

#[tokio::test]
#[ignore = "needs OpenSSH: tests/real/run lab"]
async fn files_are_copied() {
    let client = Client::new().await;
    client.run("head -c 5242880 /dev/urandom > big; mkdir tree; echo a > tree/a; ln -s a tree/l; chmod 640 tree/a; touch -d @1000000000 tree/a").await;
    client.expect("scp $F -q big w1:/var/big && ssh $F w1 cat /var/big | cmp - big && scp $F -q w1:/var/big back && cmp back big && echo same", "same\n").await;
    client
        .expect(
            "scp $F -q -O big w1:/var/big2 && ssh $F w1 cmp /var/big /var/big2 && echo same",
            "same\n",
        )
        .await;
    client
        .expect(
            "scp $F -q -r -p tree w1:tree && ssh $F w1 'stat -c \"%a %Y %n\" tree/a'",
            "640 1000000000 tree/a\n",
        )
        .await;
    let batch = "mkdir d\nput big d/x\nrename d/x d/y\nln -s y d/z\nchmod 600 d/y\nls -1 d\nget d/y again\nrm d/z\nrm d/y\nrmdir d\npwd\n";
    let output = client.feed("sftp $F -q -b - w1; cmp again big && echo same", batch).await;
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let heard: Vec<_> = shown.lines().filter(|line| !line.starts_with("sftp>")).collect();
    assert_eq!(heard, ["d/y", "d/z", "Remote working directory: /root", "same"], "{output:?}");
    let output = client.feed("sftp $F -q -b - w1", "get /no/such\n").await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("not found"), "{output:?}");
    client.host.finish().await;
}

#[tokio::test]
#[ignore = "needs ansible-core: tests/real/run lab"]
async fn ansible_runs_command_and_copy() {
    let client = Client::new().await;
    let ansible = std::env::var("ANSIBLE").unwrap_or_else(|_| "ansible".to_owned());
    fs::write(client.dir.join("hosts"), "w1\n").unwrap();
    fs::write(client.dir.join("file"), "text\n").unwrap();
    for (arguments, expected) in [
        ("-m raw -a hostname", "w1 | CHANGED | rc=0 >>\nw1\n\n"),
        ("-m command -a hostname", "w1 | CHANGED | rc=0 >>\nw1\n"),
    ] {
        client.expect(&format!("{ansible} -i hosts w1 {arguments}"), expected).await;
    }
    let copy =
        format!("{ansible} -i hosts w1 -m copy -a 'src=file dest=/etc/file mode=0600' | head -1");
    client.expect(&copy, "w1 | CHANGED => {\n").await;
    client.expect(&copy, "w1 | SUCCESS => {\n").await;
    assert_eq!(fs::read_to_string(client.host.node.root().join("etc/file")).unwrap(), "text\n");
    client.expect(&format!("{ansible} -i hosts w1 -m setup -a filter=ansible_service_mgr,ansible_distribution | grep -E 'Debian|systemd' | tr -d ' '"), "\"ansible_distribution\":\"Debian\",\n\"ansible_service_mgr\":\"systemd\",\n").await;
    client.host.finish().await;
}
