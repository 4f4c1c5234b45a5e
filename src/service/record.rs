//! The event of a change and the deliveries it causes, written in the transaction of the change (design 5).

use super::{Result, deliveries, notifications};
use crate::{
    app::App,
    domain::{
        Account, Actor, Event, EventName, Id, JsonText, Key, Loop, Member, MemberStatus, Request, Status, Webhook,
        Window,
        bodies::{self, Counts, Head, Step},
        request_bodies,
    },
    store::{self, Tx, events, members, requests, transitions::Moved},
};
use serde_json::Value;

/// Records a step of a request that a transition moved; returns the request as it is then.
pub(super) async fn moved(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    of: &Moved,
    step: Step,
) -> Result<Request> {
    let request = requests::find(&mut *tx, of.0).await?.ok_or(store::Error::NotFound)?;
    of_request(app, tx, name, actor, &request, step).await?;
    Ok(request)
}

/// What came of recording something.
pub(super) struct Recorded {
    /// The event.
    pub(super) event: Id<Event>,
    /// Whether somebody will be told by another way than these pages.
    pub(super) told: bool,
}

/// Records a step of a request, or something else about it, and tells whom it concerns.
pub(super) async fn of_request(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    it: &Request,
    step: Step,
) -> Result<Recorded> {
    let head = head(app, name);
    let event = Event {
        loop_id: Some(it.loop_id),
        request_id: Some(it.id),
        from: step.previous,
        to: step.previous.map_or((name == EventName::RequestCreated).then_some(it.status), |_| Some(it.status)),
        ..event(head, actor, it.creator_id, request_bodies::of_request(head, it, &step))
    };
    let callback = it.content.callback_url.as_deref().filter(|_| name.is_terminal());
    events::insert(tx, &event).await?;
    if name.is_public() && (it.heard || callback.is_some()) {
        deliveries::queue(app, tx, &event, callback).await?;
    }
    let told = notifications::tell_concerned(app, tx, &event, it, &step).await?;
    Ok(Recorded { event: event.id, told })
}

/// Records that a request ended without an answer: a claim on it leaves its trace (contract 8.5).
pub(super) async fn ended(app: &App, tx: &mut Tx, name: EventName, actor: Actor, of: &Moved) -> Result<Request> {
    let previous = Some(if of.3.is_some() { Status::Claimed } else { Status::Pending });
    moved(app, tx, name, actor, of, Step { previous, ..Step::default() }).await
}

/// Records that a claim was given back.
pub(super) async fn released(app: &App, tx: &mut Tx, actor: Actor, of: &Moved) -> Result<Request> {
    moved(app, tx, EventName::RequestReleased, actor, of, Step { previous: Some(Status::Claimed), ..Step::default() })
        .await
}

/// Records something about a loop.
pub(super) async fn of_loop(app: &App, tx: &mut Tx, name: EventName, actor: Actor, it: &Loop) -> Result<()> {
    let (head, counts) = (head(app, name), counts(app, tx, it).await?);
    let event = Event { loop_id: Some(it.id), ..event(head, actor, it.creator_id, bodies::of_loop(head, it, counts)) };
    write(app, tx, &event).await
}

/// Records that somebody was invited, joined or left.
pub(super) async fn of_member(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    it: &Loop,
    who: &Member,
) -> Result<()> {
    let (head, counts) = (head(app, name), counts(app, tx, it).await?);
    let event =
        Event { loop_id: Some(it.id), ..event(head, actor, it.creator_id, bodies::of_member(head, it, counts, who)) };
    write(app, tx, &event).await?;
    notifications::tell_maker(app, tx, &event, it, who).await
}

async fn counts(app: &App, tx: &mut Tx, it: &Loop) -> Result<Counts> {
    let people = members::of_loop(tx, it.id, super::members::alive_since(app)).await?;
    let active = people.iter().filter(|member| member.status == MemberStatus::Active).count();
    Ok(Counts { active, pending: people.len() - active })
}

/// Records what happened to a key's window.
pub(super) async fn of_window(app: &App, tx: &mut Tx, name: EventName, key: &Key, window: Window) -> Result<()> {
    let head = head(app, name);
    let event = event(head, Actor::Key(key.id), key.account_id, bodies::of_window(head, key, window));
    write(app, tx, &event).await
}

/// Records something about a webhook.
pub(super) async fn of_webhook(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    it: &Webhook,
    data: Value,
) -> Result<()> {
    let mut about = serde_json::json!({"webhook": {"id": it.id, "url": it.url, "loop_id": it.loop_id}});
    if let (Some(about), Value::Object(data)) = (about.as_object_mut(), data) {
        about.extend(data);
    }
    of_account(app, tx, name, actor, it.account_id, about).await
}

/// Records something about an account or its keys.
pub(super) async fn of_account(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    account: Id<Account>,
    data: Value,
) -> Result<()> {
    let head = head(app, name);
    write(app, tx, &event(head, actor, account, bodies::plain(head, &data))).await
}

fn head(app: &App, name: EventName) -> Head {
    Head { name, id: app.new_id(), at: app.now() }
}

fn event(head: Head, actor: Actor, account_id: Id<Account>, body: JsonText) -> Event {
    Event {
        id: head.id,
        at: head.at,
        name: head.name,
        actor,
        account_id,
        loop_id: None,
        request_id: None,
        from: None,
        to: None,
        data: body,
    }
}

async fn write(app: &App, tx: &mut Tx, event: &Event) -> Result<()> {
    events::insert(tx, event).await?;
    if event.name.is_public() {
        deliveries::queue(app, tx, event, None).await?;
    }
    Ok(())
}
