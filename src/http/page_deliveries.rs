//! What was sent to a webhook or a callback: one delivery with its bodies and attempts, testing, sending again (contract 12.9).

use super::{
    extract::Form,
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::Asker,
    page_times::Moment,
    page_webhooks::webhook_page,
    pages::{PageError, PageId, again, see_other, shown},
    webhooks::tested,
};
use crate::{
    app::App,
    domain::{Delivery, Invalid, Object, Timestamp, Webhook, request_filters::Query},
    service::webhooks,
    store::attempts::Made,
};
use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::Value;

type Page = std::result::Result<Response, PageError>;

/// A delivery in the log.
pub(super) struct DeliveryRow {
    pub(super) it: Delivery,
    pub(super) age: Moment,
    pub(super) next: Option<Moment>,
    /// Whether it is to be sent, or being sent.
    pub(super) open: bool,
}

impl DeliveryRow {
    pub(super) fn new(it: Delivery, now: Timestamp) -> Self {
        let next = it.next_retry_at().map(|at| Moment::left(at, now));
        Self { age: Moment::age(it.created_at, now), next, open: it.next_attempt_at.is_some(), it }
    }
}

/// One time that it was sent.
struct AttemptRow {
    it: Made,
    age: Moment,
}

#[derive(Template)]
#[template(path = "delivery.html")]
pub(super) struct DeliveryPage {
    shell: Shell,
    /// The page that it belongs to, with its own beneath.
    over: String,
    over_name: String,
    row: DeliveryRow,
    body: String,
    attempts: Vec<AttemptRow>,
}

/// One delivery: what was sent, what came back, each attempt.
pub async fn show(
    Asker(who): Asker,
    State(app): State<App>,
    PageId(id): PageId<Webhook>,
    PageId(delivery): PageId<Delivery>,
) -> Page {
    let webhook = webhooks::show(&app, &who.who, id).await?;
    let (it, made) = webhooks::attempts(&app, &who.who, id, delivery).await?;
    let over = format!("/webhooks/{id}");
    Ok(shown(&delivery_page(who.shell(Section::Webhooks), over, &webhook.url, it, made, app.now())))
}

/// One delivery, under the page that it belongs to.
pub(super) fn delivery_page(
    shell: Shell,
    over: String,
    over_name: &str,
    it: Delivery,
    made: Vec<Made>,
    now: Timestamp,
) -> DeliveryPage {
    DeliveryPage {
        shell,
        over,
        over_name: over_name.to_owned(),
        body: indented(&it.body),
        row: DeliveryRow::new(it, now),
        attempts: made.into_iter().map(|it| AttemptRow { age: Moment::age(it.at, now), it }).collect(),
    }
}

/// JSON on several lines, to read.
fn indented(body: &str) -> String {
    let value: Option<Value> = serde_json::from_str(body).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| body.to_owned())
}

/// Sends a test, and shows what came of it.
pub async fn test(Asker(who): Asker, State(app): State<App>, PageId(id): PageId<Webhook>) -> Page {
    let sent = tested(&app, (&who.who).into(), id).await?;
    Ok(see_other(&format!("/webhooks/{id}/deliveries/{}", sent.id), Notice::WebhookTested))
}

/// Sends a delivery again, whatever came of it.
pub async fn redeliver(
    Asker(who): Asker,
    State(app): State<App>,
    PageId(id): PageId<Webhook>,
    PageId(delivery): PageId<Delivery>,
) -> Page {
    webhooks::redeliver(&app, &who.who, id, delivery).await?;
    Ok(see_other(&format!("/webhooks/{id}/deliveries/{delivery}"), Notice::DeliveryQueued))
}

/// The longest that one may go back for what had failed: as long as the log is kept.
const MOST_HOURS: i64 = 30 * 24;

/// Sends everything again that was given up in the last hours.
pub async fn recover(asker: Asker, State(app): State<App>, PageId(id): PageId<Webhook>, form: Form) -> Page {
    let hours = form.text("hours").parse().ok().filter(|hours| (1..=MOST_HOURS).contains(hours));
    let since = hours.map(|hours: i64| app.now().plus_seconds(-3600 * hours).to_string());
    let sent = since.ok_or_else(|| Invalid::failed(format!("hours must be between 1 and {MOST_HOURS}")));
    let sent = sent.map(|since| Object([("since".to_owned(), since.into())].into_iter().collect()));
    Ok(match webhooks::recover(&app, &asker.0.who, id, sent).await {
        Ok(0) => see_other(&format!("/webhooks/{id}"), Notice::NothingFailed),
        Ok(_) => see_other(&format!("/webhooks/{id}"), Notice::DeliveriesQueued),
        Err(error) => {
            let recovery = Filled::refused(form, &error);
            again(&error, &webhook_page(&app, &asker, id, &Query::default(), recovery).await?)
        }
    })
}
