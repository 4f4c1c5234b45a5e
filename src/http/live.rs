//! Waiting without polling: server-sent events, and the record of what happened (contract appendix; design 6).

use super::{
    admission::{RequestsRead, With},
    error::{ApiError, OrFailed},
    extract::PathId,
    reply::{Envelope, Reply},
    reviewer::Reviewer,
};
use crate::{
    app::App,
    domain::{Request, js_json, request_filters::Query, words::Word},
    metrics::Open,
    service::{
        Error,
        timeline::{self, Reader},
    },
    store::events::Line,
    wakeups::Waiting,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use std::{collections::VecDeque, convert::Infallible, time::Duration};
use tokio::sync::watch;
use utoipa::ToSchema;

/// A comment goes out this often, so that nobody on the way takes the silence for the end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream looks by itself this often, should a wake-up be lost, and whether whoever listens still may.
const LOOK: Duration = Duration::from_secs(30);
/// A person's stream rests this long after it was woken: whoever reads it sees no difference, and of a burst it reads once.
const REST: Duration = Duration::from_millis(100);

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
/// Server-sent events: the whole story so far, then each step as it happens, until the request is final. `Last-Event-ID` resumes;
/// 204 says that all was told.
#[utoipa::path(get, path = "/v1/api/requests/{request_id}/events", tag = "Requests", params(("request_id" = String, Path)),
    responses((status = 200, description = "A stream; each event's data is the body that webhooks are sent", content_type = "text/event-stream"),
        (status = 204, description = "The request is over, and all was told before")),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn stream_of_request(
    caller: With<RequestsRead>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let woken = Woken::Request(app.store.wakeups().request(id));
    let lines = timeline::of_request(&app, &caller.caller, id).await.or_failed("Failed to retrieve request")?;
    let last = lines.last().map_or(0, |line| line.seq);
    let after = resumed(&headers, &query).unwrap_or(0).min(last); // an id of another database may be beyond
    if lines.iter().any(|line| line.name.is_terminal() && line.seq <= after) {
        // The whole story was told: this status keeps a browser from asking again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let reader = Reader::of_request(caller.caller, id, after);
    Ok(sent(follow(Follower { until_final: true, ..Follower::new(app, "request", reader, woken) }), KEEP_ALIVE))
}

/// Streams what happens to all of one's requests, loops and keys
///
/// Server-sent events from now on, or from `Last-Event-ID`. May repeat an event after a reconnection: `event_id` tells.
#[utoipa::path(get, path = "/v1/api/events", tag = "Requests",
    responses((status = 200, description = "A stream; each event's data is the body that webhooks are sent", content_type = "text/event-stream")),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn stream_of_account(
    caller: With<RequestsRead>,
    State(app): State<App>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let woken = Woken::Anything(app.store.wakeups().anything());
    let reader = Reader::of_account(&app, caller.caller, resumed(&headers, &query)).await;
    let reader = reader.or_failed("Failed to retrieve events")?;
    Ok(sent(follow(Follower::new(app, "account", reader, woken)), KEEP_ALIVE))
}

/// Streams what happens in one's loops
///
/// Server-sent events from now on, or from `Last-Event-ID`: what happened, and to which request of which loop. What the request
/// is then is for whoever hears of it to look up.
#[utoipa::path(get, path = "/v1/reviewer/events", tag = "Reviewer: work",
    responses((status = 200, description = "A stream; each event's data names the event, the loop, the request and its status", content_type = "text/event-stream")),
    security(("session" = [])))]
pub async fn stream_of_person(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let woken = Woken::Anything(app.store.wakeups().anything());
    let reader = Reader::of_person(&app, who, resumed(&headers, &query)).await;
    let reader = reader.or_failed("Failed to retrieve events")?;
    let follower = Follower { told: mention, rest: REST, ..Follower::new(app, "person", reader, woken) };
    Ok(sent(follow(follower), KEEP_ALIVE))
}

/// The line after which to go on: the header that browsers send, or a parameter for those who cannot set one.
fn resumed(headers: &HeaderMap, query: &Query) -> Option<i64> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    header.or(query.value("last_event_id")).and_then(|text| text.trim().parse().ok())
}

fn sent(events: impl Stream<Item = Event> + Send + 'static, keep_alive: Duration) -> Response {
    let events = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(keep_alive));
    ([("x-accel-buffering", "no")], events).into_response()
}

/// What wakes a stream.
enum Woken {
    Request(Waiting),
    Anything(watch::Receiver<()>),
}

impl Woken {
    async fn woken(&mut self) {
        match self {
            Self::Request(waiting) => waiting.woken().await,
            Self::Anything(waiting) => waiting.changed().await.expect("the store keeps the sender"),
        }
    }
}

/// Where a stream stands. Very many may be open at once: what it takes to look for more is boxed, and not kept while it waits.
struct Follower {
    app: App,
    reader: Reader,
    woken: Woken,
    ready: VecDeque<Line>,
    told: fn(&Line) -> Event,
    rest: Duration,
    until_final: bool,
    ended: bool,
    _open: Option<Open>,
}

fn follow(follower: Follower) -> impl Stream<Item = Event> + Send + 'static {
    stream::unfold(follower, |mut follower| async move { follower.next().await.map(|event| (event, follower)) })
}

impl Follower {
    /// `of` says in metrics what it tells of.
    fn new(app: App, of: &'static str, reader: Reader, woken: Woken) -> Self {
        let (ready, told, rest) = (VecDeque::new(), event as fn(&Line) -> Event, Duration::ZERO);
        let open = app.metrics.as_ref().map(|metrics| metrics.stream(of));
        Self { app, reader, woken, ready, told, rest, until_final: false, ended: false, _open: open }
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                self.ended = self.until_final && line.name.is_terminal();
                return Some((self.told)(&line));
            }
            if self.ended {
                return None;
            }
            match Box::pin(self.reader.next(&self.app)).await {
                Ok(lines) if lines.is_empty() => self.wait().await?,
                Ok(lines) => self.ready.extend(lines),
                Err(error) => return broken_off(&error),
            }
        }
    }

    /// Until there may be more; `None` where there will be none.
    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            () = self.woken.woken() => {
                tokio::time::sleep(self.rest).await;
                Some(())
            }
            () = self.app.store.wakeups().closed() => None,
            () = tokio::time::sleep(LOOK) => match Box::pin(self.reader.check(&self.app)).await {
                Ok(()) => Some(()),
                Err(error) => broken_off(&error),
            },
        }
    }
}

fn broken_off<T>(error: &Error) -> Option<T> {
    match error {
        Error::Store(_) => tracing::error!(%error, "a stream of events broke off"),
        refused => tracing::debug!(%refused, "a stream of events was ended"),
    }
    None
}

fn event(line: &Line) -> Event {
    Event::default().id(line.seq.to_string()).event(line.name.as_str()).data(js_json::to_string(&line.data.value()))
}

/// What happened and to what, without what webhooks are told: members of a loop do not see all of it.
fn mention(line: &Line) -> Event {
    let data = json!({
        "event": line.name, "event_id": line.id, "loop_id": line.loop_id, "request_id": line.request_id, "status": line.to_status,
    });
    Event::default().id(line.seq.to_string()).event(line.name.as_str()).data(data.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    /// The bytes that a call of an async function holds from its start to its end.
    fn held<A, F>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_open_stream_holds_little() {
        assert!(held(Follower::next) < 1024, "{}", held(Follower::next));
    }

    #[tokio::test]
    async fn a_silent_stream_is_kept_alive_by_comments() {
        assert!(KEEP_ALIVE <= Duration::from_secs(15), "proxies cut what is silent for a minute, some for 20 seconds");
        let mut body = sent(stream::pending(), Duration::from_millis(5)).into_body();
        for _ in 0..3 {
            let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await;
            let data = frame.unwrap().unwrap().unwrap().into_data().unwrap();
            assert_eq!(data, ":\n\n", "a comment, which clients pass over");
        }
    }
}
