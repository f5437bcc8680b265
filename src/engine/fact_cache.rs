//! Facts that outlive a run: what is kept of a host, in the form in which ansible-core 2.19 keeps it.
//!
//! A record is `{"__payload__": "…"}`, and the payload is the host's facts as JSON, by their full names. ansible-core
//! wraps what knows its origin (`{"value": …, "tags": […], "__ansible_type": …}`); here the wrapping is taken off and
//! none is written. What comes back is data, never a template, whatever its tags say: it was on a disk that others
//! may reach.

use mainstay_language::value::{Encrypted, Map, Value};
use serde_json::{Value as JsonValue, json};
use std::io;
use std::sync::Arc;

/// Says that `gather_facts` has run on a host (`gathering = smart`).
pub(super) const GATHERED: &str = "_ansible_facts_gathered";

/// The names of records begin with the version of their form.
const VERSION: &str = "s1_";
const PAYLOAD: &str = "__payload__";
const TYPE: &str = "__ansible_type";

/// Where records are kept from run to run, by name.
pub trait FactStore: Send + Sync {
    /// A record; `None` if there is none or it is too old.
    ///
    /// # Errors
    /// As the operating system says.
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Creates or replaces a record.
    ///
    /// # Errors
    /// As the operating system says.
    fn save(&self, name: &str, record: &[u8]) -> io::Result<()>;
    /// Removes a record; there need be none.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// The facts of hosts in a store. Errors are told as text: a cache that does not work is worth a warning.
pub struct FactCache(Box<dyn FactStore>);

impl FactCache {
    /// Keeps facts in this store.
    #[must_use]
    pub fn new(store: Box<dyn FactStore>) -> Self {
        Self(store)
    }

    /// What was kept of a host.
    pub(super) fn load(&self, host: &str) -> Result<Option<Map>, String> {
        let problem =
            |e: &dyn std::fmt::Display| format!("cannot read the cached facts of {host}: {e}");
        let record = self.0.load(&name(host)).map_err(|e| problem(&e))?;
        record.map(|bytes| decode(&bytes).map_err(|e| problem(&e))).transpose()
    }

    /// Keeps these facts, by their full names, in the place of all that was kept of the host.
    pub(super) fn save(&self, host: &str, facts: &Map) -> Result<(), String> {
        self.0
            .save(&name(host), encode(facts).as_bytes())
            .map_err(|e| format!("cannot cache the facts of {host}: {e}"))
    }

    /// Keeps nothing of a host.
    pub(super) fn remove(&self, host: &str) -> Result<(), String> {
        self.0
            .remove(&name(host))
            .map_err(|e| format!("cannot remove the cached facts of {host}: {e}"))
    }
}

fn name(host: &str) -> String {
    format!("{VERSION}{host}")
}

fn encode(facts: &Map) -> String {
    let payload = Value::Map(facts.clone()).to_json().to_string();
    json!({PAYLOAD: payload}).to_string()
}

fn decode(record: &[u8]) -> Result<Map, String> {
    let record: JsonValue = serde_json::from_slice(record).map_err(|e| e.to_string())?;
    let payload = record
        .get(PAYLOAD)
        .and_then(JsonValue::as_str)
        .ok_or_else(|| format!("there is no {PAYLOAD} in it"))?;
    let payload = serde_json::from_str(payload).map_err(|e| e.to_string())?;
    match value(payload)? {
        Value::Map(facts) => Ok(facts),
        other => Err(format!("it holds a {} in the place of a dictionary", other.type_name())),
    }
}

/// A value without the wrapping.
fn value(json: JsonValue) -> Result<Value, String> {
    match json {
        JsonValue::Array(items) => {
            Ok(Value::list(items.into_iter().map(value).collect::<Result<_, _>>()?))
        }
        JsonValue::Object(object) if object.contains_key(TYPE) => unwrapped(object),
        JsonValue::Object(object) => {
            let mut map = Map::new();
            for (key, inner) in object {
                map.insert(key, value(inner)?);
            }
            Ok(Value::Map(map))
        }
        plain => Ok(Value::from(plain)),
    }
}

fn unwrapped(mut object: serde_json::Map<String, JsonValue>) -> Result<Value, String> {
    let kind = object.get(TYPE).and_then(JsonValue::as_str).unwrap_or_default().to_owned();
    let mut part = |name: &str| {
        object.remove(name).ok_or_else(|| format!("a value of type {kind:?} has no {name:?}"))
    };
    match kind.as_str() {
        "EncryptedString" => {
            let envelope = part("ciphertext")?.as_str().unwrap_or_default().to_owned();
            Ok(Value::Encrypted(Arc::new(Encrypted { envelope, place: None })))
        }
        "AnsibleSerializableDate" | "AnsibleSerializableTime" | "AnsibleSerializableDateTime" => {
            value(part("iso8601")?)
        }
        tagged if tagged.starts_with("_AnsibleTagged") => value(part("value")?),
        _ => Err(format!("values of type {kind:?} are not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use mainstay_language::value::{Map, Value, repr};

    /// Written by ansible-core 2.19.14 after `set_fact` with `cacheable`, shortened.
    const RECORD: &str = r#"{"__payload__": "{\"ansible_x\": {\"value\": 1, \"tags\": [{\"path\": \"p.yml\", \"line_num\": 5, \"col_num\": 37, \"__ansible_type\": \"Origin\"}], \"__ansible_type\": \"_AnsibleTaggedInt\"}, \"d\": {\"value\": {\"b\": {\"value\": 1, \"tags\": [], \"__ansible_type\": \"_AnsibleTaggedInt\"}, \"a\": [1, 2.5, null]}, \"tags\": [], \"__ansible_type\": \"_AnsibleTaggedDict\"}, \"foo\": {\"value\": \"{{ bar }}\", \"tags\": [{\"__ansible_type\": \"TrustedAsTemplate\"}], \"__ansible_type\": \"_AnsibleTaggedStr\"}, \"t\": {\"value\": {\"iso8601\": \"2020-01-01\", \"__ansible_type\": \"AnsibleSerializableDate\"}, \"tags\": [], \"__ansible_type\": \"_AnsibleTaggedDate\"}, \"u\": \"\\u00e9\\n\"}"}"#;

    #[test]
    fn a_record_of_ansible_core_is_read_as_data() {
        let facts = decode(RECORD.as_bytes()).unwrap();
        let expected = r"{'ansible_x': 1, 'd': {'b': 1, 'a': [1, 2.5, None]}, 'foo': '{{ bar }}', 't': '2020-01-01', 'u': 'é\n'}";
        assert_eq!(repr(&Value::Map(facts.clone())), expected);
        assert!(!Value::Map(facts).needs_rendering());
    }

    #[test]
    fn what_is_written_is_the_plain_form() {
        let mut facts = Map::new();
        facts.insert("ansible_x", Value::list(vec![1.into(), Value::Null, "é\"".into()]));
        let record = encode(&facts);
        assert_eq!(record, r#"{"__payload__":"{\"ansible_x\":[1,null,\"é\\\"\"]}"}"#);
        assert_eq!(decode(record.as_bytes()), Ok(facts));
    }

    #[test]
    fn a_record_that_is_none_says_why() {
        for (record, why) in [
            ("", "EOF while parsing"),
            ("{}", "there is no __payload__ in it"),
            (r#"{"__payload__": "[]"}"#, "it holds a list in the place of a dictionary"),
            (
                r#"{"__payload__": "{\"a\": {\"__ansible_type\": \"_AnsibleTaggedStr\"}}"}"#,
                "no \"value\"",
            ),
            (
                r#"{"__payload__": "{\"a\": {\"__ansible_type\": \"Odd\"}}"}"#,
                "\"Odd\" are not supported",
            ),
        ] {
            let message = decode(record.as_bytes()).unwrap_err();
            assert!(message.contains(why), "{record}: {message}");
        }
    }
}
