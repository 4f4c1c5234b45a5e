//! The outbox: what an event causes to be sent, and what becomes of it (contract 12.6 and 12.9, design 5).

use super::{Error, Result, record};
use crate::{
    app::App,
    domain::{
        Actor, Delivery, Event, EventName, Id, Secret, Timestamp, Webhook,
        request_filters::Page,
        retry::{self, Outcome},
        webhooks::{DeliveryKind, DeliveryStatus, TEST},
    },
    store::{
        Tx,
        attempts::{self, Made},
        deliveries::{self, Attempt, Leased, Wanted},
        signing_secrets, webhooks,
    },
    wakeups::Happened,
};
use serde_json::json;
use std::collections::HashMap;

pub(super) const NO_DELIVERY: Error = Error::Missing("Delivery not found");

/// How long a worker may hold a delivery: longer than an attempt can take.
const LEASE_SECONDS: i64 = 60;

/// Queues what an event causes, in the transaction of the event: to the request's callback, and to the webhooks that want it.
pub(super) async fn queue(app: &App, tx: &mut Tx, event: &Event, callback: Option<&str>) -> Result<()> {
    let registered = match tx.beside() {
        // No step of a request changes a webhook.
        Some(store) if event.request_id.is_some() => webhooks::list(&store, Some(event.account_id)).await?,
        _ => webhooks::list(&mut *tx, Some(event.account_id)).await?,
    };
    let wanting: Vec<&Webhook> = registered.iter().filter(|webhook| webhook.wants(event)).collect();
    if wanting.is_empty() && callback.is_none() {
        return Ok(());
    }
    let body = &event.data.0;
    if let Some(url) = callback {
        let delivery = delivery(app, event, DeliveryKind::Callback, None, url, body);
        deliveries::insert(&mut *tx, &delivery, &host(url)).await?;
    }
    for webhook in wanting {
        let delivery = delivery(app, event, DeliveryKind::Webhook, Some(webhook.id), &webhook.url, body);
        deliveries::insert(&mut *tx, &delivery, &webhook.id.to_string()).await?;
    }
    Ok(())
}

/// Writes one test event to a webhook, held by whoever asked: they send it at once.
pub(super) async fn queue_test(app: &App, tx: &mut Tx, event: &Event, webhook: &Webhook) -> Result<Leased> {
    let body = &event.data.0;
    let until = app.now().plus_seconds(LEASE_SECONDS);
    let delivery = Delivery {
        cause: TEST.into(),
        next_attempt_at: Some(until),
        locked_until: Some(until),
        ..delivery(app, event, DeliveryKind::Webhook, Some(webhook.id), &webhook.url, body)
    };
    let endpoint = webhook.id.to_string();
    deliveries::insert(tx, &delivery, &endpoint).await?;
    Ok(Leased { delivery, endpoint })
}

fn delivery(
    app: &App,
    event: &Event,
    kind: DeliveryKind,
    webhook: Option<Id<Webhook>>,
    url: &str,
    body: &str,
) -> Delivery {
    Delivery {
        id: app.new_id(),
        event_id: event.id,
        event: event.name,
        kind,
        account_id: event.account_id,
        webhook_id: webhook,
        request_id: event.request_id,
        url: url.to_owned(),
        body: body.to_owned(),
        status: DeliveryStatus::Pending,
        attempt: 0,
        cause: "event".into(),
        next_attempt_at: Some(event.at),
        locked_until: None,
        response_status: None,
        response_time_ms: None,
        response_body: None,
        error: None,
        created_at: event.at,
        delivered_at: None,
    }
}

/// Callbacks and notifications to one host share its places.
pub(super) fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    parsed.and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))).unwrap_or_default()
}

/// What a worker takes at a time.
pub struct Taken {
    /// What was due, to be sent now.
    pub leased: Vec<Leased>,
    /// When the next one was due as this was taken, those for busy receivers left out.
    pub next_due: Option<Timestamp>,
}

/// Takes due deliveries to send: `most` in all, `each` of one receiver, none for the `busy` ones. Looking costs no write.
pub async fn lease(app: &App, busy: &[&str], each: i64, most: i64) -> Result<Taken> {
    let now = app.now();
    let coming = deliveries::coming(&app.store, busy, each, most, now).await?;
    let leased = deliveries::lease(&app.store, &coming, now.plus_seconds(LEASE_SECONDS), now).await?;
    Ok(Taken { leased, next_due: coming.first().map(|it| it.at) })
}

/// A delivery as it is to be sent now, and the secrets that sign it, the present one first. It goes where its webhook points
/// by now. A webhook that is gone, paused or disabled is not sent to: `Err` says why.
pub async fn ready(app: &App, it: &Delivery) -> Result<std::result::Result<(Delivery, Vec<Secret>), &'static str>> {
    let Some(id) = it.webhook_id else {
        let signing = signing_secrets::find(&app.store, it.account_id).await?;
        let secrets = signing.map(|signing| signing.secrets(app.now()).into_iter().cloned().collect());
        return Ok(secrets.map(|secrets| (it.clone(), secrets)).ok_or("the account is gone"));
    };
    let Some(webhook) = webhooks::find_for_queued(&app.store, id).await? else {
        return Ok(Err("the webhook was deleted"));
    };
    if !webhook.enabled && it.cause != TEST && it.cause != "manual" {
        return Ok(Err(if webhook.disabled_reason.is_some() {
            "the webhook is disabled"
        } else {
            "the webhook is paused"
        }));
    }
    let secrets = webhook.secrets(app.now()).into_iter().cloned().collect();
    Ok(Ok((Delivery { url: webhook.url, ..it.clone() }, secrets)))
}

/// Sends one again, whatever came of it.
pub(super) async fn send_again(app: &App, id: Id<Delivery>) -> Result<()> {
    if !deliveries::restart(&app.store, id, "manual", app.now()).await? {
        return Err(Error::invalid("Delivery is being sent at this moment"));
    }
    app.store.wakeups().wake(&Happened::Delivery);
    Ok(())
}

/// Ends a delivery that is not sent. That is no attempt, and no failure of its webhook.
pub async fn end(app: &App, it: &Delivery, reason: &str) -> Result<()> {
    deliveries::end(&app.store, it, reason).await?;
    Ok(())
}

/// What came of an attempt.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The status that came back.
    pub status: Option<u16>,
    /// The receiver's `Retry-After`, in seconds.
    pub retry_after: Option<i64>,
    /// What came back, cut.
    pub body: Option<String>,
    /// Why nothing came back.
    pub error: Option<String>,
    /// Trying again cannot help: the target is forbidden, or the webhook gone.
    pub hopeless: bool,
    /// How long it took.
    pub millis: i64,
}

/// Records an attempt: success, another try later, or the end. What a receiver's failing means for its webhook is decided here.
pub async fn record(app: &App, it: &Delivery, sent: Sent) -> Result<DeliveryStatus> {
    let now = app.now();
    let outcome = match sent.status {
        Some(status) => retry::outcome(status, sent.retry_after),
        None if sent.hopeless => Outcome::Failed,
        None => Outcome::Again(None),
    };
    let next = match outcome {
        Outcome::Again(retry_after) if it.cause != TEST => {
            retry::next_attempt(it.attempt + 1, retry_after, app.random::<1>()[0], now)
        }
        _ => None,
    };
    let status = match (outcome, next) {
        (Outcome::Delivered, _) => DeliveryStatus::Success,
        (_, Some(_)) => DeliveryStatus::Retrying,
        (_, None) => DeliveryStatus::Failed,
    };
    let response_status = sent.status.map(i64::from);
    let attempt = Attempt {
        status: Some(status),
        next_attempt_at: next,
        response_status,
        response_time_ms: sent.millis,
        response_body: sent.body,
        error: sent.error.or_else(|| (outcome != Outcome::Delivered).then(|| unwelcome(sent.status))),
        ended_at: Some(now),
    };
    let mut tx = app.store.begin();
    if let Some(id) = it.webhook_id {
        webhooks::hold(&mut tx, id).await?;
    }
    if !deliveries::record(&mut tx, it, &attempt).await? {
        return Ok(status); // the lease had run out: whoever has it now records
    }
    attempts::insert(&mut tx, it, &attempt, now).await?;
    if let Some(id) = it.webhook_id {
        note(app, &mut tx, id, outcome, response_status, now).await?;
    }
    tx.commit().await?;
    Ok(status)
}

fn unwelcome(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |status| format!("the receiver answered {status}"))
}

async fn note(
    app: &App,
    tx: &mut Tx,
    id: Id<Webhook>,
    outcome: Outcome,
    status: Option<i64>,
    now: Timestamp,
) -> Result<()> {
    if outcome == Outcome::Delivered {
        return Ok(webhooks::note_success(tx, id, status.unwrap_or(200), now).await?);
    }
    let failing = webhooks::note_failure(&mut *tx, id, status, now).await?;
    if outcome == Outcome::Gone {
        return disable(app, tx, id, "the receiver answered 410 Gone").await;
    }
    let Some(failing) = failing else { return Ok(()) };
    if failing.is_over(now) {
        return disable(app, tx, id, "nothing but failure for 5 days").await;
    }
    if failing.is_to_be_warned_of(now) && webhooks::warn(&mut *tx, id, now).await? {
        let Some(webhook) = webhooks::find_any(&mut *tx, id).await? else { return Ok(()) };
        let data = json!({"failing_since": failing.since, "disabled_at": failing.disabled_at(now)});
        return record::of_webhook(app, tx, EventName::WebhookFailing, Actor::Clock, &webhook, data).await;
    }
    Ok(())
}

async fn disable(app: &App, tx: &mut Tx, id: Id<Webhook>, reason: &str) -> Result<()> {
    if !webhooks::disable(&mut *tx, id, reason, app.now()).await? {
        return Ok(());
    }
    deliveries::give_up(&mut *tx, id, &format!("the webhook was disabled: {reason}")).await?;
    let Some(webhook) = webhooks::find_any(&mut *tx, id).await? else { return Ok(()) };
    record::of_webhook(app, tx, EventName::WebhookDisabled, Actor::Clock, &webhook, json!({"reason": reason})).await
}

/// A page of a log of deliveries.
pub struct Log {
    /// The entries, the newest first.
    pub deliveries: Vec<Delivery>,
    /// How many there are on all pages.
    pub total: i64,
    /// Which page this is.
    pub page: Page,
    /// Each time that these were sent, the latest first, where that is asked for.
    pub attempts: Option<HashMap<Id<Delivery>, Vec<Made>>>,
}

pub(super) async fn log(app: &App, wanted: &Wanted, page: Page) -> Result<Log> {
    let deliveries = deliveries::list(&app.store, wanted, page).await?;
    Ok(Log { deliveries, total: deliveries::count(&app.store, wanted).await?, page, attempts: None })
}
