//! Waiting without polling: server-sent events, and the record of what happened (contract appendix; design 6).

use super::{
    admission::{RequestsRead, With},
    error::{ApiError, OrFailed},
    extract::PathId,
    reply::{Envelope, Reply},
};
use crate::{
    app::App,
    domain::{Id, Loop, Request, js_json, request_filters::Query, words::Word},
    service::{Caller, timeline},
    store::events::{Line, Wanted},
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use std::{collections::VecDeque, convert::Infallible, time::Duration};
use utoipa::ToSchema;

/// A comment goes out this often, so that nobody on the way takes the silence for the end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream looks by itself this often, should a wake-up be lost.
const LOOK: Duration = Duration::from_secs(20);

/// One line of a request's story.
#[derive(Serialize, ToSchema)]
pub struct TimelineEntry {
    /// What happened.
    #[schema(example = "request.claimed")]
    event: &'static str,
    /// Its identifier, the same as in webhooks.
    event_id: String,
    /// When.
    at: String,
    /// `key`, `person`, `operator` or `clock`.
    #[schema(example = "person")]
    actor_kind: String,
    /// Which one.
    actor_id: Option<String>,
    /// The status before, where it changed.
    from: Option<String>,
    /// The status after, where it changed.
    to: Option<String>,
}

impl From<&Line> for TimelineEntry {
    fn from(line: &Line) -> Self {
        Self {
            event: line.name.as_str(),
            event_id: line.id.to_string(),
            at: line.at.to_string(),
            actor_kind: line.actor_kind.clone(),
            actor_id: line.actor_id.clone(),
            from: line.from_status.clone(),
            to: line.to_status.clone(),
        }
    }
}

/// A request's story.
#[derive(Serialize, ToSchema)]
pub struct Timeline {
    /// The request.
    request_id: String,
    /// What happened, in order.
    timeline: Vec<TimelineEntry>,
    /// How many lines.
    count: usize,
}

/// Tells what happened to a request, and who did it
#[utoipa::path(get, path = "/v1/api/requests/{request_id}/timeline", tag = "Requests", params(("request_id" = String, Path)),
    responses((status = 200, description = "Timeline retrieved successfully", body = Envelope<Timeline>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn timeline(
    caller: With<RequestsRead>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
) -> Result<Reply<Timeline>, ApiError> {
    let lines = timeline::of_request(&app, &caller.caller, id).await.or_failed("Failed to retrieve timeline")?;
    let timeline: Vec<_> = lines.iter().map(TimelineEntry::from).collect();
    let data = Timeline { request_id: id.to_string(), count: timeline.len(), timeline };
    Ok(Reply::ok("Timeline retrieved successfully", data))
}

/// Streams what happens to a request
///
/// Server-sent events: the whole story so far, then each step as it happens, until the request is final. `Last-Event-ID` resumes.
#[utoipa::path(get, path = "/v1/api/requests/{request_id}/events", tag = "Requests", params(("request_id" = String, Path)),
    responses((status = 200, description = "A stream; each event's data is the body that webhooks are sent", content_type = "text/event-stream")),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn of_request(
    caller: With<RequestsRead>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    timeline::of_request(&app, &caller.caller, id).await.or_failed("Failed to retrieve request")?;
    let after = resumed(&headers, &query).unwrap_or(0);
    let wanted = Wanted { request_id: Some(id), ..Wanted::default() };
    Ok(sent(follow(app, wanted, after, None, true)))
}

/// Streams what happens to all of one's requests, loops and keys
///
/// Server-sent events from now on, or from `Last-Event-ID`. May repeat an event after a reconnection: `event_id` tells.
#[utoipa::path(get, path = "/v1/api/events", tag = "Requests",
    responses((status = 200, description = "A stream; each event's data is the body that webhooks are sent", content_type = "text/event-stream")),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn of_account(
    caller: With<RequestsRead>,
    State(app): State<App>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let after = match resumed(&headers, &query) {
        Some(after) => after,
        None => timeline::last_seq(&app).await.or_failed("Failed to retrieve events")?,
    };
    let wanted = Wanted { account_id: Some(caller.caller.account_id()), ..Wanted::default() };
    Ok(sent(follow(app, wanted, after, confined(&caller.caller), false)))
}

fn confined(caller: &Caller) -> Option<Vec<Id<Loop>>> {
    caller.confined_to().map(<[_]>::to_vec)
}

/// The line after which to go on: the header that browsers send, or a parameter for those who cannot set one.
fn resumed(headers: &HeaderMap, query: &Query) -> Option<i64> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    header.or(query.value("last_event_id")).and_then(|text| text.trim().parse().ok())
}

fn sent(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([("x-accel-buffering", "no")], events).into_response()
}

/// Where a stream stands.
struct Follower {
    app: App,
    reader: timeline::Reader,
    woken: tokio::sync::watch::Receiver<()>,
    ready: VecDeque<Line>,
    until_final: bool,
    ended: bool,
}

fn follow(
    app: App,
    wanted: Wanted,
    after: i64,
    confined: Option<Vec<Id<Loop>>>,
    until_final: bool,
) -> impl Stream<Item = Event> + Send + 'static {
    let woken = app.store.wakeups().anything();
    let reader = timeline::Reader::new(wanted, after, confined);
    let follower = Follower { app, reader, woken, ready: VecDeque::new(), until_final, ended: false };
    stream::unfold(follower, |mut follower| async move { follower.next().await.map(|event| (event, follower)) })
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                self.ended = self.until_final && line.name.is_terminal();
                return Some(event(&line));
            }
            if self.ended {
                return None;
            }
            self.woken.mark_unchanged();
            match self.reader.next(&self.app).await {
                Ok(lines) if lines.is_empty() => {
                    let _ = tokio::time::timeout(LOOK, self.woken.changed()).await;
                }
                Ok(lines) => self.ready.extend(lines),
                Err(error) => {
                    tracing::error!(%error, "a stream of events broke off");
                    return None;
                }
            }
        }
    }
}

fn event(line: &Line) -> Event {
    Event::default().id(line.seq.to_string()).event(line.name.as_str()).data(js_json::to_string(&line.data))
}
