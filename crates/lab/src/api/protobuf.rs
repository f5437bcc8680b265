//! Bodies in protobuf, as kubectl sends what it makes itself (`kubectl create deployment`): read by the shapes of objects and
//! the numbers of their fields. Nothing is answered in protobuf.

use crate::store::schema::Shape;
use crate::store::{Json, Status};
use base64::Engine;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Numbers that mean something when they are 0: the others are written even if they were not given.
const MEANS_ZERO: &[&str] = &[
    "replicas",
    "terminationGracePeriodSeconds",
    "gracePeriodSeconds",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
    "backoffLimit",
    "tolerationSeconds",
    "partition",
    "value",
];

/// Message → number → name, and the message whose fields are the message's own. From `numbers.txt`, which
/// `tests/real/run schema` writes.
static NUMBERS: LazyLock<BTreeMap<&str, BTreeMap<u64, Field>>> = LazyLock::new(|| {
    let lines = include_str!("numbers.txt").lines();
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(message, fields)| (message, fields.split(' ').filter_map(field).collect()))
        .collect()
});

#[derive(Debug, Clone, Copy)]
struct Field {
    name: &'static str,
    own: Option<&'static str>,
}

fn field(text: &'static str) -> Option<(u64, Field)> {
    let (name, number) = text.split_once('=')?;
    let (number, own) =
        number.split_once(':').map_or((number, None), |(number, own)| (number, Some(own)));
    Some((number.parse().ok()?, Field { name, own }))
}

/// The object in a body.
///
/// # Errors
/// 400 for a body that is none.
pub(super) fn decode(body: &[u8]) -> Result<Value, Status> {
    read(body).ok_or_else(|| Status::bad_request("the body is no protobuf that is understood here"))
}

fn read(body: &[u8]) -> Option<Value> {
    let (mut kind, mut version, mut raw) = (String::new(), String::new(), &[][..]);
    for (number, wire) in fields(body.strip_prefix(MAGIC)?)? {
        match (number, wire) {
            (1, Wire::Bytes(meta)) => {
                for (number, wire) in fields(meta)? {
                    let text = String::from_utf8(wire.bytes()?.to_vec()).ok()?;
                    if number == 1 { version = text } else { kind = text }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let shape = Shape::of(&kind)?;
    let mut object = message(shape.name()?, shape, raw)?;
    object.put("apiVersion", version);
    object.put("kind", kind);
    Some(object)
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// The fields of a message, in their order. Nothing if the bytes are no message.
fn fields(mut rest: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut all = Vec::new();
    while !rest.is_empty() {
        let tag = number(&mut rest)?;
        let wire = match tag & 7 {
            0 => Wire::Number(number(&mut rest)?),
            1 | 5 => {
                // Nothing that is served here has numbers of a fixed size.
                rest = rest.get(if tag & 7 == 1 { 8 } else { 4 }..)?;
                continue;
            }
            2 => {
                let length = usize::try_from(number(&mut rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(length)?;
                rest = after;
                Wire::Bytes(bytes)
            }
            _ => return None,
        };
        all.push((tag >> 3, wire));
    }
    Some(all)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn message(name: &str, shape: Shape, bytes: &[u8]) -> Option<Value> {
    let numbers = NUMBERS.get(name)?;
    let mut object = Map::new();
    for (number, wire) in fields(bytes)? {
        // A field of a later release.
        let Some(field) = numbers.get(&number) else { continue };
        if let Some(own) = field.own {
            if let Value::Object(members) = message(own, shape, wire.bytes()?)? {
                object.extend(members);
            }
            continue;
        }
        let Some(member) = shape.member(field.name) else { continue };
        if let Some(items) = member.items() {
            let list = object.entry(field.name).or_insert_with(|| json!([]));
            list.as_array_mut()?.push(value(items, &wire)?);
        } else if let Some(entries) = member.entries() {
            let map = object.entry(field.name).or_insert_with(|| json!({}));
            let (key, held) = entry(entries, wire.bytes()?)?;
            map.as_object_mut()?.insert(key, held);
        } else {
            let held = value(member, &wire)?;
            let nothing = held.as_str() == Some("") || held == json!(false) || held.is_null();
            let zero = held == json!(0) && !MEANS_ZERO.contains(&field.name);
            if !nothing && !zero {
                object.insert(field.name.to_owned(), held);
            }
        }
    }
    Some(Value::Object(object))
}

fn entry(shape: Shape, bytes: &[u8]) -> Option<(String, Value)> {
    let (mut key, mut held) = (String::new(), json!(""));
    for (number, wire) in fields(bytes)? {
        if number == 1 {
            key = String::from_utf8(wire.bytes()?.to_vec()).ok()?;
        } else {
            held = value(shape, &wire)?;
        }
    }
    Some((key, held))
}

fn value(shape: Shape, wire: &Wire<'_>) -> Option<Value> {
    match (shape.name(), wire) {
        (Some(name), Wire::Bytes(bytes)) => message_or_special(name, shape, bytes),
        (None, Wire::Bytes(bytes)) if shape.format() == "byte" => {
            Some(json!(base64::engine::general_purpose::STANDARD.encode(bytes)))
        }
        (None, Wire::Bytes(bytes)) => Some(json!(String::from_utf8(bytes.to_vec()).ok()?)),
        (_, Wire::Number(number)) if shape.is("boolean") => Some(json!(*number != 0)),
        // Two's complement in 64 bits, as protobuf writes negative numbers.
        (_, Wire::Number(number)) => Some(json!(number.cast_signed())),
    }
}

/// A message, or what is something else in JSON.
fn message_or_special(name: &str, shape: Shape, bytes: &[u8]) -> Option<Value> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match name.rsplit('.').next()? {
        "Quantity" => Some(json!(text(fields(bytes)?.first()?.1.bytes()?)?)),
        "IntOrString" => {
            let all = fields(bytes)?;
            let find = |wanted: u64| {
                all.iter().find(|(number, _)| *number == wanted).map(|(_, wire)| wire)
            };
            match (find(1), find(2)) {
                (Some(Wire::Number(1)), _) => Some(json!(text(find(3)?.bytes()?)?)),
                (_, Some(Wire::Number(number))) => Some(json!(number.cast_signed())),
                _ => Some(json!(0)),
            }
        }
        "Time" | "MicroTime" => Some(time(&fields(bytes)?)),
        "FieldsV1" | "RawExtension" => match fields(bytes)?.first() {
            Some((_, wire)) => serde_json::from_slice(wire.bytes()?).ok(),
            None => Some(json!({})),
        },
        _ => message(name, shape, bytes),
    }
}

/// A time that was never set has no fields.
fn time(fields: &[(u64, Wire<'_>)]) -> Value {
    let find = |wanted: u64| match fields.iter().find(|(number, _)| *number == wanted) {
        Some((_, Wire::Number(number))) => number.cast_signed(),
        _ => 0,
    };
    let nanoseconds = i32::try_from(find(2)).unwrap_or(0);
    match jiff::Timestamp::new(find(1), nanoseconds) {
        Ok(at) if !fields.is_empty() => json!(at.to_string()),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kubectl create poddisruptionbudget p --min-available=50% --selector=a=b`, as kubectl 1.36.3 sends it.
    const BUDGET: &str = include_str!("protobuf_budget.base64");

    #[test]
    fn what_kubectl_sends_is_read() {
        let body = base64::engine::general_purpose::STANDARD.decode(BUDGET.trim()).unwrap();
        let object = decode(&body).unwrap();
        assert_eq!(
            (object.text("apiVersion"), object.text("kind")),
            ("policy/v1", "PodDisruptionBudget")
        );
        assert_eq!(object.text("metadata.name"), "p");
        assert_eq!(
            object.at("spec"),
            Some(&json!({"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}}))
        );
    }

    #[test]
    fn no_prefix_of_a_body_makes_trouble() {
        let body = base64::engine::general_purpose::STANDARD.decode(BUDGET.trim()).unwrap();
        for end in 0..body.len() {
            drop(decode(&body[..end]));
        }
    }

    #[test]
    fn every_message_of_the_schema_has_its_numbers() {
        let definitions = crate::store::schema::document().map("definitions").unwrap();
        for (name, shape) in
            definitions.iter().filter(|(_, shape)| shape.get("properties").is_some())
        {
            let numbers = NUMBERS.get(name.as_str()).unwrap_or_else(|| panic!("{name}"));
            let own = numbers
                .values()
                .filter_map(|field| NUMBERS.get(field.own?))
                .flat_map(BTreeMap::values);
            let known: Vec<&str> = numbers.values().chain(own).map(|field| field.name).collect();
            for member in shape
                .map("properties")
                .unwrap()
                .keys()
                .filter(|name| !matches!(name.as_str(), "kind" | "apiVersion"))
            {
                assert!(known.contains(&member.as_str()), "{name}.{member}");
            }
        }
    }
}
