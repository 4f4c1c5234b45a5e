//! Logs and request ids. No token, password, secret or body is ever logged.

use crate::{
    app::App,
    domain::id::hex,
    http::admission::HEADERS,
    settings::{Log, LogFormat},
    traces::{self, Exporting},
};
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    response::Response,
};
use std::io::IsTerminal;
use tracing::{Instrument, Span, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, ParseError, Targets},
    layer::SubscriberExt,
    registry,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// Starts logging to standard error: readable on a terminal, JSON otherwise, unless the settings say which. Where spans are
/// exported, they are made whatever is logged.
pub fn start(log: &Log, exporting: Option<&Exporting>) -> anyhow::Result<()> {
    let filter = filter(&log.level)?;
    let pretty = match log.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let Some(exporting) = exporting else {
        // One filter for all is asked less often than one of each.
        return Ok(registry().with(filter).with(lines(pretty)).try_init()?);
    };
    let ours = Targets::new().with_target("hitl_server", LevelFilter::INFO);
    Ok(registry().with(lines(pretty).with_filter(filter)).with(exporting.layer().with_filter(ours)).try_init()?)
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(pretty: bool) -> Box<dyn Layer<S> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    if pretty { lines.compact().boxed() } else { lines.json().flatten_event(true).boxed() }
}

/// Whether a level is one, such as `info` or `hitl_server=debug,warn`.
pub fn filter(level: &str) -> Result<Targets, ParseError> {
    level.parse()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a client.
const LONGEST_ID: usize = 128;

/// Gives each request an id, the client's if it sent a sound one; logs the request when it is answered.
pub async fn trace<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let id = given_id(&request).unwrap_or_else(|| hex(&app.random::<12>()));
    let header = HeaderValue::from_str(&id).expect("an id is visible ASCII");
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = span(app, &request, &id, &route);
    let counted = app.metrics.as_ref().map(|metrics| (metrics, metrics.begin(), request.method().clone()));
    let start = app.now();
    let mut response = next(request).instrument(span.clone()).await;
    let micros = app.now().micros_since(start);
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), micros, "answered"));
    if app.is_traced() {
        traces::answered(&span, response.status().as_u16());
    }
    if let Some((metrics, _open, method)) = counted {
        if response.status() == 429 {
            metrics.refused(response.headers().contains_key(&HEADERS[0]));
        }
        metrics.answered(&method, route, response.status().as_u16(), micros);
    }
    response.headers_mut().insert(REQUEST_ID, header);
    response
}

/// The span of a request; one that is exported is named as others name theirs, and goes on with the caller's trace.
fn span(app: &App, request: &Request, id: &str, route: &str) -> Span {
    let method = request.method();
    if !app.is_traced() {
        return tracing::info_span!("request", id, %method, route);
    }
    let name = format!("{method} {route}");
    let span = tracing::info_span!("request", id, %method, route, otel.name = name, otel.kind = "server");
    traces::join(&span, request.headers());
    span
}

fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let sound = !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then(|| id.to_owned())
}
