//! Requests, as programs make, read, change and cancel them (contract 7). No program answers one (7.8).

use super::{
    Acting, Caller, Error, Result, admission, deadlines, loops as loop_service, notifications, record, reviews,
};
use crate::{
    app::App,
    domain::{
        Content, EventName, Feedback, Id, Invalid, Json, Loop, Object, Request, Scope, Sent, Status, Timestamp, Window,
        bodies::Step,
        new_requests::{Form, Rules},
        object::longer_than,
        request_changes::RequestChange,
        requests::LONGEST_REASON,
    },
    store::{
        self, feedback,
        loops::{self, Asked},
        members, requests, transitions,
    },
    wakeups::Waiting,
};
use serde_json::json;
use std::time::Duration;

const NOT_FOUND: Error = Error::Missing("Request not found");
const NO_ACCESS: Error = Error::denied("Access denied to this request");
/// How often a change is tried anew when the request moved between reading and writing; each time somebody else got on, so
/// it ends.
const TRIES: usize = 100;

fn rules(app: &App) -> Rules {
    Rules { allow_http: app.settings.webhooks.allow_http }
}

/// Puts a request to a loop; the loop's creator may.
pub async fn create(
    app: &App,
    acting: impl Into<Acting<'_>>,
    id: Id<Loop>,
    sent: Sent,
    user_agent: Option<&str>,
) -> Result<Request> {
    let acting = acting.into();
    let asked = asked(app, acting, id).await?;
    let content = Content::parse(&sent?, Form::Current, rules(app))?;
    open(app, acting, &asked, content, user_agent).await
}

/// What would be put to a loop: judged as [`create`] does, and not put.
pub async fn preview(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>, sent: Sent) -> Result<Content> {
    asked(app, acting.into(), id).await?;
    Ok(Content::parse(&sent?, Form::Current, rules(app))?)
}

/// The same with the loop named in the body, and more defaults (contract 7.1.9).
pub async fn create_legacy(app: &App, caller: &Caller, sent: Sent, user_agent: Option<&str>) -> Result<Request> {
    let (acting, sent) = (Acting::from(caller), sent?);
    let id = sent.trimmed("loop_id")?.ok_or_else(|| Invalid::required("loop_id"))?;
    let id = id.parse().map_err(|_| Invalid::new("Invalid loop ID format"))?;
    let asked = asked(app, acting, id).await?;
    let content = Content::parse(&sent, Form::Legacy, rules(app))?;
    open(app, acting, &asked, content, user_agent).await
}

/// The loop that is asked, with who will be told; its creator may ask.
async fn asked(app: &App, acting: Acting<'_>, id: Id<Loop>) -> Result<Asked> {
    let asked = loops::ask(&app.store, id).await?.ok_or(loop_service::NOT_FOUND)?;
    let belongs =
        asked.creator_id == acting.account_id() || asked.members.iter().any(|it| it.account_id == acting.account_id());
    if !belongs || !acting.reaches(id) {
        return Err(loop_service::NO_ACCESS);
    }
    if asked.creator_id != acting.account_id() {
        return Err(Error::denied("Only loop creators can create requests"));
    }
    Ok(asked)
}

async fn open(
    app: &App,
    acting: Acting<'_>,
    it: &Asked,
    content: Content,
    user_agent: Option<&str>,
) -> Result<Request> {
    if it.members.is_empty() {
        return Err(Error::invalid("No active members found in the loop"));
    }
    let now = app.now();
    let mut request = Request {
        id: app.new_id(),
        loop_id: it.loop_id,
        loop_name: it.name.clone(),
        loop_creator_id: it.creator_id,
        creator_id: acting.account_id(),
        api_key_id: acting.key_id(),
        created_at: now,
        updated_at: now,
        timeout_at: now.plus_seconds(content.timeout_seconds),
        content,
        broadcasted_to: Json::of(&()),
        user_agent: user_agent.map(str::to_owned),
        status: Status::Pending,
        claimed_by: None,
        claimed_at: None,
        claim_expires_at: None,
        response_by: None,
        reviewer: None,
        response_at: None,
        response_data: None,
        cancelled_at: None,
        cancel_reason: None,
        feedback: None,
        heard: it.heard,
    };
    let told = notifications::plan_created(app, &request, &it.members).await?;
    request.broadcasted_to = Json::of(&it.members.iter().map(|member| told.recipient(member)).collect::<Vec<_>>());
    let (mut tx, created) = (app.store.begin(), EventName::RequestCreated);
    requests::insert(&mut tx, &request).await.map_err(loop_service::gone)?;
    let recorded = record::of_request(app, &mut tx, created, acting.actor(), &request, Step::default()).await?;
    told.write(app, &mut tx, recorded.event, created, Some(request.id)).await?;
    tx.commit().await.map_err(loop_service::gone)?;
    Ok(request)
}

/// One request, for its creator, its loop's creator and the loop's members. One whose time is over has ended.
pub async fn show(app: &App, acting: impl Into<Acting<'_>>, id: Id<Request>) -> Result<Request> {
    let acting = acting.into();
    let request = current(app, id).await?;
    let concerned = request.creator_id == acting.account_id()
        || request.loop_creator_id == acting.account_id()
        || members::is_active(&app.store, request.loop_id, acting.account_id()).await?;
    if concerned && acting.reaches(request.loop_id) { Ok(request) } else { Err(NO_ACCESS) }
}

/// One request, for those who may take it back: its creator, and its loop's. For members it is in their inbox, not here.
pub async fn owned(app: &App, acting: impl Into<Acting<'_>>, id: Id<Request>) -> Result<Request> {
    let request = current(app, id).await?;
    if owns(acting.into(), &request) { Ok(request) } else { Err(NO_ACCESS) }
}

fn owns(acting: Acting<'_>, request: &Request) -> bool {
    let by = acting.account_id();
    (request.creator_id == by || request.loop_creator_id == by) && acting.reaches(request.loop_id)
}

/// The longest that a call may wait, in seconds.
const LONGEST_WAIT: u64 = 300;
/// A waiting call looks by itself this often at the latest, should a wake-up be lost.
const LOOK: Duration = Duration::from_mins(1);

/// One request, once it is final; after `wait` seconds as it is then. Without `wait`, as it is now.
pub async fn show_after(app: &App, caller: &Caller, id: Id<Request>, wait: Option<&str>) -> Result<Request> {
    let Some(wait) = wait else { return Box::pin(show(app, caller, id)).await };
    // Subscribe first, then look: what happens in between is not missed.
    let mut waiting = app.store.wakeups().request(id);
    // Very many may wait at once: neither the request nor what a look at it takes is kept meanwhile.
    let request = Box::pin(show(app, caller, id)).await?;
    let seconds = wait.parse().ok().filter(|seconds| (1..=LONGEST_WAIT).contains(seconds));
    let seconds = seconds.ok_or_else(|| Invalid::failed("the seconds to wait must be between 1 and 300"))?;
    if request.status.is_final() {
        return Ok(request);
    }
    let timeout_at = request.timeout_at;
    drop(request);
    tokio::select! {
        done = wait_until_final(app, id, timeout_at, &mut waiting) => done?,
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        () = app.store.wakeups().closed() => {}
    }
    // Much may have changed in the meantime: whether the key still works, and may see this.
    let caller = Box::pin(admission::readmit(app, caller, Scope::RequestsRead)).await?;
    Box::pin(show(app, &caller, id)).await
}

async fn wait_until_final(app: &App, id: Id<Request>, mut timeout_at: Timestamp, waiting: &mut Waiting) -> Result<()> {
    loop {
        let due = Duration::from_micros(timeout_at.micros_since(app.now()).max(0).unsigned_abs());
        let _ = tokio::time::timeout(due.min(LOOK), waiting.woken()).await;
        let request = Box::pin(current(app, id)).await?;
        if request.status.is_final() {
            return Ok(());
        }
        timeout_at = request.timeout_at;
    }
}

/// The request as the clock leaves it.
pub(super) async fn current(app: &App, id: Id<Request>) -> Result<Request> {
    let request = requests::find(&app.store, id).await?.ok_or(NOT_FOUND)?;
    if !request.is_due(app.now()) {
        return Ok(request);
    }
    Box::pin(deadlines::settle(app)).await?;
    requests::find(&app.store, id).await?.ok_or(NOT_FOUND)
}

/// Any request, for the operator.
pub async fn any(app: &App, id: Id<Request>) -> Result<Request> {
    current(app, id).await
}

/// What an update did.
pub struct Updated {
    /// The request as it is now.
    pub request: Request,
    /// The window after the refund, if the update was a cancellation that gave one back.
    pub refunded: Option<Window>,
}

/// Changes what an open request asks; its creator may (contract 7.5).
pub async fn update(app: &App, caller: &Caller, id: Id<Request>, sent: Sent) -> Result<Updated> {
    let mut request = made_by(app, caller.into(), id).await?;
    let sent = sent?;
    for _ in 0..TRIES {
        let change = RequestChange::parse(&sent, &request, rules(app))?;
        if request.status.is_final() {
            return Err(Error::invalid("Request cannot be updated in current state"));
        }
        match change {
            RequestChange::Nothing => return Ok(Updated { request, refunded: None }),
            RequestChange::Cancel => {
                let done = cancel(app, caller, id, None).await?;
                return Ok(Updated { request: done.request, refunded: done.refunded });
            }
            RequestChange::Content { content, restart_timeout } => {
                if let Some(request) = change_content(app, caller, &request, &content, restart_timeout).await? {
                    return Ok(Updated { request, refunded: None });
                }
            }
        }
        app.store.catch_up().await?;
        request = current(app, id).await?;
    }
    Err(Error::invalid("Request cannot be updated in current state"))
}

async fn change_content(
    app: &App,
    caller: &Caller,
    old: &Request,
    content: &Content,
    restart_timeout: bool,
) -> Result<Option<Request>> {
    let now = app.now();
    let mut ends = (old.timeout_at, old.claim_expires_at);
    if restart_timeout {
        let timeout_at = now.plus_seconds(content.timeout_seconds);
        // A claim never outlives its request, and gets back what an earlier deadline had taken from it (contract 8.6).
        ends = (timeout_at, old.claimed_at.map(|at| reviews::lapses_at(app, at).min(timeout_at)));
    }
    let mut tx = app.store.begin();
    if !requests::update(&mut tx, old, content, ends, now).await? {
        return Ok(None);
    }
    let request = requests::find(&mut tx, old.id).await?.ok_or(NOT_FOUND)?;
    let mut changed = request.content.differences(&old.content);
    if restart_timeout && !changed.contains(&"timeout_seconds") {
        changed.push("timeout_seconds"); // the same time, but from now on
    }
    let step = Step { changed, ..Step::default() };
    record::of_request(app, &mut tx, EventName::RequestUpdated, caller.actor(), &request, step).await?;
    tx.commit().await?;
    Ok(Some(request))
}

async fn made_by(app: &App, acting: Acting<'_>, id: Id<Request>) -> Result<Request> {
    let request = current(app, id).await?;
    let owner = request.creator_id == acting.account_id() && acting.reaches(request.loop_id);
    if owner { Ok(request) } else { Err(NO_ACCESS) }
}

/// What a cancellation did (contract 7.6).
pub struct Cancelled {
    /// The request as it is now.
    pub request: Request,
    /// Where it stood before.
    pub previous: Status,
    /// The window after one unit was given back, if it was still pending.
    pub refunded: Option<Window>,
}

/// Takes an open request back; its creator or the loop's may. A pending one gives its unit of the limit back (contract 3.7).
pub async fn cancel(
    app: &App,
    acting: impl Into<Acting<'_>>,
    id: Id<Request>,
    reason: Option<&str>,
) -> Result<Cancelled> {
    let acting = acting.into();
    for _ in 0..TRIES {
        let request = current(app, id).await?;
        if !owns(acting, &request) {
            return Err(NO_ACCESS);
        }
        let previous = request.status;
        if previous.is_final() {
            return Err(
                Invalid::with("Request cannot be cancelled in current state", json!({"status": previous})).into()
            );
        }
        if let Some(request) = cancel_from(app, acting, &request, reason).await? {
            let refunded = match acting.caller() {
                Some(caller) if previous == Status::Pending => admission::refund(app, caller).await?,
                _ => None,
            };
            return Ok(Cancelled { request, previous, refunded });
        }
        app.store.catch_up().await?;
    }
    Err(Error::invalid("Request cannot be cancelled in current state"))
}

async fn cancel_from(app: &App, acting: Acting<'_>, old: &Request, reason: Option<&str>) -> Result<Option<Request>> {
    let mut tx = app.store.begin();
    let Some(moved) = transitions::cancel(&mut tx, old.id, old.status, reason, app.now()).await? else {
        return Ok(None);
    };
    let refunded = acting.caller().is_some() && old.status == Status::Pending;
    let step = Step { previous: Some(old.status), refunded, ..Step::default() };
    let request = record::moved(app, &mut tx, EventName::RequestCancelled, acting.actor(), &moved, step).await?;
    tx.commit().await?;
    Ok(Some(request))
}

/// The reason in the body of a cancellation, which may be anything or nothing (contract 1.2.2); cut to its longest form.
pub fn reason(sent: &Sent) -> Option<String> {
    let reason = sent.as_ref().ok().and_then(|sent: &Object| sent.trimmed("reason").ok().flatten())?;
    Some(if longer_than(reason, LONGEST_REASON) {
        reason.chars().take(LONGEST_REASON).collect()
    } else {
        reason.to_owned()
    })
}

/// Tells what the answer was worth; the request's creator may, once, when it was answered (contract 7.7). Says whether the
/// reviewer will be told by another way than their history.
pub async fn give_feedback(app: &App, caller: &Caller, id: Id<Request>, sent: Sent) -> Result<(Feedback, bool)> {
    let request = made_by(app, caller.into(), id).await?;
    if request.status != Status::Completed {
        return Err(Error::invalid("Feedback can only be added to completed requests"));
    }
    let body = Feedback::parse(&sent?)?;
    let submitted_at: Timestamp = app.now();
    let entry = Feedback { id: app.new_id(), request_id: id, account_id: caller.account_id(), body, submitted_at };
    let mut tx = app.store.begin();
    feedback::insert(&mut tx, &entry).await.map_err(|error| match error {
        store::Error::Conflict => Error::invalid("Feedback already submitted for this request"),
        store::Error::Orphan => NOT_FOUND,
        other => other.into(),
    })?;
    let event = EventName::RequestFeedback;
    let recorded = record::of_request(app, &mut tx, event, caller.actor(), &request, Step::default()).await?;
    tx.commit().await?;
    Ok((entry, recorded.told))
}
