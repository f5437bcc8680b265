//! An SSH server in this process: russh's server side, `/bin/sh` for commands, a home directory of its own. It can lose
//! its connections, change its host key, refuse logins and be short of sessions when told to.
//!
//! The transport's own tests include this file too.

use russh::keys::{Algorithm, PrivateKey, PublicKey, key::safe_rng};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, PublicKeyOffer, Session,
    VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Sig};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, watch};

/// How long the output of a program that has ended may keep its exit status waiting.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// When a host is lost. It stays lost until [`SshServer::up`].
#[derive(Debug, Clone)]
pub enum Cut {
    /// Before its shell gets the n-th script since now, from 1. A task of one round trip is one script.
    Script(usize),
    /// Once this many bytes were sent to its shells since now.
    Bytes(usize),
    /// Once a shell got a script or input with this text in it.
    Text(String),
}

/// One host.
pub struct SshServer {
    port: u16,
    root: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    user_key: PublicKey,
    state: Mutex<State>,
    cuts: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    config: Arc<Config>,
    host_key: Option<PrivateKey>,
    refuses_logins: bool,
    password: Option<String>,
    sessions: Option<usize>,
    slow: bool,
    down: bool,
    cut: Option<Cut>,
    connections: usize,
    logins: usize,
    scripts: usize,
    bytes: usize,
}

/// A fresh ed25519 key.
pub fn new_key() -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
}

/// A port of the loopback where nobody listens, for as long as the socket is kept: no other test can get it.
pub fn closed_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

impl SshServer {
    /// Listens on a free port of the loopback; `root` is the home directory of everybody who logs in with this key.
    pub async fn start(root: PathBuf, user_key: PublicKey) -> Self {
        std::fs::create_dir_all(root.join("bin")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cuts, _) = watch::channel(0);
        let shared =
            Arc::new(Shared { root: root.clone(), user_key, state: Mutex::default(), cuts });
        let server = Self { port, root, shared: Arc::clone(&shared) };
        server.change_host_key();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !shared.state().down {
                    tokio::spawn(serve(stream, Arc::clone(&shared)));
                }
            }
        });
        server
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The home directory on this host, the directory that commands start in. Programs in its `bin` come first.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A line of `known_hosts` for the present host key.
    pub fn known_hosts_line(&self) -> String {
        let state = self.shared.state();
        let key = state.host_key.as_ref().unwrap().public_key().to_openssh().unwrap();
        format!("[127.0.0.1]:{} {key}\n", self.port)
    }

    /// Has another host key from the next connection on; `known_hosts` is not told.
    pub fn change_host_key(&self) {
        let key = new_key();
        let mut state = self.shared.state();
        state.config = Arc::new(Config {
            keys: vec![key.clone()],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            nodelay: true,
            ..Config::default()
        });
        state.host_key = Some(key);
    }

    /// Refuses every login from now on.
    pub fn refuse_logins(&self) {
        self.shared.state().refuses_logins = true;
    }

    /// Takes this password besides the key from now on.
    pub fn set_password(&self, password: &str) {
        self.shared.state().password = Some(password.to_owned());
    }

    /// Opens no more than this many sessions at once on one connection.
    pub fn limit_sessions(&self, most: usize) {
        self.shared.state().sessions = Some(most);
    }

    /// Its login shells take half a second to start.
    pub fn slow_down(&self) {
        self.shared.state().slow = true;
    }

    /// Is lost at this point.
    pub fn cut_at(&self, when: Cut) {
        let mut state = self.shared.state();
        (state.scripts, state.bytes) = (0, 0);
        state.cut = Some(when);
    }

    /// Ends every connection now and takes none until [`SshServer::up`].
    pub fn down(&self) {
        self.shared.state().down = true;
        self.cut();
    }

    /// Takes connections again.
    pub fn up(&self) {
        let mut state = self.shared.state();
        state.down = false;
        state.cut = None;
    }

    /// Ends every connection now; new ones are taken.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|count| *count += 1);
    }

    /// TCP connections taken so far.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Attempts to log in so far.
    pub fn logins(&self) -> usize {
        self.shared.state().logins
    }

    /// Scripts that shells got since the start, or since [`SshServer::cut_at`].
    pub fn scripts(&self) -> usize {
        self.shared.state().scripts
    }

    /// Puts a shell script into the host's own `bin`, which comes first in `PATH`.
    pub fn install(&self, program: &str, script: &str) {
        let path = self.root.join("bin").join(program);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Counts what is about to reach a shell. Whether it may, and whether the host is lost at this point.
    fn reaches(&self, first: bool, data: &[u8]) -> (bool, bool) {
        let mut state = self.state();
        state.scripts += usize::from(first);
        state.bytes += data.len();
        let (passes, lost) = match &state.cut {
            Some(Cut::Script(nth)) => (state.scripts < *nth, state.scripts >= *nth),
            Some(Cut::Bytes(count)) => (true, state.bytes >= *count),
            Some(Cut::Text(text)) => (true, String::from_utf8_lossy(data).contains(text)),
            None => (true, false),
        };
        state.down |= lost;
        (passes, lost)
    }
}

/// One connection, through a pair of streams so that it can be cut.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let config = {
        let mut state = shared.state();
        state.connections += 1;
        Arc::clone(&state.config)
    };
    stream.set_nodelay(true).unwrap();
    let mut cuts = shared.cuts.subscribe();
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let session = Login { shared, sessions: Arc::default(), shells: HashMap::new() };
    let running = tokio::spawn(async move {
        if let Ok(running) = run_stream(config, ours, session).await {
            // How a connection ended is the client's to tell.
            running.await.ok();
        }
    });
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut stream, &mut theirs) => {}
        _ = cuts.changed() => {}
    }
    drop((stream, theirs));
    running.await.ok();
}

struct Login {
    shared: Arc<Shared>,
    /// Sessions that are open.
    sessions: Arc<AtomicUsize>,
    shells: HashMap<ChannelId, Shell>,
}

/// Bytes for a shell's standard input; `None` ends it.
struct Shell {
    input: mpsc::UnboundedSender<Option<Vec<u8>>>,
    process: u32,
    begun: bool,
}

impl Drop for Login {
    fn drop(&mut self) {
        for shell in self.shells.values() {
            kill_group(shell.process);
        }
    }
}

/// Nothing of a test outlives its connection.
fn kill_group(process: u32) {
    if let Some(group) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
}

impl Login {
    fn judge(&self, accepted: bool) -> Auth {
        let mut state = self.shared.state();
        state.logins += 1;
        if accepted && !state.refuses_logins { Auth::Accept } else { Auth::reject() }
    }

    fn is_user_key(&self, key: &PublicKey) -> bool {
        key.key_data() == self.shared.user_key.key_data()
    }

    fn start(&self, line: &[u8]) -> std::io::Result<Child> {
        let root = &self.shared.root;
        let wait = if self.shared.state().slow { "sleep 0.5; " } else { "" };
        Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("{wait}{}", String::from_utf8_lossy(line)))
            .env_clear()
            .env("HOME", root)
            .env(
                "PATH",
                format!("{}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", root.display()),
            )
            .env("LANG", "C.UTF-8")
            .current_dir(root)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

impl Handler for Login {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.judge(self.is_user_key(offer.public_key)))
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.judge(self.is_user_key(key.public_key)))
    }

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, Self::Error> {
        let fits = self.shared.state().password.as_deref() == Some(password);
        Ok(self.judge(fits))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let most = self.shared.state().sessions.unwrap_or(usize::MAX);
        if self.sessions.load(Ordering::SeqCst) < most {
            self.sessions.fetch_add(1, Ordering::SeqCst);
            reply.accept().await;
        } else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
        }
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _from: &str,
        _from_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Ok(port) = u16::try_from(port) else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        };
        match TcpStream::connect((host, port)).await {
            Ok(mut stream) => {
                reply.accept().await;
                tokio::spawn(async move {
                    let mut channel = channel.into_stream();
                    tokio::io::copy_bidirectional(&mut channel, &mut stream).await.ok();
                });
            }
            Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let mut child = self.start(line)?;
        let (input, bytes) = mpsc::unbounded_channel();
        tokio::spawn(feed(child.stdin.take().unwrap(), bytes));
        let process = child.id().unwrap();
        self.shells.insert(channel, Shell { input, process, begun: false });
        session.channel_success(channel)?;
        tokio::spawn(report(child, channel, session.handle(), Arc::clone(&self.sessions)));
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(shell) = self.shells.get_mut(&channel) else { return Ok(()) };
        let first = !std::mem::replace(&mut shell.begun, true);
        let (passes, lost) = self.shared.reaches(first, data);
        if passes {
            // A shell that no longer reads is its own affair.
            shell.input.send(Some(data.to_vec())).ok();
        }
        if lost {
            self.shared.cuts.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(shell) = self.shells.get(&channel) {
            shell.input.send(None).ok();
        }
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(shell) = self.shells.remove(&channel) {
            shell.input.send(None).ok();
        }
        Ok(())
    }
}

async fn feed(mut stdin: ChildStdin, mut bytes: mpsc::UnboundedReceiver<Option<Vec<u8>>>) {
    while let Some(Some(part)) = bytes.recv().await {
        if stdin.write_all(&part).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Sends what a program prints, how it ended, and the end of the channel once nothing holds its streams any more.
async fn report(mut child: Child, channel: ChannelId, handle: Handle, sessions: Arc<AtomicUsize>) {
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let mut streams = tokio::spawn(forward(out, err, channel, handle.clone()));
    let status = child.wait().await.unwrap();
    let complete = tokio::time::timeout(LAST_OUTPUT, &mut streams).await.is_ok();
    sessions.fetch_sub(1, Ordering::SeqCst);
    send_status(channel, &handle, status).await;
    if !complete {
        streams.await.ok();
    }
    handle.eof(channel).await.ok();
    handle.close(channel).await.ok();
}

async fn send_status(channel: ChannelId, handle: &Handle, status: ExitStatus) {
    if let Some(code) = status.code() {
        handle.exit_status_request(channel, u32::try_from(code).unwrap_or(255)).await.ok();
        return;
    }
    let signal = match status.signal() {
        Some(2) => Sig::INT,
        Some(6) => Sig::ABRT,
        Some(9) => Sig::KILL,
        Some(15) => Sig::TERM,
        other => Sig::Custom(format!("{other:?}")),
    };
    handle.exit_signal_request(channel, signal, false, String::new(), String::new()).await.ok();
}

/// Standard output first where both have something, as sshd does. A client that has gone reads nothing more; the program
/// is drained all the same.
async fn forward(
    mut out: impl AsyncRead + Unpin,
    mut err: impl AsyncRead + Unpin,
    channel: ChannelId,
    handle: Handle,
) {
    let (mut out_bytes, mut err_bytes) = (vec![0; 1 << 14], vec![0; 1 << 14]);
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        tokio::select! {
            biased;
            count = out.read(&mut out_bytes), if out_open => match count {
                Ok(count @ 1..) => drop(handle.data(channel, out_bytes[..count].to_vec()).await),
                _ => out_open = false,
            },
            count = err.read(&mut err_bytes), if err_open => match count {
                Ok(count @ 1..) => {
                    drop(handle.extended_data(channel, 1, err_bytes[..count].to_vec()).await);
                }
                _ => err_open = false,
            },
        }
    }
}
