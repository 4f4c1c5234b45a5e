//! What people do with requests: claim, release, answer (contract 8 and 16). Only who is signed in; never a key.

use super::{Error, Result, deadlines, record};
use crate::{
    app::App,
    domain::{Account, Actor, EventName, Id, Invalid, Json, Request, Sent, Status, Timestamp, bodies::Step},
    store::{self, accounts, inbox, inbox::Found, members, transitions},
};
use serde_json::Value;

const NOT_FOUND: Error = Error::Missing("Request not found");
const TAKEN: Error = Error::Conflict("Request already claimed by another reviewer");
const ENDED: Error = Error::Conflict("Request is no longer available");

/// A request in one of the person's loops. What a person may not see is not there (design 7).
pub async fn show(app: &App, account: Id<Account>, id: Id<Request>) -> Result<Request> {
    find(app, account, id).await.map(|found| found.request)
}

/// The same with who looks, as the clock leaves the request.
async fn find(app: &App, account: Id<Account>, id: Id<Request>) -> Result<Found> {
    let found = inbox::find(&app.store, id, account).await?.ok_or(NOT_FOUND)?;
    if !found.request.is_due(app.now()) {
        return Ok(found);
    }
    deadlines::settle(app).await?;
    inbox::find(&app.store, id, account).await?.ok_or(NOT_FOUND)
}

/// Takes a request on. Claiming what one has claimed already changes nothing.
pub async fn claim(app: &App, account: Id<Account>, id: Id<Request>) -> Result<Request> {
    let request = show(app, account, id).await?;
    if request.status == Status::Claimed && request.claimed_by == Some(account) {
        return Ok(request);
    }
    let now = app.now();
    let until = lapses_at(app, now);
    let most = i64::from(app.settings.reviews.claims_per_reviewer);
    let mut tx = app.store.begin();
    accounts::lock(&mut tx, account).await?;
    let Some(moved) = transitions::claim(&mut tx, id, account, until, most, now).await? else {
        drop(tx);
        app.store.catch_up().await?;
        return Err(why_not(app, account, id).await?);
    };
    let step = Step { previous: Some(Status::Pending), ..Step::default() };
    let request = record::moved(app, &mut tx, EventName::RequestClaimed, Actor::Person(account), &moved, step).await?;
    members::touch(&mut tx, moved.2, account, now).await?;
    tx.commit().await?;
    Ok(request)
}

/// When a claim lapses that was made then, should its request's time not be over before (contract 8.6).
pub(super) fn lapses_at(app: &App, claimed_at: Timestamp) -> Timestamp {
    claimed_at.plus_seconds(i64::try_from(app.settings.reviews.claim.as_secs()).unwrap_or(i64::MAX))
}

/// Why a claim or an answer was not taken: somebody else has it, it has ended, the person holds too many, or was removed
/// from the loop meanwhile.
async fn why_not(app: &App, account: Id<Account>, id: Id<Request>) -> Result<Error> {
    let request = show(app, account, id).await?;
    Ok(match request.status {
        Status::Claimed if request.claimed_by != Some(account) => TAKEN,
        Status::Pending => Error::Conflict("You have claimed as many requests as you may at once"),
        _ => ENDED,
    })
}

/// Gives a claim back to the queue.
pub async fn release(app: &App, account: Id<Account>, id: Id<Request>) -> Result<Request> {
    show(app, account, id).await?;
    let mut tx = app.store.begin();
    let Some(moved) = transitions::release(&mut tx, id, account, app.now()).await? else {
        drop(tx);
        app.store.catch_up().await?;
        return Err(match show(app, account, id).await?.status {
            Status::Claimed => TAKEN,
            Status::Pending => Error::Conflict("You have not claimed this request"),
            _ => ENDED,
        });
    };
    let request = record::released(app, &mut tx, Actor::Person(account), &moved).await?;
    tx.commit().await?;
    Ok(request)
}

/// Answers a request with the `response_data` of a body, claiming it on the way if nobody has. Of many answers at once
/// exactly one is taken.
pub async fn respond_with(app: &App, account: Id<Account>, id: Id<Request>, sent: Sent) -> Result<Request> {
    let found = find(app, account, id).await?;
    let sent = sent?;
    let given = sent.0.get("response_data").ok_or_else(|| Invalid::required("response_data"))?;
    answer(app, account, found, given).await
}

/// The same with the answer itself.
pub async fn respond(app: &App, account: Id<Account>, id: Id<Request>, given: &Value) -> Result<Request> {
    let found = find(app, account, id).await?;
    answer(app, account, found, given).await
}

/// How often an answer is tried anew when the request was changed between reading and writing; each time somebody else got
/// on, so it ends.
const TRIES: usize = 100;

async fn answer(app: &App, account: Id<Account>, mut found: Found, given: &Value) -> Result<Request> {
    for _ in 0..TRIES {
        let request = &found.request;
        if request.status.is_final() {
            return Err(ENDED);
        }
        if request.status == Status::Claimed && request.claimed_by != Some(account) {
            return Err(TAKEN);
        }
        let answer = checked(request, given)?;
        match answer_once(app, account, &found, answer).await {
            Err(Error::Store(store::Error::Lost)) => app.store.catch_up().await?,
            outcome => return outcome,
        }
        found = find(app, account, request.id).await?;
    }
    Err(ENDED)
}

/// The answer in its bare form, if it fits what was asked: the same check for every way in.
fn checked(request: &Request, given: &Value) -> Result<Json> {
    let answer = request.content.spec().and_then(|spec| spec.answer(given));
    Ok(Json::of(&answer.map_err(|fault| Invalid::with("Invalid response", fault))?))
}

/// Answers a request if it is still as it was found; what it is then follows from that.
async fn answer_once(app: &App, account: Id<Account>, found: &Found, answer: Json) -> Result<Request> {
    let (now, old) = (app.now(), &found.request);
    let mut tx = app.store.begin();
    transitions::answer(&mut tx, old, account, &answer, now).await?;
    let claimed_at = old.claimed_at.filter(|_| old.claimed_by == Some(account)).or(Some(now));
    let answered = Request {
        status: Status::Completed,
        claimed_by: Some(account),
        claimed_at,
        claim_expires_at: None,
        response_by: Some(account),
        reviewer: Some(found.by.clone()),
        response_at: Some(now),
        response_data: Some(answer),
        updated_at: now,
        ..old.clone()
    };
    let step = Step { previous: Some(old.status), ..Step::default() };
    record::of_request(app, &mut tx, EventName::RequestCompleted, Actor::Person(account), &answered, step).await?;
    members::touch(&mut tx, old.loop_id, account, now).await?;
    inbox::drop_draft(&mut tx, old.id, account).await?;
    tx.commit().await?;
    Ok(answered)
}
