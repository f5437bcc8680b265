//! The shapes of objects, as a kube-apiserver 1.36 describes them: which fields there are, what they hold, and how lists are
//! merged. `schema.json` is its `/openapi/v2` cut down to the kinds that are served and to the words used here; the command
//! is in `tests/real/run`.

use super::status::Status;
use serde_json::{Map, Value};
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("schema.json")).unwrap_or_default());

/// The shape of a value.
#[derive(Debug, Clone, Copy)]
pub struct Shape(&'static Value);

impl Shape {
    /// Of a kind of object; a kind that is not served has no shape.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        definition(DOCUMENT.get("roots")?.get(kind)?.as_str()?)
    }

    /// Of a member of an object.
    #[must_use]
    pub fn member(self, name: &str) -> Option<Self> {
        let target = self.target();
        let found = target.get("properties").and_then(|members| members.get(name));
        found.or_else(|| target.get("additionalProperties")).map(Self)
    }

    /// Of the items of a list.
    #[must_use]
    pub fn items(self) -> Option<Self> {
        self.target().get("items").map(Self)
    }

    /// The key by which a strategic patch merges the items of this list.
    #[must_use]
    pub fn merge_key(self) -> Option<&'static str> {
        self.0.get("x-kubernetes-patch-merge-key").and_then(Value::as_str)
    }

    /// Whether a strategic patch does this here: `merge`, `replace`, `retainKeys`.
    #[must_use]
    pub fn patched_by(self, strategy: &str) -> bool {
        let strategies = self.0.get("x-kubernetes-patch-strategy").and_then(Value::as_str);
        strategies.is_some_and(|all| all.split(',').any(|one| one == strategy))
    }

    fn target(self) -> &'static Value {
        let reference = self.0.get("$ref").and_then(Value::as_str);
        reference.and_then(definition).map_or(self.0, |shape| shape.0)
    }

    /// The name of what it refers to, for a shape that is defined elsewhere.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self.0.get("$ref") {
            Some(reference) => reference.as_str(),
            None => DOCUMENT
                .get("definitions")?
                .as_object()?
                .iter()
                .find(|(_, shape)| std::ptr::eq(*shape, self.0))
                .map(|(name, _)| name.as_str()),
        }
    }

    /// Of the values of a map.
    #[must_use]
    pub fn entries(self) -> Option<Self> {
        self.target().get("additionalProperties").map(Self)
    }

    /// Whether it is of this type, in the words of JSON schemas.
    #[must_use]
    pub fn is(self, word: &str) -> bool {
        self.0.get("type").and_then(Value::as_str) == Some(word)
    }

    /// `int32`, `byte`…; empty if it has none.
    #[must_use]
    pub fn format(self) -> &'static str {
        self.target().get("format").and_then(Value::as_str).unwrap_or_default()
    }
}

fn definition(name: &str) -> Option<Shape> {
    DOCUMENT.get("definitions")?.get(name).map(Shape)
}

/// All definitions and the kinds they belong to, for who wants to publish them.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Removes from an object what its kind does not have, and null members, and returns what was not known:
/// `unknown field "spec.foo"`.
///
/// # Errors
/// 400 if a value is not of its type.
pub fn prune(kind: &str, object: &mut Value) -> Result<Vec<String>, Status> {
    let Some(shape) = Shape::of(kind) else { return Ok(Vec::new()) };
    let mut unknown = Vec::new();
    match walk(shape, object, "", &mut unknown) {
        Ok(()) => Ok(unknown),
        Err(why) => {
            let group = if let Some((_, version)) = kind_version(kind) { version } else { "v1" };
            Err(Status::bad_request(format!(
                "{kind} in version \"{group}\" cannot be handled as a {kind}: {why}"
            )))
        }
    }
}

fn kind_version(kind: &str) -> Option<(&'static str, &'static str)> {
    super::resource::of_kind(kind).map(|resource| (resource.group, resource.version))
}

fn walk(
    shape: Shape,
    value: &mut Value,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let target = Shape(shape.target());
    match value {
        Value::Null => Ok(()),
        Value::Object(map) => {
            if target.member("").is_none() && target.0.get("properties").is_none() {
                return if target.is("object") || target.0.get("type").is_none() {
                    Ok(()) // free form: FieldsV1, RawExtension
                } else {
                    Err(mismatch("object", target, path))
                };
            }
            let names: Vec<String> = map.keys().cloned().collect();
            for name in names {
                match target.member(&name) {
                    Some(member) => {
                        if let Some(value) = map.get_mut(&name) {
                            walk(member, value, &below(&name), unknown)?;
                        }
                        drop_null(map, &name);
                    }
                    None => {
                        unknown.push(format!("unknown field \"{}\"", below(&name)));
                        map.shift_remove(&name);
                    }
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            let item = target.items().ok_or_else(|| mismatch("array", target, path))?;
            items
                .iter_mut()
                .enumerate()
                .try_for_each(|(at, value)| walk(item, value, &format!("{path}[{at}]"), unknown))
        }
        Value::String(_) if target.is("string") => Ok(()),
        Value::Number(_) if target.is("integer") || target.is("number") => Ok(()),
        Value::Number(_)
            if target.format() == "int-or-string" || target.0.get("type").is_none() =>
        {
            Ok(())
        }
        // A quantity may be written as a number.
        Value::Number(number) if quantity(shape) => {
            *value = Value::String(number.to_string());
            Ok(())
        }
        Value::Bool(_) if target.is("boolean") || target.0.get("type").is_none() => Ok(()),
        Value::String(_) if target.0.get("type").is_none() => Ok(()),
        Value::String(_) => Err(mismatch("string", target, path)),
        Value::Number(_) => Err(mismatch("number", target, path)),
        Value::Bool(_) => Err(mismatch("bool", target, path)),
    }
}

/// A member that is null is a member that is not there. Creation times of templates are written like that by every client.
fn drop_null(map: &mut Map<String, Value>, name: &str) {
    if map.get(name).is_some_and(Value::is_null) {
        map.shift_remove(name);
    }
}

fn quantity(shape: Shape) -> bool {
    shape.0.get("$ref").and_then(Value::as_str).is_some_and(|name| name.ends_with(".Quantity"))
}

fn mismatch(found: &str, target: Shape, path: &str) -> String {
    let wanted = match target.0.get("type").and_then(Value::as_str) {
        Some("integer") => {
            if target.format() == "int64" {
                "int64"
            } else {
                "int32"
            }
        }
        Some("boolean") => "bool",
        Some("array") => "slice",
        Some("object") | None => "struct",
        Some(other) => other,
    };
    format!("json: cannot unmarshal {found} into Go struct field .{path} of type {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_kind_does_not_have_is_named_and_dropped() {
        let mut pod = json!({"metadata": {"name": "a", "labels": {"a.b/c": "d"}, "colour": 1},
            "spec": {"containers": [{"name": "c", "imag": "x", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": 1}}}]}});
        let unknown = prune("Pod", &mut pod).unwrap();
        assert_eq!(
            unknown,
            [r#"unknown field "metadata.colour""#, r#"unknown field "spec.containers[0].imag""#]
        );
        assert_eq!(
            pod,
            json!({"metadata": {"name": "a", "labels": {"a.b/c": "d"}},
            "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": "1"}}}]}})
        );
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        for wrong in [
            json!({"spec": {"replicas": "3"}}),
            json!({"spec": []}),
            json!({"metadata": {"labels": {"a": 1}}}),
        ] {
            let error = prune("Deployment", &mut wrong.clone()).unwrap_err();
            assert_eq!(error.code, 400, "{wrong}");
        }
    }

    #[test]
    fn every_kind_that_is_served_has_a_shape() {
        for resource in super::super::resource::RESOURCES {
            assert!(Shape::of(resource.kind).is_some(), "{}", resource.kind);
        }
    }
}
