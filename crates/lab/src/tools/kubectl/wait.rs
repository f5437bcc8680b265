//! `kubectl wait`.

use super::Kubectl;
use super::jsonpath::JsonPath;
use super::resource::{Target, targets};
use crate::store::Json;
use crate::tools::flags::{Flag, switch, value};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const FLAGS: [Flag; 7] = [
    value("for"),
    value("timeout"),
    value("selector").or('l'),
    value("output").or('o'),
    switch("all"),
    switch("all-namespaces").or('A'),
    value("field-selector"),
];

/// What is waited for.
#[derive(Debug, Clone, PartialEq)]
enum For {
    Condition(String, String),
    Delete,
    Create,
    Path(JsonPath, Option<String>),
}

/// `30s`, `5m0s`, `1h`, `0`; a number alone is none, as in Go.
pub(in crate::tools) fn duration(text: &str) -> Result<Duration, String> {
    let invalid = || {
        format!(
            "invalid argument \"{text}\" for \"--timeout\" flag: time: invalid duration \"{text}\""
        )
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let (number, after) = rest.split_at(at);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let factor = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(invalid()),
        };
        total += number.parse::<f64>().map_err(|_| invalid())? * factor;
        rest = after;
    }
    Duration::try_from_secs_f64(total).map_err(|_| invalid())
}

/// `5m0s`, as Go writes it.
pub(super) fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

fn wanted(text: &str) -> Result<For, String> {
    if text.eq_ignore_ascii_case("delete") {
        return Ok(For::Delete);
    }
    if text.eq_ignore_ascii_case("create") {
        return Ok(For::Create);
    }
    if let Some(condition) = text.strip_prefix("condition=") {
        let (name, status) = condition.split_once('=').unwrap_or((condition, "true"));
        return Ok(For::Condition(name.to_owned(), status.to_owned()));
    }
    if let Some(path) = text.strip_prefix("jsonpath=") {
        let (path, value) = match path.rsplit_once("}=") {
            Some((path, value)) => {
                (format!("{path}}}"), Some(value.trim_matches(['\'', '"']).to_owned()))
            }
            None => (path.to_owned(), None),
        };
        let path = path.trim_matches('\'').to_owned();
        return Ok(For::Path(
            JsonPath::parse(&path).map_err(|why| format!("error: {why}"))?,
            value,
        ));
    }
    Err(format!("error: unrecognized condition: \"{text}\""))
}

fn holds(wanted: &For, object: Option<&Value>) -> bool {
    match (wanted, object) {
        (For::Delete, object) => object.is_none(),
        (For::Create, object) => object.is_some(),
        (_, None) => false,
        (For::Condition(name, status), Some(object)) => {
            let generation = object.int("metadata.generation");
            let observed = object.int("status.observedGeneration");
            let stale = generation
                .zip(observed)
                .is_some_and(|(generation, observed)| observed < generation);
            let conditions = object.at("status.conditions").and_then(Value::as_array);
            let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
            !stale
                && conditions.is_some_and(|all| {
                    all.iter().any(|c| same(c.text("type"), name) && same(c.text("status"), status))
                })
        }
        (For::Path(path, value), Some(object)) => {
            let found = path.find(object);
            match value {
                None => !found.is_empty(),
                Some(value) => matches!(found.as_slice(), [one] if plain(one) == *value),
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) async fn run(kubectl: &Kubectl<'_>) -> Result<u8, String> {
    let Some(text) = kubectl.flags.get("for") else {
        return Err("error: unrecognized condition: \"\"".to_owned());
    };
    for refused in ["output", "field-selector", "all-namespaces"] {
        if kubectl.flags.get(refused).is_some() {
            return Err(format!("error: --{refused} is not supported by the lab"));
        }
    }
    let wanted = wanted(text)?;
    let timeout = duration(kubectl.flags.get("timeout").unwrap_or("30s"))
        .map_err(|why| format!("error: {why}"))?;
    let deadline = Instant::now() + kubectl.session.site.pace.of(timeout);
    let resources = kubectl.resources().await?;
    let all = expand(kubectl, targets(&resources, &kubectl.words)?).await?;
    if all.is_empty() {
        return Err("error: no matching resources found".to_owned());
    }
    let mut errors = Vec::new();
    for target in all {
        let name = target.name.as_deref().unwrap_or_default();
        let path = target.resource.path(Some(kubectl.namespace()), Some(name));
        let mut first = true;
        loop {
            let object = kubectl.client.find(&path).await?;
            if object.is_none() && first && !matches!(wanted, For::Delete | For::Create) {
                let group = if target.resource.group.is_empty() {
                    String::new()
                } else {
                    format!(".{}", target.resource.group)
                };
                errors.push(format!(
                    "Error from server (NotFound): {}{group} \"{name}\" not found",
                    target.resource.plural
                ));
                break;
            }
            first = false;
            if holds(&wanted, object.as_ref()) {
                kubectl
                    .session
                    .line(format!("{} condition met", target.resource.label(name)))
                    .await;
                break;
            }
            if Instant::now() >= deadline {
                errors.push(format!(
                    "error: timed out waiting for the condition on {}/{name}",
                    target.resource.plural
                ));
                break;
            }
            // A watch in kubectl; what it would be told at once is seen a moment later.
            kubectl.session.seconds(0.5).await;
        }
    }
    if errors.is_empty() { Ok(0) } else { Err(errors.join("\n")) }
}

/// Objects of whole kinds by name.
async fn expand(kubectl: &Kubectl<'_>, targets: Vec<Target>) -> Result<Vec<Target>, String> {
    let mut all = Vec::new();
    for target in targets {
        if target.name.is_some() {
            all.push(target);
            continue;
        }
        let selector = kubectl.flags.get("selector");
        if selector.is_none() && !kubectl.flags.on("all") {
            return Err("error: resource(s) were provided, but no name was specified".to_owned());
        }
        let query = selector
            .map(|s| format!("?labelSelector={}", s.replace('=', "%3D").replace(',', "%2C")))
            .unwrap_or_default();
        let list = kubectl
            .client
            .get(&format!("{}{query}", target.resource.path(Some(kubectl.namespace()), None)))
            .await?;
        for item in list.list("items") {
            let name = item.at("metadata.name").and_then(Value::as_str).map(str::to_owned);
            all.push(Target { resource: target.resource.clone(), name });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_waited_for() {
        let node =
            json!({"status": {"conditions": [{"type": "Ready", "status": "True"}], "phase": "x"}});
        for (text, object, expected) in [
            ("condition=Ready", Some(&node), true),
            ("condition=ready=false", Some(&node), false),
            ("condition=Nosuch", Some(&node), false),
            ("delete", None, true),
            ("delete", Some(&node), false),
            ("jsonpath={.status.phase}=x", Some(&node), true),
            ("jsonpath={.status.phase}=y", Some(&node), false),
            ("jsonpath={.status.phase}", Some(&node), true),
        ] {
            assert_eq!(holds(&wanted(text).unwrap(), object), expected, "{text}");
        }
        assert_eq!(wanted("x").unwrap_err(), "error: unrecognized condition: \"x\"");
    }

    #[test]
    fn durations_of_go() {
        for (text, seconds) in [("300s", 300), ("5m0s", 300), ("1h", 3600), ("0", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        assert!(duration("300").is_err() && duration("soon").is_err());
        assert_eq!(go_duration(Duration::from_secs(300)), "5m0s");
        assert_eq!(go_duration(Duration::from_secs(30)), "30s");
    }
}
