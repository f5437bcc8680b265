//! URLs taken apart as Python's `urlsplit` does, without judging them.

use super::call::fail;
use minijinja::{Error, Value};

/// The parts of a URL, in the order of their names.
pub(in crate::template) fn split(url: &str) -> Result<Vec<(&'static str, Value)>, Error> {
    let cleaned: String = url
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\r' | '\n'))
        .collect();
    let (scheme, rest) = scheme(&cleaned);
    let (netloc, rest) = match rest.strip_prefix("//") {
        Some(after) => after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len())),
        None => ("", rest),
    };
    if netloc.contains('[') != netloc.contains(']') {
        return Err(fail("the address in the URL is not valid IPv6"));
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (userinfo, host) = match netloc.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, netloc),
    };
    let (username, password) = match userinfo.map(|info| info.split_once(':').ok_or(info)) {
        Some(Ok((name, password))) => (Some(name), Some(password)),
        Some(Err(name)) => (Some(name), None),
        None => (None, None),
    };
    let (hostname, port) = host_and_port(host);
    let port = match port {
        Some(port) if !port.is_empty() => {
            Value::from(port.parse::<u16>().map_err(|_| fail(format!("'{port}' is not a port")))?)
        }
        _ => Value::from(()),
    };
    let optional = |text: Option<&str>| text.map_or(Value::from(()), Value::from);
    let hostname = hostname.to_lowercase();
    Ok(vec![
        ("fragment", Value::from(fragment)),
        ("hostname", optional(Some(hostname.as_str()).filter(|h| !h.is_empty()))),
        ("netloc", Value::from(netloc)),
        ("password", optional(password)),
        ("path", Value::from(path)),
        ("port", port),
        ("query", Value::from(query)),
        ("scheme", Value::from(scheme)),
        ("username", optional(username)),
    ])
}

fn scheme(url: &str) -> (String, &str) {
    if let Some((name, rest)) = url.split_once(':') {
        let mut chars = name.chars();
        let letter = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
        if letter && chars.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
            return (name.to_lowercase(), rest);
        }
    }
    (String::new(), url)
}

fn host_and_port(host: &str) -> (&str, Option<&str>) {
    if let Some((address, after)) = host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        return (address, after.strip_prefix(':'));
    }
    host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)))
}
