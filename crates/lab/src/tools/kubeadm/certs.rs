//! `kubeadm certs check-expiration`.

use super::{admin, error, parse};
use crate::tools::flags::value;
use crate::tools::session::{Done, Session};
use crate::tools::when;

const DAY: i64 = 86_400;

/// Name, and the authority that signed it.
const CERTIFICATES: [(&str, &str); 11] = [
    ("admin.conf", "ca"),
    ("apiserver", "ca"),
    ("apiserver-etcd-client", "etcd-ca"),
    ("apiserver-kubelet-client", "ca"),
    ("controller-manager.conf", "ca"),
    ("etcd-healthcheck-client", "etcd-ca"),
    ("etcd-peer", "etcd-ca"),
    ("etcd-server", "etcd-ca"),
    ("front-proxy-client", "front-proxy-ca"),
    ("scheduler.conf", "ca"),
    ("super-admin.conf", "ca"),
];

pub(super) async fn check(session: &Session) -> Done {
    let flags = parse(session, 2, &[value("cert-dir"), value("config"), value("output").or('o')])?;
    if flags.get("output").is_some_and(|output| output != "text") {
        return Err(error("-o is not supported by the lab"));
    }
    admin(session, &flags)?;
    session
        .line(
            "[check-expiration] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...\n\
             [check-expiration] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.\n",
        )
        .await;
    let (since, now) = (session.machine.state().certificates_since, session.machine.now());
    let row = |name: &str, days: i64, authority: Option<&str>, width: usize| {
        let until = since + days * DAY;
        let left = (until - now) / DAY;
        let left = if left > 730 { format!("{}y", left / 365) } else { format!("{left}d") };
        let authority = authority.map(|a| format!("{a:<24}")).unwrap_or_default();
        format!("{name:<width$}{}   {left:<16}{authority}no      \n", when::expiry(until))
    };
    let mut text = "CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED\n".to_owned();
    for (name, authority) in CERTIFICATES {
        text.push_str(&row(name, 365, Some(authority), 27));
    }
    text.push_str(
        "\nCERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED\n",
    );
    for name in ["ca", "etcd-ca", "front-proxy-ca"] {
        text.push_str(&row(name, 3650, None, 24));
    }
    session.out(text).await;
    Ok(0)
}
