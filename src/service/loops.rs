//! Loops, as programs manage them (contract 6). Who may touch a loop is decided here, beside what is done.

use super::{Acting, Error, Result, members::alive_since, record};
use crate::{
    app::App,
    domain::{
        Account, Actor, EventName, Id, Loop, Member, MemberRole, MemberStatus, Sent, Timestamp,
        loops::{DEFAULT_ICON, LoopChange, NewLoop, invite_code},
    },
    store::{self, Tx, loops, members, requests, transitions, webhooks},
};

/// A loop and who is in it.
#[derive(Clone, Debug)]
pub struct Peopled {
    /// The loop.
    pub it: Loop,
    /// Its members, the creator first.
    pub members: Vec<Member>,
}

/// A loop that was just made, and whether its icon was chosen: that decides the answer's status (contract 6.2).
pub struct Created {
    /// The loop and its one member.
    pub peopled: Peopled,
    /// Whether an icon was sent.
    pub icon_given: bool,
}

/// What went with a loop that was deleted (contract 6.6).
pub struct Deleted {
    /// The loop.
    pub loop_id: Id<Loop>,
    /// When.
    pub deleted_at: Timestamp,
    /// Memberships and invitations.
    pub members_removed: i64,
    /// Requests.
    pub requests_deleted: i64,
    /// Answered requests.
    pub responses_deleted: i64,
}

pub(super) const NOT_FOUND: Error = Error::Missing("Loop not found");
pub(super) const NO_ACCESS: Error = Error::denied("Access denied to this loop");

/// Nothing is put to a loop, and nobody into it, that was deleted meanwhile.
pub(super) fn gone(error: store::Error) -> Error {
    match error {
        store::Error::Orphan => NOT_FOUND,
        other => other.into(),
    }
}

/// Makes a loop for the caller, who becomes its first member.
pub async fn create(app: &App, acting: impl Into<Acting<'_>>, sent: Sent) -> Result<Created> {
    let acting = acting.into();
    if acting.confined_to().is_some() {
        return Err(Error::denied("Access denied to this resource"));
    }
    create_for(app, acting.actor(), acting.account_id(), NewLoop::parse(&sent?)?).await
}

/// Makes a loop for an account.
pub async fn create_for(app: &App, actor: Actor, account: Id<Account>, new: NewLoop) -> Result<Created> {
    loop {
        match create_once(app, actor, account, new.clone()).await {
            Err(Error::Store(store::Error::Conflict)) => {} // the code is another loop's: draw again
            outcome => return outcome,
        }
    }
}

async fn create_once(app: &App, actor: Actor, account: Id<Account>, new: NewLoop) -> Result<Created> {
    let icon_given = new.icon.is_some();
    let now = app.now();
    let it = Loop {
        id: app.new_id(),
        creator_id: account,
        name: new.name,
        description: new.description,
        icon: new.icon.unwrap_or_else(|| DEFAULT_ICON.to_owned()),
        invite_code: invite_code(app.random()),
        created_at: now,
        updated_at: now,
    };
    let mut tx = app.store.begin();
    loops::insert(&mut tx, &it).await?;
    let creator = super::accounts::account_in(&mut tx, account).await?;
    let member = Member {
        loop_id: it.id,
        account_id: account,
        email: creator.email,
        name: creator.name,
        account_status: creator.status,
        role: MemberRole::Admin,
        status: MemberStatus::Active,
        invited_at: now,
        joined_at: Some(now),
        last_active: None,
    };
    members::put(&mut tx, &member).await?;
    record::of_loop(app, &mut tx, EventName::LoopCreated, actor, &it).await?;
    tx.commit().await?;
    Ok(Created { peopled: Peopled { it, members: vec![member] }, icon_given })
}

/// The loops that the caller made, the newest first; with those it has joined, if asked for.
pub async fn list(app: &App, acting: impl Into<Acting<'_>>, joined_too: bool) -> Result<Vec<Peopled>> {
    let acting = acting.into();
    let mut found = loops::created_by(&app.store, acting.account_id()).await?;
    if joined_too {
        let joined = loops::joined_by(&app.store, acting.account_id()).await?;
        found.extend(joined.into_iter().filter(|it| it.creator_id != acting.account_id()));
        found.sort_by_key(|it| std::cmp::Reverse((it.created_at, it.id)));
    }
    found.retain(|it| acting.reaches(it.id));
    with_members(app, acting.account_id(), found).await
}

/// Puts to each loop its members; they must be loops that the account made or has joined.
pub(super) async fn with_members(app: &App, account: Id<Account>, found: Vec<Loop>) -> Result<Vec<Peopled>> {
    let mut by_loop = std::collections::HashMap::<_, Vec<Member>>::new();
    for member in members::of_loops_of(&app.store, account, alive_since(app)).await? {
        by_loop.entry(member.loop_id).or_default().push(member);
    }
    Ok(found.into_iter().map(|it| Peopled { members: by_loop.remove(&it.id).unwrap_or_default(), it }).collect())
}

/// One loop, for its creator and members.
pub async fn show(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>) -> Result<Peopled> {
    let acting = acting.into();
    let it = visible(app, acting, id).await?;
    let members = members::of_loop(&app.store, id, alive_since(app)).await?;
    Ok(Peopled { it, members })
}

/// Changes a loop; its creator may.
pub async fn update(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>, sent: Sent) -> Result<Peopled> {
    let acting = acting.into();
    owned(app, acting, id, "Only loop creator can update the loop").await?;
    let change = LoopChange::parse(&sent?)?;
    let mut tx = app.store.begin();
    let it = loops::update(&mut tx, id, &change, app.now()).await?.ok_or(NOT_FOUND)?;
    record::of_loop(app, &mut tx, EventName::LoopUpdated, acting.actor(), &it).await?;
    let members = members::of_loop(&mut tx, id, alive_since(app)).await?;
    tx.commit().await?;
    Ok(Peopled { it, members })
}

/// Deletes a loop and all that is in it; its creator may. Open requests are ended first, so that whoever waits is told.
pub async fn delete(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>) -> Result<Deleted> {
    let acting = acting.into();
    let it = owned(app, acting, id, "Only loop creator can delete the loop").await?;
    let deleted_at = app.now();
    let mut tx = app.store.begin();
    end_open(app, &mut tx, acting.actor(), id, deleted_at).await?;
    let (requests_deleted, responses_deleted) = requests::counts_of_loop(&mut tx, id).await?;
    let members_removed = members::count(&mut tx, id, alive_since(app)).await?;
    record::of_loop(app, &mut tx, EventName::LoopDeleted, acting.actor(), &it).await?;
    webhooks::delete_of_loop(&mut tx, id, deleted_at).await?;
    if !loops::delete(&mut tx, id).await? {
        return Err(NOT_FOUND);
    }
    tx.commit().await?;
    Ok(Deleted { loop_id: id, deleted_at, members_removed, requests_deleted, responses_deleted })
}

/// Cancels what is open. What is due was not cancelled but has timed out, even if the clock had no time to say so (contract
/// 8.2): one moment decides for both, so that nothing falls between.
async fn end_open(app: &App, tx: &mut Tx, actor: Actor, id: Id<Loop>, now: Timestamp) -> Result<()> {
    for moved in transitions::expire_all(&mut *tx, id, now).await? {
        record::ended(app, tx, EventName::RequestTimeout, Actor::Clock, &moved).await?;
    }
    for moved in transitions::cancel_all(&mut *tx, id, "The loop was deleted", now).await? {
        record::ended(app, tx, EventName::RequestCancelled, actor, &moved).await?;
    }
    Ok(())
}

/// Gives a loop a new invite code; its creator may. The old one stops working.
pub async fn rotate_code(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>) -> Result<Loop> {
    let acting = acting.into();
    let it = owned(app, acting, id, "Only loop creator can update the loop").await?;
    new_code(app, acting.actor(), it).await
}

/// Gives a loop a new invite code.
pub async fn new_code(app: &App, actor: Actor, it: Loop) -> Result<Loop> {
    loop {
        let it = Loop { invite_code: invite_code(app.random()), updated_at: app.now(), ..it.clone() };
        match set_code(app, actor, it).await {
            Err(Error::Store(store::Error::Conflict)) => {} // the code is another loop's: draw again
            outcome => return outcome,
        }
    }
}

async fn set_code(app: &App, actor: Actor, it: Loop) -> Result<Loop> {
    let mut tx = app.store.begin();
    loops::set_code(&mut tx, it.id, &it.invite_code, it.updated_at).await?;
    record::of_loop(app, &mut tx, EventName::LoopCodeRotated, actor, &it).await?;
    tx.commit().await?;
    Ok(it)
}

/// How a loop's requests stand (contract 6.10).
pub async fn statistics(app: &App, acting: impl Into<Acting<'_>>, id: Id<Loop>) -> Result<Vec<requests::Tally>> {
    let acting = acting.into();
    visible(app, acting, id).await?;
    super::deadlines::settle_if_due(app).await?;
    Ok(requests::statistics(&app.store, id).await?)
}

/// A loop that the caller may read: its creator and its active members may.
pub(super) async fn visible(app: &App, acting: Acting<'_>, id: Id<Loop>) -> Result<Loop> {
    let it = loops::find(&app.store, id).await?.ok_or(NOT_FOUND)?;
    let belongs =
        it.creator_id == acting.account_id() || members::is_active(&app.store, id, acting.account_id()).await?;
    if belongs && acting.reaches(id) { Ok(it) } else { Err(NO_ACCESS) }
}

/// A loop that the caller made. A member who did not is told `members_only`, an outsider that there is no access.
pub(super) async fn owned(app: &App, acting: Acting<'_>, id: Id<Loop>, members_only: &'static str) -> Result<Loop> {
    let it = visible(app, acting, id).await?;
    if it.creator_id == acting.account_id() { Ok(it) } else { Err(Error::denied(members_only)) }
}

/// All loops, for the operator.
pub async fn list_all(app: &App) -> Result<Vec<Loop>> {
    Ok(loops::list(&app.store).await?)
}

/// One loop, for the operator.
pub async fn any(app: &App, id: Id<Loop>) -> Result<Loop> {
    loops::find(&app.store, id).await?.ok_or(NOT_FOUND)
}
