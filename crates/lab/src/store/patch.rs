//! The three patches of the API.

use super::json::Json;
use super::schema::Shape;
use super::status::Status;
use serde_json::{Map, Value};

/// A change of an object, as a client writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// RFC 6902.
    Json(Value),
    /// RFC 7396.
    Merge(Value),
    /// As kube-apiserver merges by the shapes of its kinds: lists by key, `$patch`, `$retainKeys`,
    /// `$deleteFromPrimitiveList`, `$setElementOrder`.
    Strategic(Value),
}

impl Patch {
    /// Changes the object.
    ///
    /// # Errors
    /// 400 for a patch that is none, 422 for one that does not fit the object.
    pub fn apply(&self, kind: &str, object: &mut Value) -> Result<(), Status> {
        match self {
            Self::Json(operations) => {
                let operations: json_patch::Patch = serde_json::from_value(operations.clone())
                    .map_err(|error| {
                        Status::bad_request(format!("error decoding patch: {error}"))
                    })?;
                let refused = "the server rejected our request due to an error in our request";
                json_patch::patch(object, &operations).map_err(|_| Status::unprocessable(refused))
            }
            Self::Merge(patch) if patch.is_object() => {
                json_patch::merge(object, patch);
                Ok(())
            }
            Self::Strategic(patch) if patch.is_object() => {
                merge_object(Shape::of(kind), object, patch)
            }
            Self::Merge(_) | Self::Strategic(_) => {
                Err(Status::bad_request("error decoding patch: the patch is not an object"))
            }
        }
    }
}

fn merge_object(shape: Option<Shape>, object: &mut Value, patch: &Value) -> Result<(), Status> {
    let Some(patch) = patch.as_object() else { return Ok(()) };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *object = Value::Object(without_directives(patch));
            return Ok(());
        }
        Some("delete") => {
            *object = Value::Object(Map::new());
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(Status::bad_request(format!("Unknown patch type found: {other}")));
        }
    }
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(map) = object else { return Ok(()) };
    if let Some(Value::Array(keep)) = patch.get("$retainKeys") {
        map.retain(|name, _| keep.iter().any(|kept| kept == name));
    }
    for (name, value) in patch {
        if name.starts_with('$') {
            directive(shape, map, name, value);
            continue;
        }
        let shape = shape.and_then(|shape| shape.member(name));
        if value.is_null() {
            map.shift_remove(name);
            continue;
        }
        let replace = shape.is_some_and(|shape| shape.patched_by("replace"));
        match (map.get_mut(name), value) {
            (Some(old @ Value::Object(_)), Value::Object(_)) if !replace => {
                merge_object(shape, old, value)?;
            }
            (Some(Value::Array(old)), Value::Array(new)) => merge_list(shape, old, new)?,
            (None, Value::Object(_)) => {
                let mut fresh = Value::Object(Map::new());
                merge_object(shape, &mut fresh, value)?;
                map.insert(name.clone(), fresh);
            }
            (None, Value::Array(new)) => {
                let mut fresh = Vec::new();
                merge_list(shape, &mut fresh, new)?;
                map.insert(name.clone(), Value::Array(fresh));
            }
            _ => {
                map.insert(name.clone(), value.clone());
            }
        }
    }
    reorder(shape, map, patch);
    Ok(())
}

fn without_directives(patch: &Map<String, Value>) -> Map<String, Value> {
    patch
        .iter()
        .filter(|(name, _)| !name.starts_with('$'))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

fn directive(_: Option<Shape>, map: &mut Map<String, Value>, name: &str, value: &Value) {
    let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") else { return };
    let (Some(Value::Array(items)), Some(gone)) = (map.get_mut(list), value.as_array()) else {
        return;
    };
    items.retain(|item| !gone.contains(item));
}

fn merge_list(shape: Option<Shape>, old: &mut Vec<Value>, new: &[Value]) -> Result<(), Status> {
    let replaced = new.iter().any(|item| item.text("$patch") == "replace");
    let merges = shape.is_some_and(|shape| shape.patched_by("merge"));
    if replaced || !merges {
        *old = new.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
        return Ok(());
    }
    let Some(key) = shape.and_then(Shape::merge_key) else {
        let fresh: Vec<Value> = new.iter().filter(|item| !old.contains(item)).cloned().collect();
        old.extend(fresh);
        return Ok(());
    };
    let item_shape = shape.and_then(Shape::items);
    for item in new {
        let Some(id) = item.get(key) else {
            return Err(Status::bad_request(format!(
                "map: {item} does not contain declared merge key: {key}"
            )));
        };
        if item.text("$patch") == "delete" {
            old.retain(|there| there.get(key) != Some(id));
            continue;
        }
        match old.iter_mut().find(|there| there.get(key) == Some(id)) {
            Some(there) => merge_object(item_shape, there, item)?,
            None => {
                let mut fresh = Value::Object(Map::new());
                merge_object(item_shape, &mut fresh, item)?;
                old.push(fresh);
            }
        }
    }
    Ok(())
}

/// `$setElementOrder/NAME`: what it names comes in its order; what it does not name stays behind what preceded it.
fn reorder(shape: Option<Shape>, map: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (directive, order) in patch {
        let (Some(name), Some(order)) =
            (directive.strip_prefix("$setElementOrder/"), order.as_array())
        else {
            continue;
        };
        let key = shape.and_then(|shape| shape.member(name)).and_then(Shape::merge_key);
        let same = |item: &Value, wanted: &Value| match key {
            Some(key) => item.get(key) == wanted.get(key),
            None => item == wanted,
        };
        let Some(Value::Array(items)) = map.get_mut(name) else { continue };
        let mut rank = 0;
        let mut ranked: Vec<(usize, Value)> = Vec::new();
        for item in items.drain(..) {
            if let Some(at) = order.iter().position(|wanted| same(&item, wanted)) {
                rank = at;
            }
            ranked.push((rank, item));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        items.extend(ranked.into_iter().map(|(_, item)| item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(kind: &str, mut object: Value, patch: Value) -> Value {
        Patch::Strategic(patch).apply(kind, &mut object).unwrap();
        object
    }

    #[test]
    fn lists_merge_by_their_keys() {
        let object = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}],
            "tolerations": [{"key": "x"}]}});
        let patch = json!({"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "a", "$patch": "delete"}],
            "tolerations": [{"key": "y"}], "nodeName": null}});
        assert_eq!(
            patched("Pod", object, patch),
            json!({"spec": {"containers": [{"name": "b", "image": "2"}], "tolerations": [{"key": "y"}]}})
        );
    }

    #[test]
    fn the_order_that_is_set_is_kept() {
        let object = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        let patch = json!({"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
            "containers": [{"name": "c"}]}});
        assert_eq!(
            patched("Pod", object, patch),
            json!({"spec": {"containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}]}})
        );
    }

    #[test]
    fn keys_are_retained_and_primitives_deleted() {
        let object = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
            "metadata": {"finalizers": ["a", "b"]}});
        let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
            "metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}});
        assert_eq!(
            patched("Deployment", object, patch),
            json!({"spec": {"strategy": {"type": "Recreate"}}, "metadata": {"finalizers": ["b", "c"]}})
        );
    }

    #[test]
    fn a_test_that_fails_changes_nothing() {
        let mut object = json!({"spec": {"unschedulable": true}});
        let patch =
            Patch::Json(json!([{"op": "test", "path": "/spec/unschedulable", "value": false},
            {"op": "remove", "path": "/spec/unschedulable"}]));
        assert_eq!(patch.apply("Node", &mut object).unwrap_err().code, 422);
        assert_eq!(object, json!({"spec": {"unschedulable": true}}));
    }
}
