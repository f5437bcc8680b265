//! Watching: one JSON object a line, as long as the client listens.

use super::read;
use super::request::{Place, Request};
use super::respond::{self, Answer, View};
use super::route::Serving;
use super::table;
use crate::store::{Event, Json, Resource, Status, Watch};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two bookmarks, if the client wants them.
const BOOKMARKS: Duration = Duration::from_secs(60);

/// A watch without a deadline ends after this, and its client begins another.
const LONGEST: Duration = Duration::from_secs(3600);

/// A watch.
pub(super) fn answer(
    serving: &Arc<Serving>,
    place: &Place,
    request: &Request,
) -> Result<Answer, Status> {
    let query = &request.query;
    let view = View::wanted(request)?;
    let selection = read::selection(place, query)?;
    let bookmarks = query.flag("allowWatchBookmarks");
    let initial = query.flag("sendInitialEvents");
    let revision = read::revision(query)?;
    let (wanted, matching) = (query.has("sendInitialEvents"), query.text("resourceVersionMatch"));
    if wanted != (matching == "NotOlderThan") || !matches!(matching, "" | "NotOlderThan") {
        let text = if wanted {
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        } else {
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        };
        return Err(Status::invalid_options(
            "ListOptions",
            "resourceVersionMatch",
            "FieldValueForbidden",
            text,
        ));
    }
    let since = revision.filter(|revision| *revision > 0 && !initial);
    let pace = serving.store.pace();
    let seconds = query.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok());
    let deadline = Instant::now() + seconds.map_or(LONGEST, Duration::from_secs);
    let include = query.text("includeObject").to_owned();
    let form = Form { view, include, resource: place.resource };
    let watching = match serving.store.watch(selection, since) {
        Ok(watch) => Watching::On(Box::new(Stream {
            watch,
            form,
            deadline,
            end_of_initial: initial && bookmarks,
            bookmarks: bookmarks.then(|| pace.of(BOOKMARKS)),
            next_bookmark: Instant::now() + pace.of(BOOKMARKS),
        })),
        // The stream has begun when the real one finds out.
        Err(status) => Watching::Last(error_line(&status)),
    };
    let body = respond::streamed(futures::stream::unfold(watching, Watching::next));
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(answer)
}

struct Form {
    view: View,
    include: String,
    resource: &'static Resource,
}

impl Form {
    fn line(&self, event: &Event) -> String {
        let object = match self.view {
            View::Whole => Value::clone(&event.object),
            View::Metadata => respond::metadata_of(&event.object),
            View::Table => {
                let revision = event.object.text("metadata.resourceVersion");
                table::of(
                    self.resource,
                    std::slice::from_ref(&event.object),
                    &self.include,
                    revision,
                )
            }
        };
        format!("{}\n", json!({"type": event.kind.word(), "object": object}))
    }

    /// A bookmark has the kind of the objects and nothing but a revision.
    fn bookmark(&self, revision: u64, end_of_initial: bool) -> String {
        let mut metadata =
            json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if end_of_initial {
            metadata.put("annotations", json!({"k8s.io/initial-events-end": "true"}));
        }
        let object = match self.view {
            View::Table => {
                json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "columnDefinitions": null, "rows": []})
            }
            View::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            View::Whole => {
                json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version(), "metadata": metadata})
            }
        };
        format!("{}\n", json!({"type": "BOOKMARK", "object": object}))
    }
}

fn error_line(status: &Status) -> String {
    format!("{}\n", json!({"type": "ERROR", "object": status.to_json()}))
}

enum Watching {
    On(Box<Stream>),
    /// One more line.
    Last(String),
    Over,
}

struct Stream {
    watch: Watch,
    form: Form,
    deadline: Instant,
    /// The bookmark that ends the initial events is still to be sent.
    end_of_initial: bool,
    bookmarks: Option<Duration>,
    next_bookmark: Instant,
}

impl Watching {
    async fn next(self) -> Option<(String, Self)> {
        match self {
            Self::Over => None,
            Self::Last(line) => Some((line, Self::Over)),
            Self::On(mut stream) => match stream.line().await {
                Ok(line) => line.map(|line| (line, Self::On(stream))),
                Err(status) => Some((error_line(&status), Self::Over)),
            },
        }
    }
}

impl Stream {
    /// The next line; nothing at the deadline.
    async fn line(&mut self) -> Result<Option<String>, Status> {
        if let (true, Some(revision)) = (self.end_of_initial, self.watch.caught_up()) {
            self.end_of_initial = false;
            return Ok(Some(self.form.bookmark(revision, true)));
        }
        let wake = if self.bookmarks.is_some() {
            self.deadline.min(self.next_bookmark)
        } else {
            self.deadline
        };
        match (tokio::time::timeout_at(wake, self.watch.next()).await, self.bookmarks) {
            (Ok(event), _) => event.map(|event| Some(self.form.line(&event))),
            (Err(_), Some(every)) if wake < self.deadline => {
                self.next_bookmark = Instant::now() + every;
                Ok(Some(self.form.bookmark(self.watch.caught_up().unwrap_or_default(), false)))
            }
            (Err(_), _) => Ok(None),
        }
    }
}
