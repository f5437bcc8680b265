//! `kubeadm token create`, `list`, `delete`, `generate`: secrets in kube-system.

use super::{admin, error, parse};
use crate::node::Request;
use crate::store::Json;
use crate::tools::client::Client;
use crate::tools::flags::{Flag, switch, value};
use crate::tools::kubectl_duration;
use crate::tools::session::{Done, Failed, Session};
use crate::tools::when;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const FLAGS: [Flag; 7] = [
    switch("print-join-command"),
    switch("dry-run"),
    value("ttl"),
    value("description"),
    value("usages"),
    value("groups"),
    value("certificate-key"),
];
const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
const GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";

pub(super) async fn run(session: &Session) -> Done {
    let flags = parse(session, 1, &FLAGS)?;
    for refused in ["dry-run", "certificate-key"] {
        if flags.get(refused).is_some() {
            return Err(error(format!("--{refused} is not supported by the lab")));
        }
    }
    let words: Vec<&str> = flags.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["generate"] => {
            session.line(generate(session)).await;
            Ok(0)
        }
        ["create", rest @ ..] => {
            let client = admin(session, &flags)?;
            let token = rest.first().map_or_else(|| generate(session), |token| (*token).to_owned());
            create(session, &client, &token, &flags).await?;
            if flags.on("print-join-command") {
                session.line(join_command(session, &client, &token)?).await;
            } else {
                session.line(token).await;
            }
            Ok(0)
        }
        ["list"] => list(session, &admin(session, &flags)?).await,
        ["delete", tokens @ ..] if !tokens.is_empty() => {
            let client = admin(session, &flags)?;
            for token in tokens {
                let id = token.split('.').next().unwrap_or(token);
                let path = format!("{SECRETS}/bootstrap-token-{id}");
                client.send(Request::with("DELETE", path, json!({}))).await.map_err(|why| {
                    error(format!("failed to delete bootstrap token \"{id}\": {why}"))
                })?;
                session.line(format!("bootstrap token \"{id}\" deleted")).await;
            }
            Ok(0)
        }
        other => {
            Err(error(format!("kubeadm token {} is not supported by the lab", other.join(" "))))
        }
    }
}

/// `abcdef.0123456789abcdef`
fn generate(session: &Session) -> String {
    let seed =
        format!("{} {} {}", session.machine.moment(), session.call.pid, session.machine.machine_id);
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let text: String = Sha256::digest(seed.as_bytes())
        .iter()
        .filter_map(|byte| letters.get(usize::from(*byte) % letters.len()))
        .map(|letter| char::from(*letter))
        .take(22)
        .collect();
    let (id, secret) = text.split_at(6);
    format!("{id}.{secret}")
}

fn valid(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let right = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    (right(id, 6) && right(secret, 16)).then_some((id, secret))
}

async fn create(
    session: &Session,
    client: &Client<'_>,
    token: &str,
    flags: &crate::tools::flags::Flags,
) -> Result<(), Failed> {
    let (id, secret) = valid(token).ok_or_else(|| error(format!("the bootstrap token \"{token}\" was not of the form \"\\\\A([a-z0-9]{{6}})\\\\.([a-z0-9]{{16}})\\\\z\"")))?;
    let ttl = kubectl_duration(flags.get("ttl").unwrap_or("24h0m0s")).map_err(error)?;
    let encode = |text: &str| STANDARD.encode(text);
    let mut data = json!({
        "token-id": encode(id), "token-secret": encode(secret),
        "usage-bootstrap-authentication": encode("true"), "usage-bootstrap-signing": encode("true"),
        "auth-extra-groups": encode(flags.get("groups").unwrap_or(GROUP)),
    });
    if !ttl.is_zero() {
        let until = session.machine.now() + i64::try_from(ttl.as_secs()).unwrap_or(0);
        data.put("expiration", encode(&when::rfc3339(until)));
    }
    if let Some(description) = flags.get("description") {
        data.put("description", encode(description));
    }
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": format!("bootstrap-token-{id}"), "namespace": "kube-system"}, "data": data,
    });
    client
        .send(Request::with("POST", SECRETS, secret))
        .await
        .map_err(|why| error(format!("failed to create bootstrap token: {why}")))?;
    Ok(())
}

fn join_command(session: &Session, client: &Client<'_>, token: &str) -> Result<String, Failed> {
    let path = "/etc/kubernetes/pki/ca.crt";
    let pem = session.machine.files.text(path).map_err(|_| {
        error(format!("failed to load CA certificate: open {path}: no such file or directory"))
    })?;
    Ok(format!(
        "kubeadm join {} --token {token} --discovery-token-ca-cert-hash sha256:{} ",
        client.server(),
        pin(&pem)
    ))
}

/// kubeadm pins the public key of the authority; the lab pins the whole certificate.
pub(super) fn pin(pem: &str) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body.trim()).unwrap_or_default();
    Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A field of a token's secret.
pub(super) fn field(secret: &Value, name: &str) -> String {
    let bytes =
        secret.key("data", name).and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn list(session: &Session, client: &Client<'_>) -> Done {
    let secrets = client
        .get(SECRETS)
        .await
        .map_err(|why| error(format!("failed to list bootstrap tokens: {why}")))?;
    let now = session.machine.now();
    let mut rows = vec!["TOKEN                     TTL         EXPIRES                USAGES                   DESCRIPTION                                                EXTRA GROUPS".to_owned()];
    for secret in secrets.list("items") {
        if secret.text("type") != "bootstrap.kubernetes.io/token" {
            continue;
        }
        let or_none = |text: String| if text.is_empty() { "<none>".to_owned() } else { text };
        let expires = field(secret, "expiration");
        let left = expires
            .parse::<jiff::Timestamp>()
            .map_or_else(|_| "<forever>".to_owned(), |until| span(until.as_second() - now));
        let expires = if expires.is_empty() { "<never>".to_owned() } else { expires };
        let token = format!("{}.{}", field(secret, "token-id"), field(secret, "token-secret"));
        let description = or_none(field(secret, "description"));
        let groups = or_none(field(secret, "auth-extra-groups"));
        rows.push(format!(
            "{token:<26}{left:<12}{expires:<23}{:<25}{description:<59}{groups}",
            "authentication,signing"
        ));
    }
    if rows.len() > 1 {
        session.line(rows.join("\n")).await;
    }
    Ok(0)
}

/// `23h`, as Kubernetes shortens durations.
fn span(seconds: i64) -> String {
    match seconds {
        ..0 => "<invalid>".to_owned(),
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_a_form() {
        assert_eq!(valid("8rk47p.wpy86i1ohkgq7n74"), Some(("8rk47p", "wpy86i1ohkgq7n74")));
        for token in ["8rk47p", "8rk47p.WPY86i1ohkgq7n74", "8rk47.wpy86i1ohkgq7n74"] {
            assert_eq!(valid(token), None);
        }
        assert_eq!(
            (span(86_390), span(90), span(7000)),
            ("23h".to_owned(), "90s".to_owned(), "116m".to_owned())
        );
    }
}
