//! From a request to who answers it.

use super::request::{Place, Request};
use super::respond::{self, Answer};
use super::{discovery, health, openapi, read, watch, write};
use crate::store::{Status, Store};
use http::Method;
use http::header::AUTHORIZATION;
use std::sync::Arc;

/// What the handlers of one server share.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) store: Arc<Store>,
    pub(super) version: semver::Version,
    pub(super) token: String,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Admin,
    Anonymous,
    /// With credentials that are none.
    Wrong,
}

/// The answer to a request. `certified`: the client has shown a certificate of the cluster.
pub(super) async fn answer(serving: &Arc<Serving>, certified: bool, request: Request) -> Answer {
    let path = request.parts.uri.path().to_owned();
    match caller(serving, certified, &request) {
        Caller::Wrong => return respond::refusal(&Status::unauthorized()),
        Caller::Anonymous if !open_to_all(&path) => {
            return respond::refusal(&anonymous(&request.parts.method, &path));
        }
        Caller::Anonymous | Caller::Admin => {}
    }
    let place = Place::parse(&path);
    if let Some(place) = place {
        return object(serving, &place, request)
            .await
            .unwrap_or_else(|status| respond::refusal(&status));
    }
    if request.parts.method != Method::GET {
        return respond::refusal(&Status::no_resource());
    }
    let trimmed = path.trim_end_matches('/');
    let found = health::answer(serving, trimmed, &request)
        .or_else(|| discovery::answer(trimmed, &request))
        .or_else(|| openapi::answer(serving, trimmed));
    found.unwrap_or_else(|| {
        if path.starts_with("/api") {
            respond::refusal(&Status::no_resource())
        } else {
            respond::text(404, "404 page not found\n")
        }
    })
}

fn caller(serving: &Serving, certified: bool, request: &Request) -> Caller {
    match request.header(AUTHORIZATION).strip_prefix("Bearer ") {
        Some(token) if token == serving.token => Caller::Admin,
        Some(_) => Caller::Wrong,
        None if certified => Caller::Admin,
        None => Caller::Anonymous,
    }
}

/// `system:public-info-viewer` of every cluster.
fn open_to_all(path: &str) -> bool {
    let words = ["/healthz", "/livez", "/readyz", "/version"];
    words
        .iter()
        .any(|word| path == *word || path.strip_prefix(word).is_some_and(|rest| rest == "/"))
}

fn anonymous(method: &Method, path: &str) -> Status {
    let Some(place) = Place::parse(path) else {
        let verb = method.as_str().to_lowercase();
        let message = format!("forbidden: User \"system:anonymous\" cannot {verb} path \"{path}\"");
        return Status { code: 403, reason: "Forbidden", message, details: serde_json::json!({}) };
    };
    let verb = match (method.as_str(), place.name.is_empty()) {
        ("GET", true) => "list",
        ("GET", false) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        (_, true) => "deletecollection",
        (_, false) => "delete",
    };
    let (group, plural) = (place.resource.group, place.resource.plural);
    let scope = if place.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{}\"", place.namespace)
    };
    let why = format!(
        "User \"system:anonymous\" cannot {verb} resource \"{plural}\" in API group \"{group}\" {scope}"
    );
    Status::forbidden(group, plural, &place.name, &why)
}

async fn object(serving: &Arc<Serving>, place: &Place, request: Request) -> Result<Answer, Status> {
    let method = request.parts.method.clone();
    if !place.subresource.is_empty() && !place.resource.has(&place.subresource) {
        let into_containers =
            ["log", "exec", "attach", "portforward", "proxy", "ephemeralcontainers", "resize"];
        if place.resource.kind == "Pod" && into_containers.contains(&place.subresource.as_str()) {
            let message = format!(
                "pods/{} is not supported by the lab: no container runs behind its pods",
                place.subresource
            );
            return Err(Status {
                code: 501,
                reason: "NotImplemented",
                message,
                details: serde_json::Value::Null,
            });
        }
        return Err(Status::no_resource());
    }
    match (method.as_str(), place.name.is_empty()) {
        ("GET", _) if request.query.flag("watch") && place.subresource.is_empty() => {
            watch::answer(serving, place, &request)
        }
        ("GET", true) => read::list(serving, place, &request).await,
        ("GET", false) => read::get(serving, place, &request),
        ("POST", true) => write::create(serving, place, &request),
        ("POST", false) => write::post_to(serving, place, &request),
        ("PUT", false) => write::replace(serving, place, &request),
        ("PATCH", false) => write::patch(serving, place, &request),
        ("DELETE", false) if place.subresource.is_empty() => {
            write::delete(serving, place, &request)
        }
        ("DELETE", true) => write::delete_all(serving, place, &request),
        _ => Err(Status::method_not_allowed()),
    }
}
