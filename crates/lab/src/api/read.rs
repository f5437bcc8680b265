//! Reading objects and lists.

use super::request::{Place, Query, Request};
use super::respond::{self, Answer, View};
use super::route::Serving;
use super::{table, write};
use crate::store::{At, Fields, Json, List, ListOptions, Selection, Status, Store};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long a revision that has not come yet is waited for.
const REVISION: Duration = Duration::from_secs(3);

/// One object.
pub(super) fn get(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    let view = View::wanted(request)?;
    let object = serving.store.get(place.resource.plural, &place.namespace, &place.name)?;
    if place.subresource == "scale" {
        return Ok(respond::json(200, &write::scale_of(&object)));
    }
    if !matches!(place.subresource.as_str(), "" | "status") {
        return Err(Status::method_not_allowed());
    }
    Ok(respond::json(
        200,
        &match view {
            View::Whole => Value::clone(&object),
            View::Metadata => respond::metadata_of(&object),
            View::Table => {
                let include = request.query.text("includeObject");
                table::of(
                    place.resource,
                    std::slice::from_ref(&object),
                    include,
                    object.text("metadata.resourceVersion"),
                )
            }
        },
    ))
}

/// A list.
pub(super) async fn list(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    let view = View::wanted(request)?;
    let selection = selection(place, &request.query)?;
    let options = options(&serving.store, &request.query).await?;
    let list = serving.store.list(&selection, &options)?;
    let mut metadata = json!({"resourceVersion": list.revision.to_string()});
    if !list.continue_token.is_empty() {
        metadata.put("continue", list.continue_token.clone());
    }
    if let Some(remaining) = list.remaining {
        metadata.put("remainingItemCount", remaining);
    }
    let whole = match view {
        View::Table => {
            let include = request.query.text("includeObject");
            let mut table = table::of(place.resource, &list.items, include, "");
            table.put("metadata", metadata);
            table
        }
        View::Metadata => {
            let items: Vec<Value> =
                list.items.iter().map(|object| respond::metadata_of(object)).collect();
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items})
        }
        View::Whole => {
            let kind = format!("{}List", place.resource.kind);
            json!({"kind": kind, "apiVersion": place.resource.api_version(), "metadata": metadata, "items": items(&list)})
        }
    };
    Ok(respond::json(200, &whole))
}

/// Items of a list do not repeat what the list says.
fn items(list: &List) -> Vec<Value> {
    let bare = |object: &Arc<Value>| {
        let mut object = Value::clone(object);
        object.take_at("kind");
        object.take_at("apiVersion");
        object
    };
    list.items.iter().map(bare).collect()
}

/// Which objects a list or a watch is about. A watch may be on one object.
pub(super) fn selection(place: &Place, query: &Query) -> Result<Selection, Status> {
    let mut fields = query.text("fieldSelector").to_owned();
    if !place.name.is_empty() {
        let comma = if fields.is_empty() { "" } else { "," };
        fields.push_str(&format!("{comma}metadata.name={}", place.name));
    }
    Ok(Selection {
        resource: place.resource,
        namespace: place.namespace.clone(),
        labels: query.labels()?,
        fields: Fields::parse(place.resource.kind, &fields)?,
    })
}

/// The revision that is asked for.
pub(super) fn revision(query: &Query) -> Result<Option<u64>, Status> {
    let text = query.text("resourceVersion");
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| {
        let why = format!("strconv.ParseUint: parsing \"{text}\": invalid syntax");
        Status::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: \"{text}\": {why}"
        ))
    };
    text.parse().map(Some).map_err(wrong)
}

async fn options(store: &Store, query: &Query) -> Result<ListOptions, Status> {
    let limit = query.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0);
    let continue_token = query.text("continue").to_owned();
    let revision = revision(query)?;
    let at = match (query.text("resourceVersionMatch"), revision) {
        ("", _) if !continue_token.is_empty() => At::Now,
        ("Exact", Some(revision)) if revision > 0 => At::Exactly(revision),
        ("" | "NotOlderThan", Some(revision)) => {
            reached(store, revision).await?;
            At::Now
        }
        ("", None) => At::Now,
        (other, given) => return Err(match_refused(other, given)),
    };
    Ok(ListOptions { limit, continue_token, at })
}

pub(super) fn match_refused(word: &str, revision: Option<u64>) -> Status {
    let field = "resourceVersionMatch";
    if !matches!(word, "Exact" | "NotOlderThan") {
        let text = format!(
            "Unsupported value: \"{word}\": supported values: \"Exact\", \"NotOlderThan\", \"\""
        );
        return Status::invalid_options("ListOptions", field, "FieldValueNotSupported", &text);
    }
    let text = match revision {
        None => "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        Some(_) => {
            "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""
        }
    };
    Status::invalid_options("ListOptions", field, "FieldValueForbidden", text)
}

/// Waits until the store has come to a revision.
async fn reached(store: &Store, revision: u64) -> Result<(), Status> {
    if tokio::time::timeout(REVISION, store.reached(revision)).await.is_ok() {
        return Ok(());
    }
    Err(Status::too_new(revision, store.revision()))
}
