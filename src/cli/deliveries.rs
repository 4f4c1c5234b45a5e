//! What was sent to webhooks and callbacks: the log, each attempt, sending again, a test. Does not know webhooks' settings.

use super::{
    arguments,
    failure::Failure,
    output::{Format, beginning, or_dash, record, table},
    requests::maker_of,
    webhooks::owner_of,
};
use crate::{
    app::App,
    domain::{
        Delivery, Id, Object, Request, Timestamp, Webhook, request_filters::Query, webhooks::DeliveryStatus,
        words::Word,
    },
    service::{Acting, callbacks, webhooks},
    store::attempts::Made,
    worker::deliver,
};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub(super) struct Log {
    /// The webhook's id
    id: Id<Webhook>,
    /// Only those that stand there
    #[arg(long, value_parser = arguments::word::<DeliveryStatus>())]
    status: Option<DeliveryStatus>,
    /// Only this event, such as request.completed
    #[arg(long)]
    event: Option<String>,
    /// At most so many, up to 100
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: i64,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Named {
    /// The webhook's id
    id: Id<Webhook>,
    /// The delivery's id, as the log shows it
    delivery: Id<Delivery>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Recover {
    /// The webhook's id
    id: Id<Webhook>,
    /// Since when, such as 2024-03-15T10:00:00Z
    #[arg(long, value_name = "RFC3339")]
    since: Timestamp,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct OfRequest {
    /// The request's id
    id: Id<Request>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct NamedOfRequest {
    /// The request's id
    id: Id<Request>,
    /// The delivery's id, as `hitl requests callbacks` shows it
    delivery: Id<Delivery>,
    #[command(flatten)]
    format: Format,
}

impl Log {
    pub(super) async fn show(self, app: &App) -> anyhow::Result<()> {
        let filters = [
            ("status", self.status.map(|status| status.as_str().to_owned())),
            ("event", self.event),
            ("limit", Some(self.limit.to_string())),
        ];
        let query = Query(filters.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))).collect());
        let found = webhooks::log(app, owner_of(app, self.id).await?, self.id, &query).await?.deliveries;
        self.format.print(&found.iter().map(properties).collect(), || listed(&found))
    }
}

fn listed(found: &[Delivery]) -> String {
    let row = |it: &Delivery| {
        [
            it.id.to_string(),
            it.created_at.to_string(),
            it.event.to_string(),
            it.status.to_string(),
            it.attempt.to_string(),
            or_dash(it.response_status),
            or_dash(it.next_retry_at()),
            beginning(it.error.as_deref().unwrap_or("-"), 60),
        ]
    };
    table(["ID", "CREATED", "EVENT", "STATUS", "ATTEMPTS", "ANSWER", "NEXT", "ERROR"], found.iter().map(row))
}

impl Named {
    pub(super) async fn show(self, app: &App) -> anyhow::Result<()> {
        let owner = owner_of(app, self.id).await?;
        let (it, made) = webhooks::attempts(app, owner, self.id, self.delivery).await?;
        self.format.print(&with_attempts(&it, &made), || format!("{}\n\n{}", described(&it), attempts(&made)))
    }

    pub(super) async fn send_again(self, app: &App) -> anyhow::Result<()> {
        let owner = owner_of(app, self.id).await?;
        show(&self.format, &webhooks::redeliver(app, owner, self.id, self.delivery).await?)
    }
}

impl Recover {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        let since = [("since".to_owned(), Value::from(self.since.to_string()))].into_iter().collect();
        let owner = owner_of(app, self.id).await?;
        let count = webhooks::recover(app, owner, self.id, Ok(Object(since))).await?;
        self.format.print(&json!({"count": count}), || format!("{count} deliveries are sent again"))
    }
}

impl OfRequest {
    pub(super) async fn show(self, app: &App) -> anyhow::Result<()> {
        let maker = maker_of(app, self.id).await?;
        let log = callbacks::log(app, maker, self.id, &Query(vec![])).await?;
        let made = log.attempts.unwrap_or_default();
        let of = |it: &Delivery| made.get(&it.id).cloned().unwrap_or_default();
        let properties = log.deliveries.iter().map(|it| with_attempts(it, &of(it))).collect();
        self.format.print(&properties, || listed(&log.deliveries))
    }
}

impl NamedOfRequest {
    pub(super) async fn send_again(self, app: &App) -> anyhow::Result<()> {
        let maker = maker_of(app, self.id).await?;
        show(&self.format, &callbacks::redeliver(app, maker, self.id, self.delivery).await?)
    }
}

fn attempts(made: &[Made]) -> String {
    let row = |it: &Made| {
        [
            it.number.to_string(),
            it.at.to_string(),
            it.cause.clone(),
            or_dash(it.response_status),
            format!("{} ms", it.response_time_ms),
            beginning(it.error.as_deref().unwrap_or("-"), 60),
        ]
    };
    table(["ATTEMPT", "ENDED", "WHY", "ANSWER", "TOOK", "ERROR"], made.iter().map(row))
}

fn with_attempts(it: &Delivery, made: &[Made]) -> Value {
    let attempt = |it: &Made| {
        json!({
            "number": it.number,
            "cause": it.cause,
            "at": it.at,
            "response_status": it.response_status,
            "response_time_ms": it.response_time_ms,
            "response_body": it.response_body,
            "error": it.error,
        })
    };
    let mut json = properties(it);
    json["attempts"] = made.iter().map(attempt).collect();
    json
}

/// Sends a test event from here; a receiver that does not take it is a refusal.
pub(super) async fn test(app: &App, owner: Acting<'_>, id: Id<Webhook>, format: &Format) -> anyhow::Result<()> {
    let leased = webhooks::begin_test(app, owner, id).await?;
    deliver::send(app, &leased).await?;
    let sent = webhooks::delivery(app, owner, id, leased.delivery.id).await?;
    show(format, &sent)?;
    match sent.error {
        None => Ok(()),
        Some(error) => Err(Failure::Refused(format!("the test event was not taken: {error}")).into()),
    }
}

fn show(format: &Format, it: &Delivery) -> anyhow::Result<()> {
    format.print(&properties(it), || described(it))
}

fn described(it: &Delivery) -> String {
    record([
        ("id", it.id.to_string()),
        ("event", it.event.to_string()),
        ("url", it.url.clone()),
        ("status", it.status.to_string()),
        ("attempts", it.attempt.to_string()),
        ("answer", or_dash(it.response_status)),
        ("took", it.response_time_ms.map_or_else(|| "-".to_owned(), |millis| format!("{millis} ms"))),
        ("error", or_dash(it.error.as_ref())),
        ("next", or_dash(it.next_retry_at())),
    ])
}

fn properties(it: &Delivery) -> Value {
    json!({
        "id": it.id,
        "webhook_id": it.webhook_id,
        "kind": it.kind,
        "event": it.event,
        "event_id": it.event_id,
        "request_id": it.request_id,
        "url": it.url,
        "status": it.status,
        "attempt": it.attempt,
        "cause": it.cause,
        "response_status": it.response_status,
        "response_time_ms": it.response_time_ms,
        "error": it.error,
        "request_body": it.body,
        "response_body": it.response_body,
        "created_at": it.created_at,
        "delivered_at": it.delivered_at,
        "next_retry_at": it.next_retry_at(),
    })
}
