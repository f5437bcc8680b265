//! `add_host`, `group_by`, `set_stats`: what a task changes in the run itself.

use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ask, Ctx, Failure, Module, Outcome};
use async_trait::async_trait;
use mainstay_language::value::{Map, Value, string};

pub(super) struct AddHost;
pub(super) struct GroupBy;
pub(super) struct SetStats;

static ADD_HOST: Spec = Spec {
    names: &["add_host"],
    params: &[
        Param::new("name", Kind::Text).required().aliases(&["host", "hostname"]),
        Param::new("groups", Kind::TextList).aliases(&["group", "groupname"]),
    ],
    any: true,
    controller: true,
    ..BUILTIN
};

static GROUP_BY: Spec = Spec {
    names: &["group_by"],
    params: &[
        Param::new("key", Kind::Text).required(),
        Param::new("parents", Kind::TextList).default("all"),
    ],
    controller: true,
    ..BUILTIN
};

static SET_STATS: Spec = Spec {
    names: &["set_stats"],
    params: &[
        Param::new("data", Kind::Dict).required(),
        Param::new("per_host", Kind::Bool).default("no"),
        Param::new("aggregate", Kind::Bool).default("yes"),
    ],
    controller: true,
    ..BUILTIN
};

/// `name:port` of a host; brackets around an IPv6 address.
fn host_and_port(text: &str) -> (&str, Option<u16>) {
    if let Some((host, port)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        return (host, port.strip_prefix(':').and_then(|p| p.parse().ok()));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

#[async_trait]
impl Module for AddHost {
    fn spec(&self) -> &'static Spec {
        &ADD_HOST
    }

    async fn run(&self, args: Args, _ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let written = args.text("name").unwrap_or_default().to_owned();
        let groups: Vec<String> = args
            .texts("groups")
            .iter()
            .map(|g| g.trim().to_owned())
            .filter(|g| !g.is_empty())
            .collect();
        let (name, port) = host_and_port(&written);
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == ',') {
            return Err(Failure::msg(format!("{written:?} is no host name")));
        }
        let mut variables = args.0.clone();
        variables.remove("name");
        variables.remove("groups");
        if let Some(port) = port {
            variables.insert("ansible_ssh_port", u32::from(port));
        }
        let mut shown = Map::new();
        shown.insert("host_name", name);
        shown.insert("groups", groups.clone());
        shown.insert("host_vars", variables.clone());
        let mut outcome = Outcome::changed(true).with("add_host", shown);
        outcome.asks.push(Ask::AddHost { name: name.to_owned(), groups, variables });
        Ok(outcome)
    }
}

#[async_trait]
impl Module for GroupBy {
    fn spec(&self) -> &'static Spec {
        &GROUP_BY
    }

    async fn run(&self, args: Args, _ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let group = args.text("key").unwrap_or_default().replace(' ', "-");
        let parents: Vec<String> =
            args.texts("parents").iter().map(|p| p.replace(' ', "-")).collect();
        let mut outcome = Outcome::changed(true)
            .with("add_group", group.as_str())
            .with("parent_groups", parents.clone());
        outcome.asks.push(Ask::JoinGroup { group, parents });
        Ok(outcome)
    }
}

#[async_trait]
impl Module for SetStats {
    fn spec(&self) -> &'static Spec {
        &SET_STATS
    }

    async fn run(&self, args: Args, _ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let data = args.get("data").and_then(Value::as_map).cloned().unwrap_or_default();
        if let Some(name) = data.keys().map(string).find(|n| !super::set_fact::is_identifier(n)) {
            return Err(Failure::msg(format!("The variable name '{name}' is not valid")));
        }
        let (per_host, aggregate) = (args.flag("per_host"), args.flag("aggregate"));
        let mut shown = Map::new();
        shown.insert("data", data.clone());
        shown.insert("per_host", per_host);
        shown.insert("aggregate", aggregate);
        let mut outcome = Outcome::ok().with("ansible_stats", shown);
        outcome.asks.push(Ask::SetStats { data, per_host, aggregate });
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::{Bench, Scripted};
    use serde_json::json;

    #[tokio::test]
    async fn results_as_ansible_gives_them() {
        let bench = Bench::on(Scripted::new([]));
        for (module, args, key, expected) in [
            (
                "add_host",
                json!({"name": "x", "groups": "a,b", "foo": 1}),
                "add_host",
                json!({"host_name": "x", "groups": ["a", "b"], "host_vars": {"foo": 1}}),
            ),
            (
                "add_host",
                json!({"hostname": "x:2222", "group": ["a"]}),
                "add_host",
                json!({"host_name": "x", "groups": ["a"], "host_vars": {"ansible_ssh_port": 2222}}),
            ),
            (
                "add_host",
                json!({"name": "fd00::1"}),
                "add_host",
                json!({"host_name": "fd00::1", "groups": [], "host_vars": {}}),
            ),
            ("group_by", json!({"key": "foo bar"}), "add_group", json!("foo-bar")),
            ("group_by", json!({"key": "a", "parents": ["b c"]}), "parent_groups", json!(["b-c"])),
            (
                "set_stats",
                json!({"data": {"a": 1}}),
                "ansible_stats",
                json!({"data": {"a": 1}, "per_host": false, "aggregate": true}),
            ),
        ] {
            assert_eq!(bench.json(module, args.clone()).await[key], expected, "{args}");
        }
        for (module, args) in [
            ("add_host", json!({"name": "a b"})),
            ("add_host", json!({})),
            ("set_stats", json!({"data": {"a-b": 1}})),
        ] {
            assert_eq!(bench.json(module, args.clone()).await["failed"], true, "{args}");
        }
    }
}
