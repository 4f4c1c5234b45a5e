//! The audit log, for the server's owner (quality C and D).

use super::{
    error::{ApiError, OrFailed},
    reply::{Envelope, Reply},
    reviewer::Reviewer,
};
use crate::{
    app::App,
    domain::{Json, request_filters::Query, words::Word},
    service::{Error, sessions, timeline},
    store::{events::Line, sessions::SignedIn},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

/// One line of the record.
#[derive(Serialize, ToSchema)]
pub struct AuditLine {
    /// Its place in the order of all; pass it as `after` to read on.
    seq: i64,
    /// Its identifier.
    event_id: String,
    /// When.
    at: String,
    /// What.
    #[schema(example = "request.completed")]
    event: &'static str,
    /// `key`, `person`, `operator` or `clock`.
    actor_kind: String,
    /// Which one.
    actor_id: Option<String>,
    /// The account it concerns.
    account_id: String,
    /// The loop it concerns.
    loop_id: Option<String>,
    /// The request it concerns.
    request_id: Option<String>,
    /// The status before.
    from: Option<String>,
    /// The status after.
    to: Option<String>,
    /// What else was kept.
    #[schema(value_type = serde_json::Value)]
    data: Json,
}

impl From<Line> for AuditLine {
    fn from(line: Line) -> Self {
        Self {
            seq: line.seq,
            event_id: line.id.to_string(),
            at: line.at.to_string(),
            event: line.name.as_str(),
            actor_kind: line.actor_kind,
            actor_id: line.actor_id,
            account_id: line.account_id.to_string(),
            loop_id: line.loop_id.map(|id| id.to_string()),
            request_id: line.request_id.map(|id| id.to_string()),
            from: line.from_status,
            to: line.to_status,
            data: line.data,
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditLog {
    /// In the order in which it happened.
    events: Vec<AuditLine>,
    /// How many are on this page.
    count: usize,
    /// Where to read on; null when nothing more is there.
    next_after: Option<i64>,
}

/// Shows the audit log
///
/// Everything that anybody did, for the server's owner. `format=jsonl` exports all lines that are wanted, one JSON object a line;
/// with a `limit` no more than that, and the last one's `seq` as `after` reads on.
#[utoipa::path(get, path = "/v1/reviewer/audit", tag = "Reviewer: session", params(
        ("event" = Option<String>, Query, description = "A name such as `request.created`, or a kind such as `request`"),
        ("account_id" = Option<String>, Query, description = "Whom it concerns"), ("loop_id" = Option<String>, Query),
        ("actor_id" = Option<String>, Query, description = "Which person or key did it"),
        ("request_id" = Option<String>, Query), ("since" = Option<String>, Query), ("until" = Option<String>, Query),
        ("after" = Option<i64>, Query), ("before" = Option<i64>, Query), ("limit" = Option<i64>, Query, description = "1 to 1000, 100 when left out"),
        ("format" = Option<String>, Query, description = "`jsonl` for one JSON object a line")),
    responses((status = 200, description = "Audit log retrieved successfully", body = Envelope<AuditLog>)), security(("session" = [])))]
pub async fn log(Reviewer(who): Reviewer, State(app): State<App>, query: Query) -> Result<Response, ApiError> {
    const FAILED: &str = "Failed to retrieve audit log";
    if query.value("format") == Some("jsonl") {
        let body = match query.value("limit") {
            Some(_) => written(timeline::audit(&app, who.account_id, &query).await.or_failed(FAILED)?).into(),
            None => exported(app, who, query).await.or_failed(FAILED)?,
        };
        return Ok(([(header::CONTENT_TYPE, "application/jsonl; charset=utf-8")], body).into_response());
    }
    let lines = timeline::audit(&app, who.account_id, &query).await.or_failed(FAILED)?;
    let events: Vec<AuditLine> = lines.into_iter().map(AuditLine::from).collect();
    let next_after = events.last().map(|line| line.seq);
    Ok(Reply::ok("Audit log retrieved successfully", AuditLog { count: events.len(), next_after, events })
        .into_response())
}

/// Lines read at a time.
const BATCH: &str = "1000";

/// All lines that are wanted, one JSON object a line, in the order in which they happened; written as they are read.
pub(super) async fn exported(app: App, who: SignedIn, wanted: Query) -> Result<Body, Error> {
    let first = batch(&app, &who, &wanted, None).await?;
    let lines = stream::try_unfold((app, who, wanted, first), |(app, who, wanted, read)| async move {
        let Some(last) = read.last().map(|line| line.seq) else { return Ok(None) };
        let next = batch(&app, &who, &wanted, Some(last)).await?;
        Ok::<_, Error>(Some((written(read), (app, who, wanted, next))))
    });
    Ok(Body::from_stream(lines))
}

/// What comes after that line; refused once whoever reads may no longer.
async fn batch(app: &App, who: &SignedIn, wanted: &Query, after: Option<i64>) -> Result<Vec<Line>, Error> {
    sessions::check(app, who).await?;
    let mut wanted = wanted.clone();
    wanted.0.extend(after.map(|seq| ("after".to_owned(), seq.to_string())));
    wanted.0.push(("limit".to_owned(), BATCH.to_owned()));
    timeline::audit(app, who.account_id, &wanted).await
}

fn written(lines: Vec<Line>) -> Bytes {
    let line = |line| serde_json::to_string(&AuditLine::from(line)).expect("our own structures serialise") + "\n";
    lines.into_iter().map(line).collect::<String>().into()
}
