//! Registered webhooks, as programs and the operator manage them (contract 12.8). Another account's webhook is not there.

use super::{
    Acting, Error, Result,
    deliveries::{self as outbox, NO_DELIVERY},
    record,
};
use crate::{
    app::App,
    domain::{
        Account, Delivery, Event, EventName, Id, Invalid, Loop, Secret, Sent, Timestamp, Webhook,
        bodies::{self, Head},
        request_filters::{Query, page},
        signatures::new_secret,
        webhooks::{DeliveryStatus, OVERLAP_SECONDS, Reach, WebhookFields},
        words::Word,
    },
    store::{
        Db, Tx, attempts,
        attempts::Made,
        deliveries,
        deliveries::{Leased, Wanted},
        loops, webhooks,
    },
    wakeups::Happened,
};
use serde_json::json;

const NOT_FOUND: Error = Error::Missing("Webhook not found");

/// Who is confined to loops reaches their webhooks only.
fn reaches(owner: Acting<'_>, id: Option<Id<Loop>>) -> bool {
    owner.confined_to().is_none_or(|loops| id.is_some_and(|id| loops.contains(&id)))
}

/// Adds a webhook. Without a secret of the owner's one is made.
pub async fn create(app: &App, owner: impl Into<Acting<'_>>, sent: Sent) -> Result<Webhook> {
    let owner = owner.into();
    let fields = WebhookFields::parse_new(&sent?, app.settings.webhooks.allow_http)?;
    let (loop_id, now) = (reach(&app.store, owner, &fields, None).await?, app.now());
    let webhook = Webhook {
        id: app.new_id(),
        account_id: owner.account_id(),
        url: fields.url.ok_or_else(|| Invalid::required("url"))?,
        loop_id,
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
    let mut tx = app.store.begin();
    webhooks::insert(&mut tx, &webhook).await?;
    record::of_webhook(app, &mut tx, EventName::WebhookCreated, owner.actor(), &webhook, json!({})).await?;
    tx.commit().await?;
    Ok(webhook)
}

/// The loop that a webhook is to be about; `None` is all of its owner's. Without a word it stays what it is.
async fn reach(
    db: impl Db<'_>,
    owner: Acting<'_>,
    fields: &WebhookFields,
    old: Option<Id<Loop>>,
) -> Result<Option<Id<Loop>>> {
    let wanted = match fields.reach {
        Some(Reach::Global) => None,
        Some(Reach::Loop) => Some(fields.loop_id.or(old).ok_or_else(|| Invalid::required("loop_id"))?),
        None => fields.loop_id.or(old),
    };
    let Some(id) = wanted else {
        return if reaches(owner, None) { Ok(None) } else { Err(Error::denied("Access denied to this resource")) };
    };
    let it = loops::find(db, id).await?.ok_or(Error::Missing("Loop not found"))?;
    let own = it.creator_id == owner.account_id() && reaches(owner, wanted);
    if own { Ok(wanted) } else { Err(Error::denied("Access denied to this loop")) }
}

/// All of the owner's, the newest first.
pub async fn list(app: &App, owner: impl Into<Acting<'_>>) -> Result<Vec<Webhook>> {
    let owner = owner.into();
    let mut found = webhooks::list(&app.store, Some(owner.account_id())).await?;
    found.retain(|webhook| reaches(owner, webhook.loop_id));
    Ok(found)
}

/// All of an account's or of everybody's, for the operator.
pub async fn list_all(app: &App, account: Option<Id<Account>>) -> Result<Vec<Webhook>> {
    Ok(webhooks::list(&app.store, account).await?)
}

/// One of the owner's.
pub async fn show(app: &App, owner: impl Into<Acting<'_>>, id: Id<Webhook>) -> Result<Webhook> {
    own(&app.store, owner.into(), id).await
}

async fn own(db: impl Db<'_>, owner: Acting<'_>, id: Id<Webhook>) -> Result<Webhook> {
    let found = webhooks::find(db, id, owner.account_id()).await?;
    found.filter(|webhook| reaches(owner, webhook.loop_id)).ok_or(NOT_FOUND)
}

/// One of the owner's, which nobody else changes until the transaction ends.
async fn held(tx: &mut Tx, owner: Acting<'_>, id: Id<Webhook>) -> Result<Webhook> {
    webhooks::hold(tx, id).await?;
    own(tx, owner, id).await
}

/// Changes one. Enabling it again forgets that it failed.
pub async fn update(app: &App, owner: impl Into<Acting<'_>>, id: Id<Webhook>, sent: Sent) -> Result<Webhook> {
    let owner = owner.into();
    show(app, owner, id).await?;
    let fields = WebhookFields::parse_change(&sent?, app.settings.webhooks.allow_http)?;
    let mut tx = app.store.begin();
    let old = held(&mut tx, owner, id).await?;
    let loop_id = reach(&mut tx, owner, &fields, old.loop_id).await?;
    let revived = fields.enabled == Some(true) && !old.enabled;
    let new = Webhook {
        url: fields.url.unwrap_or(old.url),
        events: fields.events.unwrap_or(old.events),
        loop_id,
        enabled: fields.enabled.unwrap_or(old.enabled),
        disabled_reason: if revived { None } else { old.disabled_reason },
        failure_count: if revived { 0 } else { old.failure_count },
        failing_since: if revived { None } else { old.failing_since },
        description: fields.description.or(old.description),
        updated_at: app.now(),
        ..old
    };
    let new = match fields.secret {
        Some(secret) if secret != new.secret => with_secret(new, secret, app.now()),
        _ => new,
    };
    write(app, tx, owner, EventName::WebhookUpdated, new).await
}

async fn write(app: &App, mut tx: Tx, owner: Acting<'_>, name: EventName, webhook: Webhook) -> Result<Webhook> {
    if !webhooks::update(&mut tx, &webhook).await? {
        return Err(NOT_FOUND);
    }
    record::of_webhook(app, &mut tx, name, owner.actor(), &webhook, json!({})).await?;
    tx.commit().await?;
    Ok(webhook)
}

/// The old secret goes on signing for a day. There are never more than two: of three within a day the first one is gone.
fn with_secret(webhook: Webhook, secret: Secret, now: Timestamp) -> Webhook {
    let previous_until = Some(now.plus_seconds(OVERLAP_SECONDS));
    Webhook { previous_secret: Some(webhook.secret), previous_until, secret, updated_at: now, ..webhook }
}

/// Gives one a new secret.
pub async fn rotate(app: &App, owner: impl Into<Acting<'_>>, id: Id<Webhook>) -> Result<Webhook> {
    let owner = owner.into();
    let mut tx = app.store.begin();
    let webhook = with_secret(held(&mut tx, owner, id).await?, new_secret(app.random()), app.now());
    write(app, tx, owner, EventName::WebhookRotated, webhook).await
}

/// Deletes one; what is on its way is given up.
pub async fn delete(app: &App, owner: impl Into<Acting<'_>>, id: Id<Webhook>) -> Result<Timestamp> {
    let owner = owner.into();
    let (webhook, now) = (show(app, owner, id).await?, app.now());
    let mut tx = app.store.begin();
    if !webhooks::delete(&mut tx, id, now).await? {
        return Err(NOT_FOUND);
    }
    deliveries::give_up(&mut tx, id, "the webhook was deleted").await?;
    record::of_webhook(app, &mut tx, EventName::WebhookDeleted, owner.actor(), &webhook, json!({})).await?;
    tx.commit().await?;
    Ok(now)
}

/// Writes a test event to one; whoever asked sends it at once and records what came of it.
pub async fn begin_test(app: &App, owner: impl Into<Acting<'_>>, id: Id<Webhook>) -> Result<Leased> {
    let owner = owner.into();
    let webhook = show(app, owner, id).await?;
    let head = Head { name: EventName::WebhookTest, id: app.new_id(), at: app.now() };
    let data = json!({"webhook": {"id": webhook.id, "url": webhook.url}});
    let event = Event {
        id: head.id,
        at: head.at,
        name: head.name,
        actor: owner.actor(),
        account_id: webhook.account_id,
        loop_id: webhook.loop_id,
        request_id: None,
        from: None,
        to: None,
        data: bodies::plain(head, &data),
    };
    let mut tx = app.store.begin();
    crate::store::events::insert(&mut tx, &event).await?;
    let leased = outbox::queue_test(app, &mut tx, &event, &webhook).await?;
    tx.commit().await?;
    Ok(leased)
}

/// A page of one's log of deliveries.
pub async fn log(app: &App, owner: impl Into<Acting<'_>>, id: Id<Webhook>, query: &Query) -> Result<outbox::Log> {
    show(app, owner, id).await?;
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
    let wanted = Wanted { webhook_id: Some(id), status, event, ..Wanted::default() };
    outbox::log(app, &wanted, page(query, 50)?).await
}

/// One delivery of one's.
pub async fn delivery(
    app: &App,
    owner: impl Into<Acting<'_>>,
    id: Id<Webhook>,
    delivery: Id<Delivery>,
) -> Result<Delivery> {
    show(app, owner, id).await?;
    deliveries::find(&app.store, delivery, id).await?.ok_or(NO_DELIVERY)
}

/// One delivery of one's, and each time that it was sent, the latest first.
pub async fn attempts(
    app: &App,
    owner: impl Into<Acting<'_>>,
    id: Id<Webhook>,
    delivery: Id<Delivery>,
) -> Result<(Delivery, Vec<Made>)> {
    let found = self::delivery(app, owner, id, delivery).await?;
    let made = attempts::of_deliveries(&app.store, &[delivery]).await?;
    Ok((found, made))
}

/// Sends a delivery again, whatever came of it.
pub async fn redeliver(
    app: &App,
    owner: impl Into<Acting<'_>>,
    id: Id<Webhook>,
    delivery: Id<Delivery>,
) -> Result<Delivery> {
    show(app, owner, id).await?;
    deliveries::find(&app.store, delivery, id).await?.ok_or(NO_DELIVERY)?;
    outbox::send_again(app, delivery).await?;
    deliveries::find(&app.store, delivery, id).await?.ok_or(NO_DELIVERY)
}

/// Sends everything again that was given up since a time; says how many.
pub async fn recover(app: &App, owner: impl Into<Acting<'_>>, id: Id<Webhook>, sent: Sent) -> Result<u64> {
    let webhook = show(app, owner, id).await?;
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
