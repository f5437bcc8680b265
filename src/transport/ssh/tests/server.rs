//! A small SSH server: russh's server side, /bin/sh for commands.

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, PublicKeyOffer, Session,
    VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::ChildStdin;
use tokio::sync::watch;

/// What it does differently.
#[derive(Clone, Copy)]
pub(super) struct Behaviour {
    /// Whether any key is accepted.
    pub(super) keys: bool,
    /// Sessions at once.
    pub(super) sessions: usize,
    /// Whether login shells take half a second to start.
    pub(super) slow: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { keys: true, sessions: 100, slow: false }
    }
}

pub(super) struct Server {
    pub(super) port: u16,
    key: PrivateKey,
    counts: Arc<Counts>,
    cut: watch::Sender<usize>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    logins: AtomicUsize,
}

fn new_key() -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
}

/// A private key as a file holds it.
pub(super) fn client_key() -> String {
    new_key().to_openssh(LineEnding::LF).unwrap().to_string()
}

/// A public key that no server has.
pub(super) fn other_key() -> String {
    new_key().public_key().to_openssh().unwrap()
}

impl Server {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let key = new_key();
        let config = Arc::new(Config {
            keys: vec![key.clone()],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            nodelay: true,
            ..Config::default()
        });
        let counts = Arc::new(Counts::default());
        let (cut, cuts) = watch::channel(0);
        let seen = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let host = Host {
                    behaviour,
                    counts: Arc::clone(&seen),
                    sessions: Arc::default(),
                    inputs: HashMap::new(),
                };
                let (config, mut cuts) = (Arc::clone(&config), cuts.clone());
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    // The connection goes through a pair of streams so that it can be cut.
                    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
                    let mut stream = stream;
                    let copy = tokio::io::copy_bidirectional(&mut stream, &mut theirs);
                    tokio::spawn(async move {
                        if let Ok(session) = run_stream(config, ours, host).await {
                            session.await.ok();
                        }
                    });
                    tokio::select! {
                        _ = copy => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { port, key, counts, cut }
    }

    pub(super) fn known_hosts_line(&self) -> String {
        let key = self.key.public_key().to_openssh().unwrap();
        format!("[127.0.0.1]:{} {key}\n", self.port)
    }

    pub(super) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    pub(super) fn logins(&self) -> usize {
        self.counts.logins.load(Ordering::SeqCst)
    }

    /// Ends every connection at once.
    pub(super) fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }
}

struct Host {
    behaviour: Behaviour,
    counts: Arc<Counts>,
    sessions: Arc<AtomicUsize>,
    inputs: HashMap<ChannelId, Arc<Mutex<Option<ChildStdin>>>>,
}

impl Host {
    fn auth(&self, accepted: bool) -> Auth {
        self.counts.logins.fetch_add(1, Ordering::SeqCst);
        if accepted { Auth::Accept } else { Auth::reject() }
    }
}

impl Handler for Host {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        _offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.auth(self.behaviour.keys))
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.auth(self.behaviour.keys))
    }

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.auth(password == "s3cret"))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.sessions.fetch_add(1, Ordering::SeqCst) >= self.behaviour.sessions {
            self.sessions.fetch_sub(1, Ordering::SeqCst);
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
        } else {
            reply.accept().await;
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
        match tokio::net::TcpStream::connect((host, port as u16)).await {
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
        let mut child = tokio::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(format!(
                "{}{}",
                if self.behaviour.slow { "sleep 0.5; " } else { "" },
                String::from_utf8_lossy(line)
            ))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = Arc::new(Mutex::new(child.stdin.take()));
        self.inputs.insert(channel, input);
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (handle, sessions): (Handle, _) = (session.handle(), Arc::clone(&self.sessions));
        session.channel_success(channel)?;
        tokio::spawn(async move {
            let to_err = handle.clone();
            let errors = tokio::spawn(async move {
                let mut bytes = vec![0; 1 << 14];
                while let Ok(count @ 1..) = err.read(&mut bytes).await {
                    to_err.extended_data(channel, 1, bytes[..count].to_vec()).await.ok();
                }
            });
            let mut bytes = vec![0; 1 << 14];
            while let Ok(count @ 1..) = out.read(&mut bytes).await {
                handle.data(channel, bytes[..count].to_vec()).await.ok();
            }
            errors.await.ok();
            let status = child.wait().await.unwrap().code().unwrap_or(137) as u32;
            sessions.fetch_sub(1, Ordering::SeqCst);
            handle.exit_status_request(channel, status).await.ok();
            handle.eof(channel).await.ok();
            handle.close(channel).await.ok();
        });
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(input) = self.inputs.get(&channel) else { return Ok(()) };
        let taken = input.lock().unwrap().take();
        if let Some(mut stdin) = taken {
            // A shell that no longer reads is its own affair.
            stdin.write_all(data).await.ok();
            stdin.flush().await.ok();
            *input.lock().unwrap() = Some(stdin);
        }
        Ok(())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(input) = self.inputs.get(&channel) {
            input.lock().unwrap().take();
        }
        Ok(())
    }
}
