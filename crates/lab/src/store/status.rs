//! What the API answers when it refuses: `meta/v1 Status`.

use serde_json::{Value, json};

/// A refusal. Texts, reasons and codes are those of k8s.io/apimachinery's `api/errors`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// The HTTP status.
    pub code: u16,
    /// One word for programs: `NotFound`, `Conflict`…; empty if there is none.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// `details`: name, group, kind, uid, causes, retryAfterSeconds; null if there are none.
    pub details: Value,
}

/// One thing that is wrong in an object: where, how (`FieldValueRequired`…), and what.
pub(super) type Cause = (String, &'static str, String);

impl Status {
    fn about(
        code: u16,
        reason: &'static str,
        group: &str,
        kind: &str,
        name: &str,
        message: String,
    ) -> Self {
        let mut details = serde_json::Map::new();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.into(), value.into());
            }
        }
        let details = Value::Object(details);
        Self { code, reason, message, details }
    }

    fn plain(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    /// 404 for an object.
    #[must_use]
    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(plural, group));
        Self::about(404, "NotFound", group, plural, name, message)
    }

    /// 404 for a path.
    #[must_use]
    pub fn no_resource() -> Self {
        Self::about(
            404,
            "NotFound",
            "",
            "",
            "",
            "the server could not find the requested resource".into(),
        )
    }

    /// 409 for a name that is taken.
    #[must_use]
    pub fn exists(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", qualified(plural, group));
        Self::about(409, "AlreadyExists", group, plural, name, message)
    }

    /// 409 for an object that is not as the caller believes.
    #[must_use]
    pub fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let qualified = qualified(plural, group);
        let message = format!("Operation cannot be fulfilled on {qualified} \"{name}\": {why}");
        Self::about(409, "Conflict", group, plural, name, message)
    }

    /// 409: somebody else wrote in between.
    #[must_use]
    pub fn modified(group: &str, plural: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, plural, name, why)
    }

    /// 403 for an object.
    #[must_use]
    pub fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let qualified = qualified(plural, group);
        let message = if name.is_empty() {
            format!("{qualified} is forbidden: {why}")
        } else {
            format!("{qualified} \"{name}\" is forbidden: {why}")
        };
        Self::about(403, "Forbidden", group, plural, name, message)
    }

    /// 422 with everything that is wrong.
    #[must_use]
    pub(super) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let said: Vec<String> =
            causes.iter().map(|(field, _, text)| format!("{field}: {text}")).collect();
        let said = if let [one] = said.as_slice() {
            one.clone()
        } else {
            format!("[{}]", said.join(", "))
        };
        let message = format!("{} \"{name}\" is invalid: {said}", qualified(kind, group));
        let mut status = Self::about(422, "Invalid", group, kind, name, message);
        let causes = causes.iter().map(
            |(field, reason, text)| json!({"reason": reason, "message": text, "field": field}),
        );
        if let Some(details) = status.details.as_object_mut() {
            details.insert("causes".into(), causes.collect());
        }
        status
    }

    /// 400.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(400, "BadRequest", message)
    }

    /// 422 for options that are none: `ListOptions`, `CreateOptions`…
    #[must_use]
    pub fn invalid_options(kind: &str, field: &str, reason: &'static str, text: &str) -> Self {
        Self::invalid("meta.k8s.io", kind, "", &[(field.to_owned(), reason, text.to_owned())])
    }

    /// 422 for one field of an object that is not stored as such: `Scale`.
    #[must_use]
    pub fn invalid_object(group: &str, kind: &str, name: &str, field: &str, text: &str) -> Self {
        Self::invalid(
            group,
            kind,
            name,
            &[(field.to_owned(), "FieldValueInvalid", text.to_owned())],
        )
    }

    /// 401.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::plain(401, "Unauthorized", "Unauthorized")
    }

    /// 405.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::about(405, "MethodNotAllowed", "", "", "", message.into())
    }

    /// 410: the revision is no longer kept.
    #[must_use]
    pub fn expired(message: impl Into<String>) -> Self {
        Self::plain(410, "Expired", message)
    }

    /// 415.
    #[must_use]
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::plain(415, "UnsupportedMediaType", message)
    }

    /// 422 for a JSON patch that cannot be applied.
    #[must_use]
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::about(422, "Invalid", "", "", "", message.into())
    }

    /// 429 for an eviction: the budget's word as the cause `DisruptionBudget`.
    #[must_use]
    pub(super) fn budget(cause: &str, retry_after: u32) -> Self {
        let mut details = json!({"causes": [{"reason": "DisruptionBudget", "message": cause}]});
        if let (true, Some(details)) = (retry_after > 0, details.as_object_mut()) {
            details.insert("retryAfterSeconds".into(), retry_after.into());
        }
        let message = "Cannot evict pod as it would violate the pod's disruption budget.";
        Self { code: 429, reason: "TooManyRequests", message: message.into(), details }
    }

    /// 500.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::plain(500, "InternalError", message)
    }

    /// 504: the revision lies in the future.
    #[must_use]
    pub fn too_new(asked: u64, current: u64) -> Self {
        let cause = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1});
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        Self { code: 504, reason: "Timeout", message, details: cause }
    }

    /// Seconds after which to ask again, if the answer says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.details.get("retryAfterSeconds").and_then(Value::as_u64)
    }

    /// As it is sent.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message});
        if let Some(map) = json.as_object_mut() {
            if !self.reason.is_empty() {
                map.insert("reason".into(), self.reason.into());
            }
            if !self.details.is_null() {
                map.insert("details".into(), self.details.clone());
            }
            map.insert("code".into(), self.code.into());
        }
        json
    }
}

/// `deployments.apps`, `pods`.
fn qualified(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}
