//! The audit log, for the server's owner (quality C and D).

use super::{
    error::{ApiError, OrFailed},
    reply::{Envelope, Reply},
    reviewer::Reviewer,
};
use crate::{
    app::App,
    domain::{request_filters::Query, words::Word},
    service::timeline,
    store::events::Line,
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
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
    data: Value,
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
            data: line.data.0,
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
/// Everything that anybody did, for the server's owner. `format=jsonl` exports one JSON object a line.
#[utoipa::path(get, path = "/v1/reviewer/audit", tag = "Reviewer: session", params(
        ("event" = Option<String>, Query, description = "A name such as `request.created`, or a kind such as `request`"),
        ("account_id" = Option<String>, Query, description = "Whom it concerns"), ("loop_id" = Option<String>, Query),
        ("actor_id" = Option<String>, Query, description = "Which person or key did it"),
        ("request_id" = Option<String>, Query), ("since" = Option<String>, Query), ("until" = Option<String>, Query),
        ("after" = Option<i64>, Query), ("before" = Option<i64>, Query), ("limit" = Option<i64>, Query, description = "1 to 1000, 100 when left out"),
        ("format" = Option<String>, Query, description = "`jsonl` for one JSON object a line")),
    responses((status = 200, description = "Audit log retrieved successfully", body = Envelope<AuditLog>)), security(("session" = [])))]
pub async fn log(Reviewer(who): Reviewer, State(app): State<App>, query: Query) -> Result<Response, ApiError> {
    let lines = timeline::audit(&app, who.account_id, &query).await.or_failed("Failed to retrieve audit log")?;
    let events: Vec<AuditLine> = lines.into_iter().map(AuditLine::from).collect();
    if query.value("format") == Some("jsonl") {
        let lines: String = events
            .iter()
            .map(|line| serde_json::to_string(line).expect("our own structures serialise") + "\n")
            .collect();
        return Ok(([(header::CONTENT_TYPE, "application/jsonl; charset=utf-8")], lines).into_response());
    }
    let next_after = events.last().map(|line| line.seq);
    Ok(Reply::ok("Audit log retrieved successfully", AuditLog { count: events.len(), next_after, events })
        .into_response())
}
