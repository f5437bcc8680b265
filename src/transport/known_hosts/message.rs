//! What the user is told when a server is not trusted, and what to do about it.

use super::decide::{Line, Names, Offered, Verdict};
use russh::keys::{HashAlg, PublicKey};
use std::path::{Path, PathBuf};

/// The text of a refusal; nothing if the verdict is [`Verdict::Known`].
pub(crate) fn refusal(
    verdict: &Verdict,
    names: &Names,
    address: (&str, u16),
    offered: Offered<'_>,
    files: &[PathBuf],
) -> Option<String> {
    let (kind, fingerprint) = describe(offered);
    let name = &names.name;
    let (host, port) = address;
    let file = files.first().map_or_else(|| "a known_hosts file".to_owned(), |f| shown(f));
    let text = match verdict {
        Verdict::Known => return None,
        Verdict::Unknown => format!(
            "the host key of `{name}` is unknown: it offers {kind} {fingerprint}. Compare the fingerprint with the host's \
             own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then add the key: ssh-keyscan -p {port} {host} >> {file}"
        ),
        Verdict::Changed(lines) => format!(
            "THE HOST KEY OF `{name}` HAS CHANGED: it offers {kind} {fingerprint}, but other keys are on record ({}). \
             Somebody may be intercepting the connection, or the host was installed anew. If you know that it was, remove \
             the old keys: ssh-keygen -R '{name}' -f {}",
            lines.iter().map(place).collect::<Vec<_>>().join(", "),
            lines.first().map_or(file, |(path, _)| shown(path))
        ),
        Verdict::Revoked(line) => format!(
            "the host key of `{name}` ({kind} {fingerprint}) is REVOKED in {}; it must not be trusted",
            place(line)
        ),
        Verdict::BadCertificate(reason) => {
            format!("the host certificate of `{name}` ({kind} {fingerprint}) is refused: {reason}")
        }
    };
    Some(text)
}

fn describe(offered: Offered<'_>) -> (String, String) {
    match offered {
        Offered::Key(key) => (key.algorithm().to_string(), fingerprint(key)),
        Offered::Certificate(certificate) => (
            certificate.algorithm().to_certificate_type(),
            certificate.public_key().fingerprint(HashAlg::Sha256).to_string(),
        ),
    }
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn place((file, line): &Line) -> String {
    format!("{}:{line}", file.display())
}
