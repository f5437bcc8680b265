//! `setup` (`gather_facts`): what a host is, in one round trip.
//!
//! `gather_timeout` bounds what can hang: names that are looked up, and mounts whose server is gone. `parallel` says how
//! several modules of facts would run; there is one, so it cannot change a result.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome, facts_network, facts_system};
use crate::transport::{files, quote};
use async_trait::async_trait;
use globset::Glob;
use mainstay_language::value::{Map, Value, string};
use std::collections::HashMap;

pub(super) struct Setup;

static SPEC: Spec = Spec {
    names: &["setup", "gather_facts"],
    params: &[
        Param::new("gather_subset", Kind::TextList).default("all"),
        Param::new("gather_timeout", Kind::Int).default("10"),
        Param::new("filter", Kind::TextList),
        Param::new("fact_path", Kind::Path).default("/etc/ansible/facts.d"),
        Param::new("parallel", Kind::Bool),
    ],
    ..BUILTIN
};

/// Parts that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the facts")]
struct Subset {
    min: bool,
    hardware: bool,
    network: bool,
    virtualization: bool,
    local: bool,
}

/// Which part a name of `gather_subset` belongs to: a part, a collector or a fact.
fn part(name: &str) -> Option<&'static str> {
    Some(match name {
        "hardware" | "devices" | "mounts" | "memory" | "processor" | "processor_count"
        | "processor_cores" | "processor_vcpus" | "memtotal_mb" | "memfree_mb" | "swaptotal_mb"
        | "swapfree_mb" | "uptime_seconds" => "hardware",
        "network" | "interfaces" | "default_ipv4" | "default_ipv6" | "all_ipv4_addresses"
        | "all_ipv6_addresses" => "network",
        "virtual" | "virtualization_type" | "virtualization_role" => "virtual",
        "local" => "local",
        "min"
        | "platform"
        | "distribution"
        | "user"
        | "env"
        | "date_time"
        | "pkg_mgr"
        | "service_mgr"
        | "lsb"
        | "cmdline"
        | "dns"
        | "fips"
        | "python"
        | "selinux"
        | "apparmor"
        | "ssh_pub_keys"
        | "caps"
        | "system"
        | "os_family"
        | "hostname"
        | "fqdn"
        | "kernel"
        | "architecture"
        | "distribution_version"
        | "distribution_release"
        | "distribution_major_version"
        | "loadavg"
        | "machine_id" => "min",
        // Programs that Ansible would ask if they were there; there is nothing to leave out.
        "facter" | "ohai" => "none",
        _ => return None,
    })
}

impl Subset {
    fn parse(names: &[String]) -> Result<Self, Failure> {
        let all =
            Self { min: true, hardware: true, network: true, virtualization: true, local: true };
        let positive = names.iter().any(|n| !n.trim().starts_with('!'));
        let mut subset = if positive && !names.iter().any(|n| n.trim() == "all") {
            Self { min: true, local: true, ..Self::default() }
        } else {
            all
        };
        // Exclusions of whole sets first, so that `!all,network` is network alone (with min).
        for name in names.iter().map(|n| n.trim()) {
            match name {
                "!all" => subset = Self { min: subset.min, local: true, ..Self::default() },
                "!min" => subset.min = false,
                _ => {}
            }
        }
        for name in names.iter().map(|n| n.trim()) {
            let (on, bare) = name.strip_prefix('!').map_or((true, name), |bare| (false, bare));
            if matches!(bare, "all") || name == "!min" {
                continue;
            }
            match part(bare) {
                Some("hardware") => subset.hardware = on,
                Some("network") => subset.network = on,
                Some("virtual") => subset.virtualization = on,
                Some("local") => subset.local = on,
                Some("min") if on => subset.min = true,
                Some(_) => {}
                None => {
                    return Err(Failure::msg(format!("Bad subset '{bare}' given to Ansible.")));
                }
            }
        }
        Ok(subset)
    }
}

/// The answers of the script by name.
pub(super) type Answers = HashMap<String, String>;

fn script(subset: Subset, fact_path: &str, limit: i64) -> String {
    let mut text = format!(
        "export LC_ALL=C\nfact() {{ say \"$1\" \"$(cat \"$2\" 2>/dev/null)\"; }}\n\
         run() {{ n=$1; shift; say \"$n\" \"$(\"$@\" 2>/dev/null)\"; }}\n\
         limit={}; soon() {{ \"$@\"; }}\n\
         ! command -v timeout >/dev/null 2>&1 || soon() {{ timeout $limit \"$@\"; }}\n",
        limit.max(1)
    );
    if subset.min {
        text.push_str(facts_system::SCRIPT);
    }
    if subset.hardware {
        text.push_str(facts_system::HARDWARE);
    }
    if subset.virtualization {
        text.push_str(facts_system::VIRTUAL);
    }
    if subset.network {
        text.push_str(facts_network::SCRIPT);
    }
    if subset.local {
        text.push_str(&format!(
            "for f in {}/*.fact; do [ -f \"$f\" ] || continue\n\
             if [ -x \"$f\" ]; then o=$(\"$f\" 2>&1 </dev/null) || o=\"error: $o\"; else o=$(cat \"$f\" 2>&1); fi\n\
             n=${{f##*/}}; say \"local:${{n%.fact}}\" \"$o\"; done\n",
            quote(fact_path.trim_end_matches('/'))
        ));
    }
    text
}

/// Local facts: JSON, or sections of `key = value`.
fn local(answers: &Answers) -> Map {
    let mut names: Vec<_> = answers.keys().filter_map(|k| k.strip_prefix("local:")).collect();
    names.sort_unstable();
    let mut map = Map::new();
    for name in names {
        let Some(text) = answers.get(&format!("local:{name}")) else { continue };
        let value = match serde_json::from_str::<serde_json::Value>(text) {
            Ok(json) => Value::from(json),
            Err(_) => ini(text).unwrap_or_else(|| {
                Value::text(format!("error loading facts as JSON or ini: {text}"))
            }),
        };
        map.insert(name, value);
    }
    map
}

fn ini(text: &str) -> Option<Value> {
    let mut sections = Map::new();
    let mut current: Option<(String, Map)> = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            if let Some((name, section)) = current.replace((name.to_owned(), Map::new())) {
                sections.insert(name, section);
            }
            continue;
        }
        let (key, value) = line.split_once('=').or_else(|| line.split_once(':'))?;
        current.as_mut()?.1.insert(key.trim().to_lowercase(), value.trim());
    }
    let (name, section) = current?;
    sections.insert(name, section);
    Some(Value::Map(sections))
}

/// Facts that the patterns name, with or without their prefix.
fn filtered(facts: Map, patterns: &[String]) -> Map {
    if patterns.is_empty() || patterns.iter().any(|p| p.is_empty() || p == "*") {
        return facts;
    }
    let globs: Vec<_> = patterns
        .iter()
        .flat_map(|p| [p.clone(), format!("ansible_{p}")])
        .filter_map(|p| Glob::new(&p).ok().map(|g| g.compile_matcher()))
        .collect();
    facts
        .iter()
        .filter(|(key, _)| globs.iter().any(|glob| glob.is_match(string(key))))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[async_trait]
impl Module for Setup {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let names = args.texts("gather_subset");
        let subset = Subset::parse(&names)?;
        let fact_path = args.text("fact_path").unwrap_or_default();
        let limit = args.int("gather_timeout").unwrap_or(10);
        let mut answer =
            files::ask(ctx.host, &script(subset, fact_path, limit), Vec::new()).await?;
        let mut answers = Answers::new();
        while !answer.is_empty() {
            answers.insert(answer.text()?, answer.text()?);
        }
        let mut facts = Map::new();
        if subset.min {
            facts_system::minimum(&answers, &mut facts);
        }
        if subset.hardware {
            facts_system::hardware(&answers, &mut facts);
        }
        if subset.virtualization {
            facts_system::virtualization(&answers, &mut facts);
        }
        if subset.network {
            facts_network::network(&answers, &mut facts);
        }
        if subset.local {
            facts.insert("local", local(&answers));
        }
        let full: Map = facts
            .iter()
            .map(|(key, value)| (Value::text(format!("ansible_{}", string(key))), value.clone()))
            .collect();
        let mut full = filtered(full, &args.texts("filter"));
        full.insert("gather_subset", names);
        full.insert("module_setup", true);
        let mut outcome = Outcome::ok().with("ansible_facts", full.clone());
        outcome.facts = full;
        Ok(outcome)
    }
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
