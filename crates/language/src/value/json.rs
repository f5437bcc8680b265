//! Values to and from JSON. What comes from JSON is data.

use super::{Map, Value, python};
use serde_json::Value as Json;

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(b),
            Json::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => Self::from(i),
                (None, Some(u)) => Self::from(u),
                (None, None) => Self::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(s) => Self::text(s),
            Json::Array(items) => Self::list(items.into_iter().map(Self::from).collect()),
            Json::Object(entries) => Self::Map(
                entries.into_iter().map(|(k, v)| (Self::text(k), Self::from(v))).collect::<Map>(),
            ),
        }
    }
}

impl Value {
    /// As JSON, keys as Python's `json` writes them (`true`, `null`, numbers in quotes). A vault is shown as its
    /// envelope, a scope as its raw variables, `omit` as null.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null | Self::Omit => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => i64::try_from(*i)
                .map(Json::from)
                .or_else(|_| u64::try_from(*i).map(Json::from))
                .unwrap_or_else(
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "JSON has no larger whole numbers"
                    )]
                    |_| Json::from(*i as f64),
                ),
            Self::Float(f) => serde_json::Number::from_f64(*f).map_or(Json::Null, Json::Number),
            Self::Text(text) => Json::String(text.as_str().to_owned()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(map) => {
                Json::Object(map.iter().map(|(k, v)| (json_key(k), v.to_json())).collect())
            }
            Self::Scope(scope) => Json::Object(
                scope
                    .names()
                    .iter()
                    .filter_map(|n| Some((n.to_string(), scope.get(n)?.to_json())))
                    .collect(),
            ),
            Self::Encrypted(vault) => Json::String(vault.envelope.clone()),
        }
    }
}

fn json_key(key: &Value) -> String {
    match key {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        other => python::string(other),
    }
}
