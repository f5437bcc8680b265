//! A kubeconfig of the node, and the API server that it names: how kubectl and kubeadm reach the API.

use super::session::Session;
use crate::node::{Answer, Identity, NoAnswer, Request};
use crate::store::Json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::time::Duration;

/// One way to the API.
pub(super) struct Client<'a> {
    session: &'a Session,
    host: String,
    port: u16,
    identity: Identity,
    /// Of the context, or `default`.
    pub(super) namespace: String,
}

/// What overrides the kubeconfig.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    /// `--server`
    pub(super) server: Option<String>,
    /// `--tls-server-name`
    pub(super) server_name: Option<String>,
    /// `--insecure-skip-tls-verify`
    pub(super) insecure: bool,
    /// `--context`
    pub(super) context: Option<String>,
}

fn named<'a>(config: &'a Value, list: &str, name: &str, what: &str) -> &'a Value {
    let all = config[list].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .find(|entry| entry.text("name") == name)
        .and_then(|entry| entry.get(what))
        .unwrap_or(&Value::Null)
}

/// `https://HOST:PORT`
fn address(server: &str) -> Option<(String, u16)> {
    let rest = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://"))?;
    let rest = rest.split('/').next()?;
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => Some((host.to_owned(), port.parse().ok()?)),
        _ => Some((rest.to_owned(), 443)),
    }
}

impl<'a> Client<'a> {
    /// From the text of a kubeconfig; `None` for none at all.
    ///
    /// # Errors
    /// What kubectl says of it.
    pub(super) fn new(
        session: &'a Session,
        config: Option<&str>,
        overrides: &Overrides,
    ) -> Result<Self, String> {
        let config: Value = match config {
            Some(text) => serde_saphyr::from_str(text)
                .map_err(|error| format!("error loading config file: {error}"))?,
            None => Value::Null,
        };
        let wanted = overrides
            .context
            .as_deref()
            .or_else(|| config.at("current-context").and_then(Value::as_str))
            .unwrap_or_default();
        let context = named(&config, "contexts", wanted, "context");
        if overrides.context.is_some() && context.is_null() {
            return Err(format!("context \"{wanted}\" does not exist"));
        }
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let cluster = named(&config, "clusters", context.text("cluster"), "cluster");
        let user = named(&config, "users", context.text("user"), "user");
        let server = overrides.server.clone().or_else(|| text(cluster, "server"));
        let server = server.unwrap_or_else(|| "http://localhost:8080".to_owned());
        let (host, port) =
            address(&server).ok_or_else(|| format!("parse \"{server}\": invalid URL"))?;
        let pem = |of: &Value, name: &str| -> Result<Option<Vec<u8>>, String> {
            if let Some(data) = of[format!("{name}-data")].as_str() {
                return STANDARD
                    .decode(data.trim())
                    .map(Some)
                    .map_err(|error| format!("illegal base64 data: {error}"));
            }
            let Some(path) = of[name].as_str() else { return Ok(None) };
            let read = session.machine.files.read(&session.call.path(path));
            read.map(Some).map_err(|_| {
                format!("unable to read {name} {path}: open {path}: no such file or directory")
            })
        };
        let identity = Identity {
            authority: pem(cluster, "certificate-authority")?,
            certificate: pem(user, "client-certificate")?.zip(pem(user, "client-key")?),
            token: text(user, "token"),
            server_name: overrides.server_name.clone().or_else(|| text(cluster, "tls-server-name")),
            insecure: overrides.insecure || cluster.flag("insecure-skip-tls-verify"),
        };
        let namespace = text(context, "namespace").unwrap_or_else(|| "default".to_owned());
        Ok(Self { session, host, port, identity, namespace })
    }

    /// From a file of the node.
    ///
    /// # Errors
    /// It cannot be read or used.
    pub(super) fn from_file(session: &'a Session, path: &str) -> Result<Self, String> {
        let text = session.machine.files.text(path);
        let text = text.map_err(|_| format!("open {path}: no such file or directory"))?;
        Self::new(session, Some(&text), &Overrides::default())
    }

    /// `HOST:PORT`
    pub(super) fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Asks once.
    ///
    /// # Errors
    /// No answer; in kubectl's words.
    pub(super) async fn ask(&self, request: Request) -> Result<Answer, String> {
        let machine = &self.session.machine;
        let path = request.path.clone();
        let method = request.method;
        let asked =
            self.session.site.ask(machine, &self.host, self.port, &self.identity, request).await;
        asked.map_err(|why| match why {
            NoAnswer::Refused => format!(
                "The connection to the server {} was refused - did you specify the right host or port?",
                self.server()
            ),
            NoAnswer::Certificate(why) => format!(
                "Unable to connect to the server: tls: failed to verify certificate: {why}"
            ),
            NoAnswer::Broken(why) => {
                let verb = format!("{}{}", method.get(..1).unwrap_or_default(), method.get(1..).unwrap_or_default().to_lowercase());
                format!("Unable to connect to the server: {verb} \"https://{}{path}\": {why}", self.server())
            }
        })
    }

    /// Asks, and again while nobody answers, until so much time of a real cluster has passed.
    ///
    /// # Errors
    /// The last reason.
    pub(super) async fn ask_patiently(
        &self,
        request: Request,
        patience: Duration,
    ) -> Result<Answer, String> {
        let step = Duration::from_secs(1);
        let mut left = patience;
        loop {
            match self.ask(request.clone()).await {
                Err(_) if left >= step => left -= step,
                Ok(answer) if answer.code >= 500 && left >= step => left -= step,
                other => return other,
            }
            self.session.wait(step).await;
        }
    }

    /// An object; `None`: it is not there.
    ///
    /// # Errors
    /// In kubectl's words.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Value>, String> {
        let answer = self.ask(Request::get(path)).await?;
        match answer.code {
            404 => Ok(None),
            _ if answer.ok() => Ok(Some(answer.json())),
            _ => Err(server_error(&answer)),
        }
    }

    /// An object or a list.
    ///
    /// # Errors
    /// In kubectl's words.
    pub(super) async fn get(&self, path: &str) -> Result<Value, String> {
        self.send(Request::get(path)).await
    }

    /// Whatever; the answer must be a success.
    ///
    /// # Errors
    /// In kubectl's words.
    pub(super) async fn send(&self, request: Request) -> Result<Value, String> {
        let answer = self.ask(request).await?;
        if answer.ok() { Ok(answer.json()) } else { Err(server_error(&answer)) }
    }
}

/// `Error from server (NotFound): nodes "x" not found`
pub(super) fn server_error(answer: &Answer) -> String {
    let reason = answer.json().text("reason").to_owned();
    if answer.code == 401 {
        return "error: You must be logged in to the server (Unauthorized)".to_owned();
    }
    match reason.as_str() {
        "" => format!("Error from server: {}", answer.message()),
        reason => format!("Error from server ({reason}): {}", answer.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (server, expected) in [
            ("https://127.8.0.1:6443", Some(("127.8.0.1", 6443))),
            ("https://api.lab/path", Some(("api.lab", 443))),
            ("nonsense", None),
        ] {
            assert_eq!(address(server), expected.map(|(host, port)| (host.to_owned(), port)));
        }
    }
}
