//! One connection: who it is, and what it asks for.

use super::server::{Login, Shared};
use super::session::{Command, Control, Start};
use super::{forward, session};
use crate::sandbox::{Signal, Terminal};
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, Sig};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

/// Sessions on one connection (`MaxSessions`).
const SESSIONS: usize = 10;
/// What a client may do to a running program before it is done.
const CONTROLS: usize = 32;
/// What PAM makes whoever has the wrong password wait.
const WRONG_PASSWORD: Duration = Duration::from_secs(2);

/// One client.
pub(super) struct Connection {
    shared: Arc<Shared>,
    peer: SocketAddr,
    cut: Arc<Notify>,
    user: Option<Login>,
    places: Arc<Semaphore>,
    channels: HashMap<ChannelId, State>,
}

/// A session channel.
enum State {
    /// Nothing runs yet.
    Open(Box<Opened>),
    /// A program runs.
    Running(mpsc::Sender<Control>),
}

struct Opened {
    channel: Channel<Msg>,
    place: OwnedSemaphorePermit,
    terminal: Option<Terminal>,
    env: Vec<(String, String)>,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, peer: SocketAddr, cut: Arc<Notify>) -> Self {
        let places = Arc::new(Semaphore::new(SESSIONS));
        Self { shared, peer, cut, user: None, places, channels: HashMap::new() }
    }

    /// The user, if this key opens the door.
    fn by_key(&self, user: &str, key: &russh::keys::PublicKey) -> Option<Login> {
        // The comment of a key is not part of it.
        let known = |other: &russh::keys::PublicKey| other.key_data() == key.key_data();
        let config = &self.shared.config;
        config.authorized.iter().any(known).then(|| (config.users)(user)).flatten()
    }

    fn opened(&mut self, channel: ChannelId) -> Option<&mut Opened> {
        match self.channels.get_mut(&channel) {
            Some(State::Open(opened)) => Some(opened),
            _ => None,
        }
    }

    /// Starts what was asked for; a second request on a channel fails, as RFC 4254 says.
    fn start(
        &mut self,
        id: ChannelId,
        command: Command,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let (Some(state @ State::Open(_)), Some(user)) = (self.channels.get_mut(&id), &self.user)
        else {
            return session.channel_failure(id);
        };
        let (sender, controls) = mpsc::channel(CONTROLS);
        let State::Open(opened) = std::mem::replace(state, State::Running(sender)) else {
            return session.channel_failure(id);
        };
        let Opened { channel, place, terminal, env } = *opened;
        let start = Start {
            user: user.clone(),
            command,
            terminal,
            env,
            peer: self.peer,
            cut: Arc::clone(&self.cut),
        };
        let (shared, handle) = (Arc::clone(&self.shared), session.handle());
        tokio::spawn(async move {
            session::run(&shared, start, channel, &handle, controls).await;
            drop(place);
        });
        Ok(())
    }

    async fn control(&self, channel: ChannelId, control: Control) {
        if let Some(State::Running(program)) = self.channels.get(&channel) {
            // A program that has ended has no size and hears no signal.
            program.send(control).await.ok();
        }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.by_key(user, offer.public_key).map_or_else(Auth::reject, |_| Auth::Accept))
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.user = self.by_key(user, key.public_key);
        Ok(if self.user.is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let config = &self.shared.config;
        if config.passwords.get(user).is_some_and(|known| known == password) {
            self.user = (config.users)(user);
        }
        if self.user.is_some() {
            return Ok(Auth::Accept);
        }
        config.pace.wait(WRONG_PASSWORD).await;
        Ok(Auth::reject())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        };
        let id = channel.id();
        let opened = Opened { channel, place, terminal: None, env: Vec::new() };
        self.channels.insert(id, State::Open(Box::new(opened)));
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let port = u16::try_from(port).ok();
        match port.and_then(|port| (self.shared.config.forward)(host, port)) {
            Some(address) => {
                tokio::spawn(forward::run(address, channel, reply));
            }
            None => reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await,
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(opened) = self.opened(channel) else { return session.channel_failure(channel) };
        // A client without a terminal of its own sends no size.
        let modes = modes.iter().map(|(mode, value)| (*mode as u8, *value)).collect();
        opened.terminal = Some(Terminal { rows: short(rows), columns: short(columns), modes });
        opened.env.push(("TERM".to_owned(), term.to_owned()));
        session.channel_success(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // Debian's `AcceptEnv LANG LC_*`.
        let accepted = name == "LANG" || name.starts_with("LC_");
        match self.opened(channel) {
            Some(opened) if accepted => {
                opened.env.push((name.to_owned(), value.to_owned()));
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.start(channel, Command::Login, session)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.start(channel, Command::Line(command.to_vec()), session)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if name == "sftp" {
            return self.start(channel, Command::Files, session);
        }
        session.channel_failure(channel)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let control = Control::Resize { rows: short(rows), columns: short(columns) };
        self.control(channel, control).await;
        Ok(())
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(signal) = number(&signal) {
            self.control(channel, Control::Signal(signal)).await;
        }
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.remove(&channel);
        Ok(())
    }
}

fn short(size: u32) -> u16 {
    u16::try_from(size).unwrap_or(u16::MAX)
}

/// The signals of RFC 4254, section 6.10. Others are passed over, as it says.
fn number(signal: &Sig) -> Option<Signal> {
    Some(match signal {
        Sig::ABRT => Signal::ABORT,
        Sig::ALRM => Signal::ALARM,
        Sig::FPE => Signal::FPE,
        Sig::HUP => Signal::HUP,
        Sig::ILL => Signal::ILL,
        Sig::INT => Signal::INT,
        Sig::KILL => Signal::KILL,
        Sig::PIPE => Signal::PIPE,
        Sig::QUIT => Signal::QUIT,
        Sig::SEGV => Signal::SEGV,
        Sig::TERM => Signal::TERM,
        Sig::USR1 => Signal::USR1,
        Sig::Custom(name) if name == "USR2" => Signal::USR2,
        Sig::Custom(_) => return None,
    })
}
