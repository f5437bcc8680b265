//! What an object must and must not be. Texts as kube-apiserver's validation writes them.

use super::json::{self, Json};
use super::status::{Cause, Status};
use super::{Labels, Part, Resource};
use serde_json::Value;

/// A new object.
pub(super) fn new(resource: &Resource, object: &Value) -> Result<(), Status> {
    let mut causes = Vec::new();
    name(resource, object, &mut causes);
    labels(object, "metadata.labels", &mut causes);
    shape(resource, object, &mut causes);
    refuse(resource, object, &causes)
}

/// A changed one.
pub(super) fn changed(
    resource: &Resource,
    part: Part,
    old: &Value,
    object: &Value,
) -> Result<(), Status> {
    let mut causes = Vec::new();
    labels(object, "metadata.labels", &mut causes);
    if part == Part::Whole {
        shape(resource, object, &mut causes);
        constant(resource, old, object, &mut causes);
    }
    if json::terminating(old) {
        let had = old.list("metadata.finalizers");
        if let Some(new) = object.list("metadata.finalizers").iter().find(|f| !had.contains(f)) {
            let text = format!(
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{new}}}"
            );
            causes.push(("metadata.finalizers".into(), "FieldValueForbidden", text));
        }
    }
    refuse(resource, object, &causes)
}

fn refuse(resource: &Resource, object: &Value, causes: &[Cause]) -> Result<(), Status> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(resource.group, resource.kind, json::name(object), causes))
}

fn required(object: &Value, at: &str, path: &str, causes: &mut Vec<Cause>) {
    if object.at(path).is_none_or(|value| value.as_str() == Some("")) {
        let field = if at.is_empty() { path.to_owned() } else { format!("{at}.{path}") };
        causes.push((field, "FieldValueRequired", "Required value".into()));
    }
}

/// Names are DNS subdomains.
fn name(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    let name = json::name(object);
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str| {
        label.starts_with(end) && label.ends_with(end) && label.chars().all(|c| end(c) || c == '-')
    };
    let one_label = matches!(resource.kind, "Namespace" | "Service");
    let good = if one_label {
        label(name) && name.len() <= 63
    } else {
        name.split('.').all(label) && name.len() <= 253
    };
    if good {
        return;
    }
    let why = if one_label {
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
         alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    } else {
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end \
         with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    };
    causes.push((
        "metadata.name".into(),
        "FieldValueInvalid",
        format!("Invalid value: \"{name}\": {why}"),
    ));
}

fn labels(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (_, value) in object.map(path).into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let end = |c: char| c.is_ascii_alphanumeric();
        let inner = |c: char| end(c) || "-_.".contains(c);
        let good = text.is_empty()
            || (text.starts_with(end)
                && text.ends_with(end)
                && text.chars().all(inner)
                && text.len() <= 63);
        if !good {
            let why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
                and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
            causes.push((
                path.into(),
                "FieldValueInvalid",
                format!("Invalid value: \"{text}\": {why}"),
            ));
        }
    }
}

fn shape(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    match resource.kind {
        "Pod" => pod(object.at("spec").unwrap_or(&Value::Null), "spec", causes),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => workload(object, causes),
        "Job" => {
            pod(
                object.at("spec.template.spec").unwrap_or(&Value::Null),
                "spec.template.spec",
                causes,
            );
            if !object.flag("spec.suspend") {
                let text =
                    "Forbidden: the lab runs no job to its end; it takes suspended ones only"
                        .to_owned();
                causes.push(("spec.suspend".into(), "FieldValueForbidden", text));
            }
        }
        "PodDisruptionBudget" => budget(object, causes),
        "Node" => node(object, causes),
        "Lease" => {
            if let Some(seconds) =
                object.int("spec.leaseDurationSeconds").filter(|seconds| *seconds <= 0)
            {
                let text = format!("Invalid value: {seconds}: must be greater than 0");
                causes.push(("spec.leaseDurationSeconds".into(), "FieldValueInvalid", text));
            }
        }
        "Service"
            if object.list("spec.ports").is_empty() && object.text("spec.clusterIP") != "None" =>
        {
            required(object, "", "spec.ports", causes);
        }
        _ => {}
    }
}

fn pod(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    if spec.list("containers").is_empty() {
        causes.push((format!("{at}.containers"), "FieldValueRequired", "Required value".into()));
    }
    for list in ["initContainers", "containers"] {
        let mut seen = Vec::new();
        for (number, container) in spec.list(list).iter().enumerate() {
            let at = format!("{at}.{list}[{number}]");
            required(container, &at, "name", causes);
            required(container, &at, "image", causes);
            let name = container.text("name");
            if !name.is_empty() && seen.contains(&name) {
                causes.push((
                    format!("{at}.name"),
                    "FieldValueDuplicate",
                    format!("Duplicate value: \"{name}\""),
                ));
            }
            seen.push(name);
        }
    }
}

fn workload(object: &Value, causes: &mut Vec<Cause>) {
    if let Some(replicas) = object.int("spec.replicas").filter(|replicas| *replicas < 0) {
        let text = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        causes.push(("spec.replicas".into(), "FieldValueInvalid", text));
    }
    let Some(selector) =
        object.at("spec.selector").filter(|s| s.as_object().is_some_and(|s| !s.is_empty()))
    else {
        causes.push(("spec.selector".into(), "FieldValueRequired", "Required value".into()));
        let text = "Invalid value: null: `selector` does not match template `labels`".to_owned();
        causes.push(("spec.template.metadata.labels".into(), "FieldValueInvalid", text));
        return pod(
            object.at("spec.template.spec").unwrap_or(&Value::Null),
            "spec.template.spec",
            causes,
        );
    };
    let template = object.map("spec.template.metadata.labels");
    if Labels::of(selector).is_some_and(|selector| !selector.match_labels(template)) {
        let shown = template
            .map_or_else(|| "null".to_owned(), |labels| Value::Object(labels.clone()).to_string());
        let text = format!("Invalid value: {shown}: `selector` does not match template `labels`");
        causes.push(("spec.template.metadata.labels".into(), "FieldValueInvalid", text));
    }
    pod(object.at("spec.template.spec").unwrap_or(&Value::Null), "spec.template.spec", causes);
}

fn budget(object: &Value, causes: &mut Vec<Cause>) {
    let (least, most) = (object.at("spec.minAvailable"), object.at("spec.maxUnavailable"));
    if least.is_some() && most.is_some() {
        let spec = object.at("spec").cloned().unwrap_or_default();
        let text =
            format!("Invalid value: {spec}: minAvailable and maxUnavailable cannot be both set");
        causes.push(("spec".into(), "FieldValueInvalid", text));
    }
    for (name, value) in [("minAvailable", least), ("maxUnavailable", most)] {
        let Some(value) = value else { continue };
        if let Some(number) = value.as_i64() {
            if number < 0 {
                let text = format!("Invalid value: {number}: must be greater than or equal to 0");
                causes.push((format!("spec.{name}"), "FieldValueInvalid", text));
            }
        } else if percent(value).is_none() {
            let text = format!(
                "Invalid value: {value}: a valid percent string must be a numeric string followed by an ending '%' (e.g. \
                '1%',  or '93%', regex used for validation is '[0-9]+%')"
            );
            causes.push((format!("spec.{name}"), "FieldValueInvalid", text));
        } else if percent(value).is_some_and(|percent| percent > 100) {
            let text = format!("Invalid value: {value}: must not be greater than 100%");
            causes.push((format!("spec.{name}"), "FieldValueInvalid", text));
        }
    }
    let policy = object.text("spec.unhealthyPodEvictionPolicy");
    if !matches!(policy, "" | "AlwaysAllow" | "IfHealthyBudget") {
        let text = format!(
            "Unsupported value: \"{policy}\": supported values: \"AlwaysAllow\", \"IfHealthyBudget\""
        );
        causes.push(("spec.unhealthyPodEvictionPolicy".into(), "FieldValueNotSupported", text));
    }
}

fn percent(value: &Value) -> Option<i64> {
    value.as_str()?.strip_suffix('%')?.parse().ok().filter(|percent| *percent >= 0)
}

/// A number, or a percentage of `whole`, rounded up or down.
#[must_use]
pub fn int_or_percent(value: &Value, whole: i64, up: bool) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let hundredths = percent(value)? * whole;
    Some(if up { (hundredths + 99) / 100 } else { hundredths / 100 })
}

fn node(object: &Value, causes: &mut Vec<Cause>) {
    let mut seen = Vec::new();
    for (number, taint) in object.list("spec.taints").iter().enumerate() {
        // The real one says `metadata.taints`, where they once were.
        let at = format!("metadata.taints[{number}]");
        let effect = taint.text("effect");
        if taint.text("key").is_empty() {
            let text = "Invalid value: \"\": name part must be non-empty".to_owned();
            causes.push((format!("{at}.key"), "FieldValueInvalid", text));
        }
        if effect.is_empty() {
            required(taint, &at, "effect", causes);
        } else if !matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
            let text = format!(
                "Unsupported value: \"{effect}\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\""
            );
            causes.push((format!("{at}.effect"), "FieldValueNotSupported", text));
        }
        let id = (taint.text("key"), effect);
        if seen.contains(&id) {
            causes.push((at, "FieldValueDuplicate", format!("Duplicate value: {taint}")));
        }
        seen.push(id);
    }
}

/// What stays as it was made.
fn constant(resource: &Resource, old: &Value, object: &Value, causes: &mut Vec<Cause>) {
    let fixed: &[&str] = match resource.kind {
        "Deployment" | "ReplicaSet" | "DaemonSet" => &["spec.selector"],
        "Service" => &["spec.clusterIP"],
        "ConfigMap" | "Secret" if old.flag("immutable") => &["immutable", "data", "binaryData"],
        "PriorityClass" => &["value"],
        "ControllerRevision" => &["data"],
        _ => &[],
    };
    for path in fixed {
        if object.at(path) != old.at(path) {
            let shown = object.at(path).cloned().unwrap_or_default();
            let text = if matches!(resource.kind, "ConfigMap" | "Secret") {
                "Forbidden: field is immutable when `immutable` is set".to_owned()
            } else {
                format!("Invalid value: {shown}: field is immutable")
            };
            let reason = if text.starts_with("Forbidden") {
                "FieldValueForbidden"
            } else {
                "FieldValueInvalid"
            };
            causes.push(((*path).to_owned(), reason, text));
        }
    }
    match resource.kind {
        "Pod" => pod_constant(old, object, causes),
        "StatefulSet" => stateful_set_constant(old, object, causes),
        _ => {}
    }
}

fn pod_constant(old: &Value, object: &Value, causes: &mut Vec<Cause>) {
    let frozen = |pod: &Value| {
        let mut spec = pod.at("spec").cloned().unwrap_or_default();
        for list in ["containers", "initContainers"] {
            spec.items_mut(list).iter_mut().for_each(|container| drop(container.take_at("image")));
        }
        for free in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
            spec.take_at(free);
        }
        spec
    };
    let kept = old
        .list("spec.tolerations")
        .iter()
        .all(|toleration| object.list("spec.tolerations").contains(toleration));
    let grace = old.at("spec.terminationGracePeriodSeconds")
        == object.at("spec.terminationGracePeriodSeconds");
    if frozen(old) != frozen(object) || !kept || !grace {
        let text = "Forbidden: pod updates may not change fields other than \
            `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
            additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
            previously negative)";
        causes.push(("spec".into(), "FieldValueForbidden", text.into()));
    }
}

fn stateful_set_constant(old: &Value, object: &Value, causes: &mut Vec<Cause>) {
    let frozen = |set: &Value| {
        let mut spec = set.at("spec").cloned().unwrap_or_default();
        let free = [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ];
        for free in free {
            spec.take_at(free);
        }
        spec
    };
    if frozen(old) != frozen(object) {
        let text = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
            'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        causes.push(("spec".into(), "FieldValueForbidden", text.into()));
    }
}
