//! `inventory_hostnames`: names of hosts by pattern, from the variable `groups`.

use super::call::Call;
use crate::template::filters::call::fail;
use crate::template::filters::pattern::{self, Flags};
use crate::template::filters::python;
use globset::GlobBuilder;
use minijinja::{Error, Value};

type Groups = Vec<(String, Vec<String>)>;

pub(super) fn inventory_hostnames(call: &mut Call) -> Result<Vec<Value>, Error> {
    let raw = call.world.scope().get("groups");
    let raw = raw.ok_or_else(|| fail("there is no inventory: the variable 'groups' is missing"))?;
    let mut groups: Groups = Vec::new();
    for (name, hosts) in python::pairs(&call.world.lift(&raw)?)? {
        let hosts = python::list(&hosts)?.iter().map(python::string).collect::<Result<_, _>>()?;
        groups.push((python::string(&name)?, hosts));
    }
    let mut patterns = Vec::new();
    for term in &call.terms {
        match term.as_str() {
            Some(text) => patterns.extend(split(text)),
            None => {
                for item in python::list(term)? {
                    patterns.extend(split(&python::string(&item)?));
                }
            }
        }
    }
    select(&groups, &patterns).map(|hosts| hosts.into_iter().map(Value::from).collect())
}

/// At commas, or at colons if there are none of IPv6.
fn split(text: &str) -> Vec<String> {
    let separator = if text.contains(',') || text.contains("::") { ',' } else { ':' };
    let parts = text.split(separator).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// Plain patterns add, `&` patterns then keep, `!` patterns then remove.
fn select(groups: &Groups, patterns: &[String]) -> Result<Vec<String>, Error> {
    let kind = |pattern: &&String, mark: char| pattern.starts_with(mark);
    let mut chosen: Vec<String> = Vec::new();
    let plain: Vec<&String> = patterns.iter().filter(|p| !kind(p, '&') && !kind(p, '!')).collect();
    let all = "all".to_owned();
    let plain = if plain.is_empty() { vec![&all] } else { plain };
    for pattern in plain {
        for host in matching(groups, pattern)? {
            if !chosen.contains(&host) {
                chosen.push(host);
            }
        }
    }
    for pattern in patterns.iter().filter_map(|p| p.strip_prefix('&')) {
        let keep = matching(groups, pattern)?;
        chosen.retain(|host| keep.contains(host));
    }
    for pattern in patterns.iter().filter_map(|p| p.strip_prefix('!')) {
        let remove = matching(groups, pattern)?;
        chosen.retain(|host| !remove.contains(host));
    }
    Ok(chosen)
}

/// Whether a name of a host or a group fits a pattern.
type Fits = Box<dyn Fn(&str) -> Result<bool, Error>>;

fn matching(groups: &Groups, pattern: &str) -> Result<Vec<String>, Error> {
    let fits: Fits = match pattern.strip_prefix('~') {
        Some(regex) => {
            let regex = pattern::compile(&format!("\\A(?:{regex})"), Flags::default())?;
            Box::new(move |name| Ok(pattern::search(&regex, name)?.is_some()))
        }
        None => {
            let wanted = if pattern == "all" || pattern == "*" { "*" } else { pattern };
            let glob = GlobBuilder::new(wanted)
                .build()
                .map_err(|error| fail(format!("'{pattern}' is not a pattern of hosts: {error}")))?
                .compile_matcher();
            Box::new(move |name| Ok(glob.is_match(name)))
        }
    };
    let mut found = Vec::new();
    for (name, hosts) in groups {
        let whole = fits(name)?;
        for host in hosts {
            if (whole || fits(host)?) && !found.contains(host) {
                found.push(host.clone());
            }
        }
    }
    Ok(found)
}
