//! What the server may say and ask: its key is judged, and every channel that it wants to open is refused.

use super::endpoint::Endpoint;
use crate::transport::known_hosts::{Names, Offered, Verdict, decide, refusal};
use crate::transport::ssh_config::Strict;
use russh::client::{ChannelOpenHandle, Handler, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelOpenFailure};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandlerError {
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    #[error("{0}")]
    HostKey(String),
}

/// What the rest must know of the judgement.
#[derive(Default)]
pub(super) struct Seen {
    /// The key was judged: an end after this is no crowd at the door.
    pub(super) key: AtomicBool,
    /// The key is another one than on record, and was let through: no password may be sent.
    pub(super) changed: AtomicBool,
}

pub(super) struct Client {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) seen: Arc<Seen>,
    /// What was trusted at the first key exchange, for those that follow.
    pub(super) trusted: Option<Vec<u8>>,
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "the validity of host certificates")]
    fn judge(&self, offered: Offered<'_>) -> Result<(), String> {
        let options = &self.endpoint.options;
        let names: Names = self.endpoint.names();
        let files: Vec<PathBuf> =
            options.user_known_hosts.iter().chain(&options.global_known_hosts).cloned().collect();
        let book = &self.endpoint.shared.book;
        let entries = book.entries(&files).map_err(|error| {
            format!("the host key of `{}` cannot be checked: {error}", names.name)
        })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let verdict = decide(&entries, &names, offered, now);
        let address = (options.host_name.as_str(), options.port);
        let Some(message) = refusal(&verdict, &names, address, offered, &files) else {
            return Ok(());
        };
        match (&verdict, options.strict) {
            (Verdict::Unknown, Strict::AcceptNew | Strict::No) => {
                let Some(file) = options.user_known_hosts.first() else { return Ok(()) };
                match book.add(file, &names, offered, options.hash_known_hosts) {
                    Ok(()) => Ok(()),
                    // As OpenSSH does: a list that cannot be written is no reason to refuse where nothing is checked.
                    Err(error) if options.strict == Strict::No => {
                        tracing::warn!(%error, "the host key was not recorded");
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            (Verdict::Changed(_), Strict::No) => {
                tracing::warn!("{message}");
                self.seen.changed.store(true, Ordering::Release);
                Ok(())
            }
            _ => Err(message),
        }
    }
}

/// Refuses a channel that the server wants to open.
macro_rules! refuse {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {$(
        async fn $name(
            &mut self,
            $($argument: $kind,)*
            reply: ChannelOpenHandle,
            _session: &mut Session,
        ) -> Result<(), Self::Error> {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            Ok(())
        }
    )*};
}

impl Handler for Client {
    type Error = HandlerError;

    async fn check_server_key(
        &mut self,
        offered: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        self.seen.key.store(true, Ordering::Release);
        let (shown, bytes) = match offered {
            PublicKeyOrCertificate::PublicKey { key, .. } => (Offered::Key(key), key.to_bytes()),
            PublicKeyOrCertificate::Certificate(certificate) => {
                (Offered::Certificate(certificate), certificate.to_bytes())
            }
        };
        let bytes = bytes.map_err(|error| HandlerError::HostKey(error.to_string()))?;
        if self.trusted.as_ref() == Some(&bytes) {
            return Ok(true);
        }
        self.judge(shown).map_err(HandlerError::HostKey)?;
        self.trusted = Some(bytes);
        Ok(true)
    }

    refuse! {
        server_channel_open_forwarded_tcpip(
            _channel: Channel<Msg>, _address: &str, _port: u32, _from: &str, _from_port: u32);
        server_channel_open_forwarded_streamlocal(_channel: Channel<Msg>, _path: &str);
        server_channel_open_agent_forward(_channel: Channel<Msg>);
        server_channel_open_session(_channel: Channel<Msg>);
        server_channel_open_direct_tcpip(
            _channel: Channel<Msg>, _address: &str, _port: u32, _from: &str, _from_port: u32);
        server_channel_open_direct_streamlocal(_channel: Channel<Msg>, _path: &str);
        server_channel_open_x11(_channel: Channel<Msg>, _from: &str, _from_port: u32);
    }
}
