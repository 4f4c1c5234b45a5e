//! Registered webhooks, as programs manage them (contract 12.8). Another account's webhook is not there.

use super::{Caller, Error, Result, deliveries as outbox, loops as loop_service, record};
use crate::{
    app::App,
    domain::{
        Account, Delivery, Event, EventName, Id, Invalid, Json, Sent, Timestamp, Webhook,
        bodies::{self, Head},
        request_filters::{Query, page},
        signatures::new_secret,
        webhooks::{DeliveryStatus, OVERLAP_SECONDS, Reach, WebhookFields},
        words::Word,
    },
    store::{
        deliveries,
        deliveries::{Leased, Wanted},
        webhooks,
    },
    wakeups::Happened,
};
use serde_json::json;

const NOT_FOUND: Error = Error::Missing("Webhook not found");
const NO_DELIVERY: Error = Error::Missing("Delivery not found");

/// Adds a webhook. Without a secret of the caller's one is made.
pub async fn create(app: &App, caller: &Caller, sent: Sent) -> Result<Webhook> {
    let fields = WebhookFields::parse_new(&sent?, app.settings.webhooks.allow_http)?;
    if let Some(id) = fields.loop_id {
        loop_service::owned(app, caller, id, "Access denied to this loop").await?;
    } else if caller.confined_to().is_some() {
        return Err(Error::denied("Access denied to this resource"));
    }
    let now = app.now();
    let webhook = Webhook {
        id: app.new_id(),
        account_id: caller.account_id(),
        url: fields.url.ok_or_else(|| Invalid::required("url"))?,
        loop_id: fields.loop_id.filter(|_| fields.reach != Some(Reach::Global)),
        events: fields.events.unwrap_or_else(|| vec!["*".into()]),
        enabled: fields.enabled.unwrap_or(true),
        disabled_reason: None,
        secret: fields.secret.unwrap_or_else(|| new_secret(app.random())),
        previous_secret: None,
        previous_until: None,
        description: fields.description,
        created_at: now,
        updated_at: now,
        last_delivery_at: None,
        last_status: None,
        failure_count: 0,
        failing_since: None,
    };
    let mut tx = app.store.begin().await?;
    webhooks::insert(&mut tx, &webhook).await?;
    record::of_webhook(app, &mut tx, EventName::WebhookCreated, caller.actor(), &webhook, json!({})).await?;
    tx.commit().await?;
    Ok(webhook)
}

/// All of the caller's, the newest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Webhook>> {
    let mut found = webhooks::of_account(&app.store, caller.account_id()).await?;
    found.retain(|webhook| reaches(caller, webhook));
    Ok(found)
}

/// All of an account's, for the operator.
pub async fn list_of(app: &App, account: Id<Account>) -> Result<Vec<Webhook>> {
    Ok(webhooks::of_account(&app.store, account).await?)
}

/// A key that is confined to loops sees their webhooks only.
fn reaches(caller: &Caller, webhook: &Webhook) -> bool {
    caller.confined_to().is_none_or(|loops| webhook.loop_id.is_some_and(|id| loops.contains(&id)))
}

/// One of the caller's.
pub async fn show(app: &App, caller: &Caller, id: Id<Webhook>) -> Result<Webhook> {
    let found = webhooks::find(&app.store, id, caller.account_id()).await?;
    found.filter(|webhook| reaches(caller, webhook)).ok_or(NOT_FOUND)
}

/// Changes one. Enabling it again forgets that it failed.
pub async fn update(app: &App, caller: &Caller, id: Id<Webhook>, sent: Sent) -> Result<Webhook> {
    let old = show(app, caller, id).await?;
    let fields = WebhookFields::parse_change(&sent?, app.settings.webhooks.allow_http)?;
    if let Some(id) = fields.loop_id {
        loop_service::owned(app, caller, id, "Access denied to this loop").await?;
    }
    let revived = fields.enabled == Some(true) && !old.enabled;
    let new = Webhook {
        url: fields.url.unwrap_or(old.url),
        events: fields.events.unwrap_or(old.events),
        loop_id: if fields.reach == Some(Reach::Global) { None } else { fields.loop_id.or(old.loop_id) },
        enabled: fields.enabled.unwrap_or(old.enabled),
        disabled_reason: if revived { None } else { old.disabled_reason },
        failure_count: if revived { 0 } else { old.failure_count },
        failing_since: if revived { None } else { old.failing_since },
        description: fields.description.or(old.description),
        updated_at: app.now(),
        ..old
    };
    let new = match fields.secret {
        Some(secret) => with_secret(new, secret, app.now()),
        None => new,
    };
    write(app, caller, EventName::WebhookUpdated, &new).await?;
    Ok(new)
}

async fn write(app: &App, caller: &Caller, name: EventName, webhook: &Webhook) -> Result<()> {
    let mut tx = app.store.begin().await?;
    if !webhooks::update(&mut tx, webhook).await? {
        return Err(NOT_FOUND);
    }
    record::of_webhook(app, &mut tx, name, caller.actor(), webhook, json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// The old secret goes on signing for a day.
fn with_secret(webhook: Webhook, secret: crate::domain::Secret, now: Timestamp) -> Webhook {
    let previous_until = Some(now.plus_seconds(OVERLAP_SECONDS));
    Webhook { previous_secret: Some(webhook.secret), previous_until, secret, updated_at: now, ..webhook }
}

/// Gives one a new secret.
pub async fn rotate(app: &App, caller: &Caller, id: Id<Webhook>) -> Result<Webhook> {
    let webhook = with_secret(show(app, caller, id).await?, new_secret(app.random()), app.now());
    write(app, caller, EventName::WebhookRotated, &webhook).await?;
    Ok(webhook)
}

/// Deletes one; what is on its way is given up.
pub async fn delete(app: &App, caller: &Caller, id: Id<Webhook>) -> Result<Timestamp> {
    let webhook = show(app, caller, id).await?;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    if !webhooks::delete(&mut tx, id, now).await? {
        return Err(NOT_FOUND);
    }
    deliveries::give_up(&mut tx, id, "the webhook was deleted").await?;
    record::of_webhook(app, &mut tx, EventName::WebhookDeleted, caller.actor(), &webhook, json!({})).await?;
    tx.commit().await?;
    Ok(now)
}

/// Writes a test event to one; whoever asked sends it at once and records what came of it.
pub async fn begin_test(app: &App, caller: &Caller, id: Id<Webhook>) -> Result<Leased> {
    let webhook = show(app, caller, id).await?;
    let head = Head { name: EventName::WebhookTest, id: app.new_id(), at: app.now() };
    let data = json!({"webhook": {"id": webhook.id, "url": webhook.url}});
    let event = Event {
        id: head.id,
        at: head.at,
        name: head.name,
        actor: caller.actor(),
        account_id: webhook.account_id,
        loop_id: webhook.loop_id,
        request_id: None,
        from: None,
        to: None,
        data: Json(bodies::plain(head, &data)),
    };
    let mut tx = app.store.begin().await?;
    crate::store::events::insert(&mut tx, &event).await?;
    let leased = outbox::queue_test(app, &mut tx, &event, &webhook).await?;
    tx.commit().await?;
    Ok(leased)
}

/// A page of one's log of deliveries.
pub async fn log(app: &App, caller: &Caller, id: Id<Webhook>, query: &Query) -> Result<outbox::Log> {
    show(app, caller, id).await?;
    let word = |name| query.value(name);
    let status = match word("status") {
        Some(text) => {
            Some(DeliveryStatus::named(text).ok_or_else(|| Invalid::one_of("status", &DeliveryStatus::all_words()))?)
        }
        None => None,
    };
    let event = match word("event") {
        Some(text) => Some(EventName::named(text).ok_or_else(|| Invalid::failed("event is unknown"))?),
        None => None,
    };
    let wanted = Wanted { webhook_id: Some(id), request_id: None, status, event };
    outbox::log(app, &wanted, page(query, 50)?).await
}

/// One delivery of one's.
pub async fn delivery(app: &App, caller: &Caller, id: Id<Webhook>, delivery: Id<Delivery>) -> Result<Delivery> {
    show(app, caller, id).await?;
    deliveries::find(&app.store, delivery, id).await?.ok_or(NO_DELIVERY)
}

/// Sends a delivery again, whatever came of it.
pub async fn redeliver(app: &App, caller: &Caller, id: Id<Webhook>, delivery: Id<Delivery>) -> Result<Delivery> {
    show(app, caller, id).await?;
    deliveries::find(&app.store, delivery, id).await?.ok_or(NO_DELIVERY)?;
    if !deliveries::restart(&app.store, delivery, "manual", app.now()).await? {
        return Err(Error::invalid("Delivery is being sent at this moment"));
    }
    app.store.wakeups().wake(&Happened::Delivery);
    deliveries::find(&app.store, delivery, id).await?.ok_or(NO_DELIVERY)
}

/// Sends everything again that was given up since a time; says how many.
pub async fn recover(app: &App, caller: &Caller, id: Id<Webhook>, sent: Sent) -> Result<u64> {
    let webhook = show(app, caller, id).await?;
    let sent = sent?;
    let since = sent.trimmed("since")?.ok_or_else(|| Invalid::required("since"))?;
    let since = since.parse().map_err(|_| Invalid::failed("since must be an RFC 3339 timestamp"))?;
    if !webhook.enabled {
        return Err(Error::invalid("Webhook is disabled"));
    }
    let count = deliveries::recover(&app.store, id, since, app.now()).await?;
    app.store.wakeups().wake(&Happened::Delivery);
    Ok(count)
}
