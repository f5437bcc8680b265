//! Answers, and in which form the client wants them.

use crate::store::{Json, Status, Written};
use futures::{Stream, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use std::convert::Infallible;

/// A body that is whole, or comes piece by piece.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) type Answer = Response<Body>;

pub(super) fn once(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed_unsync()
}

pub(super) fn streamed(pieces: impl Stream<Item = String> + Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(Bytes::from(piece))))).boxed_unsync()
}

/// How objects are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// As they are.
    Whole,
    /// As rows for people.
    Table,
    /// Their metadata.
    Metadata,
}

impl View {
    /// The first form in the header `Accept` that is spoken here.
    pub(super) fn wanted(request: &super::request::Request) -> Result<Self, Status> {
        let accept = request.header(ACCEPT);
        if accept.is_empty() {
            return Ok(Self::Whole);
        }
        for wanted in accept.split(',') {
            let mut words = wanted.split(';').map(str::trim);
            if !matches!(words.next(), Some("application/json" | "application/*" | "*/*")) {
                continue;
            }
            let mut known = Some(Self::Whole);
            for word in words {
                match word.split_once('=') {
                    Some(("as", "Table")) => known = Some(Self::Table),
                    Some(("as", "PartialObjectMetadata" | "PartialObjectMetadataList")) => {
                        known = Some(Self::Metadata);
                    }
                    Some(("as", _)) => known = None,
                    Some(("v", version)) if version != "v1" => known = None,
                    _ => {}
                }
                if known.is_none() {
                    break;
                }
            }
            if let Some(known) = known {
                return Ok(known);
            }
        }
        let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch";
        Err(Status {
            code: 406,
            reason: "NotAcceptable",
            message: message.into(),
            details: json!({}),
        })
    }
}

/// JSON with this status.
pub(super) fn json_as(code: u16, value: &Value, content_type: &'static str) -> Answer {
    let mut answer = Response::new(once(value.to_string()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}

/// JSON with this status.
pub(super) fn json(code: u16, value: &Value) -> Answer {
    json_as(code, value, "application/json")
}

/// Plain text with this status.
pub(super) fn text(code: u16, text: impl Into<String>) -> Answer {
    let mut answer = Response::new(once(text.into()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

/// A refusal.
pub(super) fn refusal(status: &Status) -> Answer {
    let mut answer = json(status.code, &status.to_json());
    if let Some(seconds) = status.retry_after() {
        answer.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// What was written, with its warnings.
pub(super) fn written(code: u16, written: &Written) -> Answer {
    let mut answer = json(code, &written.object);
    for warning in &written.warnings {
        let text = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
        if let Ok(value) = HeaderValue::from_str(&text) {
            answer.headers_mut().append(http::header::WARNING, value);
        }
    }
    answer
}

/// The metadata alone.
pub(super) fn metadata_of(object: &Value) -> Value {
    let metadata = object.at("metadata").cloned().unwrap_or_default();
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}
