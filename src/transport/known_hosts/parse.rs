//! Lines of known_hosts.

use super::pattern::matches_list;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::PublicKey;
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::rand_core::Rng;
use sha1::Sha1;
use std::path::Path;
use std::sync::Arc;

/// What a line says about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// The host has it.
    Host,
    /// It signs certificates of the host.
    Authority,
    /// It must not be trusted, neither as a host's nor as an authority's.
    Revoked,
}

/// The usable lines of several files, in order.
#[derive(Debug, Default)]
pub(crate) struct Lines(pub(crate) Vec<Arc<Vec<Entry>>>);

impl Lines {
    /// Those about this name.
    pub(super) fn about(&self, name: &str) -> Vec<&Entry> {
        self.0.iter().flat_map(|entries| entries.iter()).filter(|e| e.is_about(name)).collect()
    }
}

/// One usable line.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) marker: Marker,
    names: HostNames,
    pub(crate) key: PublicKey,
    pub(crate) file: Arc<Path>,
    pub(crate) line: usize,
}

#[derive(Clone, Debug)]
enum HostNames {
    /// Lower-case patterns.
    Plain(Vec<String>),
    Hashed {
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

impl Entry {
    /// Whether the line is about this name: lower-case, `[name]:port` unless the port is 22.
    pub(crate) fn is_about(&self, name: &str) -> bool {
        match &self.names {
            HostNames::Plain(patterns) => matches_list(patterns.iter().map(String::as_str), name),
            HostNames::Hashed { salt, hash } => {
                digest(salt, name).is_some_and(|mac| mac.verify_slice(hash).is_ok())
            }
        }
    }
}

fn digest(salt: &[u8], name: &str) -> Option<Hmac<Sha1>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac)
}

/// A name as `ssh-keygen -H` writes it.
pub(super) fn hash(name: &str) -> String {
    let mut salt = [0u8; 20];
    safe_rng().fill_bytes(&mut salt);
    // A key of any length is good for HMAC.
    let mac = digest(&salt, name).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
    format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac))
}

/// The usable lines of a file. OpenSSH skips lines that it cannot read (other key types, damaged ones), and so do we: such
/// a line never makes a host trusted.
pub(crate) fn parse(text: &[u8], file: &Path) -> Vec<Entry> {
    let file: Arc<Path> = file.into();
    text.split(|&byte| byte == b'\n')
        .enumerate()
        .filter_map(|(index, line)| {
            entry(std::str::from_utf8(line).ok()?, Arc::clone(&file), index + 1)
        })
        .collect()
}

fn entry(line: &str, file: Arc<Path>, number: usize) -> Option<Entry> {
    let line = line.trim_end_matches('\r').trim_matches(BLANK);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (first, rest) = word(line)?;
    let (marker, names, rest) = match first {
        "@cert-authority" => (Marker::Authority, word(rest)?.0, word(rest)?.1),
        "@revoked" => (Marker::Revoked, word(rest)?.0, word(rest)?.1),
        _ if first.starts_with('@') => return None,
        _ => (Marker::Host, first, rest),
    };
    let (kind, rest) = word(rest)?;
    let blob = word(rest).map_or(rest, |(blob, _)| blob);
    let key = PublicKey::from_openssh(&format!("{kind} {blob}")).ok()?;
    Some(Entry { marker, names: host_names(names)?, key, file, line: number })
}

const BLANK: [char; 2] = [' ', '\t'];

/// The first word and what follows it; nothing if there is no second.
fn word(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.split_once(BLANK)?;
    Some((first, rest.trim_start_matches(BLANK)))
}

fn host_names(text: &str) -> Option<HostNames> {
    let Some(hashed) = text.strip_prefix('|') else {
        return Some(HostNames::Plain(text.to_lowercase().split(',').map(str::to_owned).collect()));
    };
    let (salt, hash) = hashed.strip_prefix("1|")?.split_once('|')?;
    Some(HostNames::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? })
}
