//! Label and field selectors.

use super::json::Json;
use super::status::Status;
use serde_json::{Map, Value};

/// What a label must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// A label selector; the empty one selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<Requirement>);

impl Labels {
    /// `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    ///
    /// # Errors
    /// 400 if the text is none.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let wrong = |part: &str| {
            Status::bad_request(format!("unable to parse requirement: found '{part}'"))
        };
        let parts = split_outside_parentheses(text);
        let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
        parts
            .map(|part| requirement(part).ok_or_else(|| wrong(part)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// From `matchLabels` and `matchExpressions`. `None` if the object is no selector; the empty one selects everything.
    #[must_use]
    pub fn of(selector: &Value) -> Option<Self> {
        let mut all = Vec::new();
        for (name, value) in selector.map("matchLabels").into_iter().flatten() {
            all.push(Requirement::In(name.clone(), vec![value.as_str()?.to_owned()]));
        }
        for expression in selector.list("matchExpressions") {
            let name = expression.text("key").to_owned();
            let values = expression
                .list("values")
                .iter()
                .filter_map(|v| v.as_str().map(str::to_owned))
                .collect();
            all.push(match expression.text("operator") {
                "In" => Requirement::In(name, values),
                "NotIn" => Requirement::NotIn(name, values),
                "Exists" => Requirement::Exists(name),
                "DoesNotExist" => Requirement::Missing(name),
                _ => return None,
            });
        }
        Some(Self(all))
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object with these labels is selected.
    #[must_use]
    pub fn match_labels(&self, labels: Option<&Map<String, Value>>) -> bool {
        let label = |name: &str| labels.and_then(|labels| labels.get(name)).and_then(Value::as_str);
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(name, values) => {
                label(name).is_some_and(|v| values.iter().any(|w| w == v))
            }
            Requirement::NotIn(name, values) => {
                label(name).is_none_or(|v| values.iter().all(|w| w != v))
            }
            Requirement::Exists(name) => label(name).is_some(),
            Requirement::Missing(name) => label(name).is_none(),
        })
    }

    /// Whether this object is selected.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        self.match_labels(object.map("metadata.labels"))
    }
}

fn split_outside_parentheses(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    let valid = |name: &str| {
        let name = name.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        (!name.is_empty() && name.chars().all(fits)).then(|| name.to_owned())
    };
    let value = |text: &str| {
        let text = text.trim();
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            .then(|| text.to_owned())
    };
    if let Some(name) = part.strip_prefix('!') {
        return Some(Requirement::Missing(valid(name)?));
    }
    if let Some((name, rest)) = part.split_once(['(']) {
        let values = rest.strip_suffix(')')?.split(',').map(value).collect::<Option<Vec<_>>>()?;
        let (name, operator) = name.trim().rsplit_once(' ')?;
        return match operator {
            "in" => Some(Requirement::In(valid(name)?, values)),
            "notin" => Some(Requirement::NotIn(valid(name)?, values)),
            _ => None,
        };
    }
    if let Some((name, text)) = part.split_once("!=") {
        return Some(Requirement::NotIn(valid(name)?, vec![value(text)?]));
    }
    if let Some((name, text)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Requirement::In(valid(name)?, vec![value(text)?]));
    }
    Some(Requirement::Exists(valid(part)?))
}

/// A field selector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, bool, String)>);

impl Fields {
    /// `metadata.name=x,spec.nodeName!=y`, with the fields that this kind of object knows.
    ///
    /// # Errors
    /// 400 for a text that is none, or a field that is not known.
    pub fn parse(kind: &str, text: &str) -> Result<Self, Status> {
        let mut all = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, equal, value) = if let Some((name, value)) = part.split_once("!=") {
                (name, false, value)
            } else if let Some((name, value)) =
                part.split_once("==").or_else(|| part.split_once('='))
            {
                (name, true, value)
            } else {
                return Err(Status::bad_request(format!(
                    "invalid selector: '{part}'; can't understand '{part}'"
                )));
            };
            if !known(kind, name) {
                return Err(Status::bad_request(match kind {
                    "Pod" | "Node" | "Event" | "Namespace" | "Secret" | "ReplicationController" => {
                        format!("field label not supported: {name}")
                    }
                    _ => format!(
                        "\"{name}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    ),
                }));
            }
            all.push((name.to_owned(), equal, value.to_owned()));
        }
        Ok(Self(all))
    }

    /// Whether this object is selected.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(name, equal, value)| (field(object, name) == *value) == *equal)
    }
}

/// As kube-apiserver's conversions of field labels list them.
fn known(kind: &str, name: &str) -> bool {
    let more: &[&str] = match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        "Node" => return matches!(name, "metadata.name" | "spec.unschedulable"),
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Namespace" => return matches!(name, "metadata.name" | "status.phase"),
        "Secret" => &["type"],
        "ReplicationController" | "ReplicaSet" => &["status.replicas"],
        "Job" => &["status.successful"],
        _ => &[],
    };
    matches!(name, "metadata.name" | "metadata.namespace") || more.contains(&name)
}

fn field(object: &Value, name: &str) -> String {
    match (name, object.at(name)) {
        ("source", _) => object.text("source.component").to_owned(),
        (_, Some(Value::String(text))) => text.clone(),
        ("spec.unschedulable" | "spec.hostNetwork", None) => "false".to_owned(),
        (_, Some(Value::Array(_)) | None) => String::new(),
        (_, Some(other)) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As `kubectl get -l` answers on a real server.
    #[test]
    fn labels_are_selected_as_the_grammar_says() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        for (text, yes) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app=web,tier!=front", false),
            ("app in (db, web)", true),
            ("app notin (db),tier", true),
            ("other notin (x)", true),
            ("!other,app", true),
            ("!app", false),
            ("other!=x", true),
        ] {
            assert_eq!(Labels::parse(text).unwrap().matches(&object), yes, "{text}");
        }
        for text in ["app in web", "=x", "a=b=c", "app has (x)"] {
            assert!(Labels::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_that_are_not_known_are_refused() {
        let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "w1"}, "status": {"phase": "Running"}});
        let fields = Fields::parse("Pod", "spec.nodeName=w1,status.phase!=Failed").unwrap();
        assert!(fields.matches(&pod));
        assert!(!Fields::parse("Pod", "spec.nodeName=").unwrap().matches(&pod));
        let error = Fields::parse("Pod", "spec.color=red").unwrap_err();
        assert_eq!(error.message, "field label not supported: spec.color");
    }
}
