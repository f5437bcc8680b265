//! Logging in: keys, then keyboard-interactive, then password, as far as the server and the options allow.

use super::dial::Dialled;
use super::endpoint::Endpoint;
use super::handler::Client;
use crate::transport::TransportError;
use crate::transport::ssh_config::Agent;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Reply};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{
    Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, decode_secret_key,
};
use russh::{MethodKind, MethodSet};
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// OpenSSH allows six attempts; one is kept for a password.
const KEYS: usize = 5;
/// How long the agent may take to answer or sign (somebody may have to touch a token).
const AGENT: Duration = Duration::from_secs(10);
/// Rounds of questions of one keyboard-interactive login.
const ROUNDS: usize = 8;

/// Logs in.
///
/// # Errors
/// Nothing was accepted; the text lists what was tried.
pub(super) async fn log_in(
    endpoint: &Endpoint,
    dialled: &mut Dialled,
) -> Result<(), TransportError> {
    let mut login = Login {
        endpoint,
        handle: &mut dialled.handle,
        passwords: !dialled.seen.changed.load(Ordering::Acquire),
        allowed: None,
        tried: Vec::new(),
        skipped: Vec::new(),
    };
    match login.run().await {
        Ok(true) => Ok(()),
        Ok(false) => Err(TransportError::Authentication(login.refusal())),
        Err(error) => Err(TransportError::Authentication(format!(
            "{} (the connection ended: {error})",
            login.refusal()
        ))),
    }
}

struct Login<'a> {
    endpoint: &'a Endpoint,
    handle: &'a mut Handle<Client>,
    /// Whether this host may be told a password.
    passwords: bool,
    /// What the server says that it accepts, once it said so.
    allowed: Option<MethodSet>,
    tried: Vec<String>,
    skipped: Vec<String>,
}

/// How a key signs.
enum Holder {
    File(Arc<PrivateKey>),
    Agent,
}

struct Candidate {
    label: String,
    key: PublicKey,
    certificate: Option<Certificate>,
    holder: Holder,
}

type Agents = AgentClient<UnixStream>;

impl Login<'_> {
    async fn run(&mut self) -> Result<bool, russh::Error> {
        let usual = ["publickey", "keyboard-interactive", "password"].map(str::to_owned);
        let order = self.endpoint.options.authentications.clone().unwrap_or_else(|| usual.into());
        // A server may want several in turn: each round starts again with what it still accepts.
        for _round in 0..3 {
            let mut partly = false;
            for method in &order {
                let result = match method.as_str() {
                    "publickey" if self.may(MethodKind::PublicKey) => self.keys().await?,
                    "keyboard-interactive" if self.may(MethodKind::KeyboardInteractive) => {
                        self.keyboard().await?
                    }
                    "password" if self.may(MethodKind::Password) => self.password().await?,
                    _ => continue,
                };
                match result {
                    Step::In => return Ok(true),
                    Step::Partly => partly = true,
                    Step::No => {}
                }
                if partly {
                    break;
                }
            }
            if !partly {
                return Ok(false);
            }
        }
        Ok(false)
    }

    fn may(&self, method: MethodKind) -> bool {
        let options = &self.endpoint.options;
        let wanted = match method {
            MethodKind::PublicKey => options.pubkey,
            MethodKind::Password => options.password,
            _ => options.keyboard,
        };
        wanted && self.allowed.as_ref().is_none_or(|allowed| allowed.contains(&method))
    }

    fn note(&mut self, result: AuthResult) -> Step {
        match result {
            AuthResult::Success => Step::In,
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.allowed = Some(remaining_methods);
                if partial_success { Step::Partly } else { Step::No }
            }
        }
    }

    async fn keys(&mut self) -> Result<Step, russh::Error> {
        let (candidates, mut agent) = self.candidates().await;
        let user = self.endpoint.options.user.clone();
        for (index, candidate) in candidates.into_iter().enumerate() {
            if index == KEYS {
                self.skipped.push("further keys: a server allows few attempts".to_owned());
                break;
            }
            self.tried.push(candidate.label.clone());
            let step = self.try_key(&user, candidate, agent.as_mut()).await?;
            if !matches!(step, Step::No) || !self.may(MethodKind::PublicKey) {
                return Ok(step);
            }
        }
        Ok(Step::No)
    }

    async fn try_key(
        &mut self,
        user: &str,
        candidate: Candidate,
        agent: Option<&mut Agents>,
    ) -> Result<Step, russh::Error> {
        let hash = if candidate.key.algorithm().is_rsa() { self.rsa_hash().await? } else { None };
        let result = match (candidate.holder, candidate.certificate, agent) {
            (Holder::File(key), Some(certificate), _) => {
                self.handle.authenticate_openssh_cert(user, key, certificate).await?
            }
            (Holder::File(key), None, _) => {
                let key = PrivateKeyWithHashAlg::new(key, hash);
                self.handle.authenticate_publickey(user, key).await?
            }
            (Holder::Agent, certificate, Some(agent)) => {
                let signed = async {
                    match certificate {
                        Some(certificate) => {
                            self.handle
                                .authenticate_certificate_with(user, certificate, hash, agent)
                                .await
                        }
                        None => {
                            self.handle
                                .authenticate_publickey_with(user, candidate.key, hash, agent)
                                .await
                        }
                    }
                };
                match timeout(AGENT, signed).await {
                    Ok(Ok(result)) => result,
                    Ok(Err(error)) => {
                        self.skipped.push(format!("{}: the agent: {error}", candidate.label));
                        return Ok(Step::No);
                    }
                    Err(_) => {
                        self.skipped.push(format!("{}: the agent did not answer", candidate.label));
                        return Err(russh::Error::ConnectionTimeout);
                    }
                }
            }
            (Holder::Agent, _, None) => return Ok(Step::No),
        };
        Ok(self.note(result))
    }

    /// The best hash that the server names; SHA-512 if it names none. Never SHA-1.
    async fn rsa_hash(&self) -> Result<Option<HashAlg>, russh::Error> {
        let named = self.handle.best_supported_rsa_hash().await?.flatten();
        Ok(Some(named.unwrap_or(HashAlg::Sha512)))
    }

    /// Keys in the order in which they are tried: the given ones, those of the agent, the usual files.
    async fn candidates(&mut self) -> (Vec<Candidate>, Option<Agents>) {
        let options = &self.endpoint.options;
        let mut agent = self.agent().await;
        let mut held = Vec::new();
        if let Some(client) = &mut agent {
            match timeout(AGENT, client.request_identities()).await {
                Ok(Ok(identities)) => held = identities,
                Ok(Err(error)) => self.skipped.push(format!("the agent: {error}")),
                Err(_) => self.skipped.push("the agent did not answer".to_owned()),
            }
        }
        let mut list = Vec::new();
        if let Some(text) = &self.endpoint.credentials.private_key {
            self.given_key(text.expose_secret(), &mut list);
        }
        for path in options.identity_files.clone().unwrap_or_default() {
            self.file(&path, &mut list, &held, true);
        }
        if !options.identities_only && self.endpoint.credentials.private_key.is_none() {
            for identity in &held {
                let key = identity.public_key().into_owned();
                if !list.iter().any(|known: &Candidate| {
                    known.key.key_data() == key.key_data()
                        && known.certificate.is_some() == certificate_of(identity).is_some()
                }) {
                    list.push(Candidate {
                        label: format!("key `{}` of the agent", identity.comment()),
                        key,
                        certificate: certificate_of(identity),
                        holder: Holder::Agent,
                    });
                }
            }
        }
        if options.identity_files.is_none() && self.endpoint.credentials.private_key.is_none() {
            let home = self.endpoint.shared.person.home.join(".ssh");
            for name in ["id_ed25519", "id_ecdsa", "id_rsa"] {
                self.file(&home.join(name), &mut list, &held, false);
            }
        }
        (list, agent)
    }

    async fn agent(&mut self) -> Option<Agents> {
        let path: PathBuf = match &self.endpoint.options.agent {
            Agent::None => return None,
            // Empty means none, as for ssh.
            Agent::Environment => self
                .endpoint
                .shared
                .person
                .env("SSH_AUTH_SOCK")
                .filter(|path| !path.is_empty())?
                .into(),
            Agent::Socket(path) => path.clone(),
        };
        match timeout(AGENT, AgentClient::connect_uds(&path)).await {
            Ok(Ok(agent)) => Some(agent),
            Ok(Err(error)) => {
                self.skipped.push(format!("the agent at {}: {error}", path.display()));
                None
            }
            Err(_) => {
                self.skipped.push(format!("the agent at {} did not answer", path.display()));
                None
            }
        }
    }

    fn given_key(&mut self, text: &str, list: &mut Vec<Candidate>) {
        let label = "the given private key".to_owned();
        match self.decode(text) {
            Ok(key) => list.push(Candidate {
                label,
                key: key.public_key().clone(),
                certificate: None,
                holder: Holder::File(Arc::new(key)),
            }),
            Err(reason) => self.skipped.push(format!("{label}: {reason}")),
        }
    }

    /// A key file, with its certificates before the bare key. The agent signs for keys that it holds.
    #[expect(clippy::disallowed_methods, reason = "key files are read here alone")]
    fn file(
        &mut self,
        path: &Path,
        list: &mut Vec<Candidate>,
        held: &[AgentIdentity],
        given: bool,
    ) {
        let shown = path.display();
        let with = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
        let public = std::fs::read_to_string(with(".pub"))
            .ok()
            .and_then(|text| PublicKey::from_openssh(text.trim()).ok());
        let in_agent = |key: &PublicKey| {
            held.iter().any(|identity| identity.public_key().key_data() == key.key_data())
        };
        let (key, holder): (PublicKey, Option<Arc<PrivateKey>>) = match public {
            Some(key) if in_agent(&key) => (key, None),
            _ => match std::fs::read_to_string(path) {
                Ok(text) => match self.decode(&text) {
                    Ok(key) => (key.public_key().clone(), Some(Arc::new(key))),
                    Err(reason) => return self.skipped.push(format!("{shown}: {reason}")),
                },
                Err(error) if !given && error.kind() == std::io::ErrorKind::NotFound => return,
                Err(error) => return self.skipped.push(format!("{shown}: {error}")),
            },
        };
        let candidate = |label: String, certificate| Candidate {
            label,
            key: key.clone(),
            certificate,
            holder: holder.clone().map_or(Holder::Agent, Holder::File),
        };
        let named = self.endpoint.options.certificate_files.iter().cloned();
        for file in named.chain([with("-cert.pub")]) {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            match Certificate::from_openssh(text.trim()) {
                Ok(certificate) if certificate.public_key() == key.key_data() => {
                    list.push(candidate(
                        format!("certificate {}", file.display()),
                        Some(certificate),
                    ));
                }
                Ok(_) => {}
                Err(error) => self.skipped.push(format!("{}: {error}", file.display())),
            }
        }
        list.push(candidate(format!("key {shown}"), None));
    }

    fn decode(&self, text: &str) -> Result<PrivateKey, String> {
        let passphrase = self.endpoint.credentials.passphrase.as_ref();
        let passphrase = passphrase.map(ExposeSecret::expose_secret);
        match decode_secret_key(text, passphrase) {
            Ok(key) if key.is_encrypted() => Err(no_passphrase()),
            Ok(key) => Ok(key),
            Err(russh::keys::Error::KeyIsEncrypted) => Err(no_passphrase()),
            Err(error) if passphrase.is_some() => Err(format!("{error} (wrong passphrase?)")),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn password(&mut self) -> Result<Step, russh::Error> {
        let Some(password) = self.secret("password") else { return Ok(Step::No) };
        self.tried.push("password".to_owned());
        let user = &self.endpoint.options.user;
        let result = self.handle.authenticate_password(user, password).await?;
        Ok(self.note(result))
    }

    /// Every question that hides its answer is answered with the password, once.
    async fn keyboard(&mut self) -> Result<Step, russh::Error> {
        let Some(password) = self.secret("keyboard-interactive") else { return Ok(Step::No) };
        self.tried.push("keyboard-interactive".to_owned());
        let user = &self.endpoint.options.user;
        let mut reply = self.handle.authenticate_keyboard_interactive_start(user, None).await?;
        for _round in 0..ROUNDS {
            match reply {
                Reply::Success => return Ok(Step::In),
                Reply::Failure { remaining_methods, partial_success } => {
                    return Ok(
                        self.note(AuthResult::Failure { remaining_methods, partial_success })
                    );
                }
                Reply::InfoRequest { prompts, .. } => {
                    let answer = |echo: bool| if echo { String::new() } else { password.clone() };
                    let answers = prompts.iter().map(|prompt| answer(prompt.echo)).collect();
                    reply = self.handle.authenticate_keyboard_interactive_respond(answers).await?;
                }
            }
        }
        self.skipped.push("keyboard-interactive: too many questions".to_owned());
        Ok(Step::No)
    }

    fn secret(&mut self, method: &str) -> Option<String> {
        let password = self.endpoint.credentials.password.as_ref()?;
        if self.endpoint.options.password_prompts == 0 {
            self.skipped.push(format!("{method}: NumberOfPasswordPrompts is 0"));
            return None;
        }
        if !self.passwords {
            self.skipped.push(format!("{method}: not sent to a host whose key has changed"));
            return None;
        }
        Some(password.expose_secret().to_owned())
    }

    fn refusal(&self) -> String {
        let or_none = |list: &[String]| {
            if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
        };
        let mut text = format!(
            "{} refused to let `{}` in; tried: {}",
            self.endpoint.address(),
            self.endpoint.options.user,
            or_none(&self.tried)
        );
        if !self.skipped.is_empty() {
            text.push_str(&format!("; not tried: {}", self.skipped.join("; ")));
        }
        if let Some(allowed) = &self.allowed {
            let names: Vec<String> = allowed.iter().map(String::from).collect();
            text.push_str(&format!("; the server accepts: {}", or_none(&names)));
        }
        if self.endpoint.credentials.password.is_none() {
            text.push_str("; no password is set (ansible_password)");
        }
        text
    }
}

/// What came of one method.
enum Step {
    In,
    /// Accepted, and the server wants another one as well.
    Partly,
    No,
}

fn certificate_of(identity: &AgentIdentity) -> Option<Certificate> {
    match identity {
        AgentIdentity::Certificate { certificate, .. } => Some(certificate.clone()),
        AgentIdentity::PublicKey { .. } => None,
    }
}

fn no_passphrase() -> String {
    "it needs a passphrase (ansible_private_key_passphrase, or load it into the agent)".to_owned()
}
