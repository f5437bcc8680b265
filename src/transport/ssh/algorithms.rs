//! Which algorithms are offered, in which order.

use super::endpoint::Endpoint;
use crate::transport::TransportError;
use crate::transport::known_hosts::{algorithms, matches_list};
use russh::keys::Algorithm;
use russh::{Preferred, cipher, compression, kex, mac};
use std::borrow::Cow;
use std::str::FromStr;

const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// russh's list without SHA-1 signatures and without compression, changed by the options of the host; key types that are
/// on record come first, and certificates are asked for only where an authority is on record.
pub(super) fn preferred(endpoint: &Endpoint) -> Result<Preferred, TransportError> {
    let options = &endpoint.options;
    let default = Preferred::DEFAULT;
    let files: Vec<_> =
        options.user_known_hosts.iter().chain(&options.global_known_hosts).cloned().collect();
    let entries = endpoint.shared.book.entries(&files).map_err(TransportError::HostKey)?;
    let (on_record, authority) = algorithms(&entries, &endpoint.names());

    let usual: Vec<Algorithm> = default
        .key
        .iter()
        .filter(|a| !matches!(a, Algorithm::Rsa { hash: None }))
        .cloned()
        .collect();
    let mut keys = usual.clone();
    let mut certificates = if authority { usual.clone() } else { Vec::new() };
    match &options.host_key_algorithms {
        Some(text) => {
            let names = usual.iter().map(ToString::to_string).collect();
            let list = change(text, names, "HostKeyAlgorithms", |name| {
                name.ends_with(CERTIFICATE) || Algorithm::from_str(name).is_ok()
            })?;
            let parse = |name: &String| Algorithm::from_str(name).ok();
            keys =
                list.iter().filter(|name| !name.ends_with(CERTIFICATE)).filter_map(parse).collect();
            let plain = list.iter().filter_map(|name| name.strip_suffix(CERTIFICATE));
            let asked: Vec<Algorithm> =
                plain.filter_map(|name| Algorithm::from_str(name).ok()).collect();
            if !asked.is_empty() {
                certificates = asked;
            }
        }
        None => keys.sort_by_key(|key| !on_record.iter().any(|known| same_type(known, key))),
    }
    Ok(Preferred {
        key: Cow::Owned(keys),
        host_key_certificates: Cow::Owned(certificates),
        kex: names(options.kex_algorithms.as_ref(), &default.kex, "KexAlgorithms", kex_name)?,
        cipher: names(options.ciphers.as_ref(), &default.cipher, "Ciphers", |n| {
            cipher::Name::try_from(n).ok()
        })?,
        mac: names(options.macs.as_ref(), &default.mac, "MACs", |n| mac::Name::try_from(n).ok())?,
        compression: Cow::Borrowed(&[compression::NONE]),
    })
}

fn kex_name(name: &str) -> Option<kex::Name> {
    kex::Name::try_from(name).ok()
}

/// RSA keys are of one type whatever the hash of their signatures.
fn same_type(a: &Algorithm, b: &Algorithm) -> bool {
    a == b || matches!((a, b), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

fn names<N: AsRef<str> + Clone + 'static>(
    option: Option<&String>,
    default: &[N],
    keyword: &str,
    parse: impl Fn(&str) -> Option<N>,
) -> Result<Cow<'static, [N]>, TransportError>
where
    [N]: ToOwned<Owned = Vec<N>>,
{
    let Some(text) = option else { return Ok(Cow::Owned(default.to_vec())) };
    // Extensions are no algorithms: they stay whatever is asked for.
    let (extensions, usual): (Vec<N>, Vec<N>) = default.iter().cloned().partition(|name| {
        name.as_ref().starts_with("ext-info") || name.as_ref().starts_with("kex-strict")
    });
    let usual = usual.iter().map(|name| name.as_ref().to_owned()).collect();
    let list = change(text, usual, keyword, |name| parse(name).is_some())?;
    Ok(Cow::Owned(list.iter().filter_map(|name| parse(name)).chain(extensions).collect()))
}

/// A list of OpenSSH: `+` appends, `-` removes, `^` puts first, otherwise replaces. Names that we do not have are left out;
/// none that we have is an error.
fn change(
    text: &str,
    usual: Vec<String>,
    keyword: &str,
    have: impl Fn(&str) -> bool,
) -> Result<Vec<String>, TransportError> {
    let (sign, rest) = match text.chars().next() {
        Some(sign @ ('+' | '-' | '^')) => (sign, text.get(1..).unwrap_or_default()),
        _ => ('=', text),
    };
    let given: Vec<String> = rest
        .split(',')
        .map(str::trim)
        .filter(|name| sign != '-' && have(name))
        .map(str::to_owned)
        .collect();
    let list: Vec<String> = match sign {
        '+' => {
            usual.iter().chain(given.iter().filter(|name| !usual.contains(name))).cloned().collect()
        }
        '-' => usual.into_iter().filter(|name| !matches_list(rest.split(','), name)).collect(),
        '^' => {
            given.iter().chain(usual.iter().filter(|name| !given.contains(name))).cloned().collect()
        }
        _ => given,
    };
    if list.is_empty() {
        return Err(TransportError::Unsupported(format!(
            "`{keyword} {text}` leaves no algorithm that is supported"
        )));
    }
    Ok(list)
}
