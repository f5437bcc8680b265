use super::*;
use crate::cluster::Cluster;
use crate::cluster::testing::VirtualClock;
use crate::transport::{Captured, Command, Output, Status};
use async_trait::async_trait;
use std::path::Path;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a master does when it is dialled.
#[derive(Clone, Copy)]
enum Way {
    /// Answers every request on a connection.
    Answers,
    /// Answers one request, then closes the connection without saying so.
    AnswersOnce,
    /// Refuses 127.0.0.1, answers elsewhere.
    OtherAddress,
    /// Accepts, and closes before answering.
    Closes,
    /// Accepts, and never answers.
    Silent,
    /// Never accepts.
    Hangs,
    /// Refuses the connection.
    Refuses,
    /// Forbids forwarding.
    Forbids,
}

struct FakeMaster {
    way: Way,
    dialled: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Target for FakeMaster {
    async fn run(&self, command: Command) -> Result<Output, TransportError> {
        let stdout = if command.script.contains(ADMIN_CONF) { "conf\0manifest\n" } else { "" };
        let captured = |text: &str| Captured { bytes: text.into(), omitted: 0 };
        Ok(Output {
            status: Status::Exited(0),
            stdout: captured(stdout),
            stderr: Captured::default(),
        })
    }

    async fn upload(&self, _: &Path, _: &str) -> Result<(), TransportError> {
        Err(TransportError::Unsupported("files".into()))
    }

    async fn open_stream(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.dialled.lock().unwrap().push(format!("{host}:{port}"));
        let (ours, theirs) = tokio::io::duplex(4096);
        let requests = match self.way {
            Way::Refuses => return Err(TransportError::Unreachable("refused".into())),
            Way::OtherAddress if host == "127.0.0.1" => {
                return Err(TransportError::Unreachable("refused".into()));
            }
            Way::Forbids => return Err(TransportError::Unsupported("no forwarding".into())),
            Way::Hangs => std::future::pending().await,
            Way::Answers | Way::OtherAddress => usize::MAX,
            Way::AnswersOnce => 1,
            Way::Closes => 0,
            Way::Silent => {
                tokio::spawn(async move {
                    let _open = theirs;
                    std::future::pending::<()>().await;
                });
                return Ok(Box::new(ours));
            }
        };
        tokio::spawn(serve(theirs, requests));
        Ok(Box::new(ours))
    }

    async fn disconnect(&self) {}

    fn is_local(&self) -> bool {
        false
    }
}

/// HTTP/1.1, as much of it as a GET without a body needs.
async fn serve(mut stream: tokio::io::DuplexStream, requests: usize) {
    let body = r#"{"metadata": {"name": "n1", "uid": "u1"}}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for _ in 0..requests {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn conf(extra: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: 'http://vip:1'}}}}]\n\
         users: [{{name: u, user: {{{extra}}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
    )
}

type Dialled = Arc<Mutex<Vec<String>>>;

async fn cluster(ways: &[Way]) -> (Cluster, Arc<VirtualClock>, Vec<Dialled>) {
    let clock = Arc::new(VirtualClock::default());
    let mut masters = Vec::new();
    let mut logs = Vec::new();
    for (n, way) in ways.iter().enumerate() {
        let dialled = Dialled::default();
        logs.push(Arc::clone(&dialled));
        masters.push(Master {
            name: format!("m{}", n + 1),
            target: Arc::new(FakeMaster { way: *way, dialled }),
            admin_conf: conf("token: t"),
            context: None,
            manifest: Some("- --secure-port=6443\n- --advertise-address=10.0.0.1\n".into()),
        });
    }
    let access = ClusterAccess::ThroughMasters(masters);
    let cluster = Cluster::connect(access, Arc::clone(&clock) as _).await.unwrap();
    (cluster, clock, logs)
}

#[tokio::test]
async fn one_request_finds_the_master_that_answers() {
    use Way::{Answers, Closes, Forbids, Hangs, OtherAddress, Refuses, Silent};
    // (first master, seconds that its trouble may cost)
    for (first, seconds) in
        [(Refuses, 0), (Closes, 0), (Forbids, 0), (Hangs, 20), (Silent, 30), (OtherAddress, 0)]
    {
        let (cluster, clock, logs) = cluster(&[first, Answers]).await;
        assert_eq!(cluster.node("n1").await.unwrap().unwrap().uid, "u1");
        assert_eq!(clock.monotonic().as_secs(), seconds);
        let tried = logs[0].lock().unwrap().len();
        cluster.node("n1").await.unwrap();
        if !matches!(first, OtherAddress) {
            assert_eq!(logs[0].lock().unwrap().len(), tried, "the good master is remembered");
            assert_eq!(*logs[1].lock().unwrap(), ["127.0.0.1:6443"], "one connection is kept");
        }
    }
}

#[tokio::test]
async fn each_master_is_dialled_at_its_own_addresses_in_order() {
    let (cluster, _, logs) = cluster(&[Way::OtherAddress]).await;
    cluster.node("n1").await.unwrap();
    assert_eq!(*logs[0].lock().unwrap(), ["127.0.0.1:6443", "10.0.0.1:6443"]);
}

#[tokio::test]
async fn a_connection_that_was_closed_is_opened_again() {
    let (cluster, clock, logs) = cluster(&[Way::AnswersOnce]).await;
    for _ in 0..3 {
        cluster.node("n1").await.unwrap();
        // Time for the end of the connection to be seen, or not: both must work.
        tokio::task::yield_now().await;
    }
    assert_eq!(logs[0].lock().unwrap().len(), 3);
    assert!(clock.monotonic() <= Duration::from_secs(2));
}

#[tokio::test]
async fn no_master_at_all_is_an_error_that_names_all() {
    let (cluster, clock, _) = cluster(&[Way::Refuses, Way::Closes]).await;
    let error = cluster.node("n1").await.unwrap_err().to_string();
    assert!(error.contains("m1: ") && error.contains("m2: "), "{error}");
    assert!(error.contains("127.0.0.1:6443: refused, 10.0.0.1:6443: refused"), "{error}");
    let spent = clock.monotonic();
    assert!((50..=60).contains(&spent.as_secs()), "reads are patient, within bounds: {spent:?}");
    cluster.set_patience(Duration::ZERO);
    assert!(cluster.node("n1").await.is_err());
    assert_eq!(clock.monotonic(), spent, "nothing is waited for");
}

#[tokio::test]
async fn forbidden_forwarding_is_said_at_once() {
    let (cluster, clock, logs) = cluster(&[Way::Forbids]).await;
    let error = cluster.node("n1").await.unwrap_err();
    assert!(matches!(&error, ClusterError::Refused(why) if why.contains("AllowTcpForwarding")));
    assert_eq!((clock.monotonic().as_secs(), logs[0].lock().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn a_kubeconfig_of_a_host_may_not_name_files_or_programs() {
    for (user, name) in [
        ("client-certificate: /etc/x", "client-certificate"),
        ("tokenFile: /etc/x", "tokenFile"),
        ("exec: {apiVersion: v1, command: evil}", "exec"),
    ] {
        let master = Master {
            name: "m1".into(),
            target: Arc::new(FakeMaster { way: Way::Answers, dialled: Dialled::default() }),
            admin_conf: conf(user),
            context: None,
            manifest: None,
        };
        let access = ClusterAccess::ThroughMasters(vec![master]);
        let clock = Arc::new(VirtualClock::default());
        let error = Cluster::connect(access, clock).await.unwrap_err().to_string();
        assert!(error.contains("m1") && error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn the_context_chooses_the_server_that_is_dialled_from_the_host() {
    let two = "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
        clusters: [{name: a, cluster: {server: 'http://one:1'}}, {name: b, cluster: {server: 'http://two:2'}}]\n\
        users: [{name: u, user: {token: t}}]\n\
        contexts: [{name: a, context: {cluster: a, user: u}}, {name: b, context: {cluster: b, user: u}}]\n";
    let dial = async |context: Option<&str>, conf: &str| {
        let dialled = Dialled::default();
        let target = FakeMaster { way: Way::Answers, dialled: Arc::clone(&dialled) };
        let master = Master {
            name: "m1".into(),
            target: Arc::new(target),
            admin_conf: conf.to_owned(),
            context: context.map(str::to_owned),
            manifest: None,
        };
        let access = ClusterAccess::ThroughMasters(vec![master]);
        let cluster = Cluster::connect(access, Arc::new(VirtualClock::default())).await?;
        cluster.node("n1").await?;
        Ok::<_, ClusterError>(dialled.lock().unwrap().clone())
    };
    assert_eq!(dial(None, two).await.unwrap(), ["one:1"]);
    assert_eq!(dial(Some("b"), two).await.unwrap(), ["two:2"]);
    assert!(dial(Some("c"), two).await.is_err());
    let proxied =
        two.replace("server: 'http://one:1'", "server: 'http://one:1', proxy-url: 'http://p:1'");
    let error = dial(None, &proxied).await.unwrap_err().to_string();
    assert!(error.contains("proxy-url"), "{error}");
}

#[tokio::test]
async fn admin_conf_and_manifest_come_in_one_round_trip() {
    let target = Arc::new(FakeMaster { way: Way::Answers, dialled: Dialled::default() });
    let host =
        Host { target, name: "m1".into(), become_: None, environment: vec![], timeout: None };
    let master = Master::read(&host).await.unwrap();
    assert_eq!(
        (master.admin_conf.as_str(), master.manifest.as_deref()),
        ("conf", Some("manifest\n"))
    );
}

#[test]
fn a_bundle_of_certificates_is_split() {
    let pem = b"x\n-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n\
        -----BEGIN CERTIFICATE-----\nAwQF\n-----END CERTIFICATE-----\n";
    let found = super::super::pem::certificates(pem).unwrap();
    assert_eq!(found, [vec![0, 1, 2], vec![3, 4, 5]]);
    assert!(super::super::pem::certificates(b"nothing").is_err());
}
