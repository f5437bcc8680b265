//! The verdict on a key or certificate that a server offers.

use super::parse::{Entry, Lines, Marker};
use super::pattern::matches;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, PublicKey};
use std::path::Path;
use std::sync::Arc;

/// Under which names a server is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Lower-case; `[name]:port` unless the port is 22 or an alias is set.
    pub(crate) name: String,
    /// Without port: its keys are accepted too if nothing is known of the name with its port.
    plain: Option<String>,
    /// What a certificate must be for.
    principal: String,
}

impl Names {
    /// As OpenSSH makes them of the address that is connected to, its port, and `HostKeyAlias`.
    pub(crate) fn new(host: &str, port: u16, alias: Option<&str>) -> Self {
        if let Some(alias) = alias {
            let alias = alias.to_lowercase();
            return Self { principal: alias.clone(), name: alias, plain: None };
        }
        let host = host.to_lowercase();
        if port == 22 {
            return Self { name: host.clone(), plain: None, principal: host };
        }
        Self { name: format!("[{host}]:{port}"), plain: Some(host.clone()), principal: host }
    }
}

/// What a server shows.
#[derive(Clone, Copy)]
pub(crate) enum Offered<'a> {
    /// A bare key.
    Key(&'a PublicKey),
    /// A key with a signature of an authority.
    Certificate(&'a Certificate),
}

/// A line of a file.
pub(crate) type Line = (Arc<Path>, usize);

/// What is to be thought of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the key on record, or a valid certificate of an authority on record.
    Known,
    /// Nothing is on record for this name.
    Unknown,
    /// Other keys are on record for this name, here.
    Changed(Vec<Line>),
    /// The key or its authority is revoked, here.
    Revoked(Line),
    /// The authority is on record but the certificate does not hold, for this reason.
    BadCertificate(String),
}

/// The verdict, from the lines of all files in order. `now` is in seconds since 1970, for certificates.
pub(crate) fn decide(entries: &Lines, names: &Names, offered: Offered<'_>, now: u64) -> Verdict {
    let verdict = decide_one(entries, &names.name, names, offered, now);
    match (&verdict, &names.plain) {
        (Verdict::Unknown, Some(plain)) => match decide_one(entries, plain, names, offered, now) {
            found @ (Verdict::Known | Verdict::Revoked(_)) => found,
            _ => verdict,
        },
        _ => verdict,
    }
}

fn decide_one(
    entries: &Lines,
    name: &str,
    names: &Names,
    offered: Offered<'_>,
    now: u64,
) -> Verdict {
    let about = entries.about(name);
    let key = match offered {
        Offered::Key(key) => key.key_data(),
        Offered::Certificate(certificate) => certificate.public_key(),
    };
    let authority = match offered {
        Offered::Key(_) => None,
        Offered::Certificate(certificate) => Some(certificate.signature_key()),
    };
    let is_revoked = |entry: &&&Entry| {
        let revoked = entry.key.key_data();
        entry.marker == Marker::Revoked && (revoked == key || Some(revoked) == authority)
    };
    if let Some(entry) = about.iter().find(is_revoked) {
        return Verdict::Revoked((Arc::clone(&entry.file), entry.line));
    }
    if let Offered::Certificate(certificate) = offered
        && has(&about, Marker::Authority, certificate.signature_key())
    {
        return match certificate_holds(certificate, &names.principal, now) {
            Ok(()) => Verdict::Known,
            Err(reason) => Verdict::BadCertificate(reason),
        };
    }
    if has(&about, Marker::Host, key) {
        return Verdict::Known;
    }
    let others: Vec<Line> = about
        .iter()
        .filter(|entry| entry.marker == Marker::Host)
        .map(|entry| (Arc::clone(&entry.file), entry.line))
        .collect();
    if others.is_empty() { Verdict::Unknown } else { Verdict::Changed(others) }
}

fn has(about: &[&Entry], marker: Marker, key: &KeyData) -> bool {
    about.iter().any(|entry| entry.marker == marker && entry.key.key_data() == key)
}

fn certificate_holds(certificate: &Certificate, principal: &str, now: u64) -> Result<(), String> {
    if certificate.cert_type() != CertType::Host {
        return Err("it is a certificate of a user".to_owned());
    }
    if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None } | Algorithm::Dsa)
    {
        return Err("its signature uses SHA-1".to_owned());
    }
    certificate.verify_signature().map_err(|error| format!("its signature is wrong: {error}"))?;
    if now < certificate.valid_after() {
        return Err("it is not valid yet".to_owned());
    }
    if now >= certificate.valid_before() {
        return Err("it has expired".to_owned());
    }
    if !certificate.valid_principals().iter().any(|pattern| matches(pattern, principal)) {
        let principals = certificate.valid_principals().join(", ");
        return Err(format!("it is for `{principals}`, not for `{principal}`"));
    }
    if let Some((name, _)) = certificate.critical_options().iter().next() {
        return Err(format!("its critical option `{name}` is not known"));
    }
    Ok(())
}

/// Key types on record for a host, to be asked for first, and whether an authority is on record.
pub(crate) fn algorithms(entries: &Lines, names: &Names) -> (Vec<Algorithm>, bool) {
    let mut types: Vec<Algorithm> = Vec::new();
    let mut authority = false;
    let mut found = entries.about(&names.name);
    if found.is_empty()
        && let Some(plain) = &names.plain
    {
        found = entries.about(plain);
    }
    for entry in found {
        let algorithm = entry.key.algorithm();
        match entry.marker {
            Marker::Host if !types.contains(&algorithm) => types.push(algorithm),
            Marker::Authority => authority = true,
            Marker::Host | Marker::Revoked => {}
        }
    }
    (types, authority)
}
