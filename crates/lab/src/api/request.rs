//! What is asked: the path, the query and the body of a request.

use crate::store::{Labels, Resource, Status, resource};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Bodies larger than this are refused, as etcd's limit makes the real one do.
pub(super) const LARGEST: usize = 3 * 1024 * 1024;

/// An object, or all of a kind.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) resource: &'static Resource,
    /// Empty for all namespaces and for what has none.
    pub(super) namespace: String,
    /// Empty for a list.
    pub(super) name: String,
    /// Empty for the object itself.
    pub(super) subresource: String,
}

impl Place {
    /// From a path such as `/apis/apps/v1/namespaces/default/deployments/web/scale`.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let decoded: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..]
                if rest.first().is_some_and(|plural| resource(plural).is_some()) =>
            {
                (*namespace, rest)
            }
            rest => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (plural, "", ""),
            [plural, name] => (plural, *name, ""),
            [plural, name, subresource] => (plural, *name, *subresource),
            _ => return None,
        };
        let resource =
            resource(plural).filter(|found| found.group == group && found.version == version)?;
        let scoped = resource.namespaced != namespace.is_empty()
            || (namespace.is_empty() && name.is_empty());
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        scoped.then(|| Self { resource, namespace, name, subresource: subresource.to_owned() })
    }
}

/// The query, decoded.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(parts: &Parts) -> Self {
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        let pairs =
            parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(n, v)| (decode(n), decode(v)))
                .collect(),
        )
    }

    /// The value; empty if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// `true`, `1`, or the bare name.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.has(name) && matches!(self.text(name), "true" | "1" | "")
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Status> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let wrong =
            || Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"));
        text.parse().map(Some).map_err(|_| wrong())
    }

    pub(super) fn labels(&self) -> Result<Labels, Status> {
        Labels::parse(self.text("labelSelector"))
    }

    /// Whether `dryRun=All`; `kind` names the options in a refusal.
    pub(super) fn dry_run(&self, kind: &str) -> Result<bool, Status> {
        match self.text("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => {
                let text = format!("Unsupported value: [\"{other}\"]: supported values: \"All\"");
                Err(Status::invalid_options(kind, "dryRun", "FieldValueNotSupported", &text))
            }
        }
    }
}

/// A request whose body has come.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) parts: Parts,
    pub(super) query: Query,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: http::HeaderName) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The media type of the body, without parameters.
    pub(super) fn content_type(&self) -> &str {
        self.header(http::header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
    }

    /// The body as an object. `kind` is what it should be.
    pub(super) fn object(&self, kind: &str) -> Result<Value, Status> {
        match self.content_type() {
            "" | "application/json" | "*/*" => {}
            "application/vnd.kubernetes.protobuf" => return super::protobuf::decode(&self.body),
            _ => {
                return Err(Status::unsupported_media_type(
                    "the body of the request was in an unknown format - accepted media types include: application/json, \
                     application/vnd.kubernetes.protobuf",
                ));
            }
        }
        let unrecognised = |why: &str| {
            let body = if self.body.is_empty() {
                "<empty>".into()
            } else {
                String::from_utf8_lossy(&self.body)
            };
            Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({body})"
            ))
        };
        match serde_json::from_slice(&self.body) {
            Ok(object @ Value::Object(_)) => Ok(object),
            Ok(_) => Err(unrecognised("it is no object")),
            Err(error) if error.is_eof() => Err(unrecognised("unexpected end of JSON input")),
            Err(error) => Err(unrecognised(&error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        for (path, said) in [
            ("/api/v1/pods", "pods//"),
            ("/api/v1/namespaces/default/pods", "pods/default/"),
            ("/api/v1/namespaces/default/pods/a/eviction", "pods/default/a/eviction"),
            ("/api/v1/namespaces", "namespaces//"),
            ("/api/v1/namespaces/default", "namespaces//default"),
            ("/api/v1/namespaces/default/finalize", "namespaces//default/finalize"),
            ("/apis/apps/v1/namespaces/a%2Db/deployments/web/scale", "deployments/a-b/web/scale"),
            ("/api/v1/nodes/w1", "nodes//w1"),
        ] {
            let place = Place::parse(path).unwrap();
            let Place { resource, namespace, name, subresource } = &place;
            let found = format!("{}/{namespace}/{name}/{subresource}", resource.plural);
            assert_eq!(found.trim_end_matches('/'), said.trim_end_matches('/'), "{path}");
        }
        for path in [
            "/api/v1/pods/a",
            "/api/v2/pods",
            "/apis/apps/v1/pods",
            "/api/v1/namespaces/default/nodes/a",
            "/foo",
            "/api/v1/foo",
        ] {
            assert!(Place::parse(path).is_none(), "{path}");
        }
    }
}
