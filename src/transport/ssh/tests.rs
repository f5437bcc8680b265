//! Against a server in this process with the real /bin/sh behind it.

#[path = "../../../tests/support/ssh_server.rs"]
#[allow(dead_code, unreachable_pub, reason = "of the tests over SSH, which use all of it")]
mod server;

use crate::transport::{Command, ConnectOptions, ConnectSettings, Connector, Output, Person};
use crate::transport::{Status, Target, TransportError};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use server::{SshServer, closed_port, new_key};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The key that everybody has and servers know.
static KEY: LazyLock<PrivateKey> = LazyLock::new(new_key);

/// A server, and its files.
struct Server {
    ssh: SshServer,
    _root: tempfile::TempDir,
}

impl std::ops::Deref for Server {
    type Target = SshServer;

    fn deref(&self) -> &SshServer {
        &self.ssh
    }
}

impl Server {
    /// Knows the key.
    async fn start() -> Self {
        Self::knowing(&KEY).await
    }

    /// Knows another key, and the password `s3cret`.
    async fn with_password() -> Self {
        let server = Self::knowing(&new_key()).await;
        server.set_password("s3cret");
        server
    }

    async fn knowing(key: &PrivateKey) -> Self {
        let root = tempfile::tempdir().unwrap();
        let ssh = SshServer::start(root.path().to_owned(), key.public_key().clone()).await;
        Self { ssh, _root: root }
    }
}

/// A public key that no server has.
fn other_key() -> String {
    new_key().public_key().to_openssh().unwrap()
}

/// A person with an empty home, a key, and the server's key on record.
struct Desk {
    home: tempfile::TempDir,
    connector: Connector,
}

impl Desk {
    fn new(server: &Server) -> Self {
        let home = tempfile::tempdir().unwrap();
        let ssh = home.path().join(".ssh");
        std::fs::create_dir(&ssh).unwrap();
        std::fs::write(ssh.join("id_ed25519"), KEY.to_openssh(LineEnding::LF).unwrap()).unwrap();
        std::fs::write(ssh.join("known_hosts"), server.known_hosts_line()).unwrap();
        let person =
            Person { home: home.path().to_owned(), user: "me".into(), ..Person::default() };
        let settings = ConnectSettings {
            system_config: home.path().join("none"),
            ..ConnectSettings::new(person)
        };
        Self { home, connector: Connector::new(settings) }
    }

    fn known_hosts(&self) -> std::path::PathBuf {
        self.home.path().join(".ssh/known_hosts")
    }

    fn target(&self, server: &Server) -> Arc<dyn Target> {
        self.connector.target("host", &options(server)).unwrap()
    }
}

fn options(server: &Server) -> ConnectOptions {
    ConnectOptions {
        name: "node1".into(),
        host: Some("127.0.0.1".into()),
        port: Some(server.port()),
        ..ConnectOptions::default()
    }
}

fn script(text: &str) -> Command {
    Command { script: text.into(), ..Command::default() }
}

async fn text(target: &Arc<dyn Target>, command: &str) -> String {
    target.run(script(command)).await.unwrap().stdout.text()
}

#[tokio::test]
async fn a_script_has_its_own_streams_and_status() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    for _ in 0..5 {
        let Output { status, stdout, stderr } =
            target.run(script("echo out; echo err >&2; exit 7")).await.unwrap();
        assert_eq!(status, Status::Exited(7));
        assert_eq!((stdout.text(), stderr.text()), ("out\n".into(), "err\n".into()));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn input_arrives_whole() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    let stdin: Vec<u8> = (0..=255u8).cycle().take(500_000).collect();
    let command = Command { script: "cat".into(), stdin: stdin.clone(), ..Command::default() };
    assert_eq!(target.run(command).await.unwrap().stdout.bytes, stdin);
}

#[tokio::test]
async fn scripts_run_side_by_side_on_one_connection() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    let all = futures::future::join_all((0..20).map(|index| {
        let target = Arc::clone(&target);
        async move { text(&target, &format!("echo {index}")).await }
    }));
    for (index, text) in all.await.into_iter().enumerate() {
        assert_eq!(text, format!("{index}\n"));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn f13_few_sessions_are_enough() {
    let server = Server::start().await;
    server.limit_sessions(1);
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    let all = futures::future::join_all((0..6).map(|index| {
        let target = Arc::clone(&target);
        async move { text(&target, &format!("echo {index}")).await }
    }));
    assert_eq!(all.await.len(), 6);
}

#[tokio::test]
async fn a_refused_login_says_what_was_tried() {
    let server = Server::with_password().await;
    let desk = Desk::new(&server);
    let error = desk.target(&server).run(script("true")).await.unwrap_err();
    let TransportError::Authentication(text) = &error else { panic!("{error}") };
    assert!(text.contains("id_ed25519") && text.contains("ansible_password"), "{text}");
}

#[tokio::test]
async fn a_password_is_used_after_keys_were_refused() {
    let server = Server::with_password().await;
    let desk = Desk::new(&server);
    let with = |password: &str| ConnectOptions {
        password: Some(password.to_owned().into()),
        ..options(&server)
    };
    let target = desk.connector.target("right", &with("s3cret")).unwrap();
    assert_eq!(text(&target, "echo in").await, "in\n");
    let target = desk.connector.target("wrong", &with("other")).unwrap();
    let error = target.run(script("true")).await.unwrap_err().to_string();
    assert!(error.contains("password") && !error.contains("other"), "{error}");
}

#[tokio::test]
async fn s1_an_unknown_key_is_refused_and_nothing_is_sent() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    std::fs::write(desk.known_hosts(), "").unwrap();
    let error = desk.target(&server).run(script("true")).await.unwrap_err();
    assert!(matches!(&error, TransportError::HostKey(t) if t.contains("SHA256:")), "{error}");
    assert_eq!(server.logins(), 0);
}

#[tokio::test]
async fn s2_a_changed_key_is_refused_even_if_unknown_ones_are_accepted() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let line = format!("[127.0.0.1]:{} {}", server.port(), other_key());
    std::fs::write(desk.known_hosts(), &line).unwrap();
    let error = desk.target(&server).run(script("true")).await.unwrap_err();
    assert!(matches!(&error, TransportError::HostKey(t) if t.contains("HAS CHANGED")), "{error}");
    let args = Some("-o StrictHostKeyChecking=accept-new".to_owned());
    let accepting = ConnectOptions { common_args: args, ..options(&server) };
    let target = desk.connector.target("new", &accepting).unwrap();
    assert!(matches!(target.run(script("true")).await, Err(TransportError::HostKey(_))));
    assert_eq!(std::fs::read_to_string(desk.known_hosts()).unwrap(), line);
}

#[tokio::test]
async fn without_checking_a_changed_host_gets_no_password() {
    let server = Server::with_password().await;
    let desk = Desk::new(&server);
    let line = format!("[127.0.0.1]:{} {}", server.port(), other_key());
    std::fs::write(desk.known_hosts(), line).unwrap();
    let careless = ConnectOptions {
        host_key_checking: Some(false),
        password: Some("s3cret".to_owned().into()),
        ..options(&server)
    };
    let target = desk.connector.target("careless", &careless).unwrap();
    let error = target.run(script("true")).await.unwrap_err().to_string();
    assert!(error.contains("key has changed"), "{error}");
}

#[tokio::test]
async fn accept_new_records_the_key_once() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    std::fs::remove_file(desk.known_hosts()).unwrap();
    let args = Some("-o StrictHostKeyChecking=accept-new".to_owned());
    let accepting = ConnectOptions { common_args: args, ..options(&server) };
    for key in ["one", "two"] {
        let target = desk.connector.target(key, &accepting).unwrap();
        assert_eq!(text(&target, "echo in").await, "in\n");
    }
    let recorded = std::fs::read_to_string(desk.known_hosts()).unwrap();
    assert_eq!(recorded.trim(), server.known_hosts_line().trim());
}

#[tokio::test]
async fn f2_a_cut_after_the_script_was_sent_is_lost() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    let ran = desk.home.path().join("ran");
    let command = script(&format!("echo x >> {}; sleep 60", ran.display()));
    let cut = async {
        while !ran.exists() {
            tokio::task::yield_now().await;
        }
        server.cut();
    };
    let (result, ()) = tokio::join!(target.run(command), cut);
    assert!(matches!(result, Err(TransportError::Lost(_))), "{result:?}");
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "x\n", "it must not run twice");
    // The next use opens a new connection.
    assert_eq!(text(&target, "echo again").await, "again\n");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_dead_connection_is_replaced_before_anything_is_sent() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    assert_eq!(text(&target, "echo one").await, "one\n");
    target.disconnect().await;
    assert_eq!(text(&target, "echo two").await, "two\n");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn the_deadline_kills_what_runs() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    let file = desk.home.path().join("pid");
    let command = Command {
        script: format!("sleep 300 & echo $! >{}; wait", file.display()),
        timeout: Some(Duration::from_millis(700)),
        ..Command::default()
    };
    let error = target.run(command).await.unwrap_err();
    assert!(matches!(error, TransportError::TimedOut(_)), "{error}");
    let pid = std::fs::read_to_string(&file).unwrap();
    assert!(gone(pid.trim()).await, "{pid}");
}

#[tokio::test]
async fn the_deadline_kills_a_script_whose_shell_was_still_starting() {
    let server = Server::start().await;
    server.slow_down();
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    let file = desk.home.path().join("pid");
    let command = Command {
        script: format!("sleep 300 & echo $! >{}; wait", file.display()),
        timeout: Some(Duration::from_millis(100)),
        ..Command::default()
    };
    let error = target.run(command).await.unwrap_err();
    assert!(matches!(error, TransportError::TimedOut(_)), "{error}");
    // By then the shell has started, and another one after it.
    assert_eq!(text(&target, "echo after").await, "after\n");
    assert_eq!(text(&target, "echo after").await, "after\n");
    if let Ok(pid) = std::fs::read_to_string(&file) {
        assert!(gone(pid.trim()).await, "{pid}");
    }
}

/// Whether a process ends within five seconds.
async fn gone(pid: &str) -> bool {
    let stat = format!("/proc/{pid}/stat");
    let dead = |text: String| text.contains(") Z") || text.contains(") X");
    let wait = async {
        while Path::new(&stat).exists() && !std::fs::read_to_string(&stat).is_ok_and(dead) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.is_ok()
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let (_closed, port) = closed_port();
    let nowhere = ConnectOptions { port: Some(port), ..options(&server) };
    let target = desk.connector.target("nowhere", &nowhere).unwrap();
    let error = target.run(script("true")).await.unwrap_err();
    assert!(matches!(&error, TransportError::Unreachable(t) if t.contains("refused")), "{error}");
}

#[tokio::test]
async fn jump_hosts_are_passed_and_shared() {
    let inner = Server::start().await;
    let jump = Server::start().await;
    let desk = Desk::new(&inner);
    let lines = inner.known_hosts_line() + &jump.known_hosts_line();
    std::fs::write(desk.known_hosts(), lines).unwrap();
    let forms = [
        format!("-J boss@127.0.0.1:{}", jump.port()),
        format!("-o ProxyJump=boss@127.0.0.1:{}", jump.port()),
        format!("-o ProxyCommand=\"ssh -W %h:%p -q -p {} boss@127.0.0.1\"", jump.port()),
    ];
    for (index, form) in forms.into_iter().enumerate() {
        for host in ["a", "b"] {
            let through = ConnectOptions { common_args: Some(form.clone()), ..options(&inner) };
            let key = format!("{index}{host}");
            let target = desk.connector.target(&key, &through).unwrap();
            assert_eq!(text(&target, "echo there").await, "there\n");
        }
    }
    assert_eq!(inner.connections(), 6);
    assert!(jump.connections() <= 2, "{} connections to the jump host", jump.connections());
}

#[tokio::test]
async fn streams_reach_what_the_host_reaches() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::start().await;
    let desk = Desk::new(&server);
    let target = desk.target(&server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut stream = target.open_stream("127.0.0.1", port).await.unwrap();
    let (mut accepted, _) = listener.accept().await.unwrap();
    stream.write_all(b"ping").await.unwrap();
    let mut bytes = [0; 4];
    accepted.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
    let (_closed, port) = closed_port();
    assert!(target.open_stream("127.0.0.1", port).await.is_err());
}

#[test]
fn unknown_connections_and_options_are_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let person = Person { home: home.path().to_owned(), user: "me".into(), ..Person::default() };
    let connector = Connector::new(ConnectSettings {
        system_config: home.path().join("none"),
        ..ConnectSettings::new(person)
    });
    let refuse = |options: ConnectOptions| match connector.target("key", &options) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was accepted"),
    };
    let kind = |kind: &str| ConnectOptions { kind: kind.into(), ..ConnectOptions::default() };
    assert!(refuse(kind("winrm")).contains("winrm"));
    let args = |text: &str| ConnectOptions {
        name: "node1".into(),
        common_args: Some(text.into()),
        ..ConnectOptions::default()
    };
    for (text, part) in [
        ("-o Nonsense=yes", "nonsense"),
        ("-A", "agent forwarding"),
        ("-o ForwardAgent=yes", "forwardagent"),
        ("-o ProxyCommand='nc %h %p'", "ProxyCommand"),
        ("node2", "node2"),
        ("-o 'Port=99999'", "99999"),
    ] {
        let said = refuse(args(text));
        assert!(said.contains(part), "{text}: {said}");
    }
    for name in ["-oProxyCommand=x", "a b", "a;b", "$(x)", "a`b`"] {
        let said = refuse(ConnectOptions { name: name.into(), ..ConnectOptions::default() });
        assert!(said.contains("cannot be the name"), "{name}: {said}");
    }
}
