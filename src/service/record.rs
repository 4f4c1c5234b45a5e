//! The event of a change, written in the transaction of the change (design 5). Webhooks will queue their deliveries here.

use super::Result;
use crate::{
    app::App,
    domain::{Account, Actor, Event, EventName, Id, Json, Loop, Request, Status},
    store::{Tx, events, transitions::Moved},
};
use serde_json::{Value, json};

/// Records what happened to a request.
pub(super) async fn moved(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    moved: &Moved,
    steps: (Option<Status>, Option<Status>),
) -> Result<()> {
    let (request, account, of_loop, _) = *moved;
    let event = Event {
        request_id: Some(request),
        from: steps.0,
        to: steps.1,
        ..event(app, name, actor, account, Some(of_loop), json!({}))
    };
    Ok(events::insert(tx, &event).await?)
}

/// Records that a request ended without an answer: a claim on it leaves its trace (contract 8.5).
pub(super) async fn ended(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    of: &Moved,
    end: Status,
) -> Result<()> {
    let before = if of.3.is_some() { Status::Claimed } else { Status::Pending };
    moved(app, tx, name, actor, of, (Some(before), Some(end))).await
}

/// Records that a claim was given back.
pub(super) async fn released(app: &App, tx: &mut Tx, actor: Actor, of: &Moved) -> Result<()> {
    moved(app, tx, EventName::RequestReleased, actor, of, (Some(Status::Claimed), Some(Status::Pending))).await
}

/// Records something about a request that left its status as it was.
pub(super) async fn about_request(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    request: &Request,
    data: Value,
) -> Result<()> {
    let event = Event {
        request_id: Some(request.id),
        ..event(app, name, actor, request.creator_id, Some(request.loop_id), data)
    };
    Ok(events::insert(tx, &event).await?)
}

/// Records something about a loop.
pub(super) async fn about_loop(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    it: &Loop,
    data: Value,
) -> Result<()> {
    Ok(events::insert(tx, &event(app, name, actor, it.creator_id, Some(it.id), data)).await?)
}

/// Records something about an account or its keys.
pub(super) async fn about_account(
    app: &App,
    tx: &mut Tx,
    name: EventName,
    actor: Actor,
    account: Id<Account>,
    data: Value,
) -> Result<()> {
    Ok(events::insert(tx, &event(app, name, actor, account, None, data)).await?)
}

fn event(
    app: &App,
    name: EventName,
    actor: Actor,
    account_id: Id<Account>,
    loop_id: Option<Id<Loop>>,
    data: Value,
) -> Event {
    Event {
        id: app.new_id(),
        at: app.now(),
        name,
        actor,
        account_id,
        loop_id,
        request_id: None,
        from: None,
        to: None,
        data: Json(data),
    }
}
