//! `package_facts` and `service_facts`: what is installed, and which services there are.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files;
use async_trait::async_trait;
use mainstay_language::value::{Map, Value};
use std::collections::BTreeMap;

pub(super) struct PackageFacts;
pub(super) struct ServiceFacts;

static PACKAGES: Spec = Spec {
    names: &["package_facts"],
    params: &[
        Param::new("manager", Kind::TextList).default("auto"),
        Param::new("strategy", Kind::Text).default("first").choices(&["all", "first"]),
    ],
    ..BUILTIN
};

static SERVICES: Spec = Spec { names: &["service_facts"], ..BUILTIN };

/// Lines `name|version|arch|section|origin|status` → lists by name.
fn packages(text: &str) -> Map {
    let mut all: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [name, version, arch, section, origin, status] = fields.as_slice() else { continue };
        if status.get(1..2) != Some("i") {
            continue;
        }
        let mut map = Map::new();
        for (key, value) in [
            ("name", name),
            ("version", version),
            ("arch", arch),
            ("category", section),
            ("origin", origin),
            ("source", &"apt"),
        ] {
            map.insert(key, *value);
        }
        all.entry(name).or_default().push(Value::Map(map));
    }
    all.into_iter().map(|(name, list)| (Value::text(name), Value::list(list))).collect()
}

/// `systemctl list-units` and `list-unit-files` → services by name.
fn services(units: &str, files: &str) -> Map {
    let mut states: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for line in units.lines() {
        let line = line.trim_start_matches(['●', '*', ' ']);
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, load, active, sub, ..] = words.as_slice() else { continue };
        if !name.ends_with(".service") {
            continue;
        }
        let state = match (*load, *active, *sub) {
            ("not-found", ..) => "not-found",
            (_, "failed", _) | (.., "failed") => "failed",
            (.., "running") => "running",
            _ => "stopped",
        };
        let status = if *load == "not-found" { "not-found" } else { "unknown" };
        states.insert(name, (state, status));
    }
    for line in files.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(status)) = (words.next(), words.next()) else { continue };
        if name.ends_with(".service") {
            let known = states.get(name).map_or("unknown", |(state, _)| state);
            let state = if known == "unknown" && name.contains("@.") {
                "unknown"
            } else if known == "unknown" {
                "inactive"
            } else {
                known
            };
            states.insert(name, (state, status));
        }
    }
    states
        .into_iter()
        .map(|(name, (state, status))| {
            let mut map = Map::new();
            map.insert("name", name);
            map.insert("state", state);
            map.insert("status", status);
            map.insert("source", "systemd");
            (Value::text(name), Value::Map(map))
        })
        .collect()
}

fn facts(name: &str, map: Map) -> Outcome {
    let mut facts = Map::new();
    facts.insert(name, map);
    let mut outcome = Outcome::ok().with("ansible_facts", facts.clone());
    outcome.facts = facts;
    outcome
}

#[async_trait]
impl Module for PackageFacts {
    fn spec(&self) -> &'static Spec {
        &PACKAGES
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        // The first manager that a host has ends the list, unless all are asked for; `auto` is apt on hosts of ours.
        let mut managers = args.texts("manager");
        if args.text("strategy") == Some("first")
            && let Some(first) = managers.iter().position(|m| m == "auto" || m == "apt")
        {
            managers.truncate(first + 1);
        }
        if let Some(other) = managers.iter().find(|m| *m != "auto" && *m != "apt") {
            return Err(Failure::msg(format!("the package manager {other} is not supported")));
        }
        let script = "command -v dpkg-query >/dev/null 2>&1 || fail 'could not detect a supported package manager: only apt is supported'\n\
                      o=$(dpkg-query -W -f '${Package}|${Version}|${Architecture}|${Section}|${Origin}|${db:Status-Abbrev}\\n' 2>&1) || fail \"$o\"\n\
                      say \"$o\"\n";
        let mut answer = files::ask(ctx.host, script, Vec::new()).await?;
        Ok(facts("packages", packages(&answer.text()?)))
    }
}

#[async_trait]
impl Module for ServiceFacts {
    fn spec(&self) -> &'static Spec {
        &SERVICES
    }

    async fn run(&self, _args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let script = "export LC_ALL=C\n\
            [ -d /run/systemd/system ] || fail 'service_facts: only systemd is supported, and it does not run here'\n\
            say \"$(systemctl list-units --no-pager --no-legend --plain --type service --all 2>/dev/null)\"\n\
            say \"$(systemctl list-unit-files --no-pager --no-legend --type service 2>/dev/null)\"\n";
        let mut answer = files::ask(ctx.host, script, Vec::new()).await?;
        let (units, unit_files) = (answer.text()?, answer.text()?);
        Ok(facts("services", services(&units, &unit_files)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::Bench;
    use serde_json::json;

    #[test]
    fn services_of_systemctl() {
        let units = "ssh.service loaded active running OpenSSH\n  cron.service loaded inactive dead Cron\n\
                     ● bad.service loaded failed failed Bad\ngone.service not-found inactive dead gone\nx.socket loaded active running x\n\
                     once.service loaded active exited Once\n";
        let files = "ssh.service enabled enabled\ncron.service disabled enabled\nidle.service static -\nt@.service static -\n";
        let got = Value::Map(services(units, files)).to_json();
        for (name, state, status) in [
            ("ssh.service", "running", "enabled"),
            ("cron.service", "stopped", "disabled"),
            ("bad.service", "failed", "unknown"),
            ("gone.service", "not-found", "not-found"),
            ("idle.service", "inactive", "static"),
            ("once.service", "stopped", "unknown"),
            ("t@.service", "unknown", "static"),
        ] {
            let expected =
                json!({"name": name, "state": state, "status": status, "source": "systemd"});
            assert_eq!(got[name], expected);
        }
        assert!(got.get("x.socket").is_none());
    }

    #[tokio::test]
    async fn packages_of_this_machine() {
        if !std::path::Path::new("/usr/bin/dpkg-query").exists() {
            return;
        }
        let got = Bench::here().json("package_facts", json!({})).await;
        let dpkg = &got["ansible_facts"]["packages"]["dpkg"][0];
        assert_eq!((&dpkg["name"], &dpkg["source"]), (&json!("dpkg"), &json!("apt")));
        for (args, failed) in [
            (json!({"manager": ["apt", "rpm"]}), false),
            (json!({"manager": ["apt", "rpm"], "strategy": "all"}), true),
            (json!({"manager": ["rpm", "apt"]}), true),
        ] {
            let got = Bench::here().json("package_facts", args.clone()).await;
            assert_eq!(got["failed"], failed, "{args}");
        }
        let text = "a|1|all|admin|Debian|ii \na|2|i386|admin||ii \nb|1|all|x||rc \nbroken\n";
        let got = Value::Map(packages(text)).to_json();
        assert_eq!((got["a"].as_array().unwrap().len(), got.get("b")), (2, None));
    }
}
